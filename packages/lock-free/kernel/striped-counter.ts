// Counter in stripes, so that threads that count do not fight for one cache line.
// After D. Lea's LongAdder (java.util.concurrent), with a stripe given to each thread instead of found by collision.
//
// A stripe is 64 bits and may have several threads, so it is counted up by CAS. `counter` is the byte address of the root, a
// multiple of 128: it is `handle.at` of a StripedCounter.
//
// Tried and rejected: two i32 words and a carry. Between the two additions a reader would be off by 2^32.
import {
  add,
  compareExchange64,
  high,
  load64,
  low,
  set,
  store,
} from '@corelane/shared-memory/kernel/atomics';
import {
  COUNTER_STRIPE_BYTES,
  COUNTER_STRIPE_COUNT,
  STRIPED_COUNTER_ROOT_BYTES,
  STRIPED_COUNTER_ROOT_NEXT,
  STRIPED_COUNTER_ROOT_STRIPES,
} from './layout.generated.ts';

/** Makes a counter of 0. Before it is shared; its stripes are zero already. */
export function initializeCounter(counter: i32, stripes: i32): void {
  set(counter + STRIPED_COUNTER_ROOT_STRIPES, stripes);
  store(counter + STRIPED_COUNTER_ROOT_NEXT, 0);
}

/** @returns the stripe for one more thread, of `stripes`, a power of two */
export function takeStripe(counter: i32, stripes: i32): i32 {
  return add(counter + STRIPED_COUNTER_ROOT_NEXT, 1) & (stripes - 1);
}

/** Adds a 64-bit number, given in halves. Wraps at 2^63. */
export function addToStripe(counter: i32, stripe: i32, lowHalf: i32, highHalf: i32): void {
  const at = countOf(counter, stripe);
  load64(at);
  while (true) {
    const before = low();
    const above = high();
    const sum = (before + lowHalf) | 0;
    // Unsigned sum < addend means a carry; flipping the sign bits makes the comparison unsigned.
    const carry = (sum ^ -0x80000000) < (lowHalf ^ -0x80000000) ? 1 : 0;
    // count: pairs with observeStripe and drainStripe. Where it fails it observes the stripe anew.
    if (compareExchange64(at, before, above, sum, (above + highHalf + carry) | 0) != 0) return;
  }
}

/** Observes a stripe. @returns its low half; `observedHigh` returns the other */
export function observeStripe(counter: i32, stripe: i32): i32 {
  load64(countOf(counter, stripe));
  return low();
}

/** Takes all that a stripe holds, so that it holds 0. @returns the low half of it; `observedHigh` returns the other */
export function drainStripe(counter: i32, stripe: i32): i32 {
  const at = countOf(counter, stripe);
  load64(at);
  while (true) {
    const lowHalf = low();
    const highHalf = high();
    if (compareExchange64(at, lowHalf, highHalf, 0, 0) != 0) return lowHalf; // take: pairs with count in addToStripe
  }
}

/** The high half of what `observeStripe` or `drainStripe` observed last on this thread. */
export function observedHigh(): i32 {
  return high();
}

function countOf(counter: i32, stripe: i32): i32 {
  return counter + STRIPED_COUNTER_ROOT_BYTES + stripe * COUNTER_STRIPE_BYTES + COUNTER_STRIPE_COUNT;
}
