import { ArgumentRangeError } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import {
  rulesAt,
  tierPlan,
  tierRow,
  TIERS,
  type TierOptions,
  type TierRules,
} from '../../src/budgets/index.ts';

const rowsOf = (rules: TierRules): number[][] => TIERS.map((_, tier) => Object.values(tierRow(rules, tier)));

test('the default table is that of the reference', () => {
  const { profile, rules } = tierPlan();
  expect(profile).toBe('balanced');
  expect(rowsOf(rules.normal)).toEqual([
    [5, 50, 10, 100, 5000, 100, 20],
    [3, 25, 5, 75, 3000, 200, 15],
    [2, 15, 3, 50, 2000, 500, 10],
    [Infinity, Infinity, Infinity, 25, 10_000, 1000, 5],
  ]);
  expect(rules.normal).toMatchObject({
    pollBudget: 2000,
    cpuBudgetMs: 10,
    slowPollMs: 10,
    promotionHysteresisMs: 100,
    demotionHysteresisMs: 500,
    coolDownMs: 1000,
    coolDownRate: 10,
  });
});

test('priorities scale what promotes by 0.25, 0.5, 1, 2 and what a poll may take by 4, 2, 1, 0.5', () => {
  const { critical, high, normal, low } = tierPlan().rules;
  expect(
    [critical, high, normal, low].map(({ pollBudget, cpuBudgetMs }) => [pollBudget, cpuBudgetMs]),
  ).toEqual([
    [8000, 40],
    [4000, 20],
    [2000, 10],
    [1000, 5],
  ]);
  expect(rowsOf(critical).slice(0, 2)).toEqual([
    [2, 12.5, 3, 100, 5000, 100, 20],
    [1, 6.25, 2, 75, 3000, 200, 15],
  ]);
  expect(rowsOf(low)[0]).toEqual([10, 100, 20, 100, 5000, 100, 20]);
  expect(rowsOf(high)[2]).toEqual([1, 7.5, 2, 50, 2000, 500, 10]);
});

test('levels are of the priority at or below them', () => {
  const plan = tierPlan();
  expect([0, 4, 5, 10, 14, 15, 20].map((level) => rulesAt(plan, level).pollBudget)).toEqual([
    1000, 1000, 1000, 2000, 2000, 4000, 8000,
  ]);
});

test('profiles differ in what promotes, what a poll may take, and what demotes', () => {
  const [aggressive, permissive] = [tierPlan('aggressive'), tierPlan({ profile: 'permissive' })];
  expect([aggressive.profile, permissive.profile, tierPlan(true).profile]).toEqual([
    'aggressive',
    'permissive',
    'balanced',
  ]);
  expect(rowsOf(aggressive.rules.normal)[0]).toEqual([3, 25, 5, 200, 10_000, 100, 20]);
  expect(rowsOf(permissive.rules.normal)[0]).toEqual([10, 100, 20, 50, 2500, 100, 20]);
  expect([aggressive.rules.normal.pollBudget, permissive.rules.normal.slowPollMs]).toEqual([1000, 20]);
});

test('each number can be given, and what is given is custom', () => {
  const plan = tierPlan({
    profile: 'aggressive',
    pollBudget: 100,
    slowPollMs: 3,
    tiers: { warn: { violations: Infinity, minMs: 0 }, isolate: { goodPolls: 7 } },
    priorities: { low: { budgets: 3 } },
  });
  expect(plan.profile).toBe('custom');
  expect(plan.rules.normal).toMatchObject({ pollBudget: 100, cpuBudgetMs: 5, slowPollMs: 3 });
  expect(rowsOf(plan.rules.normal)[1]).toEqual([Infinity, 12.5, 3, 150, 0, 200, 15]);
  expect(rowsOf(plan.rules.normal)[3]?.slice(3, 4)).toEqual([7]);
  expect(plan.rules.low).toMatchObject({ pollBudget: 300, slowPollMs: 9 });
  expect(tierRow(plan.rules.low, 0).violations).toBe(6); // 2 × the 3 of the profile
});

test('a profile of its own is balanced but for what it says', () => {
  const plan = tierPlan({ profile: 'custom', slowPollMs: 3 });
  expect(plan).toEqual({ ...tierPlan({ slowPollMs: 3 }), profile: 'custom' });
  expect(plan.rules.normal).toMatchObject({ slowPollMs: 3, cpuBudgetMs: 10 });
});

test('budgets stay within what a record can hold, whatever scales them', () => {
  const { rules } = tierPlan({ pollBudget: 10_000, priorities: { low: { budgets: 0.01 } } });
  expect([rules.critical.pollBudget, rules.low.pollBudget]).toEqual([10_000, 100]);
});

test('a plan travels to other threads', () => {
  const plan = tierPlan({ profile: 'permissive', coolDownRate: 3 });
  expect(structuredClone(plan)).toEqual(plan);
});

test('what is no option, or out of its range, is refused with what was found', () => {
  const refused: readonly [unknown, RegExp][] = [
    [false, /budgets is false/],
    [null, /budgets is null/],
    ['custom', /budgets\.profile is "custom", expected numbers beside it/],
    [{ profile: 'custom', pollBudget: undefined }, /numbers beside it/],
    ['balance', /budgets\.profile is "balance"/],
    [{ profil: 'balanced' }, /budgets\.profil is "balanced"/],
    [{ pollBudget: 99 }, /pollBudget is 99, expected an integer from 100 to 10000/],
    [{ pollBudget: 10_001 }, /pollBudget/],
    [{ cpuBudgetMs: 0 }, /cpuBudgetMs is 0/],
    [{ slowPollMs: NaN }, /slowPollMs is NaN/],
    [{ slowPollMs: Infinity }, /slowPollMs is Infinity/],
    [{ coolDownRate: '10' }, /coolDownRate is "10"/],
    [{ demotionHysteresisMs: -1 }, /demotionHysteresisMs is -1/],
    [{ tiers: { isolated: {} } }, /budgets\.tiers\.isolated/],
    [{ tiers: { warn: { goodPoll: 1 } } }, /budgets\.tiers\.warn\.goodPoll is 1/],
    [{ tiers: { warn: { goodPolls: Infinity } } }, /goodPolls is Infinity/],
    [{ tiers: { warn: { checkEvery: 0 } } }, /checkEvery is 0/],
    [{ tiers: { warn: { violations: 1.5 } } }, /violations is 1\.5/],
    [{ tiers: { isolate: { violations: 1 } } }, /budgets\.tiers\.isolate\.violations is 1, expected none/],
    [{ tiers: [] }, /budgets\.tiers/],
    [{ priorities: { urgent: {} } }, /budgets\.priorities\.urgent/],
    [{ priorities: { low: { budget: 1 } } }, /budgets\.priorities\.low\.budget is 1/],
    [{ priorities: { low: { budgets: 0 } } }, /budgets\.priorities\.low\.budgets is 0/],
  ];
  for (const [options, message] of refused) {
    expect(() => tierPlan(options as TierOptions)).toThrow(ArgumentRangeError);
    expect(() => tierPlan(options as TierOptions)).toThrow(message);
  }
});
