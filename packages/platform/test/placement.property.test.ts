// What placements promise, on captured machines where they are, and on synthetic ones with random parts missing.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AutomaticPlacement, Pu, Topology as Machine } from '../src/index.ts';
import { memoryFileSystem, place, PlacementError, Topology } from '../src/index.ts';
import { capturedMachines } from './captured.ts';
import { machine, map, range } from './machine.ts';

const synthetic = [
  [1, 1, 1],
  [1, 4, 2],
  [2, 4, 2, 2],
  [4, 3, 1, 4],
  [4, 2, 4, 2],
].map(([packages = 1, cores = 1, threads = 1, nodes = 1]): [string, Machine] => [
  `${packages} packages of ${cores} cores of ${threads} threads, ${nodes} nodes`,
  Topology.read({
    fs: memoryFileSystem(
      machine({ packages, cores, threads, nodes: Array.from({ length: nodes }, (_, node) => node) }),
    ),
  }),
]);
const captured = capturedMachines();
const RUNS = { numRuns: 60 };

/** Options with a random half of the CPUs, for any policy but explicit. */
function options(topology: Machine): fc.Arbitrary<AutomaticPlacement> {
  const cpus = topology.pus.map(({ os }) => os);
  return fc.record(
    {
      policy: fc.constantFrom('compact', 'spread', 'perNode'),
      threads: fc.integer({ min: 1, max: cpus.length * 2 + 1 }),
      cpus: fc.subarray(cpus, { minLength: 1 }),
      smt: fc.constantFrom('last', 'pack', 'never'),
      prefer: fc.constantFrom('performance', 'efficiency', 'any'),
      bind: fc.constantFrom('cpu', 'core', 'cache', 'node'),
    },
    { requiredKeys: ['policy', 'threads'] },
  );
}

const distinct = (values: Iterable<unknown>): number => new Set(values).size;
const coreOf = (pu: Pu): unknown => pu.core ?? pu;

