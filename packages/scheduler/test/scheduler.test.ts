// What a scheduler does on real workers, as long as nothing breaks.
// Longer than other files: one property after the other of one class, each a few lines.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { defineTasks, noRecorder, type Recorder, Scheduler, type SchedulerError } from '../src/index.ts';
import { tasks } from './tasks/basic.ts';
import { gated } from './tasks/gated.ts';
import { Words } from './tasks/words.ts';

/** Bytes of a payload, by default. */
const MOST = 2 ** 22;

describe('tasks', () => {
  const scheduler = Scheduler.create({ threads: 2 });
  afterAll(() => scheduler.close());

  test('return what their function returns, typed', async () => {
    const doubled = await scheduler.run(tasks.double, 21);
    expectTypeOf(doubled).toEqualTypeOf<number>();
    expect(doubled).toBe(42);
    expectTypeOf(await scheduler.run(tasks.later, 1)).toEqualTypeOf<string>();
    expect(await scheduler.run(tasks.later, 1)).toBe('after 1');
    expect(await scheduler.run(tasks.nothing)).toBeUndefined();
    // @ts-expect-error a number is wanted
    await scheduler.run(tasks.double, 'x');
    // @ts-expect-error arguments are wanted
    await scheduler.run(tasks.double);
  });

  test('run on threads that are not this one', async () => {
    const ids = await Promise.all(Array.from({ length: 50 }, () => scheduler.run(tasks.threadId)));
    expect(new Set(ids).has(0)).toBe(false);
    const seats = await Promise.all(Array.from({ length: 50 }, () => scheduler.run(tasks.worker)));
    for (const seat of seats) expect([0, 1]).toContain(seat);
  });

  test('reject with what their function throws: class, message, stack, code, properties and causes', async () => {
    const range = await scheduler.run(tasks.fail, 'too far').catch((error: unknown) => error);
    expect(range).toBeInstanceOf(RangeError);
    expect(range).toMatchObject({ name: 'RangeError', message: 'too far' });
    expect((range as Error).stack).toContain('tasks/basic.ts');
    const later = await scheduler.run(tasks.reject, 'later').catch((error: unknown) => error);
    expect(later).toBeInstanceOf(RangeError);
    const declined = (await scheduler.run(tasks.decline, 7).catch((error: unknown) => error)) as Error;
    expect(declined).toMatchObject({
      name: 'PaymentError',
      message: 'declined: 7',
      code: 'E_DECLINED',
      amount: 7,
    });
    expect(declined.cause).toBeInstanceOf(TypeError);
    expect((declined.cause as Error).cause).toBe('expired');
    const system = await scheduler.run(tasks.failSystem).catch((error: unknown) => error);
    expect(system).toMatchObject({ code: 'ENOENT', errno: -2, syscall: 'open', path: '/x' });
  });

  test('reject with what they throw where it is no error', async () => {
    await expect(scheduler.run(tasks.failOddly, 'text')).rejects.toBe('text');
    await expect(scheduler.run(tasks.failOddly, undefined)).rejects.toBeUndefined();
    await expect(scheduler.run(tasks.failOddly, { a: 1 })).rejects.toEqual({ a: 1 });
  });

  test('reject with an error that cannot be cloned, without what can not', async () => {
    await expect(scheduler.run(tasks.failWithFunction)).rejects.toMatchObject({
      message: 'odd',
      code: 'E_ODD',
    });
    const long = (await scheduler.run(tasks.failLoudly, 100_000).catch((error: unknown) => error)) as Error;
    expect(long.message).toBe('x'.repeat(100_000));
  });

  test('are refused where arguments or result do not fit, or can not be cloned', async () => {
    await expect(scheduler.run(tasks.echo, new Uint8Array(MOST + 1))).rejects.toMatchObject({
      code: 'ERR_PAYLOAD_TOO_LARGE',
      what: 'arguments',
      bytes: MOST + 1,
      limitBytes: MOST,
    });
    await expect(scheduler.run(tasks.bytes, MOST + 1000)).rejects.toMatchObject({
      code: 'ERR_PAYLOAD_TOO_LARGE',
      what: 'result',
      bytes: MOST + 1000,
    });
    await expect(scheduler.run(tasks.echo, () => 1)).rejects.toMatchObject({ code: 'ERR_NOT_CLONEABLE' });
    await expect(scheduler.run(tasks.function)).rejects.toMatchObject({ code: 'ERR_NOT_CLONEABLE' });
    expect(await scheduler.run(tasks.bytes, MOST)).toHaveLength(MOST);
    expect(scheduler.stats().slots.used).toBe(0);
  });

  test('are called by the same name in errors of arguments and of results', async () => {
    const refused = (given: unknown): Promise<unknown> =>
      scheduler.run(tasks.echo, given).catch((error: Error) => error.message);
    expect(await refused(() => 1)).toMatch(/^arguments of task echo cannot be cloned/);
    await expect(scheduler.run(tasks.function)).rejects.toThrow(/^result of task function cannot be cloned/);
  });

  test('that their module does not export are named', async () => {
    const hidden = defineTasks(new URL('tasks/basic.ts', import.meta.url), { missing: () => 1 });
    await expect(scheduler.run(hidden.missing)).rejects.toMatchObject({
      code: 'ERR_TASK_NOT_FOUND',
      message: expect.stringMatching(/basic\.ts exports tasks .*double.*expected missing/) as string,
    });
    const nowhere = defineTasks(new URL('tasks/nowhere.ts', import.meta.url), { missing: () => 1 });
    await expect(scheduler.run(nowhere.missing)).rejects.toMatchObject({ code: 'ERR_TASK_NOT_FOUND' });
  });

  test('refuse options that mean nothing', async () => {
    await expect(scheduler.run(tasks.nothing, undefined, { timeoutMs: 0 })).rejects.toThrow(/timeoutMs is 0/);
    await expect(scheduler.run(tasks.nothing, undefined, { priority: 'urgent' as 'high' })).rejects.toThrow(
      /priority is "urgent"/,
    );
    await expect(scheduler.run(undefined as never)).rejects.toThrow(/task is undefined/);
    for (const [name, value] of Object.entries({
      signal: new AbortController(),
      timeoutMs: '5000',
      graceMs: '5',
      deadlineMs: '5',
      pin: null,
      transferList: 5,
    }))
      await expect(scheduler.run(tasks.nothing, undefined, { [name]: value })).rejects.toThrow(`${name} is `);
    expect(scheduler.inFlight).toBe(0);
    expect(() => Scheduler.create({ threads: 1, memory: [new ArrayBuffer(8) as never] })).toThrow(
      /memory is/,
    );
    expect(() => Scheduler.create({ threads: 0 })).toThrow(/threads is 0/);
    expect(() => Scheduler.create({ slots: 1.5 })).toThrow(/slots is 1.5/);
    expect(() => Scheduler.create({ name: 5 as unknown as string })).toThrow(/name is 5/);
    expect(() => Scheduler.create({ timing: { run: {} as Recorder } })).toThrow(/timing.run is .* 'record'/);
    expect(() => Scheduler.create({ latency: { low: null as never } })).toThrow(/latency.low is null/);
    const misspelt = { lwo: { record() {} } } as object;
    expect(() => Scheduler.create({ latency: misspelt })).toThrow(/latency is "lwo", expected .*critical/);
    expect(() => Scheduler.create({ timing: misspelt })).toThrow(/timing is "lwo", expected .*wait, run/);
    const none = null as never;
    const refusal = expect.objectContaining({
      name: 'ArgumentRangeError',
      message: expect.stringMatching(/^options is null/) as string,
    }) as Error;
    for (const each of [
      () => Scheduler.create(none),
      () => Scheduler.bytesFor(none),
      () => Scheduler.attach(scheduler.handle, none),
      () => defineTasks(import.meta.url, {}, none),
      () => scheduler.map(tasks.double, [1], none),
      () => scheduler.close(none),
    ])
      expect(each).toThrow(refusal);
    for (const run of [
      scheduler.run(tasks.nothing, undefined, none),
      scheduler.runMany(tasks.double, [1], none),
      scheduler.broadcast(tasks.double, 1, none),
    ])
      await expect(run).rejects.toEqual(refusal);
    expect(() => defineTasks('basic.ts', {})).toThrow(/module is "basic.ts"/);
    expect(() => defineTasks(import.meta.url, { 'a#b': () => 1 })).toThrow(/name of a task is "a#b"/);
  });

  test('that leave a timer behind do not keep it from running', async () => {
    const before = await scheduler.run(tasks.left);
    await scheduler.run(tasks.leaveTimer, []);
    const counts = (): Promise<number[]> =>
      Promise.all(Array.from({ length: 20 }, () => scheduler.run(tasks.left)));
    await expect.poll(async () => Math.max(...(await counts()))).toBeGreaterThan(before);
  });
});

