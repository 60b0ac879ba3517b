// A recorder of a tag that each worker counts for itself: plain writes to words that only this thread writes.
//
// What makes it cheap is what it gives up: a thread can not free what another one has allocated, unless that one has sent it
// (`Tracked.transfer`), and there is no exact peak, and no limit, of all workers together. PROTOCOL.md says why that is the price.
import { addAmount, addTally } from '@corelane/shared-memory';
import type { BudgetListeners } from './budget-listeners.ts';
import {
  disposed,
  MemoryBudgetError,
  MemoryOverflowError,
  MemoryUnderflowError,
  TransferError,
} from './errors.ts';
import { FRESH, workerSlot } from './layout.ts';
import type { LeakWatch } from './leak-watch.ts';
import { checkBytes, type OpenRecorder } from './recorder.ts';
import type { BudgetLimits, TagCell } from './tag-cell.ts';
import { lowOf, MAX_BYTES } from './words64.ts';
import { Tracked } from './tracked.ts';
import type { WorkerSlot } from './worker-slot.ts';

const {
  stale: IS_STALE,
  allocated: ALLOCATED,
  freed: FREED,
  allocations: ALLOCATIONS,
  deallocations: DEALLOCATIONS,
  net: NET,
} = workerSlot.word;
/** Nets below it are what the word says; others take the long path. */
const SHORT_BYTES = 2 ** 31;

export class OwnRecorder implements OpenRecorder {
  readonly tag: string;
  readonly scope = 'worker';
  readonly #cell: TagCell;
  readonly #slot: WorkerSlot;
  readonly #words: Int32Array;
  readonly #listeners: BudgetListeners;
  readonly #leaks: LeakWatch | undefined;
  #limits: BudgetLimits;
  #isAbove = false;
  /** The short path is for nets up to #ceiling after an allocation, and up to #peak before a deallocation. */
  #ceiling = -1;
  #peak = -1;
  #closed = false;

  /** Made by a tracker. @internal */
  constructor(cell: TagCell, slot: WorkerSlot, listeners: BudgetListeners, leaks: LeakWatch | undefined) {
    this.tag = cell.tag;
    this.#cell = cell;
    this.#slot = slot;
    this.#words = slot.words;
    this.#listeners = listeners;
    this.#leaks = leaks;
    this.#limits = cell.limits();
    this.#setThresholds(slot.netBytes);
  }

