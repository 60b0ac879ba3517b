// A hog among a hundred tasks that behave. `npm run hog` prints what becomes of their latency, with and without budgets.
import { expect, test } from 'vitest';
import { TIERS, type TierEvent } from '../src/budgets/index.ts';
import { Scheduler } from '../src/index.ts';
import { runExperiment, STEP_MS } from './hog/experiment.ts';
import { behaved, BEHAVED, digestOf, nameOf } from './hog/tasks.ts';
import { Draws } from './injection/draws.ts';
import { ownTime } from './monitor/own-time.ts';
import { heldHogs } from './tasks/held-hog.ts';
import { Words } from './tasks/words.ts';

/** Far more than it takes to isolate it. */
const STEPS = 1000;
const hog = { stepMs: STEP_MS, workers: [] };

/** One task of each name. */
function runAll(scheduler: Scheduler, round: number): Promise<string[]> {
  const names = Array.from({ length: BEHAVED }, (_, n) => nameOf(n));
  return Promise.all(
    names.map((name) => {
      const task = behaved[name];
      if (task === undefined) throw new Error(`no task ${name}`);
      return scheduler.run(task, round);
    }),
  );
}

const digests = (round: number): string[] => Array.from({ length: BEHAVED }, () => digestOf(round));

test('a hog goes through all tiers, one at a time, and on to the slow lane; those beside it do not wait for its steps then', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 1, budgets: true, ...ownTime(words) });
  await scheduler.ready;
  const tiers: TierEvent[] = [];
  scheduler.on('tier', (event) => tiers.push(event));
  const hogging = scheduler.run(heldHogs.untilMoved, { ...hog, left: STEPS });
  const beside = runAll(scheduler, 0);
  await words.arrived(1);
  // It is in the middle of a step, which ends when the test says so.
  for (let round = 1; round <= 5; round++) expect(await runAll(scheduler, round)).toEqual(digests(round));
  expect(await beside).toEqual(digests(0));
  words.open();
  const workers = await hogging;
  // From the common worker to that of the slow lane, once, and from the state in which it was.
  expect(workers.at(-1)).toBe(1);
  expect(new Set(workers.slice(0, -1))).toEqual(new Set([0]));
  expect(workers.length).toBeLessThan(STEPS);
  await expect.poll(() => tiers.map(({ to }) => to)).toEqual(TIERS.slice(1));
  expect(tiers.map(({ task, from }) => [task, from])).toEqual(
    TIERS.slice(0, -1).map((from) => ['untilMoved', from]),
  );
});

test('without budgets they wait for all of it', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 1, ...ownTime(words) });
  const order: string[] = [];
  const hogging = scheduler.run(heldHogs.onceOpen, { ...hog, left: 50 }).then((workers) => {
    order.push('hog');
    return workers;
  });
  await words.arrived(1);
  const beside = runAll(scheduler, 0).then((found) => {
    order.push('beside');
    return found;
  });
  const first = scheduler.run(behaved[nameOf(0)] as NonNullable<(typeof behaved)[string]>, 1);
  void first.then(() => order.push('one of them'));
  words.open();
  expect(await hogging).toEqual(Array.from({ length: 50 }, () => 0));
  expect(await beside).toEqual(digests(0));
  await first;
  expect(order[0]).toBe('hog');
  expect(order).toHaveLength(3);
});

test('the experiment counts what each task took, and what was wrong', async () => {
  const { ns, wrong, stays } = await runExperiment({
    draws: new Draws(1),
    milliseconds: 500,
    hasHog: true,
    scheduler: { threads: 1, budgets: true },
  });
  expect(wrong).toBe(0);
  expect(ns.count).toBeGreaterThan(0);
  expect(stays[0]?.[0]).toBe(0);
});
