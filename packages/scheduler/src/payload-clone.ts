// Structured clone by node:v8, in which shared memory that all threads know is passed, not copied.
import type { DefaultDeserializer, DefaultSerializer } from 'node:v8';
import { nodeV8 } from './node-v8.ts';
import { bytesClass, viewOf } from './payload-bytes.ts';
import { isPayloadMemory } from './payload-place.ts';
import type { SchedulerTable } from './table.ts';

const UNKNOWN_MEMORY = 'shared memory that bytes can not name';
const COPIED = 0;
const PASSED = 1;

type Writing = new (table: SchedulerTable) => DefaultSerializer;
type Reading = new (table: SchedulerTable, bytes: Uint8Array) => DefaultDeserializer;

/** With node:v8, when a value is cloned first. */
let classes: { readonly Writer: Writing; readonly Reader: Reading } | undefined;

function defineClasses(): { readonly Writer: Writing; readonly Reader: Reading } {
  const v8 = nodeV8();
  /** The classes of node:v8 with what their types leave out. */
  const HostWriter = v8.DefaultSerializer as unknown as new () => DefaultSerializer & {
    _writeHostObject(view: ArrayBufferView): void;
  };
  const HostReader = v8.DefaultDeserializer as unknown as new (bytes: Uint8Array) => DefaultDeserializer & {
    _readHostObject(): unknown;
  };

  class Writer extends HostWriter {
    readonly #table: SchedulerTable;

    constructor(table: SchedulerTable) {
      super();
      this.#table = table;
    }

    override _writeHostObject(view: ArrayBufferView): void {
      const { memories, link } = this.#table.payloads;
      const { buffer, byteOffset, byteLength } = view;
      const memory = buffer instanceof SharedArrayBuffer ? memories.numberOf(buffer) : -1;
      // Structured clone by a message shares it.
      if (buffer instanceof SharedArrayBuffer && memory < 0 && link !== undefined)
        throw new TypeError(UNKNOWN_MEMORY);
      const detail = bytesClass(view, Object.getPrototypeOf(view));
      if (memory < 0 || detail === undefined || (memory === 0 && isPayloadMemory(this.#table, byteOffset))) {
        this.writeUint32(COPIED);
        super._writeHostObject(view);
        return;
      }
      this.writeUint32(PASSED);
      this.writeUint32(detail);
      this.writeUint32(memory);
      this.writeDouble(byteOffset);
      this.writeDouble(byteLength);
    }

    /** As a whole, within other values: `Deserializer` of node:v8 has no way to give it back, whatever its documentation says. */
    _getSharedArrayBufferId(): never {
      throw new TypeError(UNKNOWN_MEMORY);
    }
  }

  class Reader extends HostReader {
    readonly #table: SchedulerTable;

    constructor(table: SchedulerTable, bytes: Uint8Array) {
      super(bytes);
      this.#table = table;
    }

    override _readHostObject(): unknown {
      if (this.readUint32() === COPIED) return super._readHostObject();
      const detail = this.readUint32();
      const memory = this.#table.payloads.memories.at(this.readUint32());
      if (memory === undefined) throw new TypeError('shared memory that is not known here');
      return viewOf(memory, this.readDouble(), this.readDouble(), detail);
    }
  }
  return { Writer, Reader };
}

/** @throws what node:v8 throws */
export function cloneToBytes(table: SchedulerTable, value: unknown): Buffer {
  const { Writer } = (classes ??= defineClasses());
  const writer = new Writer(table);
  writer.writeHeader();
  writer.writeValue(value);
  return writer.releaseBuffer();
}

/** @param bytes its own: what it returns may lie in them */
export function cloneFromBytes(table: SchedulerTable, bytes: Uint8Array): unknown {
  const { Reader } = (classes ??= defineClasses());
  const reader = new Reader(table, bytes);
  reader.readHeader();
  return reader.readValue();
}
