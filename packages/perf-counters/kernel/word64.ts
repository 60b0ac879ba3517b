// A 64-bit word (a float's bits) that one thread writes and any thread reads, never torn.
import { compareExchange64, high, load64, low } from '@corelane/shared-memory/kernel/atomics';

/** Replaces the word. The caller is its only writer, so the first CAS succeeds; the loop is for the reclaimer of a dead one. */
export function put64(at: i32, lowHalf: i32, highHalf: i32): void {
  load64(at);
  while (true) {
    // publish: pairs with observe64.
    if (compareExchange64(at, low(), high(), lowHalf, highHalf) != 0) return;
  }
}

/** Observes the word: `observedLow` and `observedHigh` are its halves. */
export function observe64(at: i32): void {
  load64(at);
}

export function observedLow(): i32 {
  return low();
}

export function observedHigh(): i32 {
  return high();
}
