// How long tasks wait and run, and workers have nothing to do.
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Scheduler, type TimingRecorders } from '../src/index.ts';
import { tasks } from './tasks/basic.ts';
import { gated } from './tasks/gated.ts';
import { running } from './tasks/running.ts';
import { Words } from './tasks/words.ts';

function recorders(): {
  readonly timing: TimingRecorders;
  readonly waits: number[];
  readonly runs: number[];
} {
  const waits: number[] = [];
  const runs: number[] = [];
  const timing = {
    wait: { record: (ms: number) => void waits.push(ms) },
    run: { record: (ms: number) => void runs.push(ms) },
  };
  return { timing, waits, runs };
}

test('times are told apart: how long a task waited, in line or in a slot, and how long it ran', async () => {
  const { timing, waits, runs } = recorders();
  const words = new Words(2);
  await using scheduler = Scheduler.create({ threads: 1, slots: 2, timing, workerData: words.view });
  await scheduler.ready;
  await scheduler.run(tasks.nothing);
  waits.splice(0);
  runs.splice(0);
  const all = [30, 5, 5].map((ms) => scheduler.run(running.busy, ms));
  await Promise.all([...all, scheduler.run(tasks.later, 20)]);
  expect(runs).toHaveLength(4);
  expect(runs[0]).toBeGreaterThanOrEqual(30);
  expect(runs[3]).toBeGreaterThanOrEqual(19);
  expect(Math.min(...waits.slice(1))).toBeGreaterThanOrEqual(30);
  expect(waits[3]).toBeGreaterThanOrEqual(40); // it waited in line, there being two slots
});

test('a task that was aborted, or lost with its worker, is in no times; one that failed is', async () => {
  const { timing, waits, runs } = recorders();
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, timing, workerData: words.view });
  await expect(scheduler.run(tasks.fail, 'so')).rejects.toThrow('so');
  expect(runs).toHaveLength(1);
  await expect(scheduler.run(gated.exit, 1)).rejects.toMatchObject({ code: 'ERR_WORKER_LOST' });
  const controller = new AbortController();
  const aborted = scheduler.run(gated.untilCancelled, undefined, { signal: controller.signal });
  await words.arrived(2);
  controller.abort();
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  await words.arrived(3);
  await scheduler.run(tasks.nothing);
  expect(runs).toHaveLength(2);
  expect(waits).toHaveLength(2);
  expect(Math.min(...runs, ...waits)).toBeGreaterThanOrEqual(0);
});

test('a client has them where its scheduler records timing, and is refused where it does not', async () => {
  const { timing, waits } = recorders();
  await using scheduler = Scheduler.create({ threads: 1, recordTiming: true });
  await using client = Scheduler.attach(scheduler.handle, { timing });
  await client.run(tasks.nothing);
  await scheduler.run(tasks.nothing);
  expect(waits).toHaveLength(1);
  await using without = Scheduler.create({ threads: 1 });
  expect(() => Scheduler.attach(without.handle, { timing })).toThrow(/timing is .* recordTiming/);
  expect(() => Scheduler.create({ threads: 1, timing, recordTiming: false })).toThrow(/recordTiming/);
  expect(() => Scheduler.create({ recordTiming: 1 as never })).toThrow(/recordTiming is 1/);
});

test('a worker is idle while it is parked, and busy with a task, be it one that waits', async () => {
  const words = new Words(2);
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
  await scheduler.ready;
  await scheduler.run(tasks.nothing);
  const times = (): { readonly idleMs: number; readonly busyMs: number } => {
    const worker = scheduler.stats().workers[0];
    if (worker === undefined) throw new Error('no worker');
    return worker;
  };
  const before = times();
  // Once it has parked for good all time is idle.
  const notIdleMs = async (): Promise<number> => {
    const parked = times();
    const startMs = performance.now();
    await delay(20);
    const passedMs = performance.now() - startMs;
    return passedMs - (times().idleMs - parked.idleMs);
  };
  await expect.poll(notIdleMs).toBeLessThanOrEqual(1);
  expect(times().idleMs).toBeGreaterThan(before.idleMs);
  const waiting = scheduler.run(running.meet, 1);
  await words.arrived(1);
  const began = times();
  const beganMs = performance.now();
  await delay(20);
  const waitedMs = performance.now() - beganMs;
  const waited = times();
  expect(waited.idleMs - began.idleMs).toBeLessThanOrEqual(1);
  expect(waited.busyMs - began.busyMs).toBeGreaterThanOrEqual(waitedMs - 2);
  words.open();
  await waiting;
});
