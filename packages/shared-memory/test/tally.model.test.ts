// src/tally.ts and kernel/tally.ts themselves, over all interleavings of a writer that crosses 2^31 and a reader: the reader gets the
// total before or after each addition, never a mixture, and never less than before.
import { killsMutants, poke, type Mutant, type MutationResult, type Scenario } from '@corelane/interleave';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type * as KernelTally from '../kernel/tally.ts';
import { amount, tally } from '../src/layout.ts';
import * as production from '../src/tally.ts';
import { modelAtomics, modelWords as words } from './kernel/words.ts';

type Tally = typeof production;

const TWO_31 = 2 ** 31;
const { low: LOW, high: HIGH, large: LARGE } = amount.offset;
/** `low` races by design: an aligned 32-bit word that one thread writes. */
const MEMORY = {
  bytes: 16,
  names: { [LOW]: 'low', [HIGH]: 'high', [LARGE]: 'large' },
  allowRaces: [{ at: LOW, bytes: 4 }],
};

beforeAll(() => void vi.stubGlobal('Atomics', modelAtomics));
afterAll(() => vi.unstubAllGlobals());

test('an amount begins with a tally', () => {
  expect([LOW, HIGH]).toEqual([tally.offset.low, tally.offset.high]);
});

/** A tally at `total`, as additions would have left it. */
function setup(total: number): void {
  poke(LOW, total | 0);
  poke(HIGH, Math.floor(total / TWO_31) | 0);
}

const crossing =
  (from: number, adds: readonly number[]) =>
  (t: Tally): Scenario => {
    const totals = [from];
    for (const n of adds) totals.push((totals.at(-1) as number) + n);
    return {
      ...MEMORY,
      name: `${adds.join(', ')} added to ${from}`,
      setup: () => setup(from),
      threads: [
        () => adds.forEach((n) => t.addTally(words, 0, n)),
        () => [t.readTally(words, 0), t.readTally(words, 0)],
      ],
      check: ([, reads]: readonly number[][]) => {
        const [first, second] = reads as [number, number];
        if (!totals.includes(first) || !totals.includes(second) || second < first)
          return `read ${first}, then ${second}`;
        const end = t.readTally(words, 0);
        return end === totals.at(-1) ? undefined : `ended with ${end}`;
      },
    };
  };

const successor = (t: Tally): Scenario => ({
  ...MEMORY,
  name: 'what a writer leaves that died between the two stores of a carry',
  setup: () => {
    setup(TWO_31 - 1);
    poke(HIGH, 1);
  },
  threads: [
    () => {
      const found = t.readTally(words, 0);
      t.repairTally(words, 0);
      t.addTally(words, 0, 1);
      return [found, t.readTally(words, 0)];
    },
    () => [t.readTally(words, 0), t.readTally(words, 0)],
  ],
  check: ([own, other]: readonly number[][]) => {
    if (own!.join() !== `${TWO_31 - 1},${TWO_31}`) return `the successor read ${own!.join()}`;
    const [first, second] = other as [number, number];
    const isRight =
      [first, second].every((total) => total === TWO_31 - 1 || total === TWO_31) && first <= second;
    return isRight ? undefined : `a reader read ${first}, then ${second}`;
  },
});

const large = (t: Tally): Scenario => {
  const adds = [5, TWO_31, 3 * TWO_31 + 7, 2 ** 52 + 2 ** 32 - 1];
  const expected = adds.reduce((sum, n) => sum + n, 0);
  return {
    ...MEMORY,
    name: 'amounts of 2^31 and more',
    threads: [
      () => adds.forEach((n) => t.addAmount(words, 0, n)),
      () => [t.readAmount(words, 0), t.readAmount(words, 0)],
    ],
    check: ([, reads]: readonly number[][]) => {
      const [first, second] = reads as [number, number];
      if (first > second || second > expected) return `read ${first}, then ${second}`;
      const end = t.readAmount(words, 0);
      return end === expected ? undefined : `ended with ${end}, expected ${expected}`;
    },
  };
};

const scenarios = [
  crossing(TWO_31 - 2, [1, 1, 1]),
  crossing(2 * TWO_31 - 1, [1, TWO_31 - 1]),
  crossing(0, [TWO_31 - 1, TWO_31 - 1, TWO_31 - 1]),
  successor,
  large,
];

function expectKilled({ baseline, kills }: MutationResult, mutants: readonly Mutant[]): void {
  expect(baseline.every(({ complete, states }) => complete && states > 20)).toBe(true);
  expect(kills.map(({ mutant }) => mutant)).toEqual(mutants.map(({ name }) => name));
}

test('a reader sees a total that was, and the mutants of writer, reader and successor are killed', () => {
  const mutants: Mutant[] = [
    {
      name: 'the writer stores the low word first',
      find: `Atomics.store(words, at + HIGH, ((words[at + HIGH] as number) + 1) | 0);
        Atomics.store(words, at + LOW, low);`,
      replace: `Atomics.store(words, at + LOW, low);
        Atomics.store(words, at + HIGH, ((words[at + HIGH] as number) + 1) | 0);`,
    },
    {
      name: 'the writer never carries',
      find: 'if ((next ^ low) >= 0) words[at + LOW] = next;',
      replace: 'if (next === next) words[at + LOW] = next;',
    },
    {
      name: 'the reader does not look at the high word again',
      find: 'if (Atomics.load(words, at + HIGH) === high)',
      replace: '',
    },
    {
      name: 'the reader ignores bit 31 of the low word',
      find: '(epochOf(high, low) >>> 0) * TWO_31',
      replace: '(high >>> 0) * TWO_31',
    },
    {
      name: 'the successor does not repair',
      find: 'Atomics.store(words, at + HIGH, epochOf(high, Atomics.load(words, at + LOW)));',
      replace: '',
    },
    { name: 'multiples of 2^31 are not counted', find: 'if (n !== rest)', replace: 'if (n !== n)' },
  ];
  const kernel = new URL('../src/tally.ts', import.meta.url);
  expectKilled(killsMutants<Tally>({ kernel, mutants, scenarios }), mutants);
});

/** The writer of the kernel, with the readers and the successor in JavaScript. */
const writtenBy = (kernel: typeof KernelTally): Tally => ({
  ...production,
  addTally: (_, at, n) => kernel.addTally(at * 4, n),
  addAmount: (_, at, n) => kernel.addAmount(at * 4, n | 0, Math.floor(n / 2 ** 32) | 0),
});

test('a reader sees a total that a kernel wrote, and the mutants of the kernel are killed', () => {
  const mutants: Mutant[] = [
    {
      name: 'stores the low word first',
      find: `store(at + TALLY_HIGH, (get(at + TALLY_HIGH) + 1) | 0);
        store(at + TALLY_LOW, next);`,
      replace: `store(at + TALLY_LOW, next);
        store(at + TALLY_HIGH, (get(at + TALLY_HIGH) + 1) | 0);`,
    },
    { name: 'never carries', find: 'if ((next ^ low) >= 0) {', replace: 'if (next == next) {' },
    {
      name: 'loses bit 31 of a large amount',
      find: '(nHigh << 1) | (nLow >>> 31)',
      replace: 'nHigh << 1',
    },
  ];
  const result = killsMutants<typeof KernelTally>({
    kernel: new URL('../kernel/tally.ts', import.meta.url),
    mutants,
    scenarios: scenarios.map((scenario) => (kernel) => scenario(writtenBy(kernel))),
  });
  expectKilled(result, mutants);
});
