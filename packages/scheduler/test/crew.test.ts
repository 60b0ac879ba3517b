// How many workers there are, and what they are started with.
import { SHARE_ENV, type Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { ArgumentRangeError } from '@corelane/shared-memory';
import { Scheduler, type SchedulerOptions, type WorkerDestroyed } from '../src/index.ts';
import { heldTimers } from './held-timers.ts';
import { tasks } from './tasks/basic.ts';
import { gated } from './tasks/gated.ts';
import { hogs } from './tasks/hogs.ts';
import { settings } from './tasks/settings.ts';
import { COUNTS, Words } from './tasks/words.ts';

const manned = (scheduler: Scheduler): number =>
  scheduler.workers.filter(({ state }) => state === 'starting' || state === 'ready').length;

/** After which the crew looks again, where it was asked for a worker. */
const GROW_AFTER_MS = 5;

test('a fixed number of workers has no idle time', () => {
  expect(() => Scheduler.create({ threads: 1, idleTimeoutMs: 5 })).toThrow(
    /idleTimeoutMs is 5, expected none beside threads/,
  );
});

describe('the number of workers', () => {
  test('is minThreads while no more are needed', async () => {
    await using scheduler = Scheduler.create({ minThreads: 1, maxThreads: 3 });
    await scheduler.ready;
    using timers = heldTimers();
    for (let n = 0; n < 20; n++) {
      expect(await scheduler.run(tasks.double, n)).toBe(2 * n);
      timers.pass(GROW_AFTER_MS);
    }
    expect(scheduler.workers.map(({ state }) => state)).toEqual(['ready', 'ended', 'ended']);
    expect(scheduler.threads).toBe(3);
  });

  test('grows where tasks wait behind a long one, however short those before it were', async () => {
    const words = new Words(2);
    await using scheduler = Scheduler.create({ minThreads: 1, maxThreads: 2, workerData: words.view });
    await scheduler.ready;
    await scheduler.run(gated.count, COUNTS);
    for (let n = 0; n < 1000; n++) void scheduler.run(gated.count, COUNTS);
    const held = scheduler.run(gated.hold, 1);
    expect(await scheduler.run(gated.count, COUNTS + 1)).toBe(COUNTS + 1);
    words.open();
    expect(await held).toBe(1);
  });

  test('stays what it should be where a listener starts a worker, or throws, when one has ended', async () => {
    const thrown: unknown[] = [];
    const onThrown = (error: unknown): void => void thrown.push(error);
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', onThrown);
    try {
      await using scheduler = Scheduler.create({ minThreads: 0, maxThreads: 1 });
      const started: unknown[] = [];
      scheduler.once('workerDestroy', () => {
        started.push(scheduler.startWorker());
        throw new RangeError('of a listener');
      });
      await scheduler.run(tasks.double, 1);
      scheduler.endWorker(0);
      await expect.poll(() => thrown).toEqual([new RangeError('of a listener')]);
      expect(started).toEqual([0]);
      expect(await scheduler.broadcast(tasks.worker)).toEqual([0]);
      scheduler.once('workerDestroy', () => {
        throw new RangeError('again');
      });
      scheduler.endWorker(0);
      await expect.poll(() => thrown).toHaveLength(2);
      expect(await scheduler.run(tasks.double, 2)).toBe(4);
    } finally {
      process.removeListener('uncaughtException', onThrown);
      for (const other of others) process.on('uncaughtException', other);
    }
  });

  test('grows to maxThreads where tasks wait and nobody is idle, and not beyond', async () => {
    const words = new Words();
    await using scheduler = Scheduler.create({ minThreads: 1, maxThreads: 3, workerData: words.view });
    const held = [1, 2, 3, 4, 5].map((n) => scheduler.run(gated.hold, n));
    await words.arrived(3);
    expect(scheduler.stats()).toMatchObject({ running: 3, queued: { normal: 2 } });
    expect(manned(scheduler)).toBe(3);
    words.open();
    expect(await Promise.all(held)).toEqual([1, 2, 3, 4, 5]);
  });

  test('grows for tasks of a client on another thread', async () => {
    const words = new Words();
    await using scheduler = Scheduler.create({ minThreads: 1, maxThreads: 2, workerData: words.view });
    const first = scheduler.run(gated.hold, 1);
    await words.arrived(1);
    const other = Scheduler.attach(scheduler.handle);
    const second = other.run(gated.hold, 2);
    await words.arrived(2);
    words.open();
    expect(await Promise.all([first, second])).toEqual([1, 2]);
    await other.close();
  });

  test('is 0 with minThreads 0 until there is a task, and again when the worker has been idle', async () => {
    await using scheduler = Scheduler.create({ minThreads: 0, maxThreads: 2, idleTimeoutMs: 0 });
    await scheduler.ready;
    expect(manned(scheduler)).toBe(0);
    for (let round = 0; round < 3; round++) {
      expect(await scheduler.run(tasks.double, 4)).toBe(8);
      await expect.poll(() => scheduler.workers.every(({ state }) => state === 'ended')).toBe(true);
    }
    expect(scheduler.stats()).toMatchObject({ completed: 3, lost: 0 });
  });

  test('shrinks to minThreads when workers have been idle as long as they may be', async () => {
    const words = new Words();
    await using scheduler = Scheduler.create({
      minThreads: 1,
      maxThreads: 3,
      idleTimeoutMs: 60,
      workerData: words.view,
    });
    const destroyed: WorkerDestroyed[] = [];
    scheduler.on('workerDestroy', (event) => destroyed.push(event));
    const held = [1, 2, 3].map((n) => scheduler.run(gated.hold, n));
    await words.arrived(3);
    words.open();
    await Promise.all(held);
    const idleMs = performance.now();
    await expect.poll(() => destroyed).toHaveLength(2);
    expect(performance.now() - idleMs).toBeGreaterThan(50);
    expect(destroyed).toMatchObject([
      { exitCode: 0, cause: undefined, lost: 0 },
      { exitCode: 0, cause: undefined, lost: 0 },
    ]);
    expect(manned(scheduler)).toBe(1);
    expect(await scheduler.run(tasks.double, 4)).toBe(8);
  });

  test('does not shrink below what tasks need: one that waits for a promise keeps its worker', async () => {
    await using scheduler = Scheduler.create({ minThreads: 0, maxThreads: 1, idleTimeoutMs: 0 });
    expect(await scheduler.run(tasks.later, 150)).toBe('after 150');
    expect(scheduler.stats().lost).toBe(0);
  });

  test('does not grow for small tasks that are done sooner than a worker would start, and does where they are not', async () => {
    const words = new Words(2);
    await using scheduler = Scheduler.create({ minThreads: 1, maxThreads: 4, workerData: words.view });
    await scheduler.ready;
    using timers = heldTimers();
    const results: Promise<unknown>[] = [scheduler.run(gated.hold, 1)];
    await words.arrived(1);
    const small = (count: number): void => {
      for (let n = 0; n < count; n++) results.push(scheduler.run(gated.count, COUNTS + 1));
    };
    small(10);
    results.push(scheduler.run(hogs.asleep, COUNTS));
    small(5);
    await timers.set(); // it has seen that they wait, and how many were done until then
    words.open();
    await words.arrived(2);
    timers.pass(GROW_AFTER_MS);
    const whileManyEnd = manned(scheduler); // ten and the first in that time, and five wait
    timers.pass(GROW_AFTER_MS);
    const whileNoneEnds = manned(scheduler);
    Atomics.store(words.view, COUNTS, 1);
    Atomics.notify(words.view, COUNTS);
    await Promise.all(results);
    expect({ whileManyEnd, whileNoneEnds }).toEqual({ whileManyEnd: 1, whileNoneEnds: 4 });
    expect(words.view[COUNTS + 1]).toBe(15);
  });

  test('nothing is lost where workers come and go all the time', async () => {
    await using scheduler = Scheduler.create({ minThreads: 0, maxThreads: 2, idleTimeoutMs: 0 });
    const destroyed: WorkerDestroyed[] = [];
    scheduler.on('workerDestroy', (event) => destroyed.push(event));
    for (let round = 0; destroyed.length < 8 && round < 4000; round++) {
      const sizes = round % 3 === 0 ? 40 : 1;
      const results = await Promise.all(
        Array.from({ length: sizes }, (_, n) => scheduler.run(tasks.double, n)),
      );
      expect(results).toEqual(Array.from({ length: sizes }, (_, n) => 2 * n));
      if (round % 5 === 0) await new Promise((resolve) => setTimeout(resolve, round % 12));
    }
    expect(destroyed.length).toBeGreaterThanOrEqual(8);
    for (const { lost } of destroyed) expect(lost).toBe(0);
  });

  test('grows for a task that is pinned to a worker that is not there, and is there again when it has ended', async () => {
    await using scheduler = Scheduler.create({ minThreads: 0, maxThreads: 3, idleTimeoutMs: 0 });
    const other = Scheduler.attach(scheduler.handle);
    for (let round = 0; round < 3; round++) {
      expect(await scheduler.run(tasks.worker, undefined, { pin: { worker: 2 } })).toBe(2);
      expect(await other.run(tasks.worker, undefined, { pin: { worker: 1 } })).toBe(1);
      await expect.poll(() => scheduler.workers.every(({ state }) => state === 'ended')).toBe(true);
    }
    await other.close();
  });

  test('is what its owner says by startWorker and endWorker, too', async () => {
    await using scheduler = Scheduler.create({ minThreads: 1, maxThreads: 2 });
    expect(scheduler.startWorker()).toBe(1);
    expect(scheduler.workers[1]?.worker).toBeDefined();
    expect(scheduler.startWorker()).toBeUndefined();
    const created = new Promise((resolve) => scheduler.on('workerCreate', resolve));
    await scheduler.ready;
    await created;
    scheduler.endWorker(1);
    expect(() => scheduler.endWorker(2)).toThrow(/index is 2/);
    await expect.poll(() => scheduler.workers[1]?.state).toBe('ended');
    expect(await scheduler.run(tasks.double, 4)).toBe(8);
  });
});

test('a worker is replaced after maxTasksPerWorker tasks; none is lost', async () => {
  await using scheduler = Scheduler.create({ threads: 2, maxTasksPerWorker: 25 });
  const destroyed: WorkerDestroyed[] = [];
  scheduler.on('workerDestroy', (event) => destroyed.push(event));
  const ids = await Promise.all(Array.from({ length: 200 }, () => scheduler.run(tasks.threadId)));
  const counts = new Map<number, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  expect(Math.max(...counts.values())).toBe(25);
  expect(counts.size).toBeGreaterThanOrEqual(8);
  for (const { exitCode, lost } of destroyed) expect({ exitCode, lost }).toEqual({ exitCode: 0, lost: 0 });
});

test('workers that end at once are replaced later and later, those that have done something at once', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const createdMs: number[] = [];
  scheduler.on('workerCreate', () => createdMs.push(performance.now()));
  const startMs = performance.now();
  for (let round = 0; round < 6; round++) {
    expect(await scheduler.run(tasks.double, 1)).toBe(2);
    await expect(scheduler.run(tasks.exit, 1)).rejects.toMatchObject({ code: 'ERR_WORKER_LOST' });
  }
  await scheduler.run(tasks.double, 1);
  const usefulMs = performance.now() - startMs;
  const ends: Promise<unknown>[] = [];
  for (let round = 0; round < 6; round++) ends.push(scheduler.run(tasks.exit, 1).catch(() => {}));
  await Promise.all(ends);
  expect(createdMs).toHaveLength(12);
  // 50, 100, 200 and 400 ms.
  expect(performance.now() - startMs - usefulMs).toBeGreaterThan(750);
}, 20_000); // it starts 13 threads, one after the other

