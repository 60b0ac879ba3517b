// What counts as CPU time: a step that sleeps is slow, one that spins uses the CPU as well.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { cpuClock, violationChannel, type ViolationEvent } from '../src/budgets/index.ts';
import { Scheduler } from '../src/index.ts';
import { lazy } from './tasks/lazy.ts';

/** Longer than the CPU budget of a poll, and than a poll may last. */
const STEP_MS = 40;
const STEPS = 6;

/** Violations of the tasks that run meanwhile, by task. */
async function violationsWhile(run: () => Promise<unknown>): Promise<Map<string, ViolationEvent[]>> {
  const found = new Map<string, ViolationEvent[]>();
  const onViolation = (event: unknown): void => {
    const violation = event as ViolationEvent;
    const before = found.get(violation.task);
    if (before === undefined) found.set(violation.task, [violation]);
    else before.push(violation);
  };
  subscribe(violationChannel.name, onViolation);
  try {
    await run();
  } finally {
    unsubscribe(violationChannel.name, onViolation);
  }
  return found;
}

// Node before 23.9 has no clock of the CPU time of a thread.
describe.skipIf(cpuClock().source === 'wall')('of CPU time', () => {
  test.each(['step', 'generator', 'function'] as const)(
    'a %s that sleeps is slow, and no CPU violation; one that spins is both',
    async (kind) => {
      const [sleep, spin] = (
        {
          step: [lazy.sleepInSteps, lazy.spinInSteps],
          generator: [lazy.sleepAtYields, lazy.spinAtYields],
          function: [lazy.sleepOnce, lazy.spinOnce],
        } as const
      )[kind];
      const found = await violationsWhile(async () => {
        await using scheduler = Scheduler.create({ threads: 1, budgets: true, slowLane: false });
        for (const task of [sleep, spin])
          for (let run = 0; run < (kind === 'function' ? STEPS : 1); run++)
            await scheduler.run(task, { ms: STEP_MS, left: STEPS });
      });
      const causes = (name: string): string[] =>
        (found.get(name) ?? []).map((event) => event.causes.join('+'));
      expect(causes(sleep.name)).toEqual(Array.from({ length: STEPS }, () => 'slow'));
      expect(causes(spin.name)).toEqual(Array.from({ length: STEPS }, () => 'cpu+slow'));
    },
  );

  test('a spinning step is told from sleeping ones that came before it on the same worker', async () => {
    const found = await violationsWhile(async () => {
      await using scheduler = Scheduler.create({ threads: 1, budgets: true, slowLane: false });
      for (let round = 0; round < 3; round++) {
        for (let nap = 0; nap < 5; nap++) await scheduler.run(lazy.sleepOnce, { ms: 8, left: 1 });
        await scheduler.run(lazy.spinOnce, { ms: STEP_MS, left: 1 });
      }
    });
    expect(found.get(lazy.spinOnce.name)?.map(({ causes }) => causes.join('+'))).toEqual([
      'cpu+slow',
      'cpu+slow',
      'cpu+slow',
    ]);
  });
});
