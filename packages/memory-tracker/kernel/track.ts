// Bytes held under a tag, by any number of workers: exact, with an exact peak and limit, and never less than nothing.
//
// `current` is one 64-bit word, changed by CAS only: bytes below, the epoch of the peak above (peak.ts). Failures prevented: two
// deallocations that each find enough, and together take more than there is (check, then subtract); two allocations that each
// fit the limit and together pass it; a peak that a slower thread replaces by a lower one.
// The peak is the maximum of all values that `current` has had in its epoch: a new maximum can only come from an allocation, and
// every allocation raises the peak to its own value before it returns. Between its CAS and that, a reader may find current > peak.
//
// `tag` is the address of a tag cell, `slot` that of the worker's slot for this tag, `count` how many allocations or deallocations it
// is: 0 where one that there is only changes its size.
import {
  high,
  highHalf,
  load,
  load64,
  low,
  lowHalf,
  replace64,
  sum64,
  word64,
} from '@corelane/shared-memory/kernel/atomics';
import { addAmount, addTally } from '@corelane/shared-memory/kernel/tally';
import {
  BYTES_HIGH_MASK,
  EPOCH_SHIFT,
  FRESH,
  TAG_CELL_ALARM,
  TAG_CELL_CURRENT,
  TAG_CELL_HARD,
  TAG_CELL_PEAK,
  TAG_CELL_RECOVER,
  TAG_CELL_SOFT,
  TRACK_DONE,
  TRACK_REFUSED,
  TRACK_UNDERFLOW,
  TRACK_STALE,
  TRACK_UNSETTLED,
  WORKER_SLOT_ALLOCATED,
  WORKER_SLOT_ALLOCATIONS,
  WORKER_SLOT_DEALLOCATIONS,
  WORKER_SLOT_FREED,
  WORKER_SLOT_STALE,
} from './layout.generated.ts';
import { raise } from './peak.ts';
import { isBelow, isBelow64 } from './word64.ts';

/**
 * @returns TRACK_DONE; TRACK_UNSETTLED where it is done and the alarm has to be settled; or TRACK_REFUSED where the tag would hold more
 *   than its hard limit: `observedLow` and `observedHigh` are what it held
 */
export function trackAlloc(tag: i32, slot: i32, bytesLow: i32, bytesHigh: i32, count: i32): i32 {
  while (true) {
    const seen = word64(tag + TAG_CELL_CURRENT);
    const nextLow = (lowHalf(seen) + bytesLow) | 0;
    const carry = isBelow(nextLow, bytesLow) ? 1 : 0;
    const nextHigh = ((highHalf(seen) & BYTES_HIGH_MASK) + bytesHigh + carry) | 0;
    const hard = word64(tag + TAG_CELL_HARD); // observe: pairs with put64
    if (isBelow64(lowHalf(hard), highHalf(hard), nextLow, nextHigh)) {
      // What is told is what it is refused by.
      load64(tag + TAG_CELL_CURRENT);
      const againLow = (low() + bytesLow) | 0;
      const againHigh = ((high() & BYTES_HIGH_MASK) + bytesHigh + (isBelow(againLow, bytesLow) ? 1 : 0)) | 0;
      if (isBelow64(lowHalf(hard), highHalf(hard), againLow, againHigh)) return TRACK_REFUSED;
      continue;
    }
    const next = sum64(seen, bytesLow, bytesHigh);
    // pairs with the same CAS on other threads: what was checked is what is replaced. Where it fails it observes anew.
    if (replace64(tag + TAG_CELL_CURRENT, seen, next) == 0) continue;
    const peak = word64(tag + TAG_CELL_PEAK);
    // The same epoch, nearly always, and no new peak.
    if (
      (highHalf(peak) ^ highHalf(next)) >>> EPOCH_SHIFT != 0 ||
      isBelow64(lowHalf(peak), highHalf(peak), lowHalf(next), highHalf(next))
    )
      raise(tag + TAG_CELL_PEAK, lowHalf(next), highHalf(next));
    addAmount(slot + WORKER_SLOT_ALLOCATED, bytesLow, bytesHigh);
    addTally(slot + WORKER_SLOT_ALLOCATIONS, count);
    const soft = word64(tag + TAG_CELL_SOFT);
    if (!isBelow64(lowHalf(soft), highHalf(soft), nextLow, nextHigh)) return TRACK_DONE;
    return (load(tag + TAG_CELL_ALARM) & 1) == 0 ? TRACK_UNSETTLED : TRACK_DONE;
  }
}

/**
 * @returns TRACK_DONE; TRACK_UNSETTLED where it is done and the alarm has to be settled; TRACK_STALE where it is done, and the slot is
 *   stale; or TRACK_UNDERFLOW where the tag holds less:
 *   `observedLow` and `observedHigh` are what it held
 */
export function trackDealloc(tag: i32, slot: i32, bytesLow: i32, bytesHigh: i32, count: i32): i32 {
  while (true) {
    const seen = word64(tag + TAG_CELL_CURRENT);
    if (isBelow64(lowHalf(seen), highHalf(seen) & BYTES_HIGH_MASK, bytesLow, bytesHigh)) {
      // What is told is what it is refused by.
      load64(tag + TAG_CELL_CURRENT);
      if (isBelow64(low(), high() & BYTES_HIGH_MASK, bytesLow, bytesHigh)) return TRACK_UNDERFLOW;
      continue;
    }
    const next = sum64(seen, -bytesLow | 0, (~bytesHigh + (bytesLow == 0 ? 1 : 0)) | 0);
    // pairs with the same CAS on other threads: what was checked is what is replaced.
    if (replace64(tag + TAG_CELL_CURRENT, seen, next) == 0) continue;
    addAmount(slot + WORKER_SLOT_FREED, bytesLow, bytesHigh);
    addTally(slot + WORKER_SLOT_DEALLOCATIONS, count);
    if (load(slot + WORKER_SLOT_STALE) != FRESH) return TRACK_STALE; // observe: pairs with TagCell
    if ((load(tag + TAG_CELL_ALARM) & 1) == 0) return TRACK_DONE;
    const recover = word64(tag + TAG_CELL_RECOVER);
    const held = highHalf(next) & BYTES_HIGH_MASK;
    return isBelow64(lowHalf(recover), highHalf(recover), lowHalf(next), held) ? TRACK_DONE : TRACK_UNSETTLED;
  }
}

/** Adds to a 64-bit word that nobody can overflow: bytes in transit, which were bytes held. */
export function addBytes(at: i32, bytesLow: i32, bytesHigh: i32): void {
  while (true) {
    const seen = word64(at);
    // pairs with takeBytes.
    if (replace64(at, seen, sum64(seen, bytesLow, bytesHigh)) != 0) return;
  }
}

/** Takes from a 64-bit word, or nothing where it is less. @returns TRACK_DONE or TRACK_UNDERFLOW */
export function takeBytes(at: i32, bytesLow: i32, bytesHigh: i32): i32 {
  while (true) {
    const seen = word64(at);
    if (isBelow64(lowHalf(seen), highHalf(seen), bytesLow, bytesHigh)) return TRACK_UNDERFLOW;
    const next = sum64(seen, -bytesLow | 0, (~bytesHigh + (bytesLow == 0 ? 1 : 0)) | 0);
    // pairs with the same CAS on other threads: what was checked is what is replaced.
    if (replace64(at, seen, next) != 0) return TRACK_DONE;
  }
}
