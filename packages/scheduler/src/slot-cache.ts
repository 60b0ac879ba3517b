// Slots that a client keeps for its next tasks: taking one costs nothing that other threads see.
import { NO_SLOT } from './layout.ts';
import { dropValue } from './payload.ts';
import type { SchedulerTable } from './table.ts';

export class SlotCache {
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #slots: Int32Array;
  #count = 0;

  constructor(table: SchedulerTable, party: number) {
    this.#table = table;
    this.#party = party;
    this.#slots = new Int32Array(Math.max(1, table.slots >> 1));
  }

  /** @returns a slot that the client holds, or NO_SLOT, NOT_OPEN, CLIENT_GONE */
  take(): number {
    if (this.#count > 0) return this.#slots[--this.#count] ?? NO_SLOT;
    return this.#table.kernel.acquireSlot(this.#table.at, this.#party);
  }

  /** Keeps a slot whose task has ended, or never began; gives it back where there are enough. */
  keep(slot: number): void {
    if (this.#count < this.#slots.length) this.#slots[this.#count++] = slot;
    else this.#table.kernel.releaseSlot(this.#table.at, slot, this.#party);
  }

  /** The same with arguments in it that nobody will read. */
  discard(slot: number): void {
    dropValue(this.#table, slot);
    this.keep(slot);
  }

  /** Gives all back where another client found none. */
  feed(): void {
    const { kernel, at, i32, hungryWord } = this.#table;
    if (Atomics.load(i32, hungryWord) === 0) return; // pairs with the store in acquireSlot
    Atomics.store(i32, hungryWord, 0);
    while (this.#count > 0) kernel.releaseSlot(at, this.#slots[--this.#count] ?? NO_SLOT, this.#party);
  }
}
