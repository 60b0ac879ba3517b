// Runs production JavaScript on the model: an Int32Array whose elements are words of the twin, and the Atomics that go with it.
// Under vitest the seam imported here is the twin.
import { get, load, set, store } from '@corelane/shared-memory/kernel/atomics';

const WORD_BYTES = 4;

/** Indexing is a plain access of the model memory, from address 0. */
export const modelWords: Int32Array = new Proxy(new Int32Array(0), {
  get: (_, index) => get(Number(index) * WORD_BYTES),
  set: (_, index, value) => {
    set(Number(index) * WORD_BYTES, (value as number) | 0);
    return true;
  },
});

export const modelAtomics: Pick<typeof Atomics, 'load' | 'store'> = {
  load: ((_: unknown, index: number) => load(index * WORD_BYTES)) as typeof Atomics.load,
  store: ((_: unknown, index: number, value: number) => {
    store(index * WORD_BYTES, value);
    return value;
  }) as typeof Atomics.store,
};
