// Tasks that have no worker yet: the queue, and before it tasks with a signal that were taken from it in vain. A queue need not be able to give
// any task back but the first, and those can be aborted.
import type { PoolTask } from './pool-task.ts';
import type { TaskQueue } from './task-queue.ts';

export class WaitingTasks {
  readonly #queue: TaskQueue;
  #held: PoolTask[] = [];

  constructor(queue: TaskQueue) {
    this.#queue = queue;
  }

  get size(): number {
    return this.#queue.size + this.#held.length;
  }

  /** In the queue alone. */
  get queued(): number {
    return this.#queue.size;
  }

  push(task: PoolTask): void {
    this.#queue.push(task);
  }

  take(): PoolTask | null {
    return this.#held.shift() ?? (this.#queue.shift() as PoolTask | null);
  }

  takeAll(): PoolTask[] {
    const tasks = this.#held.splice(0);
    for (let task = this.take(); task !== null; task = this.take()) tasks.push(task);
    return tasks;
  }

  /** A task that found no worker. */
  giveBack(task: PoolTask, toEnd: boolean): void {
    if (task.isAbortable) {
      if (toEnd) this.#held.push(task);
      else this.#held.unshift(task);
    } else if (toEnd || this.#queue.unshift === undefined) this.#queue.push(task);
    else this.#queue.unshift(task);
  }

  remove(task: PoolTask): void {
    const index = this.#held.indexOf(task);
    if (index >= 0) this.#held.splice(index, 1);
    else this.#queue.remove(task);
  }
}