  // Numbers for indexes here and in dealloc: bundlers make variables of constants, which takes twice the time. Words of workerSlot:
  // allocated 2, freed 5, allocations 8, deallocations 10, stale 12, net 13; a test holds them to the layout.
  alloc(bytes: number): void {
    const words = this.#words;
    const net = ((words[13] as number) + bytes) | 0;
    const low = words[2] as number;
    const next = (low + bytes) | 0;
    const count = words[8] as number;
    const nextCount = (count + 1) | 0;
    // One sign for all that asks for the long path: a carry, limits or resets that are new, and what is out of range.
    const signs =
      (next ^ low) | (nextCount ^ count) | (words[12] as number) | bytes | net | (this.#ceiling - net);
    if (signs >= 0 && (bytes | 0) === bytes) {
      // As addTally, without a carry: pairs with readTally.
      words[2] = next;
      words[8] = nextCount;
      words[13] = net;
    } else this.#allocate(bytes, 1);
  }

  dealloc(bytes: number): void {
    const words = this.#words;
    const held = words[13] as number;
    const low = words[5] as number;
    const next = (low + bytes) | 0;
    const net = (held - bytes) | 0;
    const count = words[10] as number;
    const nextCount = (count + 1) | 0;
    // Neither difference wraps where what it is of is in range, and where it is not another sign is set.
    const signs =
      (next ^ low) | (nextCount ^ count) | (words[12] as number) | bytes | held | (this.#peak - held) | net;
    if (signs >= 0 && (bytes | 0) === bytes) {
      words[5] = next;
      words[10] = nextCount;
      words[13] = net;
    } else this.#deallocate(bytes, 1);
  }

  track(bytes: number): Tracked {
    this.alloc(bytes);
    return new Tracked(this, bytes, this.#leaks);
  }

  adjust(bytes: number): void {
    if (bytes >= 0) this.#allocate(bytes, 0);
    else this.#deallocate(-bytes, 0);
  }

  send(bytes: number): void {
    // A sum that a reader makes between both lacks them: it is never more than was held.
    this.#deallocate(bytes, 1);
    this.#cell.send(bytes);
  }

  adopt(bytes: number): void {
    this.#check(bytes);
    if (!this.#cell.adopt(bytes)) throw new TransferError(this.tag, bytes, this.#cell.inTransitBytes);
    try {
      this.#allocate(bytes, 1);
    } catch (error) {
      this.#cell.send(bytes);
      throw error;
    }
  }

  settle(): void {
    this.#check(0);
    this.#follow(this.#slot.netBytes);
  }

  close(): void {
    this.#closed = true;
    this.#setThresholds(Infinity);
  }

  #allocate(bytes: number, count: number, isRetry = false): void {
    this.#check(bytes);
    const currentBytes = this.#slot.netBytes;
    const net = currentBytes + bytes;
    const { hardBytes } = this.#limits;
    if (net > hardBytes || net > MAX_BYTES) {
      if (net > MAX_BYTES) throw new MemoryOverflowError(this.tag, bytes, currentBytes);
      if (!isRetry && this.#listeners.refused(bytes, currentBytes, hardBytes))
        return this.#allocate(bytes, count, true);
      throw new MemoryBudgetError(this.tag, bytes, currentBytes, hardBytes, 'worker');
    }
    // First this, and the amount first where it is freed: a reader between both finds no more than is held in the end. Pairs with readNet.
    Atomics.store(this.#words, NET, lowOf(net));
    addAmount(this.#words, ALLOCATED, bytes);
    addTally(this.#words, ALLOCATIONS, count);
    this.#follow(net);
  }

  #deallocate(bytes: number, count: number): void {
    this.#check(bytes);
    const held = this.#slot.netBytes;
    if (held < bytes) throw new MemoryUnderflowError(this.tag, bytes, held, 'worker');
    // Before it goes down, for readers that would not see it any more: pairs with readPeak.
    if (held > this.#slot.peakBytes) this.#slot.publishPeak(held);
    addAmount(this.#words, FREED, bytes);
    addTally(this.#words, DEALLOCATIONS, count);
    Atomics.store(this.#words, NET, lowOf(held - bytes)); // pairs with readNet
    this.#follow(held - bytes);
  }

  /** The alarm of this worker, which nobody else changes. */
  #follow(net: number): void {
    const { softBytes } = this.#limits;
    const recoverBytes = Math.min(this.#limits.recoverBytes, softBytes);
    const isCrossed = this.#isAbove ? net <= recoverBytes : net > softBytes;
    if (isCrossed) this.#isAbove = !this.#isAbove;
    this.#setThresholds(net);
    if (!isCrossed) return;
    if (this.#isAbove) this.#cell.countCrossing();
    else this.#cell.countRecovery();
    if (this.#isAbove) this.#listeners.crossed('soft', net, softBytes);
    else this.#listeners.crossed('recovered', net, recoverBytes);
  }

  #check(bytes: number): void {
    if (this.#closed) disposed();
    checkBytes(bytes);
    if (this.#words[IS_STALE] !== FRESH) this.#refresh();
  }

  #refresh(): void {
    this.#slot.refresh(this.#slot.netBytes);
    this.#limits = this.#cell.limits();
    this.#setThresholds(this.#slot.netBytes);
  }

  /** Above the soft limit, deallocations take the long path, and look for the end of that; where the net is no short one, all does. */
  #setThresholds(net: number): void {
    const { softBytes, hardBytes } = this.#limits;
    const isShort = net < SHORT_BYTES;
    const most = SHORT_BYTES - 1;
    this.#ceiling = isShort ? Math.min(hardBytes, this.#isAbove ? most : softBytes, most) : -1;
    this.#peak = isShort && !this.#isAbove ? Math.min(this.#slot.peakBytes, most) : -1;
  }
}
