// All interleavings of the framed ring's kernel, with 4 slots and positions that wrap past 2^31.
// Longer than other files: every mutant is run against all scenarios, which stand in one list.
import { explore, killsMutants, type Mutant, peek, poke, type Scenario } from '@corelane/interleave';
import { describe, expect, test } from 'vitest';
import type * as Frames from '../kernel/framed-ring.ts';
import * as frames from '../kernel/framed-ring.ts';
import {
  FRAME_CORRUPT,
  FRAME_EMPTY,
  FRAME_FULL,
  FRAME_PADDING,
  FRAME_READY,
  FRAME_SETTLED,
  FRAME_SLOT_BYTES,
  framedRingRoot,
  frameHeader,
} from '../src/layout.ts';
import * as payload from './kernel/payload.ts';

type Kernel = typeof Frames;

const AT = 0;
const SLOTS = 4;
/** Slot 2, and two slots before the positions become negative. */
const START = 0x7ffffffe;
const HEADERS = AT + framedRingRoot.bytes;
const DATA = HEADERS + SLOTS * frameHeader.bytes;
const TWO_SLOTS = FRAME_SLOT_BYTES + 4;
const TAIL = AT + framedRingRoot.offset.tail;
const HEAD = AT + framedRingRoot.offset.head;
const PEEKED = AT + framedRingRoot.offset.peeked;
const NAMES = Object.fromEntries([
  [TAIL, 'tail'],
  [HEAD, 'head'],
  [AT + framedRingRoot.offset.headSeen, 'headSeen'],
  [AT + framedRingRoot.offset.read, 'read'],
  [PEEKED, 'peeked'],
  ...Array.from({ length: SLOTS }, (_, slot) => [
    ...(['state', 'length', 'mirror', 'owner'] as const).map((word) => [
      HEADERS + slot * frameHeader.bytes + frameHeader.offset[word],
      `${word}${slot}`,
    ]),
    [DATA + slot * FRAME_SLOT_BYTES, `data${slot}`],
  ]).flat(),
]) as Record<number, string>;

const payloadOf = (slot: number): number => DATA + slot * FRAME_SLOT_BYTES;

interface Log {
  readonly put: readonly number[];
  readonly got: readonly string[];
}

/** A frame of `length` bytes; its first word is `value`. */
type Frame = readonly [value: number, length: number];
const say = ([value, length]: Frame): string => `${value}:${length}`;

/** Tries to write each frame once; returns the values that went in. */
const producer =
  (k: Kernel, owner: number, ...wanted: readonly Frame[]) =>
  (): Log => ({
    put: wanted
      .filter(([value, length]) => {
        const slot = k.claimFrame(AT, owner, length);
        if (slot === FRAME_FULL) return false;
        payload.write(payloadOf(slot), value);
        return k.settleFrame(AT, slot, length, FRAME_READY) === FRAME_SETTLED;
      })
      .map(([value]) => value),
    got: [],
  });

function take(k: Kernel, release: boolean): string | undefined {
  const slot = k.peekFrame(AT);
  if (slot === FRAME_CORRUPT) return 'corrupt';
  if (slot < 0) return undefined;
  const frame = say([payload.read(payloadOf(slot)), payload.read(PEEKED)]);
  k.advanceFrame(AT);
  if (release) k.releaseFrames(AT);
  return frame;
}

/** Looks `times` times; hands room on each time, or at the end. */
const consumer =
  (k: Kernel, times: number, batch = false) =>
  (): Log => {
    const got = Array.from({ length: times }, () => take(k, !batch)).filter((frame) => frame !== undefined);
    if (batch) k.releaseFrames(AT);
    return { put: [], got };
  };

/** What came out, and then what is left inside: each frame that was put once, whole, each producer’s in order. */
function conserved(
  k: Kernel,
  results: readonly unknown[],
  wanted: readonly (readonly Frame[])[],
): string | undefined {
  const logs = results as Log[];
  const out = logs.flatMap(({ got }) => got);
  for (let frame = take(k, true); frame !== undefined && out.length < 10; frame = take(k, true))
    out.push(frame);
  const put = new Set(logs.flatMap(({ put: values }) => values));
  const made = wanted.map((each) => each.filter(([value]) => put.has(value)).map(say));
  if (made.flat().toSorted().join() !== out.toSorted().join())
    return `wrote ${made.flat().join()}, read ${out.join()}`;
  for (const each of made) {
    const order = out.filter((frame) => each.includes(frame));
    if (order.join() !== each.join()) return `wrote ${each.join()}, read ${order.join()}`;
  }
  const used = (peek(TAIL) - peek(HEAD)) | 0;
  if (k.peekFrame(AT) !== FRAME_EMPTY || used !== 0) return `drained, ${used} slots are used`;
  for (let slot = 0; slot < SLOTS; slot++)
    if (peek(HEADERS + slot * frameHeader.bytes) !== 0) return `drained, header ${slot} is not clear`;
  return k.claimFrame(AT, 1, TWO_SLOTS) === FRAME_FULL ? 'drained, it is full' : undefined;
}

