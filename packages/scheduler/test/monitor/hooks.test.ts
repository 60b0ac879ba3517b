// Hooks on workers: called around each poll, and exchanged while polls go on.
import { expect, test } from 'vitest';
import { HooksError, Scheduler } from '../../src/index.ts';
import { COUNTED, HOOK_WORDS } from '../tasks/counting-hooks.ts';
import { polls } from '../tasks/polls.ts';

const A = new URL('../tasks/hooks-a.ts', import.meta.url);
const B = new URL('../tasks/hooks-b.ts', import.meta.url);
const THROW = new URL('../tasks/hooks-throw.ts', import.meta.url);
const NONE = new URL('../tasks/counting-hooks.ts', import.meta.url);

type Counts = Readonly<Record<(typeof COUNTED)[number], number>>;

function countsIn(words: Int32Array, set: number): Counts {
  return Object.fromEntries(
    COUNTED.map((name, i) => [name, Atomics.load(words, set * HOOK_WORDS + i)]),
  ) as Counts;
}

function sharedWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(2 * HOOK_WORDS * 4));
}

test('each poll is between two calls, and each end is told', async () => {
  const words = sharedWords();
  await using scheduler = Scheduler.create({ threads: 1, budgets: true, hooks: A, workerData: words });
  for (let i = 0; i < 10; i++) await scheduler.run(polls.tiny, i);
  await expect(scheduler.run(polls.fail, 0)).rejects.toThrow('after that');
  await scheduler.run(polls.spinning, { left: 3, ms: 0 });
  await scheduler.run(polls.stepping, { left: 3, ms: 0, workers: [] });
  await scheduler.run(polls.spinLater, 0);
  // The call that makes a generator is a poll, too.
  expect(countsIn(words, 0)).toEqual({
    beforePoll: 10 + 1 + 5 + 4 + 1,
    done: 10 + 1 + 1,
    pending: 4 + 3 + 1,
    failed: 1,
    onYield: 0,
    completed: 14,
    nested: 0,
  });
});

test('hooks are exchanged during a million polls on two workers, and none is lost, or told twice', async () => {
  const words = sharedWords();
  await using scheduler = Scheduler.create({ threads: 2, budgets: true, workerData: words });
  await scheduler.ready;
  const TASKS = 200;
  const POLLS = 5000;
  await scheduler.setHooks(A);
  const all = Promise.all(
    Array.from({ length: TASKS }, () => scheduler.run(polls.spinning, { left: POLLS - 2, ms: 0 })),
  );
  const ended = { yet: false };
  void all.then(() => (ended.yet = true));
  let exchanges = 0;
  while (!ended.yet) await scheduler.setHooks(exchanges++ % 2 === 0 ? B : A);
  await all;
  const [a, b] = [countsIn(words, 0), countsIn(words, 1)];
  expect(exchanges).toBeGreaterThan(2);
  expect(a.beforePoll + b.beforePoll).toBe(TASKS * POLLS);
  for (const counts of [a, b]) {
    expect(counts.beforePoll).toBeGreaterThan(0);
    expect(counts.done + counts.pending).toBe(counts.beforePoll);
    expect(counts.nested).toBe(0);
  }
  expect(a.completed + b.completed).toBe(TASKS);
  await scheduler.setHooks(undefined);
  await scheduler.run(polls.tiny, 1);
  expect(countsIn(words, 0).beforePoll + countsIn(words, 1).beforePoll).toBe(TASKS * POLLS);
  expect(scheduler.stats().budgets?.polls).toBe(TASKS * POLLS + 1);
}, 60_000);

test('workers with nothing to do, and those that wait, exchange their hooks at once', async () => {
  const words = sharedWords();
  await using scheduler = Scheduler.create({ threads: 2, budgets: true, workerData: words });
  await scheduler.ready;
  for (let i = 0; i < 20; i++) await scheduler.setHooks(i % 2 === 0 ? B : A);
  await Promise.all([0, 1].map((worker) => scheduler.run(polls.tiny, 1, { pin: { worker } })));
  expect(countsIn(words, 0)).toMatchObject({ beforePoll: 2, completed: 2 });
  expect(countsIn(words, 1)).toMatchObject({ beforePoll: 0 });
});

test('a worker that waits for a task exchanges its hooks meanwhile', async () => {
  const words = sharedWords();
  await using scheduler = Scheduler.create({ threads: 1, budgets: true, workerData: words });
  await scheduler.ready;
  const waiting = scheduler.run(polls.wait, 200);
  await scheduler.setHooks(A);
  await scheduler.setHooks(B);
  await waiting;
  await scheduler.run(polls.tiny, 1);
  expect(countsIn(words, 1)).toMatchObject({ beforePoll: 1 });
});

test('a worker that starts later has the hooks of that time', async () => {
  const words = sharedWords();
  await using scheduler = Scheduler.create({
    minThreads: 0,
    maxThreads: 1,
    budgets: true,
    workerData: words,
  });
  await scheduler.setHooks(B);
  await scheduler.run(polls.tiny, 1);
  expect(countsIn(words, 1)).toMatchObject({ beforePoll: 1 });
});

test('hooks that can not be imported are refused, and those that were there go on', async () => {
  const words = sharedWords();
  await using scheduler = Scheduler.create({ threads: 2, budgets: true, hooks: A, workerData: words });
  await scheduler.ready;
  const failure = scheduler.setHooks(NONE);
  await expect(failure).rejects.toThrow(HooksError);
  await expect(failure).rejects.toThrow(
    /not in force on 2 workers, expected none: worker \d: .*has no hooks as its default export/,
  );
  await scheduler.run(polls.tiny, 1);
  expect(countsIn(words, 0)).toMatchObject({ beforePoll: 1, done: 1 });
});

test('a hook that throws disturbs no task', async () => {
  await using scheduler = Scheduler.create({ threads: 1, budgets: true, hooks: THROW });
  expect(await scheduler.run(polls.tiny, 1)).toBe(2);
  await expect.poll(() => scheduler.stats().budgets?.hookFailures).toBe(1);
});

test('what waits for workers that end settles', async () => {
  const scheduler = Scheduler.create({ threads: 1, budgets: true, workerData: sharedWords() });
  await scheduler.ready;
  const busy = scheduler.run(polls.spin, 60_000);
  busy.catch(() => {});
  const exchange = scheduler.setHooks(A);
  await scheduler.destroy();
  expect(await exchange).toBeUndefined();
});
