// All interleavings of the ring's kernel, with a capacity of 2 and positions that wrap past 2^31.
import { explore, killsMutants, type Mutant, peek, type Scenario } from '@corelane/interleave';
import { describe, expect, test } from 'vitest';
import type * as Role from '../kernel/role.ts';
import * as role from '../kernel/role.ts';
import type * as Ring from '../kernel/spsc-ring.ts';
import * as ring from '../kernel/spsc-ring.ts';
import { RING_PUSHED, ringWord, spscRingRoot } from '../src/layout.ts';
import * as payload from './kernel/payload.ts';

type Kernel = typeof Ring;

const AT = 0;
const CAPACITY = 2;
const START = 0x7fffffff;
const DATA = AT + spscRingRoot.bytes;
const TAIL = AT + spscRingRoot.offset.tail;
const HEAD = AT + spscRingRoot.offset.head;
const NAMES = {
  [TAIL]: 'tail',
  [HEAD]: 'head',
  [AT + spscRingRoot.offset.headSeen]: 'headSeen',
  [AT + spscRingRoot.offset.tailSeen]: 'tailSeen',
  [AT + spscRingRoot.offset.popped]: 'popped',
  [DATA]: 'word0',
  [DATA + 4]: 'word1',
};

const wordOf = (position: number): number => DATA + (position & (CAPACITY - 1)) * ringWord.bytes;

/** Tries to push each value once; returns what went in. */
const pusher =
  (k: Kernel, ...values: readonly number[]) =>
  (): number[] =>
    values.filter((value) => k.pushRing(AT, value) === RING_PUSHED);

/** Tries to pop `times` times; returns what came out. */
const popper = (k: Kernel, times: number) => (): number[] =>
  Array.from({ length: times }, () =>
    k.popRing(AT) === 1 ? payload.read(AT + spscRingRoot.offset.popped) : 0,
  ).filter((value) => value !== 0);

/** Writes blocks as the class does: asks, writes, publishes. */
const blockWriter =
  (k: Kernel, ...blocks: readonly (readonly number[])[]) =>
  (): number[] => {
    const written: number[] = [];
    let position = START;
    for (const block of blocks) {
      const count = Math.min(k.freeElements(AT, block.length), block.length);
      for (const value of block.slice(0, count)) {
        payload.write(wordOf(position), value);
        position = (position + 1) | 0;
        written.push(value);
      }
      if (count > 0) k.publishElements(AT, count);
    }
    return written;
  };

const blockReader = (k: Kernel, times: number, most: number) => (): number[] => {
  const got: number[] = [];
  let position = START;
  for (let i = 0; i < times; i++) {
    const count = Math.min(k.readyElements(AT, most), most);
    for (let n = 0; n < count; n++) {
      got.push(payload.read(wordOf(position)));
      position = (position + 1) | 0;
    }
    if (count > 0) k.releaseElements(AT, count);
  }
  return got;
};

/** What came out, and then what is left inside, is what went in, in its order. */
function inOrder(k: Kernel, results: readonly unknown[]): string | undefined {
  const [put, got] = results as [number[], number[]];
  const left: number[] = [];
  while (left.length <= CAPACITY && k.popRing(AT) === 1) left.push(peek(AT + spscRingRoot.offset.popped));
  const out = [...got, ...left];
  return out.join() === put.join() ? undefined : `wrote ${put.join()}, read ${out.join()}`;
}

const scenario = (k: Kernel, name: string, threads: Scenario['threads']): Scenario => ({
  name,
  bytes: DATA + CAPACITY * ringWord.bytes,
  names: NAMES,
  setup: () => k.initializeRing(AT, CAPACITY, 4, START),
  threads,
  invariant: () => {
    const size = (peek(TAIL) - peek(HEAD)) | 0;
    return size < 0 || size > CAPACITY ? `holds ${size}` : undefined;
  },
  check: (results) => inOrder(k, results),
});

const SCENARIOS = [
  (k: Kernel): Scenario => scenario(k, 'single values: two laps', [pusher(k, 1, 2, 3, 4), popper(k, 4)]),
  (k: Kernel): Scenario =>
    scenario(k, 'blocks larger than what is free', [blockWriter(k, [1, 2, 3], [4, 5]), blockReader(k, 3, 2)]),
  (k: Kernel): Scenario =>
    scenario(k, 'blocks in, single values out', [blockWriter(k, [1, 2], [3, 4]), popper(k, 4)]),
  (k: Kernel): Scenario =>
    scenario(k, 'the size stays from 0 to the capacity', [
      pusher(k, 1, 2, 3),
      popper(k, 2),
      (): number[] => {
        const size = k.ringSize(AT);
        if (size < 0 || size > CAPACITY) throw new Error(`size ${size}`);
        return [];
      },
    ]),
  (k: Kernel): Scenario => ({
    ...scenario(k, 'with nobody reading, exactly the capacity fits', [pusher(k, 1, 2, 3)]),
    check: ([put]) => ((put as number[]).join() === '1,2' ? undefined : `took ${(put as number[]).join()}`),
  }),
];

const PUBLISH = 'store(ring + SPSC_RING_ROOT_TAIL, (load(ring + SPSC_RING_ROOT_TAIL) + count) | 0);';
const RELEASE = 'store(ring + SPSC_RING_ROOT_HEAD, (load(ring + SPSC_RING_ROOT_HEAD) + count) | 0);';

