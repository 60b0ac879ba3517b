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
  isAbove64,
  join64,
  load,
  load64,
  low,
  lowHalf,
  masked64,
  minus64,
  plus64,
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

/**
 * @returns TRACK_DONE; TRACK_UNSETTLED where it is done and the alarm has to be settled; or TRACK_REFUSED where the tag would hold more
 *   than its hard limit: `observedLow` and `observedHigh` are what it held
 */
export function trackAlloc(tag: i32, slot: i32, bytesLow: i32, bytesHigh: i32, count: i32): i32 {
  const bytes = join64(bytesLow, bytesHigh);
  while (true) {
    const seen = word64(tag + TAG_CELL_CURRENT);
    const held = plus64(masked64(seen, -1, BYTES_HIGH_MASK), bytes);
    const hard = word64(tag + TAG_CELL_HARD); // observe: pairs with put64
    if (isAbove64(held, hard) != 0) {
      // What is told is what it is refused by.
      load64(tag + TAG_CELL_CURRENT);
      const again = plus64(join64(low(), high() & BYTES_HIGH_MASK), bytes);
      if (isAbove64(again, hard) != 0) return TRACK_REFUSED;
      continue;
    }
    const next = plus64(seen, bytes);
    // pairs with the same CAS on other threads: what was checked is what is replaced. Where it fails it observes anew.
    if (replace64(tag + TAG_CELL_CURRENT, seen, next) == 0) continue;
    // A difference of bytes: it is as high in the same epoch, or of the one that has begun since.
    const above = minus64(word64(tag + TAG_CELL_PEAK), next);
    if (highHalf(above) >>> EPOCH_SHIFT != 0) raise(tag + TAG_CELL_PEAK, lowHalf(next), highHalf(next));
    addAmount(slot + WORKER_SLOT_ALLOCATED, bytesLow, bytesHigh);
    addTally(slot + WORKER_SLOT_ALLOCATIONS, count);
    if (isAbove64(held, word64(tag + TAG_CELL_SOFT)) == 0) return TRACK_DONE;
    return (load(tag + TAG_CELL_ALARM) & 1) == 0 ? TRACK_UNSETTLED : TRACK_DONE;
  }
}

/**
 * @returns TRACK_DONE; TRACK_UNSETTLED where it is done and the alarm has to be settled; TRACK_STALE where it is done, and the slot is
 *   stale; or TRACK_UNDERFLOW where the tag holds less:
 *   `observedLow` and `observedHigh` are what it held
 */
export function trackDealloc(tag: i32, slot: i32, bytesLow: i32, bytesHigh: i32, count: i32): i32 {
  const bytes = join64(bytesLow, bytesHigh);
  while (true) {
    const seen = word64(tag + TAG_CELL_CURRENT);
    const held = masked64(seen, -1, BYTES_HIGH_MASK);
    if (isAbove64(bytes, held) != 0) {
      // What is told is what it is refused by.
      load64(tag + TAG_CELL_CURRENT);
      if (isAbove64(bytes, join64(low(), high() & BYTES_HIGH_MASK)) != 0) return TRACK_UNDERFLOW;
      continue;
    }
    // pairs with the same CAS on other threads: what was checked is what is replaced.
    if (replace64(tag + TAG_CELL_CURRENT, seen, minus64(seen, bytes)) == 0) continue;
    addAmount(slot + WORKER_SLOT_FREED, bytesLow, bytesHigh);
    addTally(slot + WORKER_SLOT_DEALLOCATIONS, count);
    if (load(slot + WORKER_SLOT_STALE) != FRESH) return TRACK_STALE; // observe: pairs with TagCell
    if ((load(tag + TAG_CELL_ALARM) & 1) == 0) return TRACK_DONE;
    return isAbove64(minus64(held, bytes), word64(tag + TAG_CELL_RECOVER)) != 0
      ? TRACK_DONE
      : TRACK_UNSETTLED;
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
  const bytes = join64(bytesLow, bytesHigh);
  while (true) {
    const seen = word64(at);
    if (isAbove64(bytes, seen) != 0) return TRACK_UNDERFLOW;
    // pairs with the same CAS on other threads: what was checked is what is replaced.
    if (replace64(at, seen, minus64(seen, bytes)) != 0) return TRACK_DONE;
  }
}
