// Values on their way into a slot: each in the cheapest form that carries all of it.
import { cloneCodec, jsonCodec, type Codec } from './codec.ts';
import { NotCloneableError } from './errors.ts';
import { exactJson } from './exact-json.ts';
import { hasHostObject } from './host-objects.ts';
import { payloadKind, slotHead } from './layout.ts';
import { bytesClass, writeBytes, writeRaw } from './payload-bytes.ts';
import { cloneToBytes } from './payload-clone.ts';
import {
  BIGINT,
  CLONE,
  CODEC,
  DATE,
  FALSE,
  isSource,
  JSON_LATIN1,
  JSON_UTF16,
  LATIN1,
  NULL,
  NUMBER,
  NUMBERS,
  RECORD,
  TRUE,
  UNDEFINED,
  UTF16,
  type What,
} from './payload-kind.ts';
import { letterWith, writeLetter } from './payload-letter.ts';
import { roomFor } from './payload-place.ts';
import { writeText } from './payload-text.ts';
import type { SchedulerTable } from './table.ts';
import { TaskList } from './task-list.ts';
import { isMoved, transferredBytes, type Moved } from './transfer.ts';

const WORD = slotHead.word;
const { detail: DETAIL, list: LIST } = payloadKind.field;
const FLOAT_BYTES = 8;
/** Bytes of moved buffers that are copied rather than sent; at 256 KiB a message takes as long, or less. Measured: `npm run link-costs`. */
const MOVE_BY_COPY_BYTES = 2 ** 17;

/** @returns the payload's kind. @throws PayloadTooLargeError, PayloadMemoryError, NotCloneableError */
export function write(table: SchedulerTable, slot: number, value: unknown, what: What, task: string): number {
  switch (typeof value) {
    case 'number': {
      table.f64[roomFor(table, slot, FLOAT_BYTES, what, task) >> 3] = value;
      return NUMBER;
    }
    case 'string':
      return writeText(table, slot, value, what, task) ? UTF16 : LATIN1;
    case 'boolean':
      roomFor(table, slot, 0, what, task);
      return value ? TRUE : FALSE;
    case 'undefined':
      roomFor(table, slot, 0, what, task);
      return UNDEFINED;
    case 'bigint':
      return writeBigInt(table, slot, value, what, task);
    case 'object':
      if (value !== null) return writeObject(table, slot, value, what, task);
      roomFor(table, slot, 0, what, task);
      return NULL;
    case 'function':
    case 'symbol':
    default:
      return writeClone(table, slot, value, what, task);
  }
}

function writeObject(table: SchedulerTable, slot: number, value: object, what: What, task: string): number {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype;
  if (!isPlain && prototype !== Array.prototype)
    return writeInstance(table, slot, value, prototype, what, task);
  if (!isPlain && isNumbers(value)) return writeNumbers(table, slot, value, what, task);
  const codec = table.payloads.codecOf(table.i32[table.slotWord(slot) + WORD.task] as number);
  if (codec !== undefined) return writeCoded(table, slot, value, codec, what, task);
  if (isPlain) {
    const { shapes } = table.payloads;
    const shape = shapes.match(value);
    if (shape >= 0) return writeRecord(table, slot, shape, what, task);
  }
  const json = exactJson(value);
  if (json === undefined) return writeClone(table, slot, value, what, task);
  return writeText(table, slot, json, what, task) ? JSON_UTF16 : JSON_LATIN1;
}

/** Of a class that is neither Object nor Array. */
function writeInstance(
  table: SchedulerTable,
  slot: number,
  value: object,
  prototype: unknown,
  what: What,
  task: string,
): number {
  const detail = bytesClass(value, prototype);
  if (detail !== undefined) {
    const form = writeBytes(table, slot, value as ArrayBufferView, what, task);
    return form < 0 ? writeClone(table, slot, value, what, task) : form | (detail << DETAIL.shift);
  }
  if (prototype === Date.prototype && value instanceof Date) {
    const time = timeOf(value);
    if (time !== undefined) {
      table.f64[roomFor(table, slot, FLOAT_BYTES, what, task) >> 3] = time;
      return DATE;
    }
  }
  if (value instanceof TaskList) return write(table, slot, value.items, what, task) | LIST.one;
  if (isMoved(value)) return writeMoved(table, slot, value, what, task);
  if (isSource(value)) {
    const { bytes, length = bytes.length } = value;
    return write(table, slot, bytes.subarray(0, length), what, task);
  }
  const codec = table.payloads.codecOf(table.i32[table.slotWord(slot) + WORD.task] as number);
  return codec === undefined
    ? writeClone(table, slot, value, what, task)
    : writeCoded(table, slot, value, codec, what, task);
}

