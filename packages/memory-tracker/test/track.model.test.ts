// All interleavings of kernel/track.ts: nothing is lost, the peak is the highest value, and no more is freed than is held.
import { killsMutants, poke, type Mutant, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import type * as Track from '../kernel/track.ts';
import { observe64, observedHigh, observedLow, put64 } from '../kernel/word64.ts';
import {
  FRESH,
  STALE,
  tagCell,
  TRACK_DONE,
  TRACK_REFUSED,
  TRACK_STALE,
  TRACK_UNDERFLOW,
  TRACK_UNSETTLED,
  workerSlot,
} from '../src/layout.ts';

type Kernel = typeof Track;

const TAG = 0;
const slot = (worker: number): number => tagCell.bytes + worker * workerSlot.bytes;
const BYTES = tagCell.bytes + 3 * workerSlot.bytes;
const NAMES = { [TAG + tagCell.offset.current]: 'current', [TAG + tagCell.offset.peak]: 'peak' };

const halves = (bytes: number): [number, number] => [bytes | 0, Math.floor(bytes / 2 ** 32) | 0];
const alloc = (k: Kernel, worker: number, bytes: number): number =>
  k.trackAlloc(TAG, slot(worker), ...halves(bytes), 1);
const dealloc = (k: Kernel, worker: number, bytes: number): number =>
  k.trackDealloc(TAG, slot(worker), ...halves(bytes), 1);

function read(at: number): number {
  observe64(at);
  return observedHigh() * 2 ** 32 + (observedLow() >>> 0);
}

const current = (): number => read(TAG + tagCell.offset.current);
const peak = (): number => read(TAG + tagCell.offset.peak);

function put(field: 'hard' | 'soft' | 'recover' | 'current', bytes: number): void {
  const [low, high] = halves(bytes);
  poke(TAG + tagCell.offset[field], low);
  poke(TAG + tagCell.offset[field] + 4, high);
}

/** No limits but `hard`. */
function limit(hard = 2 ** 53 - 1): void {
  put('hard', hard);
  put('soft', 2 ** 53 - 1);
}

/** Three allocations across 2^32, of which the last is the peak. */
const allocating = (k: Kernel): Scenario => ({
  name: 'three workers allocate across 2^32',
  bytes: BYTES,
  names: NAMES,
  setup: () => {
    limit();
    alloc(k, 0, 2 ** 32 - 4);
  },
  threads: [1, 2, 5].map((bytes, worker) => () => alloc(k, worker, bytes)),
  check: () => {
    const expected = 2 ** 32 + 4;
    return current() === expected && peak() === expected
      ? undefined
      : `current ${current()}, peak ${peak()}, expected ${expected}`;
  },
});

/** There is enough for one of them only. */
const freeing = (k: Kernel): Scenario => ({
  name: 'two workers free what is there once',
  bytes: BYTES,
  names: NAMES,
  setup: () => {
    limit();
    alloc(k, 0, 2 ** 33 + 1);
  },
  threads: [0, 1].map((worker) => () => dealloc(k, worker, 2 ** 32 + 3)),
  check: (results: readonly number[]) => {
    if (results.toSorted((a, b) => a - b).join() !== `${TRACK_DONE},${TRACK_UNDERFLOW}`)
      return `outcomes ${results.join()}`;
    return current() === 2 ** 32 - 2 ? undefined : `current ${current()}, expected ${2 ** 32 - 2}`;
  },
  invariant: () => (current() <= 2 ** 33 + 1 ? undefined : `current ${current()}`),
});

/** Allocations and frees of two workers: the peak is one that an order of them can reach. */
const mixed = (k: Kernel): Scenario => ({
  name: 'two workers allocate and free',
  bytes: BYTES,
  names: NAMES,
  setup: () => limit(),
  threads: [
    () => [alloc(k, 0, 3), dealloc(k, 0, 3), peak()],
    () => [alloc(k, 1, 5), dealloc(k, 1, 5), peak()],
  ],
  check: (results: readonly number[][]) => {
    const outcomes = results.map(([first, second]) => `${first},${second}`);
    if (outcomes.some((outcome) => outcome !== '0,0')) return `outcomes ${outcomes.join(' ')}`;
    if (current() !== 0) return `current ${current()}, expected 0`;
    if (![5, 8].includes(peak())) return `peak ${peak()}`;
    const [a, b] = results.map((each) => each[2]!) as [number, number];
    return a >= 3 && b >= 5 && a <= peak() && b <= peak() ? undefined : `peaks ${a} and ${b}, then ${peak()}`;
  },
});

/** In an epoch in which a carry out of the bytes would show. */
const LIMIT = 2 ** 53 - 1;

/** An allocation that would pass the limit changes nothing. */
const refusing = (k: Kernel, hard: number): Scenario => ({
  name: `two workers allocate up to the limit of ${hard}`,
  bytes: BYTES,
  names: NAMES,
  setup: () => {
    limit(hard);
    alloc(k, 0, hard - 9);
  },
  threads: [0, 1].map((worker) => () => alloc(k, worker, 6)),
  check: (results: readonly number[]) => {
    if (results.toSorted((a, b) => a - b).join() !== `${TRACK_DONE},${TRACK_REFUSED}`)
      return `outcomes ${results.join()}`;
    return current() === hard - 3 && peak() === hard - 3 ? undefined : `current ${current()}, peak ${peak()}`;
  },
  invariant: () => (current() <= hard ? undefined : `current ${current()} above ${hard}`),
});

/** The limit is lowered meanwhile: what begins after that keeps to it. */
const lowering = (k: Kernel): Scenario => ({
  name: 'the limit is lowered while two workers allocate',
  bytes: BYTES,
  names: NAMES,
  setup: () => limit(10),
  threads: [
    () => alloc(k, 0, 4),
    () => {
      const [low, high] = halves(6);
      put64(TAG + tagCell.offset.hard, low, high);
      return alloc(k, 1, 4) * 100 + alloc(k, 1, 2);
    },
  ],
  // 4 and 4 only where the first one looked at the limit before it was lowered, and was done after.
  check: ([first]: readonly number[]) =>
    first === TRACK_DONE || first === TRACK_REFUSED ? undefined : `${first}`,
  invariant: () => (current() <= 10 ? undefined : `current ${current()}`),
});

/** What is above the soft limit, and what is back below it, is reported, and what has become stale. */
const reporting = (
  k: Kernel,
  alarm: number,
  stale: number,
  allocations: readonly number[],
  deallocations: readonly number[],
  expected: readonly number[],
): Scenario => ({
  name: `outcomes where the alarm is ${alarm} and the slot is ${stale === 0 ? 'fresh' : 'stale'}`,
  bytes: BYTES,
  names: NAMES,
  setup: () => {
    limit();
    put('soft', 5);
    put('recover', 3);
    poke(TAG + tagCell.offset.alarm, alarm);
    poke(slot(0) + workerSlot.offset.stale, stale);
  },
  threads: [
    () => [
      ...allocations.map((bytes) => alloc(k, 0, bytes)),
      ...deallocations.map((bytes) => dealloc(k, 0, bytes)),
    ],
  ],
  check: ([outcomes]: readonly number[][]) =>
    outcomes!.join() === expected.join() ? undefined : `outcomes ${outcomes!.join()}`,
});

/** What was sent once is adopted once. */
const sending = (k: Kernel): Scenario => ({
  name: 'two workers adopt what was sent once',
  bytes: BYTES,
  names: NAMES,
  threads: [0, 1].map(() => () => {
    k.addBytes(TAG, ...halves(2 ** 32 + 1));
    return [k.takeBytes(TAG, ...halves(2 ** 33 + 2)), k.takeBytes(TAG, ...halves(2 ** 32 + 1))];
  }),
  check: (results: readonly number[][]) => {
    const taken = results
      .map(([twice, once]) => (twice === TRACK_DONE ? 2 : 0) + (once === TRACK_DONE ? 1 : 0))
      .reduce((sum, n) => sum + n, 0);
    return current() === (2 - taken) * (2 ** 32 + 1) ? undefined : `${taken} taken, ${current()} left`;
  },
});

const mutants: Mutant[] = [
  {
    name: 'checks for enough once, then subtracts whatever is there',
    find: `    if (replace64(tag + TAG_CELL_CURRENT, seen, minus64(seen, bytes)) == 0) continue;`,
    replace: `    if (replace64(tag + TAG_CELL_CURRENT, seen, minus64(seen, bytes)) == 0) {
      const now = word64(tag + TAG_CELL_CURRENT);
      replace64(tag + TAG_CELL_CURRENT, now, minus64(now, bytes));
    }`,
  },
  {
    name: 'checks the limit once, then adds to whatever is there',
    find: `    if (replace64(tag + TAG_CELL_CURRENT, seen, next) == 0) continue;
    // A difference`,
    replace: `    if (replace64(tag + TAG_CELL_CURRENT, seen, next) == 0) {
      const now = word64(tag + TAG_CELL_CURRENT);
      replace64(tag + TAG_CELL_CURRENT, now, plus64(now, bytes));
    }
    // A difference`,
  },
  {
    name: 'never raises the peak',
    find: '!= 0) raise(tag + TAG_CELL_PEAK, lowHalf(next), highHalf(next));',
    replace: '!= 0) word64(tag);',
  },
  {
    name: 'compares the low halves only before it raises the peak',
    find: 'if (highHalf(above) >>> EPOCH_SHIFT != 0)',
    replace: 'if (lowHalf(plus64(above, next)) >>> 0 < lowHalf(next) >>> 0)',
  },
  {
    name: 'does not carry into the high half, where it checks the limit',
    find: 'plus64(masked64(seen, -1, BYTES_HIGH_MASK), bytes)',
    replace: 'join64((lowHalf(seen) + bytesLow) | 0, ((highHalf(seen) & BYTES_HIGH_MASK) + bytesHigh) | 0)',
  },
  {
    name: 'does not borrow from the high half',
    find: 'replace64(tag + TAG_CELL_CURRENT, seen, minus64(seen, bytes))',
    replace:
      'replace64(tag + TAG_CELL_CURRENT, seen, join64((lowHalf(seen) - bytesLow) | 0, (highHalf(seen) - bytesHigh) | 0))',
  },
  {
    name: 'gives up an allocation that lost its race',
    find: `    if (replace64(tag + TAG_CELL_CURRENT, seen, next) == 0) continue;
    // A difference`,
    replace: `    replace64(tag + TAG_CELL_CURRENT, seen, next);
    // A difference`,
  },
  {
    name: 'has no limit',
    find: 'if (isAbove64(held, hard) != 0) {',
    replace: 'if (isAbove64(hard, hard) != 0) {',
  },
  {
    name: 'takes twice what was sent once',
    find: '    if (replace64(at, seen, minus64(seen, bytes)) != 0) return TRACK_DONE;',
    replace: '    replace64(at, seen, minus64(seen, bytes)); return TRACK_DONE;',
  },
  {
    name: 'loses what is sent in a race',
    find: '    if (replace64(at, seen, sum64(seen, bytesLow, bytesHigh)) != 0) return;',
    replace: '    replace64(at, seen, sum64(seen, bytesLow, bytesHigh)); return;',
  },
  {
    name: 'does not look at the alarm when something is freed',
    find: 'if ((load(tag + TAG_CELL_ALARM) & 1) == 0) return TRACK_DONE;',
    replace: 'return TRACK_DONE;',
  },
];

test('figures are exact, and the mutants are killed', () => {
  const { baseline, kills } = killsMutants<Kernel>({
    kernel: new URL('../kernel/track.ts', import.meta.url),
    mutants,
    scenarios: [
      allocating,
      freeing,
      mixed,
      (k) => refusing(k, 12),
      (k) => refusing(k, LIMIT),
      lowering,
      (k) => reporting(k, 0, FRESH, [5, 1], [6], [TRACK_DONE, TRACK_UNSETTLED, TRACK_DONE]),
      (k) => reporting(k, 1, FRESH, [7], [3, 1], [TRACK_DONE, TRACK_DONE, TRACK_UNSETTLED]),
      (k) => reporting(k, 0, STALE, [5], [1], [TRACK_DONE, TRACK_STALE]),
      sending,
    ],
  });
  expect(baseline.every(({ complete, states }) => complete && states > 3)).toBe(true);
  expect(kills.map(({ mutant }) => mutant)).toEqual(mutants.map(({ name }) => name));
});
