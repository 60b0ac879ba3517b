// Bytes in a slot or a block: copies of array buffers and of views of them; and shared memory, which stays where it is.
import { BYTES, SHARED, type What } from './payload-kind.ts';
import { isPayloadMemory, placeOf, roomFor } from './payload-place.ts';
import type { SchedulerTable } from './table.ts';

type View = ArrayBufferView & { readonly length?: number };
type ViewClass = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => View;

const Float16 = (globalThis as { Float16Array?: ViewClass }).Float16Array;
/** By detail of the payload's kind. */
const VIEWS: readonly (ViewClass | undefined)[] = [
  Uint8Array,
  undefined, // Buffer
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
  Float16,
];
const BUFFER_CLASS = 1;
const ARRAY_BUFFER_CLASS = 14;
const SHARED_BUFFER_CLASS = 15;
const CLASS_OF = new Map<unknown, number>([
  ...VIEWS.flatMap((each, detail): [unknown, number][] => (each ? [[each.prototype, detail]] : [])),
  [Buffer.prototype, BUFFER_CLASS],
  [ArrayBuffer.prototype, ARRAY_BUFFER_CLASS],
  [SharedArrayBuffer.prototype, SHARED_BUFFER_CLASS],
]);

/** Up to here a loop takes no longer than a call, and up to the second `set` no longer than `copy`. Measured: `npm run costs`. */
const LOOP_BYTES = 24;
const SET_BYTES = 512;
/** Doubles that say where shared memory is. */
const SHARED_BYTES = 24;

const copy = Buffer.prototype.copy as (
  this: Uint8Array,
  target: Uint8Array,
  targetStart: number,
  sourceStart: number,
  sourceEnd: number,
) => number;

/** What the class of bytes is in a payload, or undefined where they are none: subclasses keep their meaning only by structured clone. */
export function bytesClass(value: object, prototype: unknown): number | undefined {
  const found = CLASS_OF.get(prototype);
  if (found === undefined) return undefined;
  if (ArrayBuffer.isView(value)) return found;
  if (found === SHARED_BUFFER_CLASS) return value instanceof SharedArrayBuffer ? found : undefined;
  if (found !== ARRAY_BUFFER_CLASS || !(value instanceof ArrayBuffer)) return undefined;
  return value.resizable || (value as { detached?: boolean }).detached === true ? undefined : found;
}

/** @returns form of the payload, or -1 where it is shared memory that other threads do not know */
export function writeBytes(
  table: SchedulerTable,
  slot: number,
  value: ArrayBufferView | ArrayBuffer | SharedArrayBuffer,
  what: What,
  task: string,
): number {
  const isView = ArrayBuffer.isView(value);
  const buffer = isView ? value.buffer : value;
  const byteOffset = isView ? value.byteOffset : 0;
  const { byteLength } = value;
  const memory = buffer instanceof SharedArrayBuffer ? table.payloads.memories.numberOf(buffer) : -1;
  const isPassing = memory === 0 && isView && isPayloadMemory(table, byteOffset);
  if (memory >= 0 && !isPassing) {
    writeShared(table, slot, memory, byteOffset, byteLength, what, task);
    return SHARED;
  }
  if (buffer instanceof SharedArrayBuffer && memory < 0) {
    const { link } = table.payloads;
    // Structured clone by a message shares it.
    if (what === 'arguments' && link?.lend !== undefined && !buffer.growable) {
      writeShared(table, slot, link.lend(buffer, slot), byteOffset, byteLength, what, task);
      return SHARED;
    }
    if (!isView || link !== undefined) return -1;
  }
  const bytes =
    value instanceof Uint8Array ? value : new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  // What a task was given as a view lies where its result may go.
  copyIn(table, isPassing ? bytes.slice() : bytes, slot, byteLength, what, task);
  return BYTES;
}

function writeShared(
  table: SchedulerTable,
  slot: number,
  memory: number,
  byteOffset: number,
  byteLength: number,
  what: What,
  task: string,
): void {
  const at = roomFor(table, slot, SHARED_BYTES, what, task) >> 3;
  table.f64[at] = memory;
  table.f64[at + 1] = byteOffset;
  table.f64[at + 2] = byteLength;
}

/** Number of the memory that a payload of form SHARED lies in. */
export function memoryOf(table: SchedulerTable, slot: number): number {
  return table.f64[placeOf(table, slot) >> 3] as number;
}

function copyIn(
  table: SchedulerTable,
  bytes: Uint8Array,
  slot: number,
  length: number,
  what: What,
  task: string,
): void {
  const at = roomFor(table, slot, length, what, task);
  if (length > SET_BYTES) copy.call(bytes, table.buffer, at, 0, length);
  else if (length > LOOP_BYTES) table.u8.set(bytes, at);
  else for (let i = 0; i < length; i++) table.u8[at + i] = bytes[i] as number;
}

/** Writes bytes of which nobody needs the class. */
export function writeRaw(
  table: SchedulerTable,
  slot: number,
  bytes: Uint8Array,
  what: What,
  task: string,
): void {
  copyIn(table, bytes, slot, bytes.length, what, task);
}

/** A copy, on memory of its own. */
export function readRaw(table: SchedulerTable, at: number, length: number): Uint8Array<ArrayBuffer> {
  if (length <= SET_BYTES) return table.u8.slice(at, at + length);
  const fresh = Buffer.allocUnsafeSlow(length); // not filled with zeros first, and of an ArrayBuffer of its own
  table.buffer.copy(fresh, 0, at, at + length);
  return new Uint8Array(fresh.buffer);
}

/** @param isShared whether it may be a view of where they lie */
export function readBytes(
  table: SchedulerTable,
  at: number,
  length: number,
  detail: number,
  isShared: boolean,
): unknown {
  if (isShared && detail < ARRAY_BUFFER_CLASS) return viewOf(table.u8.buffer, at, length, detail);
  return bytesFrom(readRaw(table, at, length), detail);
}

/** Bytes that have an ArrayBuffer of their own, as what they were. */
export function bytesFrom(bytes: Uint8Array<ArrayBuffer>, detail: number): unknown {
  if (detail === 0) return bytes;
  return detail === ARRAY_BUFFER_CLASS ? bytes.buffer : viewOf(bytes.buffer, 0, bytes.length, detail);
}

/** A copy of the bytes of a view or buffer, on memory of its own. */
export function copyOfBytes(value: ArrayBufferView | ArrayBuffer): Uint8Array<ArrayBuffer> {
  const bytes = ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
  return new Uint8Array(bytes);
}

/** Shared memory where it is. @throws TypeError, RangeError where there is no such memory */
export function readShared(table: SchedulerTable, at: number, detail: number): unknown {
  const memory = table.payloads.memories.at(table.f64[at >> 3] as number);
  if (memory === undefined) throw new TypeError('shared memory that is not known here');
  if (detail === SHARED_BUFFER_CLASS) return memory;
  const [byteOffset, byteLength] = [table.f64[(at >> 3) + 1] as number, table.f64[(at >> 3) + 2] as number];
  return viewOf(memory, byteOffset, byteLength, detail);
}

/** @throws RangeError, TypeError where there can be no such view */
export function viewOf(
  buffer: ArrayBufferLike,
  byteOffset: number,
  byteLength: number,
  detail: number,
): ArrayBufferView {
  if (detail === BUFFER_CLASS) return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  const Class = VIEWS[detail];
  if (Class === undefined) throw new TypeError(`bytes of class ${detail}`);
  const elementBytes = (Class as unknown as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
  return new Class(buffer, byteOffset, byteLength / elementBytes);
}