test('priorities are strict, and within one tasks run in order', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
  const held = scheduler.run(gated.hold, 0);
  await words.arrived(1);
  const order = await stampsOf(scheduler, words, [
    'low',
    'normal',
    'high',
    'critical',
    'low',
    'high',
    'normal',
    'critical',
  ]);
  expect(order).toEqual([6, 4, 2, 0, 7, 3, 5, 1]);
  await held;
});

test('no priority starves: each is served at least once in 192 claims', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
  const held = scheduler.run(gated.hold, 0);
  await words.arrived(1);
  const urgent = Array.from({ length: 400 }, () => 'critical' as const);
  const order = await stampsOf(scheduler, words, ['low', 'normal', 'high', ...urgent]);
  expect(Math.max(...order.slice(0, 3))).toBeLessThan(192);
  expect(Math.min(...order.slice(0, 3))).toBeGreaterThan(30);
  await held;
});

async function stampsOf(
  scheduler: Scheduler,
  words: Words,
  priorities: readonly ('critical' | 'high' | 'normal' | 'low')[],
): Promise<number[]> {
  const stamps = priorities.map((priority) => scheduler.run(gated.stamp, undefined, { priority }));
  words.open();
  return Promise.all(stamps);
}

test('an aborted task that is queued never runs, and its place is given back', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view, slots: 4 });
  const held = scheduler.run(gated.hold, 1);
  await words.arrived(1);
  const controller = new AbortController();
  const counted = scheduler.run(gated.count, 8, { signal: controller.signal });
  expect(scheduler.stats().queued.normal).toBe(1);
  controller.abort(new RangeError('changed my mind'));
  await expect(counted).rejects.toThrow('changed my mind');
  await expect(scheduler.run(gated.count, 8, { signal: AbortSignal.abort('early') })).rejects.toBe('early');
  expect(scheduler.stats().queued.normal).toBe(0);
  words.open();
  expect(await held).toBe(1);
  expect(await scheduler.run(gated.stamp)).toBe(0);
  expect(words.view[8]).toBe(0);
  expect(scheduler.stats().slots.used).toBe(0);
});

