// The deque of lock-free (Chase and Lev's) written with JavaScript Atomics: what one writes without Wasm.

export const EMPTY = -0x80000000;
const BOTTOM = 0;
const TOP = 32;
const SLOTS = 64;

export class AtomicsDeque {
  readonly #words: Int32Array;
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#words = new Int32Array(new SharedArrayBuffer(4 * (SLOTS + capacity)));
    this.#capacity = capacity;
  }

  tryPush(value: number): boolean {
    const words = this.#words;
    const bottom = Atomics.load(words, BOTTOM);
    if (((bottom - Atomics.load(words, TOP)) | 0) >= this.#capacity) return false;
    Atomics.store(words, SLOTS + (bottom & (this.#capacity - 1)), value);
    Atomics.store(words, BOTTOM, (bottom + 1) | 0);
    return true;
  }

  tryPop(): number {
    const words = this.#words;
    const bottom = (Atomics.load(words, BOTTOM) - 1) | 0;
    Atomics.store(words, BOTTOM, bottom);
    const top = Atomics.load(words, TOP);
    const left = (bottom - top) | 0;
    const slot = SLOTS + (bottom & (this.#capacity - 1));
    if (left > 0) return Atomics.load(words, slot);
    const won = left === 0 && Atomics.compareExchange(words, TOP, top, (top + 1) | 0) === top;
    const value = won ? Atomics.load(words, slot) : EMPTY;
    Atomics.store(words, BOTTOM, (bottom + 1) | 0);
    return value;
  }

  steal(): number {
    const words = this.#words;
    const top = Atomics.load(words, TOP);
    if (((Atomics.load(words, BOTTOM) - top) | 0) <= 0) return EMPTY;
    const value = Atomics.load(words, SLOTS + (top & (this.#capacity - 1)));
    return Atomics.compareExchange(words, TOP, top, (top + 1) | 0) === top ? value : EMPTY;
  }
}
