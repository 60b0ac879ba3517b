// A count that goes up and down, on any thread: what one thread adds another may take away.
import { addAmount, repairTally } from '@corelane/shared-memory';
import { ArgumentRangeError, disposed } from './errors.ts';
import { upDownSlot } from './layout.ts';
import { RELEASED, type SlotHandle, type SlotSource } from './slot-handle.ts';

const UP = upDownSlot.word.up;
const DOWN = upDownSlot.word.down;

/** Two counts, up and down, of which the value is the difference; so the counts of a thread that ended still balance. */
export class UpDownCounter implements SlotHandle {
  #words: Int32Array = RELEASED;
  readonly #source: SlotSource;

  /** Made by a registry. @internal */
  constructor(source: SlotSource) {
    this.#source = source;
    this.#words = source.open(upDownSlot.bytes, undefined, (words) => {
      repairTally(words, UP);
      repairTally(words, DOWN);
    });
  }

  /** Adds `n` steps, an integer from 0 to 2^53 - 1. @throws ArgumentRangeError, RegistryDisposedError */
  inc(n = 1): void {
    this.#add(UP, n);
  }

  /** Takes away `n` steps, an integer from 0 to 2^53 - 1. @throws ArgumentRangeError, RegistryDisposedError */
  dec(n = 1): void {
    this.#add(DOWN, n);
  }

  #add(at: number, n: number): void {
    const words = this.#words;
    const low = words[at] as number;
    const next = (low + n) | 0;
    if ((n | 0) === n && n >= 0 && (next ^ low) >= 0 && words !== RELEASED) words[at] = next;
    else this.#addSlowly(at, n);
  }

  #addSlowly(at: number, n: number): void {
    if (this.#words === RELEASED) disposed();
    if (!Number.isSafeInteger(n) || n < 0)
      throw new ArgumentRangeError('n', n, 'an integer from 0 to 2^53 - 1');
    addAmount(this.#words, at, n);
  }

  /** The sum over all writers, in units. */
  total(): number {
    return this.#source.total();
  }

  /** @internal */
  close(): void {
    this.#words = RELEASED;
  }
}
