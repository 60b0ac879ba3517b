import { expect, test } from 'vitest';
import { Scheduler } from '../src/index.ts';
import { tasks } from './tasks/basic.ts';

test('a task that asks for the slow lane runs on its worker, which was not there before, and others do not', async () => {
  await using scheduler = Scheduler.create({ threads: 1, slowLane: true });
  await scheduler.ready;
  expect(scheduler.workers.map(({ isSlow, state }) => [isSlow, state])).toEqual([
    [false, 'ready'],
    [true, 'ended'],
  ]);
  expect(await scheduler.run(tasks.worker)).toBe(0);
  expect(await scheduler.run(tasks.worker, undefined, { lane: 'slow' })).toBe(1);
  expect(await scheduler.run(tasks.worker)).toBe(0);
  expect(scheduler.stats().slowLane).toMatchObject({ queued: 0, entered: 1 });
});
