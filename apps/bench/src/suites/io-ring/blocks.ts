// Blocks of 4 KiB that say which they are, in the first and in the last word, and an order to read them in.

export const BLOCK_BYTES = 4096;
const BLOCK_WORDS = BLOCK_BYTES / 4;
/** A power of two. 128 MiB: more than the caches of the processor hold. */
export const FILE_BLOCKS = 1 << 15;
export const FILE_BYTES = FILE_BLOCKS * BLOCK_BYTES;

/** Page-aligned shared memory, as O_DIRECT wants it: see the README of platform. */
export function allocate(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes, { maxByteLength: bytes }), 0, bytes);
}

export function wordsOf({ buffer, byteOffset, byteLength }: Uint8Array): Int32Array {
  return new Int32Array(buffer, byteOffset, byteLength / 4);
}

/** Makes the first `count` blocks of `words` those from `first` on. */
export function writeBlocks(words: Int32Array, first: number, count: number): void {
  for (let index = 0; index < count; index++) {
    const block = first + index;
    words.fill(block, index * BLOCK_WORDS, (index + 1) * BLOCK_WORDS);
    words[(index + 1) * BLOCK_WORDS - 1] = ~block;
  }
}

/** Whether block `block` lies at block `lane` of `words`. */
export function isBlock(words: Int32Array, lane: number, block: number): boolean {
  return words[lane * BLOCK_WORDS] === block && words[(lane + 1) * BLOCK_WORDS - 1] === ~block;
}

/** Every block once before one comes again, in no order that anybody reads ahead in; the same as in native/uring.c. */
export class BlockOrder {
  #state = 1;

  next(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) & (FILE_BLOCKS - 1);
    return this.#state;
  }
}
