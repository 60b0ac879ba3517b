// Slots that a client keeps for its next tasks: taking one costs nothing that other threads see.
import { NO_SLOT, slotAsk } from './layout.ts';
import { dropValue } from './payload.ts';
import type { SchedulerTable } from './table.ts';

const { client: CLIENT, count: COUNT } = slotAsk.field;
/** Who asked for a slot and has not taken it after that is busy, or gone: nobody waits for it. It asks anew every millisecond. Guessed. */
const PATIENCE_MS = 20;

/** How long a client has nothing in flight before it keeps no more than its share. Guessed: longer than a busy one's pauses. */
const REST_MS = 10;

export class SlotCache {
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #slots: Int32Array;
  #count = 0;
  /** What it keeps while it is idle: all clients together leave some. */
  readonly #share: number;
  readonly #isIdle: () => boolean;
  #resting: NodeJS.Timeout | undefined;
  /** How often it has asked, and the last time, as in the word; 0 where it has been answered. */
  #asks = 0;
  #asked = 0;
  /** Of another client: what it last saw in the word, since when, and what it has answered. */
  #seen = 0;
  #seenMs = 0;
  #answered = 0;

  constructor(table: SchedulerTable, party: number, isIdle: () => boolean) {
    this.#table = table;
    this.#party = party;
    this.#isIdle = isIdle;
    const isAlone = table.maxClients === 1; // nobody else ever needs one
    this.#share = isAlone ? table.slots : Math.floor(table.slots / (table.maxClients + 1));
    this.#slots = new Int32Array(isAlone ? table.slots : Math.max(1, table.slots >> 1));
  }

  /** @returns a slot that the client holds, or NO_SLOT, NOT_OPEN, CLIENT_GONE */
  take(): number {
    if (this.#count > 0) return this.#slots[--this.#count] ?? NO_SLOT;
    if (this.#otherAsks() !== 0) return NO_SLOT;
    const slot = this.#table.kernel.acquireSlot(this.#table.at, this.#party);
    if (slot >= 0 && this.#asked !== 0) {
      Atomics.compareExchange(this.#table.i32, this.#table.starvingWord, this.#asked, 0);
      this.#asked = 0;
    }
    return slot;
  }

  /** This client has tasks that wait, and no slot at all: asks others for one. */
  ask(): void {
    const { i32, starvingWord } = this.#table;
    if (this.#otherAsks() !== 0) return; // its turn comes
    const seen = Atomics.load(i32, starvingWord);
    this.#asks = (this.#asks + 1) & COUNT.mask;
    const ask = (this.#party << CLIENT.shift) | (this.#asks << COUNT.shift);
    // publish: pairs with the load in `otherAsks` of those that have slots. Fails where another one was faster.
    if (Atomics.compareExchange(i32, starvingWord, seen, ask) === seen) this.#asked = ask;
  }

  /** Gives one to a client that has none, though this one has tasks that wait: once each time that it asks. */
  share(): void {
    const ask = this.#otherAsks();
    if (ask === 0 || ask === this.#answered || this.#count === 0) return;
    this.#answered = ask;
    const slot = this.#slots[--this.#count] ?? NO_SLOT;
    this.#table.kernel.releaseSlot(this.#table.at, slot, this.#party);
  }

  /** @returns what another client has asked a short while ago, or 0. What is free is left to it. */
  #otherAsks(): number {
    const ask = Atomics.load(this.#table.i32, this.#table.starvingWord);
    if (ask === 0 || ((ask >>> CLIENT.shift) & CLIENT.mask) === this.#party) return 0;
    const now = performance.now();
    if (ask !== this.#seen) {
      this.#seen = ask;
      this.#seenMs = now;
    }
    return now - this.#seenMs < PATIENCE_MS ? ask : 0;
  }

  /** Keeps a slot whose task has ended, or never began; gives it back where there are enough. */
  keep(slot: number): void {
    if (this.#count < this.#slots.length) this.#slots[this.#count++] = slot;
    else this.#table.kernel.releaseSlot(this.#table.at, slot, this.#party);
  }

  /** Gives back one that is not to be kept. */
  release(slot: number): void {
    this.#table.kernel.releaseSlot(this.#table.at, slot, this.#party);
  }

  /** Its client has nothing in flight: it does not look whether others have none, so it soon keeps its share alone. */
  rest(): void {
    if (this.#count <= this.#share || this.#resting !== undefined) return;
    this.#resting = setTimeout(() => {
      this.#resting = undefined;
      if (this.#isIdle()) this.#keepOnly(this.#share);
    }, REST_MS).unref();
  }

  /** The client is gone: what it kept is not its any more. */
  stop(): void {
    clearTimeout(this.#resting);
    this.#count = 0;
  }

  /** The same with arguments in it that nobody will read. */
  discard(slot: number): void {
    dropValue(this.#table, slot);
    this.keep(slot);
  }

  /** Gives all back where another client found none. */
  feed(): void {
    const { i32, hungryWord } = this.#table;
    if (Atomics.load(i32, hungryWord) === 0) return; // pairs with the store in acquireSlot
    Atomics.store(i32, hungryWord, 0);
    this.#keepOnly(0);
  }

  #keepOnly(most: number): void {
    const { kernel, at } = this.#table;
    while (this.#count > most) kernel.releaseSlot(at, this.#slots[--this.#count] ?? NO_SLOT, this.#party);
  }
}
