// What one worker has recorded under one tag: its writer's side.
import type { KernelExports } from './kernel.generated.ts';
import { EPOCH_MASK, FRESH, workerSlot } from './layout.ts';
import { netOf, raisePeak, repairSlot } from './slot-words.ts';
import type { TagCell } from './tag-cell.ts';
import { readEpoch } from './words64.ts';
import type { TrackerTable } from './table.ts';

/**
 * The slot of the worker that this thread holds.
 *
 * The peak is published only before something is freed: while nothing is, readers see it in what is held. So a worker that only
 * allocates does not pay for a peak that rises with each record.
 */
export class WorkerSlot {
  readonly at: number;
  /** The words of the slot. */
  readonly words: Int32Array;
  /** The peak that is published. In an array, since fields box floats. */
  readonly #peak = new Float64Array(1);
  readonly #kernel: KernelExports;
  readonly #cell: TagCell;
  #resets: number;

  constructor(table: TrackerTable, kernel: KernelExports, cell: TagCell, worker: number) {
    this.at = table.slotAt(worker, cell.index);
    this.words = table.arena.i32.subarray(this.at >> 2, (this.at + workerSlot.bytes) >> 2);
    this.#kernel = kernel;
    this.#cell = cell;
    repairSlot(this.words);
    Atomics.store(this.words, workerSlot.word.stale, FRESH); // as in refresh
    this.#resets = cell.resets;
    const { epoch, bytes } = readEpoch(kernel, this.at + workerSlot.offset.peak);
    if (epoch === (this.#resets & EPOCH_MASK)) this.#peak[0] = bytes;
    else this.publishPeak(this.netBytes);
  }

  /** Allocated less freed. */
  get netBytes(): number {
    return netOf(this.words);
  }

  /** The peak that is published. */
  get peakBytes(): number {
    return this.#peak[0] as number;
  }

  publishPeak(bytes: number): void {
    const peak = Math.max(0, bytes);
    this.#peak[0] = peak;
    raisePeak(this.#kernel, this.at, this.#resets, peak);
  }

  /** Follows what has changed: where the peaks were reset, `heldBytes` are the peak. */
  refresh(heldBytes: number): void {
    // Before it looks: what changes after that makes it stale again. Pairs with TagCell.
    Atomics.store(this.words, workerSlot.word.stale, FRESH);
    const { resets } = this.#cell;
    if (resets === this.#resets) return;
    this.#resets = resets;
    this.publishPeak(heldBytes);
  }
}
