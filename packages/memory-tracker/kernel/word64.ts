// A 64-bit word, for JavaScript; and comparison of halves.
import { compareExchange64, high, load64, low } from '@corelane/shared-memory/kernel/atomics';

/** Observes a 64-bit word: `observedLow` and `observedHigh` are its halves. */
export function observe64(at: i32): void {
  load64(at);
}

export function observedLow(): i32 {
  return low();
}

export function observedHigh(): i32 {
  return high();
}

/** Replaces a 64-bit word, whatever it is: of several threads that do, the last one's stays. */
export function put64(at: i32, toLow: i32, toHigh: i32): void {
  load64(at);
  // publish: pairs with the loads of limits in track.ts and alarm.ts.
  while (compareExchange64(at, low(), high(), toLow, toHigh) == 0) {}
}

/** Unsigned comparison. */
export function isBelow(a: i32, b: i32): boolean {
  return (a ^ -2147483648) < (b ^ -2147483648);
}

/** Of numbers below 2^63, so the high halves compare as they are. */
export function isBelow64(aLow: i32, aHigh: i32, bLow: i32, bHigh: i32): boolean {
  return aHigh < bHigh || (aHigh == bHigh && isBelow(aLow, bLow));
}
