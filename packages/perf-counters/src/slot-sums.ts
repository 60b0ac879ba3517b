// Sums over the slots that writers have of a series: one Wasm call each, however many writers there are.
import { amount, tally } from '@corelane/shared-memory';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { directoryEntry, histogramSlot, upDownSlot } from './layout.ts';
import { directoryBytes, entryAt, LEAST_SLOT_BYTES, recordAt, type WriterTable } from './writer.ts';

const TWO_31 = 2 ** 31;

/** For one thread. All figures are in steps. `writer` is an index, or undefined for all of them. */
export class SlotSums {
  readonly #table: WriterTable;
  readonly #kernel: KernelExports;
  /** Bytes of a directory: from one writer's entry to the next one's. */
  readonly #stride: number;
  /** Address of the first directory. */
  readonly #directories: number;
  /** Address of the first record of a writer. */
  readonly #records: number;
  /** Of the arena. */
  readonly #bytes: number;
  /** Writers that were claimed when it was last looked; sums go no further. */
  #used = 0;

  constructor(table: WriterTable) {
    this.#table = table;
    this.#kernel = table.arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#stride = directoryBytes(table.series);
    this.#directories = entryAt(table, 0, 0);
    this.#records = recordAt(table, 0);
    this.#bytes = table.arena.bytes;
    this.#look();
  }

  /** How many writers have a slot of the series. */
  slots(series: number, writer?: number): number {
    this.#look();
    const most = this.#bytes - LEAST_SLOT_BYTES;
    return this.#kernel.countSlots(this.#entry(series, writer), this.#stride, this.#writers(writer), most);
  }

  counter(series: number, writer?: number): number {
    this.#look();
    return this.#amount(series, amount.offset.low, writer);
  }

  upDown(series: number, writer?: number): number {
    this.#look();
    return (
      this.#amount(series, upDownSlot.offset.up, writer) -
      this.#amount(series, upDownSlot.offset.down, writer)
    );
  }

  /** What a histogram has recorded, all values together. */
  histogramSum(series: number, writer?: number): number {
    this.#look();
    return this.#amount(series, histogramSlot.offset.sum, writer);
  }

  /** Values in buckets `first` to `end - 1` of a histogram. */
  histogramCount(series: number, first: number, end: number, writer?: number): number {
    if (first === 0) this.#look(); // once a histogram
    const offset = histogramSlot.bytes + first * tally.bytes;
    const entry = this.#entry(series, writer);
    const most = this.#bytes - offset - (end - first) * tally.bytes;
    const sum = this.#kernel.sumTallies(
      entry,
      this.#stride,
      this.#writers(writer),
      offset,
      end - first,
      most,
    );
    return sum >= 0 ? sum : this.#large(sum);
  }

  #amount(series: number, offset: number, writer: number | undefined): number {
    const entry = this.#entry(series, writer);
    const most = this.#bytes - offset - amount.bytes;
    const sum = this.#kernel.sumAmounts(entry, this.#stride, this.#writers(writer), offset, most);
    return sum >= 0 ? sum : this.#large(sum);
  }

  #large(sum: number): number {
    return ~sum + (this.#kernel.sumHigh() >>> 0) * TWO_31;
  }

  #entry(series: number, writer = 0): number {
    return this.#directories + writer * this.#stride + series * directoryEntry.bytes;
  }

  #writers(writer: number | undefined): number {
    return writer === undefined ? this.#used : 1;
  }

  /** Most registries have room for more writers than they have ever had: their directories are far apart, and each look at one costs. */
  #look(): void {
    const { writers } = this.#table;
    if (this.#used < writers) this.#used = this.#kernel.usedWriters(this.#records, this.#used, writers);
  }
}
