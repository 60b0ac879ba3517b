/** Where threads run, and where what they touch first comes from: on the machine `numa4`, 2 CPUs a node. */
import { Topology, affinity, bindMemory, currentCpu, pin, place, setAffinity } from '@corelane/platform';
import type { AutomaticPlacement, Placement } from '@corelane/platform';
import { expectRefused, expectVerified } from '../answers.ts';
import { inConditions } from '../conditions.ts';
import { Crew, allowedCpus } from '../crew.ts';
import { Region, showTruth } from '../region.ts';
import type { Suite } from '../suite.ts';
import { expectEqual, expectThat } from '../suite.ts';
import { onCpus } from '../this-thread.ts';

interface Placed {
  readonly placement: Placement;
  /** Of each worker, by /proc. */
  readonly allowed: readonly string[];
  /** Node under its feet. */
  readonly nodes: readonly (number | null)[];
}

/** Starts workers, pins each to its slot, and asks the kernel's files and getcpu where they are. */
async function placeCrew(options: AutomaticPlacement, use?: (crew: Crew) => Promise<void>): Promise<Placed> {
  const placement = place(Topology.read(), options);
  await using crew = new Crew(options.threads);
  const ids = await crew.askAll<'id'>(() => ({ do: 'id' }));
  await crew
    .askAll<'pin'>((worker) => ({ do: 'pin', slot: placement.slots[worker] ?? { cpus: [], node: null } }))
    .then((pinned) => pinned.map((answer) => expectVerified('pin', answer)));
  const where = await crew.askAll<'where'>(() => ({ do: 'where' }));
  await use?.(crew);
  return {
    placement,
    allowed: ids.map((id) => allowedCpus(expectVerified('threadId', id))),
    nodes: where.map((answer) => expectVerified('currentCpu', answer).node),
  };
}

function sorted(nodes: Placed['nodes']): readonly (number | null)[] {
  return nodes.toSorted((a, b) => (a ?? -1) - (b ?? -1));
}

function show({ allowed, nodes }: Placed): string {
  return allowed.map((cpus, worker) => `CPUs ${cpus} node ${nodes[worker]}`).join('; ');
}

