// All interleavings of workers that tell of polls of one name, of whoever reads its tier, and of the owner that mends the record of a worker that has ended.
import { killsMutants, peek, poke, type Mutant, type Scenario } from '@corelane/interleave';
import { describe, expect, test } from 'vitest';
import * as kernel from '../../kernel/index.ts';
import { tierCell } from '../../src/layout.ts';
import { readWord, writeWord } from '../kernel/words.ts';

type Kernel = typeof kernel;

const CELL = 0;
const HOLDER = CELL + tierCell.offset.holder;
const TIER = CELL + tierCell.offset.tier;
/** Two words of the record that are to say the same: how often it was told something. */
const FIRST = CELL + tierCell.offset.record;
const SECOND = FIRST + 8;
const NAMES = { [HOLDER]: 'holder', [TIER]: 'tier', [FIRST]: 'first', [SECOND]: 'second' };

/** Tells once. @returns whether it had the record */
const tell = (k: Kernel, party: number) => (): number => {
  if (k.takeTier(CELL, party) === 0) return 0;
  const told = readWord(FIRST) + 1;
  writeWord(FIRST, told);
  writeWord(SECOND, told);
  k.giveTier(CELL, told);
  return 1;
};

/** What the owner does after the end of a worker. @returns whether it had the record */
const mend = (k: Kernel, party: number) => (): number => {
  if (k.seizeTier(CELL, party) === 0) return 0;
  const tier = k.tierOf(CELL);
  writeWord(FIRST, tier);
  writeWord(SECOND, tier);
  k.giveTier(CELL, tier);
  return 1;
};

const look = (k: Kernel) => (): [number, number] => [k.tierOf(CELL), k.tierOf(CELL)];

const scenario = (
  name: string,
  setup: () => void,
  threads: Scenario['threads'],
  check: (results: any) => string | undefined,
): Scenario => ({ name, bytes: tierCell.bytes, names: NAMES, setup, threads, check });

/** What is told `times` leaves the cell as. */
const leaves = (times: number): string | undefined => {
  const found = [peek(HOLDER), peek(TIER), peek(FIRST), peek(SECOND)].join();
  const expected = [0, times, times, times].join();
  return found === expected ? undefined : `holder, tier, record: ${found}, expected ${expected}`;
};

const SCENARIOS = [
  (k: Kernel): Scenario =>
    scenario(
      'of two workers at least one has the record, and each that has it finds what the other has left',
      () => {},
      [tell(k, 1), tell(k, 2)],
      ([a, b]: number[]) => {
        const times = (a ?? 0) + (b ?? 0);
        return times === 0 ? 'nobody had it' : leaves(times);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a tier that only rises is never seen to fall',
      () => {},
      [() => [tell(k, 1)(), tell(k, 1)()], tell(k, 2), look(k)],
      ([own, other, [before, after]]: [number[], number, [number, number]]) => {
        if (after < before) return `${before}, then ${after}`;
        return leaves(own.reduce((sum, each) => sum + each, other));
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'what a worker left in part is mended before another one has it',
      () => {
        poke(HOLDER, 1);
        poke(TIER, 1);
        poke(FIRST, 2);
        poke(SECOND, 1);
      },
      [mend(k, 1), tell(k, 2)],
      ([mended, told]: number[]) => (mended === 1 ? leaves(1 + (told ?? 0)) : 'it was not mended'),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'the owner takes nothing from workers that live',
      () => {},
      [mend(k, 1), tell(k, 2), tell(k, 3)],
      ([mended, a, b]: number[]) => (mended === 0 ? leaves((a ?? 0) + (b ?? 0)) : 'it took what is nobody’s'),
    ),
];

const MUTANTS: (Mutant & { readonly by: string })[] = [
  {
    name: 'a record is taken by who has looked that nobody has it',
    by: 'of two workers at least one has the record, and each that has it finds what the other has left',
    file: 'tier-lock.ts',
    find: 'return compareExchange(cell + TIER_CELL_HOLDER, 0, party) == 0 ? 1 : 0;',
    replace:
      'if (load(cell + TIER_CELL_HOLDER) != 0) return 0; store(cell + TIER_CELL_HOLDER, party); return 1;',
    expect: 'race',
  },
  {
    name: 'a record is given back before the tier is said',
    by: 'a tier that only rises is never seen to fall',
    file: 'tier-lock.ts',
    find: 'store(cell + TIER_CELL_TIER, tier); // publish: pairs with tierOf\n  store(cell + TIER_CELL_HOLDER, 0);',
    replace: 'store(cell + TIER_CELL_HOLDER, 0); store(cell + TIER_CELL_TIER, tier);',
    expect: 'check',
  },
  {
    name: 'a record is not given back',
    by: 'of two workers at least one has the record, and each that has it finds what the other has left',
    file: 'tier-lock.ts',
    find: 'store(cell + TIER_CELL_HOLDER, 0);',
    replace: '',
    expect: 'check',
  },
  {
    name: 'the owner takes a record, whoever has it',
    by: 'the owner takes nothing from workers that live',
    file: 'tier-lock.ts',
    find: 'return compareExchange(cell + TIER_CELL_HOLDER, party, TIER_MENDER) == party ? 1 : 0;',
    replace:
      'const had = load(cell + TIER_CELL_HOLDER); store(cell + TIER_CELL_HOLDER, TIER_MENDER); return had != 0 ? 1 : 0;',
  },
  {
    name: 'the owner mends a record without taking it',
    by: 'what a worker left in part is mended before another one has it',
    file: 'tier-lock.ts',
    find: 'return compareExchange(cell + TIER_CELL_HOLDER, party, TIER_MENDER) == party ? 1 : 0;',
    replace: 'return compareExchange(cell + TIER_CELL_HOLDER, party, 0) == party ? 1 : 0;',
    expect: 'race',
  },
];

describe('tiers of names', () => {
  test.each(SCENARIOS.map((make) => [make(kernel).name ?? '', make] as const))('%s', (name, make) => {
    const mutants = MUTANTS.filter(({ by }) => by === name);
    const { baseline, kills } = killsMutants<Kernel>({
      kernel: new URL('../../kernel/index.ts', import.meta.url),
      mutants,
      scenarios: [make],
    });
    expect(baseline).toMatchObject([{ complete: true }]);
    expect(baseline[0]?.accesses).toBeGreaterThan(0);
    expect(kills).toHaveLength(mutants.length);
  });

  test('each mutant has its scenario', () => {
    const names = new Set(SCENARIOS.map((make) => make(kernel).name));
    expect(MUTANTS.filter(({ by }) => !names.has(by))).toEqual([]);
  });
});
