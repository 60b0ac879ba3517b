// Fibres at tier `isolate` come after all others, but for their share: under every policy.
import { TIER_ISOLATE } from '../budgets/tier-table.ts';
import type { FibreTask } from './fibre-task.ts';
import { ReadyList } from './ready-list.ts';
import type { ReadyQueue } from './ready-queue.ts';

export class IsolatedQueue implements ReadyQueue {
  readonly #others: ReadyQueue;
  readonly #isolated = new ReadyList();
  /** Turns of others between two of theirs. */
  readonly #between: number;
  #since = 0;
  #size = 0;

  /** @param share of turns, more than 0 */
  constructor(others: ReadyQueue, share: number) {
    this.#others = others;
    this.#between = Math.max(1, Math.round(1 / share) - 1);
  }

  get size(): number {
    return this.#size;
  }

  add(task: FibreTask): void {
    this.#size++;
    if (isIsolated(task)) this.#isolated.add(task);
    else this.#others.add(task);
  }

  putBack(task: FibreTask): void {
    this.#size++;
    if (isIsolated(task)) this.#isolated.putBack(task);
    else this.#others.putBack(task);
  }

  take(): FibreTask | undefined {
    if (this.#size === 0) return undefined;
    this.#size--;
    if (this.#isolated.first === undefined) return this.#others.take();
    if (this.#others.size > 0 && this.#since < this.#between) {
      this.#since++;
      return this.#others.take();
    }
    this.#since = 0;
    return this.#isolated.take();
  }

  isOutranked(task: FibreTask): boolean {
    return this.#others.isOutranked(task);
  }
}

function isIsolated({ watched }: FibreTask): boolean {
  return watched !== undefined && watched.tier === TIER_ISOLATE;
}
