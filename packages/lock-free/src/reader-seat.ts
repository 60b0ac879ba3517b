// The reader slot of this thread in an object that counts its readers: claimed with the first read.
import type { Arena } from '@corelane/shared-memory';
import { ReadersExhaustedError, StillReadingError } from './errors.ts';
import type { KernelExports } from './kernel.generated.ts';
import { readerSlot, SLOT_IN_USE } from './layout.ts';
import { THIS_THREAD } from './this-thread.ts';

const DEPTH = readerSlot.word.depth;

export class ReaderSeat {
  readonly maxReaders: number;
  readonly #arena: Arena;
  readonly #kernel: KernelExports;
  readonly #slots: number;
  #slot = 0;

  /** @param slots byte address of the first slot */
  constructor(arena: Arena, kernel: KernelExports, slots: number, maxReaders: number) {
    this.#arena = arena;
    this.#kernel = kernel;
    this.#slots = slots;
    this.maxReaders = maxReaders;
  }

  /** Byte address of the slot, claimed where it is not. @throws ReadersExhaustedError */
  get slot(): number {
    return this.#slot === 0 ? this.#claim() : this.#slot;
  }

  /** The slot, or 0 where it was not claimed. */
  get claimed(): number {
    return this.#slot;
  }

  /** Read sections that this thread is in; 0 where this instance has not claimed, though another one may have. */
  get depth(): number {
    return this.#depthAt(this.#slot);
  }

  /** Read sections that this thread is in, through whichever instance. Looks at every slot where this one has not claimed. */
  get depthOfThread(): number {
    return this.#depthAt(this.#slot || this.#kernel.findSlot(this.#slots, this.maxReaders, THIS_THREAD));
  }

  /** @throws StillReadingError */
  leave(): void {
    if (this.#slot === 0) return;
    if (this.#kernel.leaveSlot(this.#slot) === SLOT_IN_USE)
      throw new StillReadingError(THIS_THREAD - 1, 'leave', this.depth);
    this.#slot = 0;
  }

  #depthAt(slot: number): number {
    return slot === 0 ? 0 : (this.#arena.i32[(slot >> 2) + DEPTH] as number);
  }

  #claim(): number {
    this.#slot = this.#kernel.enterSlot(this.#slots, this.maxReaders, THIS_THREAD);
    if (this.#slot === 0) throw new ReadersExhaustedError(THIS_THREAD - 1, this.maxReaders);
    return this.#slot;
  }
}
