// A bare 64-bit word without any rule, and the kernel of the bench on the same arena.
import { Arena } from '@corelane/shared-memory';
import { kernelBase64, type KernelExports } from '../../kernel.generated.ts';

export class BareWord {
  readonly arena: Arena;
  readonly kernel: KernelExports;
  /** Byte address. */
  readonly at: number;
  readonly words: BigUint64Array;

  constructor(arena: Arena = Arena.create({ bytes: 1 << 16 }), at: number = arena.allocate(128)) {
    this.arena = arena;
    this.kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.at = at;
    this.words = new BigUint64Array(arena.u8.buffer);
  }

  /** What is wrong with a word that was counted up from 0 so often, or undefined. */
  check(operations: number): string | undefined {
    const found = Atomics.load(this.words, this.at >> 3);
    return found === BigInt(operations) ? undefined : `the word holds ${found}, expected ${operations}`;
  }
}

/** Counts the word at `index` up by a load and a CAS, `operations` times; returns how many CASes succeeded. */
export function bigintCas(words: BigUint64Array, index: number, operations: number): number {
  let successful = 0;
  for (let operation = 0; operation < operations; operation++) {
    while (true) {
      const word = Atomics.load(words, index);
      if (Atomics.compareExchange(words, index, word, word + 1n) === word) break;
    }
    successful++;
  }
  return successful;
}
