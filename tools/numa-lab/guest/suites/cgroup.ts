/** `limits()` on a real cgroup v2: the least over all groups above the process. */
import type { Limits } from '@corelane/platform';
import type { Chain } from '../cgroups.ts';
import { withGroups } from '../cgroups.ts';
import { inConditions } from '../conditions.ts';
import type { Suite } from '../suite.ts';
import { expectEqual, expectThat } from '../suite.ts';

const MIB = 2 ** 20;

function limitsIn(chain: Chain): { limits: Limits; directories: readonly string[] } {
  return withGroups(chain, (directories) => ({
    limits: inConditions({ cgroups: directories.slice(-1) }, 'limits'),
    directories,
  }));
}

export const suite: Suite = {
  name: 'cgroup',
  tests: [
    {
      name: 'cpu.max of the parent holds for the leaf',
      asked: 'parent 1.5 CPUs, leaf 3 CPUs',
      run() {
        const { limits, directories } = limitsIn([
          { 'cpu.max': '150000 100000' },
          { 'cpu.max': '300000 100000' },
        ]);
        expectEqual('cpuQuota', limits.cpuQuota.value, 1.5);
        expectEqual('source', limits.cpuQuota.source, `${directories[0]}/cpu.max`);
        expectEqual('availableParallelism', limits.availableParallelism.value, 1);
        return `${limits.cpuQuota.value} CPUs from ${limits.cpuQuota.source}; 1 thread worth running`;
      },
    },
    {
      name: 'cpu.max of the leaf, where it is the least of three',
      asked: 'groups of 6, no limit, 2.5 CPUs',
      run() {
        const { limits, directories } = limitsIn([
          { 'cpu.max': '600000 100000' },
          {},
          { 'cpu.max': '125000 50000' },
        ]);
        expectEqual('cpuQuota', limits.cpuQuota.value, 2.5);
        expectEqual('source', limits.cpuQuota.source, `${directories[2]}/cpu.max`);
        expectEqual('availableParallelism', limits.availableParallelism.value, 2);
        return `${limits.cpuQuota.value} CPUs from ${limits.cpuQuota.source}`;
      },
    },
    {
      name: 'memory.max is the least of three groups',
      asked: '1 GiB, 300 MiB, no limit',
      run() {
        const { limits, directories } = limitsIn([
          { 'memory.max': String(1024 * MIB) },
          { 'memory.max': String(300 * MIB) },
          {},
        ]);
        expectEqual('memoryLimitBytes', limits.memoryLimitBytes.value, 300 * MIB);
        expectEqual('source', limits.memoryLimitBytes.source, `${directories[1]}/memory.max`);
        const usage = limits.memoryUsageBytes.value ?? 0;
        expectThat(`usage ${usage} is of the probe: 1 to 300 MiB`, usage > MIB && usage < 300 * MIB);
        return `300 MiB from ${limits.memoryLimitBytes.source}, ${Math.round(usage / MIB)} MiB in use`;
      },
    },
    {
      name: 'no limit anywhere is "unlimited"',
      asked: 'two groups without settings',
      run() {
        const { limits } = limitsIn([{}, {}]);
        expectEqual('cpuQuota', limits.cpuQuota.value, 'unlimited');
        expectEqual('memoryLimitBytes', limits.memoryLimitBytes.value, 'unlimited');
        expectEqual('availableParallelism', limits.availableParallelism.value, 8);
        return 'cpu unlimited, memory unlimited, 8 threads worth running';
      },
    },
    {
      name: 'nested cpusets: CPUs and nodes that all groups allow',
      asked: 'outer CPUs 0-5 nodes 0-2; inner CPUs 2-7 nodes 1-3',
      run() {
        const { limits } = limitsIn([
          { 'cpuset.cpus': '0-5', 'cpuset.mems': '0-2' },
          { 'cpuset.cpus': '2-7', 'cpuset.mems': '1-3' },
        ]);
        expectEqual('cpuset', limits.cpuset.value, [2, 3, 4, 5]);
        expectEqual('memoryNodes', limits.memoryNodes.value, [1, 2]);
        expectEqual('affinity', limits.affinity.value, [2, 3, 4, 5]);
        expectEqual('availableParallelism', limits.availableParallelism.value, 4);
        return `CPUs ${String(limits.cpuset.value)}; nodes ${String(limits.memoryNodes.value)}`;
      },
    },
    {
      name: 'a cpuset and a quota together: the smaller counts',
      asked: 'cpuset 2-5, cpu.max 3 CPUs',
      run() {
        const { limits } = limitsIn([{ 'cpuset.cpus': '2-5' }, { 'cpu.max': '300000 100000' }]);
        expectEqual('availableParallelism', limits.availableParallelism.value, 3);
        return `${limits.availableParallelism.value} threads (${limits.availableParallelism.reason})`;
      },
    },
    {
      name: 'locked-memory limit of the process',
      asked: 'ulimit -l 64',
      run() {
        const { lockedMemoryBytes } = inConditions({ lockedKiB: 64 }, 'limits');
        expectEqual('lockedMemoryBytes', lockedMemoryBytes.value, { soft: 65_536, hard: 65_536 });
        return JSON.stringify(lockedMemoryBytes.value);
      },
    },
  ],
};
