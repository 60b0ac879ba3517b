/** What the machine `holes` is: a node without memory and one without CPUs. */
import { Topology } from '@corelane/platform';
import type { Suite } from '../suite.ts';
import { expectEqual } from '../suite.ts';

export const suite: Suite = {
  name: 'holes',
  tests: [
    {
      name: 'a node without memory is a node',
      asked: 'node 1 has CPUs 2-3 and no memory',
      run() {
        const topology = Topology.read();
        expectEqual(
          'nodes',
          topology.nodes.map(({ os }) => os),
          [0, 1, 2],
        );
        const { cpus, memoryBytes } = topology.nodes[1] ?? {};
        expectEqual('node 1', { cpus, memoryBytes }, { cpus: [2, 3], memoryBytes: 0 });
        expectEqual('nodeOfCpu(2)', topology.nodeOfCpu(2), 1);
        expectEqual('disallowedNodes', topology.disallowedNodes, []);
        return 'nodes 0, 1, 2; node 1: CPUs 2,3, 0 bytes; CPU 2 is of node 1';
      },
    },
    {
      name: 'a node without CPUs is memory only, local to the nearest CPUs',
      asked: 'node 2 at distance 12 from node 1, 28 from node 0',
      run() {
        const { cpus, memoryOnly, localCpus } = Topology.read().node(2) ?? {};
        const expected = { cpus: [], memoryOnly: true, localCpus: [2, 3] };
        expectEqual('node 2', { cpus, memoryOnly, localCpus }, expected);
        return 'node 2: memory only, local to CPUs 2,3';
      },
    },
  ],
};
