/** The ring as an application has it: operations as promises, a line for those that find it full, cancellation, and figures. */
import { chooseEngine } from './choose-engine.ts';
import type { Backend, Engine, Registration } from './engine.ts';
import { errnoName } from './errno.ts';
import { OperationTimeoutError, RingClosedError, RingFullError } from './errors.ts';
import { CURRENT_POSITION, OP } from './layout.ts';
import { Line } from './line.ts';
import { lend, takeBack, UNKNOWN } from './loan.ts';
import { weightOf, type Completion, type Operation, type Use } from './operation.ts';
import { failureOf } from './operation-error.ts';
import { checkSignal, checkTimeout, type OperationOptions } from './operation-options.ts';
import { checkMemory } from './regions.ts';
import { checkOptions, type IoRingOptions } from './ring-options.ts';

export type { IoRingOptions, OperationOptions };

const NO_OPTIONS: OperationOptions = {};
/** -ECANCELED */
const CANCELLED = -125;

export interface IoRingStats {
  readonly inFlight: number;
  readonly waiting: number;
  /** Operations in flight at most. */
  readonly capacity: number;
  readonly started: number;
  readonly completed: number;
  /** Of `completed`: those that failed, cancelled ones not counted. */
  readonly failed: number;
  readonly cancelled: number;
  /** Refused with RingFullError, and never started. */
  readonly refused: number;
}

/** What runs the operations of a ring; for what is built on it in this package. */
export let engineOf: (ring: IoRing) => Engine;

/**
 * Runs one operation on a ring; for what is built on it in this package. Resolves with its result; rejects with OperationError, `signal.reason`,
 * OperationTimeoutError, RingFullError or RingClosedError. Whichever it is, the kernel has let go of the memory by then.
 */
export let runOn: (ring: IoRing, operation: Operation, options?: OperationOptions) => Promise<number>;

/** For what does more than operations. @throws RingClosedError */
export let checkOpen: (ring: IoRing) => void;

/** Asks for the end of an operation of `runOn`, which then rejects with `reason` unless it was too late. Of one that is over: nothing. */
export let cancelOn: (ring: IoRing, operation: Operation, reason: unknown) => void;

/** Cancels reads that are under way or in line on a descriptor, which may wait for ever; for what is built on it in this package. */
export let cancelReads: (ring: IoRing, use: Use, reason: unknown) => void;

/** Counts an operation that was over at once and needed no ring. */
export let countOn: (ring: IoRing, failed: boolean) => void;

export class IoRing implements AsyncDisposable {
  static {
    cancelReads = (ring, use, reason) => ring.#cancelReads(use, reason);
    checkOpen = (ring) => {
      if (ring.#closing !== null) throw new RingClosedError('ring');
    };
    engineOf = (ring) => ring.#engine;
    runOn = (ring, operation, options = NO_OPTIONS) => ring.#run(operation, options);
    countOn = (ring, failed) => {
      ring.#started++;
      ring.#completed++;
      if (failed) ring.#failed++;
    };
    cancelOn = (ring, operation, reason) => {
      if (operation.completion !== null) ring.#cancel(operation, reason);
    };
  }

  readonly #engine: Engine;
  readonly #onFull: 'wait' | 'refuse';
  readonly #maxWaiting: number;
  readonly #line = new Line();
  #started = 0;
  #completed = 0;
  #failed = 0;
  #cancelled = 0;
  #refused = 0;
  #closing: Promise<void> | null = null;
  readonly #completion: Completion = { completed: (operation, result) => this.#settle(operation, result) };

  private constructor(engine: Engine, onFull: 'wait' | 'refuse', maxWaiting: number) {
    this.#engine = engine;
    this.#onFull = onFull;
    this.#maxWaiting = maxWaiting;
    engine.onRoom = () => this.#admit();
  }

  /** A ring of this thread. @throws IoArgumentError */
  static open(options: IoRingOptions = {}): IoRing {
    const checked = checkOptions(options);
    return new IoRing(chooseEngine(checked, checked.engine), checked.onFull, checked.maxWaiting);
  }

  /** Which engine runs it, and why. */
  get backend(): Backend {
    return this.#engine.backend;
  }

  get stats(): IoRingStats {
    return {
      inFlight: this.#engine.inFlight,
      waiting: this.#line.length,
      capacity: this.#engine.capacity,
      started: this.#started,
      completed: this.#completed,
      failed: this.#failed,
      cancelled: this.#cancelled,
      refused: this.#refused,
    };
  }

  /** Makes memory known ahead of its first use; with `fixedBuffers`, registers it with the kernel, and says whether. @throws IoMemoryError, RingClosedError */
  register(view: Uint8Array): Registration {
    checkMemory(view, 'view');
    if (this.#closing !== null) throw new RingClosedError('ring');
    return this.#engine.register(view);
  }

  #run(operation: Operation, options: OperationOptions): Promise<number> {
    return new Promise<number>((resolve, reject) => {
      const { signal, timeoutMs } = options;
      operation.resolve = resolve;
      operation.reject = reject;
      checkTimeout(timeoutMs);
      checkSignal(signal);
      if (signal?.aborted === true) throw signal.reason;
      if (this.#closing !== null) throw new RingClosedError('ring');
      this.#offer(operation);
      operation.use?.enter(operation);
      if (signal !== undefined) this.#watch(operation, signal);
      if (timeoutMs !== undefined)
        operation.timer = setTimeout(
          () => this.#cancel(operation, new OperationTimeoutError(timeoutMs, operation.syscall)),
          timeoutMs,
        );
    });
  }

  #settle(operation: Operation, result: number): void {
    const short = operation.inFull && result > 0 && result < (operation.view as Uint8Array).byteLength;
    if (short && this.#closing !== null) operation.cancelled = true;
    if (short && !operation.cancelled) {
      this.#proceed(operation, result);
      return;
    }
    if (result > 0) operation.transferredBytes += result;
    // Cut short: that would say that there was no more.
    const outcome = short ? CANCELLED : result;
    const { transferredBytes } = operation;
    const problem = leave(operation, outcome < 0 ? transferredBytes || UNKNOWN : transferredBytes);
    this.#completed++;
    if (outcome < 0) operation.reject?.(this.#errorOf(operation, outcome));
    else if (problem !== undefined) operation.reject?.(problem);
    else operation.resolve?.(transferredBytes);
  }

  /** A short transfer goes on where it ended, ahead of those that wait. */
  #proceed(operation: Operation, result: number): void {
    operation.transferredBytes += result;
    operation.view = (operation.view as Uint8Array).subarray(result);
    if (operation.position !== CURRENT_POSITION) operation.position += result;
    this.#line.lead(operation); // the engine asks for the next as soon as this completion is over
  }

  #errorOf(operation: Operation, result: number): unknown {
    const code = errnoName(-result);
    // A read that was interrupted by its cancellation says EINTR.
    if (operation.cancelled && (code === 'ECANCELED' || code === 'EINTR')) {
      this.#cancelled++;
      return operation.cancelReason === undefined ? new RingClosedError('ring') : operation.cancelReason;
    }
    this.#failed++;
    return failureOf(operation, result);
  }

  #watch(operation: Operation, signal: AbortSignal): void {
    operation.signal = signal;
    operation.onAbort = (): void => this.#cancel(operation, signal.reason);
    try {
      signal.addEventListener('abort', operation.onAbort, { once: true });
      if (signal.aborted) this.#cancel(operation, signal.reason); // while its lease was given
    } catch (error) {
      this.#cancel(operation, error); // a signal that is not the platform's; the kernel has the memory already
    }
  }

