// The class that stands in for piscina's.
import { EventEmitterAsyncResource } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { FixedQueue } from './fixed-queue.ts';
import { HistogramView, type PiscinaHistogram } from './histogram.ts';
import { move } from './move.ts';
import {
  complaint,
  fillOptions,
  ownOf,
  type CloseOptions,
  type FilledOptions,
  type Options,
  type RunOptions,
} from './options.ts';
import { Pool, type Submission } from './pool.ts';
import { queueOptionsSymbol, transferableSymbol, valueSymbol } from './symbols.ts';
import { ArrayTaskQueue } from './task-queue.ts';
import { isPoolThread, threadData } from './thread.ts';

/** Of a call without options. */
const NO_TERMS: Submission = { transferList: undefined, filename: null, name: null, signal: null };

/** Of the piscina whose API this is. */
export const version = '5.3.2';

/**
 * A pool of worker threads with piscina's API. Emits `drain`, `needsDrain`, `message` (what workers post), `error`, `workerCreate`,
 * `workerDestroy`, `close`.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as piscina's
export class Piscina<T = any, R = any> extends EventEmitterAsyncResource implements AsyncDisposable {
  readonly #pool: Pool;
  #histogram: PiscinaHistogram | undefined;

  /** @throws TypeError, RangeError */
  constructor(options: Options = {}) {
    super(ownOf({ ...ownOf(options), name: 'Piscina' }));
    const asyncId = this.asyncId;
    this.#pool = new Pool(fillOptions(options), ownOf(options).taskQueue === undefined, {
      emit: (name, value) => void (value === undefined ? this.emit(name) : this.emit(name, value)),
      asyncId,
    });
  }

  /** Runs a task. Rejects with what it threw, with AbortError, or with what became of its worker. */
  run(task: T, options?: RunOptions): Promise<R> {
    if (options === undefined) return this.#pool.run(task, NO_TERMS) as Promise<R>;
    if (typeof options !== 'object' || options === null)
      return Promise.reject(new TypeError('options must be an object'));
    const own = ownOf(options);
    const refused = complaint(own);
    if (refused !== undefined) return Promise.reject(refused);
    const { transferList, filename = null, name = null, signal = null } = own;
    return this.#pool.run(task, { transferList, filename, name, signal }) as Promise<R>;
  }

  /** Takes no more tasks, waits for those that there are (`closeTimeout` at most), then ends the workers. */
  async close(options: CloseOptions = {}): Promise<void> {
    if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object');
    const { force = false } = ownOf(options);
    if (typeof force !== 'boolean') throw new TypeError('force argument must be a boolean');
    await this.#pool.close(force);
  }

  /** Ends the workers now. */
  destroy(): Promise<void> {
    return this.#pool.destroy();
  }

  [Symbol.dispose](): void {
    void this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get maxThreads(): number {
    return this.#pool.options.maxThreads;
  }

  get minThreads(): number {
    return this.#pool.options.minThreads;
  }

  get options(): FilledOptions {
    return this.#pool.options;
  }

  get threads(): Worker[] {
    return this.#pool.workers.map((worker) => worker.thread);
  }

  /** Workers that are ready and have nothing to do. */
  get idleThreads(): number {
    return this.#pool.idleThreads;
  }

  get queueSize(): number {
    return this.#pool.queueSize;
  }

  get completed(): number {
    return this.#pool.completed;
  }

  get histogram(): PiscinaHistogram {
    return (this.#histogram ??= new HistogramView(this.#pool.times));
  }

  /** Time that tasks have run, of the time that `maxThreads` workers could have run since the start. */
  get utilization(): number {
    const runMs = this.#pool.times?.run.totalMs ?? 0;
    return runMs === 0 ? 0 : runMs / (this.duration * this.#pool.options.maxThreads);
  }

  /** Milliseconds since the pool was made. */
  get duration(): number {
    return performance.now() - this.#pool.startMs;
  }

  get needsDrain(): boolean {
    return this.#pool.needsDrain;
  }

  static get isWorkerThread(): boolean {
    return isPoolThread();
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- as piscina's
  static get workerData(): any {
    return threadData();
  }

  static get version(): string {
    return version;
  }

  static get Piscina(): typeof Piscina {
    return Piscina;
  }

  static get FixedQueue(): typeof FixedQueue {
    return FixedQueue;
  }

  static get ArrayTaskQueue(): typeof ArrayTaskQueue {
    return ArrayTaskQueue;
  }

  static move: typeof move = move;

  static get transferableSymbol(): typeof transferableSymbol {
    return transferableSymbol;
  }

  static get valueSymbol(): typeof valueSymbol {
    return valueSymbol;
  }

  static get queueOptionsSymbol(): typeof queueOptionsSymbol {
    return queueOptionsSymbol;
  }
}
