// Tasks whose polls are watched.
import { setTimeout as delay } from 'node:timers/promises';
import { defineTasks, goOn, steps } from '../../src/index.ts';

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Uses so much CPU time, however busy the machine is. */
function burn(ms: number): void {
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
  const nowMs = (): number => {
    if (threadCpuUsage === undefined) return performance.now();
    const { user, system } = threadCpuUsage.call(process);
    return (user + system) / 1e3;
  };
  const until = nowMs() + ms;
  while (nowMs() < until);
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the thread, and uses no CPU time. */
function sleep(ms: number): void {
  Atomics.wait(sleeper, 0, 0, ms);
}

/** Polls of `spinning` on this thread. */
let spun = 0;

export interface Rounds {
  readonly left: number;
  readonly ms: number;
  /** Workers that it has been on. */
  readonly workers: readonly number[];
}

export const polls = defineTasks(import.meta.url, {
  tiny: (n: number) => n + 1,
  spin: (ms: number) => spin(ms),
  burn: (ms: number) => burn(ms),
  sleep: (ms: number) => sleep(ms),
  fail(ms: number): void {
    spin(ms);
    throw new RangeError('after that');
  },
  async spinLater(ms: number): Promise<void> {
    await Promise.resolve();
    spin(ms);
  },
  wait: (ms: number) => delay(ms),
  *spinning({ left, ms }: { left: number; ms: number }): Generator<void, string> {
    for (let i = 0; i < left; i++) {
      spin(ms);
      spun++;
      yield;
    }
    return 'done';
  },
  /** @returns how many polls of `spinning` there were before it */
  spinBeside(ms: number): number {
    const before = spun;
    spin(ms);
    return before;
  },
  *sleeping({ left, ms }: { left: number; ms: number }): Generator<void, string> {
    for (let i = 0; i < left; i++) {
      sleep(ms);
      yield;
    }
    return 'done';
  },
  stepping: steps(({ left, ms, workers }: Rounds, { worker }) => {
    const seen = workers.includes(worker) ? workers : [...workers, worker];
    if (left === 0) return seen;
    spin(ms);
    return goOn({ left: left - 1, ms, workers: seen });
  }),
  consume: (units: number, { budget }) => [budget.consume(units), budget.isSpent, budget.remaining] as const,
  *consumeTwice(units: number, { budget }): Generator<void, readonly number[]> {
    const left: number[] = [];
    for (let i = 0; i < 2; i++) {
      budget.consume(units);
      left.push(budget.remaining);
      yield;
    }
    return left;
  },
  where(ms: number, { worker }): number {
    spin(ms);
    return worker;
  },
});
