// What several writers have in the slots of one series, added up: the reader of tallies and amounts (`readTally` and `readAmount` of
// @corelane/shared-memory) in the language of kernels, over the column of a series in the writers' directories. It only reads.
//
// A sum is 31 bits and a count of 2^31s. Where the latter is 0, which is the rule, the sum is returned as it is; else its
// complement is, and `sumHigh` has the rest until the next sum of this instance.
//
// Tried and rejected: merging whole histograms into an array. It would have to lie in the arena, where nothing is ever freed, once for
// each reader; and an exporter needs the counts of a dozen ranges of buckets, not of hundreds.
import { load } from '@corelane/shared-memory/kernel/atomics';
import {
  AMOUNT_LARGE,
  TALLY_BYTES,
  TALLY_HIGH,
  TALLY_LOW,
} from '@corelane/shared-memory/kernel/layout.generated';
import {
  WRITER_FREE,
  WRITER_RECORD_BYTES,
  WRITER_RECORD_CLAIMS,
  WRITER_RECORD_STATE,
} from './layout.generated.ts';

const LOW_31: i32 = 0x7fffffff;
/** Slots are where `SLOT_ALIGN_BYTES` (src/writer.ts) has them. */
const SLOT_ALIGN_MASK: i32 = 7;

let sumLow: i32 = 0;
let high: i32 = 0;

/** 2^31s of the last sum, modulo 2^32. */
export function sumHigh(): i32 {
  return high;
}

function begin(): void {
  sumLow = 0;
  high = 0;
}

function result(): i32 {
  return high == 0 ? sumLow : ~sumLow;
}

/** Adds a tally; see PROTOCOL.md of @corelane/shared-memory, "Tallies". */
function addTallyAt(at: i32): void {
  while (true) {
    const before = load(at + TALLY_HIGH); // observe: pairs with the stores of a carry
    const low = load(at + TALLY_LOW);
    if (load(at + TALLY_HIGH) == before) {
      const epoch = (before & 1) == low >>> 31 ? before : (before - 1) | 0;
      const next = (sumLow + (low & LOW_31)) | 0;
      high = (high + epoch + (next >>> 31)) | 0;
      sumLow = next & LOW_31;
      return;
    }
  }
}

/**
 * How many writers there are up to the last one that was ever claimed, given that there are `known` at least: those beyond have no slots.
 * Looks at all of them, as a thread that died while it claimed a writer may have left one in between that looks as if it never was.
 */
export function usedWriters(records: i32, known: i32, writers: i32): i32 {
  for (let writer = writers; writer > known; writer--) {
    const record = records + (writer - 1) * WRITER_RECORD_BYTES;
    // observe: pairs with the CAS in Writer.claim, which comes before all that the writer does.
    if (load(record + WRITER_RECORD_STATE) != WRITER_FREE) return writer;
    if (load(record + WRITER_RECORD_CLAIMS) != 0) return writer;
  }
  return known;
}

/**
 * The slot that an entry leads to; 0 where there is none. An address that no slot can have is none: it comes from anyone who has the handle of
 * the registry, and to follow it would be a trap. `most` is the highest one at which what is read lies in the arena.
 */
function slotOf(entry: i32, most: i32): i32 {
  const slot = load(entry); // observe: pairs with the store in Writer.openSlot.
  return slot > 0 && slot <= most && (slot & SLOT_ALIGN_MASK) == 0 ? slot : 0;
}

/** Writers that have a slot of the series. `entry` is its address in the first directory, `stride` the bytes of a directory. */
export function countSlots(entry: i32, stride: i32, writers: i32, most: i32): i32 {
  let slots = 0;
  for (let writer = 0; writer < writers; writer++) {
    if (slotOf(entry + writer * stride, most) != 0) slots++;
  }
  return slots;
}

/** The sum of `tallies` tallies from `offset` on in the slots of all writers. */
export function sumTallies(entry: i32, stride: i32, writers: i32, offset: i32, tallies: i32, most: i32): i32 {
  begin();
  for (let writer = 0; writer < writers; writer++) {
    const slot = slotOf(entry + writer * stride, most);
    if (slot != 0) {
      const first = slot + offset;
      const end = first + tallies * TALLY_BYTES;
      for (let at = first; at < end; at += TALLY_BYTES) addTallyAt(at);
    }
  }
  return result();
}

/** The sum of the amounts at `offset` in the slots of all writers. */
export function sumAmounts(entry: i32, stride: i32, writers: i32, offset: i32, most: i32): i32 {
  begin();
  for (let writer = 0; writer < writers; writer++) {
    const slot = slotOf(entry + writer * stride, most);
    if (slot != 0) {
      addTallyAt(slot + offset);
      high = (high + load(slot + offset + AMOUNT_LARGE)) | 0;
    }
  }
  return result();
}