test('an aborted task that runs is told, and its result dropped; the worker goes on', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
  const controller = new AbortController();
  const running = scheduler.run(gated.untilCancelled, undefined, { signal: controller.signal });
  await words.arrived(1);
  controller.abort();
  await expect(running).rejects.toMatchObject({ name: 'AbortError' });
  await words.arrived(2);
  expect(await scheduler.run(gated.stamp)).toBe(0);
  expect(scheduler.stats()).toMatchObject({ lost: 0, slots: { used: 0 } });
});

test('more tasks than slots wait in line, and all of them run', async () => {
  await using scheduler = Scheduler.create({ threads: 2, slots: 4 });
  const numbers = Array.from({ length: 500 }, (_, i) => i);
  const results = await Promise.all(numbers.map((value) => scheduler.run(tasks.double, value)));
  expect(results).toEqual(numbers.map((value) => 2 * value));
  expect(scheduler.inFlight).toBe(0);
});

test('as many as `maxQueue` wait for a slot; another one is refused, and taken later', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view, slots: 2, maxQueue: 3 });
  const held = scheduler.run(gated.hold, 1);
  await words.arrived(1);
  const waiting = [1, 2, 3, 4].map(() => scheduler.run(gated.stamp)); // one has the other slot
  await expect(scheduler.run(gated.stamp)).rejects.toMatchObject({
    code: 'ERR_QUEUE_FULL',
    maxQueue: 3,
    inFlight: 5,
  });
  words.open();
  await Promise.all([held, ...waiting]);
  expect(await scheduler.run(gated.stamp)).toBe(4);
});

