// Tasks of steps: state in, state or result out.
import { expect, expectTypeOf, test } from 'vitest';
import { goOn, POLICIES, Scheduler, steps, type Task } from '../src/index.ts';
import { tasks } from './tasks/basic.ts';
import { stepping, type Sum } from './tasks/stepping.ts';
import { Words } from './tasks/words.ts';

test.each(POLICIES)(
  'under policy %s a task of steps ends with what its last step returns',
  async (policy) => {
    await using scheduler = Scheduler.create({ threads: 2, policy });
    const sums = [0, 1, 10, 10_000].map((left) => scheduler.run(stepping.sum, { left, sum: 0 }));
    expect(await Promise.all(sums)).toEqual([0, 1, 55, 50_005_000]);
    expect(await scheduler.run(stepping.at, 7)).toBe(7);
  },
);

test('steps may be asynchronous, some of them or all', async () => {
  await using scheduler = Scheduler.create({ threads: 1, concurrentTasksPerWorker: 3 });
  const all = [6, 7].flatMap((n) => [
    scheduler.run(stepping.mixed, n),
    scheduler.run(stepping.asynchronous, n),
    scheduler.run(stepping.sum, { left: n, sum: 0 }),
  ]);
  expect(await Promise.all(all)).toEqual(['done', 'done', 21, 'done', 'done', 28]);
});

test('in a list each element takes its steps', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const lefts = [1, 2, 3, 4].map((left) => ({ left, sum: 0 }));
  expect(await scheduler.runMany(stepping.sum, lefts, { chunk: 2 })).toEqual([1, 3, 6, 10]);
  expect(await scheduler.runMany(stepping.mixed, [3, 0, 4], { chunk: 3 })).toEqual(['done', 'done', 'done']);
  expect(await scheduler.runMany(stepping.asynchronous, [3, 1], { chunk: 2 })).toEqual(['done', 'done']);
});

test('what a step throws is the error of its task', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  await expect(scheduler.run(stepping.fail, 0)).rejects.toThrow(new RangeError('in a step'));
  await expect(scheduler.run(stepping.fail, 3)).rejects.toThrow(new RangeError('in a step'));
  await expect(scheduler.run(stepping.failLater, 3)).rejects.toThrow(
    new RangeError('in an asynchronous step'),
  );
});

test('between two steps others have their turn', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({
    threads: 1,
    policy: 'roundRobin',
    sliceMs: 1,
    workerData: words.view,
  });
  const waiting = scheduler.run(stepping.untilOpen, 5);
  await words.arrived(1);
  expect(await scheduler.run(tasks.double, 4)).toBe(8);
  await scheduler.run(stepping.openGate);
  expect(await waiting).toBe(5);
});

test.each([stepping.forEver, stepping.forEverLater])(
  'a task of steps that nobody waits for ends between two of them, and keeps its worker',
  async (task) => {
    const words = new Words();
    await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
    await scheduler.ready;
    const [worker] = scheduler.workers;
    const controller = new AbortController();
    const endless = scheduler.run(task, 0, { signal: controller.signal, graceMs: 60_000 });
    await words.arrived(1);
    controller.abort(new Error('enough'));
    await expect(endless).rejects.toThrow('enough');
    expect(await scheduler.run(tasks.double, 4)).toBe(8);
    expect(scheduler.workers[0]?.threadId).toBe(worker?.threadId);
  },
);

test('the type of a task of steps is that of its state and its result', () => {
  expectTypeOf(stepping.sum).toEqualTypeOf<Task<Sum, number>>();
  expectTypeOf(stepping.mixed).toEqualTypeOf<Task<number, 'done'>>();
  expectTypeOf(stepping.asynchronous).toEqualTypeOf<Task<number, 'done'>>();
  // @ts-expect-error -- the next state is not of the type of the first one
  steps((n: number) => (n === 0 ? 'done' : goOn('next')));
});
