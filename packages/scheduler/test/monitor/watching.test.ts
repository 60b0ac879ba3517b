// Polls as workers see them: what is a violation, and what follows for a task and for its name.
import { once } from 'node:events';
import diagnostics_channel from 'node:diagnostics_channel';
import { expect, test } from 'vitest';
import type { TierEvent, ViolationEvent } from '../../src/budgets/index.ts';
import { Scheduler, type NameBudget } from '../../src/index.ts';
import { polls } from '../tasks/polls.ts';
import { ownTime } from './own-time.ts';

/** All of this is quick: five slow polls are enough to promote, and there is no waiting between. */
const QUICK = { promotionHysteresisMs: 0, slowPollMs: 5, cpuBudgetMs: 4 } as const;

function budgetOf(scheduler: Scheduler, name: string): NameBudget | undefined {
  return scheduler.stats().budgets?.tasks.find(({ task }) => task === name);
}

/** The events of a scheduler, in the order in which they come. */
function record(scheduler: Scheduler): { tiers: TierEvent[]; violations: ViolationEvent[] } {
  const events = { tiers: [] as TierEvent[], violations: [] as ViolationEvent[] };
  scheduler.on('tier', (event) => events.tiers.push(event));
  scheduler.on('violation', (event) => events.violations.push(event));
  return events;
}

test('nothing is watched where nobody asks for it', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  await scheduler.run(polls.spin, 15);
  expect(scheduler.stats().budgets).toBeUndefined();
  expect(await scheduler.run(polls.consume, 1e9)).toEqual([true, false, Infinity]);
  expect(() => scheduler.setHooks('file:///hooks.ts')).toThrow(
    /hooks is .*expected none without option budgets/,
  );
});

test('a single slow poll among thousands of quick ones is seen, is of its own name, and no other is seen', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: true, ...ownTime() });
  const { violations } = record(scheduler);
  const quick = (): Promise<number[]> =>
    scheduler.runMany(
      polls.tiny,
      Array.from({ length: 5000 }, (_, i) => i),
      { chunk: 1 },
    );
  const before = quick();
  const slow = scheduler.run(polls.spin, 30);
  const after = quick();
  await Promise.all([before, slow, after]);
  await expect.poll(() => violations).toMatchObject([{ task: 'spin', causes: ['cpu', 'slow'] }]);
  expect(violations[0]?.durationMs).toBeCloseTo(30, 1);
  await expect
    .poll(() => scheduler.stats().budgets)
    .toMatchObject({ polls: 10_001, violations: { total: 1, slow: 1 } });
  expect(budgetOf(scheduler, 'spin')).toMatchObject({ polls: 1, violations: 1, tier: 'monitor' });
  expect(budgetOf(scheduler, 'tiny')).toMatchObject({ polls: 10_000, violations: 0 });
});

test('what sleeps uses no CPU time, what spins does', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: true });
  const { violations } = record(scheduler);
  await scheduler.run(polls.sleep, 40);
  await scheduler.run(polls.burn, 30);
  await expect.poll(() => violations.length).toBe(2);
  const [sleep, burn] = violations;
  const clock = scheduler.stats().budgets?.workers[0]?.cpuClock;
  expect(sleep).toMatchObject({ task: 'sleep', worker: 0, tier: 'monitor' });
  expect(burn).toMatchObject({ task: 'burn', causes: ['cpu', 'slow'] });
  // Node 22 has no clock for it, and says so.
  expect(sleep?.causes).toEqual(clock === 'thread' ? ['slow'] : ['cpu', 'slow']);
  if (clock === 'thread') expect(sleep?.cpuMs).toBeLessThan(10);
});

test('a task that throws after a slow poll is a violation as others', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: true, ...ownTime() });
  await expect(scheduler.run(polls.fail, 15)).rejects.toThrow('after that');
  await expect.poll(() => scheduler.stats().budgets?.violations.slow).toBe(1);
});

test('of an async function the first poll is watched alone', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: true, ...ownTime() });
  await scheduler.run(polls.spinLater, 30);
  await expect.poll(() => scheduler.stats().budgets?.polls).toBe(1);
  expect(scheduler.stats().budgets?.violations.total).toBe(0);
});

test('each element of a list is a poll', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: true, ...ownTime() });
  await scheduler.runMany(
    polls.spin,
    Array.from({ length: 40 }, () => 1),
    { chunk: 40 },
  );
  await expect.poll(() => budgetOf(scheduler, 'spin')?.polls).toBe(40);
  await scheduler.runMany(polls.spinLater, [1, 1], { chunk: 2 });
  await expect.poll(() => budgetOf(scheduler, 'spinLater')?.polls).toBe(1);
});

test('a budget is full at each poll, is never below nothing, and spending it is a violation', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: { pollBudget: 1000 }, ...ownTime() });
  const { violations } = record(scheduler);
  expect(await scheduler.run(polls.consume, 400)).toEqual([true, false, 600]);
  expect(await scheduler.run(polls.consume, 1001)).toEqual([false, true, 0]);
  expect(await scheduler.run(polls.consume, 400)).toEqual([true, false, 600]);
  expect(await scheduler.run(polls.consumeTwice, 700)).toEqual([300, 300]);
  await expect.poll(() => violations).toMatchObject([{ task: 'consume', causes: ['budget'] }]);
});

test('budgets and limits are those of the priority of a task', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: true, ...ownTime() });
  const left = async (priority: 'critical' | 'high' | 'normal' | 'low'): Promise<number> =>
    (await scheduler.run(polls.consume, 0, { priority }))[2];
  expect([await left('critical'), await left('high'), await left('normal'), await left('low')]).toEqual([
    8000, 4000, 2000, 1000,
  ]);
  const { violations } = record(scheduler);
  await scheduler.run(polls.burn, 15, { priority: 'critical' });
  await scheduler.run(polls.spin, 8, { priority: 'low' });
  await expect.poll(() => violations).toMatchObject([{ task: 'spin' }]);
});

