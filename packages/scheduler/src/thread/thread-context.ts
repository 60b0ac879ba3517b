// What the function of a thread is told beside its arguments: what any task is, and what only threads have.
import { threadId } from 'node:worker_threads';
import { ArgumentRangeError } from '@corelane/shared-memory';
import { noPollBudget } from '../monitor/poll-budget.ts';
import type { SchedulerClient } from '../scheduler-client.ts';
import type { TaskContext } from '../tasks.ts';
import { TASK_RUNS, threadControl } from './layout.ts';
import { park } from './thread-park.ts';

/** Of `threadOf(context)`. */
export interface CurrentThread {
  readonly name: string;
  /** As of `worker_threads`. */
  readonly threadId: number;
  /** A client of the scheduler that the thread was given. */
  readonly scheduler: SchedulerClient | undefined;
  /**
   * Blocks the thread until `unpark` of its handle, which may have been before; its event loop waits, too.
   * @param timeoutMs after that it goes on in any case
   * @returns whether it was `unpark`; a cancellation is, too
   */
  park(this: void, timeoutMs?: number): boolean;
}

/** For all copies of this package in a process. */
const THREAD = Symbol.for('@corelane/scheduler/thread');
const TASK = threadControl.word.task;
/** A thread is no worker of a pool. */
const NO_WORKER = -1;

/** @returns undefined where a task runs elsewhere: on a worker of a pool */
export function threadOf(context: TaskContext): CurrentThread | undefined {
  return (context as { readonly [THREAD]?: CurrentThread })[THREAD];
}

export class ThreadContext implements TaskContext {
  readonly worker = NO_WORKER;
  /** A thread has nobody to make way for. */
  readonly budget = noPollBudget;
  readonly [THREAD]: CurrentThread;
  readonly #i32: Int32Array;
  #controller: AbortController | undefined;

  constructor(control: SharedArrayBuffer, name: string, scheduler: SchedulerClient | undefined) {
    this.#i32 = new Int32Array(control);
    this[THREAD] = {
      name,
      threadId,
      scheduler,
      park: (timeoutMs = Infinity) => {
        if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0))
          throw new ArgumentRangeError('timeoutMs', timeoutMs, 'milliseconds from 0 on, or Infinity');
        return park(control, timeoutMs);
      },
    };
  }

  // observe: pairs with the store in JoinHandle.cancel.
  readonly cancelled = (): boolean => Atomics.load(this.#i32, TASK) !== TASK_RUNS;

  get signal(): AbortSignal {
    this.#controller ??= this.#watch();
    return this.#controller.signal;
  }

  /** Aborts by an event where the thread has an event loop to go back to, and where it is only looked at. */
  #watch(): AbortController {
    const controller = new AbortController();
    const { signal } = controller;
    const { prototype } = AbortSignal;
    const look = (): void => {
      if (this.cancelled()) controller.abort();
    };
    const seen = (name: 'aborted' | 'reason'): unknown => {
      look();
      return Reflect.get(prototype, name, signal);
    };
    Object.defineProperties(signal, {
      aborted: { get: () => seen('aborted') },
      reason: { get: () => seen('reason') },
      throwIfAborted: {
        value: () => {
          look();
          prototype.throwIfAborted.call(signal);
        },
      },
    });
    const { async, value } = Atomics.waitAsync(this.#i32, TASK, TASK_RUNS); // pairs with the notify in JoinHandle.cancel
    if (async) void value.then(look);
    else look();
    return controller;
  }
}
