// Reads what all workers have recorded, at any time, without a message to any of them.
import { readAmount, readTally, type Arena } from '@corelane/shared-memory';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { tagCell, workerSlot } from './layout.ts';
import { read64 } from './recorder.ts';
import { sumFigures, type MemorySnapshot, type TagMemory, type WorkerMemory } from './snapshot.ts';
import { TrackerTable, type MemoryTrackerHandle } from './table.ts';

/** The reading side of a tracker: claims no worker. Nothing here blocks anyone. */
export class MemoryReader {
  readonly handle: MemoryTrackerHandle;
  readonly #table: TrackerTable;
  readonly #kernel: KernelExports;

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
    const sum = (figure: 'currentBytes' | 'peakBytes'): number =>
      tags.reduce((all, tag) => all + tag[figure], 0);
    return {
      takenAtMs: Date.now(),
      tags,
      totals: { ...sumFigures(tags), currentBytes: sum('currentBytes'), peakBytesAtMost: sum('peakBytes') },
      workers: Array.from({ length: this.#table.workers }, (_, worker) => this.#table.stateOf(worker)),
    };
  }

  /** Bytes held under a tag now; 0 where nobody has used it. */
  currentBytes(tag: string): number {
    const index = this.#table.names.find(tag);
    return index < 0 ? 0 : read64(this.#kernel, this.#table.tagAt(index) + tagCell.offset.current);
  }

  #readTag(tag: number): TagMemory {
    const at = this.#table.tagAt(tag);
    // The peak last: it is then at least what was current, unless an allocation is between the two right now.
    const currentBytes = read64(this.#kernel, at + tagCell.offset.current);
    const peakBytes = Math.max(currentBytes, read64(this.#kernel, at + tagCell.offset.peak));
    const byWorker = Array.from({ length: this.#table.workers }, (_, worker) =>
      this.#readSlot(worker, tag),
    ).filter(({ allocations, deallocations }) => allocations + deallocations > 0);
    return { tag: this.#table.names.nameOf(tag), currentBytes, peakBytes, ...sumFigures(byWorker), byWorker };
  }

  #readSlot(worker: number, tag: number): WorkerMemory {
    const { i32 } = this.#table.arena;
    const at = this.#table.slotAt(worker, tag);
    const { offset } = workerSlot;
    const freedBytes = readAmount(i32, (at + offset.freed) >> 2);
    const deallocations = readTally(i32, (at + offset.deallocations) >> 2);
    const allocatedBytes = readAmount(i32, (at + offset.allocated) >> 2);
    const allocations = readTally(i32, (at + offset.allocations) >> 2);
    return {
      worker,
      netBytes: allocatedBytes - freedBytes,
      peakBytes: read64(this.#kernel, at + offset.peak),
      allocatedBytes,
      freedBytes,
      allocations,
      deallocations,
      live: allocations - deallocations,
    };
  }
}
