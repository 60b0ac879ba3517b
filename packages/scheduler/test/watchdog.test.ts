// Tasks that keep their worker: they are reported with where they are, and stopped, and nothing else fails.
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import {
  POLICIES,
  type Policy,
  type RunOptions,
  Scheduler,
  type SchedulerOptions,
  type SlowTask,
  TaskStuckError,
  WorkerLostError,
} from '../src/index.ts';
import { hogs } from './tasks/hogs.ts';
import { slowImport } from './tasks/slow-import.ts';
import { COUNTS, Words } from './tasks/words.ts';
import { steadyLooks } from './watchdog-clock.ts';

const SLOW_MS = 40;
/** So long that it takes a busy machine to find what is short slow: it goes by the time on the wall. */
const LONG_MS = 250;
/** So long that nobody else is stopped where the machine is busy. */
const KILL_MS = 400;

/** Resolves with what it rejects with. */
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  );

function slowTasks(scheduler: Scheduler): SlowTask[] {
  const found: SlowTask[] = [];
  scheduler.on('slowTask', (task) => found.push(task));
  return found;
}

test('a poll that is slow is reported once, with its task, its worker and where it is in its code', async () => {
  const words = new Words(8);
  await using scheduler = Scheduler.create({
    threads: 1,
    workerData: words.view,
    watchdog: { slowMs: SLOW_MS, sampleMs: 5, stackTimeoutMs: 10_000 },
  });
  const found = slowTasks(scheduler);
  const published: unknown[] = [];
  const listen = (message: unknown): void => void published.push(message);
  diagnostics.subscribe('corelane:scheduler:slow-task', listen);
  const told = once(scheduler, 'slowTask');
  const spinning = scheduler.run(hogs.spinUntilOpen, 500);
  await told;
  await delay(2 * SLOW_MS); // it goes on
  words.open();
  expect(await spinning).toBe(500);
  expect(await scheduler.run(hogs.ping, 1)).toBe(2);
  diagnostics.unsubscribe('corelane:scheduler:slow-task', listen);
  expect(found).toHaveLength(1);
  const [task] = found as [SlowTask];
  expect(task).toMatchObject({ task: 'spinUntilOpen', worker: 0, limitMs: SLOW_MS, noStack: undefined });
  expect(task.threadId).toBe(scheduler.workers[0]?.threadId);
  expect(task.ms).toBeGreaterThanOrEqual(SLOW_MS);
  expect(task.stack).toMatch(/^ {4}at spinUntilOpen .*hogs\.ts:\d+:\d+/m);
  expect(published).toEqual([{ scheduler: 'scheduler', ...task }]);
});

test('what is short, waits between polls, or is no poll of a task is not slow', async () => {
  const words = new Words(8);
  using _steady = steadyLooks();
  await using scheduler = Scheduler.create({
    threads: 1,
    concurrentTasksPerWorker: 4,
    workerData: words.view,
    watchdog: { slowMs: LONG_MS, sampleMs: 5, stackTimeoutMs: 10_000 },
  });
  const found = slowTasks(scheduler);
  expect(await scheduler.run(slowImport.ready)).toBe('ready'); // its module takes long
  await delay(2 * LONG_MS); // parked
  const waiting = scheduler.run(hogs.waits, 7);
  await words.arrived(1);
  expect(await scheduler.run(hogs.yields, 200_000)).toBe(200_000);
  expect(await scheduler.run(hogs.busyTurns, 2 * LONG_MS)).toBe(2 * LONG_MS);
  const endMs = performance.now() + 2 * LONG_MS;
  while (performance.now() < endMs) await scheduler.run(hogs.ping, 1);
  words.open();
  expect(await waiting).toBe(7);
  expect(found).toEqual([]);
  expect(scheduler.stats().lost).toBe(0);
});

const KINDS = ['plain', 'generator', 'steps', 'beforeAwait', 'afterAwait', 'asleep', 'list'] as const;

