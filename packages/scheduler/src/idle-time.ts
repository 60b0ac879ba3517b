// How long a worker has had nothing to do, in one word that it writes twice for each time that it parks. The event loop's own utilization is of no use for that:
// a thread that blocks counts as busy there.
//
// Bit 0: parked. The other 31 bits: milliseconds of idleness, or while it is parked the time now less those, so that the idleness grows by itself. All modulo 2^31.

import { sharedNowMs } from './shared-clock.ts';

export class IdleTime {
  readonly #i32: Int32Array;
  readonly #word: number;
  #idleMs = 0;
  #sinceMs = 0;

  /** @param word only this thread writes it */
  constructor(i32: Int32Array, word: number) {
    this.#i32 = i32;
    this.#word = word;
    Atomics.store(i32, word, 0);
  }

  begin(): void {
    this.#sinceMs = sharedNowMs();
    Atomics.store(this.#i32, this.#word, pack(this.#sinceMs - this.#idleMs) | 1); // pairs with the load in idleMsIn
  }

  end(): void {
    this.#idleMs += sharedNowMs() - this.#sinceMs;
    Atomics.store(this.#i32, this.#word, pack(this.#idleMs)); // pairs with the load in idleMsIn
  }
}

/** @returns milliseconds of idleness; wraps at 2^31 */
export function idleMsIn(i32: Int32Array, word: number): number {
  const value = Atomics.load(i32, word);
  const ms = value >>> 1;
  return (value & 1) === 0 ? ms : (sharedNowMs() - ms) & 0x7fffffff;
}

function pack(ms: number): number {
  return (ms % 2 ** 31) << 1;
}
