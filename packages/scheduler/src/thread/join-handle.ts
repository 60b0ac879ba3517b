// A thread as whoever has spawned it sees it: its end, and ways to wake and end it.
import { receiveMessageOnPort, type MessagePort, type Worker } from 'node:worker_threads';
import { decodeError, type ErrorClass } from '../error-record.ts';
import type { SwitchReport } from '../fibres/switch-statistics.ts';
import { ThreadCancelledError, ThreadLostError, ThreadUnfinishedError } from './errors.ts';
import { TASK_CANCELLED, threadControl } from './layout.ts';
import type { ThreadReport, ThreadSetting } from './thread-message.ts';
import { handOffs, unpark } from './thread-park.ts';

const TASK = threadControl.word.task;

/** What a handle is made of. */
export interface ThreadParts {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly control: SharedArrayBuffer;
  readonly name: string;
  readonly graceMs: number;
  readonly signal: AbortSignal | undefined;
  /** Of the errors of its task. */
  readonly errors: readonly ErrorClass[];
}

type Outcome<R> = { readonly value: R } | { readonly error: unknown };

export class JoinHandle<R = unknown> {
  /** For messages, streams and performance. The thread's own messages are not among those that it gets. */
  readonly worker: Worker;
  readonly name: string;
  /** As of `worker_threads`. */
  readonly threadId: number;
  /** Settles before the function begins: what of nice, affinity and profile was had, and why not. Rejects where the thread has ended before. */
  readonly started: Promise<readonly ThreadSetting[]>;
  readonly #parts: ThreadParts;
  readonly #joined: Promise<R>;
  #settle!: (outcome: Outcome<R>) => void;
  #start!: (settings: readonly ThreadSetting[]) => void;
  #failStart!: (error: unknown) => void;
  /** What the thread has said. */
  #said: Outcome<R> | undefined;
  /** How it has ended. */
  #outcome: Outcome<R> | undefined;
  #crash: unknown;
  /** Why it was cancelled, or terminated. */
  #end: { readonly reason: unknown } | undefined;
  #grace: NodeJS.Timeout | undefined;
  readonly #release: (() => void) | undefined;

  /** Made by `ThreadBuilder.spawn`. @internal */
  constructor(parts: ThreadParts) {
    const { worker, port, name, signal } = parts;
    this.#parts = parts;
    this.worker = worker;
    this.name = name;
    this.threadId = worker.threadId;
    this.#joined = new Promise<R>((resolve, reject) => {
      this.#settle = (outcome): void => {
        if ('value' in outcome) resolve(outcome.value);
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever the function has thrown
        else reject(outcome.error);
      };
    });
    this.started = new Promise((resolve, reject) => {
      this.#start = resolve;
      this.#failStart = reject;
    });
    // Who does not ask does not hear of it this way: `join` rejects with the same.
    this.started.catch(() => {});
    port.on('message', (report: ThreadReport) => this.#hear(report));
    port.unref();
    worker.on('error', (error: unknown) => (this.#crash = error));
    worker.once('exit', (code) => this.#exited(code));
    if (signal === undefined) return;
    const abort = (): void => void this.cancel(signal.reason);
    if (signal.aborted) abort();
    else {
      signal.addEventListener('abort', abort, { once: true });
      this.#release = (): void => signal.removeEventListener('abort', abort);
    }
  }

  /** Whether the thread has ended. */
  get isFinished(): boolean {
    return this.#outcome !== undefined;
  }

  /** What the function has returned. @throws what it threw, or why the thread has ended; ThreadUnfinishedError */
  get result(): R {
    const outcome = this.#outcome;
    if (outcome === undefined) throw new ThreadUnfinishedError(this.name);
    if ('value' in outcome) return outcome.value;
    throw outcome.error;
  }

  /** What `result` throws where the thread has ended; undefined where there is a result, or none yet. */
  get error(): unknown {
    return this.#outcome !== undefined && 'error' in this.#outcome ? this.#outcome.error : undefined;
  }

  /** How soon the thread ran when `unpark` has woken it: another notion than a switch of fibres. */
  get handOffs(): SwitchReport {
    return handOffs(this.#parts.control);
  }

  /** Settles when the thread has ended: with what its function returned, or rejects with what it threw, why it was cancelled, or ThreadLostError. */
  join(): Promise<R> {
    return this.#joined;
  }

  /** Wakes the thread where it is parked; else its next `park` returns at once. */
  unpark(): void {
    unpark(this.#parts.control);
  }

  /**
   * Tells the function that nobody waits any more, by its context, and wakes it where it is parked. After `graceMs` the thread is terminated.
   * @param reason what `join` rejects with; a ThreadCancelledError by default
   * @returns false where the function has ended, or was told before
   */
  cancel(reason?: unknown): boolean {
    if (this.#outcome !== undefined || this.#said !== undefined || this.#end !== undefined) return false;
    this.#expectNothing();
    this.#end = { reason: reason === undefined ? new ThreadCancelledError(this.name) : reason };
    const { control, graceMs } = this.#parts;
    const i32 = new Int32Array(control);
    Atomics.store(i32, TASK, TASK_CANCELLED); // publish: pairs with ThreadContext.cancelled, and its wait
    Atomics.notify(i32, TASK);
    this.unpark();
    if (graceMs !== Infinity) this.#grace = setTimeout(() => void this.worker.terminate(), graceMs).unref();
    return true;
  }

  /** Ends the thread, whatever it does: without its `finally` blocks. `join` rejects with ThreadLostError. */
  async terminate(): Promise<void> {
    this.#expectNothing();
    await this.worker.terminate();
  }

  /** The process does not wait for it. */
  unref(): this {
    this.worker.unref();
    return this;
  }

  /** The process waits for it, as it does by default. */
  ref(): this {
    this.worker.ref();
    return this;
  }

  /** Cancels it, and waits until it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    await this.#joined.catch(() => {});
  }

  /** Whoever ends a thread knows: that it has no result is no news to who does not join it. */
  #expectNothing(): void {
    this.#joined.catch(() => {});
  }

  #hear(report: ThreadReport): void {
    if (report.type === 'started') {
      this.#start(report.settings);
      for (const { status, reason } of report.settings) if (status !== 'done') this.#warn(reason);
    } else if (report.type === 'profiled') {
      if (report.reason !== undefined) this.#warn(report.reason);
    } else if (report.type === 'returned') this.#said = { value: report.value as R };
    else {
      const { error, value } = report;
      this.#said = { error: error === undefined ? value : decodeError(error, this.#parts.errors) };
    }
  }

  #warn(reason: string | undefined): void {
    process.emitWarning(`thread ${this.name}: ${reason}`, 'ThreadWarning');
  }

  #exited(code: number): void {
    const { port } = this.#parts;
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
      this.#hear(next.message as ThreadReport);
    port.close();
    clearTimeout(this.#grace);
    this.#release?.();
    this.#outcome = this.#ending(code);
    if ('error' in this.#outcome) this.#failStart(this.#outcome.error);
    this.#settle(this.#outcome);
  }

  #ending(code: number): Outcome<R> {
    if (this.#end !== undefined) return { error: this.#end.reason };
    if (this.#said !== undefined) return this.#said;
    const why = this.#crash === undefined ? 'terminated or by process.exit' : 'by an uncaught error';
    return { error: new ThreadLostError(this.name, code, why, this.#crash) };
  }
}
