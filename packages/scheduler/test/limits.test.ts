// What ends a task before its time: signals, deadlines, the time of grace; and tasks that run again.
import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Scheduler, TaskDeadlineError } from '../src/index.ts';
import { heldTimers } from './held-timers.ts';
import { tasks } from './tasks/basic.ts';
import { gated } from './tasks/gated.ts';
import { STAMPS, Words } from './tasks/words.ts';

test('a deadline that has passed is refused; one that passes while a task waits: it never runs', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 1, slots: 2, workerData: words.view });
  await expect(
    scheduler.run(gated.count, 8, { deadlineMs: performance.timeOrigin + performance.now() - 1 }),
  ).rejects.toMatchObject({ code: 'ERR_TASK_DEADLINE', task: 'count', wasRunning: false });
  const held = scheduler.run(gated.hold, 1);
  await words.arrived(1);
  const deadlineMs = Date.now() + 30;
  const late = [0, 1, 2].map(() => scheduler.run(gated.count, 8, { deadlineMs })); // one has a slot
  for (const each of await Promise.allSettled(late))
    expect(each).toMatchObject({ reason: { code: 'ERR_TASK_DEADLINE', deadlineMs, wasRunning: false } });
  expect(performance.timeOrigin + performance.now()).toBeGreaterThanOrEqual(deadlineMs);
  words.open();
  await held;
  await scheduler.run(gated.stamp);
  expect(words.view[8]).toBe(0);
  expect(scheduler.stats()).toMatchObject({ completed: 2, slots: { used: 0 } });
});

test('a task whose deadline passes while its client is busy never runs, either', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
  await scheduler.run(gated.count, 8);
  const held = scheduler.run(gated.hold, 1);
  await words.arrived(1);
  const late = scheduler.run(gated.count, 8, { deadlineMs: Date.now() + 100 });
  const after = scheduler.run(gated.stamp);
  const nap = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(nap, 0, 0, 200);
  words.open();
  while (Atomics.load(words.view, STAMPS) === 0) Atomics.wait(nap, 0, 0, 1); // the worker has come to the next one
  await expect(late).rejects.toMatchObject({ name: 'TaskDeadlineError', task: 'count', wasRunning: false });
  await expect(late).rejects.toBeInstanceOf(TaskDeadlineError);
  await Promise.all([held, after]);
  expect(words.view[8]).toBe(1);
});

test('a task that runs at its deadline is told; one in time returns, whatever its limits', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
  await scheduler.run(gated.stamp);
  const deadlineMs = Date.now() + 1000;
  const running = scheduler
    .run(gated.untilCancelled, undefined, { deadlineMs, timeoutMs: 60_000 })
    .catch((error: unknown) => error);
  await words.arrived(1);
  await expect(running.then((error) => Promise.reject(error as Error))).rejects.toMatchObject({
    code: 'ERR_TASK_DEADLINE',
    wasRunning: true,
  });
  await words.arrived(2);
  const far = { deadlineMs: Date.now() + 1e12, timeoutMs: 60_000, signal: new AbortController().signal };
  expect(await scheduler.run(tasks.double, 4, far)).toBe(8);
  expect(scheduler.stats()).toMatchObject({ lost: 0 });
  expect(scheduler.counts().condemned).toBe(0);
});

test('a task that does not heed its abort has a time of grace; then its worker is replaced, and nothing else fails', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 2, workerData: words.view });
  await scheduler.ready;
  const controller = new AbortController();
  const spinning = scheduler.run(gated.spin, undefined, { signal: controller.signal, graceMs: 50 });
  const neighbour = scheduler.run(gated.hold, 7);
  await words.arrived(2);
  const started = performance.now();
  const destroyed = new Promise((resolve) => scheduler.once('workerDestroy', resolve));
  controller.abort(new RangeError('enough'));
  await expect(spinning).rejects.toThrow('enough');
  await destroyed;
  expect(performance.now() - started).toBeGreaterThan(45);
  words.open();
  expect(await neighbour).toBe(7);
  expect(await scheduler.run(tasks.double, 2)).toBe(4);
  expect(scheduler.counts().condemned).toBe(1);
  await expect.poll(() => scheduler.stats().slots.used).toBe(0);
});

