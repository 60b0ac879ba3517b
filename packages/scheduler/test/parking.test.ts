// Workers that stand still in the middle of their code, where the native layer is there.
import { Parkable } from '@corelane/platform/experimental';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { NotParkedError, type ParkedWorker, Scheduler, type SlowTask, TaskStuckError } from '../src/index.ts';
import { asked } from './tasks/counting-interrupt.ts';
import { hogs } from './tasks/hogs.ts';
import { COUNTS, Words } from './tasks/words.ts';
import { heldLooks } from './watchdog-clock.ts';

const interrupt = new URL('./tasks/interrupt.ts', import.meta.url);
/** On the main thread a worker can not be registered, but it is not for want of the addon. */
const answer = Parkable.register();
const isNative = answer.status === 'refused';
/** Longer than the test. */
const LONG_MS = 60_000;

/** Settles when the hog has counted on. */
async function counts(words: Words): Promise<void> {
  const seen = words.view[COUNTS];
  await expect.poll(() => words.view[COUNTS], { timeout: 20_000 }).not.toBe(seen);
}

/** Again where the machine has no CPU for the worker. */
async function park(scheduler: Scheduler, worker: number, maxMs: number): Promise<ParkedWorker> {
  for (let times = 0; ; times++) {
    try {
      return await scheduler.parkWorker(worker, { maxMs });
    } catch (error) {
      const { cause } = error as { cause?: { errno?: string } };
      if (times > 50 || cause?.errno !== 'ETIMEDOUT') throw error;
    }
  }
}

describe.runIf(isNative)('a parked worker', () => {
  test('stands still while others run, and goes on where it was when that is disposed, once', async () => {
    const words = new Words(8);
    await using scheduler = Scheduler.create({
      threads: 2,
      workerData: words.view,
      interrupt,
      closeTimeoutMs: 1000,
    });
    await scheduler.ready;
    const hog = scheduler.run(hogs.plain, COUNTS, { pin: { worker: 1 } }).catch(() => 'ended');
    await words.arrived(1);
    let parked: ParkedWorker;
    {
      using held = await park(scheduler, 1, LONG_MS);
      parked = held;
      const seen = words.view[COUNTS];
      for (let n = 0; n < 300; n++) expect(await scheduler.run(hogs.ping, n)).toBe(n + 1);
      expect(words.view[COUNTS]).toBe(seen);
      expect(held.worker).toBe(1);
    }
    await counts(words);
    expect(parked.resume()).toBeUndefined();
    const again = await park(scheduler, 1, LONG_MS);
    expect(again.resume()).toBeGreaterThan(0);
    await counts(words);
    await scheduler.destroy();
    expect(await hog).toBe('ended');
  });

  test('goes on by itself when its time is over', async () => {
    const words = new Words(8);
    await using scheduler = Scheduler.create({
      threads: 1,
      workerData: words.view,
      interrupt,
      closeTimeoutMs: 1000,
    });
    const hog = scheduler.run(hogs.plain, COUNTS).catch(() => 'ended');
    await words.arrived(1);
    const parked = await park(scheduler, 0, 20);
    await counts(words);
    await delay(30);
    expect(parked.resume()).toBeUndefined();
    await scheduler.destroy();
    expect(await hog).toBe('ended');
  });

  test('is terminated as any other', async () => {
    const words = new Words(8);
    await using scheduler = Scheduler.create({
      threads: 1,
      workerData: words.view,
      interrupt,
      closeTimeoutMs: 1000,
    });
    const hog = scheduler.run(hogs.plain, COUNTS).catch((error: unknown) => error);
    await words.arrived(1);
    await park(scheduler, 0, LONG_MS);
    scheduler.endWorker(0);
    expect(await hog).toMatchObject({ code: 'ERR_WORKER_LOST' });
    expect(await scheduler.run(hogs.ping, 1)).toBe(2);
    using _next = await park(scheduler, 0, LONG_MS);
  });

  test('is not slow for that: the watchdog counts the time in which it could run', async () => {
    const words = new Words(8);
    using looks = heldLooks(5);
    await using scheduler = Scheduler.create({
      threads: 1,
      workerData: words.view,
      interrupt,
      closeTimeoutMs: 1000,
      watchdog: { slowMs: 50, killMs: 400, sampleMs: 5 },
    });
    await scheduler.ready;
    const found: SlowTask[] = [];
    scheduler.on('stuckTask', (task) => found.push(task));
    const slow: SlowTask[] = [];
    scheduler.on('slowTask', (task) => slow.push(task));
    const hog = scheduler.run(hogs.plain, COUNTS).catch((error: unknown) => error);
    await words.arrived(1);
    {
      using _parked = await park(scheduler, 0, LONG_MS);
      looks.pass(1000);
      await delay(20); // whoever was told would hear of it
      expect([slow, found]).toEqual([[], []]);
    }
    await counts(words);
    looks.pass(405); // from the first look on
    expect(await hog).toBeInstanceOf(TaskStuckError);
  });

  test('is refused while it is parked already, and while it is in a native call', async () => {
    const words = new Words(8);
    await using scheduler = Scheduler.create({
      threads: 1,
      workerData: words.view,
      interrupt,
      closeTimeoutMs: 1000,
    });
    const native = scheduler.run(hogs.native, 3000);
    const call = { hasEnded: false };
    const end = (): void => void (call.hasEnded = true);
    native.then(end, end);
    await words.arrived(1);
    // It has arrived before the call: there it can be parked still, and goes on.
    let refusal: unknown;
    while (refusal === undefined && !call.hasEnded)
      refusal = await scheduler.parkWorker(0).then(
        (parked) => void parked.resume(),
        (error: unknown) => error,
      );
    expect(refusal).toMatchObject({
      code: 'ERR_NOT_PARKED',
      worker: 0,
      message: expect.stringMatching(/safe point/),
      cause: { code: 'ERR_PARK', errno: 'ETIMEDOUT' },
    });
    expect(await native).toBe(64);
    const hog = scheduler.run(hogs.plain, COUNTS).catch(() => 'ended');
    using parked = await park(scheduler, 0, LONG_MS);
    await expect(scheduler.parkWorker(0)).rejects.toMatchObject({ cause: { errno: 'EBUSY' } });
    expect(parked.resume()).toBeGreaterThan(0);
    await scheduler.destroy();
    expect(await hog).toBe('ended');
  });
});

