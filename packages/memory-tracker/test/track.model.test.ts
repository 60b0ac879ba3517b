// All interleavings of kernel/track.ts: nothing is lost, the peak is the highest value, and no more is freed than is held.
import { killsMutants, type Mutant, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import type * as Track from '../kernel/track.ts';
import {
  HIGH_LIMIT,
  tagCell,
  TRACK_DONE,
  TRACK_OVERFLOW,
  TRACK_UNDERFLOW,
  workerSlot,
} from '../src/layout.ts';

type Kernel = typeof Track;

const TAG = 0;
const slot = (worker: number): number => tagCell.bytes + worker * workerSlot.bytes;
const BYTES = tagCell.bytes + 3 * workerSlot.bytes;
const NAMES = { [TAG + tagCell.offset.current]: 'current', [TAG + tagCell.offset.peak]: 'peak' };

const halves = (bytes: number): [number, number] => [bytes | 0, Math.floor(bytes / 2 ** 32) | 0];
const alloc = (k: Kernel, worker: number, bytes: number): number =>
  k.trackAlloc(TAG, slot(worker), ...halves(bytes));
const dealloc = (k: Kernel, worker: number, bytes: number): number =>
  k.trackDealloc(TAG, slot(worker), ...halves(bytes));

function read(k: Kernel, at: number): number {
  k.observe64(at);
  return k.observedHigh() * 2 ** 32 + (k.observedLow() >>> 0);
}

const current = (k: Kernel): number => read(k, TAG + tagCell.offset.current);
const peak = (k: Kernel): number => read(k, TAG + tagCell.offset.peak);

/** Three allocations across 2^32, of which the last is the peak. */
const allocating = (k: Kernel): Scenario => ({
  name: 'three workers allocate across 2^32',
  bytes: BYTES,
  names: NAMES,
  setup: () => void alloc(k, 0, 2 ** 32 - 4),
  threads: [1, 2, 5].map((bytes, worker) => () => alloc(k, worker, bytes)),
  check: () => {
    const expected = 2 ** 32 + 4;
    return current(k) === expected && peak(k) === expected
      ? undefined
      : `current ${current(k)}, peak ${peak(k)}, expected ${expected}`;
  },
});

/** There is enough for one of them only. */
const freeing = (k: Kernel): Scenario => ({
  name: 'two workers free what is there once',
  bytes: BYTES,
  names: NAMES,
  setup: () => void alloc(k, 0, 2 ** 33 + 1),
  threads: [0, 1].map((worker) => () => dealloc(k, worker, 2 ** 32 + 3)),
  check: (results: readonly number[]) => {
    if (results.toSorted((a, b) => a - b).join() !== `${TRACK_DONE},${TRACK_UNDERFLOW}`)
      return `outcomes ${results.join()}`;
    return current(k) === 2 ** 32 - 2 ? undefined : `current ${current(k)}, expected ${2 ** 32 - 2}`;
  },
  invariant: () => (current(k) <= 2 ** 33 + 1 ? undefined : `current ${current(k)}`),
});

/** Allocations and frees of two workers: the peak is one that an order of them can reach. */
const mixed = (k: Kernel): Scenario => ({
  name: 'two workers allocate and free',
  bytes: BYTES,
  names: NAMES,
  threads: [
    () => [alloc(k, 0, 3), dealloc(k, 0, 3), peak(k)],
    () => [alloc(k, 1, 5), dealloc(k, 1, 5), peak(k)],
  ],
  check: (results: readonly number[][]) => {
    const outcomes = results.map(([first, second]) => `${first},${second}`);
    if (outcomes.some((outcome) => outcome !== '0,0')) return `outcomes ${outcomes.join(' ')}`;
    if (current(k) !== 0) return `current ${current(k)}, expected 0`;
    if (![5, 8].includes(peak(k))) return `peak ${peak(k)}`;
    const [a, b] = results.map((each) => each[2]!) as [number, number];
    return a >= 3 && b >= 5 && a <= peak(k) && b <= peak(k)
      ? undefined
      : `peaks ${a} and ${b}, then ${peak(k)}`;
  },
});

/** Bytes that a tag holds less than. */
const LIMIT = HIGH_LIMIT * 2 ** 32;

/** An allocation that would pass the limit changes nothing. */
const overflowing = (k: Kernel): Scenario => ({
  name: 'two workers allocate up to the limit',
  bytes: BYTES,
  names: NAMES,
  setup: () => void alloc(k, 0, LIMIT - 10),
  threads: [0, 1].map((worker) => () => alloc(k, worker, 6)),
  check: (results: readonly number[]) => {
    if (results.toSorted((a, b) => a - b).join() !== `${TRACK_DONE},${TRACK_OVERFLOW}`)
      return `outcomes ${results.join()}`;
    return current(k) === LIMIT - 4 && peak(k) === LIMIT - 4
      ? undefined
      : `current ${current(k)}, peak ${peak(k)}`;
  },
});

const mutants: Mutant[] = [
  {
    name: 'checks for enough once, then subtracts whatever is there',
    find: `  while (true) {
    if (isBelow64(low(), high(), bytesLow, bytesHigh)) return TRACK_UNDERFLOW;`,
    replace: `  if (isBelow64(low(), high(), bytesLow, bytesHigh)) return TRACK_UNDERFLOW;
  while (true) {`,
  },
  {
    name: 'replaces the peak by its own value, whatever it is meanwhile',
    find: '    if (compareExchange64(at, low(), high(), toLow, toHigh) != 0) return;',
    replace: '    load64(at); compareExchange64(at, low(), high(), toLow, toHigh); return;',
  },
  {
    name: 'gives up raising the peak when another thread has raised it',
    find: '    if (compareExchange64(at, low(), high(), toLow, toHigh) != 0) return;',
    replace: '    compareExchange64(at, low(), high(), toLow, toHigh); return;',
  },
  {
    name: 'does not carry into the high half',
    find: '(high() + bytesHigh + (isBelow(nextLow, bytesLow) ? 1 : 0)) | 0',
    replace: '(high() + bytesHigh) | 0',
  },
  {
    name: 'does not borrow from the high half',
    find: '(high() - bytesHigh - (isBelow(low(), bytesLow) ? 1 : 0)) | 0',
    replace: '(high() - bytesHigh) | 0',
  },
  {
    name: 'gives up an allocation that lost its race',
    find: '    if (compareExchange64(tag + TAG_CELL_CURRENT, low(), high(), nextLow, nextHigh) != 0) break;\n  }\n  raise',
    replace:
      '    compareExchange64(tag + TAG_CELL_CURRENT, low(), high(), nextLow, nextHigh); break;\n  }\n  raise',
  },
  { name: 'has no limit', find: 'if (nextHigh >= HIGH_LIMIT) return TRACK_OVERFLOW;', replace: '' },
];

test('figures are exact, and the mutants are killed', () => {
  const { baseline, kills } = killsMutants<Kernel>({
    kernel: new URL('../kernel/track.ts', import.meta.url),
    mutants,
    scenarios: [allocating, freeing, mixed, overflowing],
  });
  expect(baseline.every(({ complete, states }) => complete && states > 10)).toBe(true);
  expect(kills.map(({ mutant }) => mutant)).toEqual(mutants.map(({ name }) => name));
});
