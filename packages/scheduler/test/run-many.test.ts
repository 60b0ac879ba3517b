import { expect, test } from 'vitest';
import { move, Scheduler } from '../src/index.ts';
import { tasks } from './tasks/basic.ts';
import { gated } from './tasks/gated.ts';
import { many } from './tasks/many.ts';
import { COUNTS, Words } from './tasks/words.ts';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test('of any count of numbers each has its result, in its place, and no slot is left in use', async () => {
  await using scheduler = Scheduler.create({ threads: 2, slots: 64 });
  for (const count of [0, 1, 2, 27, 28, 29, 223, 224, 225, 1000, 20_011]) {
    expect(await scheduler.runMany(many.double, numbers(count))).toEqual(numbers(count).map((n) => 2 * n));
    expect(scheduler.stats().slots.used).toBe(0);
  }
});

test('what is no number arrives in shares of any size as it does alone', async () => {
  await using scheduler = Scheduler.create({ threads: 2 });
  const list = ['a', { b: 1n }, [1, undefined], new Uint8Array([1, 2]), null, new Map([[1, 2]]), -0];
  for (const chunk of [1, 3, 50]) expect(await scheduler.runMany(many.echo, list, { chunk })).toEqual(list);
});

test('tasks of a share run one after the other, promises and generators too', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const list = [1, 2, 3, 4, 5, 6, 7, 8];
  expect(await scheduler.runMany(many.sometimesLater, list, { chunk: 8 })).toEqual(list.map((n) => n * 10));
});

test('the first error rejects; what was not submitted by then never runs', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  await expect(scheduler.runMany(many.refuse, numbers(100_000), { chunk: 2 })).rejects.toThrow('not 3');
  await scheduler.run(many.double, 1);
  expect(scheduler.stats().completed).toBeLessThan(1000);
});

test('an aborted list rejects with the reason, and its shares that wait never run', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const controller = new AbortController();
  const running = scheduler.runMany(many.double, numbers(10_000), { signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  expect(await scheduler.run(many.double, 4)).toBe(8);
});

test.each(['slots', 'line'] as const)(
  'after the first error no element begins that waits in %s',
  async (where) => {
    const words = new Words(1);
    const slots = where === 'line' ? 4 : 4096;
    await using scheduler = Scheduler.create({ threads: 1, slots, workerData: words.view });
    await scheduler.ready;
    const list = [0, 1, ...numbers(200).map((n) => n + 3)];
    await expect(scheduler.runMany(gated.element, list, { chunk: 1 })).rejects.toThrow('element 0');
    expect(scheduler.inFlight).toBe(0);
    words.open();
    await scheduler.run(gated.stamp);
    expect(Atomics.load(words.view, COUNTS)).toBe(0);
    expect(scheduler.stats()).toMatchObject({ lost: 0, slots: { used: 0 } });
    expect(scheduler.counts()).toMatchObject({ waiting: 0 });
  },
);

test.each(['an error', 'an abort'] as const)(
  'after %s a share that runs ends with its element, and keeps its worker',
  async (what) => {
    const words = new Words(1);
    await using scheduler = Scheduler.create({ threads: 2, workerData: words.view });
    const controller = new AbortController();
    const list = what === 'an error' ? [1, 4, -1, -1] : [1, 4];
    const running = scheduler.runMany(gated.element, list, { chunk: 2, signal: controller.signal });
    await words.arrived(1);
    if (what === 'an abort') controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow(what === 'an error' ? 'element 0' : 'enough');
    words.open();
    await scheduler.broadcast(gated.stamp);
    expect(Atomics.load(words.view, COUNTS)).toBe(0); // element 4 is behind element 1
    expect(scheduler.stats()).toMatchObject({ lost: 0, slots: { used: 0 } });
    expect(scheduler.counts().condemned).toBe(0);
  },
);

test('a long element of a list that has failed costs its worker when its grace is over', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 2, workerData: words.view });
  const ended = new Promise((resolve) => scheduler.once('workerDestroy', resolve));
  const failed = scheduler.runMany(gated.element, [2, 1, 0], { chunk: 1, graceMs: 20 });
  await words.arrived(2);
  words.open();
  await expect(failed).rejects.toThrow('element 0');
  await ended;
  expect(await scheduler.broadcast(tasks.double, 4)).toEqual([8, 8]);
});

test('shares that are lost with their worker are not retried after an error', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 2, workerData: words.view });
  const lost = scheduler.runMany(gated.element, [2, 0], { chunk: 1, graceMs: 0, idempotent: true });
  await expect(lost).rejects.toThrow('element 0');
  expect(await scheduler.run(gated.stamp)).toBe(0);
  expect(scheduler.counts().retried).toBe(0);
});

test.each([-1, Number.NaN])('a grace of %d is refused for lists, too', async (graceMs) => {
  await using scheduler = Scheduler.create({ threads: 1 });
  await expect(scheduler.runMany(many.double, [1], { graceMs })).rejects.toThrow(/graceMs/);
});

test('what is no array is refused', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  await expect(scheduler.runMany(many.double, new Float64Array(2) as unknown as number[])).rejects.toThrow(
    /list.*an array/,
  );
});

test('what is moved, or is a lease, does not share a slot', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const buffers = (): ArrayBuffer[] => [8, 16].map((bytes) => move(new ArrayBuffer(bytes)));
  const results = await scheduler.runMany(tasks.echo, buffers());
  expect(results.map((each) => (each as ArrayBuffer).byteLength)).toEqual([8, 16]);
  await expect(scheduler.runMany(tasks.echo, buffers(), { chunk: 2 })).rejects.toThrow(
    /chunk is 2, expected 1, where/,
  );
});

test.each([0, -1, 1.5, 2 ** 20 + 1])('a chunk of %d is refused', async (chunk) => {
  await using scheduler = Scheduler.create({ threads: 1 });
  await expect(scheduler.runMany(many.double, [1], { chunk })).rejects.toThrow(/chunk.*an integer from 1/);
});
