/** What the machine `tiers` is: nodes without memory, nodes without CPUs, and what HMAT says of them. */
import { Topology } from '@corelane/platform';
import type { Suite } from '../suite.ts';
import { expectEqual } from '../suite.ts';

export const suite: Suite = {
  name: 'tiers',
  tests: [
    {
      name: 'nodes with memory only',
      asked: 'nodes 2 and 3 without CPUs',
      run() {
        const only = Topology.read()
          .nodes.filter(({ memoryOnly }) => memoryOnly)
          .map(({ os }) => os);
        expectEqual('memoryOnly', only, [2, 3]);
        return `nodes ${only.join(', ')}`;
      },
    },
  ],
};
