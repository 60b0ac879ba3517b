// Counting past 2^32 with plain 32-bit writes, one writer, any number of readers, and no torn totals.
//
// Why not a float: the memory model of JavaScript lets a plain access of a Float64Array tear, even when it is aligned (only
// integer elements of up to 32 bits are tear-free without atomics), and an atomic 64-bit access costs 42 ns as a BigInt, or
// 6 ns through Wasm. Measured here: the two words below cost 1 ns, the float 1 ns as well, so nothing is lost.
//
// A total is 63 bits: `low` holds bits 0 to 31, `high` bits 31 to 62. While bit 31 does not change, adding is one plain write of
// `low`. When it changes (once in 2^31), the writer stores `high` first, then `low`. A reader loads `high`, `low`, `high` until
// both loads of `high` agree. Then `low` belongs to that `high` or, where the writer is between its two stores, to the one before;
// bit 31, which both words hold, says which. A thread that dies between the two stores leaves just that state, which reads as
// the total before; `repairTally` undoes it before a successor writes.
//
// Plain writes of a word and atomic loads of it race by design: the word is an aligned 32-bit integer, so a reader gets a value
// that was written. What is read lags by nanoseconds while the writer runs, and is exact once the writer's thread has passed any
// synchronising edge to the reader (a message, an Atomics operation, its end).
//
// kernel/tally.ts is the writer again, for kernels that count as they go. All of this runs on the model in test/tally.model.test.ts,
// over every interleaving; kernel/PROTOCOL.md says why it holds.
import { amount, tally } from './layout.ts';

const LOW = tally.word.low;
const HIGH = tally.word.high;
const LARGE = amount.word.large;
const TWO_31 = 2 ** 31;

/** Adds an integer from 0 to 2^31 - 1 to a tally. Only for its writer; `at` is a word index here and below. */
export function addTally(words: Int32Array, at: number, n: number): void {
  const low = words[at + LOW] as number;
  const next = (low + n) | 0;
  if ((next ^ low) >= 0) words[at + LOW] = next;
  else carry(words, at, next);
}

/** Adds an integer from 0 to 2^53 - 1 to an amount. Only for its writer. */
export function addAmount(words: Int32Array, at: number, n: number): void {
  const rest = n % TWO_31;
  addTally(words, at, rest);
  // pairs with the load in readAmount.
  if (n !== rest) Atomics.store(words, at + LARGE, ((words[at + LARGE] as number) + (n - rest) / TWO_31) | 0);
}

/** The total of a tally: exact up to 2^53, rounded above. Any thread. */
export function readTally(words: Int32Array, at: number): number {
  while (true) {
    const high = Atomics.load(words, at + HIGH); // observe: pairs with the stores in carry
    const low = Atomics.load(words, at + LOW);
    if (Atomics.load(words, at + HIGH) === high)
      return (epochOf(high, low) >>> 0) * TWO_31 + (low & 0x7fffffff);
  }
}

/** The total of an amount. Any thread; it may see one part of an addition of 2^31 or more before the other. */
export function readAmount(words: Int32Array, at: number): number {
  return readTally(words, at) + (Atomics.load(words, at + LARGE) >>> 0) * TWO_31;
}

/** Undoes a carry that its thread did not live to finish. Only for who takes over from the writer, and before it adds. */
export function repairTally(words: Int32Array, at: number): void {
  const high = Atomics.load(words, at + HIGH);
  Atomics.store(words, at + HIGH, epochOf(high, Atomics.load(words, at + LOW)));
}

/** The high word that `low` belongs to: `high`, or the one before where bit 31 differs. */
function epochOf(high: number, low: number): number {
  return (high & 1) === low >>> 31 ? high : (high - 1) | 0;
}

/** The slow part of adding to a tally, once in 2^31: bit 31 changes. `low` is the new low word. */
function carry(words: Int32Array, at: number, low: number): void {
  // publish: `high` before `low`; pairs with the loads in readTally.
  Atomics.store(words, at + HIGH, ((words[at + HIGH] as number) + 1) | 0);
  Atomics.store(words, at + LOW, low);
}
