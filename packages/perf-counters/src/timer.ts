// Durations: a histogram of nanoseconds that is exported in seconds, and a clock.
import type { Distribution } from './distribution.ts';
import { ArgumentRangeError, disposed } from './errors.ts';
import type { Histogram } from './histogram.ts';
import { openHistogram } from './open-histogram.ts';
import type { Clock } from './ports.ts';
import { RunningBatch, RunningTimer, UNTIMED } from './running-timer.ts';
import type { Sampling } from './sampling.ts';
import type { SlotHandle, SlotSource } from './slot-handle.ts';

const NS_PER_MS = 1e6;
const MAX_I32 = 0x7fffffff;

export class Timer implements SlotHandle {
  readonly #histogram: Histogram;
  readonly #clock: Clock;
  readonly #sampling: Sampling | undefined;
  #closed = false;

  /** Made by a registry. @internal */
  constructor(source: SlotSource, clock: Clock, sampling?: Sampling) {
    this.#histogram = openHistogram(source);
    this.#clock = clock;
    this.#sampling = sampling;
  }

  /** `using running = timer.start();` records when the scope ends. Makes an object of up to 72 bytes; `now` and `recordSince` make none. */
  start(): RunningTimer {
    if (this.#sampling !== undefined && !this.#sampling.begin()) return UNTIMED;
    return new RunningTimer(this, this.#clock.now());
  }

  /** What the clock says, in milliseconds: for `recordSince`. With `sampleEvery` it begins a call, and is NaN where that is not timed. */
  now(): number {
    if (this.#sampling !== undefined && !this.#sampling.begin()) return NaN;
    return this.#clock.now();
  }

  /**
   * Records the time since `startMs`, which is what `now` said.
   * @returns it, in milliseconds, at least 0; NaN where the call is not timed
   * @throws RegistryDisposedError, ArgumentRangeError
   */
  recordSince(startMs: number): number {
    // Only here: looking at every start would cost 4 ns (measured).
    if (this.#sampling !== undefined && startMs !== startMs) return NaN;
    const elapsedMs = this.#clock.now() - startMs;
    // As in record. 1e6 and 2^31 - 1 as numbers: variables of a module are loaded and checked each time (measured).
    const ns = elapsedMs * 1e6;
    if (!(ns >= 0 && ns < 0x7fffffff)) return this.#recordOdd(elapsedMs);
    this.#histogram.record((ns + 0.5) | 0);
    return elapsedMs;
  }

  /** Records a duration in milliseconds, to the nanosecond. @throws ArgumentRangeError, RegistryDisposedError */
  record(ms: number): void {
    if (typeof ms !== 'number') throw new ArgumentRangeError('ms', ms, 'a number');
    const ns = ms * 1e6;
    // The same as rounding, for what fits into 32 bits, and three times as fast.
    if (ns >= 0 && ns < 0x7fffffff) this.#histogram.record((ns + 0.5) | 0);
    else this.#histogram.record(Math.round(ns));
    if (this.#sampling !== undefined) this.#sampling.add(1);
  }

  /**
   * Records `count` operations that took `ms` together, timed by one pair of reads of the clock: as `count` values of their mean. Count and sum are
   * exact to the nanosecond. Minimum, maximum, quantiles and buckets then tell of the means of batches, and say nothing of how single
   * operations differ within one.
   * @param count 0 to 2^31 - 1
   * @throws ArgumentRangeError, RegistryDisposedError
   */
  recordBatch(ms: number, count: number): void {
    const ns = Math.round(ms * NS_PER_MS);
    if (!Number.isSafeInteger(ns) || ns < 0)
      throw new ArgumentRangeError('ms', ms, 'at least 0, below 2^53 ns');
    checkCount(count);
    // So that the sum is exact, the nanoseconds that are left over go to as many values.
    const left = count === 0 ? 0 : ns % count;
    this.#histogram.recordMany(count === 0 ? 0 : (ns - left) / count, count - left);
    if (left > 0) this.#histogram.recordMany((ns - left) / count + 1, left);
    this.#sampling?.add(count);
  }

  /** `using batch = timer.batch(100);` around a hundred operations: `recordBatch` with the time until the scope ends. @throws ArgumentRangeError */
  batch(count: number): RunningBatch {
    checkCount(count);
    return new RunningBatch(this, this.#clock, count);
  }

  /**
   * Records a duration and, where it is longer than the interval of a steady load, those that it kept from being measured: see
   * `Histogram.recordCorrected`.
   * @throws ArgumentRangeError, RegistryDisposedError
   */
  recordCorrected(ms: number, expectedIntervalMs: number): void {
    const expectedNs = Math.round(expectedIntervalMs * NS_PER_MS);
    if (!(expectedNs >= 1))
      throw new ArgumentRangeError('expectedIntervalMs', expectedIntervalMs, 'at least a nanosecond');
    this.#histogram.recordCorrected(Math.round(ms * NS_PER_MS), expectedNs);
    this.#sampling?.add(1);
  }

  /**
   * Calls a function and records how long it took, also where it throws. Of one that is asynchronous this is the time until its promise is there.
   * What it returns or throws is handed on, also where the registry was disposed meanwhile: then nothing is recorded.
   * @throws RegistryDisposedError before it is called
   */
  time<T>(operation: () => T): T {
    const startMs = this.#begin();
    try {
      return operation();
    } finally {
      this.#end(startMs);
    }
  }

  /** The same for an asynchronous function, until its promise was fulfilled or rejected. */
  async timeAsync<T>(operation: () => T | PromiseLike<T>): Promise<T> {
    const startMs = this.#begin();
    try {
      return await operation();
    } finally {
      this.#end(startMs);
    }
  }

  /** What all writers have recorded, in seconds. With `sampleEvery`: of the calls that were timed. */
  distribution(): Distribution {
    return this.#histogram.distribution();
  }

  /** Calls of all writers, exact: with `sampleEvery` those begun, timed or not, else what the distribution counts. */
  calls(): number {
    return this.#sampling === undefined ? this.#histogram.distribution().count : this.#sampling.total();
  }

  /** @internal */
  close(): void {
    this.#closed = true;
    this.#histogram.close();
  }

  #begin(): number {
    if (this.#closed) disposed();
    return this.now();
  }

  #end(startMs: number): void {
    if (!this.#closed) this.recordSince(startMs);
  }

  /** A clock that went back, and durations of more than two seconds. */
  #recordOdd(ms: number): number {
    const elapsedMs = Math.max(0, ms);
    this.#histogram.record(Math.round(elapsedMs * NS_PER_MS));
    return elapsedMs;
  }
}

function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 0 || count > MAX_I32)
    throw new ArgumentRangeError('count', count, 'an integer from 0 to 2^31 - 1');
}
