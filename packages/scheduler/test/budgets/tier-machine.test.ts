// Histories of docs/budgets.md, with its numbers.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import {
  beginTierRecord,
  CAUSE_CPU,
  CAUSE_SLOW,
  changesIn,
  COOLING_DOWN,
  CPU_UNKNOWN,
  DEMOTED,
  isCheckNext,
  newTierRecord,
  observePoll,
  PROMOTED,
  RECORD_NUMBERS,
  tierIn,
} from '../../src/budgets/tier-machine.ts';
import { tierPlan } from '../../src/budgets/tier-table.ts';

const { normal, critical, low } = tierPlan().rules;

/** Polls one after the other, from `startMs` on, until the tier is `tier`. @returns how many, and when */
function pollUntil(
  record: Float64Array,
  tier: number,
  startMs: number,
  everyMs: number,
  wallMs: number,
  cpuMs: number,
  rules = normal,
): [polls: number, atMs: number] {
  let [polls, atMs] = [0, startMs];
  while (tierIn(record, 0) !== tier && polls < 1e5) {
    atMs += everyMs;
    observePoll(record, 0, rules, wallMs, cpuMs, false, atMs);
    polls++;
  }
  return [polls, atMs];
}

test('a task that spins rises to the last tier as fast as hysteresis lets it, and falls as slowly as the times at the tiers say', () => {
  const record = newTierRecord(normal, 0);
  expect(pollUntil(record, 1, 0, 20, 20, 20)).toEqual([3, 60]);
  expect(pollUntil(record, 2, 60, 20, 20, 20)).toEqual([5, 160]);
  expect(pollUntil(record, 3, 160, 20, 20, 20)).toEqual([5, 260]);
  expect(pollUntil(record, 2, 260, 1, 0.01, CPU_UNKNOWN)[1]).toBe(10_260);
  expect(pollUntil(record, 1, 10_260, 1, 0.01, CPU_UNKNOWN)[1]).toBe(12_260);
  expect(pollUntil(record, 0, 12_260, 1, 0.01, CPU_UNKNOWN)[1]).toBe(15_260);
  expect(changesIn(record, 0)).toEqual({ promotions: 3, demotions: 3 });
});

test('a task whose CPU time is not known takes five slow polls', () => {
  expect(pollUntil(newTierRecord(normal, 0), 1, 0, 20, 20, CPU_UNKNOWN)).toEqual([5, 100]);
});

test('a sleeping poll is slow, and no CPU violation; a spinning one is both', () => {
  const record = newTierRecord(normal, 0);
  expect(observePoll(record, 0, normal, 50, 0.1, false, 100)).toBe(CAUSE_SLOW);
  expect(observePoll(record, 0, normal, 50, 45, false, 200)).toBe(CAUSE_SLOW | CAUSE_CPU);
});

test('a single slow poll among thousands of good ones is seen at once, where one is enough', () => {
  const { normal: rules } = tierPlan({ tiers: { monitor: { slowPolls: 1 } } }).rules;
  const record = newTierRecord(rules, 0);
  for (let i = 0; i < 10_007; i++) expect(observePoll(record, 0, rules, 0.01, CPU_UNKNOWN, false, i)).toBe(0);
  expect(observePoll(record, 0, rules, 10.1, CPU_UNKNOWN, false, 10_007)).toBe(CAUSE_SLOW | PROMOTED);
});

test('one slow poll in a hundred good ones promotes nobody, ever', () => {
  const record = newTierRecord(normal, 0);
  for (let i = 0; i < 1e5; i++) {
    const wallMs = i % 121 === 0 ? 30 : 0.01;
    expect(observePoll(record, 0, normal, wallMs, CPU_UNKNOWN, false, i * 100) & PROMOTED).toBe(0);
  }
});

test('more than ten violations in a second hold good polls back for another second', () => {
  const record = newTierRecord(normal, 0, 1);
  const { normal: patient } = tierPlan({
    tiers: { warn: { violations: 1000, cpuMs: 1e6, slowPolls: 1000 } },
  }).rules;
  for (let i = 0; i < 10; i++)
    expect(observePoll(record, 0, patient, 11, 11, false, 9000 + i) & COOLING_DOWN).toBe(0);
  expect(observePoll(record, 0, patient, 11, 11, false, 9010) & COOLING_DOWN).toBe(COOLING_DOWN);
  const [polls, atMs] = pollUntil(record, 0, 9010, 10, 0.01, CPU_UNKNOWN, patient);
  expect(atMs).toBeGreaterThanOrEqual(10_010 + 74 * 10); // a second, then 75 good polls
  expect(polls).toBeGreaterThan(100);
});

test('an urgent task may do more in a poll, and less is forgiven it', () => {
  expect([critical, normal, low].map(({ pollBudget }) => pollBudget)).toEqual([8000, 2000, 1000]);
  expect(observePoll(newTierRecord(critical, 0), 0, critical, 39, 39, false, 50)).toBe(0);
  expect(observePoll(newTierRecord(low, 0), 0, low, 6, 6, false, 50)).toBe(CAUSE_SLOW | CAUSE_CPU);
  expect(pollUntil(newTierRecord(critical, 0), 1, 0, 50, 50, CPU_UNKNOWN, critical)[0]).toBe(2); // 1.25
  expect(pollUntil(newTierRecord(low, 0), 1, 0, 50, 50, CPU_UNKNOWN, low)[0]).toBe(10);
});

test('a check is announced one poll before', () => {
  const record = newTierRecord(normal, 0);
  const announced: number[] = [];
  for (let i = 1; i <= 60; i++) {
    if (isCheckNext(record, 0)) announced.push(i);
    observePoll(record, 0, normal, 0.01, CPU_UNKNOWN, false, i);
  }
  expect(announced).toEqual([20, 40, 60]);
});

test('a demotion is told as such', () => {
  const record = newTierRecord(normal, 0, 1);
  let outcome = 0;
  for (let i = 1; i <= 90; i++) outcome |= observePoll(record, 0, normal, 0.01, CPU_UNKNOWN, false, 100 * i);
  expect(outcome).toBe(DEMOTED);
});

test('a record lies within its array, at a tier that there is', () => {
  const record = new Float64Array(RECORD_NUMBERS + 1);
  beginTierRecord(record, 1, normal, 0, 3);
  expect(tierIn(record, 1)).toBe(3);
  for (const at of [-1, 2, 0.5])
    expect(() => beginTierRecord(record, at, normal, 0, 0)).toThrow(ArgumentRangeError);
  for (const tier of [-1, 4, 0.5, NaN])
    expect(() => beginTierRecord(record, 0, normal, 0, tier)).toThrow(/tier/);
});