test('where the watchdog is told so, a worker is parked in each 20 ms, from when its poll is slow until it ends', async () => {
  const words = new Words(8);
  await using scheduler = Scheduler.create({
    threads: 1,
    workerData: words.view,
    interrupt: new URL('./tasks/counting-interrupt.ts', import.meta.url),
    watchdog: { slowMs: 20, sampleMs: 5, parkShare: 0.75 },
  });
  await scheduler.run(hogs.ping, 1);
  expect(asked).toEqual([]);
  await scheduler.run(hogs.spinFor, 600);
  await delay(60); // the last one may be under way
  const times = asked.length;
  expect(times).toBeGreaterThan(2);
  expect(times).toBeLessThanOrEqual(40);
  expect(new Set(asked)).toEqual(new Set([40]));
  await scheduler.run(hogs.ping, 1);
  await delay(60);
  expect(asked).toHaveLength(times);
});

test('without the option, a worker, or a machine that can, workers are not parked, and it says why', async () => {
  await using plain = Scheduler.create({ threads: 1 });
  await expect(plain.parkWorker(0)).rejects.toThrow(/no option interrupt/);
  await expect(plain.parkWorker(1)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_RANGE' });
  await expect(plain.parkWorker(0, { maxMs: 0 })).rejects.toThrow(/maxMs/);
  const refusing = new URL('./tasks/no-interrupt.ts', import.meta.url);
  await using scheduler = Scheduler.create({ minThreads: 1, maxThreads: 2, interrupt: refusing });
  const warnings: unknown[] = [];
  scheduler.on('warning', (text, worker) => warnings.push([worker, text]));
  await scheduler.ready;
  expect(warnings).toEqual([[0, 'this worker can not be parked: this machine has no such thing']]);
  await expect(scheduler.parkWorker(0)).rejects.toThrow(/could not register/);
  await expect(scheduler.parkWorker(1)).rejects.toThrow(/it is ended, expected it to be ready/);
  await expect(scheduler.parkWorker(1)).rejects.toBeInstanceOf(NotParkedError);
  expect(() => Scheduler.create({ interrupt: 5 as never })).toThrow(/module is 5/);
});
