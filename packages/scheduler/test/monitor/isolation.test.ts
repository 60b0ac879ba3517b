// What becomes of tasks whose tier says that they are too much for others.
import { expect, test } from 'vitest';
import { POLICIES, Scheduler, type NameBudget } from '../../src/index.ts';
import { polls } from '../tasks/polls.ts';

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
    await using scheduler = Scheduler.create({ threads: 1, policy, budgets: SOON });
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
  await using scheduler = Scheduler.create({ threads: 1, budgets: AT_ONCE, slowLane: false });
  expect(await scheduler.run(polls.stepping, { left: 12, ms: 6, workers: [] })).toEqual([0]);
});

test('steps that are pinned stay with their worker', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: AT_ONCE });
  const rounds = { left: 12, ms: 6, workers: [] };
  expect(await scheduler.run(polls.stepping, rounds, { pin: { worker: 0 } })).toEqual([0]);
});

test('plain functions of a name that is isolated begin in the slow lane', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: AT_ONCE });
  for (let i = 0; i < 4; i++) await scheduler.run(polls.where, 6);
  await expect.poll(() => budgetOf(scheduler, 'where')?.tier).toBe('isolate');
  expect(await scheduler.run(polls.where, 0)).toBe(scheduler.threads);
  expect(await scheduler.run(polls.tiny, 1)).toBe(2);
});

test('the name of tasks that had to be isolated is isolated in the end', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: AT_ONCE, slowLane: false });
  for (let i = 0; i < 4; i++) await scheduler.run(polls.spinning, { left: 6, ms: 6 });
  await expect.poll(() => budgetOf(scheduler, 'spinning')?.tier).toBe('isolate');
});

test.each(POLICIES)('under policy %s a generator of many short polls lets others run', async (policy) => {
  await using scheduler = Scheduler.create({ threads: 1, policy, budgets: true });
  const hog = scheduler.run(polls.spinning, { left: 400, ms: 1 });
  let hasEnded = false;
  void hog.then(() => (hasEnded = true));
  for (let i = 0; i < 5; i++) expect(await scheduler.run(polls.tiny, i)).toBe(i + 1);
  expect(hasEnded).toBe(false);
  await hog;
});

test('a generator that is isolated has its share of a busy worker, and all of one with nothing else to do', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: AT_ONCE, slowLane: false });
  const hog = scheduler.run(polls.spinning, { left: 80, ms: 6 });
  await expect
    .poll(() => scheduler.stats().budgets?.promotions, { timeout: 10_000 })
    .toBeGreaterThanOrEqual(3);
  const seen = (): number => scheduler.stats().budgets?.polls ?? 0;
  // Keeps the worker busy: 2 ms each, no violation.
  let others = 0;
  const until = performance.now() + 600;
  const before = seen();
  await Promise.all(
    [1, 2, 3, 4].map(async () => {
      while (performance.now() < until) {
        await scheduler.run(polls.spin, 2);
        others++;
      }
    }),
  );
  const hogs = seen() - before - others;
  const share = (hogs * 6) / (hogs * 6 + others * 2);
  expect(share).toBeGreaterThan(0.1);
  expect(share).toBeLessThan(0.45);
  expect(await hog).toBe('done');
});
