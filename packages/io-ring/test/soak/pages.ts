/** What a file of the soak holds: pages of one stamp each, and a journal of which stamps there may be, for who looks after its writer was killed. */

export const PAGES = 64;
export const PAGE_BYTES = 4096;
const WORDS = PAGE_BYTES / 4;

/** By page, on shared memory. A page has at most one write under way. */
export class Journal {
  /** The last stamp whose write has begun. */
  readonly #begun: Int32Array;
  /** The last stamp whose write was answered. */
  readonly #done: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(2 * PAGES * 4)) {
    this.#begun = new Int32Array(buffer, 0, PAGES);
    this.#done = new Int32Array(buffer, PAGES * 4, PAGES);
  }

  get buffer(): SharedArrayBuffer {
    return this.#begun.buffer as SharedArrayBuffer;
  }

  /** Whether a write is under way, or was cut off. */
  isOpen(page: number): boolean {
    return this.#begun[page] !== this.#done[page];
  }

  /** A new stamp, filled into the bytes that are about to be written. */
  begin(page: number, bytes: Uint8Array): void {
    const stamp = (this.#begun[page] as number) + 1;
    wordsOf(bytes).fill(stamp * PAGES + page);
    Atomics.store(this.#begun, page, stamp);
  }

  end(page: number): void {
    Atomics.store(this.#done, page, this.#begun[page] as number);
  }

  /** What is wrong with bytes that were read of a page: a word that was never written there, or an older one than was answered. */
  problemOf(page: number, bytes: Uint8Array): string | undefined {
    const [done, begun] = [this.#done[page] as number, this.#begun[page] as number];
    for (const [index, word] of wordsOf(bytes).entries()) {
      const [stamp, of] = [Math.floor(word / PAGES), word % PAGES];
      if (of !== page || stamp < done || stamp > begun)
        return `page ${page} has stamp ${stamp} of page ${of} at word ${index}, expected ${done} to ${begun} of its own`;
    }
    return undefined;
  }

  /** After a kill: a page that was cut off keeps what is there, and is written anew. */
  settle(page: number, bytes: Uint8Array): void {
    this.begin(page, bytes);
    this.end(page);
  }
}

function wordsOf(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, WORDS);
}
