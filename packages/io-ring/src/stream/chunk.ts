/** A piece of a file in a buffer that goes back at the next step of the reader, unless it is kept. */
import { IoMemoryError } from '../errors.ts';
import type { PooledBuffer } from '../ports.ts';

export class Chunk<Kind extends PooledBuffer = PooledBuffer> {
  /** Of its first byte in the file; from the start of the stream, for what has no positions. */
  readonly position: number;
  /** Bytes of it. */
  readonly length: number;
  #buffer: Kind | null;

  constructor(buffer: Kind, position: number, length: number) {
    this.#buffer = buffer;
    this.position = position;
    this.length = length;
  }

  /** Its bytes, in place. Good until the next step, or the end, of the reader. @throws IoMemoryError after that */
  get bytes(): Uint8Array {
    if (this.#buffer === null)
      throw new IoMemoryError(
        `the chunk at ${this.position} is over: copy its bytes before the next step, or \`keep\` its buffer`,
      );
    const { bytes } = this.#buffer;
    return this.length === bytes.byteLength ? bytes : bytes.subarray(0, this.length);
  }

  /** Its buffer, which is yours to release: `length` of its bytes are the chunk. @throws IoMemoryError where it is over, or kept already */
  keep(): Kind {
    const buffer = this.#buffer;
    if (buffer === null) throw new IoMemoryError(`the chunk at ${this.position} is over, or kept already`);
    this.#buffer = null;
    return buffer;
  }

  /** The reader has gone on. */
  [Symbol.dispose](): void {
    this.#buffer?.[Symbol.dispose]();
    this.#buffer = null;
  }
}