test('without an end to its grace a task is left alone; without grace its worker ends at once', async () => {
  const words = new Words();
  const scheduler = Scheduler.create({ threads: 1, workerData: words.view, graceMs: Infinity });
  const controller = new AbortController();
  const left = scheduler.run(gated.hold, 1, { signal: controller.signal });
  await words.arrived(1);
  controller.abort('left');
  await expect(left).rejects.toBe('left');
  await delay(50);
  words.open();
  expect(await scheduler.run(gated.stamp)).toBe(0);
  expect(scheduler.counts().condemned).toBe(0);
  const destroyed = new Promise((resolve) => scheduler.once('workerDestroy', resolve));
  const ended = scheduler.run(gated.spin, undefined, { timeoutMs: 500, graceMs: 0 });
  await expect(ended).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT', wasRunning: true });
  await destroyed;
  expect(scheduler.counts().condemned).toBe(1);
  await scheduler.close();
});

test('the grace of a task that has ended is nobody else’s: its slot runs others', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, slots: 1, workerData: words.view });
  const abort = async (index: number, graceMs: number): Promise<void> => {
    const controller = new AbortController();
    const running = scheduler.run(gated.untilCancelled, undefined, { signal: controller.signal, graceMs });
    await words.arrived(index);
    controller.abort('over');
    await expect(running).rejects.toBe('over');
    await words.arrived(index + 1);
    await expect.poll(() => scheduler.stats().slots.used).toBe(0);
  };
  using timers = heldTimers();
  await abort(1, 60);
  await abort(3, Infinity);
  const held = scheduler.run(gated.hold, 1, { timeoutMs: 120, graceMs: Infinity }).catch(String);
  await words.arrived(5);
  timers.pass(120);
  expect(await held).toContain('after 120 ms');
  timers.pass(80);
  timers[Symbol.dispose]();
  words.open();
  expect(await scheduler.run(tasks.double, 1)).toBe(2);
  expect(scheduler.counts().condemned).toBe(0);
  expect(scheduler.stats()).toMatchObject({ lost: 0 });
});

test('nor that of a task which has the same generation, 256 tasks later', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, slots: 1, workerData: words.view });
  const disown = async (task: typeof gated.untilCancelled, index: number, graceMs: number): Promise<void> => {
    const controller = new AbortController();
    const running = scheduler.run(task, undefined, { signal: controller.signal, graceMs });
    await words.arrived(index);
    controller.abort('over');
    await expect(running).rejects.toBe('over');
  };
  using timers = heldTimers();
  await disown(gated.untilCancelled, 1, 1500);
  await words.arrived(2);
  await expect.poll(() => scheduler.stats().slots.used).toBe(0);
  for (let i = 0; i < 255; i++) await scheduler.run(tasks.double, i);
  await disown(gated.hold as unknown as typeof gated.untilCancelled, 3, Infinity);
  timers.pass(1600);
  timers[Symbol.dispose]();
  expect(scheduler.counts().condemned).toBe(0);
  words.open();
  expect(await scheduler.run(tasks.double, 1)).toBe(2);
});

test('a client that is closed during a time of grace leaves its place to nobody before it is over', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, maxClients: 2, workerData: words.view });
  const client = Scheduler.attach(scheduler.handle);
  const controller = new AbortController();
  using timers = heldTimers();
  const running = client.run(gated.spin, undefined, { signal: controller.signal, graceMs: 100 });
  await words.arrived(1);
  controller.abort('over');
  await expect(running).rejects.toBe('over');
  await client.close();
  const destroyed = new Promise((resolve) => scheduler.once('workerDestroy', resolve));
  expect(() => Scheduler.attach(scheduler.handle)).toThrow(/attached/);
  timers.pass(100);
  await destroyed;
  expect(Scheduler.attach(scheduler.handle).id).toBe(1);
});