const scenario = (
  k: Kernel,
  name: string,
  threads: Scenario['threads'],
  wanted: readonly (readonly Frame[])[],
  more: Partial<Scenario> = {},
): Scenario => ({
  name,
  bytes: DATA + SLOTS * FRAME_SLOT_BYTES,
  names: NAMES,
  setup: () => k.initializeFrames(AT, SLOTS, START),
  threads,
  invariant: () => {
    const used = (peek(TAIL) - peek(HEAD)) | 0;
    return used < 0 || used > SLOTS ? `${used} slots are used` : undefined;
  },
  check: (results) => conserved(k, results, wanted),
  ...more,
});

const A: Frame[] = [
  [1, 4],
  [2, TWO_SLOTS],
  [3, 0],
];
const B: Frame[] = [[4, TWO_SLOTS]];
const C: Frame[] = [
  [1, FRAME_SLOT_BYTES],
  [2, FRAME_SLOT_BYTES],
];
const D: Frame[] = [[3, FRAME_SLOT_BYTES]];
const LAPS: Frame[] = [
  [1, TWO_SLOTS],
  [2, 4],
  [3, TWO_SLOTS],
  [4, 4],
];

/** Claims and never commits: the thread has ended. */
const dead = (k: Kernel, owner: number, length: number) => (): Log => {
  k.claimFrame(AT, owner, length);
  return { put: [], got: [] };
};

