// What every suite of models does with its scenarios and its mutants. `STATES=1` prints how many states each search has.
import { explore, killsMutants, type Mutant, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import * as kernel from '../kernel/index.ts';
import type { Kernel } from './model.ts';

type Scenarios = readonly ((k: Kernel) => Scenario)[];

/** Name of the scenario that a mutant is for: it alone must kill it. */
export type MutantOf = Mutant & { readonly by: string };

/** Where a search with all mutants takes longest. */
const SUITE = { timeout: 240_000 };
const ENTRY = new URL('../kernel/index.ts', import.meta.url);

/** All scenarios pass on the kernel in all interleavings, and each mutant dies of one of them, whichever. */
export function testModels(scenarios: Scenarios, mutants: readonly Mutant[]): void {
  test.each(scenarios.map((make) => make(kernel)))('$name', SUITE, (each) => {
    const found = explore(each);
    expect(found.complete).toBe(true);
    expect(found.accesses).toBeGreaterThan(0);
    if (process.env['STATES']) console.log(each.name, found.states);
  });

  test('these scenarios kill every mutant', SUITE, () => {
    const { kills } = killsMutants<Kernel>({ kernel: ENTRY, mutants, scenarios });
    expect(kills).toHaveLength(mutants.length);
    if (process.env['STATES']) for (const kill of kills) console.log(`${kill.mutant}: ${kill.scenario}`);
  });
}

/** The same, where each mutant dies of the scenario that it is for. */
export function testModelsWithOwnMutants(scenarios: Scenarios, mutants: readonly MutantOf[]): void {
  test.each(scenarios.map((make) => [make(kernel).name ?? '', make] as const))(
    '%s, and the mutants that it is for die',
    SUITE,
    (name, make) => {
      const own = mutants.filter(({ by }) => by === name);
      const { baseline, kills } = killsMutants<Kernel>({ kernel: ENTRY, mutants: own, scenarios: [make] });
      expect(baseline).toMatchObject([{ complete: true }]);
      expect(baseline[0]?.accesses).toBeGreaterThan(0);
      expect(kills).toHaveLength(own.length);
      if (process.env['STATES']) console.log(name, baseline[0]?.states);
    },
  );

  test('each mutant has its scenario', () => {
    const names = new Set(scenarios.map((make) => make(kernel).name));
    expect(mutants.filter(({ by }) => !names.has(by))).toEqual([]);
  });
}