/** A hog of each kind, each on a worker of its own; there is one worker more, which others go on on. */
async function stopHogs(policy: Policy) {
  const words = new Words(KINDS.length);
  await using scheduler = Scheduler.create({
    threads: KINDS.length + 1,
    policy,
    workerData: words.view,
    watchdog: { slowMs: LONG_MS, killMs: KILL_MS, sampleMs: 5, stackTimeoutMs: 10_000 },
  });
  await scheduler.ready;
  const found = slowTasks(scheduler);
  const stuck: SlowTask[] = [];
  scheduler.on('stuckTask', (task) => stuck.push(task));
  const failures = KINDS.map((kind, n) => {
    const word = COUNTS + n;
    if (kind === 'list') return failure(scheduler.runMany(hogs.plain, [word, word], { chunk: 2 }));
    if (kind === 'steps') return failure(scheduler.run(hogs.steps, { word, left: 3 }));
    return failure(scheduler.run(hogs[kind], word));
  });
  await words.arrived(KINDS.length);
  const others = Array.from({ length: 300 }, (_, n) => scheduler.run(hogs.ping, n));
  const sliced = scheduler.run(hogs.yields, 1000);
  const errors = (await Promise.all(failures)) as TaskStuckError[];
  const survivors = { others: await Promise.all(others), sliced: await sliced };
  const { lost } = scheduler.stats();
  const workers = scheduler.workers.map(({ index }) => index);
  await vi.waitFor(
    () => expect(scheduler.workers.every(({ state }) => state === 'ready')).toBe(true),
    20_000,
  );
  const pinned = workers.map((worker) => scheduler.run(hogs.ping, worker, { pin: { worker } }));
  return { errors, found, stuck, survivors, lost, afterwards: await Promise.all(pinned) };
}

describe.each(POLICIES)('policy %s', (policy) => {
  let seen: Awaited<ReturnType<typeof stopHogs>>;
  beforeAll(async () => {
    seen = await stopHogs(policy);
  });

  test.each(KINDS)('a task that never comes back (%s) is stopped', (kind) => {
    const error = seen.errors[KINDS.indexOf(kind)] as TaskStuckError;
    expect(error).toBeInstanceOf(TaskStuckError);
    const task = kind === 'list' ? 'plain' : kind;
    expect(error).toMatchObject({ code: 'ERR_TASK_STUCK', task, killMs: KILL_MS });
    expect(error.ms).toBeGreaterThanOrEqual(KILL_MS);
    expect(error.taskStack).toMatch(/hogs\.ts:\d+:\d+/);
    expect(error.stack).toContain(error.taskStack);
    const isOfIt = (each: SlowTask): boolean => each.worker === error.worker && each.task === task;
    expect(seen.found.filter(isOfIt)).toHaveLength(1);
    const { worker, ms } = error;
    expect(seen.stuck.filter((each) => each.worker === worker)).toMatchObject([
      { task, worker, limitMs: KILL_MS, ms },
    ]);
  });

  test('all others survive, and every worker is there again', () => {
    expect(seen.survivors.others).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    expect(seen.survivors.sliced).toBe(1000);
    expect(new Set(seen.errors.map(({ worker }) => worker)).size).toBe(KINDS.length);
    expect(seen.stuck).toHaveLength(KINDS.length);
    expect(seen.lost).toBe(KINDS.length);
    expect(seen.afterwards).toEqual(Array.from({ length: KINDS.length + 1 }, (_, n) => n + 1));
  });
});

test.each<[string, SchedulerOptions, RunOptions]>([
  ['of the slow lane', { slowLane: { workers: 1 } }, { lane: 'slow' }],
  ['with budgets', { budgets: true }, {}],
  ['that are told by a thread of the watchdog, with budgets', { budgets: 'aggressive' }, {}],
])('hogs %s are stopped, and others run there afterwards', async (name, options, run) => {
  const words = new Words(8);
  await using scheduler = Scheduler.create({
    threads: 1,
    workerData: words.view,
    watchdog: {
      slowMs: SLOW_MS,
      killMs: KILL_MS,
      sampleMs: 5,
      stackTimeoutMs: 10_000,
      thread: name.includes('thread'),
    },
    ...options,
  });
  for (const hog of [hogs.plain, hogs.generator])
    expect(await failure(scheduler.run(hog, COUNTS, run))).toBeInstanceOf(TaskStuckError);
  expect(await scheduler.run(hogs.ping, 1, run)).toBe(2);
  expect(await scheduler.run(hogs.ping, 2)).toBe(3);
  await expect.poll(() => scheduler.stats()).toMatchObject({ lost: 2, slots: { used: 0 } });
});

