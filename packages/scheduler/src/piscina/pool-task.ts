// A task of a pool, from `run()` to its end. It is an async resource, so that tools see what a result belongs to, and an AsyncLocalStorage has in it
// what it had at `run()`.
import { AsyncResource, type AsyncResourceOptions } from 'node:async_hooks';
import { isAborted, onAbort, type AbortSignalAny } from './abort.ts';
import type { TransferList } from './move.ts';
import type { PoolWorker } from './pool-worker.ts';
import { queueOptionsSymbol } from './symbols.ts';
import type { PiscinaTask } from './task-queue.ts';

let taskIds = 0;

export class PoolTask extends AsyncResource implements PiscinaTask {
  readonly taskId: number = taskIds++;
  readonly filename: string;
  readonly name: string;
  readonly created: number = performance.now();
  readonly transferList: TransferList | undefined;
  readonly signal: AbortSignalAny | null;
  /** Its argument; gone when a worker has it. */
  task: unknown;
  readonly [queueOptionsSymbol]: object | null;
  /** `performance.now()` when a worker got it; 0 before. */
  started = 0;
  worker: PoolWorker | undefined;
  /** From there to its beginning, and from that to its end, in milliseconds; -1 where it is not known. */
  waitMs = -1;
  runMs = -1;
  /** It has been rejected, resolved or aborted. */
  isSettled = false;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #unwatch: (() => void) | undefined;

  constructor(
    task: unknown,
    filename: string,
    name: string,
    transferList: TransferList | undefined,
    signal: AbortSignalAny | null,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    options: AsyncResourceOptions,
  ) {
    super('Piscina.Task', options);
    this.task = task;
    this.transferList = transferList;
    this.filename = filename;
    this.name = name;
    this.signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this[queueOptionsSymbol] = queueOptionsOf(task);
  }

  get isAbortable(): boolean {
    return this.signal !== null;
  }

  get isAborted(): boolean {
    return this.signal !== null && isAborted(this.signal);
  }

  /** From now until it settles. @param onSettled called then */
  watch(listener: () => void, onSettled: () => void): void {
    const unwatch = this.signal === null ? onSettled : onAbort(this.signal, listener);
    this.#unwatch = (): void => {
      unwatch();
      onSettled();
    };
  }

  succeed(value: unknown): void {
    this.#settle(this.#resolve, value);
  }

  fail(error: unknown): void {
    this.#settle(this.#reject, error);
  }

  #settle(how: (value: unknown) => void, value: unknown): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#unwatch?.();
    this.runInAsyncScope(how, undefined, value);
    this.emitDestroy();
  }
}

function queueOptionsOf(task: unknown): object | null {
  return (task as { [queueOptionsSymbol]?: object } | null | undefined)?.[queueOptionsSymbol] ?? null;
}
