// A recorder of a tag that all workers share: one word for all, changed by CAS.
import { disposed, MemoryOverflowError, MemoryUnderflowError, MemoryBudgetError } from './errors.ts';
import type { BudgetListeners } from './budget-listeners.ts';
import type { KernelExports } from './kernel.generated.ts';
import {
  ALARM_RAISED,
  ALARM_SETTLED,
  TRACK_DONE,
  TRACK_REFUSED,
  TRACK_STALE,
  TRACK_UNDERFLOW,
  TRACK_UNSETTLED,
} from './layout.ts';
import type { LeakWatch } from './leak-watch.ts';
import { checkBytes, type OpenRecorder } from './recorder.ts';
import type { TagCell } from './tag-cell.ts';
import { highOf, lowOf, MAX_BYTES, observedBytes } from './words64.ts';
import { Tracked } from './tracked.ts';
import type { WorkerSlot } from './worker-slot.ts';

/** What fits into a small integer of V8, whatever it is compiled for. */
const MAX_ROOM_BYTES = 2 ** 30 - 1;

export class SharedRecorder implements OpenRecorder {
  readonly tag: string;
  readonly scope = 'shared';
  readonly #kernel: KernelExports;
  /** Of the kernel, whose exports are an object that is slow to look into. */
  readonly #trackAlloc: KernelExports['trackAlloc'];
  readonly #trackDealloc: KernelExports['trackDealloc'];
  readonly #cell: TagCell;
  readonly #tagAt: number;
  readonly #slot: WorkerSlot;
  readonly #slotAt: number;
  /**
   * At most by how much the published peak is above what this worker holds. Below 0: it may have to be published before something is freed.
   * A small integer, as fields box floats, and what it would be too large for it just stays below.
   */
  #roomBytes = -1;
  readonly #listeners: BudgetListeners;
  readonly #leaks: LeakWatch | undefined;
  #closed = false;

  /** Made by a tracker. @internal */
  constructor(
    kernel: KernelExports,
    cell: TagCell,
    slot: WorkerSlot,
    listeners: BudgetListeners,
    leaks: LeakWatch | undefined,
  ) {
    this.tag = cell.tag;
    this.#kernel = kernel;
    this.#trackAlloc = kernel.trackAlloc;
    this.#trackDealloc = kernel.trackDealloc;
    this.#cell = cell;
    this.#tagAt = cell.at;
    this.#slot = slot;
    this.#slotAt = slot.at;
    this.#listeners = listeners;
    this.#leaks = leaks;
  }

  // Numbers here and in dealloc, as in OwnRecorder: TRACK_DONE is 0, MAX_ROOM_BYTES 2^30 - 1.
  alloc(bytes: number): void {
    if (this.#closed || (bytes | 0) !== bytes || bytes < 0) return this.#allocate(bytes, 1);
    const trackAlloc = this.#trackAlloc;
    const outcome = trackAlloc(this.#tagAt, this.#slotAt, bytes, 0, 1);
    if (outcome !== 0) return this.#finishAllocation(outcome, bytes, 1, false);
    const room = this.#roomBytes;
    if (room >= 0) this.#roomBytes = bytes > room ? -1 : room - bytes;
  }

  dealloc(bytes: number): void {
    const room = this.#roomBytes;
    if (this.#closed || (bytes | 0) !== bytes || bytes < 0 || room < 0) return this.#deallocate(bytes, 1);
    const trackDealloc = this.#trackDealloc;
    const outcome = trackDealloc(this.#tagAt, this.#slotAt, bytes, 0, 1);
    if (outcome !== 0) return this.#finishDeallocation(outcome, bytes);
    if (bytes <= 1073741823 - room) this.#roomBytes = room + bytes;
  }

  track(bytes: number): Tracked {
    this.alloc(bytes);
    return new Tracked(this, bytes, this.#leaks);
  }

  adjust(bytes: number): void {
    if (bytes >= 0) this.#allocate(bytes, 0);
    else this.#deallocate(-bytes, 0);
  }

  /** They are held by all workers together, before as after. */
  send(): void {
    this.#check(0);
  }

  adopt(): void {
    this.#check(0);
  }

  close(): void {
    this.#closed = true;
  }

  #allocate(bytes: number, count: number, isRetry = false): void {
    this.#check(bytes);
    const outcome = this.#kernel.trackAlloc(this.#tagAt, this.#slotAt, lowOf(bytes), highOf(bytes), count);
    this.#finishAllocation(outcome, bytes, count, isRetry);
  }

  #finishAllocation(outcome: number, bytes: number, count: number, isRetry: boolean): void {
    if (outcome === TRACK_REFUSED) return this.#refuse(bytes, count, isRetry);
    this.#look();
    if (outcome === TRACK_UNSETTLED) this.settle();
  }

  #deallocate(bytes: number, count: number): void {
    this.#check(bytes);
    const net = this.#slot.netBytes;
    // Before it goes down, for readers that would not see it any more: pairs with readPeak.
    if (net > this.#slot.peakBytes) this.#slot.publishPeak(net);
    const outcome = this.#kernel.trackDealloc(this.#tagAt, this.#slotAt, lowOf(bytes), highOf(bytes), count);
    this.#finishDeallocation(outcome, bytes);
  }

  #finishDeallocation(outcome: number, bytes: number): void {
    if (outcome === TRACK_UNDERFLOW)
      throw new MemoryUnderflowError(this.tag, bytes, observedBytes(this.#kernel), 'shared');
    // What was held before is the peak since the reset: allocations do not look for one, and they only made it more.
    if (outcome === TRACK_STALE) this.#slot.refresh(this.#slot.netBytes + bytes);
    this.#look();
    if (outcome !== TRACK_DONE) this.settle();
  }

  /** Brings the alarm in line with what is held, and tells who listens on this thread. */
  settle(): void {
    this.#check(0);
    while (true) {
      const change = this.#kernel.settleAlarm(this.#tagAt);
      if (change === ALARM_SETTLED) return;
      const limits = this.#cell.limits();
      if (change === ALARM_RAISED)
        this.#listeners.crossed('soft', this.#cell.currentBytes(), limits.softBytes);
      else this.#listeners.crossed('recovered', this.#cell.currentBytes(), limits.recoverBytes);
    }
  }

  /** @throws MemoryBudgetError, MemoryOverflowError */
  #refuse(bytes: number, count: number, isRetry: boolean): void {
    const currentBytes = observedBytes(this.#kernel);
    const { hardBytes } = this.#cell.limits();
    if (currentBytes + bytes > MAX_BYTES) throw new MemoryOverflowError(this.tag, bytes, currentBytes);
    if (!isRetry && this.#listeners.refused(bytes, currentBytes, hardBytes))
      this.#allocate(bytes, count, true);
    else throw new MemoryBudgetError(this.tag, bytes, currentBytes, hardBytes, 'shared');
  }

  #check(bytes: number): void {
    if (this.#closed) disposed();
    checkBytes(bytes);
  }

  /** After what the short paths do not follow. */
  #look(): void {
    const room = this.#slot.peakBytes - this.#slot.netBytes;
    this.#roomBytes = Math.max(-1, Math.min(room, MAX_ROOM_BYTES)) | 0;
  }
}