describe.each([...synthetic, ...captured])('%s', (_, topology) => {
  const all = topology.pus.map(({ os }) => os);
  const usable = (asked: AutomaticPlacement): Pu[] =>
    [...(asked.cpus ?? all)].map((cpu) => topology.pu(cpu) as Pu);
  const chosen = (asked: AutomaticPlacement): Pu[] =>
    place(topology, { ...asked, bind: 'cpu' }).slots.map(({ cpus }) => topology.pu(cpus[0] ?? -1) as Pu);
  const check = (property: (asked: AutomaticPlacement) => void): void =>
    fc.assert(fc.property(options(topology), property), RUNS);

  test('every slot has CPUs that are there and were asked for, and their node', () => {
    check((asked) => {
      const { slots } = place(topology, asked);
      expect(slots.map(({ index }) => index)).toEqual(Array.from({ length: asked.threads }, (__, at) => at));
      const allowed = new Set(asked.cpus ?? all);
      for (const { cpus, node } of slots) {
        expect(cpus.length).toBeGreaterThan(0);
        expect(cpus).toEqual([...new Set(cpus)].toSorted((a, b) => a - b));
        expect(cpus.filter((cpu) => !allowed.has(cpu))).toEqual([]);
        const nodes = new Set(cpus.map((cpu) => topology.nodeOfCpu(cpu)));
        expect(node).toBe(nodes.size === 1 ? [...nodes][0] : null);
      }
    });
  });

  test('a thread more moves none of the others, and the same question has the same answer', () => {
    check((asked) => {
      const { slots } = place(topology, asked);
      expect(place(topology, { ...asked, threads: asked.threads + 1 }).slots.slice(0, -1)).toEqual(slots);
      const backwards = asked.cpus === undefined ? asked : { ...asked, cpus: [...asked.cpus].toReversed() };
      expect(place(topology, backwards).slots).toEqual(slots);
    });
  });

  test('no CPU has two threads more than another, and none is shared before all are taken', () => {
    check((asked) => {
      const pus = chosen(asked);
      const room = asked.smt === 'never' ? distinct(usable(asked).map(coreOf)) : usable(asked).length;
      const { places, oversubscribed } = place(topology, asked);
      expect({ places, oversubscribed }).toEqual({ places: room, oversubscribed: asked.threads > room });
      expect(distinct(pus)).toBe(Math.min(room, asked.threads));
      const counts = [...Map.groupBy(pus, (pu) => pu).values()].map(({ length }) => length);
      expect(Math.max(...counts)).toBe(Math.ceil(asked.threads / room));
      if (oversubscribed)
        expect(() => place(topology, { ...asked, oversubscribe: false })).toThrow(PlacementError);
    });
  });

  test('one thread a core first, and no core shared where that is never wanted', () => {
    check((asked) => {
      if (asked.smt === 'pack' || asked.policy === 'perNode') return;
      const cores = distinct(usable(asked).map(coreOf));
      expect(distinct(chosen(asked).map(coreOf))).toBe(Math.min(cores, asked.threads));
    });
  });

  test('the preferred kind is taken first', () => {
    check((asked) => {
      if (asked.prefer === 'any' || asked.policy === 'perNode' || asked.smt !== 'never') return;
      const sign = asked.prefer === 'efficiency' ? 1 : -1;
      const room = distinct(usable(asked).map(coreOf));
      const kinds = chosen(asked)
        .slice(0, room)
        .map((pu) => sign * (pu.kind ?? 0));
      expect(kinds).toEqual(kinds.toSorted((a, b) => a - b));
    });
  });

  const alike = { prefer: 'any' } as const;
  const groupSizes = (pus: readonly Pu[], keyOf: (pu: Pu) => unknown): number[] =>
    [...Map.groupBy(pus, keyOf).values()].map(({ length }) => length).toSorted((a, b) => b - a);
  const fewest = (sizes: readonly number[], threads: number): number => {
    let left = threads;
    return sizes.filter((size) => (left -= size) + size > 0).length;
  };

  test('compact uses as few nodes as hold the threads, and cores of them as packed as can be', () => {
    check((asked) => {
      const packed = { ...asked, ...alike, policy: 'compact', smt: 'pack' } as const;
      const pus = chosen(packed);
      const sizes = groupSizes(usable(asked), ({ node }) => node);
      expect(distinct(pus.map(({ node }) => node))).toBe(fewest(sizes, asked.threads));
      // Only the last core may be taken in part.
      const taken = Map.groupBy(new Set(pus), coreOf);
      const whole = Map.groupBy(usable(asked), coreOf);
      const partly = [...taken].filter(([core, own]) => own.length < (whole.get(core)?.length ?? 0));
      expect(partly.length).toBeLessThanOrEqual(1);
    });
  });

  test('spread uses as many nodes as there are threads for', () => {
    check((asked) => {
      const pus = chosen({ ...asked, ...alike, policy: 'spread', smt: 'last' });
      const nodes = distinct(usable(asked).map(({ node }) => node));
      expect(distinct(pus.map(({ node }) => node))).toBe(Math.min(nodes, asked.threads));
    });
  });

  test('perNode leaves no node for which moving a thread there would even things out', () => {
    check((asked) => {
      const { slots } = place(topology, { ...asked, policy: 'perNode', smt: 'last', bind: 'node' });
      const room = new Map(
        [...Map.groupBy(usable(asked), ({ node }) => node)].map(([node, own]) => [node, own.length]),
      );
      const once = slots.slice(0, usable(asked).length);
      const counts = new Map([...room.keys()].map((node) => [node, 0]));
      for (const { node } of once) counts.set(node, (counts.get(node) ?? 0) + 1);
      for (const [node, count] of counts)
        for (const [other, less] of counts)
          expect(count / (room.get(node) ?? 1)).toBeLessThanOrEqual(
            (less + 1) / (room.get(other) ?? 1) + 1e-9,
          );
    });
  });

  test('explicit keeps what it is given, in its order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...all), { minLength: 1, maxLength: 20 }), (cpus) => {
        const { slots } = place(topology, { policy: 'explicit', cpus });
        expect(slots.map((slot) => slot.cpus)).toEqual(cpus.map((cpu) => [cpu]));
      }),
      RUNS,
    );
  });
});

describe('on a machine of equal parts', () => {
  // 4 packages of 4 cores of 2 threads, 2 nodes; an L2 for 2 cores, an L3 for each package.
  const files = machine({ packages: 4, cores: 4, threads: 2, nodes: [0, 1] });
  for (const cpu of range(0, 32))
    files[`/sys/devices/system/cpu/cpu${cpu}/cache/index2/shared_cpu_map`] = map(
      range(cpu - (cpu % 4), cpu - (cpu % 4) + 4),
    );
  const topology = Topology.read({ fs: memoryFileSystem(files) });
  const cache =
    (level: number) =>
    (pu: Pu): unknown =>
      pu.caches.find((index) => topology.caches[index]?.level === level);
  const keys: [string, (pu: Pu) => unknown, number][] = [
    ['node', ({ node }) => node, 16],
    ['package', (pu) => pu.package, 8],
    ['L3', cache(3), 8],
    ['L2', cache(2), 4],
    ['core', ({ core }) => core, 2],
  ];
  const counted = (policy: 'compact' | 'spread', threads: number, keyOf: (pu: Pu) => unknown): number =>
    distinct(
      place(topology, { policy, threads, smt: policy === 'compact' ? 'pack' : 'last' }).slots.map(
        ({ cpus }) => keyOf(topology.pu(cpus[0] ?? -1) as Pu),
      ),
    );

  test.each(keys)('compact has the fewest and spread the most of every %s', (__, keyOf, size) => {
    for (let threads = 1; threads <= 32; threads++) {
      expect(counted('compact', threads, keyOf)).toBe(Math.ceil(threads / size));
      expect(counted('spread', threads, keyOf)).toBe(Math.min(threads, 32 / size));
    }
  });
});
