// Hooks that count their calls.
import { workerData } from 'node:worker_threads';
import type { PollResult, TaskHooks } from '../../src/budgets/index.ts';

export const COUNTED = ['beforePoll', 'done', 'pending', 'failed', 'onYield', 'completed', 'nested'] as const;
/** Words of one set of hooks. */
export const HOOK_WORDS = 8;

/** @param from its first word */
export function hooksFrom(from: number): TaskHooks {
  const words = workerData as Int32Array;
  const count = (which: (typeof COUNTED)[number]): void =>
    void Atomics.add(words, from + COUNTED.indexOf(which), 1);
  let isOpen = false;
  return {
    beforePoll(): void {
      count('beforePoll');
      if (isOpen) count('nested');
      isOpen = true;
    },
    afterPoll(result: PollResult, durationNs: number): void {
      if (!(durationNs > 0)) throw new RangeError(`a poll took ${durationNs} ns`);
      count(result);
      isOpen = false;
    },
    onYield: () => count('onYield'),
    onCompletion: () => count('completed'),
  };
}
