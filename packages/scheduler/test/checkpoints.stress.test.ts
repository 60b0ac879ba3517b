// Tasks in the middle of tasks, on two workers at once, from two clients, some of them cancelled: each runs once, or never, and none is lost.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Scheduler, type Policy } from '../src/index.ts';
import { COUNTED, looping, MOST } from './tasks/checkpoints.ts';
import { Words } from './tasks/words.ts';

const TASKS = 3000;

test.each(['roundRobin', 'priority', 'workStealing', 'deadline'] as const)(
  'each task runs once, in the middle of whatever: %s',
  async (policy: Policy) => {
    const words = new Words(COUNTED + TASKS);
    await using scheduler = Scheduler.create({
      threads: 2,
      policy,
      ...(policy === 'roundRobin' && { sliceMs: 0.2 }),
      workerData: words.view,
      graceMs: 20_000,
      checkpoints: { overtake: true, depth: 5 },
    });
    await using other = Scheduler.attach(scheduler.handle, { graceMs: 20_000 });
    const random = fc.sample(
      fc.tuple(fc.nat(20), fc.nat(99), fc.oneof(fc.nat(1000), fc.nat(1000), fc.nat(200_000))),
      { numRuns: TASKS, seed: 7 },
    );
    const ends = await Promise.all(
      random.map(([priority, chance, turns], index) => {
        const abort = chance < 10 ? AbortSignal.timeout(chance * 5) : undefined;
        const client = chance % 2 === 0 ? scheduler : other;
        return client
          .run(
            looping.countOnce,
            { index, turns },
            {
              priority,
              ...(abort && { signal: abort }),
              ...(chance > 80 && { deadlineMs: Date.now() + 60_000 + chance }),
              ...(chance > 95 && { pin: { worker: chance % 2 } }),
            },
          )
          .then(
            (value) => value === index,
            (error: Error) => error.name,
          );
      }),
    );
    const aborted = ends.filter((end) => end === 'TimeoutError').length;
    expect(ends.filter((end) => end !== true)).toHaveLength(aborted);
    const counts = Array.from(words.view.subarray(8 + COUNTED, 8 + COUNTED + TASKS));
    for (const [index, count] of counts.entries())
      if (ends[index] === true) expect(count).toBe(1);
      else expect(count).toBeLessThanOrEqual(1);
    expect(words.view[MOST]).toBeGreaterThan(1);
    expect(words.view[MOST]).toBeLessThanOrEqual(6);
    expect(scheduler.stats()).toMatchObject({ running: 0, lost: 0 });
  },
);
