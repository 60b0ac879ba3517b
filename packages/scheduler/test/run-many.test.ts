import { expect, test } from 'vitest';
import { move, Scheduler } from '../src/index.ts';
import { tasks } from './tasks/basic.ts';
import { many } from './tasks/many.ts';

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