const SCENARIOS = [
  (k: Kernel): Scenario =>
    scenario(k, 'frames of 1 and 2 slots, padding at the end', [producer(k, 1, ...A), consumer(k, 3)], [A]),
  (k: Kernel): Scenario =>
    scenario(k, 'two laps and more, in batches', [producer(k, 1, ...LAPS), consumer(k, 4, true)], [LAPS]),
  (k: Kernel): Scenario =>
    scenario(
      k,
      'two producers, one consumer',
      [producer(k, 1, ...C), producer(k, 2, ...D), consumer(k, 2)],
      [C, D],
    ),
  (k: Kernel): Scenario =>
    scenario(
      k,
      'two producers, one of them has to pad',
      [producer(k, 1, [1, 4]), producer(k, 2, ...B), consumer(k, 1)],
      [[[1, 4]], B],
    ),
  (k: Kernel): Scenario =>
    scenario(
      k,
      'two producers and a ring that is full but for one slot: exactly one finds room',
      [producer(k, 1, [1, 4]), producer(k, 2, [2, 4])],
      [
        [[1, 4]],
        [[2, 4]],
        [
          [9, TWO_SLOTS],
          [8, 4],
        ],
      ],
      {
        setup: () => {
          k.initializeFrames(AT, SLOTS, START);
          producer(k, 3, [9, TWO_SLOTS], [8, 4])();
        },
        check: (results) => {
          const put = (results as Log[]).flatMap((log) => log.put);
          return put.length === 1 ? undefined : `${put.length} frames went in`;
        },
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      k,
      'an aborted claim is passed by',
      [
        producer(k, 1, [1, 4]),
        (): Log => {
          const slot = k.claimFrame(AT, 2, TWO_SLOTS);
          if (slot !== FRAME_FULL) k.settleFrame(AT, slot, TWO_SLOTS, FRAME_PADDING);
          return { put: [], got: [] };
        },
        consumer(k, 1),
      ],
      [[[1, 4]]],
    ),
  (k: Kernel): Scenario =>
    scenario(
      k,
      'the claim of a thread that ended is reclaimed, that of one that lives is not',
      [
        producer(k, 1, [1, 4]),
        (): Log => {
          k.reclaimFrames(AT, 2);
          return { put: [], got: [take(k, true) ?? ''].filter(Boolean) };
        },
      ],
      [[[1, 4]]],
      {
        setup: () => {
          k.initializeFrames(AT, SLOTS, START);
          dead(k, 2, 4)();
        },
        check: (results) => {
          if (k.reclaimFrames(AT, 2) !== 0) return 'reclaimed it once more';
          return conserved(k, results, [[[1, 4]]]);
        },
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      k,
      'a producer that was taken for dead and commits learns it',
      [
        producer(k, 2, [1, 4]),
        (): Log => {
          k.reclaimFrames(AT, 2);
          return { put: [], got: [] };
        },
      ],
      [[[1, 4]]],
    ),
  (k: Kernel): Scenario =>
    scenario(
      k,
      'what a consumer that ended was done with is handed on by the next',
      [producer(k, 1, [2, TWO_SLOTS]), (): Log => ({ put: [], got: [take(k, false) ?? ''] })],
      [[[1, 4]], [[2, TWO_SLOTS]]],
      {
        setup: () => {
          k.initializeFrames(AT, SLOTS, START);
          producer(k, 1, [1, 4])();
        },
        check: (results) => {
          k.releaseFrames(AT);
          const logs = results as Log[];
          return conserved(k, [...logs, { put: [1], got: [] }], [[[1, 4]], [[2, TWO_SLOTS]]]);
        },
      },
    ),
  ...(['length', 'mirror', 'state', 'kind'] as const).map(
    (word) =>
      (k: Kernel): Scenario =>
        scenario(
          k,
          `a destroyed ${word} is found, and what is behind it is read`,
          [
            producer(k, 1, [2, 4]),
            (): Log => {
              const found = k.peekFrame(AT);
              const skipped = k.skipFrame(AT);
              return { put: [], got: [`${found} ${skipped}`, take(k, true) ?? ''].filter(Boolean) };
            },
          ],
          [],
          {
            setup: () => {
              k.initializeFrames(AT, SLOTS, START);
              producer(k, 1, [1, 4])();
              const header = HEADERS + 2 * frameHeader.bytes;
              if (word === 'kind') poke(header, peek(header) ^ 1);
              else poke(header + frameHeader.offset[word], 0x12345672);
            },
            check: (results) => {
              const out = (results as Log[]).flatMap(({ got }) => got);
              for (let frame = take(k, true); frame !== undefined && out.length < 9; frame = take(k, true))
                out.push(frame);
              const expected = `${FRAME_CORRUPT} 4,2:4`;
              return out.join() === expected ? undefined : `read ${out.join()}, expected ${expected}`;
            },
          },
        ),
  ),
  (k: Kernel): Scenario =>
    scenario(
      k,
      'used slots stay from 0 to all',
      [
        producer(k, 1, [2, 4], [3, 4]),
        consumer(k, 1),
        (): Log => {
          const used = k.usedSlots(AT);
          return { put: used < 0 || used > SLOTS ? [used] : [], got: [] };
        },
      ],
      [],
      {
        setup: () => {
          k.initializeFrames(AT, SLOTS, START);
          producer(k, 1, [8, TWO_SLOTS], [9, 4])();
        },
        check: (results) => {
          const { put } = (results as Log[])[2] as Log;
          return put.length === 0 ? undefined : `${put.join()} slots are used`;
        },
      },
    ),
];

const MUTANTS: Mutant[] = [
  {
    name: 'slots are claimed without a CAS',
    find: 'const seen = compareExchange(ring + FRAMED_RING_ROOT_TAIL, position, (position + needed) | 0);',
    replace:
      'const seen = load(ring + FRAMED_RING_ROOT_TAIL); if (seen == position) store(ring + FRAMED_RING_ROOT_TAIL, (position + needed) | 0);',
  },
  {
    name: 'the header is published before its length',
    find: 'set(header + FRAME_HEADER_LENGTH, length);',
    replace:
      'store(header + FRAME_HEADER_STATE, stateOf(kind, slot, length)); set(header + FRAME_HEADER_LENGTH, length);',
  },
  {
    name: 'the claim is published as ready at once',
    find: 'writeHeader(ring, begin, first, FRAME_CLAIMED, length, owner);',
    replace: 'writeHeader(ring, begin, first, FRAME_READY, length, owner);',
  },
  {
    name: 'no padding: a frame goes on at the start',
    find: 'slot + span > slots ? (slots - slot) | 0 : 0',
    replace: '0',
  },
  {
    name: 'padding is claimed and not written',
    find: 'if (padding != 0) writeHeader',
    replace: 'if (padding < 0) writeHeader',
  },
  {
    name: 'padding is not counted',
    find: 'const needed = (padding + span) | 0;',
    replace: 'const needed = span;',
  },
  {
    name: 'a claim does not look whether there is room',
    find: 'if (used + needed > slots) return FRAME_FULL;',
    replace: '',
  },
  {
    name: 'a claim trusts an old head',
    find: 'if (used < 0 || used + needed > slots) {',
    replace: 'if (used < 0) {',
  },
  {
    name: 'a claim says full by an old head',
    find: 'const head = load(ring + FRAMED_RING_ROOT_HEAD); // observe',
    replace: 'const head = load(ring + FRAMED_RING_ROOT_HEAD_SEEN); // observe',
  },
  {
    name: 'a commit does not look whether the claim is its own',
    find: 'return compareExchange(state, claimed, stateOf(kind, slot, length)) == claimed ? FRAME_SETTLED : FRAME_LOST;',
    replace: 'store(state, stateOf(kind, slot, length)); return FRAME_SETTLED;',
  },
  {
    name: 'the consumer does not clear the header',
    find: 'set(headerOf(ring, slot) + FRAME_HEADER_STATE, 0);',
    replace: '',
  },
  {
    name: 'room is handed on before the header is clear',
    find: 'set(headerOf(ring, slot) + FRAME_HEADER_STATE, 0);\n  set(ring + FRAMED_RING_ROOT_READ, (position + span) | 0);',
    replace:
      'store(ring + FRAMED_RING_ROOT_HEAD, (position + span) | 0); set(headerOf(ring, slot) + FRAME_HEADER_STATE, 0); set(ring + FRAMED_RING_ROOT_READ, (position + span) | 0);',
  },
  {
    name: 'room is handed on plainly',
    find: 'store(ring + FRAMED_RING_ROOT_HEAD, get(ring + FRAMED_RING_ROOT_READ));',
    replace: 'set(ring + FRAMED_RING_ROOT_HEAD, get(ring + FRAMED_RING_ROOT_READ));',
    expect: 'race',
  },
  {
    name: 'an unfinished frame is read',
    find: 'if (kind == FRAME_CLAIMED) return FRAME_UNFINISHED;\n    if (kind == FRAME_READY) {',
    replace: 'if (kind != FRAME_PADDING) {',
  },
  { name: 'padding is read', find: 'if (kind == FRAME_READY) {', replace: 'if (kind != FRAME_CLAIMED) {' },
  {
    name: 'the state is not compared with the length',
    find: 'state != stateOf(kind, slot, length) ||',
    replace: '',
  },
  {
    name: 'the mirror is not compared with the length',
    find: '(length ^ position ^ FRAME_MAGIC) != get(header + FRAME_HEADER_MIRROR) ||',
    replace: '',
  },
  {
    name: 'a corrupt frame is passed by with the length that it says',
    find: 'const length = agreedLength(ring, position, slot);\n  if (!fits(length, slot, slots)) return NO_LENGTH;',
    replace: 'const length = get(headerOf(ring, slot) + FRAME_HEADER_LENGTH);',
  },
  {
    name: 'the kind is not sealed',
    find: ' ^ (kind << 24)',
    replace: '',
  },
  {
    name: 'reclaiming takes the claims of others',
    find: ' && get(header + FRAME_HEADER_OWNER) == owner',
    replace: '',
  },
  {
    name: 'reclaiming finds nothing',
    find: 'while (((tail - position) | 0) > 0) {',
    replace: 'while (((tail - position) | 0) > slots) {',
  },
  {
    name: 'positions are compared as if they never wrapped',
    find: 'used = (position - head) | 0;',
    replace: 'used = position - head;',
  },
  {
    name: 'used slots are not limited',
    find: 'return used < slots ? used : slots;',
    replace: 'return used;',
  },
];

describe('framed ring, all interleavings', { timeout: 120_000 }, () => {
  test.each(SCENARIOS.map((make) => make(frames)))('$name', (each) => {
    const found = explore(each);
    expect(found.complete).toBe(true);
    expect(found.accesses).toBeGreaterThan(0);
  });

  test('these scenarios kill every mutant', () => {
    const { kills } = killsMutants<Kernel>({
      kernel: new URL('../kernel/framed-ring.ts', import.meta.url),
      mutants: MUTANTS,
      scenarios: SCENARIOS,
    });
    expect(kills).toHaveLength(MUTANTS.length);
  });
});
