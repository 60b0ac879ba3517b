// Counting past 2^32 with plain 32-bit writes, one writer, any number of readers, and no torn totals.
//
// A total is 63 bits: `low` holds bits 0 to 31, `high` bits 31 to 62. While bit 31 does not change, adding is one plain write of
// `low`. When it changes (once in 2^31), the writer stores `high` first, then `low`. A reader (src/tally.ts) loads `high`, `low`,
// `high` until both loads of `high` agree; then `low` belongs to that `high` or, where the writer is between its two stores, to
// the one before, and bit 31, which both words hold, says which.
import { get, load, set, store } from '@corelane/shared-memory/kernel/atomics';
import { AMOUNT_LARGE, TALLY_HIGH, TALLY_LOW } from './layout.generated.ts';

/** Adds 0 to 2^31 - 1. Only for the writer. */
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

/** Adds a 64-bit integer below 2^53, as halves, to an amount. Only for the writer. */
export function addAmount(at: i32, bytesLow: i32, bytesHigh: i32): void {
  addTally(at, bytesLow & 0x7fffffff);
  const large = (bytesHigh << 1) | (bytesLow >>> 31);
  if (large != 0) store(at + AMOUNT_LARGE, (get(at + AMOUNT_LARGE) + large) | 0);
}

/** Undoes a carry that its thread did not live to finish. Only for who holds the worker. */
export function repairTally(at: i32): void {
  const high = load(at + TALLY_HIGH);
  if ((high & 1) != load(at + TALLY_LOW) >>> 31) store(at + TALLY_HIGH, (high - 1) | 0);
}
