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

/** What this worker's slot holds: allocated less freed, and the peak that is published. */
const NET = 0;
const PEAK = 1;

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
  /** NET and PEAK. In an array, since fields box floats. */
  readonly #own = new Float64Array(2);
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
    this.#own[NET] = slot.netBytes;
    this.#own[PEAK] = slot.peakBytes;
    this.#listeners = listeners;
    this.#leaks = leaks;
  }

  // Numbers here and in dealloc, as in OwnRecorder: NET is 0, PEAK is 1, TRACK_DONE is 0.
  alloc(bytes: number): void {
    if (this.#closed || (bytes | 0) !== bytes || bytes < 0) return this.#allocate(bytes, 1);
    const trackAlloc = this.#trackAlloc;
    const outcome = trackAlloc(this.#tagAt, this.#slotAt, bytes, 0, 1);
    if (outcome === 0) this.#own[0] = (this.#own[0] as number) + bytes;
    else this.#finishAllocation(outcome, bytes, 1, false);
  }

  dealloc(bytes: number): void {
    const net = this.#own[0] as number;
    if (this.#closed || (bytes | 0) !== bytes || bytes < 0 || net > (this.#own[1] as number))
      return this.#deallocate(bytes, 1);
    const trackDealloc = this.#trackDealloc;
    const outcome = trackDealloc(this.#tagAt, this.#slotAt, bytes, 0, 1);
    if (outcome === 0) this.#own[0] = net - bytes;
    else this.#finishDeallocation(outcome, bytes);
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
    this.#own[NET] = (this.#own[NET] as number) + bytes;
    if (outcome === TRACK_UNSETTLED) this.settle();
  }

  #deallocate(bytes: number, count: number): void {
    this.#check(bytes);
    const net = this.#own[NET] as number;
    // Before it goes down, for readers that would not see it any more: pairs with readPeak.
    if (net > (this.#own[PEAK] as number)) this.#publishPeak(net);
    const outcome = this.#kernel.trackDealloc(this.#tagAt, this.#slotAt, lowOf(bytes), highOf(bytes), count);
    this.#finishDeallocation(outcome, bytes);
  }

  #finishDeallocation(outcome: number, bytes: number): void {
    if (outcome === TRACK_UNDERFLOW)
      throw new MemoryUnderflowError(this.tag, bytes, observedBytes(this.#kernel), 'shared');
    const net = this.#own[NET] as number;
    if (outcome === TRACK_STALE) {
      // What was held before is the peak since the reset: allocations do not look for one, and they only made it more.
      this.#slot.refresh(net);
      this.#own[PEAK] = this.#slot.peakBytes;
    }
    this.#own[NET] = net - bytes;
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

  #publishPeak(net: number): void {
    this.#slot.publishPeak(net);
    this.#own[PEAK] = net;
  }
}