function writeNumbers(
  table: SchedulerTable,
  slot: number,
  value: readonly number[],
  what: What,
  task: string,
): number {
  const { f64 } = table;
  const { length } = value;
  const at = roomFor(table, slot, length * FLOAT_BYTES, what, task) >> 3;
  for (let i = 0; i < length; i++) f64[at + i] = value[i] as number;
  return NUMBERS;
}

function writeRecord(table: SchedulerTable, slot: number, shape: number, what: What, task: string): number {
  const { f64 } = table;
  const { values, fields } = table.payloads.shapes;
  const at = roomFor(table, slot, fields * FLOAT_BYTES, what, task) >> 3;
  for (let i = 0; i < fields; i++) f64[at + i] = values[i] as number;
  return RECORD | (shape << DETAIL.shift);
}

function writeBigInt(table: SchedulerTable, slot: number, value: bigint, what: What, task: string): number {
  if (BigInt.asIntN(64, value) !== value) return writeClone(table, slot, value, what, task);
  table.buffer.writeBigInt64LE(value, roomFor(table, slot, FLOAT_BYTES, what, task));
  return BIGINT;
}

function writeCoded(
  table: SchedulerTable,
  slot: number,
  value: object,
  codec: Codec,
  what: What,
  task: string,
): number {
  if (codec === cloneCodec) return writeClone(table, slot, value, what, task);
  let bytes: Uint8Array;
  try {
    if (codec === jsonCodec) {
      const json = JSON.stringify(value) as string | undefined;
      if (json === undefined) throw new TypeError('JSON has nothing for it');
      return writeText(table, slot, json, what, task) ? JSON_UTF16 : JSON_LATIN1;
    }
    bytes = codec.encode(value);
    if (!(bytes instanceof Uint8Array)) throw new TypeError('the codec did not return a Uint8Array');
  } catch (cause) {
    if (isOfRoom(cause)) throw cause;
    throw new NotCloneableError(what, task, cause);
  }
  writeRaw(table, slot, bytes, what, task);
  return CODEC;
}

function writeClone(table: SchedulerTable, slot: number, value: unknown, what: What, task: string): number {
  if (hasHostObject(value)) return writeLetter(table, slot, letterWith(value), [], what, task);
  let bytes: Uint8Array;
  try {
    bytes = cloneToBytes(table, value);
  } catch (cause) {
    // What structured clone to bytes refuses a message may carry.
    if (table.payloads.link === undefined) throw new NotCloneableError(what, task, cause);
    return writeLetter(table, slot, letterWith(value), [], what, task);
  }
  writeRaw(table, slot, bytes, what, task);
  return CLONE;
}

/** What is moved: small buffers are taken from their owner and copied, which is faster than a message; all else is transferred by a message. */
function writeMoved(table: SchedulerTable, slot: number, moved: Moved, what: What, task: string): number {
  if (moved.isOwned) return write(table, slot, moved.value, what, task);
  const bytes = transferredBytes(moved);
  if (bytes < 0 || bytes > MOVE_BY_COPY_BYTES)
    return writeLetter(table, slot, letterWith(moved.value), moved.list, what, task, moved);
  try {
    if (moved.list.length > 0) moved.value = structuredClone(moved.value, { transfer: moved.list.slice() });
  } catch (cause) {
    throw new NotCloneableError(what, task, cause);
  }
  moved.isOwned = true; // whatever becomes of this attempt to write it
  return write(table, slot, moved.value, what, task);
}

function isNumbers(value: object): value is readonly number[] {
  if (!Array.isArray(value)) return false;
  const elements = value as readonly unknown[];
  const { length } = elements;
  for (let i = 0; i < length; i++) if (typeof elements[i] !== 'number') return false; // 6 times as fast as for…of
  return true;
}

/** Undefined where it is no date, whatever its prototype says. */
function timeOf(value: Date): number | undefined {
  try {
    return value.getTime();
  } catch {
    return undefined;
  }
}

function isOfRoom(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ERR_PAYLOAD_TOO_LARGE' || code === 'ERR_PAYLOAD_MEMORY';
}
