// A counter's handle on its slot: one plain write an increment.
import { addAmount, amount, repairTally } from '@corelane/shared-memory';
import { ArgumentRangeError, disposed } from './errors.ts';
import { RELEASED, type SlotHandle, type SlotSource } from './slot-handle.ts';

/** A count that only goes up. */
export class Counter implements SlotHandle {
  /** The words of this slot. */
  #words: Int32Array = RELEASED;
  readonly #source: SlotSource;

  /** Made by a registry. @internal */
  constructor(source: SlotSource) {
    this.#source = source;
    this.#words = source.open(amount.bytes, undefined, (words) => repairTally(words, 0));
  }

  /**
   * Counts `n` steps, 1 by default: an integer from 0 to 2^53 - 1. Allocates nothing, never blocks, has no effect on other threads.
   * @throws ArgumentRangeError, RegistryDisposedError
   */
  inc(n = 1): void {
    const words = this.#words;
    const low = words[0] as number; // amount.word.low
    const next = (low + n) | 0;
    if ((n | 0) === n && n >= 0 && (next ^ low) >= 0) words[0] = next;
    else this.#incSlowly(n);
  }

  #incSlowly(n: number): void {
    if (this.#words === RELEASED) disposed();
    if (!Number.isSafeInteger(n) || n < 0)
      throw new ArgumentRangeError('n', n, 'an integer from 0 to 2^53 - 1');
    addAmount(this.#words, 0, n);
  }

  /** What all writers have counted, in units. */
  total(): number {
    return this.#source.total();
  }

  /** @internal */
  close(): void {
    this.#words = RELEASED;
  }
}
