// In a worker: CPU time of polls, by a clock that is too dear to be read for each.
import type { CpuClock } from '../budgets/cpu-clock.ts';
import { PollCpu } from '../budgets/poll-cpu.ts';

/** What nobody asked the CPU time of is taken off by how long it lasted: that is right for so long. Guessed. */
const READ_EVERY_MS = 1;

export class CpuSamples {
  readonly #cpu: PollCpu;
  /** Milliseconds since the clock was read. */
  #agoMs = 0;

  constructor(clock: CpuClock) {
    this.#cpu = new PollCpu(clock);
  }

  /** Polls, or what was none, have taken so long. */
  skip(ms: number): void {
    this.#agoMs += ms;
    if (this.#agoMs < READ_EVERY_MS) {
      this.#cpu.skip(ms);
      return;
    }
    this.#cpu.begin();
    this.#agoMs = 0;
  }

  /** Polls have just ended. @returns milliseconds of CPU time that they used, at least */
  read(wallMs: number): number {
    this.#agoMs = 0;
    return this.#cpu.read(wallMs);
  }
}
