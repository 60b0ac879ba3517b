// Arguments and results in a slot. Numbers, arrays of numbers, text in ASCII and bytes are written as they are; everything else by
// structured clone (`v8.serialize`, which costs some microseconds).
import { deserialize, serialize } from 'node:v8';
import { decodeError, encodeError } from './error-record.ts';
import { CorruptSlotError, NotCloneableError, PayloadTooLargeError } from './errors.ts';
import { slotHead } from './layout.ts';
import type { SchedulerTable } from './table.ts';

const UNDEFINED = 1;
const NULL = 2;
const FALSE = 3;
const TRUE = 4;
const NUMBER = 5;
const NUMBERS = 6;
const ASCII = 7;
const BYTES = 8;
const BUFFER = 9;
const CLONE = 10;
/** An error that was thrown, as a record. */
const ERROR = 11;
/** Added to the kind of a value that was thrown. */
const THREW = 16;

/** Arrays of more numbers go by structured clone. */
const MAX_NUMBERS = 64;
const WORD = slotHead.word;
const FLOAT_BYTES = 8;

type What = 'arguments' | 'result';

/** @throws PayloadTooLargeError, NotCloneableError; then the slot holds no payload */
export function writeValue(
  table: SchedulerTable,
  slot: number,
  value: unknown,
  what: What,
  task: string,
): void {
  write(table, slot, value, 0, what, task);
}

/** Writes what a task threw. Never fails: an error that does not fit loses its stack first, then more. */
export function writeThrown(table: SchedulerTable, slot: number, thrown: unknown, task: string): void {
  if (!(thrown instanceof Error)) {
    try {
      write(table, slot, thrown, THREW, 'result', task);
      return;
    } catch (error) {
      put(table, slot, ERROR | THREW, encodeError(error as Error, table.payloadBytes));
      return;
    }
  }
  put(table, slot, ERROR | THREW, encodeError(thrown, table.payloadBytes));
}

/** Whether the payload is something thrown. */
export function isThrown(table: SchedulerTable, slot: number): boolean {
  return ((table.i32[table.slotWord(slot) + WORD.kind] as number) & THREW) !== 0;
}

/** Reads a payload; nothing of what it returns lies in the slot. @throws CorruptSlotError */
export function readValue(table: SchedulerTable, slot: number): unknown {
  const word = table.slotWord(slot);
  const kind = (table.i32[word + WORD.kind] as number) & ~THREW;
  if (kind === NUMBER) return table.f64[((word << 2) + slotHead.bytes) >> 3];
  const length = table.i32[word + WORD.lengthBytes] as number;
  if (length < 0 || length > table.payloadBytes)
    throw new CorruptSlotError(
      `slot ${slot}: payload of ${length} bytes, expected 0 to ${table.payloadBytes}`,
    );
  const at = (word << 2) + slotHead.bytes;
  switch (kind) {
    case UNDEFINED:
      return undefined;
    case NULL:
      return null;
    case FALSE:
      return false;
    case TRUE:
      return true;
    case NUMBERS:
      return Array.from(table.f64.subarray(at >> 3, (at + length) >> 3));
    case ASCII:
      return table.buffer.toString('latin1', at, at + length);
    case BYTES:
      return table.u8.slice(at, at + length);
    case BUFFER:
      return bufferOf(table.u8.slice(at, at + length));
    case CLONE:
      return decode(slot, () => deserialize(table.u8.slice(at, at + length)));
    case ERROR:
      return decode(slot, () => decodeError(table.u8.slice(at, at + length)));
    default:
      throw new CorruptSlotError(`slot ${slot}: payload of kind ${kind}, expected ${UNDEFINED} to ${ERROR}`);
  }
}

function write(
  table: SchedulerTable,
  slot: number,
  value: unknown,
  flags: number,
  what: What,
  task: string,
): void {
  const word = table.slotWord(slot);
  const at = (word << 2) + slotHead.bytes;
  const { i32, f64, payloadBytes } = table;
  if (typeof value === 'number') {
    f64[at >> 3] = value;
    i32[word + WORD.kind] = NUMBER | flags;
    i32[word + WORD.lengthBytes] = FLOAT_BYTES;
    return;
  }
  let kind: number;
  let lengthBytes = 0;
  if (value === undefined) kind = UNDEFINED;
  else if (value === null) kind = NULL;
  else if (typeof value === 'boolean') kind = value ? TRUE : FALSE;
  else if (isNumbers(value) && value.length * FLOAT_BYTES <= payloadBytes) {
    kind = NUMBERS;
    lengthBytes = value.length * FLOAT_BYTES;
    for (let i = 0; i < value.length; i++) f64[(at >> 3) + i] = value[i] as number;
  } else if (typeof value === 'string' && isAscii(value, payloadBytes)) {
    kind = ASCII;
    lengthBytes = table.buffer.write(value, at, payloadBytes, 'latin1');
  } else if (isBytes(value)) {
    if (value.length > payloadBytes) throw new PayloadTooLargeError(what, task, value.length, payloadBytes);
    kind = Buffer.isBuffer(value) ? BUFFER : BYTES;
    lengthBytes = value.length;
    table.u8.set(value, at);
  } else {
    const bytes = clone(value, what, task);
    if (bytes.length > payloadBytes) throw new PayloadTooLargeError(what, task, bytes.length, payloadBytes);
    put(table, slot, CLONE | flags, bytes);
    return;
  }
  i32[word + WORD.kind] = kind | flags;
  i32[word + WORD.lengthBytes] = lengthBytes;
}

function put(table: SchedulerTable, slot: number, kind: number, bytes: Uint8Array): void {
  const word = table.slotWord(slot);
  table.u8.set(bytes, (word << 2) + slotHead.bytes);
  table.i32[word + WORD.kind] = kind;
  table.i32[word + WORD.lengthBytes] = bytes.length;
}

function clone(value: unknown, what: What, task: string): Buffer {
  try {
    return serialize(value);
  } catch (cause) {
    throw new NotCloneableError(what, task, cause);
  }
}

function decode(slot: number, read: () => unknown): unknown {
  try {
    return read();
  } catch (cause) {
    throw new CorruptSlotError(`slot ${slot}: its payload cannot be read`, { cause });
  }
}

function isNumbers(value: unknown): value is readonly number[] {
  if (!Array.isArray(value) || value.length > MAX_NUMBERS) return false;
  for (const each of value) if (typeof each !== 'number') return false;
  return true;
}

/** Bytes of its own class: subclasses of Uint8Array keep their meaning only by structured clone. */
function isBytes(value: unknown): value is Uint8Array {
  if (!(value instanceof Uint8Array)) return false;
  return value.constructor === Uint8Array || Buffer.isBuffer(value);
}

function isAscii(text: string, most: number): boolean {
  return text.length <= most && Buffer.byteLength(text, 'utf8') === text.length;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
