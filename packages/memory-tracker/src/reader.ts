// Reads what all workers have recorded, at any time, without a message to any of them.
import type { Arena } from '@corelane/shared-memory';
import { watchBudgets, type BudgetChange, type BudgetWatchOptions, type TagState } from './budget-watch.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { EPOCH_SHIFT, tagCell } from './layout.ts';
import { readSum } from './own-sum.ts';
import {
  sumFigures,
  type MemorySnapshot,
  type TagBudget,
  type TagMemory,
  type WorkerMemory,
} from './snapshot.ts';
import { TrackerTable, type MemoryTrackerHandle } from './table.ts';
import { TagCell, type BudgetLimits } from './tag-cell.ts';
import { highOf, lowOf, readEpoch } from './words64.ts';
import { readCounts, readPeak, type SlotFigures } from './slot-words.ts';

interface Peaks {
  readonly peakBytes: number;
  readonly peakBytesAtLeast: number;
  readonly peakBytesAtMost: number;
}

/** The reading side of a tracker: claims no worker. Nothing here blocks anyone. */
export class MemoryReader {
  readonly handle: MemoryTrackerHandle;
  readonly #table: TrackerTable;
  readonly #kernel: KernelExports;
  readonly #cells: TagCell[] = [];

  /** Made by `attach` and by trackers. @internal */
  constructor(table: TrackerTable) {
    this.handle = table.handle;
    this.#table = table;
    this.#kernel = table.arena.kernel<KernelExports>({ base64: kernelBase64 });
  }

  /** @throws AttachError */
  static attach(handle: MemoryTrackerHandle, arena?: Arena): MemoryReader {
    return new MemoryReader(TrackerTable.open(handle, arena));
  }

