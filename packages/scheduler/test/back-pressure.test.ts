// More tasks than there is room for.
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Scheduler, type SchedulerClient } from '../src/index.ts';
import { WaitingLine } from '../src/waiting-line.ts';
import { ENDED, WAITS, type TaskTerms } from '../src/task-terms.ts';
import { tasks } from './tasks/basic.ts';
import { gated } from './tasks/gated.ts';
import { COUNTS, Words } from './tasks/words.ts';

/** Its one worker runs a task that holds it; the other slot has another one. */
async function full(
  words: Words,
  options: Parameters<typeof Scheduler.create>[0],
): Promise<{ scheduler: Scheduler; held: Promise<unknown> }> {
  const scheduler = Scheduler.create({ threads: 1, slots: 2, workerData: words.view, ...options });
  const held = scheduler.run(gated.hold, 1);
  await words.arrived(1);
  return { scheduler, held: Promise.all([held, scheduler.run(gated.stamp)]) };
}

function codeOf(run: Promise<unknown>): Promise<string | undefined> {
  return run.then(
    () => undefined,
    (error: { code?: string }) => error.code,
  );
}

function events(client: SchedulerClient): string[] {
  const seen: string[] = [];
  client.on('needsDrain', () => seen.push('needsDrain'));
  client.on('drain', () => seen.push('drain'));
  return seen;
}

test('reject: producers are told once to stop, once to go on, and who goes on all the same is refused', async () => {
  const words = new Words();
  const { scheduler, held } = await full(words, { maxQueue: 4 });
  await using _ = scheduler;
  const seen = events(scheduler as unknown as SchedulerClient);
  expect(scheduler.needsDrain).toBe(false);
  const waiting = [1, 2, 3, 4].map(() => scheduler.run(gated.stamp));
  expect(scheduler.needsDrain).toBe(true);
  expect(await codeOf(scheduler.run(gated.stamp))).toBe('ERR_QUEUE_FULL');
  expect(scheduler.counts()).toMatchObject({ waiting: 4, refused: 1, shed: 0 });
  const drained = scheduler.drained().then(() => scheduler.counts().waiting);
  words.open();
  expect(await drained).toBeLessThanOrEqual(2);
  await Promise.all([held, ...waiting]);
  expect(scheduler.needsDrain).toBe(false);
  expect(seen).toEqual(['needsDrain', 'drain']);
  await scheduler.drained();
});

test('a queue of length 0 refuses where no slot is free, and drains when one is', async () => {
  const words = new Words();
  const { scheduler, held } = await full(words, { maxQueue: 0 });
  await using _ = scheduler;
  const drain = once(scheduler, 'drain');
  expect(scheduler.needsDrain).toBe(false);
  expect(await codeOf(scheduler.run(gated.stamp))).toBe('ERR_QUEUE_FULL');
  expect(scheduler.needsDrain).toBe(true);
  words.open();
  await drain;
  await held;
  expect(await scheduler.run(tasks.double, 2)).toBe(4);
});

test('wait: nothing is refused, nothing lost, and producers are told', async () => {
  const words = new Words();
  const { scheduler, held } = await full(words, { maxQueue: 2, onFull: 'wait' });
  await using _ = scheduler;
  const seen = events(scheduler as unknown as SchedulerClient);
  const all = Array.from({ length: 50 }, (_each, i) => scheduler.run(tasks.double, i));
  expect(scheduler.needsDrain).toBe(true);
  expect(scheduler.counts()).toMatchObject({ waiting: 50, refused: 0 });
  words.open();
  expect(await Promise.all(all)).toEqual(Array.from({ length: 50 }, (_each, i) => 2 * i));
  await held;
  expect(seen).toEqual(['needsDrain', 'drain']);
});

test('shedLowest: the newest of the lowest priority goes, the newcomer being one of them', async () => {
  const words = new Words();
  const { scheduler, held } = await full(words, { maxQueue: 3, onFull: 'shedLowest' });
  await using _ = scheduler;
  const run = (priority: number): Promise<string | undefined> =>
    codeOf(scheduler.run(gated.stamp, undefined, { priority }));
  const [low, lower, normal] = [run(5), run(4), run(10)];
  const lowToo = run(5); // for `lower`
  expect(await lower).toBe('ERR_TASK_SHED');
  expect(await run(5)).toBe('ERR_TASK_SHED');
  expect(await run(0)).toBe('ERR_TASK_SHED');
  const high = run(15); // for `lowToo`
  expect(await lowToo).toBe('ERR_TASK_SHED');
  await expect(scheduler.run(gated.stamp, undefined, { priority: 1 })).rejects.toMatchObject({
    task: 'stamp',
    level: 1,
    maxQueue: 3,
  });
  expect(scheduler.counts()).toMatchObject({ waiting: 3, shed: 5, refused: 0 });
  words.open();
  expect(await Promise.all([low, normal, high])).toEqual([undefined, undefined, undefined]);
  await held;
  expect(scheduler.stats()).toMatchObject({ completed: 5, slots: { used: 0 } });
});

