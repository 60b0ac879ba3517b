// The most that a word of bytes has been since the last reset: exact, whoever resets it and when.
//
// `current` and `peak` are 64-bit words: bytes in the lower 53 bits, and above them the epoch, 11 bits, modulo 2^11. A reset begins an
// epoch in `current`, by CAS, so it is between two changes of it and no other. Whoever changes `current` sees in the same word
// which epoch its value belongs to. Failures prevented: an allocation that is between its CAS and raising the peak when the peak is reset,
// and then raises it to a value of before (resets that only write the peak); a reset that replaces a peak that came after it.
import {
  compareExchange64,
  high,
  highHalf,
  load64,
  low,
  lowHalf,
  replace64,
  sum64,
  word64,
} from '@corelane/shared-memory/kernel/atomics';
import {
  BYTES_HIGH_MASK,
  EPOCH_ONE,
  EPOCH_SHIFT,
  TAG_CELL_CURRENT,
  TAG_CELL_PEAK,
} from './layout.generated.ts';
import { isBelow64 } from './word64.ts';

/** Raises a peak to a value of `current`, with its epoch, unless it is that great already or of a later epoch. */
export function raise(at: i32, toLow: i32, toHigh: i32): void {
  load64(at);
  while (isPassed(low(), high(), toLow, toHigh)) {
    // publish: pairs with observe64. A failure means that another thread raised it, perhaps not enough.
    if (compareExchange64(at, low(), high(), toLow, toHigh) != 0) return;
  }
}

/** Begins an epoch: the peak is what is held now. */
export function resetPeak(tag: i32): void {
  while (true) {
    const seen = word64(tag + TAG_CELL_CURRENT);
    const next = sum64(seen, 0, EPOCH_ONE);
    // pairs with the CAS of trackAlloc and trackDealloc, which carry the epoch on.
    if (replace64(tag + TAG_CELL_CURRENT, seen, next) == 0) continue;
    raise(tag + TAG_CELL_PEAK, lowHalf(next), highHalf(next));
    return;
  }
}

/** Whether `to` is of a later epoch than `peak`, or greater and of the same one. */
function isPassed(peakLow: i32, peakHigh: i32, toLow: i32, toHigh: i32): boolean {
  const epochs = (((toHigh >>> EPOCH_SHIFT) - (peakHigh >>> EPOCH_SHIFT)) << EPOCH_SHIFT) >> EPOCH_SHIFT;
  if (epochs != 0) return epochs > 0;
  return isBelow64(peakLow, peakHigh & BYTES_HIGH_MASK, toLow, toHigh & BYTES_HIGH_MASK);
}
