// What advances a coarse clock: a timer of this thread, or a thread of its own.
//
// The thread of its own goes on while the event loop is blocked. Node's timers do not: a handler that computes for 300 ms makes
// every budget, window and deadline on that clock 300 ms too long.
import { Worker } from 'node:worker_threads';
import type { ObjectHandle } from './arena.ts';
import { ArgumentRangeError, SharedMemoryError } from './errors.ts';

export interface TickerOptions {
  /** 1 by default; an integer to 1000. */
  readonly intervalMs?: number;
  /**
   * - `'this'` (default): an unref'd timer; late when this thread's event loop is busy
   * - `'own'`: a worker thread that parks until the next interval; costs 3 % of a core at 1 ms (so does a timer) and 4 to 8 MB
   */
  readonly thread?: 'own' | 'this';
  /** A ticker that let the clock fall behind by more than that is taken for dead; 1000 by default. */
  readonly takeOverAfterMs?: number;
}

/** The clock has a ticker that keeps it up to date. Nothing was changed. */
export class TickerRunningError extends SharedMemoryError {
  override readonly name = 'TickerRunningError';

  constructor(ageMs: number, takeOverAfterMs: number) {
    super(
      'ERR_TICKER_RUNNING',
      `the clock has a ticker and is ${ageMs} ms behind, expected no ticker or more than ${takeOverAfterMs} ms`,
    );
  }
}

/** The thread of a ticker ended by itself. Its clock was given up: another ticker can start. */
export class TickerDiedError extends SharedMemoryError {
  override readonly name = 'TickerDiedError';

  constructor(exitCode: number, cause: unknown) {
    super(
      'ERR_TICKER_DIED',
      `the ticker's thread ended with code ${exitCode}, expected it to run until disposed`,
      {
        cause,
      },
    );
  }
}

/** Why a ticker ended: it was disposed, or another one took its clock over. */
export type TickerEnd = 'disposed' | 'superseded';

/** A claimed clock. */
export interface TickerClaim {
  readonly clock: ObjectHandle;
  readonly token: number;
  tick(): number;
  isHeld(): boolean;
  release(): boolean;
}

export interface TickerWorkerData {
  readonly clock: ObjectHandle;
  readonly token: number;
  readonly intervalMs: number;
}

/** Ticks until it is disposed. Once ready, neither kind keeps the process alive. */
export class ClockTicker implements Disposable, AsyncDisposable {
  readonly thread: 'own' | 'this';
  readonly intervalMs: number;
  /** Settles when it ticks for the first time: with a thread of its own that takes some tens of milliseconds. */
  readonly ready: Promise<void>;
  /** Settles when it has ended; rejects with TickerDiedError, so that a clock does not stop unnoticed. */
  readonly ended: Promise<TickerEnd>;
  readonly #claim: TickerClaim;
  readonly #worker: Worker | undefined;
  #isDisposed = false;
  #end: (end: TickerEnd) => void = () => {};

  constructor(claim: TickerClaim, options: TickerOptions) {
    const { intervalMs = 1, thread = 'this' } = options;
    if (!Number.isInteger(intervalMs) || intervalMs < 1 || intervalMs > 1000)
      throw new ArgumentRangeError('intervalMs', intervalMs, 'an integer from 1 to 1000');
    if (thread !== 'own' && thread !== 'this')
      throw new ArgumentRangeError('thread', thread, "'own' or 'this'");
    this.thread = thread;
    this.intervalMs = intervalMs;
    this.#claim = claim;
    const started = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<TickerEnd>();
    this.ready = started.promise;
    this.ended = ended.promise;
    if (thread === 'this') {
      const timer = setInterval(() => {
        if (claim.isHeld()) claim.tick();
        else this.#end('superseded');
      }, intervalMs).unref();
      this.#end = (end): void => {
        clearInterval(timer);
        ended.resolve(end);
      };
      started.resolve();
      return;
    }
    const data: TickerWorkerData = { clock: claim.clock, token: claim.token, intervalMs };
    let failure: unknown;
    const worker = new Worker(workerUrl(), { name: 'coarse clock', workerData: data, execArgv: [] });
    this.#worker = worker
      .once('message', () => {
        if (!this.#isDisposed) worker.unref(); // not before: `await ticker.ready` must not end the process
        started.resolve();
      })
      .once('error', (error) => (failure = error))
      .once('exit', (code) => {
        started.resolve();
        const wasHeld = claim.release();
        if (wasHeld || failure !== undefined) ended.reject(new TickerDiedError(code, failure));
        else ended.resolve(this.#isDisposed ? 'disposed' : 'superseded');
      });
  }

  /** Does it advance the clock? False when it has ended, or when another ticker has taken the clock over. */
  get isTicking(): boolean {
    return !this.#isDisposed && this.#claim.isHeld();
  }

  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const wasHeld = this.#claim.release(); // its own thread wakes, sees that it lost the clock, and returns
    this.#end(wasHeld ? 'disposed' : 'superseded');
  }

  /** Disposes it and waits until its thread, if it has one, is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    this.#worker?.ref();
    await this.ended;
  }
}

/** Beside this module, as source and as built: tsup has an entry for it. */
function workerUrl(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./clock-ticker.worker.${extension}`, import.meta.url);
}
