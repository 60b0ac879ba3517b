// A counter and its rate, for who counts and looks on the same thread.
import type { Counter } from './counter.ts';
import { RateWindow, type Rates, type RateWindowOptions } from './rate-window.ts';

export class Rate {
  /** What is exported: of rates a server makes its own from it. */
  readonly counter: Counter;
  readonly #window: RateWindow;

  /** Made by a registry. @internal */
  constructor(counter: Counter, options: RateWindowOptions) {
    this.counter = counter;
    this.#window = new RateWindow(counter, options);
  }

  /** Counts `n` events, 1 by default, and does nothing else. @throws ArgumentRangeError, RegistryDisposedError */
  inc(n = 1): void {
    this.counter.inc(n);
  }

  /** What all writers have counted, in units. */
  total(): number {
    return this.counter.total();
  }

  /** Of all writers together, in units a second, since this thread has defined the rate. */
  rates(): Rates {
    return this.#window.read();
  }
}
