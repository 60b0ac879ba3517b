// Arguments and results: each value in the cheapest form that carries all of it. README, "Arguments and results", has the costs.
//
// What structured clone carries arrives as it would from there, but that bytes are those of the view alone, Buffers stay Buffers, and an array
// of numbers travels by its elements.
import { encodeError } from './error-record.ts';
import { NotCloneableError, PayloadMemoryError, PayloadTooLargeError } from './errors.ts';
import { payloadKind, slotHead } from './layout.ts';
import { memoryOf, writeRaw } from './payload-bytes.ts';
import { ERROR, LINKED, NUMBER, SHARED, type What } from './payload-kind.ts';
import { NO_LINE_YET, writeOverflow } from './payload-letter.ts';
import { dropValue } from './payload-place.ts';
import { read } from './payload-read.ts';
import { write } from './payload-write.ts';
import { isLent } from './shared-memories.ts';
import type { SchedulerTable } from './table.ts';

export { dropValue };

const WORD = slotHead.word;
const { form: FORM, threw: THREW, list: LIST } = payloadKind.field;

/**
 * Writes a value into a slot that this thread has for itself; its word `task` says of which task it is.
 * @throws PayloadTooLargeError, PayloadMemoryError, NotCloneableError; then the slot holds no payload
 */
export function writeValue(
  table: SchedulerTable,
  slot: number,
  value: unknown,
  what: What,
  task: string,
): void {
  const { i32 } = table;
  const word = table.slotWord(slot);
  if (typeof value === 'number') {
    if (i32[word + WORD.block] !== 0) table.kernel.freeBlock(table.at, slot);
    table.f64[((word << 2) + slotHead.bytes) >> 3] = value;
    i32[word + WORD.kind] = NUMBER;
    return;
  }
  i32[word + WORD.kind] = table.payloads.sendsLarge
    ? writeAny(table, slot, value, what, task)
    : write(table, slot, value, what, task);
}

function writeAny(table: SchedulerTable, slot: number, value: unknown, what: What, task: string): number {
  try {
    return write(table, slot, value, what, task);
  } catch (error) {
    if (!(error instanceof PayloadTooLargeError)) throw error;
    return writeOverflow(table, slot, value, what, task);
  }
}

/** Whether the payload goes by a message port, or needs memory that does. */
export function isLinked(table: SchedulerTable, slot: number): boolean {
  const form = (table.i32[table.slotWord(slot) + WORD.kind] as number) & FORM.mask;
  return form === LINKED || (form === SHARED && needsMemory(table, slot));
}

/** Whether it lies in memory that its client lends, and that is not here. */
function needsMemory(table: SchedulerTable, slot: number): boolean {
  const number = memoryOf(table, slot);
  return isLent(number) && !table.payloads.memories.has(number);
}

/** Whether the arguments are those of many tasks: see TaskList. */
export function isList(table: SchedulerTable, slot: number): boolean {
  return ((table.i32[table.slotWord(slot) + WORD.kind] as number) & LIST.one) !== 0;
}

/** Writes a result. Where there is no memory for it, it goes by a message port. @throws PayloadTooLargeError, NotCloneableError, NO_LINE_YET */
export function writeResult(table: SchedulerTable, slot: number, value: unknown, task: string): void {
  try {
    writeValue(table, slot, value, 'result', task);
  } catch (error) {
    if (!(error instanceof PayloadMemoryError) || table.payloads.link === undefined) throw error;
    table.i32[table.slotWord(slot) + WORD.kind] = writeOverflow(table, slot, value, 'result', task);
  }
}

/** Writes what a task threw. Never fails: an error for which there is no room loses its stack first, then more. */
export function writeThrown(table: SchedulerTable, slot: number, thrown: unknown, task: string): void {
  const kind = table.slotWord(slot) + WORD.kind;
  let error = thrown;
  if (!(thrown instanceof Error)) {
    try {
      table.i32[kind] = write(table, slot, thrown, 'result', task) | THREW.one;
      return;
    } catch (reason) {
      const lacksLine = reason === NO_LINE_YET;
      error = lacksLine ? new NotCloneableError('result', task, whatWasThrown(thrown)) : reason;
    }
  }
  try {
    writeRaw(table, slot, encodeError(error as Error, table.payloadBytes), 'result', task);
  } catch (reason) {
    if (!(reason instanceof PayloadMemoryError)) throw reason;
    writeRaw(table, slot, encodeError(error as Error, table.inlineBytes), 'result', task);
  }
  table.i32[kind] = ERROR | THREW.one;
}

function whatWasThrown(thrown: unknown): TypeError {
  return new TypeError(`it threw what is no error, and no slot can hold: a ${typeof thrown}`);
}

/** Whether the payload is something thrown. */
export function isThrown(table: SchedulerTable, slot: number): boolean {
  return ((table.i32[table.slotWord(slot) + WORD.kind] as number) & THREW.one) !== 0;
}

/**
 * Reads the arguments of a task; they stay in the slot until its result is written. Nothing of what it returns lies there, but where the task
 * wants views. @throws CorruptSlotError
 */
export function readValue(table: SchedulerTable, slot: number): unknown {
  const word = table.slotWord(slot);
  const kind = table.i32[word + WORD.kind] as number;
  if (kind === NUMBER) return table.f64[((word << 2) + slotHead.bytes) >> 3];
  return read(table, slot, kind, true);
}

/** Reads a payload that stays. Nothing of what it returns lies there. @throws CorruptSlotError */
export function copyValue(table: SchedulerTable, slot: number): unknown {
  const kind = table.i32[table.slotWord(slot) + WORD.kind] as number;
  return kind === NUMBER
    ? table.f64[((table.slotWord(slot) << 2) + slotHead.bytes) >> 3]
    : read(table, slot, kind, false);
}

/** Reads a result and gives its memory back. Nothing of what it returns lies there. @throws CorruptSlotError */
export function takeValue(table: SchedulerTable, slot: number): unknown {
  const word = table.slotWord(slot);
  const kind = table.i32[word + WORD.kind] as number;
  if (kind === NUMBER) return table.f64[((word << 2) + slotHead.bytes) >> 3];
  try {
    return read(table, slot, kind, false);
  } finally {
    dropValue(table, slot);
  }
}
