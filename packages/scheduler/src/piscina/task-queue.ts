// Where tasks wait for a worker: what the pool asks of a queue, and the two that there are.
import type { queueOptionsSymbol } from './symbols.ts';

export interface Task {
  /** What the argument of the task has under `queueOptionsSymbol`, or null. */
  readonly [queueOptionsSymbol]: object | null;
}

/** A task as queues and load balancers see it. */
export interface PiscinaTask extends Task {
  readonly taskId: number;
  readonly filename: string;
  readonly name: string;
  /** `performance.now()` when it was submitted. */
  readonly created: number;
  /** It has a signal. */
  readonly isAbortable: boolean;
}

export interface TaskQueue {
  readonly size: number;
  shift(): Task | null;
  remove(task: Task): void;
  push(task: Task): void;
  /** Where there is none, a task that found no worker after all goes to the end. */
  unshift?(task: Task): void;
}

export function isTaskQueue(value: unknown): value is TaskQueue {
  if (typeof value !== 'object' || value === null || !('size' in value)) return false;
  const { shift, remove, push } = value as Partial<Record<'shift' | 'remove' | 'push', unknown>>;
  return typeof shift === 'function' && typeof remove === 'function' && typeof push === 'function';
}

/** An array: for short queues. */
export class ArrayTaskQueue implements TaskQueue {
  readonly tasks: Task[] = [];

  get size(): number {
    return this.tasks.length;
  }

  shift(): Task | null {
    return this.tasks.shift() ?? null;
  }

  push(task: Task): void {
    this.tasks.push(task);
  }

  unshift(task: Task): void {
    this.tasks.unshift(task);
  }

  /** Nothing happens where it is not in the queue. */
  remove(task: Task): void {
    const index = this.tasks.indexOf(task);
    if (index >= 0) this.tasks.splice(index, 1);
  }
}
