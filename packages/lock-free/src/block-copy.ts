// Copies between arrays of this thread and the arena, without a view an operation.
//
// Tried and rejected: `set` of a subarray, which allocates the subarray; a loop over few words, no faster between two threads; a
// loop over bytes, 16 times slower at 256 bytes.
import { ArgumentRangeError, type Arena } from '@corelane/shared-memory';

/** Guessed: up to here a loop takes no longer than the call of `copy`, some 30 ns. */
const LOOP_BYTES = 24;
/**
 * A `copy` moves at most so much: above some 2 KB the C library takes to string instructions, which need not be fast on lines that
 * another core has just written. Guessed; group `spsc-1024` of the bench's suite `lock-free` shows it does no harm.
 */
const COPY_BYTES = 1024;

const copy = Buffer.prototype.copy as (
  this: Uint8Array,
  target: Uint8Array,
  targetStart: number,
  sourceStart: number,
  sourceEnd: number,
) => number;

/** The length that `set` goes by, whatever a subclass says. */
const trueLength = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  'length',
) as unknown as { get(this: Uint8Array): number };

export class BlockCopy {
  /** The arena: a Buffer, because its `copy` is faster than one called on a bare Uint8Array. */
  readonly #arena: Buffer;
  #lastBlock: Int32Array | undefined;
  #lastBytes: Uint8Array = new Uint8Array();

  constructor(arena: Arena) {
    this.#arena = Buffer.from(arena.u8.buffer as ArrayBuffer);
  }

  /** @param at byte address in the arena */
  into(at: number, source: Uint8Array, offset: number, length: number): void {
    const arena = this.#arena;
    if (length <= LOOP_BYTES) for (let i = 0; i < length; i++) arena[at + i] = source[offset + i] as number;
    else if (length === trueLength.get.call(source) && ((source.byteOffset ^ at) & 7) === 0)
      arena.set(source, at);
    else
      for (let done = 0; done < length; done += COPY_BYTES) {
        const end = done + COPY_BYTES < length ? done + COPY_BYTES : length;
        copy.call(source, arena, at + done, offset + done, offset + end);
      }
  }

  /** @param at byte address in the arena */
  out(at: number, target: Uint8Array, offset: number, length: number): void {
    const arena = this.#arena;
    if (length <= LOOP_BYTES) for (let i = 0; i < length; i++) target[offset + i] = arena[at + i] as number;
    else
      for (let done = 0; done < length; done += COPY_BYTES) {
        const end = done + COPY_BYTES < length ? done + COPY_BYTES : length;
        arena.copy(target, offset + done, at + done, at + end);
      }
  }

  /** The bytes of a block of words. Makes a view where it is another block than last time. */
  bytesOf(block: Int32Array): Uint8Array {
    if (block !== this.#lastBlock) {
      this.#lastBlock = block;
      this.#lastBytes = new Uint8Array(block.buffer, block.byteOffset, block.byteLength);
    }
    return this.#lastBytes;
  }
}

/** @throws ArgumentRangeError where `offset` and `length` are not of a part of `block` */
export function checkPart(block: ArrayLike<number>, offset: number, length: number): void {
  const size = block.length;
  if (offset !== (offset | 0) || offset < 0 || offset > size)
    throw new ArgumentRangeError('offset', offset, `an integer from 0 to ${size}`);
  if (length !== (length | 0) || length < 0 || length > size - offset)
    throw new ArgumentRangeError('length', length, `an integer from 0 to ${size - offset}`);
}
