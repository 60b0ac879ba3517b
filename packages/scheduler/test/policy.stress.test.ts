// Workers end at random points under each policy, with pins, deadlines, priorities and aborts mixed: nothing is lost, nothing runs twice, nothing hangs.
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { POLICIES, Scheduler, type RunOptions, type Policy } from '../src/index.ts';
import { gated } from './tasks/gated.ts';
import { COUNTS, Words } from './tasks/words.ts';

const TASKS = 2000;
const THREADS = 3;

function optionsOf(i: number): RunOptions {
  const deadlineMs = performance.timeOrigin + performance.now() + 1e6 + ((i * 7919) % 5000);
  return [{ deadlineMs }, { pin: { worker: i % THREADS } }, { priority: i % 21 }, {}][i % 4] as RunOptions;
}

test.each(POLICIES)('policy %s while workers end', { timeout: 60_000 }, async (policy: Policy) => {
  const words = new Words(TASKS);
  await using scheduler = Scheduler.create({ policy, threads: THREADS, slots: 512, workerData: words.view });
  const ends: Promise<string>[] = [];
  for (let i = 0; i < TASKS; i++) {
    const controller = new AbortController();
    const options = i % 11 === 0 ? { ...optionsOf(i), signal: controller.signal } : optionsOf(i);
    if (i % 22 === 0) setTimeout(() => controller.abort('enough'), (i * 31) % 100);
    else if (i % 11 === 0) queueMicrotask(() => controller.abort('enough'));
    ends.push(
      scheduler.run(gated.count, COUNTS + i, options).then(
        () => 'ran',
        (error: unknown) =>
          error === 'enough' ? 'aborted' : ((error as { code?: string }).code ?? String(error)),
      ),
    );
    if (i % 250 === 125) scheduler.run(gated.exit, 0, optionsOf(i + 1)).catch(() => {});
    if (i % 100 === 0) await delay(2);
  }
  for (const [i, end] of (await Promise.all(ends)).entries()) {
    const count = words.view[COUNTS + i] as number;
    expect(['ran', 'aborted', 'ERR_WORKER_LOST']).toContain(end);
    if (end === 'ran') expect(count).toBe(1);
    else expect(count).toBeLessThanOrEqual(1);
  }
  await expect.poll(() => scheduler.stats().slots.used, { timeout: 20_000 }).toBe(0);
  expect(scheduler.stats().pinned).toBe(0);
});
