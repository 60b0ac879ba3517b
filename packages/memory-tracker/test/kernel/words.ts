// Runs production JavaScript on the model: an Int32Array whose elements are words of the twin, its parts, and the Atomics that go with
// them. Under vitest the seam imported here is the twin.
import { add, compareExchange, get, load, set, store } from '@corelane/shared-memory/kernel/atomics';

const WORD_BYTES = 4;
const real = globalThis.Atomics;
const bases = new WeakMap<object, number>();

function part(base: number): Int32Array {
  const words: Int32Array = new Proxy(new Int32Array(0), {
    get: (_, index) =>
      index === 'subarray' ? (from: number) => part(base + from) : get((base + Number(index)) * WORD_BYTES),
    set: (_, index, value) => {
      set((base + Number(index)) * WORD_BYTES, (value as number) | 0);
      return true;
    },
  });
  bases.set(words, base);
  return words;
}

/** Indexing is a plain access of the model memory, from address 0. */
export const modelWords: Int32Array = part(0);

const at = (words: Int32Array, index: number): number => ((bases.get(words) as number) + index) * WORD_BYTES;

/** Atomics of `modelWords`, and of parts of it, as steps of the model. */
export const modelAtomics: typeof Atomics = Object.assign(Object.create(real) as typeof Atomics, {
  load: (words: Int32Array, index: number) =>
    bases.has(words) ? load(at(words, index)) : real.load(words, index),
  store: (words: Int32Array, index: number, value: number) => {
    if (!bases.has(words)) return real.store(words, index, value);
    store(at(words, index), value);
    return value;
  },
  add: (words: Int32Array, index: number, value: number) => add(at(words, index), value),
  compareExchange: (words: Int32Array, index: number, expected: number, desired: number) =>
    compareExchange(at(words, index), expected, desired),
});
