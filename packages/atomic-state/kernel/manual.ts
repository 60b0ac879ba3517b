// By hand: opening, isolating and closing, whatever the results say.
import { add, load64, low, high } from '@corelane/shared-memory/kernel/atomics';
import { CELL_FORCED, CELL_WORD } from './layout.generated.ts';
import { forgetEra, stampLedger } from './ledger.ts';
import { casWord } from './word-cas.ts';
import {
  bumped,
  closed,
  eraOf,
  inNextEra,
  isClosed,
  isIsolated,
  isOfEra,
  isolated,
  isOpen,
  opened,
} from './word.ts';

/** To Open, as if it had tripped: it becomes half open in its time. @returns 1, or 0 where it was open, isolated or not */
export function openEndpoint(cell: i32, now: i32): i32 {
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    if (isOpen(wordLow) != 0) return 0;
    const next = bumped(opened(wordLow));
    if (casWord(cell, wordLow, wordHigh, next, wordHigh) != 0) return entered(cell, next, now);
  }
}

/** To Open, and there it stays until `closeEndpoint`. @returns 1, or 0 where it was isolated */
export function isolateEndpoint(cell: i32, now: i32): i32 {
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    if (isIsolated(wordLow) != 0) return 0;
    const next = bumped(isolated(wordLow));
    if (casWord(cell, wordLow, wordHigh, next, wordHigh) != 0) return entered(cell, next, now);
  }
}

/**
 * To Closed, with counts of 0; results of calls that were admitted before the opening stay late. From Isolated into a new era: what a
 * restoration is still filling in is of the one before, and counts for nothing.
 * @returns 1, or 0 where it was closed
 */
export function closeEndpoint(cell: i32): i32 {
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    if (isClosed(wordLow) != 0) return 0;
    const next = isIsolated(wordLow) != 0 ? inNextEra(closed(wordLow)) : closed(wordLow);
    forgetEra(cell, wordLow, eraOf(next));
    if (casWord(cell, wordLow, wordHigh, bumped(next), 0) != 0) return 1;
  }
}

/** 1 while a call that was admitted with this would still be counted: the breaker has not opened since. */
export function isCurrent(cell: i32, admission: i32): i32 {
  load64(cell + CELL_WORD);
  return isOfEra(admission, low()); // an opening begins a new era, in which nothing is admitted before it is half open
}

function entered(cell: i32, wordLow: i32, now: i32): i32 {
  stampLedger(cell, wordLow, now);
  add(cell + CELL_FORCED, 1); // pairs with the atomic load in snapshots
  return 1;
}
