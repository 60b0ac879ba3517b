// What a registry makes of definitions: a handle on the slot of this thread's writer, or a family of them.
import type { Catalog, Metric, Series } from './catalog.ts';
import type { Definition } from './definition.ts';
import { disposed } from './errors.ts';
import { Family } from './family.ts';
import type { RegistryReader } from './reader.ts';
import type { SlotHandle, SlotSource } from './slot-handle.ts';
import { FloatWords } from './slots.ts';
import type { Writer, WriterTable } from './writer.ts';

/** @param values of the labels */
export type MakeHandle<Handle> = (source: SlotSource, values: readonly string[]) => Handle;

export interface Handles {
  /** @throws MetricNameError, RedefinitionError, MetricsExhaustedError, SeriesExhaustedError */
  define<Handle extends SlotHandle>(
    definition: Definition,
    make: MakeHandle<Handle>,
  ): Handle | Family<Handle>;
  /** From now on every use throws. */
  close(): void;
}

export class WriterHandles implements Handles {
  readonly #table: WriterTable;
  readonly #catalog: Catalog;
  readonly #reader: RegistryReader;
  readonly #writer: Writer;
  readonly #floats: FloatWords;
  readonly #handles = new Map<number, SlotHandle>();
  readonly #families = new Map<number, unknown>();
  #isClosed = false;

  constructor(table: WriterTable, catalog: Catalog, reader: RegistryReader, writer: Writer) {
    this.#table = table;
    this.#catalog = catalog;
    this.#reader = reader;
    this.#writer = writer;
    this.#floats = new FloatWords(table.arena);
  }

  define<Handle extends SlotHandle>(
    definition: Definition,
    make: MakeHandle<Handle>,
  ): Handle | Family<Handle> {
    this.#checkOpen();
    const metric = this.#catalog.metric(definition);
    const { name, labels } = metric.definition;
    if (labels.length === 0) return this.#handleOf(metric, this.#catalog.series(metric, []), make);
    const known = this.#families.get(metric.index) as Family<Handle> | undefined;
    if (known !== undefined) return known;
    const family = new Family<Handle>(name, labels, (values) => {
      this.#checkOpen();
      const series = this.#catalog.series(metric, values);
      const isOverflow = series === metric.overflow;
      return { handle: this.#handleOf(metric, series, make), isOverflow };
    });
    this.#families.set(metric.index, family);
    return family;
  }

  close(): void {
    this.#isClosed = true;
    for (const handle of this.#handles.values()) handle.close();
  }

  #handleOf<Handle extends SlotHandle>(metric: Metric, series: Series, make: MakeHandle<Handle>): Handle {
    const known = this.#handles.get(series.index) as Handle | undefined;
    if (known !== undefined) return known;
    const handle = make(this.#source(metric, series), series.values);
    this.#handles.set(series.index, handle);
    return handle;
  }

  #source(metric: Metric, series: Series): SlotSource {
    const { i32 } = this.#table.arena;
    const words = (at: number, bytes: number): Int32Array => i32.subarray(at >> 2, (at + bytes) >> 2);
    const { perUnit, buckets } = metric.definition;
    return {
      floats: this.#floats,
      perUnit,
      buckets,
      open: (bytes, initialize, repair) => {
        const at = this.#writer.openSlot(
          series.index,
          bytes,
          (fresh) => initialize?.(words(fresh, bytes)),
          (found) => repair(words(found, bytes)),
        );
        return words(at, bytes);
      },
      total: () => {
        this.#checkOpen();
        return this.#reader.total(metric, series);
      },
      distribution: () => {
        this.#checkOpen();
        return this.#reader.distribution(metric, series);
      },
    };
  }

  #checkOpen(): void {
    if (this.#isClosed) disposed();
  }
}
