// Measurements between their two reads of the clock.
//
// An object for each: 56 to 72 bytes where V8 does not do without. With a clock that V8 inlines it does: escape analysis takes the object and both
// floats away, and `start().stop()` costs 4.7 ns beyond the two reads (`now` and `recordSince`, whose token is a number, 0.8). With `performance` on Node 26
// it does not: `performance.now` calls its check of `this` within a try block, and what is live across an inlined one stays an object; the receiver
// of a method is live until the method returns. An object of one field, and nothing stored after the second read, costs the same there.
//
// Tried and rejected:
// - Objects from a pool. Whoever keeps one beyond its end, by mistake, holds the same reference as the one who got it next, so that no
//   generation tells them apart and stopping it again would end the measurement of another. And little would be saved: a `using` of nothing
//   makes 200 bytes in V8 and takes as long as the two reads of the clock.
// - NaN as what `#ms` begins with, so that the field holds floats unboxed: 16 bytes more, as the clock hands over a boxed one, which a field of any
//   kind takes as it is.
// - An object also where a call is not timed, so that there is one place that makes them: 56 bytes for nothing.
// - `process.hrtime.bigint` as the clock: slower, and makes more.
import type { Clock } from './ports.ts';

/** Where a measurement ends. */
interface Ends {
  recordSince(startMs: number): number;
}

interface BatchEnds {
  recordBatch(ms: number, count: number): void;
}

/** One running measurement. Stopping it twice records once. */
export class RunningTimer {
  /** Undefined once stopped. */
  #timer: Ends | undefined;
  /** When it began; once stopped, how long it took. */
  #ms: number;

  /** Made by `Timer.start`. @internal */
  constructor(timer: Ends | undefined, ms: number) {
    this.#timer = timer;
    this.#ms = ms;
  }

  /**
   * Records the time since the start.
   * @returns it, in milliseconds; again the same when called again; NaN where this one is not timed: by `sampleEvery`, or disabled
   */
  stop(): number {
    const timer = this.#timer;
    if (timer !== undefined) {
      this.#ms = timer.recordSince(this.#ms);
      this.#timer = undefined; // not where that has thrown: nothing was recorded, and there is nothing to return
    }
    return this.#ms;
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

/** Stands for all that are not timed. */
export const UNTIMED: RunningTimer = new RunningTimer(undefined, NaN);

/** One running measurement of several operations. Stopping it twice records once. */
export class RunningBatch {
  /** Undefined once stopped. */
  #timer: BatchEnds | undefined;
  readonly #clock: Clock;
  readonly #count: number;
  /** When it began; once stopped, how long it took. */
  #ms: number;

  /** Made by `Timer.batch`. @internal */
  constructor(timer: BatchEnds | undefined, clock: Clock, count: number) {
    this.#timer = timer;
    this.#clock = clock;
    this.#count = count;
    this.#ms = clock.now();
  }

  /** Records the time since the start as that of all operations. @returns it, in milliseconds; again the same when called again; NaN where disabled */
  stop(): number {
    const timer = this.#timer;
    if (timer !== undefined) {
      const elapsedMs = Math.max(0, this.#clock.now() - this.#ms); // a clock may go back
      timer.recordBatch(elapsedMs, this.#count);
      this.#ms = elapsedMs;
      this.#timer = undefined; // as in RunningTimer
    }
    return this.#ms;
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
