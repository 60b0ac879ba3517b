// Structured clone by node:v8, in which shared memory that all threads know is passed, not copied.
import { DefaultDeserializer, DefaultSerializer } from 'node:v8';
import { bytesClass, viewOf } from './payload-bytes.ts';
import { isPayloadMemory } from './payload-place.ts';
import type { SchedulerTable } from './table.ts';

const COPIED = 0;
const PASSED = 1;

/** What node:v8 calls, beside what its types say. */
interface HostWriter {
  _writeHostObject(view: ArrayBufferView): void;
}
interface HostReader {
  _readHostObject(): unknown;
}

const writeCopy = (DefaultSerializer.prototype as unknown as HostWriter)._writeHostObject;
const readCopy = (DefaultDeserializer.prototype as unknown as HostReader)._readHostObject;

class Writer extends DefaultSerializer {
  readonly #table: SchedulerTable;
  /** Whether what was written leads to shared memory. */
  hasShared = false;

  constructor(table: SchedulerTable) {
    super();
    this.#table = table;
  }

  _writeHostObject(view: ArrayBufferView): void {
    const { memories } = this.#table.payloads;
    const { buffer, byteOffset, byteLength } = view;
    const memory = buffer instanceof SharedArrayBuffer ? memories.numberOf(buffer) : -1;
    const detail = bytesClass(view, Object.getPrototypeOf(view));
    if (memory < 0 || detail === undefined || (memory === 0 && isPayloadMemory(this.#table, byteOffset))) {
      this.writeUint32(COPIED);
      writeCopy.call(this as unknown as HostWriter, view);
      return;
    }
    this.writeUint32(PASSED);
    this.writeUint32(detail);
    this.writeUint32(memory);
    this.writeDouble(byteOffset);
    this.writeDouble(byteLength);
  }

  _getSharedArrayBufferId(memory: SharedArrayBuffer): number {
    const number = this.#table.payloads.memories.numberOf(memory);
    if (number < 0) throw new TypeError('shared memory that is not among the option `memory`');
    this.hasShared = true;
    return number;
  }
}

class Reader extends DefaultDeserializer {
  readonly #table: SchedulerTable;

  constructor(table: SchedulerTable, bytes: Uint8Array, hasShared: boolean) {
    super(bytes);
    this.#table = table;
    const { memories } = table.payloads;
    for (let number = 0; hasShared; number++) {
      const memory = memories.at(number);
      if (memory === undefined) break;
      this.transferArrayBuffer(number, memory as unknown as ArrayBuffer);
    }
  }

  _readHostObject(): unknown {
    if (this.readUint32() === COPIED) return readCopy.call(this as unknown as HostReader);
    const detail = this.readUint32();
    const memory = this.#table.payloads.memories.at(this.readUint32());
    if (memory === undefined) throw new TypeError('shared memory that is not known here');
    return viewOf(memory, this.readDouble(), this.readDouble(), detail);
  }
}

/** @returns the bytes, and whether they lead to shared memory. @throws what node:v8 throws */
export function cloneToBytes(table: SchedulerTable, value: unknown): { bytes: Buffer; hasShared: boolean } {
  const writer = new Writer(table);
  writer.writeHeader();
  writer.writeValue(value);
  return { bytes: writer.releaseBuffer(), hasShared: writer.hasShared };
}

/** @param bytes its own: what it returns may lie in them */
export function cloneFromBytes(table: SchedulerTable, bytes: Uint8Array, hasShared: boolean): unknown {
  const reader = new Reader(table, bytes, hasShared);
  reader.readHeader();
  return reader.readValue();
}
