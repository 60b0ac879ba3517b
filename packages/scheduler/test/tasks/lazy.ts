// The same time, spent in two ways: asleep, or busy.
import { cpuClock } from '../../src/budgets/index.ts';
import { defineTasks, goOn, steps } from '../../src/index.ts';

export interface Work {
  /** Of each poll: by the clock, or of the CPU. */
  readonly ms: number;
  /** Polls to do. */
  readonly left: number;
}

const nobody = new Int32Array(new SharedArrayBuffer(4));

function sleep(ms: number): void {
  Atomics.wait(nobody, 0, 0, ms);
}

const cpu = cpuClock();

/** By the CPU clock: a machine that stalls gives less of it than time goes by. */
function spin(ms: number): void {
  const until = cpu.nowMs() + ms;
  while (cpu.nowMs() < until);
}

const inSteps = (spend: (ms: number) => void) =>
  steps(({ ms, left }: Work) => {
    spend(ms);
    return left <= 1 ? 'done' : goOn({ ms, left: left - 1 });
  });

const atYields = (spend: (ms: number) => void) =>
  function* ({ ms, left }: Work): Generator<undefined, string> {
    for (let n = left; n > 1; n--) {
      spend(ms);
      yield;
    }
    spend(ms);
    return 'done';
  };

export const lazy = defineTasks(import.meta.url, {
  sleepInSteps: inSteps(sleep),
  spinInSteps: inSteps(spin),
  sleepAtYields: atYields(sleep),
  spinAtYields: atYields(spin),
  sleepOnce({ ms }: Work): string {
    sleep(ms);
    return 'done';
  },
  spinOnce({ ms }: Work): string {
    spin(ms);
    return 'done';
  },
});
