// The shared words of one tag: what is held, its limits, its peaks, and whom it is counted by.
import { ParkingSpot, type Arena } from '@corelane/shared-memory';
import { TagScopeError } from './errors.ts';
import type { KernelExports } from './kernel.generated.ts';
import {
  SCOPE_NONE,
  SCOPE_SHARED,
  SCOPE_WORKER,
  STALE,
  tagCell,
  trackerRoot,
  TRACK_DONE,
  workerSlot,
} from './layout.ts';
import { raisePeak, readBytes } from './slot-words.ts';
import { highOf, lowOf, MAX_BYTES, read64 } from './words64.ts';
import type { TrackerTable } from './table.ts';
import type { TagScope } from './tag-scope.ts';

/** Limits of a tag, or of each worker of a tag by worker. `Infinity`: none. */
export interface BudgetLimits {
  /** Above so many bytes the alarm is raised, once. */
  readonly softBytes: number;
  /** At so many bytes or less it ends. */
  readonly recoverBytes: number;
  /** An allocation that would make it more is refused. */
  readonly hardBytes: number;
}

export class TagCell {
  readonly tag: string;
  readonly index: number;
  readonly at: number;
  /** The words of the cell. */
  readonly words: Int32Array;
  readonly #kernel: KernelExports;
  readonly #spot: ParkingSpot;
  readonly #arena: Arena;
  readonly #slotsAt: readonly number[];

  constructor(table: TrackerTable, kernel: KernelExports, index: number) {
    this.tag = table.names.nameOf(index);
    this.index = index;
    this.at = table.tagAt(index);
    this.words = table.arena.i32.subarray(this.at >> 2, (this.at + tagCell.bytes) >> 2);
    this.#kernel = kernel;
    this.#arena = table.arena;
    this.#slotsAt = table.slotsOf(index);
    this.#spot = ParkingSpot.over(table.arena, table.at + trackerRoot.offset.budgetSpot);
  }

  /** Undefined before the first thread has used the tag. */
  get scope(): TagScope | undefined {
    const scope = Atomics.load(this.words, tagCell.word.scope);
    return scope === SCOPE_NONE ? undefined : scope === SCOPE_WORKER ? 'worker' : 'shared';
  }

  /** Settles the scope, for all threads and for good, unless it is. @throws TagScopeError where it is another one than is wanted */
  settleScope(wanted: TagScope | undefined): TagScope {
    const code = wanted === 'worker' ? SCOPE_WORKER : SCOPE_SHARED;
    Atomics.compareExchange(this.words, tagCell.word.scope, SCOPE_NONE, code); // pairs with itself: the first one sets it
    const found = this.scope as TagScope;
    if (wanted !== undefined && found !== wanted) throw new TagScopeError(this.tag, found, wanted);
    return found;
  }

  /** Bytes held by all workers of a shared tag. */
  currentBytes(): number {
    return read64(this.#kernel, this.at + tagCell.offset.current);
  }

  limits(): BudgetLimits {
    const read = (field: 'soft' | 'recover' | 'hard'): number => {
      const bytes = read64(this.#kernel, this.at + tagCell.offset[field]);
      return bytes === MAX_BYTES ? Infinity : bytes;
    };
    return { softBytes: read('soft'), recoverBytes: read('recover'), hardBytes: read('hard') };
  }

  setLimits({ softBytes, recoverBytes, hardBytes }: BudgetLimits): void {
    const put = (field: 'soft' | 'recover' | 'hard', bytes: number): void => {
      const stored = Math.min(bytes, MAX_BYTES);
      this.#kernel.put64(this.at + tagCell.offset[field], lowOf(stored), highOf(stored));
    };
    put('hard', hardBytes);
    put('recover', recoverBytes);
    put('soft', softBytes);
    this.#outdate();
  }

  /** Begins an epoch: peaks are what is held now. */
  resetPeaks(): void {
    this.#kernel.resetPeak(this.at);
    // publish: pairs with the loads in WorkerSlot
    const resets = (Atomics.add(this.words, tagCell.word.resets, 1) + 1) | 0;
    // For workers that do not record: epochs come back after 2^11 resets, and their peaks would with them.
    const scope = this.scope ?? 'shared';
    for (const at of this.#slotsAt) {
      const { netBytes } = readBytes(this.#arena, at, scope);
      raisePeak(this.#kernel, at, resets, netBytes);
    }
    this.#outdate();
  }

  /** Recorders of all workers look at limits and resets anew with their next record. */
  #outdate(): void {
    // publish: pairs with WorkerSlot.refresh, and with the plain reads of recorders.
    for (const at of this.#slotsAt) Atomics.store(this.#arena.i32, (at >> 2) + workerSlot.word.stale, STALE);
  }

  /** Resets of the peaks so far. */
  get resets(): number {
    return Atomics.load(this.words, tagCell.word.resets);
  }

  /** One crossing of one worker's soft limit. */
  countCrossing(): void {
    Atomics.add(this.words, tagCell.word.alarm, 2);
  }

  /** The end of one worker's alarm. */
  countRecovery(): void {
    Atomics.add(this.words, tagCell.word.recoveries, 1);
  }

  /** Ends of alarms of workers of a tag by worker. */
  get recoveries(): number {
    return Atomics.load(this.words, tagCell.word.recoveries);
  }

  countRefusal(): void {
    Atomics.add(this.words, tagCell.word.refusals, 1);
  }

  /** Tells threads that wait in `watchBudgets`. */
  announce(): void {
    this.#spot.unpark(Infinity);
  }

  /** Odd while a shared tag is above its soft limit. */
  get alarm(): number {
    return Atomics.load(this.words, tagCell.word.alarm);
  }

  get refusals(): number {
    return Atomics.load(this.words, tagCell.word.refusals) >>> 0;
  }

  get inTransitBytes(): number {
    return read64(this.#kernel, this.at + tagCell.offset.inTransit);
  }

  send(bytes: number): void {
    this.#kernel.addBytes(this.at + tagCell.offset.inTransit, lowOf(bytes), highOf(bytes));
  }

  /** @returns false where less is in transit */
  adopt(bytes: number): boolean {
    return (
      this.#kernel.takeBytes(this.at + tagCell.offset.inTransit, lowOf(bytes), highOf(bytes)) === TRACK_DONE
    );
  }
}
