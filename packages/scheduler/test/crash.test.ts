// Workers that end in every way: the task that they ran fails, everything else goes on.
import { describe, expect, test } from 'vitest';
import { Scheduler, type SchedulerError, type WorkerDestroyed, type WorkerLostError } from '../src/index.ts';
import { tasks } from './tasks/basic.ts';
import { gated } from './tasks/gated.ts';
import { Words } from './tasks/words.ts';

const lost = { name: 'WorkerLostError', code: 'ERR_WORKER_LOST' };

describe('a task whose worker ends is lost, with the reason, and the next one runs on another worker', () => {
  test.each<[string, (s: Scheduler) => Promise<unknown>, object, RegExp | undefined]>([
    ['process.exit', (s) => s.run(tasks.exit, 3), { task: 'exit', exitCode: 3, worker: 0 }, undefined],
    ['process.exit(0)', (s) => s.run(tasks.exit, 0), { task: 'exit', exitCode: 0 }, undefined],
    [
      'an error in a callback',
      (s) => s.run(tasks.throwLater),
      { task: 'throwLater', exitCode: 1 },
      /in a callback/,
    ],
    [
      'a rejection that nobody handles',
      (s) => s.run(tasks.rejectUnhandled),
      { exitCode: 1 },
      /nobody catches this/,
    ],
  ])('%s', async (_, run, expected, cause) => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const error = (await run(scheduler).catch((reason: unknown) => reason)) as WorkerLostError;
    expect(error).toMatchObject({ ...lost, ...expected });
    if (cause !== undefined) expect((error.cause as Error).message).toMatch(cause);
    expect(await scheduler.run(tasks.double, 4)).toBe(8);
    expect(scheduler.stats()).toMatchObject({ lost: 1, slots: { used: 0 } });
  });

  test('no memory left', async () => {
    await using scheduler = Scheduler.create({ threads: 1, resourceLimits: { maxOldGenerationSizeMb: 24 } });
    const error = (await scheduler.run(tasks.exhaust).catch((reason: unknown) => reason)) as WorkerLostError;
    expect(error).toMatchObject(lost);
    expect(error.cause).toMatchObject({ code: 'ERR_WORKER_OUT_OF_MEMORY' });
    expect(await scheduler.run(tasks.double, 4)).toBe(8);
  });
});

test('queued tasks survive the end of all workers', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 2, workerData: words.view });
  const exits = [scheduler.run(gated.exit, 5), scheduler.run(gated.exit, 6)];
  const counted = Array.from({ length: 200 }, () => scheduler.run(gated.count, 8));
  const ends = await Promise.allSettled(exits);
  expect(ends.map((end) => end.status)).toEqual(['rejected', 'rejected']);
  await Promise.all(counted);
  expect(words.view[8]).toBe(200);
});

test('a task that is not finished in time fails alone: its worker is replaced, its neighbour goes on', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 2, workerData: words.view });
  const neighbour = scheduler.run(gated.hold, 1);
  const spinning = scheduler.run(gated.spin, undefined, { timeoutMs: 30, graceMs: 0 });
  await expect(spinning).rejects.toMatchObject({
    code: 'ERR_TASK_TIMEOUT',
    task: 'spin',
    timeoutMs: 30,
  });
  await words.arrived(1);
  expect(await scheduler.run(tasks.double, 2)).toBe(4);
  words.open();
  expect(await neighbour).toBe(1);
});

test('a time-out ends a task in the queue, and a worker that waits without blocking', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
  const never = scheduler.run(gated.never).catch((error: SchedulerError) => error);
  await words.arrived(1);
  const queued = scheduler.run(gated.count, 8, { timeoutMs: 5 });
  await expect(queued).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT', wasRunning: false });
  await scheduler.destroy();
  expect(await never).toMatchObject({ code: 'ERR_SCHEDULER_CLOSED' });
  expect(words.view[8]).toBe(0);

  await using other = Scheduler.create({ threads: 1, workerData: words.view });
  await other.ready;
  const running = other.run(gated.never, undefined, { timeoutMs: 20, graceMs: 0 });
  await expect(running).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT', wasRunning: true });
  expect(await other.run(tasks.double, 2)).toBe(4);
});

test('a task that ended in time is not timed out because its client was busy', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  await scheduler.run(tasks.double, 1);
  const inTime = scheduler.run(tasks.double, 2, { timeoutMs: 5 });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  expect(await inTime).toBe(4);
});