describe('workers are started with', () => {
  const start = (options: SchedulerOptions): Scheduler => Scheduler.create({ threads: 1, ...options });

  test('argv, env, execArgv, name', async () => {
    await using scheduler = start({ argv: ['--colour', 7], env: { COLOUR: 'red' }, name: 'painter' });
    const { argv, env } = await scheduler.run(settings.ofProcess);
    expect(argv).toEqual(['--colour', '7']);
    expect(env).toMatchObject({ COLOUR: 'red' });
    expect(env).not.toHaveProperty('PATH');
    expect(await scheduler.run(settings.threadName)).toMatch(/^(painter 0|\(not on this version\))$/);
  });

  test('the environment of their owner, shared', async () => {
    await using scheduler = start({ env: SHARE_ENV });
    process.env['CORELANE_TEST_SHARED'] = 'yes';
    expect((await scheduler.run(settings.ofProcess)).env).toMatchObject({ CORELANE_TEST_SHARED: 'yes' });
    delete process.env['CORELANE_TEST_SHARED'];
  });

  test('streams of their own', async () => {
    await using scheduler = start({ stdout: true, stderr: true, stdin: true });
    await scheduler.ready;
    const worker = scheduler.workers[0]?.worker as Worker;
    expect(worker.stdin).not.toBeNull();
    let text = '';
    worker.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await scheduler.run(settings.print, 'on the quiet');
    await expect.poll(() => text).toBe('on the quiet\n');
  });

  test('a niceness, or a warning that says why not', async () => {
    await using scheduler = start({ niceIncrement: 3 });
    const warnings: string[] = [];
    scheduler.on('warning', (text) => warnings.push(text));
    const nice = await scheduler.run(settings.niceness);
    if (process.platform === 'linux') {
      expect(nice.thread - nice.process).toBe(3);
      expect(warnings).toEqual([]);
    } else await expect.poll(() => warnings).toEqual([expect.stringContaining('niceIncrement 3')]);
  });
});

