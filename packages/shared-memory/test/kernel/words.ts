// Runs production JavaScript on the model: an Int32Array whose elements are words of the twin, and the Atomics that go with it.
// Under vitest the seam imported here is the twin.
import { get, load, set, store } from '../../kernel/atomics.ts';

const WORD_BYTES = 4;
const real = globalThis.Atomics;

/** Indexing is a plain access of the model memory, from address 0. */
export const modelWords: Int32Array = new Proxy(new Int32Array(0), {
  get: (_, index) => get(Number(index) * WORD_BYTES),
  set: (_, index, value) => {
    set(Number(index) * WORD_BYTES, (value as number) | 0);
    return true;
  },
});

/** Atomics, with loads and stores of `modelWords` as steps of the model. */
export const modelAtomics: typeof Atomics = Object.assign(Object.create(real) as typeof Atomics, {
  load: (words: Int32Array, index: number) =>
    words === modelWords ? load(index * WORD_BYTES) : real.load(words, index),
  store: (words: Int32Array, index: number, value: number) => {
    if (words !== modelWords) return real.store(words, index, value);
    store(index * WORD_BYTES, value);
    return value;
  },
});
