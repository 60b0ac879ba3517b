// Tasks that were handed over to whichever worker has room first, while all have enough to do: a worker goes on without waiting for the pool to tell
// it what is next. How many of them run follows from the room that workers have.
import { threadTerminated } from './errors.ts';
import { MAX_SHARED, type OnEnd, type PoolHosts } from './host.ts';
import type { PoolTask } from './pool-task.ts';

export class SharedTasks {
  readonly #hosts: PoolHosts;
  readonly #tasks = new Set<PoolTask>();
  readonly #onTaskEnd: OnEnd;
  readonly #onEnd: OnEnd = (task, isFine, value) => {
    if (this.#tasks.delete(task)) this.#onTaskEnd(task, isFine, value); // else it has been settled already
  };

  /** @param onTaskEnd called when a task has ended, and is here no more */
  constructor(hosts: PoolHosts, onTaskEnd: OnEnd) {
    this.#hosts = hosts;
    this.#onTaskEnd = onTaskEnd;
  }

  get size(): number {
    return this.#tasks.size;
  }

  get hasRoom(): boolean {
    return this.#tasks.size < MAX_SHARED && this.#hosts.isOne;
  }

  add(task: PoolTask): void {
    this.#tasks.add(task);
    this.#hosts.post(task, this.#onEnd);
  }

  /** Rejects those that have not begun; they end as others do. */
  rejectWaiting(reason: unknown): void {
    if (this.#tasks.size > 0) this.#hosts.rejectWaiting(reason);
  }

  /** Fails all; their workers are gone, or will be. */
  failAll(error: Error = threadTerminated()): void {
    const tasks = [...this.#tasks];
    this.#tasks.clear();
    for (const task of tasks) task.fail(error);
  }
}
