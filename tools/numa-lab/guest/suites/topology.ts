/** What the machine `numa4` is, as Topology reads it from a running kernel. */
import { writeFileSync } from 'node:fs';
import { Topology, limits, setAffinity } from '@corelane/platform';
import { expectRefused } from '../answers.ts';
import { withGroups } from '../cgroups.ts';
import { inConditions } from '../conditions.ts';
import type { Suite } from '../suite.ts';
import { expectEqual, expectThat } from '../suite.ts';
import { onCpus } from '../this-thread.ts';

const DISTANCES = [
  [10, 16, 16, 22],
  [16, 10, 22, 16],
  [16, 22, 10, 16],
  [22, 16, 16, 10],
];

export const suite: Suite = {
  name: 'topology',
  tests: [
    {
      name: '4 packages, 4 nodes, 8 cores, 8 PUs',
      asked: '-smp 8,sockets=4,cores=2',
      run() {
        const { counts, notes } = Topology.read();
        const { Package, NUMANode, Core, PU } = counts;
        expectEqual('counts', { Package, NUMANode, Core, PU }, { Package: 4, NUMANode: 4, Core: 8, PU: 8 });
        expectEqual('notes', notes, []);
        return JSON.stringify({ Package, NUMANode, Core, PU });
      },
    },
    {
      name: 'CPUs of each node',
      asked: 'nodes of CPUs 0-1, 2-3, 4-5, 6-7',
      run() {
        const topology = Topology.read();
        const cpus = topology.nodes.map((node) => node.cpus);
        expectEqual('cpus', cpus, [
          [0, 1],
          [2, 3],
          [4, 5],
          [6, 7],
        ]);
        const nodes = Array.from({ length: 8 }, (_, cpu) => topology.nodeOfCpu(cpu));
        expectEqual('nodeOfCpu(0…7)', nodes, [0, 0, 1, 1, 2, 2, 3, 3]);
        return JSON.stringify(cpus);
      },
    },
    {
      name: 'distances',
      asked: '-numa dist 10/16/22',
      run() {
        const distances = Topology.read().nodes.map((node) => node.distances);
        expectEqual('distances', distances, DISTANCES);
        return JSON.stringify(distances);
      },
    },
    {
      name: 'memory of each node',
      asked: '512 MiB each',
      run() {
        const mebibytes = Topology.read().nodes.map(({ memoryBytes }) => (memoryBytes ?? 0) / 2 ** 20);
        for (const [node, found] of mebibytes.entries())
          expectThat(`node ${node} has ${found} MiB, expected 400 to 512`, found > 400 && found <= 512);
        return `${mebibytes.map(Math.round).join(', ')} MiB`;
      },
    },
    {
      name: 'a cpuset leaves out the other nodes',
      asked: 'cpuset CPUs 2-5, nodes 1-2',
      run() {
        const settings = { 'cpuset.cpus': '2-5', 'cpuset.mems': '1-2' };
        const seen = withGroups([settings], (cgroups) => inConditions({ cgroups }, 'topology'));
        expectEqual(
          'nodes',
          seen.nodes.map(({ os }) => os),
          [1, 2],
        );
        expectEqual('disallowedCpus', seen.disallowedCpus, [0, 1, 6, 7]);
        expectEqual('disallowedNodes', seen.disallowedNodes, [0, 3]);
        return `nodes 1, 2; disallowed CPUs ${seen.disallowedCpus.join(',')}, nodes ${seen.disallowedNodes.join(',')}`;
      },
    },
    {
      name: 'a CPU that goes offline, and comes back',
      asked: 'CPU 7 offline: topology, limits, setAffinity 7 and 6-7',
      run() {
        const online = '/sys/devices/system/cpu/cpu7/online';
        writeFileSync(online, '0');
        try {
          const topology = Topology.read();
          expectEqual('offlineCpus', topology.offlineCpus, [7]);
          expectEqual('node 3', topology.node(3)?.cpus, [6]);
          expectEqual('threads worth running', limits().availableParallelism.value, 7);
          expectRefused(
            'setAffinity',
            onCpus([0], () => setAffinity([7])),
            'EINVAL',
            '0-6',
          );
          const reason = expectRefused(
            'setAffinity',
            onCpus([0], () => setAffinity([6, 7])),
            null,
            '0-6',
          );
          writeFileSync(online, '1');
          expectEqual('offlineCpus', Topology.read().offlineCpus, []);
          return reason;
        } finally {
          writeFileSync(online, '1');
        }
      },
    },
  ],
};
