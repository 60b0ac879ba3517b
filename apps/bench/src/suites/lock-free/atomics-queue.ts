// The queue of lock-free (Vyukov's) written with JavaScript Atomics: what one writes without Wasm.

export const EMPTY = -0x80000000;
const HEAD = 0;
const TAIL = 32;
const CELLS = 64;

export class AtomicsQueue {
  readonly #words: Int32Array;
  readonly #capacity: number;

  /** @param words of a queue of the same capacity, for another thread */
  constructor(capacity: number, words?: Int32Array) {
    this.#capacity = capacity;
    this.#words = words ?? new Int32Array(new SharedArrayBuffer(4 * (CELLS + 2 * capacity)));
    if (words === undefined) for (let i = 0; i < capacity; i++) this.#words[CELLS + 2 * i] = i;
  }

  get words(): Int32Array {
    return this.#words;
  }

  tryPush(value: number): boolean {
    const words = this.#words;
    let position = Atomics.load(words, TAIL);
    while (true) {
      const cell = CELLS + 2 * (position & (this.#capacity - 1));
      const lead = (Atomics.load(words, cell) - position) | 0;
      if (lead < 0) return false;
      if (lead > 0) {
        position = Atomics.load(words, TAIL);
        continue;
      }
      const seen = Atomics.compareExchange(words, TAIL, position, (position + 1) | 0);
      if (seen === position) {
        words[cell + 1] = value;
        Atomics.store(words, cell, (position + 1) | 0);
        return true;
      }
      position = seen;
    }
  }

  tryPop(): number {
    const words = this.#words;
    let position = Atomics.load(words, HEAD);
    while (true) {
      const cell = CELLS + 2 * (position & (this.#capacity - 1));
      const lead = (Atomics.load(words, cell) - ((position + 1) | 0)) | 0;
      if (lead < 0) return EMPTY;
      if (lead > 0) {
        position = Atomics.load(words, HEAD);
        continue;
      }
      const seen = Atomics.compareExchange(words, HEAD, position, (position + 1) | 0);
      if (seen === position) {
        const value = words[cell + 1] as number;
        Atomics.store(words, cell, (position + this.#capacity) | 0);
        return value;
      }
      position = seen;
    }
  }
}
