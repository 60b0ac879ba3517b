// Copies between arrays of this thread and the arena, without a view an operation.
//
// Measured, 64 bytes into the arena: `set` 13 ns aligned and 24 ns not, `copy` 47 ns, a loop over bytes 36 ns. 2048 bytes: `set` 60
// ns aligned and 600 ns not, `copy` 70 ns. Out of it: a loop over 16 words 11 ns, `copy` 27 ns. A `set` of a part would need a view.
import type { Arena } from '@corelane/shared-memory';

/** Up to here an unaligned `set` is faster than `copy`. */
const SET_BYTES = 128;
/** Up to here a loop over bytes is faster than the call of `copy`. */
const LOOP_BYTES = 64;
/** Up to here a loop over words is faster than `copy`. */
const WORDS_BYTES = 128;

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

export class PayloadCopy {
  /** The arena: a Buffer, because its `copy` is faster than one called on a bare Uint8Array. */
  readonly #bytes: Buffer;
  readonly #words: Int32Array;

  constructor(arena: Arena) {
    this.#bytes = Buffer.from(arena.u8.buffer as ArrayBuffer);
    this.#words = arena.i32;
  }

  /** @param at byte address in the arena, a multiple of 8 */
  into(at: number, source: Uint8Array, offset: number, length: number): void {
    const bytes = this.#bytes;
    if (length === 0) return;
    if (length === trueLength.get.call(source) && (length <= SET_BYTES || (source.byteOffset & 7) === 0))
      bytes.set(source, at);
    else if (length <= LOOP_BYTES)
      for (let i = 0; i < length; i++) bytes[at + i] = source[offset + i] as number;
    else copy.call(source, bytes, at, offset, offset + length);
  }

  /** @param at byte address in the arena, a multiple of 4; `target` and `words` are the same memory */
  out(at: number, target: Uint8Array, words: Int32Array, length: number): void {
    if (length > WORDS_BYTES) {
      this.#bytes.copy(target, 0, at, at + length);
      return;
    }
    const from = this.#words;
    const first = at >> 2;
    const count = (length + 3) >> 2;
    for (let i = 0; i < count; i++) words[i] = from[first + i] as number;
  }
}
