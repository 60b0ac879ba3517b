import { describe, expect, it } from 'vitest';
import { answerEquationsOf, flowEquationsOf, wordEquationsOf } from '../src/report/conservation.ts';
import type { Equation } from '../src/report/equation.ts';
import { eventEquationsOf, priorityEquationsOf } from '../src/report/event-equations.ts';
import { guardEquationsOf } from '../src/report/guard-equations.ts';
import type { Ledger } from '../src/report/ledger.ts';
import { balancedLedger } from './fixtures.ts';

/** The right side of an equation with ≤, and what is subtracted on its left. */
const LIMITS = /inFlightAtTrip|leakedProbes|gateway\.probes/;

function equationsOf(ledger: Ledger): Equation[] {
  return [
    ...answerEquationsOf(ledger),
    ...flowEquationsOf(ledger),
    ...guardEquationsOf(ledger),
    ...eventEquationsOf(ledger),
    ...priorityEquationsOf(ledger),
    ...wordEquationsOf(ledger),
  ];
}

/** Paths to every number in the ledger. */
function numbersIn(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value === 'number') return [[...path]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => numbersIn(child, [...path, key]));
}

function changed(path: readonly string[], by: number): Ledger {
  const ledger = balancedLedger();
  let at = ledger as unknown as Record<string, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
  const last = path.at(-1) as string;
  at[last] = (at[last] as number) + by;
  return ledger;
}

/** Figures that the report shows, and that nobody else counts. */
const SHOWN_ONLY =
  /latency|byKind|elapsedMs|bufferBytes|acquired|pool.failures|overloaded|abandoned|bytesIn|bytesOut|largestRatio|arena|rss|peak|endpoints.*answers|refused.full|waitMs|totalMs/;

describe('the conservation check', () => {
  it('holds where the books add up', () => {
    const broken = equationsOf(balancedLedger()).filter(({ holds }) => !holds);
    expect(broken).toEqual([]);
  });

  it('fails for every equation that is fed a wrong number, and names both sides', () => {
    const failed = new Set<string>();
    for (const path of numbersIn(balancedLedger())) {
      for (const by of [1, -1, 20]) {
        for (const equation of equationsOf(changed(path, by))) {
          const { left, relation, right, holds } = equation;
          expect(holds).toBe(relation === '=' ? left.value === right.value : left.value <= right.value);
          if (!holds) failed.add(equation.name);
        }
      }
    }
    // What is 0 in the ledger as it is has no figure to change there.
    const unexpected = balancedLedger();
    Object.assign(unexpected.client.unexpected, { 'bomb: 202': 1 });
    for (const { name, holds } of equationsOf(unexpected)) if (!holds) failed.add(name);
    expect(
      equationsOf(balancedLedger())
        .map(({ name }) => name)
        .filter((name) => !failed.has(name)),
    ).toEqual([]);
  });

  it('allows for checks that were given up, and for no more than those', () => {
    const broken = (bombs: number, abandoned: number): number => {
      const ledger = changed(['guard', 'gzip', 'outcomes', 'too many bytes'], bombs);
      Object.assign(ledger.gateway.checks, { abandoned });
      return guardEquationsOf(ledger).filter(({ holds }) => !holds).length;
    };
    expect(broken(0, 2)).toBe(0);
    expect(broken(2, 2)).toBe(0);
    expect(broken(3, 2)).toBeGreaterThan(0);
    expect(broken(1, 0)).toBeGreaterThan(0);
  });

  it('sees every single event that one party counted and another did not', () => {
    for (const path of numbersIn(balancedLedger())) {
      if (SHOWN_ONLY.test(path.join('.'))) continue;
      // A limit takes more than one event too many.
      const by = path.join('.').endsWith('leaked') ? 4 : LIMITS.test(path.join('.')) ? -4 : 1;
      const broken = equationsOf(changed(path, by)).filter(({ holds }) => !holds);
      expect({ path, broken: broken.length > 0 }).toEqual({ path, broken: true });
    }
  });
});
