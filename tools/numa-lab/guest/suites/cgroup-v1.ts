/** `limits()` on control groups of version 1: on the machine `holes`, 4 CPUs. */
import type { Limits } from '@corelane/platform';
import type { ChainsV1 } from '../cgroups-v1.ts';
import { withGroupsV1 } from '../cgroups-v1.ts';
import { inConditions } from '../conditions.ts';
import type { Suite } from '../suite.ts';
import { expectEqual } from '../suite.ts';

const MIB = 2 ** 20;

function limitsIn(chains: ChainsV1): Limits {
  return withGroupsV1(chains, (cgroups) => inConditions({ cgroups }, 'limits'));
}

export const suite: Suite = {
  name: 'cgroup v1',
  tests: [
    {
      name: 'the quota of the parent holds for the leaf',
      asked: 'cpu.cfs_quota_us: parent 2.5 CPUs, leaf none',
      run() {
        const { cpuQuota, availableParallelism } = limitsIn({
          cpu: [
            { 'cpu.cfs_period_us': '200000', 'cpu.cfs_quota_us': '500000' },
            { 'cpu.cfs_quota_us': '-1' },
          ],
        });
        expectEqual('cpuQuota', cpuQuota.value, 2.5);
        expectEqual('availableParallelism', availableParallelism.value, 2);
        return `${cpuQuota.value} CPUs from ${cpuQuota.source}`;
      },
    },
    {
      name: 'the quota of the leaf, where it is less',
      asked: 'cpu.cfs_quota_us: parent 2.5 CPUs, leaf 0.5',
      run() {
        const { cpuQuota, availableParallelism } = limitsIn({
          cpu: [{ 'cpu.cfs_quota_us': '250000' }, { 'cpu.cfs_quota_us': '50000' }],
        });
        expectEqual('cpuQuota', cpuQuota.value, 0.5);
        expectEqual('availableParallelism', availableParallelism.value, 1);
        return `${cpuQuota.value} CPUs from ${cpuQuota.source}`;
      },
    },
    {
      name: 'the memory limit is the least of three groups',
      asked: 'memory.limit_in_bytes: none, 200 MiB, 400 MiB',
      run() {
        const { memoryLimitBytes } = limitsIn({
          memory: [
            {},
            { 'memory.limit_in_bytes': String(200 * MIB) },
            { 'memory.limit_in_bytes': String(400 * MIB) },
          ],
        });
        expectEqual('memoryLimitBytes', memoryLimitBytes.value, 200 * MIB);
        return `200 MiB from ${memoryLimitBytes.source}`;
      },
    },
    {
      name: 'all hierarchies at once',
      asked: 'cpuset CPUs 1-2 node 2; 3 CPUs; no memory limit',
      run() {
        const found = limitsIn({
          cpu: [{ 'cpu.cfs_quota_us': '300000' }],
          memory: [{}],
          cpuset: [{ 'cpuset.cpus': '0-2' }, { 'cpuset.cpus': '1-2', 'cpuset.mems': '2' }],
        });
        expectEqual('cpuQuota', found.cpuQuota.value, 3);
        expectEqual('memoryLimitBytes', found.memoryLimitBytes.value, 'unlimited');
        expectEqual('cpuset', found.cpuset.value, [1, 2]);
        expectEqual('memoryNodes', found.memoryNodes.value, [2]);
        expectEqual('availableParallelism', found.availableParallelism.value, 2);
        return `CPUs ${String(found.cpuset.value)} from ${found.cpuset.source}; 2 threads`;
      },
    },
  ],
};