test('of what else was under way on its worker the idempotent runs again, the rest is lost; the stuck one itself never runs twice', async () => {
  const words = new Words(8);
  await using scheduler = Scheduler.create({
    threads: 1,
    concurrentTasksPerWorker: 4,
    workerData: words.view,
    watchdog: { slowMs: SLOW_MS, killMs: KILL_MS, sampleMs: 5, stackTimeoutMs: 10_000 },
  });
  const again = scheduler.run(hogs.waits, 3, { idempotent: true });
  const lost = failure(scheduler.run(hogs.waits, 4));
  await words.arrived(2);
  const stuck = failure(scheduler.run(hogs.plain, COUNTS, { idempotent: true }));
  expect(await stuck).toBeInstanceOf(TaskStuckError);
  expect(await lost).toBeInstanceOf(WorkerLostError);
  await words.arrived(4); // the hog, and one of the others for the second time
  words.open();
  expect(await again).toBe(3);
  expect(Atomics.load(words.view, 0)).toBe(4);
  expect(scheduler.counts().retried).toBe(1);
});

test('of several that wait in one worker it is not known which keeps it: all end as with any worker that is lost, for that reason', async () => {
  const words = new Words(8);
  await using scheduler = Scheduler.create({
    threads: 1,
    concurrentTasksPerWorker: 4,
    workerData: words.view,
    watchdog: { slowMs: SLOW_MS, killMs: KILL_MS, sampleMs: 5, stackTimeoutMs: 10_000 },
  });
  const found = slowTasks(scheduler);
  const again = scheduler.run(hogs.waits, 3, { idempotent: true });
  await words.arrived(1);
  const lost = failure(scheduler.run(hogs.afterAwait, COUNTS));
  const error = (await lost) as WorkerLostError;
  expect(error).toBeInstanceOf(WorkerLostError);
  expect(error.cause).toBeInstanceOf(TaskStuckError);
  expect((error.cause as TaskStuckError).taskStack).toContain('neverEnds');
  expect(found.some(({ task }) => /^(waits or afterAwait|afterAwait or waits)$/.test(task))).toBe(true);
  await words.arrived(3);
  words.open();
  expect(await again).toBe(3);
});

test('what a task has left behind is stopped, too, and nothing is lost', async () => {
  const words = new Words(8);
  await using scheduler = Scheduler.create({
    threads: 1,
    workerData: words.view,
    watchdog: { slowMs: SLOW_MS, killMs: KILL_MS, sampleMs: 5, stackTimeoutMs: 10_000 },
  });
  const stuck = once(scheduler, 'stuckTask');
  await scheduler.run(hogs.leaves, COUNTS);
  await words.arrived(1);
  const queued = scheduler.run(hogs.ping, 1);
  expect(await stuck).toMatchObject([{ task: '(none)', stack: expect.stringContaining('neverEnds') }]);
  expect(await queued).toBe(2);
  expect(scheduler.stats().lost).toBe(0);
});

test('a task that is given up is told: one that heeds it ends, and what it returns is dropped', async () => {
  const words = new Words(8);
  await using scheduler = Scheduler.create({
    threads: 1,
    workerData: words.view,
    watchdog: { slowMs: SLOW_MS, killMs: KILL_MS, sampleMs: 5, stackTimeoutMs: 10_000 },
  });
  expect(await failure(scheduler.run(hogs.until))).toBeInstanceOf(TaskStuckError);
  expect(await scheduler.run(hogs.ping, 1)).toBe(2);
  await expect.poll(() => scheduler.stats()).toMatchObject({ lost: 1, slots: { used: 0 } });
});

