// What becomes of tasks whose tier says that they are too much for others.
import { expect, test } from 'vitest';
import { POLICIES, Scheduler, type NameBudget } from '../../src/index.ts';
import { gated } from '../tasks/gated.ts';
import { polls } from '../tasks/polls.ts';
import { Words } from '../tasks/words.ts';
import { ownTime } from './own-time.ts';

const QUICK = { promotionHysteresisMs: 0, slowPollMs: 5, cpuBudgetMs: 4 } as const;
/** Three violations each. */
const SOON = {
  ...QUICK,
  tiers: Object.fromEntries(
    ['monitor', 'warn', 'yield'].map((tier) => [
      tier,
      { violations: 3, slowPolls: 3, cpuMs: 1e6, checkEvery: 1 },
    ]),
  ),
};
/** One violation each. */
const AT_ONCE = {
  ...QUICK,
  tiers: Object.fromEntries(
    ['monitor', 'warn', 'yield'].map((tier) => [tier, { violations: 1, checkEvery: 1 }]),
  ),
};

function budgetOf(scheduler: Scheduler, name: string): NameBudget | undefined {
  return scheduler.stats().budgets?.tasks.find(({ task }) => task === name);
}

test.each(POLICIES)(
  'under policy %s steps that are isolated go on in the slow lane, from their state, and are isolated there',
  async (policy) => {
    await using scheduler = Scheduler.create({ threads: 1, policy, budgets: SOON, ...ownTime() });
    await scheduler.ready;
    const slow = scheduler.threads;
    const tiers: string[] = [];
    scheduler.on('tier', ({ worker, to }) => tiers.push(`${worker} ${to}`));
    expect(await scheduler.run(polls.stepping, { left: 25, ms: 6, workers: [] })).toEqual([0, slow]);
    expect(scheduler.stats().workers[0]).toMatchObject({ moved: 1, completed: 0 });
    expect(scheduler.stats().slowLane).toMatchObject({ entered: 1 });
    await expect.poll(() => tiers.slice(0, 3)).toEqual(['0 warn', '0 yield', '0 isolate']);
    // Its name has learned, from its first polls and from its end.
    await expect.poll(() => scheduler.stats().budgets?.workers[slow]?.promotions).toBeLessThanOrEqual(1);
    expect(budgetOf(scheduler, 'stepping')?.tier).toBe('warn');
  },
);

test('steps stay where there is no slow lane', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: AT_ONCE, slowLane: false, ...ownTime() });
  expect(await scheduler.run(polls.stepping, { left: 12, ms: 6, workers: [] })).toEqual([0]);
});

test('steps that are pinned stay with their worker', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: AT_ONCE, ...ownTime() });
  const rounds = { left: 12, ms: 6, workers: [] };
  expect(await scheduler.run(polls.stepping, rounds, { pin: { worker: 0 } })).toEqual([0]);
});

test('plain functions of a name that is isolated begin in the slow lane', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: AT_ONCE, ...ownTime() });
  for (let i = 0; i < 4; i++) await scheduler.run(polls.where, 6);
  await expect.poll(() => budgetOf(scheduler, 'where')?.tier).toBe('isolate');
  expect(await scheduler.run(polls.where, 0)).toBe(scheduler.threads);
  expect(await scheduler.run(polls.tiny, 1)).toBe(2);
});

test('the name of tasks that had to be isolated is isolated in the end', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: AT_ONCE, slowLane: false, ...ownTime() });
  for (let i = 0; i < 4; i++) await scheduler.run(polls.spinning, { left: 6, ms: 6 });
  await expect.poll(() => budgetOf(scheduler, 'spinning')?.tier).toBe('isolate');
});

test.each(POLICIES)('under policy %s a generator of many short polls lets others run', async (policy) => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, policy, budgets: true, workerData: words.view });
  const hog = scheduler.run(gated.turnsUntilOpen);
  await words.arrived(1);
  for (let i = 0; i < 5; i++) expect(await scheduler.run(polls.tiny, i)).toBe(i + 1);
  words.open();
  expect(await hog).toBe('open');
});

test('a generator that is isolated has its share of a busy worker, and all of one with nothing else to do', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({
    ...ownTime(words),
    threads: 1,
    budgets: AT_ONCE,
    slowLane: false,
  });
  const held = scheduler.run(gated.hold, 1);
  await words.arrived(1);
  const hog = scheduler.run(polls.spinning, { left: 80, ms: 6 });
  // The worker is busy with them, and none is a violation.
  const others = Promise.all(Array.from({ length: 150 }, () => scheduler.run(polls.spinBeside, 2)));
  words.open();
  const before = await others;
  expect(before).toEqual(before.toSorted((a, b) => a - b));
  const isolated = before.slice(before.findIndex((count) => count >= 4));
  const hogs = (isolated.at(-1) as number) - (isolated[0] as number);
  const share = (hogs * 6) / (hogs * 6 + (isolated.length - 1) * 2);
  expect(share).toBeGreaterThan(0.22);
  expect(share).toBeLessThan(0.28);
  expect(await hog).toBe('done');
  await held;
});