  /** Cancels what is in flight, waits until the kernel has let go of everything, and closes. What waits is refused with RingClosedError. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    for (let operation = this.#line.take(); operation !== null; operation = this.#line.take()) {
      operation.cancelled = true;
      this.#settle(operation, CANCELLED);
    }
    await this.#engine.close();
  }

  #offer(operation: Operation): void {
    const now = this.#line.length === 0 && this.#engine.roomFor(weightOf(operation));
    if (!now && (this.#onFull === 'refuse' || this.#line.length >= this.#maxWaiting)) {
      this.#refused++;
      throw new RingFullError(this.#engine.inFlight);
    }
    lend(operation);
    operation.completion = this.#completion;
    if (now) {
      try {
        this.#engine.start(operation);
      } catch (error) {
        operation.completion = null;
        takeBack(operation, UNKNOWN);
        throw error;
      }
      this.#started++;
      return;
    }
    this.#line.join(operation);
  }

  #cancel(operation: Operation, reason: unknown): void {
    if (operation.cancelReason === undefined) operation.cancelReason = reason; // which may be null
    if (operation.id >= 0) {
      this.#engine.cancel(operation);
      return;
    }
    // Still in line.
    operation.cancelled = true;
    this.#line.leave(operation);
    this.#settle(operation, CANCELLED);
  }

  #cancelReads(use: Use, reason: unknown): void {
    const found = this.#engine.operations().concat(this.#line.operations());
    for (const operation of found)
      if (reads(operation, use)) this.#cancel(operation.chain ?? operation, reason);
  }

  #admit(): void {
    // Nobody overtakes a chain, which would never have room else.
    for (
      let { first } = this.#line;
      first !== null && this.#engine.roomFor(weightOf(first));
      { first } = this.#line
    ) {
      this.#line.leave(first);
      this.#admitOne(first);
    }
  }

  #admitOne(operation: Operation): void {
    try {
      this.#engine.start(operation);
      if (operation.transferredBytes === 0) this.#started++;
    } catch (error) {
      leave(operation, UNKNOWN);
      operation.reject?.(error); // memory that cannot be registered
    }
  }
}

/** Nothing of this operation is under way any more. What a lease or a signal threw. */
function leave(operation: Operation, transferredBytes: number): unknown {
  operation.completion = null;
  if (operation.timer !== null) clearTimeout(operation.timer);
  let problem = takeBack(operation, transferredBytes);
  operation.use?.leave(operation);
  try {
    if (operation.onAbort !== null) operation.signal?.removeEventListener('abort', operation.onAbort);
  } catch (error) {
    problem ??= error;
  }
  return problem;
}

/** Whether it, or a step of it, reads from this descriptor. */
function reads({ opcode, steps, use }: Operation, from: Use): boolean {
  if (steps !== null) return steps.some((step) => reads(step, from));
  return use === from && (opcode === OP.read || opcode === OP.readv);
}
