// The callback form: tasks without promises.
import { expect, expectTypeOf, test } from 'vitest';
import { Scheduler } from '../src/index.ts';
import { tasks } from './tasks/basic.ts';

test('one of the two functions is called, once, with what the task returned or threw', async () => {
  await using scheduler = Scheduler.create({ threads: 2, slots: 4 });
  const results: number[] = [];
  const errors: unknown[] = [];
  await new Promise<void>((resolve) => {
    const end = (): void => void (results.length + errors.length === 22 && resolve());
    const onError = (error: unknown): void => (errors.push(error), end());
    for (let i = 0; i < 20; i++)
      scheduler.submit(
        tasks.double,
        i,
        (result) => {
          expectTypeOf(result).toEqualTypeOf<number>();
          results.push(result);
          end();
        },
        onError,
      );
    scheduler.submit(tasks.fail, 'too far', end, onError);
    scheduler.submit(tasks.failOddly, undefined, end, onError);
    expect(results).toEqual([]);
  });
  expect(results.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i));
  expect(errors).toHaveLength(2);
  expect(errors).toContain(undefined);
  expect(scheduler.inFlight).toBe(0);
});

test('what is refused goes to `onError`, and not before `submit` returns', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    const onError = (error: unknown): void => {
      order.push((error as { code: string }).code);
      resolve();
    };
    scheduler.submit(
      tasks.echo,
      () => 1,
      () => {},
      onError,
    );
    order.push('returned');
  });
  expect(order).toEqual(['returned', 'ERR_NOT_CLONEABLE']);
});

test('what a callback throws is an uncaught exception, and the others are called all the same', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  await scheduler.ready;
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const raised: unknown[] = [];
  process.on('uncaughtException', (error) => raised.push(error));
  let count = 0;
  await new Promise<void>((resolve) => {
    const onResult = (): void => {
      if (++count === 10) resolve();
      throw new RangeError('mine');
    };
    for (let i = 0; i < 10; i++) scheduler.submit(tasks.double, i, onResult, () => resolve());
  });
  while (raised.length < 10) await new Promise((resolve) => setImmediate(resolve));
  process.removeAllListeners('uncaughtException');
  for (const listener of listeners) process.on('uncaughtException', listener);
  expect(raised.map(String)).toEqual(Array(10).fill('RangeError: mine'));
  expect(await scheduler.run(tasks.double, 4)).toBe(8);
});

test('a callback may submit, and may destroy its client', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const client = Scheduler.attach(scheduler.handle);
  const chain = await new Promise<number>((resolve, reject) => {
    const next = (value: number): void =>
      value > 1000 ? resolve(value) : client.submit(tasks.double, value, next, reject);
    next(1);
  });
  expect(chain).toBe(1024);
  const codes: unknown[] = [];
  const rest = new Promise<void>((resolve) => {
    const onError = (error: unknown): void => {
      codes.push((error as { code: string }).code);
      if (codes.length === 9) resolve();
    };
    client.submit(tasks.double, 1, () => client.destroy(), onError);
    for (let i = 0; i < 9; i++) client.submit(tasks.double, i, () => codes.push('ran'), onError);
  });
  await rest;
  expect(codes).toEqual(Array(9).fill('ERR_SCHEDULER_CLOSED'));
  expect(client.inFlight).toBe(0);
  expect(scheduler.stats()).toMatchObject({ clients: [{ id: 0 }] });
  expect(await scheduler.run(tasks.double, 4)).toBe(8);
});

test('what is no function is refused, before there is a task', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const none = undefined as unknown as () => void;
  expect(() => scheduler.submit(tasks.double, 1, none, () => {})).toThrow(/onResult is undefined/);
  expect(() => scheduler.submit(tasks.double, 1, () => {}, none)).toThrow(/onError is undefined/);
  expect(scheduler.inFlight).toBe(0);
});
