// Arguments and results: each value in the cheapest form that carries all of it. README, "Arguments and results", has the costs.
//
// What structured clone carries arrives as it would from there, but that bytes are those of the view alone, Buffers stay Buffers, and an array
// of numbers travels by its elements.
import { cloneCodec, jsonCodec, type Codec } from './codec.ts';
import { decodeError, encodeError } from './error-record.ts';
import { CorruptSlotError, NotCloneableError, PayloadMemoryError } from './errors.ts';
import { exactJson } from './exact-json.ts';
import { payloadKind, slotHead } from './layout.ts';
import { bytesClass, readBytes, readRaw, readShared, writeBytes, writeRaw } from './payload-bytes.ts';
import { cloneFromBytes, cloneToBytes } from './payload-clone.ts';
import {
  BIGINT,
  BYTES,
  CLONE,
  CODEC,
  DATE,
  ERROR,
  FALSE,
  JSON_LATIN1,
  JSON_UTF16,
  LATIN1,
  LINKED,
  NULL,
  NUMBER,
  NUMBERS,
  RECORD,
  SHARED,
  TRUE,
  UNDEFINED,
  UTF16,
  type What,
} from './payload-kind.ts';
import { dropValue, placeOf, roomFor } from './payload-place.ts';
import { readLatin1, readUtf16, writeText } from './payload-text.ts';
import type { PayloadSource } from './ports.ts';
import type { SchedulerTable } from './table.ts';

export { dropValue };

const WORD = slotHead.word;
const { form: FORM, threw: THREW, detail: DETAIL } = payloadKind.field;
const FLOAT_BYTES = 8;
/** Structured clone with shared memory in it. */
const HAS_SHARED = 1;

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
  i32[word + WORD.kind] = write(table, slot, value, what, task);
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
      error = reason;
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

/** @returns the kind */
function write(table: SchedulerTable, slot: number, value: unknown, what: What, task: string): number {
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
    default:
      return writeClone(table, slot, value, what, task);
  }
}

function writeObject(table: SchedulerTable, slot: number, value: object, what: What, task: string): number {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype;
  if (!isPlain && prototype !== Array.prototype) return writeInstance(table, slot, value, prototype, what, task);
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
    const form = writeBytes(table, slot, value as ArrayBufferView, detail, what, task);
    return form < 0 ? writeClone(table, slot, value, what, task) : form | (detail << DETAIL.shift);
  }
  if (prototype === Date.prototype && value instanceof Date) {
    const time = timeOf(value);
    if (time !== undefined) {
      table.f64[roomFor(table, slot, FLOAT_BYTES, what, task) >> 3] = time;
      return DATE;
    }
  }
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
  let cloned: ReturnType<typeof cloneToBytes>;
  try {
    cloned = cloneToBytes(table, value);
  } catch (cause) {
    return writeLinked(table, slot, value, what, task, cause);
  }
  writeRaw(table, slot, cloned.bytes, what, task);
  return cloned.hasShared ? CLONE | (HAS_SHARED << DETAIL.shift) : CLONE;
}

/** What structured clone to bytes refuses a message may carry. */
function writeLinked(
  table: SchedulerTable,
  slot: number,
  value: unknown,
  what: What,
  task: string,
  refusal: unknown,
): number {
  const { link } = table.payloads;
  if (link === undefined) throw new NotCloneableError(what, task, refusal);
  let ticket: number;
  try {
    ticket = link.send(value, slot);
  } catch (cause) {
    throw new NotCloneableError(what, task, cause);
  }
  table.f64[roomFor(table, slot, FLOAT_BYTES, what, task) >> 3] = ticket;
  return LINKED;
}

function read(table: SchedulerTable, slot: number, kind: number, isArguments: boolean): unknown {
  const at = placeOf(table, slot);
  const length = table.i32[table.slotWord(slot) + WORD.lengthBytes] as number;
  const detail = (kind >>> DETAIL.shift) & DETAIL.mask;
  const form = kind & FORM.mask;
  switch (form) {
    case NUMBER:
      return table.f64[at >> 3];
    case UNDEFINED:
      return undefined;
    case NULL:
      return null;
    case FALSE:
      return false;
    case TRUE:
      return true;
    case NUMBERS:
      return readNumbers(table, at >> 3, length >> 3);
    case LATIN1:
      return readLatin1(table, at, length);
    case UTF16:
      return readUtf16(table, at, length);
    case BIGINT:
      return table.buffer.readBigInt64LE(at);
    case DATE:
      return new Date(table.f64[at >> 3] as number);
    default:
  }
  try {
    return readEncoded(table, slot, form, at, length, detail, isArguments);
  } catch (cause) {
    if (cause instanceof CorruptSlotError) throw cause;
    throw new CorruptSlotError(`slot ${slot}: its payload cannot be read`, { cause });
  }
}

function readEncoded(
  table: SchedulerTable,
  slot: number,
  form: number,
  at: number,
  length: number,
  detail: number,
  isArguments: boolean,
): unknown {
  const { payloads } = table;
  const task = table.i32[table.slotWord(slot) + WORD.task] as number;
  switch (form) {
    case BYTES:
      return readBytes(table, at, length, detail, isArguments && payloads.wantsViews(task));
    case SHARED:
      return readShared(table, at, detail);
    case RECORD:
      return payloads.shapes.read(detail, table.f64, at >> 3, length >> 3);
    case JSON_LATIN1:
      return JSON.parse(readLatin1(table, at, length)) as unknown;
    case JSON_UTF16:
      return JSON.parse(readUtf16(table, at, length)) as unknown;
    case CLONE:
      return cloneFromBytes(table, readRaw(table, at, length), detail === HAS_SHARED);
    case CODEC: {
      const codec = payloads.codecOf(task);
      if (codec === undefined) throw new TypeError('this thread does not know the codec of the task');
      return codec.decode(readRaw(table, at, length));
    }
    case ERROR:
      return decodeError(readRaw(table, at, length), payloads.errorsOf(task));
    case LINKED: {
      if (payloads.link === undefined) throw new TypeError('this thread has no link');
      return payloads.link.take(table.f64[at >> 3] as number);
    }
    default:
      throw new CorruptSlotError(`slot ${slot}: payload of form ${form}, expected ${UNDEFINED} to ${LINKED}`);
  }
}

function readNumbers({ f64 }: SchedulerTable, at: number, count: number): number[] {
  const numbers: number[] = [];
  for (let i = 0; i < count; i++) numbers.push(f64[at + i] as number);
  return numbers;
}

function isNumbers(value: object): value is readonly number[] {
  if (!Array.isArray(value)) return false;
  for (const each of value as readonly unknown[]) if (typeof each !== 'number') return false;
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

function isSource(value: object): value is PayloadSource {
  const { give, bytes } = value as { give?: unknown; bytes?: unknown };
  return typeof give === 'function' && bytes instanceof Uint8Array;
}

function isOfRoom(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ERR_PAYLOAD_TOO_LARGE' || code === 'ERR_PAYLOAD_MEMORY';
}
