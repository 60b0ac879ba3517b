/** What the machine `tiers` is: memory without CPUs, near and far, fast and slow. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { Topology, bindMemory, hugePages, interleaveMemory, parseCpuList } from '@corelane/platform';
import { expectVerified } from '../answers.ts';
import { Region, showTruth } from '../region.ts';
import type { Suite } from '../suite.ts';
import { expectEqual, expectThat } from '../suite.ts';
import { onCpus } from '../this-thread.ts';

const WEIGHTS = '/sys/kernel/mm/mempolicy/weighted_interleave';
const TIERS = '/sys/devices/virtual/memory_tiering';

export const suite: Suite = {
  name: 'tiers',
  tests: [
    {
      name: 'nodes with memory only',
      asked: 'nodes 2 and 3 without CPUs',
      run() {
        const topology = Topology.read();
        const only = topology.nodes.filter(({ memoryOnly }) => memoryOnly).map(({ os }) => os);
        expectEqual('memoryOnly', only, [2, 3]);
        return `nodes ${only.join(', ')}`;
      },
    },
    {
      name: 'a node without CPUs is local to those that HMAT names',
      asked: 'initiator 0 for node 2, initiator 1 for node 3',
      run() {
        const local = Topology.read().nodes.map(({ localCpus }) => localCpus);
        const nearest = [
          [0, 1],
          [2, 3],
        ];
        expectEqual('localCpus', local, [...nearest, ...nearest]);
        return JSON.stringify(local);
      },
    },
    {
      name: 'latency and bandwidth of HMAT',
      asked: '80 ns, 80 ns, 40 ns, 300 ns; 20, 20, 40, 5 GiB/s',
      run() {
        const { nodes } = Topology.read();
        const latencies = nodes.map(({ access }) => [access?.readLatencyNs, access?.writeLatencyNs]);
        expectEqual('latencies', latencies, [
          [80, 80],
          [80, 80],
          [40, 40],
          [300, 300],
        ]);
        const bandwidths = nodes.map(({ access }) => access?.readBandwidthMBps);
        expectEqual('bandwidths', bandwidths, [20_480, 20_480, 40_960, 5120]);
        return `${latencies.map(([read]) => `${read} ns`).join(', ')}; ${bandwidths.join(', ')} MB/s`;
      },
    },
    {
      name: 'distances of uneven nodes',
      asked: '12 to the fast memory, 28 and 24 to the slow one',
      run() {
        const distances = Topology.read().nodes.map((node) => node.distances);
        const expected = [
          [10, 20, 12, 28],
          [20, 10, 22, 24],
          [12, 22, 10, 28],
          [28, 24, 28, 10],
        ];
        expectEqual('distances', distances, expected);
        return JSON.stringify(distances);
      },
    },
    {
      name: "the kernel's memory tiers",
      asked: 'each node has the one whose nodelist names it; fast before near before slow',
      run() {
        const named = new Map<number, number>();
        for (const name of readdirSync(TIERS).filter((entry) => entry.startsWith('memory_tier')))
          for (const node of parseCpuList(readFileSync(`${TIERS}/${name}/nodelist`, 'utf8').trim()))
            named.set(node, Number(name.slice('memory_tier'.length)));
        const tiers = Topology.read().nodes.map(({ tier }) => tier);
        expectEqual(
          'tiers',
          tiers,
          [0, 1, 2, 3].map((node) => named.get(node)),
        );
        const [near = 0, , fast = 0, slow = 0] = tiers.map((tier) => tier ?? 0);
        expectThat(`fast ${fast} < near ${near} < slow ${slow}`, fast < near && near < slow);
        return tiers.join(', ');
      },
    },
    {
      name: 'memory in the fast and in the slow node',
      asked: 'bind 8 MiB to node 2 and 8 MiB to node 3; touch',
      run: () =>
        [2, 3]
          .map((node) => {
            using region = new Region(8);
            expectVerified('bindMemory', bindMemory(region.view, [node]));
            region.touch();
            expectEqual('numa_maps', region.truth(), {
              policy: `bind:${node}`,
              pages: { [node]: region.pages },
            });
            return showTruth(region.truth());
          })
          .join('; '),
    },
    {
      name: 'first touch takes near memory, never the nodes without CPUs',
      asked: 'this thread on CPU 0, then on CPU 2, touches 8 MiB',
      run: () =>
        [0, 2]
          .map((cpu) => {
            using region = new Region(8);
            onCpus([cpu], () => region.touch());
            expectEqual('numa_maps', region.truth(), {
              policy: 'default',
              pages: { [cpu / 2]: region.pages },
            });
            return `CPU ${cpu}: ${showTruth(region.truth())}`;
          })
          .join('; '),
    },
    {
      name: 'weighted interleave: shares by the weights of the nodes',
      asked: 'weights 5, 1, 3 of nodes 0, 1, 2; 36 MiB interleaved over them, weighted, in small pages',
      run() {
        const weights = [5, 1, 3];
        for (const [node, weight] of weights.entries())
          writeFileSync(`${WEIGHTS}/node${node}`, String(weight));
        using region = new Region(36);
        expectVerified('hugePages', hugePages(region.view, 'never'));
        const nodes = [0, 1, 2];
        expectVerified('interleaveMemory', interleaveMemory(region.view, nodes, { weighted: true }));
        region.touch();
        const { policy, pages } = region.truth();
        expectEqual('policy in numa_maps', policy, 'weighted interleave:0-2');
        for (const [node, weight] of weights.entries()) {
          const share = (region.pages * weight) / 9;
          expectThat(
            `node ${node} has ${pages[node]} pages, expected ${share}`,
            Math.abs((pages[node] ?? 0) - share) <= 9,
          );
        }
        return showTruth({ policy, pages });
      },
    },
  ],
};
