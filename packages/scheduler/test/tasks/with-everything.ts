// A program that uses a scheduler with every option, and closes nothing.
import { isMainThread } from 'node:worker_threads';
import { Scheduler } from '../../src/index.ts';
import { odd } from './odd.ts';

if (isMainThread) {
  const hooks = new URL('pairing-hooks.ts', import.meta.url);
  const scheduler = Scheduler.create({
    threads: 2,
    budgets: true,
    hooks,
    slowLane: { workers: 2 },
    watchdog: { slowMs: 1000, killMs: 20_000, thread: true },
    checkpoints: { overtake: true },
  });
  const here = await scheduler.run(odd.waits, 3);
  const slow = await scheduler.run(odd.waits, 4, { lane: 'slow' });
  await scheduler.setHooks(undefined);
  console.log(here, slow);
}