test('a generator rises by one tier at a time, and its name does not with it', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: QUICK, ...ownTime() });
  const { tiers } = record(scheduler);
  expect(await scheduler.run(polls.spinning, { left: 30, ms: 6 })).toBe('done');
  await expect
    .poll(() => tiers.map(({ from, to }) => `${from}-${to}`))
    .toEqual(['monitor-warn', 'warn-yield', 'yield-isolate']);
  expect(budgetOf(scheduler, 'spinning')?.tier).toBe('monitor');
  await expect
    .poll(() => scheduler.stats().budgets)
    .toMatchObject({ promotions: 3, demotions: 0, active: 0 });
});

test('the history of a name is that of all workers', async () => {
  await using scheduler = Scheduler.create({ threads: 2, budgets: QUICK, ...ownTime() });
  await scheduler.ready;
  const { tiers } = record(scheduler);
  // No worker alone has seen enough.
  for (let i = 0; i < 6; i++) await scheduler.run(polls.spin, 6, { pin: { worker: i % 2 } });
  await expect
    .poll(() => budgetOf(scheduler, 'spin'))
    .toMatchObject({ violations: 6, promotions: 1, tier: 'warn' });
  await expect.poll(() => tiers).toMatchObject([{ task: 'spin', from: 'monitor', to: 'warn' }]);
});

test('a name falls again when its polls are good for long enough', async () => {
  const quick = { minMs: 0, goodPolls: 5, checkEvery: 1 };
  await using scheduler = Scheduler.create({
    ...ownTime(),
    threads: 1,
    slowLane: false,
    budgets: {
      ...QUICK,
      demotionHysteresisMs: 20,
      coolDownMs: 0,
      tiers: { monitor: quick, warn: quick, yield: quick, isolate: quick },
    },
  });
  for (let i = 0; i < 6; i++) await scheduler.run(polls.spin, 6);
  await expect.poll(() => budgetOf(scheduler, 'spin')).toMatchObject({ tier: 'warn', promotions: 1 });
  // For longer than demotionHysteresisMs.
  const good = Array.from({ length: 500 }, () => 0.05);
  await scheduler.runMany(polls.spin, good, { chunk: 1 });
  await expect
    .poll(() => budgetOf(scheduler, 'spin'))
    .toMatchObject({ tier: 'monitor', promotions: 1, demotions: 1 });
});

test('a worker that ends loses no history, and leaves no record taken', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: QUICK, ...ownTime() });
  await scheduler.ready;
  for (let i = 0; i < 5; i++) await scheduler.run(polls.spin, 6);
  scheduler.endWorker(0);
  await once(scheduler, 'workerCreate');
  await scheduler.run(polls.spin, 6);
  await expect.poll(() => budgetOf(scheduler, 'spin')).toMatchObject({ tier: 'warn', violations: 6 });
});

test('events are published on channels of the owner, too', async () => {
  const seen: [string, unknown][] = [];
  const names = ['tier', 'violation', 'slow-poll'].map((name) => `corelane:scheduler:${name}`);
  const listeners = names.map((name) => {
    const listener = (event: unknown): void => void seen.push([name, event]);
    diagnostics_channel.subscribe(name, listener);
    return (): void => void diagnostics_channel.unsubscribe(name, listener);
  });
  try {
    await using scheduler = Scheduler.create({ threads: 1, budgets: QUICK, ...ownTime() });
    for (let i = 0; i < 5; i++) await scheduler.run(polls.spin, 6);
    const on = (channel: string): unknown[] =>
      seen.filter(([name]) => name === `corelane:scheduler:${channel}`).map(([, event]) => event);
    // Each is a message of its own: the fifth violation comes after the change of tier that it brings.
    await expect
      .poll(() => ['violation', 'slow-poll', 'tier'].map((channel) => on(channel).length))
      .toEqual([5, 5, 1]);
    expect(on('tier')).toEqual([{ task: 'spin', worker: 0, from: 'monitor', to: 'warn' }]);
  } finally {
    for (const unsubscribe of listeners) unsubscribe();
  }
});

test('of many violations some are told of, and the rest is counted', async () => {
  const budgets = { pollBudget: 100, coolDownRate: 1000 };
  await using scheduler = Scheduler.create({ threads: 1, budgets, ...ownTime() });
  const { violations, tiers } = record(scheduler);
  await Promise.all(Array.from({ length: 200 }, () => scheduler.run(polls.consume, 100)));
  await expect.poll(() => scheduler.stats().budgets?.violations.budget).toBe(200);
  await expect.poll(() => violations.length + (scheduler.stats().budgets?.unsaid ?? 0)).toBe(200);
  expect(violations.length + tiers.length).toBe(20); // in the 100 ms in which all of it happens
});

test.each([
  [{ budgets: 'lazy' as never }, /budgets.profile is "lazy", expected one of/],
  [{ budgets: { pollBudged: 1 } as never }, /budgets.pollBudged is 1, expected none: options are/],
  [{ isolatedShare: 0.5 }, /isolatedShare is 0.5, expected none without option budgets/],
  [{ budgets: true, isolatedShare: 0 } as const, /isolatedShare is 0, expected more than 0, at most 1/],
  [{ hooks: 'file:///a.ts' }, /hooks is "file:\/\/\/a.ts", expected none without option budgets/],
  [{ budgets: true, hooks: 'a' } as const, /module is "a", expected a URL/],
])('what means nothing is refused: %o', (options, message) => {
  expect(() => Scheduler.create({ threads: 1, ...options })).toThrow(message);
});
