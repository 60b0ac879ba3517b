// Slices of time: generator tasks under policy roundRobin.
import { expect, test } from 'vitest';
import { TIER_ISOLATE } from '../src/budgets/tier-table.ts';
import { GeneratorTasks, type GeneratorTask } from '../src/generator-tasks.ts';
import { Scheduler } from '../src/index.ts';
import type { Monitor } from '../src/monitor/monitor.ts';
import type { RunContext } from '../src/task-context.ts';
import { tasks } from './tasks/basic.ts';
import { running } from './tasks/running.ts';
import { Words } from './tasks/words.ts';

test('a generator makes way for what is queued, and for others that made way', async () => {
  const words = new Words(2);
  await using scheduler = Scheduler.create({
    threads: 1,
    policy: 'roundRobin',
    sliceMs: 2,
    workerData: words.view,
  });
  const endless = [1, 2, 3].map((value) => scheduler.run(running.untilOpen, value));
  await words.arrived(3);
  for (let i = 0; i < 5; i++) expect(await scheduler.run(tasks.double, i)).toBe(2 * i);
  expect(scheduler.stats()).toMatchObject({ running: 3 });
  await scheduler.run(running.openGate);
  expect(await Promise.all(endless)).toEqual([1, 2, 3]);
});

test('generators that begin together end together', async () => {
  await using scheduler = Scheduler.create({
    threads: 1,
    policy: 'roundRobin',
    sliceMs: 2,
    workerData: new Words().view,
  });
  const times = await Promise.all([1, 2, 3].map(() => scheduler.run(running.spinFor, 150)));
  const firstEnd = Math.min(...times.map(({ ended }) => ended));
  for (const { began } of times) expect(began).toBeLessThan(firstEnd);
});

test('more generators than a worker rotates wait, and all of them end', async () => {
  const words = new Words(2);
  await using scheduler = Scheduler.create({
    threads: 1,
    policy: 'roundRobin',
    sliceMs: 0.1,
    workerData: words.view,
  });
  const numbers = Array.from({ length: 80 }, (_, i) => i);
  const all = numbers.map((value) => scheduler.run(running.untilOpen, value));
  await words.arrived(64);
  expect(scheduler.stats()).toMatchObject({ running: 64, queued: { normal: 16 } });
  words.open();
  expect(await Promise.all(all)).toEqual(numbers);
});

test('under another policy a generator runs on', async () => {
  await using scheduler = Scheduler.create({ threads: 1, workerData: new Words().view });
  const times = await Promise.all([1, 2].map(() => scheduler.run(running.spinFor, 40)));
  expect(times[1]?.began).toBeGreaterThanOrEqual(times[0]?.ended as number);
  expect(() => Scheduler.create({ threads: 1, sliceMs: 5 })).toThrow(
    /sliceMs is 5, expected none, where policy is priority/,
  );
});

test.each([0, -1, Number.NaN, 2 ** 31])('a slice of %d ms is refused', (sliceMs) => {
  expect(() => Scheduler.create({ threads: 1, policy: 'roundRobin', sliceMs })).toThrow(/sliceMs is/);
});

test.each([0, 1.5, -1])('%d tasks at once are refused', (concurrentTasksPerWorker) => {
  expect(() => Scheduler.create({ threads: 1, concurrentTasksPerWorker })).toThrow(
    /concurrentTasksPerWorker is/,
  );
});

/** A clock that a generator moves. */
class HandClock {
  nowMs = 0;
  isTurnDue = false;
  step(): boolean {
    return true;
  }
  look(): void {}
}

function generatorTask(
  clock: HandClock,
  steps: readonly number[],
  order: string[],
  name: string,
): GeneratorTask {
  function* run(): Generator<undefined, unknown, undefined> {
    for (const ms of steps) {
      clock.nowMs += ms;
      order.push(name);
      yield;
    }
    return name;
  }
  return {
    run,
    generator: run(),
    context: { cancelled: () => false, polls: { begin: () => {} } } as unknown as RunContext,
    spentMs: 0,
    dueMs: 0,
    makesWay: false,
    movableFromMs: Infinity,
  };
}

test('slices alternate between the queue and those that have made way, the oldest first', () => {
  const clock = new HandClock();
  const generators = new GeneratorTasks(clock, 10);
  const order: string[] = [];
  const [a, b] = ['a', 'b'].map((name) => generatorTask(clock, [5, 5, 5, 5, 5, 5, 5, 5], order, name));
  if (a === undefined || b === undefined) throw new Error('none');
  expect(generators.resume(a)).toBe('waits');
  expect(order).toEqual(['a', 'a']);
  expect(generators.next(true)).toBeUndefined(); // the queue's turn, until its slice is over
  clock.nowMs += 9;
  expect(generators.next(true)).toBeUndefined();
  expect(generators.resume(b)).toBe('waits'); // from the queue
  expect(generators.next(true)).toBe(a);
  expect(generators.resume(a)).toBe('waits');
  expect(generators.next(true)).toBeUndefined();
  generators.skipQueue(); // it is empty
  expect(generators.next(true)).toBe(b);
  expect(generators.resume(b)).toBe('waits');
  clock.nowMs += 10;
  expect(generators.next(true)).toBe(a); // the queue had its slice
  expect(order).toEqual(['a', 'a', 'b', 'b', 'a', 'a', 'b', 'b']);
});

test('a turn of the event loop takes nothing from a slice', () => {
  const clock = new HandClock();
  const generators = new GeneratorTasks(clock, 10);
  const order: string[] = [];
  const a = generatorTask(clock, [5, 5, 5, 5, 5], order, 'a');
  clock.isTurnDue = true;
  expect(generators.resume(a)).toBe('waits');
  clock.isTurnDue = false;
  clock.nowMs += 100;
  expect(generators.next(true)).toBe(a);
  expect(generators.resume(a)).toBe('waits');
  expect(order).toEqual(['a', 'a']);
});

test.each([0.1, 0.25, 0.5])(
  'what is isolated has its share of the time, %d, and no more, where others wait',
  (share) => {
    const clock = new HandClock();
    const monitor = { begin: () => {}, end: () => false, yielded: () => {} } as unknown as Monitor;
    const generators = new GeneratorTasks(clock, Infinity, monitor, share);
    const polls: string[] = [];
    const hog = generatorTask(
      clock,
      Array.from({ length: 1000 }, () => 6),
      polls,
      'hog',
    );
    Object.assign(hog.context, {
      watched: { tier: TIER_ISOLATE, rules: { slowPollMs: 10 } },
      endPoll: () => 0,
    });
    expect(generators.resume(hog)).toBe('waits');
    polls.length = 0;
    const beganMs = clock.nowMs;
    while (clock.nowMs - beganMs < 6000) {
      const next = generators.next(true);
      if (next === undefined) clock.nowMs += 2; // a task of the queue
      else expect(generators.resume(next)).toBe('waits');
    }
    expect((polls.length * 6) / (clock.nowMs - beganMs)).toBeCloseTo(share, 1.5);
    generators.skipQueue();
    expect(generators.next(true)).toBe(hog); // nobody waits
  },
);