test('a long native call is stopped where it ends, and reported with its stack or why there is none', async () => {
  const words = new Words(8);
  await using scheduler = Scheduler.create({
    threads: 2,
    workerData: words.view,
    watchdog: { slowMs: SLOW_MS, killMs: KILL_MS, sampleMs: 5, stackTimeoutMs: 20 },
  });
  const found = slowTasks(scheduler);
  const native = failure(scheduler.run(hogs.native, 3000));
  await words.arrived(1);
  expect(await scheduler.run(hogs.ping, 1)).toBe(2);
  expect(await native).toMatchObject({ code: 'ERR_TASK_STUCK', task: 'native' });
  const [slow] = found.filter((each) => each.task === 'native');
  expect(slow?.stack ?? slow?.noStack).toMatch(/native\b.*hogs\.ts|within 20 ms.* native call/s);
  expect(await scheduler.run(hogs.ping, 1)).toBe(2);
});

test('without captureStack, or killMs, there is no stack, or no end', async () => {
  const words = new Words(8);
  await using scheduler = Scheduler.create({
    threads: 1,
    workerData: words.view,
    watchdog: { slowMs: SLOW_MS, sampleMs: 5, captureStack: false },
  });
  const found = slowTasks(scheduler);
  const told = once(scheduler, 'slowTask');
  const spinning = scheduler.run(hogs.spinUntilOpen, 300);
  await told;
  await delay(2 * SLOW_MS); // it goes on
  words.open();
  expect(await spinning).toBe(300);
  expect(found).toMatchObject([{ stack: undefined, noStack: 'option watchdog.captureStack is false' }]);
});

test('on a thread of its own it ends a worker while the owner is busy, and the owner learns why', async () => {
  const words = new Words(8);
  await using scheduler = Scheduler.create({
    threads: 2,
    workerData: words.view,
    watchdog: { slowMs: SLOW_MS, killMs: KILL_MS, sampleMs: 5, stackTimeoutMs: 5000, thread: true },
  });
  const found = slowTasks(scheduler);
  await scheduler.ready;
  const stuck = failure(scheduler.run(hogs.plain, COUNTS));
  await words.arrived(1);
  // Blocks this thread until the hog counts no more.
  const nap = new Int32Array(new SharedArrayBuffer(4));
  const endMs = performance.now() + 20_000;
  for (let seen = -1; seen !== words.view[COUNTS] && performance.now() < endMs;) {
    seen = words.view[COUNTS] as number;
    Atomics.wait(nap, 0, 0, 50);
  }
  expect(performance.now()).toBeLessThan(endMs);
  const error = (await stuck) as TaskStuckError;
  expect(error).toBeInstanceOf(TaskStuckError);
  expect(error.taskStack).toMatch(/hogs\.ts:\d+:\d+/);
  expect(found.filter((each) => each.task === 'plain')).toHaveLength(1);
  await expect
    .poll(() => scheduler.workers.map(({ state }) => state), { timeout: 20_000 })
    .toEqual(['ready', 'ready']);
  expect(await scheduler.run(hogs.ping, 1)).toBe(2);
});

test.each([
  [{ slowMs: 0 }, /watchdog\.slowMs/],
  [{ slowMs: 100, killMs: 50 }, /watchdog\.killMs/],
  [{ sampleMs: Infinity }, /watchdog\.sampleMs/],
  [{ thread: 1 }, /watchdog\.thread/],
  [{ parkShare: 1 }, /watchdog\.parkShare/],
  [{ parkShare: 0.5 }, /none without option interrupt/],
  [{ slow: 5 }, /slow.*one of slowMs/],
  [null, /watchdog/],
  [[], /watchdog/],
  [{ killMs: null }, /watchdog\.killMs/],
  [{ sampleMs: null }, /watchdog\.sampleMs/],
  [{ thread: null }, /watchdog\.thread/],
  ['yes', /watchdog/],
])('option watchdog: %j is refused', (watchdog, message) => {
  expect(() => Scheduler.create({ watchdog: watchdog as never })).toThrow(message);
});

test('looking at the stack changes nothing of Error on the worker', async () => {
  const words = new Words(8);
  await using scheduler = Scheduler.create({
    threads: 1,
    workerData: words.view,
    watchdog: { slowMs: SLOW_MS, sampleMs: 5, stackTimeoutMs: 10_000 },
  });
  const before = await scheduler.run(hogs.errorSettings);
  const slow = once(scheduler, 'slowTask');
  const spinning = scheduler.run(hogs.spinUntilOpen, 500);
  await slow;
  words.open();
  await spinning;
  expect(await scheduler.run(hogs.errorSettings)).toEqual(before);
});
