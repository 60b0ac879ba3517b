// Which calls of a timer are timed: one of each `every` in a row, at a random place among them.
//
// Always the same place was rejected: where two kinds of calls take turns, it would time one kind and never the other.
import type { Counter } from './counter.ts';

export class Sampling {
  readonly #every: number;
  readonly #calls: Counter;
  /** Calls until one is timed, and those that come after it in its row. */
  #before = 0;
  #after = 0;
  /** Xorshift (Marsaglia, 2003): never 0. */
  #random: number;

  /** @param seed any integer: where in each row */
  constructor(every: number, calls: Counter, seed: number) {
    this.#every = every;
    this.#calls = calls;
    this.#random = Math.imul(seed | 0, 0x9e3779b1) | 1;
    this.#draw();
  }

  /** Counts a call. @returns whether it is to be timed */
  begin(): boolean {
    this.#calls.inc();
    if (this.#before-- !== 0) return false;
    this.#draw();
    return true;
  }

  /** Counts calls that are recorded anyway. */
  add(calls: number): void {
    this.#calls.inc(calls);
  }

  /** Calls of all writers. */
  total(): number {
    return this.#calls.total();
  }

  #draw(): void {
    let bits = this.#random;
    bits ^= bits << 13;
    bits ^= bits >>> 17;
    bits ^= bits << 5;
    this.#random = bits;
    const place = (bits >>> 0) % this.#every;
    this.#before = this.#after + place;
    this.#after = this.#every - 1 - place;
  }
}
