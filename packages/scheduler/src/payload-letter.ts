// Payloads that go by a message port: values that bytes can not carry, what is moved, and results for which there is no memory.
import type { Transferable } from 'node:worker_threads';
import { cloneCodec, jsonCodec } from './codec.ts';
import { NotCloneableError } from './errors.ts';
import { slotHead } from './layout.ts';
import { bytesClass, copyOfBytes } from './payload-bytes.ts';
import { BYTES, CODEC, isSource, JSON_UTF16, LINKED, type What } from './payload-kind.ts';
import { roomFor } from './payload-place.ts';
import type { SchedulerTable } from './table.ts';
import { isMoved, type Moved } from './transfer.ts';
import { NO_LINE, type Letter } from './value-link.ts';

const FLOAT_BYTES = 8;

/** Thrown by a worker that has no line to the client yet: nothing was sent, and it may try again when there is one. */
export const NO_LINE_YET = new Error('there is no line to the client yet');

/** @returns the payload's kind. @throws NotCloneableError, NO_LINE_YET; then nothing was transferred */
export function writeLetter(
  table: SchedulerTable,
  slot: number,
  letter: Letter,
  transfers: readonly Transferable[],
  what: What,
  task: string,
  moved?: Moved,
): number {
  const { link } = table.payloads;
  let ticket: number;
  try {
    if (link === undefined) throw new TypeError('there is no message port here');
    ticket = link.send(letter, transfers, slot, moved);
  } catch (cause) {
    throw new NotCloneableError(what, task, cause);
  }
  if (ticket === NO_LINE) throw NO_LINE_YET;
  table.f64[roomFor(table, slot, FLOAT_BYTES, what, task) >> 3] = ticket;
  return LINKED;
}

/** The value as it is: what arrives is a structured clone. */
export function letterWith(value: unknown): Letter {
  return { form: LINKED, detail: 0, value };
}

/** Writes a value for which shared memory has no room. @throws NotCloneableError, NO_LINE_YET */
export function writeOverflow(
  table: SchedulerTable,
  slot: number,
  value: unknown,
  what: What,
  task: string,
): number {
  const given = isMoved(value) ? value.value : value;
  const letter = letterOf(table, slot, given);
  const transfers = letter.form === BYTES ? [(letter.value as Uint8Array<ArrayBuffer>).buffer] : [];
  return writeLetter(table, slot, letter, transfers, what, task);
}

/** What arrives is what would arrive by shared memory. */
function letterOf(table: SchedulerTable, slot: number, value: unknown): Letter {
  if (typeof value !== 'object' || value === null || value instanceof Date) return letterWith(value);
  const detail = bytesClass(value, Object.getPrototypeOf(value));
  if (detail !== undefined) return { form: BYTES, detail, value: copyOfBytes(value as ArrayBufferView) };
  if (isSource(value)) {
    const { bytes, length = bytes.length } = value;
    return { form: BYTES, detail: 0, value: copyOfBytes(bytes.subarray(0, length)) };
  }
  if (Array.isArray(value) && value.every((each) => typeof each === 'number')) return letterWith(value);
  const codec = table.payloads.codecOf(table.i32[table.slotWord(slot) + slotHead.word.task] as number);
  if (codec === undefined || codec === cloneCodec) return letterWith(value);
  if (codec === jsonCodec) return { form: JSON_UTF16, detail: 0, value: JSON.stringify(value) };
  return { form: CODEC, detail: 0, value: codec.encode(value) };
}