test('a finished task is not undone by its time-out, and its worker stays', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const destroyed: WorkerDestroyed[] = [];
  scheduler.on('workerDestroy', (event) => destroyed.push(event));
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, n) => scheduler.run(tasks.double, n, { timeoutMs: 10_000 })),
  );
  expect(results).toEqual(Array.from({ length: 200 }, (_, n) => n * 2));
  expect(destroyed).toEqual([]);
});

test('workers that end again and again, at any point, lose one task each and run the rest once', async () => {
  const counts = 400;
  const words = new Words(counts);
  await using scheduler = Scheduler.create({ threads: 2, workerData: words.view });
  const destroyed: WorkerDestroyed[] = [];
  scheduler.on('workerDestroy', (event) => destroyed.push(event));
  const ends = await Promise.allSettled(
    Array.from({ length: counts }, (_, n) =>
      n % 50 === 25 ? scheduler.run(gated.exit, 9) : scheduler.run(gated.count, 8 + n),
    ),
  );
  const failed = ends.flatMap((end, n) => (end.status === 'rejected' ? [n] : []));
  expect(failed).toEqual(Array.from({ length: counts / 50 }, (_, n) => n * 50 + 25));
  expect([...words.view.subarray(8)]).toEqual(
    Array.from({ length: counts }, (_, n) => (n % 50 === 25 ? 0 : 1)),
  );
  expect(destroyed.map(({ exitCode, lost: tasksLost }) => [exitCode, tasksLost])).toEqual(
    failed.map(() => [9, 1]),
  );
  expect(scheduler.stats().slots.used).toBe(0);
});

test('workers terminated from outside while they drain a queue of tiny tasks lose at most what they ran', async () => {
  const tasksEach = 3000;
  const words = new Words(tasksEach);
  await using scheduler = Scheduler.create({ threads: 2, workerData: words.view });
  await scheduler.ready;
  let terminated = 0;
  for (let round = 0; round < 5; round++) {
    words.view.fill(0);
    const all = Array.from({ length: tasksEach }, (_, n) =>
      scheduler.run(gated.count, 8 + n, { timeoutMs: n === 500 ? 1 : 10_000 }),
    );
    const settled = Promise.allSettled(all);
    const victim = scheduler.run(gated.spin, undefined, { timeoutMs: 1, graceMs: 0, priority: 'critical' });
    await expect(victim).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT' });
    const ends = await settled;
    terminated += ends.filter((end) => end.status === 'rejected').length;
    for (const [n, end] of ends.entries()) {
      if (end.status === 'fulfilled') expect(words.view[8 + n]).toBe(1);
      else expect(words.view[8 + n]).toBeLessThanOrEqual(1);
    }
    // The last one to go may be the slot of the victim, when its worker has ended.
    await expect.poll(() => scheduler.stats().slots.used).toBe(0);
  }
  expect(terminated).toBeLessThanOrEqual(5);
});

test('a scheduler whose workers can not start says so, and leaves no promise open', async () => {
  const scheduler = Scheduler.create({ threads: 1, slots: 4, preload: ['file:///nowhere/tasks.mjs'] });
  const errors: SchedulerError[] = [];
  scheduler.on('error', (error) => errors.push(error));
  const closed = (message: RegExp): object => ({
    code: 'ERR_SCHEDULER_CLOSED',
    message: expect.stringMatching(message) as unknown,
    cause: { code: 'ERR_WORKER_START' },
  });
  // More than there are slots.
  const runs = await Promise.allSettled(Array.from({ length: 10 }, () => scheduler.run(tasks.double, 1)));
  for (const run of runs)
    expect((run as PromiseRejectedResult).reason).toMatchObject(
      closed(/before the task began: its workers could not be started/),
    );
  await expect(scheduler.run(tasks.double, 1)).rejects.toMatchObject(
    closed(/is closed: its workers could not be started/),
  );
  for (const { message } of errors.slice(0, -1))
    expect(message).toMatch(/^worker 0 ended with code 1 before it was ready: /);
  await expect(scheduler.ready).rejects.toMatchObject({ code: 'ERR_WORKER_START', failures: 5 });
  expect(errors.at(-1)).toMatchObject({ code: 'ERR_WORKER_START' });
  await scheduler.close();
});
