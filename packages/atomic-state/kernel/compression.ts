// What a look into a compressed payload found, recorded in the word.
import { add, high, load64, low } from '@corelane/shared-memory/kernel/atomics';
import { CELL_BOMBS_REFUSED, CELL_COMPRESSION_DETECTED, CELL_WORD } from './layout.generated.ts';
import { casWord } from './word-cas.ts';
import { bumped, withCompression } from './word.ts';

/**
 * Sets COMPRESSED and the ratio, and counts.
 * @param ratio 0 to 255, of this payload
 * @param refused 1 where it was
 */
export function recordCompression(cell: i32, ratio: i32, refused: i32): void {
  add(cell + CELL_COMPRESSION_DETECTED, 1); // pairs with the atomic load in snapshots, as below
  if (refused != 0) add(cell + CELL_BOMBS_REFUSED, 1);
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    if (casWord(cell, wordLow, wordHigh, bumped(withCompression(wordLow, ratio)), wordHigh) != 0) return;
  }
}
