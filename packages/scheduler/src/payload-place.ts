// Where a payload lies: in its slot, or in a block of the slab that the slot has.
import { CorruptSlotError, PayloadMemoryError, PayloadTooLargeError } from './errors.ts';
import { NO_BLOCK, slotHead } from './layout.ts';
import type { What } from './payload-kind.ts';
import { classFor } from './slab.ts';
import type { SchedulerTable } from './table.ts';

const WORD = slotHead.word;

/**
 * Makes room for a payload of so many bytes in a slot that this thread has for itself, and notes its length. What lay there is lost.
 * @returns its byte address, a multiple of 8
 * @throws PayloadTooLargeError, PayloadMemoryError
 */
export function roomFor(
  table: SchedulerTable,
  slot: number,
  bytes: number,
  what: What,
  task: string,
): number {
  const word = table.slotWord(slot);
  const { i32, slab } = table;
  if (bytes <= table.inlineBytes) {
    if (i32[word + WORD.block] !== 0) table.kernel.freeBlock(table.at, slot);
    i32[word + WORD.lengthBytes] = bytes;
    return (word << 2) + slotHead.bytes;
  }
  if (bytes > table.payloadBytes || slab === undefined)
    throw new PayloadTooLargeError(what, task, bytes, table.payloadBytes);
  const block = table.kernel.takeBlock(table.at, slot, classFor(bytes));
  if (block === NO_BLOCK) throw new PayloadMemoryError(what, task, bytes, slab.memoryBytes);
  i32[word + WORD.lengthBytes] = bytes;
  return slab.addressOf(block, bytes);
}

/** Byte address of the payload in a slot. @throws CorruptSlotError where its length or block can not be */
export function placeOf(table: SchedulerTable, slot: number): number {
  const word = table.slotWord(slot);
  const bytes = table.i32[word + WORD.lengthBytes] as number;
  const block = table.i32[word + WORD.block] as number;
  if (block === 0) {
    if (bytes >= 0 && bytes <= table.inlineBytes) return (word << 2) + slotHead.bytes;
    throw corrupt(slot, bytes, table.inlineBytes);
  }
  const at = bytes < 0 ? -1 : (table.slab?.addressOf(block, bytes) ?? -1);
  if (at < 0) throw corrupt(slot, bytes, table.payloadBytes);
  return at;
}

/** Gives the memory of a payload that nobody wants back. The slot is this thread's. */
export function dropValue(table: SchedulerTable, slot: number): void {
  if (table.i32[table.slotWord(slot) + WORD.block] !== 0) table.kernel.freeBlock(table.at, slot);
}

/** Whether memory of the arena is that of payloads: what lies there does not stay. */
export function isPayloadMemory(table: SchedulerTable, address: number): boolean {
  return table.holdsSlot(address) || table.slab?.holds(address) === true;
}

function corrupt(slot: number, bytes: number, most: number): CorruptSlotError {
  return new CorruptSlotError(`slot ${slot}: payload of ${bytes} bytes, expected 0 to ${most} where it lies`);
}
