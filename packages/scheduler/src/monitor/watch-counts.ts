// In a worker: what it counts, and the words where others read that.
import type { ViolationCause } from '../budgets/channels.ts';
import type { MeasuredCpuClock } from '../budgets/cpu-clock.ts';
import { causesOf } from '../budgets/tell-poll.ts';
import { CPU_SOURCE_THREAD, CPU_SOURCE_WALL, workerWatch } from './layout.ts';
import type { WatchTable } from './watch-table.ts';

const WORD = workerWatch.word;

export class WatchCounts {
  readonly #i32: Int32Array;
  readonly #word: number;
  /** What workers of this index have counted before. */
  readonly #failuresBefore: number;
  readonly #unsaidBefore: number;
  polls: number;
  yields: number;
  promotions: number;
  demotions: number;
  /** Tasks that it has begun and that wait for something, or for their turn. */
  active = 0;
  hookFailures = 0;
  unsaid = 0;

  constructor(watch: WatchTable, worker: number, cpuClock: MeasuredCpuClock) {
    const { i32 } = watch;
    const word = watch.workerWord(worker);
    this.#i32 = i32;
    this.#word = word;
    this.polls = i32[word + WORD.polls] as number;
    this.yields = i32[word + WORD.yields] as number;
    this.promotions = i32[word + WORD.promotions] as number;
    this.demotions = i32[word + WORD.demotions] as number;
    this.#failuresBefore = i32[word + WORD.hookFailures] as number;
    this.#unsaidBefore = i32[word + WORD.unsaid] as number;
    const source = cpuClock.source === 'thread' ? CPU_SOURCE_THREAD : CPU_SOURCE_WALL;
    Atomics.store(i32, word + WORD.cpuSource, source);
    Atomics.store(i32, word + WORD.cpuCostNs, Math.round(cpuClock.costNs));
    Atomics.store(i32, word + WORD.active, 0); // those of a worker before it have ended with it
  }

  /** A poll was a violation. @returns of what kinds */
  violated(outcome: number): ViolationCause[] {
    const causes = causesOf(outcome);
    this.#grow(WORD.violations);
    for (const cause of causes)
      this.#grow(cause === 'budget' ? WORD.byBudget : cause === 'cpu' ? WORD.byCpu : WORD.bySlow);
    return causes;
  }

  // Readers look at these words for what has been counted, and for nothing else.

  publishPolls(): void {
    Atomics.store(this.#i32, this.#word + WORD.polls, this.polls | 0);
  }

  publish(): void {
    const i32 = this.#i32;
    const word = this.#word;
    Atomics.store(i32, word + WORD.polls, this.polls | 0);
    Atomics.store(i32, word + WORD.yields, this.yields | 0);
    Atomics.store(i32, word + WORD.promotions, this.promotions | 0);
    Atomics.store(i32, word + WORD.demotions, this.demotions | 0);
    Atomics.store(i32, word + WORD.active, this.active);
    Atomics.store(i32, word + WORD.hookFailures, (this.#failuresBefore + this.hookFailures) | 0);
    Atomics.store(i32, word + WORD.unsaid, (this.#unsaidBefore + this.unsaid) | 0);
  }

  #grow(which: number): void {
    Atomics.store(this.#i32, this.#word + which, ((this.#i32[this.#word + which] as number) + 1) | 0);
  }
}