  /** Everything as plain data. Each figure is right; all together are not of one moment, as threads go on meanwhile. */
  read(): MemorySnapshot {
    const tags = Array.from({ length: this.#table.names.size }, (_, tag) => this.#readTag(tag));
    const sum = (figure: 'currentBytes' | 'peakBytesAtMost'): number =>
      tags.reduce((all, tag) => all + tag[figure], 0);
    return {
      takenAtMs: Date.now(),
      tags,
      totals: {
        ...sumFigures(tags),
        currentBytes: sum('currentBytes'),
        peakBytesAtMost: sum('peakBytesAtMost'),
      },
      workers: Array.from({ length: this.#table.workers }, (_, worker) => this.#table.stateOf(worker)),
    };
  }

  /** Bytes held under a tag now; 0 where nobody has used it. */
  currentBytes(tag: string): number {
    const index = this.#table.names.find(tag);
    if (index < 0) return 0;
    const cell = this.#cell(index);
    if (cell.scope !== 'worker') return cell.currentBytes();
    return readSum(this.#table.arena, this.#table.slotsOf(index), 'worker').bytes + cell.inTransitBytes;
  }

  /**
   * What becomes of the limits of all tags, from now on: an element for each tag whose soft limit was crossed, either way, or whose hard
   * limit has refused something, since the last element about it. Crossings that follow each other quickly may be one element.
   * Ends with `signal`, whose reason it throws. It keeps the process alive only with `ref`.
   */
  watchBudgets(options: BudgetWatchOptions = {}): AsyncGenerator<BudgetChange, never, void> {
    const states = (): TagState[] =>
      Array.from({ length: this.#table.names.size }, (_, index) => {
        const { tag, alarm, recoveries, refusals } = this.#cell(index);
        return { tag, alarm, recoveries, refusals, read: () => this.#readTag(index) };
      });
    return watchBudgets(this.#table, states, options);
  }

  #readTag(index: number): TagMemory {
    const cell = this.#cell(index);
    const { tag, scope = 'shared', inTransitBytes } = cell;
    const slotsAt = this.#table.slotsOf(index);
    const own = readSum(this.#table.arena, slotsAt, scope);
    const { resets } = cell;
    const byWorker = slotsAt
      .map((at, worker) => this.#readSlot(worker, at, resets, own.slots[worker] as SlotFigures))
      .filter(({ allocations, deallocations }) => allocations + deallocations > 0);
    const isByWorker = scope === 'worker';
    const currentBytes = isByWorker ? own.bytes + inTransitBytes : cell.currentBytes();
    const peaks = isByWorker
      ? this.#peaksByWorker(cell, own.isOfOneMoment ? own.bytes + inTransitBytes : 0, byWorker)
      : this.#sharedPeaks(cell, currentBytes);
    return {
      tag,
      scope,
      currentBytes,
      ...peaks,
      inTransitBytes,
      ...sumFigures(byWorker),
      budget: budgetOf(cell, isByWorker ? byWorker.map(({ netBytes }) => netBytes) : undefined),
      byWorker,
    };
  }

  /** @param currentBytes read before the peak, which is then at least that, unless an allocation, or a reset, is between the two now */
  #sharedPeaks(cell: TagCell, currentBytes: number): Peaks {
    const { epoch } = readEpoch(this.#kernel, cell.at + tagCell.offset.current);
    const peak = readEpoch(this.#kernel, cell.at + tagCell.offset.peak);
    const peakBytes = Math.max(currentBytes, peak.epoch === epoch ? peak.bytes : 0);
    return { peakBytes, peakBytesAtLeast: peakBytes, peakBytesAtMost: peakBytes };
  }

  /** @param sumBytes a sum of one moment, or 0 */
  #peaksByWorker(cell: TagCell, sumBytes: number, byWorker: readonly WorkerMemory[]): Peaks {
    const { offset } = tagCell;
    const { epoch } = readEpoch(this.#kernel, cell.at + offset.current);
    const high = highOf(sumBytes) | (epoch << EPOCH_SHIFT);
    // publish: pairs with other readers.
    if (sumBytes > 0) this.#kernel.raise(cell.at + offset.peak, lowOf(sumBytes), high);
    const seen = readEpoch(this.#kernel, cell.at + offset.peak);
    const peaks = byWorker.map(({ peakBytes }) => peakBytes);
    const peakBytesAtLeast = Math.max(seen.epoch === epoch ? seen.bytes : 0, ...peaks, 0);
    const sumOfPeaks = peaks.reduce((sum, peak) => sum + peak, 0);
    const peakBytesAtMost = Math.max(sumOfPeaks, peakBytesAtLeast);
    return { peakBytes: peakBytesAtLeast, peakBytesAtLeast, peakBytesAtMost };
  }

  #readSlot(worker: number, at: number, resets: number, bytes: SlotFigures): WorkerMemory {
    const { allocations, deallocations } = readCounts(this.#table.arena, at);
    return {
      worker,
      netBytes: bytes.netBytes,
      peakBytes: readPeak(this.#kernel, at, resets, bytes.netBytes),
      allocatedBytes: bytes.allocatedBytes,
      freedBytes: bytes.freedBytes,
      allocations,
      deallocations,
      live: allocations - deallocations,
    };
  }

  #cell(index: number): TagCell {
    return (this.#cells[index] ??= new TagCell(this.#table, this.#kernel, index));
  }
}

function finite(bytes: number): number | null {
  return bytes === Infinity ? null : bytes;
}

/** @param nets of the workers of a tag by worker */
function budgetOf(cell: TagCell, nets: readonly number[] | undefined): TagBudget | null {
  const limits: BudgetLimits = cell.limits();
  const { softBytes, recoverBytes, hardBytes } = limits;
  const { alarm, refusals } = cell;
  if (softBytes === Infinity && hardBytes === Infinity && alarm === 0 && refusals === 0) return null;
  return {
    softBytes: finite(softBytes),
    recoverBytes: softBytes === Infinity ? null : finite(recoverBytes),
    hardBytes: finite(hardBytes),
    isAboveSoft: nets === undefined ? (alarm & 1) === 1 : nets.some((net) => net > softBytes),
    softCrossings: (alarm + 1) >>> 1,
    refusals,
  };
}