test('who waits in line leaves it by priority, and may be aborted or time out there', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view, slots: 1 });
  const held = scheduler.run(gated.hold, 1);
  await words.arrived(1);
  const order: string[] = [];
  const note = (name: string, priority: 'low' | 'critical' | 7): Promise<void> =>
    scheduler.run(gated.stamp, undefined, { priority }).then(() => void order.push(name));
  const controller = new AbortController();
  const aborted = scheduler.run(gated.stamp, undefined, { signal: controller.signal });
  const late = scheduler.run(gated.stamp, undefined, { timeoutMs: 20 });
  const rest = [note('low', 'low'), note('seven', 7), note('critical', 'critical'), note('low too', 'low')];
  controller.abort(new Error('not any more'));
  await expect(aborted).rejects.toThrow('not any more');
  await expect(late).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT' });
  words.open();
  await Promise.all([held, ...rest]);
  expect(order).toEqual(['critical', 'seven', 'low', 'low too']);
  expect(scheduler.stats()).toMatchObject({ completed: 5, lost: 0 });
});

test('who closes while tasks wait in line waits for them; who destroys rejects them', async () => {
  const closing = Scheduler.create({ threads: 1, slots: 1 });
  const all = [1, 2, 3, 4].map((value) => closing.run(tasks.double, value));
  await closing.close();
  expect(await Promise.all(all)).toEqual([2, 4, 6, 8]);
  const words = new Words();
  const destroyed = Scheduler.create({ threads: 1, slots: 1, workerData: words.view });
  const rejected = [destroyed.run(gated.hold, 1), destroyed.run(gated.stamp), destroyed.run(gated.stamp)].map(
    (each) => each.catch((error: { code: string }) => error.code),
  );
  await words.arrived(1);
  await destroyed.destroy();
  expect(await Promise.all(rejected)).toEqual(Array(3).fill('ERR_SCHEDULER_CLOSED'));
});

test('statistics say what is where', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 2, workerData: words.view });
  await scheduler.ready;
  const held = [scheduler.run(gated.hold, 1), scheduler.run(gated.hold, 2)];
  await words.arrived(2);
  const queued = [
    scheduler.run(gated.stamp, undefined, { priority: 'critical' }),
    scheduler.run(gated.stamp, undefined, { priority: 'low' }),
    scheduler.run(gated.stamp, undefined, { priority: 'low' }),
  ];
  expect(scheduler.stats()).toMatchObject({
    queued: { critical: 1, high: 0, normal: 0, low: 2 },
    running: 2,
    completed: 0,
    slots: { total: 4096, used: 5 },
    clients: [{ id: 0, threadId: expect.any(Number) as number, inFlight: 5 }],
  });
  words.open();
  await Promise.all([...held, ...queued]);
  const { completed, failed, lost, workers } = scheduler.stats();
  expect({ completed, failed, lost }).toEqual({ completed: 5, failed: 0, lost: 0 });
  expect(workers.map((worker) => worker.state)).toEqual(['ready', 'ready']);
});

test('latencies go to the recorder of their priority', async () => {
  const times: number[] = [];
  const latency = { critical: { record: (ms: number) => void times.push(ms) }, low: noRecorder };
  await using scheduler = Scheduler.create({ threads: 1, latency });
  await scheduler.run(tasks.later, 20, { priority: 'critical' });
  await scheduler.run(tasks.nothing, undefined, { priority: 'low' });
  await scheduler.run(tasks.nothing);
  expect(times).toHaveLength(1);
  expect(times[0]).toBeGreaterThan(19);
});

test('what a recorder throws is an uncaught exception, and the task returns its result all the same', async () => {
  const uncaught: unknown[] = [];
  const before = process.rawListeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
  try {
    const record = (): never => {
      throw new RangeError('no room');
    };
    await using scheduler = Scheduler.create({ threads: 1, latency: { normal: { record } } });
    expect(await scheduler.run(tasks.double, 4)).toBe(8);
    expect(await scheduler.run(tasks.double, 5)).toBe(10);
    while (uncaught.length < 2) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of before) process.on('uncaughtException', listener as () => void);
  }
});

