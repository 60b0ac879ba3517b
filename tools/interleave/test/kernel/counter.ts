// A 64-bit counter: 1 is added with a carry from the low to the high half, in one step.
import { compareExchange64, high, load64, low } from './atomics.ts';

/** The low half before. */
export function increment(at: i32): i32 {
  load64(at);
  while (true) {
    const lowHalf = low();
    const highHalf = high();
    const next = (lowHalf + 1) | 0;
    const carry: i32 = next == 0 ? 1 : 0;
    if (compareExchange64(at, lowHalf, highHalf, next, (highHalf + carry) | 0) != 0) return lowHalf;
  }
}
