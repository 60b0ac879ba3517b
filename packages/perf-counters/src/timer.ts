// Durations: a histogram of nanoseconds that is exported in seconds, and a clock.
import type { Distribution } from './distribution.ts';
import { Histogram } from './histogram.ts';
import type { Clock } from './ports.ts';
import type { SlotHandle, SlotSource } from './slot-handle.ts';

const NS_PER_MS = 1e6;

/** One running measurement. Stopping it twice records once. */
export class RunningTimer {
  readonly #timer: Timer;
  readonly #startMs: number;
  #elapsedMs = -1;

  /** Made by `Timer.start`. @internal */
  constructor(timer: Timer) {
    this.#timer = timer;
    this.#startMs = timer.now();
  }

  /** Records the time since the start. @returns it, in milliseconds; again the same when called again */
  stop(): number {
    if (this.#elapsedMs < 0) this.#elapsedMs = this.#timer.recordSince(this.#startMs);
    return this.#elapsedMs;
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

export class Timer implements SlotHandle {
  readonly #histogram: Histogram;
  readonly #clock: Clock;

  /** Made by a registry. @internal */
  constructor(source: SlotSource, clock: Clock) {
    this.#histogram = new Histogram(source);
    this.#clock = clock;
  }

  /** `using running = timer.start();` records when the scope ends. One small object; `now` and `recordSince` make none. */
  start(): RunningTimer {
    return new RunningTimer(this);
  }

  /** What the clock says, in milliseconds: for `recordSince`. */
  now(): number {
    return this.#clock.now();
  }

  /** Records the time since `startMs`. @returns it, in milliseconds, at least 0. @throws RegistryDisposedError */
  recordSince(startMs: number): number {
    const elapsedMs = Math.max(0, this.#clock.now() - startMs);
    this.record(elapsedMs);
    return elapsedMs;
  }

  /** Records a duration in milliseconds, to the nanosecond. @throws ArgumentRangeError, RegistryDisposedError */
  record(ms: number): void {
    this.#histogram.record(Math.round(ms * NS_PER_MS));
  }

  /** What all writers have recorded, in seconds. */
  distribution(): Distribution {
    return this.#histogram.distribution();
  }

  /** @internal */
  close(): void {
    this.#histogram.close();
  }
}
