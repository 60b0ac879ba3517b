// Bytes held under a tag, by any number of workers: exact, with an exact peak, and never less than nothing.
//
// `current` is one 64-bit word, changed by CAS only. Failures prevented: two deallocations that each find enough, and together take
// more than there is (check, then subtract); a peak that a slower thread replaces by a lower one.
// The peak is the maximum of all values that `current` has had: a new maximum can only come from an allocation, and every
// allocation raises the peak to its own value before it returns. Between its CAS and that, a reader may find current > peak.
//
// `tag` is the address of a tag cell, `slot` that of the worker's slot for this tag.
import { compareExchange64, high, load64, low } from '@corelane/shared-memory/kernel/atomics';
import { addAmount, addTally } from '@corelane/shared-memory/kernel/tally';
import {
  HIGH_LIMIT,
  TAG_CELL_CURRENT,
  TAG_CELL_PEAK,
  TRACK_DONE,
  TRACK_OVERFLOW,
  TRACK_UNDERFLOW,
  WORKER_SLOT_ALLOCATED,
  WORKER_SLOT_ALLOCATIONS,
  WORKER_SLOT_DEALLOCATIONS,
  WORKER_SLOT_FREED,
} from './layout.generated.ts';

/** @returns TRACK_DONE or TRACK_OVERFLOW */
export function trackAlloc(tag: i32, slot: i32, bytesLow: i32, bytesHigh: i32): i32 {
  load64(tag + TAG_CELL_CURRENT);
  let nextLow = 0;
  let nextHigh = 0;
  while (true) {
    nextLow = (low() + bytesLow) | 0;
    nextHigh = (high() + bytesHigh + (isBelow(nextLow, bytesLow) ? 1 : 0)) | 0;
    if (nextHigh >= HIGH_LIMIT) return TRACK_OVERFLOW;
    // pairs with the same CAS on other threads: each adds to what it has seen. Where it fails it observes anew.
    if (compareExchange64(tag + TAG_CELL_CURRENT, low(), high(), nextLow, nextHigh) != 0) break;
  }
  raise(tag + TAG_CELL_PEAK, nextLow, nextHigh);
  addAmount(slot + WORKER_SLOT_ALLOCATED, bytesLow, bytesHigh);
  addTally(slot + WORKER_SLOT_ALLOCATIONS, 1);
  return TRACK_DONE;
}

/** @returns TRACK_DONE, or TRACK_UNDERFLOW where the tag holds less: `observedLow` and `observedHigh` are what it held */
export function trackDealloc(tag: i32, slot: i32, bytesLow: i32, bytesHigh: i32): i32 {
  load64(tag + TAG_CELL_CURRENT);
  while (true) {
    if (isBelow64(low(), high(), bytesLow, bytesHigh)) return TRACK_UNDERFLOW;
    const nextLow = (low() - bytesLow) | 0;
    const nextHigh = (high() - bytesHigh - (isBelow(low(), bytesLow) ? 1 : 0)) | 0;
    // pairs with the same CAS on other threads: what was checked is what is replaced.
    if (compareExchange64(tag + TAG_CELL_CURRENT, low(), high(), nextLow, nextHigh) != 0) break;
  }
  addAmount(slot + WORKER_SLOT_FREED, bytesLow, bytesHigh);
  addTally(slot + WORKER_SLOT_DEALLOCATIONS, 1);
  return TRACK_DONE;
}

/** Replaces a 64-bit word by a greater one, unless it is that great already. */
export function raise(at: i32, toLow: i32, toHigh: i32): void {
  load64(at);
  while (isBelow64(low(), high(), toLow, toHigh)) {
    // publish: pairs with observe64. A failure means that another thread raised it, perhaps not enough.
    if (compareExchange64(at, low(), high(), toLow, toHigh) != 0) return;
  }
}

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

/** Unsigned comparison. */
function isBelow(a: i32, b: i32): boolean {
  return (a ^ -2147483648) < (b ^ -2147483648);
}

/** Of numbers below 2^53, so the high halves compare as they are. */
function isBelow64(aLow: i32, aHigh: i32, bLow: i32, bHigh: i32): boolean {
  return aHigh < bHigh || (aHigh == bHigh && isBelow(aLow, bLow));
}
