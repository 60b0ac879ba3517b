// A watchdog that is far too strict, over and over: what ends, ends once, and nothing is left behind.
import { expect, test } from 'vitest';
import { Scheduler, type SlowTask, TaskStuckError, WorkerLostError } from '../src/index.ts';
import { gated } from './tasks/gated.ts';
import { hogs } from './tasks/hogs.ts';
import { COUNTS, Words } from './tasks/words.ts';

const ROUNDS = 12;
const TASKS = 200;
/** Where hogs count. */
const SINK = COUNTS + TASKS;

test.each([false, true])(
  'hogs that are stopped while others run, are queued and cancelled (a thread of its own: %s)',
  { timeout: 120_000 },
  async (thread) => {
    const words = new Words(TASKS + 1);
    await using scheduler = Scheduler.create({
      threads: 3,
      concurrentTasksPerWorker: 4,
      workerData: words.view,
      watchdog: { slowMs: 4, killMs: 12, sampleMs: 2, stackTimeoutMs: 20, thread },
    });
    await scheduler.ready;
    const stuck: SlowTask[] = [];
    scheduler.on('stuckTask', (task) => stuck.push(task));
    let stopped = 0;
    for (let round = 0; round < ROUNDS; round++) {
      words.view.fill(0);
      const { signal } = new AbortController();
      const ends = [hogs.plain, hogs.generator, hogs.afterAwait].map((hog) =>
        scheduler.run(hog, SINK).then(
          () => 'ended',
          (error: unknown) => error,
        ),
      );
      const aborted = scheduler.run(hogs.plain, SINK, { timeoutMs: 3, graceMs: 5 }).catch(() => 'aborted');
      const counted = await Promise.allSettled(
        Array.from({ length: TASKS }, (_, n) =>
          scheduler.run(gated.count, COUNTS + n, { idempotent: n % 2 === 0, signal }),
        ),
      );
      for (const [n, end] of counted.entries()) {
        const times = words.view[COUNTS + n] as number;
        if (end.status === 'fulfilled') {
          if (n % 2 === 1) expect(times).toBe(1);
          else expect(times).toBeGreaterThanOrEqual(1);
        } else {
          expect([TaskStuckError, WorkerLostError].some((each) => end.reason instanceof each)).toBe(true);
          if (n % 2 === 1) expect(times).toBeLessThanOrEqual(1);
        }
      }
      for (const error of await Promise.all(ends)) {
        expect(error instanceof TaskStuckError || error instanceof WorkerLostError).toBe(true);
        if (error instanceof TaskStuckError) stopped++;
      }
      expect(await aborted).toBe('aborted');
    }
    expect(stopped).toBeGreaterThan(0);
    expect(stuck.length).toBeGreaterThanOrEqual(ROUNDS);
    await expect.poll(() => scheduler.stats().slots.used, { timeout: 20_000 }).toBe(0);
  },
);
