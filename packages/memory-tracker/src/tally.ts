// The reading side of kernel/tally.ts, for any thread. It runs on the model together with the writing side: test/tally.model.test.ts.
import { amount, tally } from './layout.ts';

const TWO_31 = 2 ** 31;

/** The total of a tally at a word index: exact up to 2^53, rounded above. */
export function readTally(words: Int32Array, at: number): number {
  while (true) {
    const high = Atomics.load(words, at + tally.word.high); // observe: pairs with the stores in addTally
    const low = Atomics.load(words, at + tally.word.low);
    if (Atomics.load(words, at + tally.word.high) !== high) continue;
    // Where bit 31 differs, the writer has stored `high` and not yet `low`.
    const epoch = (high & 1) === low >>> 31 ? high : high - 1;
    return (epoch >>> 0) * TWO_31 + (low & 0x7fffffff);
  }
}

export function readAmount(words: Int32Array, at: number): number {
  return readTally(words, at) + (Atomics.load(words, at + amount.word.large) >>> 0) * TWO_31;
}
