// Measurements between their two reads of the clock.
//
// An object for each: 56 to 72 bytes where V8 does not do without. Tried and rejected: objects from a pool. Whoever keeps one beyond its end, by
// mistake, holds the same reference as the one who got it next, so that no generation tells them apart and stopping it again would end the
// measurement of another. And little would be saved: a `using` of nothing makes 200 bytes in V8 and takes as long as the two reads of the clock.
// `Timer.now` and `Timer.recordSince` make nothing: their token is a number.

/** Where it ends. */
interface Ends {
  recordSince(startMs: number): number;
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
