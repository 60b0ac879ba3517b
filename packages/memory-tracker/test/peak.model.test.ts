// All interleavings of kernel/peak.ts with allocations and deallocations: after a reset the peak is the most that was held since.
import { killsMutants, poke, type Mutant, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import type * as Kernel from '../kernel/index.ts';
import { observe64, observedHigh, observedLow } from '../kernel/word64.ts';
import { BYTES_HIGH_MASK, EPOCH_MASK, EPOCH_SHIFT, tagCell, workerSlot } from '../src/layout.ts';

type K = typeof Kernel;

const TAG = 0;
const { current, peak, hard, soft } = tagCell.offset;
const slot = (worker: number): number => tagCell.bytes + worker * workerSlot.bytes;
const MEMORY = {
  bytes: tagCell.bytes + 3 * workerSlot.bytes,
  names: { [TAG + current]: 'current', [TAG + peak]: 'peak' },
};

const alloc = (k: K, worker: number, bytes: number): number => k.trackAlloc(TAG, slot(worker), bytes, 0, 1);
const dealloc = (k: K, worker: number, bytes: number): number =>
  k.trackDealloc(TAG, slot(worker), bytes, 0, 1);

function read(at: number): string {
  observe64(at);
  const bytes = (observedHigh() & BYTES_HIGH_MASK) * 2 ** 32 + (observedLow() >>> 0);
  return `${bytes} in epoch ${(observedHigh() >>> EPOCH_SHIFT) & EPOCH_MASK}`;
}

function begin(k: K, bytes: number, epoch = 0): void {
  for (const limit of [hard, soft]) {
    poke(TAG + limit, -1);
    poke(TAG + limit + 4, BYTES_HIGH_MASK);
  }
  for (const word of [current, peak]) poke(TAG + word + 4, epoch << EPOCH_SHIFT);
  alloc(k, 0, bytes);
}

const ends = (expected: readonly string[]) => (): string | undefined =>
  expected.includes(`${read(TAG + peak)}, of ${read(TAG + current)}`)
    ? undefined
    : `peak ${read(TAG + peak)}, of ${read(TAG + current)}`;

/** 10 bytes are only ever held before the reset. */
const late = (k: K): Scenario => ({
  ...MEMORY,
  name: 'one frees and resets while another allocates',
  setup: () => begin(k, 5),
  threads: [() => alloc(k, 0, 5), () => [dealloc(k, 1, 5), k.resetPeak(TAG)]],
  check: ends(['5 in epoch 1, of 5 in epoch 1']),
});

const twice = (k: K): Scenario => ({
  ...MEMORY,
  name: 'two reset while one allocates and frees',
  setup: () => begin(k, 0),
  threads: [() => k.resetPeak(TAG), () => k.resetPeak(TAG), () => [alloc(k, 0, 3), dealloc(k, 0, 3)]],
  check: ends(['0 in epoch 2, of 0 in epoch 2', '3 in epoch 2, of 0 in epoch 2']),
});

/** The numbers of epochs change their sign, as words, or begin again. */
const around = (k: K, epoch: number): Scenario => {
  const next = (epoch + 1) & EPOCH_MASK;
  return {
    ...MEMORY,
    name: `one resets in epoch ${epoch} while another allocates`,
    setup: () => begin(k, 1, epoch),
    threads: [() => k.resetPeak(TAG), () => alloc(k, 0, 2)],
    check: ends([`3 in epoch ${next}, of 3 in epoch ${next}`]),
  };
};

const rising = (k: K): Scenario => ({
  ...MEMORY,
  name: 'three allocate in a later epoch',
  setup: () => begin(k, 0, 1500),
  threads: [1, 2, 5].map((bytes, worker) => () => alloc(k, worker, bytes)),
  check: ends(['8 in epoch 1500, of 8 in epoch 1500']),
});

const mutants: Mutant[] = [
  {
    name: 'raises the peak of an epoch that is over',
    find: 'if (epochs != 0) return epochs > 0;',
    replace: 'if (epochs > 0) return true;',
  },
  {
    name: 'takes the epoch after the last for one of long ago',
    find: '(((toHigh >>> EPOCH_SHIFT) - (peakHigh >>> EPOCH_SHIFT)) << EPOCH_SHIFT) >> EPOCH_SHIFT',
    replace: '(toHigh >>> EPOCH_SHIFT) - (peakHigh >>> EPOCH_SHIFT)',
  },
  {
    name: 'does not raise the peak of the epoch it begins',
    find: '    raise(tag + TAG_CELL_PEAK, lowHalf(next), highHalf(next));\n    return;',
    replace: '    return;',
  },
  {
    name: 'gives up a reset that lost its race',
    find: 'if (replace64(tag + TAG_CELL_CURRENT, seen, next) == 0) continue;',
    replace: 'if (replace64(tag + TAG_CELL_CURRENT, seen, next) == 0) return;',
    file: 'peak.ts',
  },
  {
    name: 'replaces the peak by its own value, whatever it is meanwhile',
    find: 'if (compareExchange64(at, low(), high(), toLow, toHigh) != 0) return;',
    replace: 'load64(at); compareExchange64(at, low(), high(), toLow, toHigh); return;',
  },
  {
    name: 'gives up raising the peak when another thread has raised it',
    find: 'if (compareExchange64(at, low(), high(), toLow, toHigh) != 0) return;',
    replace: 'compareExchange64(at, low(), high(), toLow, toHigh); return;',
  },
  {
    name: 'an allocation does not look whether the peak is of its epoch',
    find: 'const above = minus64(word64(tag + TAG_CELL_PEAK), next);',
    replace: `const bytesOf = (word) => masked64(word, -1, BYTES_HIGH_MASK);
    const above = minus64(bytesOf(word64(tag + TAG_CELL_PEAK)), bytesOf(next));`,
  },
  {
    name: 'takes the epoch for bytes where it checks the limit',
    find: 'plus64(masked64(seen, -1, BYTES_HIGH_MASK), bytes)',
    replace: 'plus64(seen, bytes)',
    // Which it looks at again for ever.
    expect: 'truncated',
  },
];

test('resets are exact, and the mutants are killed', () => {
  const { baseline, kills } = killsMutants<K>({
    kernel: new URL('../kernel/index.ts', import.meta.url),
    mutants,
    scenarios: [late, twice, (k) => around(k, EPOCH_MASK), (k) => around(k, EPOCH_MASK >> 1), rising],
  });
  expect(baseline.every(({ complete, states }) => complete && states > 10)).toBe(true);
  expect(kills.map(({ mutant }) => mutant)).toEqual(mutants.map(({ name }) => name));
});
