// kernel/tally.ts, the writing side, and src/tally.ts, the reading side, together, over all interleavings of a writer that crosses
// 2^31 and a reader: the reader gets the total before or after each addition, never a mixture, and never less than before.
import { killsMutants, poke, type Mutant, type Scenario } from '@corelane/interleave';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type * as Tally from '../kernel/tally.ts';
import { readAmount, readTally } from '../src/tally.ts';
import { modelAtomics, modelWords as words } from './kernel/words.ts';

const TWO_31 = 2 ** 31;
const NAMES = { 0: 'low', 4: 'high', 8: 'large' };

beforeAll(() => void vi.stubGlobal('Atomics', modelAtomics));
afterAll(() => vi.unstubAllGlobals());

function setup(total: number): void {
  poke(0, total | 0);
  poke(4, Math.floor(total / TWO_31) | 0);
}

/** `low` races by design: an aligned 32-bit word that one thread writes. */
const crossing =
  (from: number, adds: readonly number[]) =>
  (kernel: typeof Tally): Scenario => {
    const totals = [from];
    for (const n of adds) totals.push((totals.at(-1) as number) + n);
    return {
      name: `${adds.join(', ')} added to ${from}`,
      bytes: 16,
      names: NAMES,
      allowRaces: [{ at: 0, bytes: 4 }],
      setup: () => setup(from),
      threads: [
        () => adds.forEach((n) => kernel.addTally(0, n)),
        () => [readTally(words, 0), readTally(words, 0)],
      ],
      check: ([, reads]: readonly number[][]) => {
        const [first, second] = reads as [number, number];
        if (!totals.includes(first) || !totals.includes(second) || second < first)
          return `read ${first}, then ${second}`;
        const end = readTally(words, 0);
        return end === totals.at(-1) ? undefined : `ended with ${end}`;
      },
    };
  };

const successor = (kernel: typeof Tally): Scenario => ({
  name: 'what a writer leaves that died in a carry',
  bytes: 16,
  names: NAMES,
  allowRaces: [{ at: 0, bytes: 4 }],
  setup: () => {
    setup(TWO_31 - 1);
    poke(4, 1);
  },
  threads: [
    () => {
      const found = readTally(words, 0);
      kernel.repairTally(0);
      kernel.addTally(0, 1);
      return [found, readTally(words, 0)];
    },
    () => [readTally(words, 0), readTally(words, 0)],
  ],
  check: ([own, other]: readonly number[][]) => {
    if (own!.join() !== `${TWO_31 - 1},${TWO_31}`) return `the successor read ${own!.join()}`;
    const [first, second] = other as [number, number];
    const isRight =
      [first, second].every((total) => total === TWO_31 - 1 || total === TWO_31) && first <= second;
    return isRight ? undefined : `a reader read ${first}, then ${second}`;
  },
});

const large = (kernel: typeof Tally): Scenario => ({
  name: 'amounts of more than 2^31',
  bytes: 16,
  names: NAMES,
  threads: [
    () => {
      for (const bytes of [5, TWO_31, 3 * TWO_31 + 7, 2 ** 52 + 2 ** 32 - 1])
        kernel.addAmount(0, bytes | 0, Math.floor(bytes / 2 ** 32) | 0);
      return readAmount(words, 0);
    },
  ],
  check: ([total]: readonly number[]) => {
    const expected = 5 + TWO_31 + 3 * TWO_31 + 7 + 2 ** 52 + 2 ** 32 - 1;
    return total === expected ? undefined : `read ${total}, expected ${expected}`;
  },
});

const mutants: Mutant[] = [
  {
    name: 'stores the low word first',
    find: `    store(at + TALLY_HIGH, (get(at + TALLY_HIGH) + 1) | 0);
    store(at + TALLY_LOW, next);`,
    replace: `    store(at + TALLY_LOW, next);
    store(at + TALLY_HIGH, (get(at + TALLY_HIGH) + 1) | 0);`,
  },
  { name: 'never carries', find: 'if ((next ^ low) >= 0) {', replace: 'if (next == next) {' },
  {
    name: 'does not repair',
    find: 'if ((high & 1) != load(at + TALLY_LOW) >>> 31) store(',
    replace: 'if (high != high) store(',
  },
  {
    name: 'loses bit 31 of a large amount',
    find: '(bytesHigh << 1) | (bytesLow >>> 31)',
    replace: 'bytesHigh << 1',
  },
];

test('a reader sees a total that was, and the mutants are killed', () => {
  const { baseline, kills } = killsMutants<typeof Tally>({
    kernel: new URL('../kernel/tally.ts', import.meta.url),
    mutants,
    scenarios: [
      crossing(TWO_31 - 2, [1, 1, 1]),
      crossing(2 * TWO_31 - 1, [1, TWO_31 - 1]),
      crossing(0, [TWO_31 - 1, TWO_31 - 1, TWO_31 - 1]),
      successor,
      large,
    ],
  });
  expect(baseline.every(({ complete }) => complete)).toBe(true);
  expect(kills).toHaveLength(mutants.length);
});