export const suite: Suite = {
  name: 'threads',
  tests: [
    {
      name: 'the node of each CPU, by running there',
      asked: 'this thread on CPU 0, 1, … 7',
      run() {
        const nodes = Array.from({ length: 8 }, (_, cpu) => {
          const found = onCpus([cpu], () => expectVerified('currentCpu', currentCpu()));
          expectEqual('cpu', found.cpu, cpu);
          return found.node;
        });
        expectEqual('nodes', nodes, [0, 0, 1, 1, 2, 2, 3, 3]);
        return nodes.join(', ');
      },
    },
    {
      name: 'spread: 4 threads on 4 nodes',
      asked: "place({ policy: 'spread', threads: 4 }), pin",
      async run() {
        const placed = await placeCrew({ policy: 'spread', threads: 4 });
        expectEqual('nodes', sorted(placed.nodes), [0, 1, 2, 3]);
        expectEqual(
          'of the slots',
          placed.nodes,
          placed.placement.slots.map(({ node }) => node),
        );
        for (const cpus of placed.allowed) expectThat(`CPUs ${cpus}: one each`, /^\d$/.test(cpus));
        return show(placed);
      },
    },
    {
      name: 'compact: 2 threads on one node, 3 on two',
      asked: "place({ policy: 'compact', threads: 3 }), pin",
      async run() {
        const placed = await placeCrew({ policy: 'compact', threads: 3 });
        const [first, second, third] = placed.nodes;
        expectEqual('second', second, first);
        expectThat(`third on node ${third}, expected another than ${first}`, third !== first);
        return show(placed);
      },
    },
    {
      name: 'perNode: every node has as many, each free within its node',
      asked: "place({ policy: 'perNode', threads: 8 }), pin",
      async run() {
        const placed = await placeCrew({ policy: 'perNode', threads: 8 });
        expectEqual('nodes', sorted(placed.nodes), [0, 0, 1, 1, 2, 2, 3, 3]);
        for (const [worker, cpus] of placed.allowed.entries()) {
          const node = placed.nodes[worker] ?? 0;
          expectEqual('CPUs', cpus, `${node * 2}-${node * 2 + 1}`);
        }
        return show(placed);
      },
    },
    {
      name: 'nodes: threads only where they may be',
      asked: "place({ policy: 'spread', threads: 4, nodes: [1, 3] }), pin",
      async run() {
        const placed = await placeCrew({ policy: 'spread', threads: 4, nodes: [1, 3] });
        expectEqual('nodes', sorted(placed.nodes), [1, 1, 3, 3]);
        return show(placed);
      },
    },
    {
      name: 'a worker is moved from outside, by its thread id',
      asked: 'pin(CPUs 6-7, tid) from the main thread, then CPU 2',
      async run() {
        await using crew = new Crew(1);
        const tid = expectVerified('threadId', await crew.ask<'id'>(0, { do: 'id' }));
        const places = [];
        for (const slot of [
          { cpus: [6, 7], node: 3 },
          { cpus: [2], node: 1 },
        ]) {
          expectVerified('pin', pin(slot, tid));
          expectEqual('affinity', expectVerified('affinity', affinity(tid)), slot.cpus);
          const { cpu, node } = expectVerified('currentCpu', await crew.ask<'where'>(0, { do: 'where' }));
          expectEqual('node', node, slot.node);
          places.push(`CPUs ${allowedCpus(tid)}: ran on ${cpu}`);
        }
        return places.join('; ');
      },
    },
    {
      name: 'first touch: pages come from the node of the thread that writes first',
      asked: '4 workers spread over nodes 1 and 3 only touch 8, 16, 24 and 32 MiB',
      async run() {
        using region = new Region(80);
        const share = 8 * 2 ** 20;
        // 0, 1, 3, 6, 10 shares: where the part of each worker begins.
        const begin = (worker: number): number => ((worker * (worker + 1)) / 2) * share;
        const touched = await placeCrew({ policy: 'spread', threads: 4, nodes: [1, 3] }, async (crew) => {
          await crew.askAll<'touch'>((worker) => ({
            do: 'touch',
            view: region.view,
            from: begin(worker),
            to: begin(worker + 1),
          }));
        });
        const truth = region.truth();
        const expected: Record<number, number> = { 1: 0, 3: 0 };
        for (const [worker, { node }] of touched.placement.slots.entries())
          expected[node ?? 0] = (expected[node ?? 0] ?? 0) + ((worker + 1) * share) / 4096;
        expectEqual('numa_maps', truth, { policy: 'default', pages: expected });
        return `${showTruth(truth)} (${show(touched)})`;
      },
    },
    {
      name: 'a policy is stronger than first touch',
      asked: 'a worker on node 0 touches 16 MiB bound to node 3',
      async run() {
        using region = new Region(16);
        expectVerified('bindMemory', bindMemory(region.view, [3]));
        await using crew = new Crew(1);
        expectVerified('pin', await crew.ask<'pin'>(0, { do: 'pin', slot: { cpus: [0], node: 0 } }));
        await crew.ask<'touch'>(0, { do: 'touch', view: region.view, from: 0, to: region.view.byteLength });
        const truth = region.truth();
        expectEqual('pages', truth.pages, { 3: region.pages });
        return showTruth(truth);
      },
    },
    {
      name: 'a thread that ended, and one of another process',
      asked: 'setAffinity by the id of a terminated worker, and of process 1',
      async run() {
        let tid = 0;
        {
          await using crew = new Crew(1);
          tid = expectVerified('threadId', await crew.ask<'id'>(0, { do: 'id' }));
        }
        const dead = expectRefused('setAffinity', setAffinity([0], tid), 'ESRCH');
        expectRefused('setAffinity', setAffinity([0], 1), 'ESRCH');
        return dead;
      },
    },
    {
      name: 'without the addon: the node of the CPU comes from /proc and /sys, placing is unsupported',
      asked: 'CORELANE_NO_NATIVE=1 in a process whose parent put it on CPU 5',
      run() {
        const found = onCpus([5], () => inConditions({ env: { CORELANE_NO_NATIVE: '1' } }, 'whereAndBind'));
        expectEqual('currentCpu', expectVerified('currentCpu', found.where), { cpu: 5, node: 2 });
        expectEqual('affinity', expectVerified('affinity', found.affinity), [5]);
        expectEqual('setAffinity', found.pinned.status, 'unsupported');
        expectEqual('bindMemory', found.bound.status, 'unsupported');
        return `${JSON.stringify(found.where)}; bindMemory ${JSON.stringify(found.bound)}`;
      },
    },
  ],
};
