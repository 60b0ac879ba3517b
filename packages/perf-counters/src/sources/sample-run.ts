// One sample of a source that takes turns of the event loop: until it has ended, or is given up.
import type { Timers } from './ports.ts';
import type { SampleContext } from './source.ts';

export class SampleRun {
  readonly startMs: number;
  /** Fulfilled when it has ended or is given up: whoever waits for it goes on. */
  readonly answered: Promise<void>;
  readonly #answer: () => void;
  #reason: Error | undefined;
  #controller: AbortController | undefined;
  #stopTimer: () => void = () => {};

  constructor(startMs: number) {
    this.startMs = startMs;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.answered = promise;
    this.#answer = resolve;
  }

  /** Not given up. */
  get isWanted(): boolean {
    return this.#reason === undefined;
  }

  /** For the source. Few look at the signal: it is made for who does. */
  get context(): SampleContext {
    const signal = (): AbortSignal => this.#signal();
    return {
      get signal() {
        return signal();
      },
    };
  }

  #signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Calls back where it has not ended in time, and in the turn of the event loop after that: of a loop that was held up, what came in time goes first. */
  limit(timers: Timers, timeoutMs: number, onLate: () => void): void {
    if (timeoutMs === Infinity) return;
    this.#stopTimer = timers.every(timeoutMs, () => {
      this.#stopTimer();
      const turn = setImmediate(onLate);
      this.#stopTimer = () => clearImmediate(turn);
    });
  }

  giveUp(reason: Error): void {
    if (!this.isWanted) return;
    this.#reason = reason;
    this.end();
    this.#controller?.abort(reason);
  }

  end(): void {
    this.#stopTimer();
    this.#answer();
  }
}