test('what tasks send arrives with the index of their worker, and workers are sent to', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const received: unknown[] = [];
  scheduler.on('message', (message, worker) => received.push([message, worker]));
  await scheduler.run(settings.send, { progress: 0.5 });
  await scheduler.run(settings.listen);
  scheduler.workers[0]?.worker?.postMessage('ping');
  await expect
    .poll(() => received)
    .toEqual([
      [{ progress: 0.5 }, 0],
      ['heard ping', 0],
    ]);
});

test('close waits no longer than closeTimeoutMs', async () => {
  const words = new Words();
  const scheduler = Scheduler.create({ threads: 1, closeTimeoutMs: 20, workerData: words.view });
  const held = scheduler.run(gated.hold, 1).catch((error: { code: string }) => error.code);
  await words.arrived(1);
  await scheduler.close();
  expect(await held).toBe('ERR_SCHEDULER_CLOSED');
});

test.each<[SchedulerOptions, RegExp]>([
  [{ threads: 2, maxThreads: 3 }, /threads is 2, expected none beside/],
  [{ threads: 0 }, /threads is 0/],
  [{ minThreads: 3, maxThreads: 2 }, /maxThreads is 2, expected an integer from 3/],
  [{ minThreads: -1 }, /minThreads is -1/],
  [{ maxThreads: 1024 }, /maxThreads is 1024/],
  [{ idleTimeoutMs: -1 }, /idleTimeoutMs is -1/],
  [{ maxTasksPerWorker: 0 }, /maxTasksPerWorker is 0/],
  [{ niceIncrement: 20 }, /niceIncrement is 20/],
  [{ closeTimeoutMs: 0 }, /closeTimeoutMs is 0/],
  [{ stdout: 1 as unknown as boolean }, /stdout is 1/],
  [{ argv: 'x' as unknown as string[] }, /argv is "x"/],
])('options that mean nothing are refused: %o', (options, message) => {
  expect(() => Scheduler.create(options)).toThrow(ArgumentRangeError);
  expect(() => Scheduler.create(options)).toThrow(message);
});
