// src/tally.ts itself, over all interleavings of a writer that crosses 2^31 and readers: a reader gets the total before or after each
// addition, never a mixture, and never less than before.
import { explore, poke, Violation, type Scenario } from '@corelane/interleave';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as production from '../src/tally.ts';
import { modelAtomics, modelWords as words } from './kernel/words.ts';

type Tally = Pick<typeof production, 'addAmount' | 'readTally' | 'repairTally'>;

const TWO_31 = 2 ** 31;
const LOW = 0;
const HIGH = 1;
const NAMES = { 0: 'low', 4: 'high', 8: 'large' };

beforeAll(() => void vi.stubGlobal('Atomics', modelAtomics));
afterAll(() => vi.unstubAllGlobals());

/** A tally at `total`, as additions would have left it. */
function setup(total: number): void {
  poke(LOW * 4, total | 0);
  poke(HIGH * 4, Math.floor(total / TWO_31) | 0);
}

const start = TWO_31 - 2;

/** One writer, one reader that reads twice. `low` races by design: an aligned 32-bit word that one thread writes. */
function crossing(tally: Tally, from: number, adds: readonly number[]): Scenario {
  const allowed = new Set([from]);
  for (const n of adds) allowed.add(Math.max(...allowed) + n);
  return {
    name: `${adds.join(', ')} added to ${from}`,
    bytes: 16,
    names: NAMES,
    allowRaces: [{ at: LOW * 4, bytes: 4 }],
    setup: () => setup(from),
    threads: [
      () => adds.forEach((n) => tally.addAmount(words, 0, n)),
      () => [tally.readTally(words, 0), tally.readTally(words, 0)],
    ],
    check: ([, reads]: readonly number[][]) => {
      const seen = reads as [number, number];
      const wrong = seen.find((total) => !allowed.has(total));
      if (wrong !== undefined) return `read ${wrong}, expected one of ${[...allowed].join(', ')}`;
      if (seen[1] < seen[0]) return `read ${seen[0]}, then ${seen[1]}`;
      const end = tally.readTally(words, 0);
      return end === Math.max(...allowed) ? undefined : `ended with ${end}`;
    },
  };
}

/** The writer dies after any of its steps: the reader then, and a successor after `repairTally`, find what was counted. */
function death(tally: Tally): Scenario {
  return {
    name: 'a writer that dies in a carry, and its successor',
    bytes: 16,
    names: NAMES,
    allowRaces: [{ at: LOW * 4, bytes: 4 }],
    // What a writer leaves that dies between the two stores of a carry.
    setup: () => {
      setup(TWO_31 - 1);
      poke(HIGH * 4, 1);
    },
    threads: [
      () => {
        const found = tally.readTally(words, 0);
        tally.repairTally(words, 0);
        tally.addAmount(words, 0, 1);
        return [found, tally.readTally(words, 0)];
      },
      () => [tally.readTally(words, 0), tally.readTally(words, 0)],
    ],
    check: ([successor, reader]: readonly number[][]) => {
      if (successor!.join() !== `${TWO_31 - 1},${TWO_31}`) return `the successor read ${successor!.join()}`;
      const [first, second] = reader as [number, number];
      if (![TWO_31 - 1, TWO_31].includes(first) || ![TWO_31 - 1, TWO_31].includes(second) || second < first)
        return `the reader read ${reader!.join()}`;
      return undefined;
    },
  };
}

const scenarios = (tally: Tally): Scenario[] => [
  crossing(tally, start, [1, 1, 1]),
  crossing(tally, 2 * start + 3, [1, 2 ** 31 - 1]),
  crossing(tally, 0, [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1]),
  death(tally),
];

describe('a reader sees a total that was', () => {
  test.each(scenarios(production).map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    (_, scenario) => {
      const { complete, states } = explore(scenario);
      expect(complete).toBe(true);
      expect(states).toBeGreaterThan(20);
    },
  );
});

/** Wrong versions of production functions. */
const addLowFirst: Tally['addAmount'] = (at, base, n) => {
  const low = at[base + LOW]!;
  const next = (low + n) | 0;
  if ((next ^ low) >= 0) at[base + LOW] = next;
  else {
    Atomics.store(at, base + LOW, next);
    Atomics.store(at, base + HIGH, (at[base + HIGH]! + 1) | 0);
  }
};

const total = (high: number, low: number): number => (high >>> 0) * TWO_31 + (low & 0x7fffffff);
const epoch = (high: number, low: number): number => ((high & 1) === low >>> 31 ? high : high - 1);

const mutants: Record<string, Partial<Tally>> = {
  'the writer stores the low word first': { addAmount: addLowFirst },
  'the reader reads high once': {
    readTally: (at, base) => {
      const low = Atomics.load(at, base + LOW);
      const high = Atomics.load(at, base + HIGH);
      return total(epoch(high, low), low);
    },
  },
  'the reader ignores bit 31 of low': {
    readTally: (at, base) => {
      while (true) {
        const high = Atomics.load(at, base + HIGH);
        const low = Atomics.load(at, base + LOW);
        if (Atomics.load(at, base + HIGH) === high) return total(high, low);
      }
    },
  },
  'the writer does not carry': {
    addAmount: (at, base, n) => {
      at[base + LOW] = (at[base + LOW]! + n) | 0;
    },
  },
  'the successor does not repair': { repairTally: () => {} },
};

test.each(Object.entries(mutants))('mutant: %s', (_, mutant) => {
  const kills = scenarios({ ...production, ...mutant }).filter((scenario) => {
    try {
      explore(scenario);
      return false;
    } catch (error) {
      if (error instanceof Violation && error.kind === 'check') return true;
      throw error;
    }
  });
  expect(kills).not.toEqual([]);
});
