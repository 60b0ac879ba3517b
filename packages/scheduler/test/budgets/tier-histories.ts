// Random histories of polls under random rules, and what the tier machine and the plain reference make of them.
import fc from 'fast-check';
import type * as tierMachine from '../../src/budgets/tier-machine.ts';
import { tierPlan, tierRow, TIERS, type TierOptions, type TierRules } from '../../src/budgets/tier-table.ts';
import { PRIORITIES } from '../../src/priority.ts';
import { ReferenceTiers, type Poll, type Settings } from './tier-reference.ts';

export type Machine = typeof tierMachine;

/** What the machine is told as rules, the reference is told by this. */
function settingsOf(rules: TierRules): Settings {
  return { ...rules, rows: TIERS.map((_, tier) => tierRow(rules, tier)) };
}

const namesOf = (machine: Machine, outcome: number): string[] =>
  (
    [
      [machine.CAUSE_BUDGET, 'budget'],
      [machine.CAUSE_CPU, 'cpu'],
      [machine.CAUSE_SLOW, 'slow'],
      [machine.COOLING_DOWN, 'cooling down'],
      [machine.PROMOTED, 'promoted'],
      [machine.DEMOTED, 'demoted'],
    ] as const
  )
    .filter(([bit]) => (outcome & bit) !== 0)
    .map(([, name]) => name);

export interface Step {
  readonly afterMs: number;
  readonly wallMs: number;
  readonly cpuMs: number | undefined;
  readonly isSpent: boolean;
  readonly times: number;
}

/** Limits of the table among the values, so that they are met exactly, too. */
const duration = fc.oneof(
  fc.constantFrom(0, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 20, 40),
  fc.double({ min: 0, max: 60, noNaN: true }),
);
export const gap = fc.oneof(
  fc.constantFrom(0, 1, 10, 99, 100, 101, 499, 500, 501, 999, 1000, 1001, 2000, 3000, 5000, 10_000),
  fc.integer({ min: 0, max: 300 }),
);
/** Many polls of one kind, so that histories get anywhere. */
const step: fc.Arbitrary<Step> = fc.record({
  afterMs: gap,
  wallMs: duration,
  cpuMs: fc.option(duration, { nil: undefined }),
  isSpent: fc.boolean(),
  times: fc.integer({ min: 1, max: 30 }),
});
const goodStep: fc.Arbitrary<Step> = fc.record({
  afterMs: fc.constantFrom(0, 5, 20, 100, 250),
  wallMs: fc.constantFrom(0, 0.05, 0.1),
  cpuMs: fc.constant(undefined),
  isSpent: fc.constant(false),
  times: fc.integer({ min: 10, max: 250 }),
});
const slowStep: fc.Arbitrary<Step> = fc.record({
  afterMs: fc.constantFrom(1, 20, 100),
  wallMs: fc.constant(60),
  cpuMs: fc.constant(undefined),
  isSpent: fc.constant(false),
  times: fc.integer({ min: 1, max: 3 }),
});
/** Of anything; and of tasks that are slow now and then. */
export const history: fc.Arbitrary<Step[]> = fc.oneof(
  fc.array(fc.oneof({ weight: 3, arbitrary: step }, { weight: 2, arbitrary: goodStep }), {
    minLength: 1,
    maxLength: 40,
  }),
  fc.array(fc.oneof(goodStep, slowStep), { minLength: 10, maxLength: 40 }),
);

export const small = (least: number, most: number): fc.Arbitrary<number> =>
  fc.integer({ min: least, max: most });
/** Infinity: it does not promote, and something else comes to the fore. */
const often = (threshold: fc.Arbitrary<number>): fc.Arbitrary<number> =>
  fc.oneof(threshold, fc.constant(Infinity));
const row = fc.record({
  violations: often(small(1, 8)),
  cpuMs: often(small(1, 80)),
  slowPolls: often(small(1, 8)),
  goodPolls: small(1, 40),
  minMs: fc.constantFrom(0, 1, 500, 2000),
  goodCpuUs: fc.constantFrom(0, 100, 1000),
  checkEvery: small(1, 12),
});
const lastRow = row.map(({ goodPolls, minMs, goodCpuUs, checkEvery }) => ({
  goodPolls,
  minMs,
  goodCpuUs,
  checkEvery,
}));
const custom: fc.Arbitrary<TierOptions> = fc.record({
  cpuBudgetMs: fc.constantFrom(1, 10),
  slowPollMs: fc.constantFrom(1, 10, 50),
  promotionHysteresisMs: fc.constantFrom(0, 100, 400),
  demotionHysteresisMs: fc.constantFrom(0, 500, 1500),
  coolDownMs: fc.constantFrom(0, 1000, 3000),
  coolDownRate: small(1, 12),
  tiers: fc.record({ monitor: row, warn: row, yield: row, isolate: lastRow }),
});
export const plans = fc
  .oneof(fc.constantFrom(true, 'aggressive', 'permissive', 'balanced'), custom)
  .map((choice) => tierPlan(choice as TierOptions));
export const priority = fc.constantFrom(...PRIORITIES);

/** All polls of a history, with times. */
export function* pollsOf(steps: readonly Step[]): Generator<Poll> {
  let atMs = 0;
  for (const { afterMs, times, ...poll } of steps)
    for (let i = 0; i < times; i++) {
      atMs += afterMs;
      yield { ...poll, atMs };
    }
}

export const observe = (machine: Machine, record: Float64Array, rules: TierRules, poll: Poll): number =>
  machine.observePoll(
    record,
    0,
    rules,
    poll.wallMs,
    poll.cpuMs ?? machine.CPU_UNKNOWN,
    poll.isSpent,
    poll.atMs,
  );

/** How often what happened, over all histories of an `agreement`. */
export type Met = Record<'promoted' | 'demoted' | 'cooling down', number>;

/** That a machine does with each poll what the reference does. */
export const agreement = (machine: Machine, met: Met): fc.IProperty<unknown> =>
  fc.property(plans, priority, small(0, 3), history, (plan, level, tier, steps) => {
    const rules = plan.rules[level];
    const record = machine.newTierRecord(rules, 0, tier);
    const reference = new ReferenceTiers(settingsOf(rules), 0, tier);
    for (const poll of pollsOf(steps)) {
      const expected = reference.poll(poll);
      const found = namesOf(machine, observe(machine, record, rules, poll));
      if (found.join() !== expected.join() || machine.tierIn(record, 0) !== reference.tier)
        throw new Error(
          `poll ${JSON.stringify(poll)}: tier ${machine.tierIn(record, 0)} and ${found.join()}, expected ${reference.tier} and ${expected.join()}`,
        );
      for (const name of expected) if (name in met) met[name as keyof Met]++;
    }
  });