test('a task with a signal that is shed does not hear of it any more', async () => {
  const words = new Words();
  const { scheduler, held } = await full(words, { maxQueue: 1, onFull: 'shedLowest' });
  await using _ = scheduler;
  const controller = new AbortController();
  const low = codeOf(
    scheduler.run(gated.stamp, undefined, { priority: 0, signal: controller.signal, timeoutMs: 10_000 }),
  );
  const high = scheduler.run(gated.stamp, undefined, { priority: 20 });
  expect(await low).toBe('ERR_TASK_SHED');
  controller.abort();
  expect(scheduler.inFlight).toBe(3);
  words.open();
  await Promise.all([held, high]);
  expect(scheduler.inFlight).toBe(0);
});

test('who waits gets in when all tasks with slots were aborted, and no result is to come', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({
    threads: 1,
    slots: 2,
    workerData: words.view,
    graceMs: Infinity,
  });
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = [
    scheduler.run(gated.hold, 1, { signal }),
    scheduler.run(gated.stamp, undefined, { signal }),
  ];
  await words.arrived(1);
  const waits = scheduler.run(gated.count, COUNTS);
  controller.abort('mine');
  expect(await Promise.allSettled(aborted)).toMatchObject([{ reason: 'mine' }, { reason: 'mine' }]);
  words.open();
  expect(await waits).toBe(COUNTS);
});

test('who waits gets in when a slot is free again, whatever long tasks its client has in others', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 2, slots: 2, workerData: words.view });
  const long = scheduler.run(gated.never);
  await words.arrived(1);
  const controller = new AbortController();
  const aborted = scheduler.run(gated.untilCancelled, undefined, { signal: controller.signal });
  await words.arrived(2);
  const waits = scheduler.run(gated.count, COUNTS);
  controller.abort('mine');
  await expect(aborted).rejects.toBe('mine');
  expect(await waits).toBe(COUNTS);
  void scheduler.destroy();
  await expect(long).rejects.toMatchObject({ code: 'ERR_SCHEDULER_CLOSED' });
});

test('options that mean nothing are refused', () => {
  expect(() => Scheduler.create({ onFull: 'drop' as 'wait' })).toThrow(/onFull is "drop"/);
  expect(() => Scheduler.create({ onFull: 'wait' })).toThrow(/onFull is "wait"/);
});

test('listeners run in the async context in which the scheduler was made', async () => {
  const storage = new AsyncLocalStorage<string>();
  const words = new Words();
  const { scheduler, held } = await storage.run('made here', () => full(words, { maxQueue: 1 }));
  await using _ = scheduler;
  const contexts: unknown[] = [];
  scheduler.on('needsDrain', () => contexts.push(storage.getStore()));
  scheduler.on('drain', () => contexts.push(storage.getStore()));
  const waiting = storage.run('elsewhere', () => scheduler.run(gated.stamp));
  words.open();
  await Promise.all([waiting, held]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(contexts).toEqual(['made here', 'made here']);
});

const nothing = (): void => {};
const terms = (lane: number): TaskTerms => ({ slot: WAITS, lane }) as TaskTerms;

test('of those who have left a line, no more stay in it than there are others, or 32', () => {
  const line = new WaitingLine();
  const all = Array.from({ length: 1000 }, () => terms(10));
  for (const [i, each] of all.entries()) line.push(10, i, { big: i }, nothing, nothing, each);
  const args = new Set<unknown>();
  for (const [i, each] of all.entries()) {
    if (i % 10 === 0) continue;
    each.slot = ENDED;
    line.left(10);
  }
  expect(line.size).toBe(100);
  expect(line.kept).toBeLessThanOrEqual(2 * 100 + 1);
  const order: number[] = [];
  for (let first = line.take(21); first !== undefined; first = line.take(21)) {
    order.push(first.id);
    args.add(first.args);
  }
  expect(order).toEqual(Array.from({ length: 100 }, (_, i) => 10 * i));
  expect(line.size).toBe(0);
});

test('who is put back is the first again, whoever has come or left meanwhile', () => {
  const line = new WaitingLine();
  for (let i = 0; i < 5; i++) line.push(3, i, i, nothing, nothing, undefined);
  const { id, args } = line.take(21) ?? { id: -1, args: undefined };
  line.push(3, 5, 5, nothing, nothing, undefined);
  line.putBack(3, id, args, nothing, nothing, undefined);
  const order: number[] = [];
  for (let first = line.take(21); first !== undefined; first = line.take(21)) order.push(first.id);
  expect(order).toEqual([0, 1, 2, 3, 4, 5]);
  line.push(3, 7, 7, nothing, nothing, undefined);
  line.take(21);
  line.push(3, 8, 8, nothing, nothing, undefined);
  line.putBack(3, 7, 7, nothing, nothing, undefined);
  expect([line.take(21)?.id, line.take(21)?.id, line.take(21)]).toEqual([7, 8, undefined]);
});

test('tasks of one worker wait beside the levels, and overtake only others', () => {
  const line = new WaitingLine();
  line.push(23, 1, 1, nothing, nothing, undefined);
  line.push(10, 2, 2, nothing, nothing, undefined);
  expect([line.isAhead(23), line.isAhead(22), line.isAhead(10), line.isAhead(11)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(line.pinned()).toEqual([23]);
  expect(line.takeNewestBelow(10)).toBeUndefined();
  expect(line.takeFrom(23)?.id).toBe(1);
  expect(line.pinned()).toEqual([]);
  expect(line.isAhead(23)).toBe(false);
  expect(line.take(21)?.id).toBe(2);
});