test('a scheduler that can not be created leaves nothing behind', () => {
  const listeners = process.listenerCount('workerMessage');
  expect(() => Scheduler.create({ threads: 1, closeTimeoutMs: -1 })).toThrow(/closeTimeoutMs is -1/);
  expect(() => Scheduler.create({ threads: 1, niceIncrement: 20 })).toThrow(/niceIncrement is 20/);
  expect(process.listenerCount('workerMessage')).toBe(listeners);
});

test('workers are placed and their modules imported before they are ready', async () => {
  const words = new Words(2);
  const created: number[] = [];
  await using scheduler = Scheduler.create({
    threads: 2,
    workerData: words.view,
    affinity: new URL('tasks/affinity.ts', import.meta.url),
    preload: [gated.stamp, new URL('tasks/basic.ts', import.meta.url)],
  });
  scheduler.on('workerCreate', ({ worker }) => created.push(worker));
  await scheduler.ready;
  expect(created.toSorted((a, b) => a - b)).toEqual([0, 1]);
  expect([...words.view.subarray(8)]).toEqual([1, 1]);
});

test('after its close everything is refused; closing again is harmless', async () => {
  const scheduler = Scheduler.create({ threads: 1 });
  expect(await scheduler.run(tasks.double, 1)).toBe(2);
  await Promise.all([scheduler.close(), scheduler.close()]);
  await scheduler.close();
  await scheduler.destroy();
  await scheduler[Symbol.asyncDispose]();
  await expect(scheduler.run(tasks.double, 1)).rejects.toMatchObject({ code: 'ERR_SCHEDULER_CLOSED' });
  expect(() => Scheduler.attach(scheduler.handle)).toThrow(/closed/);
  expect(scheduler.stats().workers[0]?.state).toBe('ended');
});

test('close runs everything that was accepted, and refuses what comes after', async () => {
  const words = new Words(1);
  const scheduler = Scheduler.create({ threads: 2, workerData: words.view });
  const accepted = Array.from({ length: 500 }, () => scheduler.run(gated.count, 8));
  const closing = scheduler.close();
  await expect(scheduler.run(gated.count, 8)).rejects.toMatchObject({ code: 'ERR_SCHEDULER_CLOSED' });
  await closing;
  expect(words.view[8]).toBe(500);
  expect((await Promise.all(accepted)).length).toBe(500);
});

test('close waits no longer than it is told to', async () => {
  const words = new Words();
  const scheduler = Scheduler.create({ threads: 1, workerData: words.view });
  const stuck = scheduler.run(gated.spin).catch((error: SchedulerError) => error);
  const queued = scheduler.run(gated.stamp).catch((error: SchedulerError) => error);
  await words.arrived(1);
  await scheduler.close({ timeoutMs: 20 });
  expect(await stuck).toMatchObject({
    code: 'ERR_SCHEDULER_CLOSED',
    message: expect.stringMatching(/spin/) as string,
  });
  expect(await queued).toMatchObject({ code: 'ERR_SCHEDULER_CLOSED' });
});

test('destroy rejects what is queued and what runs', async () => {
  const words = new Words();
  const scheduler = Scheduler.create({ threads: 2, workerData: words.view });
  const all = [gated.spin, gated.never, gated.stamp, gated.stamp].map((task) =>
    scheduler.run<unknown>(task).catch((error: SchedulerError) => error.code),
  );
  await words.arrived(2);
  await Promise.all([scheduler.destroy(), scheduler.close()]);
  expect(await Promise.all(all)).toEqual(Array.from({ length: 4 }, () => 'ERR_SCHEDULER_CLOSED'));
  expect(scheduler.stats()).toMatchObject({ running: 0, slots: { used: 0 } });
});

test('timers of this thread go on while it waits for tasks', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  await scheduler.run(tasks.later, 50);
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(5);
  await delay(0);
});
