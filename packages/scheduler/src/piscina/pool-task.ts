// A task of a pool, from `run()` to its end. It is an async resource, so that tools see what a result belongs to, and an AsyncLocalStorage has in it
// what it had at `run()`.
import { AsyncResource } from 'node:async_hooks';
import { isAborted, onAbort, type AbortSignalAny } from './abort.ts';
import type { TransferList } from './move.ts';
import type { PoolWorker } from './pool-worker.ts';
import { queueOptionsSymbol } from './symbols.ts';
import type { PiscinaTask } from './task-queue.ts';

export interface PoolTaskParameters {
  readonly task: unknown;
  readonly transferList: TransferList | undefined;
  readonly filename: string;
  readonly name: string;
  readonly signal: AbortSignalAny | null;
  readonly triggerAsyncId: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

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
  /** It has been rejected, resolved or aborted. */
  isSettled = false;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #unwatch: (() => void) | undefined;

  constructor(given: PoolTaskParameters) {
    super('Piscina.Task', { requireManualDestroy: true, triggerAsyncId: given.triggerAsyncId });
    this.task = given.task;
    this.transferList = given.transferList;
    this.filename = given.filename;
    this.name = given.name;
    this.signal = given.signal;
    this.#resolve = given.resolve;
    this.#reject = given.reject;
    this[queueOptionsSymbol] = queueOptionsOf(given.task);
  }

  get isAbortable(): boolean {
    return this.signal !== null;
  }

  get isAborted(): boolean {
    return this.signal !== null && isAborted(this.signal);
  }

  /** From now until it settles. */
  watch(listener: () => void): void {
    if (this.signal !== null) this.#unwatch = onAbort(this.signal, listener);
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