const MUTANTS: Mutant[] = [
  {
    name: 'the position is published plainly',
    find: PUBLISH,
    replace: PUBLISH.replace('store', 'set'),
    expect: 'race',
  },
  {
    name: 'room is handed back plainly',
    find: RELEASE,
    replace: RELEASE.replace('store', 'set'),
    expect: 'race',
  },
  {
    name: 'a value is published before it is written',
    find: 'set(wordOf(ring, load(ring + SPSC_RING_ROOT_TAIL)), value);\n  publishElements(ring, 1);',
    replace:
      'const at = wordOf(ring, load(ring + SPSC_RING_ROOT_TAIL)); publishElements(ring, 1); set(at, value);',
  },
  {
    name: 'a value is released before it is read',
    find: 'set(ring + SPSC_RING_ROOT_POPPED, get(wordOf(ring, load(ring + SPSC_RING_ROOT_HEAD))));\n  releaseElements(ring, 1);',
    replace:
      'const at = wordOf(ring, load(ring + SPSC_RING_ROOT_HEAD)); releaseElements(ring, 1); set(ring + SPSC_RING_ROOT_POPPED, get(at));',
  },
  {
    name: 'the producer never looks at the other end',
    find: 'if (known >= wanted) return known;\n  const head',
    replace: 'if (known >= 0) return wanted;\n  const head',
  },
  {
    name: 'the consumer never looks again',
    find: 'if (known >= wanted) return known;\n  const tail',
    replace: 'if (known >= 0) return wanted;\n  const tail',
  },
  {
    name: 'one more than the capacity fits',
    find: 'return (head - full) | 0;',
    replace: 'return (head - full + 1) | 0;',
  },
  {
    name: 'the producer compares positions as if they never wrapped',
    find: 'const full = (load(ring + SPSC_RING_ROOT_TAIL) - get(ring + SPSC_RING_ROOT_CAPACITY)) | 0;\n  const known = (get(ring + SPSC_RING_ROOT_HEAD_SEEN) - full) | 0;',
    replace:
      'const full = load(ring + SPSC_RING_ROOT_TAIL) - get(ring + SPSC_RING_ROOT_CAPACITY);\n  const known = get(ring + SPSC_RING_ROOT_HEAD_SEEN) - full;',
  },
  {
    name: 'the consumer compares positions as if they never wrapped',
    find: 'return (tail - head) | 0;',
    replace: 'return tail - head;',
  },
  {
    name: 'the size is not limited to the capacity',
    find: 'return size < capacity ? size : capacity;',
    replace: 'return size;',
    expect: 'exception',
  },
];

describe('SPSC ring, all interleavings', { timeout: 60_000 }, () => {
  test.each(SCENARIOS.map((make) => make(ring)))('$name', (each) => {
    const found = explore(each);
    expect(found.complete).toBe(true);
    expect(found.accesses).toBeGreaterThan(0);
  });

  test('these scenarios kill every mutant', () => {
    const { kills } = killsMutants<Kernel>({
      kernel: new URL('../kernel/spsc-ring.ts', import.meta.url),
      mutants: MUTANTS,
      scenarios: SCENARIOS,
    });
    expect(kills).toHaveLength(MUTANTS.length);
  });
});

// Two threads want one role; who has it writes the plain word that the role guards.
const GUARDED = 8;
const claimants = (k: typeof Role): Scenario => {
  const claimant = (holder: number) => (): number => {
    if (k.claimRole(0, holder) !== 0) return 0;
    payload.write(GUARDED, payload.read(GUARDED) + 1);
    return k.releaseRole(0, holder);
  };
  return {
    name: 'one role, two claimants',
    bytes: 16,
    names: { 0: 'role', [GUARDED]: 'guarded' },
    threads: [claimant(1), claimant(2)],
    check: (results) => {
      const had = (results as number[]).reduce((sum, result) => sum + result, 0);
      return peek(GUARDED) === had && had > 0 && peek(0) === 0
        ? undefined
        : `${had} had it, counted ${peek(GUARDED)}, left ${peek(0)}`;
    },
  };
};
const reclaimed = (k: typeof Role): Scenario => ({
  name: 'of two that reclaim a role, one frees it, and nobody frees another’s',
  bytes: 16,
  names: { 0: 'role' },
  setup: () => void k.claimRole(0, 1),
  threads: [
    (): number => k.releaseRole(0, 1),
    (): number => k.releaseRole(0, 1) + 2 * (k.claimRole(0, 2) === 0 ? 1 : 0),
  ],
  check: (results) => {
    const [first, second] = results as [number, number];
    return first + (second & 1) === 1 && peek(0) === (second & 2)
      ? undefined
      : `${first} ${second} ${peek(0)}`;
  },
});

describe('role, all interleavings', () => {
  test.each([claimants(role), reclaimed(role)])('$name', (each) => {
    expect(explore(each).complete).toBe(true);
  });

  test('these scenarios kill every mutant', () => {
    const mutants: Mutant[] = [
      {
        name: 'the role is claimed without a CAS',
        find: 'return compareExchange(role, 0, holder);',
        replace: 'const seen = load(role); if (seen == 0) store(role, holder); return seen;',
      },
      {
        name: 'a release does not look whose role it is',
        find: 'return compareExchange(role, holder, 0) == holder ? 1 : 0;',
        replace: 'store(role, 0); return 1;',
      },
    ];
    const { kills } = killsMutants<typeof Role>({
      kernel: new URL('../kernel/role.ts', import.meta.url),
      mutants,
      scenarios: [claimants, reclaimed],
    });
    expect(kills).toHaveLength(mutants.length);
  });
});
