// Runs production JavaScript that reads with Atomics on the model. Under vitest the seam imported here is the twin.
import { load } from '@corelane/shared-memory/kernel/atomics';

const WORD_BYTES = 4;
const real = globalThis.Atomics;

/** Stands for the model memory: `modelAtomics` reads it from address 0. */
export const modelWords = new Int32Array(0);

/** Atomics, with loads of `modelWords` as steps of the model. */
export const modelAtomics: typeof Atomics = Object.assign(Object.create(real) as typeof Atomics, {
  load: (words: Int32Array, index: number) =>
    words === modelWords ? load(index * WORD_BYTES) : real.load(words, index),
});
