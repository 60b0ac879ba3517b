// What a worker does with tasks that do not return at once.
import { expect, expectTypeOf, test } from 'vitest';
import { Scheduler, type SchedulerOptions } from '../src/index.ts';
import { tasks } from './tasks/basic.ts';
import { gated } from './tasks/gated.ts';
import { running } from './tasks/running.ts';
import { COUNTS, Words } from './tasks/words.ts';

const MOST = COUNTS + 1;

function start(options: SchedulerOptions = {}): { words: Words; scheduler: Scheduler } {
  const words = new Words(2);
  return { words, scheduler: Scheduler.create({ threads: 1, workerData: words.view, ...options }) };
}

test('a worker has as many tasks under way as `concurrentTasksPerWorker`, and begins the next when one has ended', async () => {
  const { words, scheduler } = start({ concurrentTasksPerWorker: 3 });
  await using _ = scheduler;
  const all = [1, 2, 3, 4, 5].map((value) => scheduler.run(running.meet, value));
  await words.arrived(3);
  expect(scheduler.stats()).toMatchObject({ running: 3, queued: { normal: 2 } });
  words.open();
  expect(await Promise.all(all)).toEqual([1, 2, 3, 4, 5]);
  expect(words.view[MOST]).toBe(3);
});

test('one at a time, by default', async () => {
  const { words, scheduler } = start();
  await using _ = scheduler;
  const all = [1, 2, 3].map((value) => scheduler.run(running.meet, value));
  await words.arrived(1);
  expect(scheduler.stats()).toMatchObject({ running: 1, queued: { normal: 2 } });
  words.open();
  expect(await Promise.all(all)).toEqual([1, 2, 3]);
  expect(words.view[MOST]).toBe(1);
});

test('a worker whose tasks wait takes others as they come', async () => {
  const { words, scheduler } = start({ concurrentTasksPerWorker: 2 });
  await using _ = scheduler;
  const waiting = scheduler.run(running.meet, 1);
  await words.arrived(1);
  for (let i = 0; i < 50; i++) expect(await scheduler.run(tasks.double, i)).toBe(2 * i);
  words.open();
  expect(await waiting).toBe(1);
  expect(await scheduler.run(tasks.double, 1)).toBe(2);
});

test('asynchronous tasks that wait for nothing run one after the other', async () => {
  const { scheduler } = start();
  await using _ = scheduler;
  const numbers = Array.from({ length: 5000 }, (_each, i) => i);
  expect(await Promise.all(numbers.map((value) => scheduler.run(running.immediately, value)))).toEqual(
    numbers,
  );
  expect(scheduler.stats()).toMatchObject({ completed: 5000, running: 0 });
});

test('what a task returns may be a promise that is not native, and what traps whoever looks fails', async () => {
  const { scheduler } = start();
  await using _ = scheduler;
  expect(await scheduler.run(running.thenable, 4)).toBe(4);
  await expect(scheduler.run(running.trap)).rejects.toThrow(new RangeError('trap'));
  expect(scheduler.stats()).toMatchObject({ running: 0, slots: { used: 0 } });
});

test('the context of a task is its own where several are under way', async () => {
  const { words, scheduler } = start({ concurrentTasksPerWorker: 3 });
  await using _ = scheduler;
  const controller = new AbortController();
  const aborted = scheduler.run(running.untilAbort, undefined, { signal: controller.signal });
  await words.arrived(1);
  const others = [scheduler.run(running.meet, 1), scheduler.run(running.meet, 2)];
  await words.arrived(3);
  controller.abort(new RangeError('enough'));
  await expect(aborted).rejects.toThrow('enough');
  await words.arrived(4);
  words.open();
  expect(await Promise.all(others)).toEqual([1, 2]);
  expect(await scheduler.run(running.takeLog)).toEqual(['AbortError true']);
});

test('a signal that a synchronous loop looks at aborts while it runs, with its event', async () => {
  const { words, scheduler } = start();
  await using _ = scheduler;
  const controller = new AbortController();
  const aborted = scheduler.run(running.untilAborted, undefined, { signal: controller.signal });
  await words.arrived(1);
  controller.abort();
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  await words.arrived(2);
  expect(await scheduler.run(running.takeLog)).toEqual(['AbortError 1']);
});

test('a signal aborts where the client of its task is gone', async () => {
  const { words, scheduler } = start({ concurrentTasksPerWorker: 2 });
  await using _ = scheduler;
  const client = Scheduler.attach(scheduler.handle);
  const lost = client.run(running.untilAbort).catch((error: { code: string }) => error.code);
  await words.arrived(1);
  scheduler.reclaimClient(client.id);
  await words.arrived(2);
  expect(await lost).toBe('ERR_CLIENT_LOST');
  expect(await scheduler.run(running.takeLog)).toEqual(['AbortError true']);
});

test('the signal of a task that has ended never aborts, whatever becomes of the next one in its slot', async () => {
  const { words, scheduler } = start({ slots: 1 });
  await using _ = scheduler;
  expect(await scheduler.run(running.leaveSignal)).toBe(false);
  expect(await scheduler.run(running.leaveContext)).toBe(false);
  await words.arrived(2);
  const controller = new AbortController();
  const aborted = scheduler.run(gated.untilCancelled, undefined, { signal: controller.signal });
  await words.arrived(3);
  controller.abort();
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  // To whom it is left after the end, it says that nobody waits; but there is nothing to abort any more.
  expect(await scheduler.run(running.takeLog)).toEqual(['false true', 'false true']);
});

test('a generator is a task whose result is what it returns', async () => {
  const { scheduler } = start();
  await using _ = scheduler;
  const text = await scheduler.run(running.count, 10_000);
  expectTypeOf(text).toEqualTypeOf<string>();
  expect(text).toBe('10000 steps');
  const steps = await scheduler.run(running.stream, 3);
  expectTypeOf(steps).toEqualTypeOf<number>();
  expect(steps).toBe(3);
  await expect(scheduler.run(running.fail)).rejects.toThrow(new RangeError('in a generator'));
});

test.each([running.forEver, running.streamForEver])(
  'a generator that nobody waits for is left at its next yield, and its `finally` run: %o',
  async (task) => {
    const { words, scheduler } = start();
    await using _ = scheduler;
    const controller = new AbortController();
    const aborted = scheduler.run(task, undefined, { signal: controller.signal });
    await words.arrived(1);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    await words.arrived(2);
    expect(await scheduler.run(running.takeLog)).toEqual(['finally']);
    expect(scheduler.stats()).toMatchObject({ lost: 0, running: 0, slots: { used: 0 } });
  },
);

test('timers of a worker go on while it runs a generator, and while it has always something to do', async () => {
  const { words, scheduler } = start();
  await using _ = scheduler;
  await scheduler.run(running.timer, 1);
  const endless = new AbortController();
  const generator = scheduler.run(running.forEver, undefined, { signal: endless.signal }).catch(() => {});
  await words.arrived(2); // the generator, the timer
  endless.abort();
  await generator;
  await words.arrived(3);
  await scheduler.run(running.timer, 1);
  const timer = { hasFired: false };
  void words.arrived(4).then(() => (timer.hasFired = true));
  let ran = 0;
  for (; !timer.hasFired; ran++) await scheduler.run(tasks.double, 1); // never parked, or only for a moment
  expect(ran).toBeGreaterThan(0);
});
