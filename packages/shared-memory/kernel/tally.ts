// The writer of tallies and amounts, for kernels that count as they go: src/tally.ts in the language of kernels, and it says how
// and why. Readers and `repairTally` are there.
import { get, set, store } from './atomics.ts';
import { AMOUNT_LARGE, TALLY_HIGH, TALLY_LOW } from './layout.generated.ts';

/** Adds an integer from 0 to 2^31 - 1 to the tally at a byte address. Only for its writer. */
export function addTally(at: i32, n: i32): void {
  const low = get(at + TALLY_LOW);
  const next = (low + n) | 0;
  if ((next ^ low) >= 0) {
    set(at + TALLY_LOW, next);
  } else {
    // publish: `high` before `low`; pairs with the loads in readTally.
    store(at + TALLY_HIGH, (get(at + TALLY_HIGH) + 1) | 0);
    store(at + TALLY_LOW, next);
  }
}

/** Adds a 64-bit integer below 2^53, as halves, to an amount. Only for its writer. */
export function addAmount(at: i32, nLow: i32, nHigh: i32): void {
  addTally(at, nLow & 0x7fffffff);
  const large = (nHigh << 1) | (nLow >>> 31);
  // pairs with the load in readAmount.
  if (large != 0) store(at + AMOUNT_LARGE, (get(at + AMOUNT_LARGE) + large) | 0);
}