test('one signal of many tasks has one listener, and none when they have ended', async () => {
  await using scheduler = Scheduler.create({ threads: 1, slots: 8 });
  const controller = new AbortController();
  const { signal } = controller;
  const some = Array.from({ length: 100 }, (_, i) => scheduler.run(tasks.double, i, { signal }));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  expect(await Promise.all(some)).toEqual(Array.from({ length: 100 }, (_, i) => 2 * i));
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  const others = Array.from({ length: 100 }, () =>
    scheduler.run(tasks.later, 10_000, { signal, graceMs: 0 }),
  );
  await delay(5);
  controller.abort('all');
  expect(await Promise.all(others.map((each) => each.catch((reason: unknown) => reason)))).toEqual(
    Array(100).fill('all'),
  );
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  expect(scheduler.inFlight).toBe(0);
});

test('arguments whose reading aborts their own task: it never runs, or its result is dropped', async () => {
  await using scheduler = Scheduler.create({ threads: 1, slots: 1 });
  for (const waits of [false, true]) {
    const controller = new AbortController();
    const trap = Object.defineProperty({ a: [1, { b: 2 }] }, 'bomb', {
      enumerable: true,
      get: () => controller.abort('mine'),
    });
    const before = waits ? scheduler.run(tasks.double, 1) : undefined;
    await expect(scheduler.run(tasks.echo, trap, { signal: controller.signal })).rejects.toBe('mine');
    await before;
  }
  expect(await scheduler.run(tasks.double, 2)).toBe(4);
  expect(scheduler.inFlight).toBe(0);
});

test('an idempotent task whose worker is lost runs again, with its arguments read anew, so often and no more', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 1, slots: 2, workerData: words.view });
  expect(await scheduler.run(gated.exitUnless, 3, { idempotent: true })).toBe(3);
  expect(scheduler.counts().retried).toBe(2);
  expect(scheduler.stats()).toMatchObject({ lost: 2, completed: 1 });
  words.view[8] = 0;
  await expect(scheduler.run(gated.exitUnless, 3, { idempotent: true, retries: 1 })).rejects.toMatchObject({
    code: 'ERR_WORKER_LOST',
  });
  expect(scheduler.counts().retried).toBe(3);
  words.view[8] = 0;
  await expect(scheduler.run(gated.exitUnless, 2)).rejects.toMatchObject({ code: 'ERR_WORKER_LOST' });
  expect(words.view[8]).toBe(1);
  expect(scheduler.inFlight).toBe(0);
});

test('a task that runs again can be aborted meanwhile', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
  const controller = new AbortController();
  const { signal } = controller;
  const ended = scheduler
    .run(gated.exitUnless, 1000, { idempotent: true, retries: 1000, signal })
    .catch((reason: unknown) => reason);
  await expect.poll(() => scheduler.counts().retried).toBeGreaterThan(0);
  controller.abort('enough');
  expect(await ended).toBe('enough');
  expect(scheduler.inFlight).toBe(0);
});

test('limits that mean nothing are refused', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const refused = (options: object): Promise<unknown> =>
    scheduler.run(tasks.double, 1, options).catch((error: unknown) => (error as { message: string }).message);
  expect(await refused({ deadlineMs: Infinity })).toMatch(/deadlineMs is Infinity/);
  expect(await refused({ deadlineMs: NaN })).toMatch(/deadlineMs is NaN/);
  expect(await refused({ graceMs: -1, timeoutMs: 5 })).toMatch(/graceMs is -1/);
  expect(await refused({ retries: 1.5, idempotent: true })).toMatch(/retries is 1.5/);
  expect(await refused({ retries: 2 })).toMatch(/idempotent/);
  expect(await refused({ idempotent: true, transferList: [new ArrayBuffer(8)] })).toMatch(/moved/);
  expect(() => Scheduler.create({ graceMs: NaN })).toThrow(/graceMs is NaN/);
});
