/** What the machine `holes` is: node 0 whole, node 1 with CPUs 2-3 and no memory, node 2 with memory and no CPUs. */
import { Topology, bindMemory, migrateMemory, place } from '@corelane/platform';
import { expectRefused, expectVerified } from '../answers.ts';
import { Crew, allowedCpus } from '../crew.ts';
import { Region, showTruth } from '../region.ts';
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
    {
      name: 'threads are placed on nodes without memory, and none on nodes without CPUs',
      asked: "place({ policy: 'perNode', threads: 4 }), pin",
      async run() {
        const { slots } = place(Topology.read(), { policy: 'perNode', threads: 4 });
        await using crew = new Crew(slots.length);
        const pinned = await crew.askAll<'pin'>((worker) => ({
          do: 'pin',
          slot: slots[worker] ?? { cpus: [], node: null },
        }));
        for (const answer of pinned) expectVerified('pin', answer);
        const ids = await crew.askAll<'id'>(() => ({ do: 'id' }));
        const allowed = ids.map((id) => allowedCpus(expectVerified('threadId', id)));
        expectEqual('Cpus_allowed_list', allowed, ['0-1', '2-3', '0-1', '2-3']);
        return allowed.join('; ');
      },
    },
    {
      name: 'first touch on a node without memory takes the nearest that has some',
      asked: 'a worker on CPU 3 touches 8 MiB',
      async run() {
        using region = new Region(8);
        await using crew = new Crew(1);
        const slot = { cpus: [3], node: 1 };
        expectVerified('pin', await crew.ask<'pin'>(0, { do: 'pin', slot }));
        const { node } = expectVerified('currentCpu', await crew.ask<'where'>(0, { do: 'where' }));
        expectEqual('node', node, 1);
        await crew.ask<'touch'>(0, { do: 'touch', view: region.view, from: 0, to: region.view.byteLength });
        const truth = region.truth();
        expectEqual('numa_maps', truth, { policy: 'default', pages: { 2: region.pages } });
        return showTruth(truth);
      },
    },
    {
      name: 'memory cannot be bound or moved to a node without memory',
      asked: 'bind to node 1, migrate to node 1',
      run() {
        using region = new Region(8);
        region.touch();
        const before = region.truth();
        expectRefused('bindMemory', bindMemory(region.view, [1]), 'EINVAL', 'node 1', '0,2');
        const reason = expectRefused(
          'migrateMemory',
          migrateMemory(region.view, 1),
          'ENODEV',
          'node 1',
          '0,2',
        );
        expectEqual('numa_maps', region.truth(), before);
        return reason;
      },
    },
    {
      name: 'memory can be bound and moved to a node without CPUs',
      asked: 'bind 8 MiB to node 2, touch; migrate 8 MiB to node 2',
      run() {
        using bound = new Region(8);
        expectVerified('bindMemory', bindMemory(bound.view, [2]));
        bound.touch();
        expectEqual('numa_maps', bound.truth(), { policy: 'bind:2', pages: { 2: bound.pages } });
        using moved = new Region(8);
        expectVerified('bindMemory', bindMemory(moved.view, [0]));
        moved.touch();
        expectVerified('migrateMemory', migrateMemory(moved.view, 2));
        expectEqual('numa_maps', moved.truth().pages, { 2: moved.pages });
        return `${showTruth(bound.truth())}; ${showTruth(moved.truth())}`;
      },
    },
    {
      name: 'two threads a core, and places for one of them',
      asked: "-smp 4,sockets=2,cores=1,threads=2; place({ smt: 'never' })",
      run() {
        const topology = Topology.read();
        const { Package, Core, PU } = topology.counts;
        expectEqual('counts', { Package, Core, PU }, { Package: 2, Core: 2, PU: 4 });
        const cores = topology.cores.map(({ cpus }) => cpus);
        expectEqual('cores', cores, [
          [0, 1],
          [2, 3],
        ]);
        const { places } = place(topology, { policy: 'spread', threads: 1, smt: 'never' });
        expectEqual('places', places, 2);
        const order = place(topology, { policy: 'compact', threads: 4 }).slots.map(({ cpus }) => cpus[0]);
        expectEqual('compact, second threads last', order, [0, 2, 1, 3]);
        return `cores ${JSON.stringify(cores)}; compact takes ${order.join(', ')}`;
      },
    },
  ],
};
