// CPU time of single polls, of a clock that is read after some of them only.
import type { CpuClock } from './cpu-clock.ts';

/**
 * Of one thread. A poll is known to be slow when it is over, too late to read the clock before it. What the clock has counted since it was last read is of that poll and of those
 * before it; of these none used more than it lasted. What is left is of this one: so much it used at least, and no poll is blamed for another.
 */
export class PollCpu {
  readonly #clock: CpuClock;
  #readMs = 0;
  /** Milliseconds that polls have lasted since then. */
  #skippedMs = 0;

  constructor(clock: CpuClock) {
    this.#clock = clock;
    this.begin();
  }

  /** From here on. */
  begin(): void {
    this.#readMs = this.#clock.nowMs();
    this.#skippedMs = 0;
  }

  /** A poll has ended of which nobody asks for the CPU time. */
  skip(wallMs: number): void {
    this.#skippedMs += wallMs;
  }

  /** A poll has ended. @returns milliseconds of CPU time that it used, at least */
  read(wallMs: number): number {
    const nowMs = this.#clock.nowMs();
    const cpuMs = nowMs - this.#readMs - this.#skippedMs;
    this.#readMs = nowMs;
    this.#skippedMs = 0;
    return Math.min(wallMs, Math.max(0, cpuMs));
  }
}
