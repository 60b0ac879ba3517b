// The registry of one thread: defines metrics and hands out handles on the slots of its writer.
import { threadId } from 'node:worker_threads';
import { NameTable, type Arena } from '@corelane/shared-memory';
import { Catalog, type Metric, type Series } from './catalog.ts';
import { Counter } from './counter.ts';
import {
  define,
  type CounterOptions,
  type Definition,
  type GaugeOptions,
  type HistogramOptions,
  type MetricType,
} from './definition.ts';
import { ArgumentRangeError, disposed } from './errors.ts';
import { Family } from './family.ts';
import { Gauge } from './gauge.ts';
import { Histogram } from './histogram.ts';
import { registryRoot } from './layout.ts';
import { DEFINITION_BYTES, MAX_METRICS, MAX_SERIES, MAX_WRITERS, SERIES_NAME_BYTES } from './limits.ts';
import type { Clock } from './ports.ts';
import { openRegistry, type RegistryHandle } from './open-registry.ts';
import type { MetricsContentType } from './accept.ts';
import type { ExpositionOptions } from './exposition.ts';
import type { PromClientMetric } from './prom-client.ts';
import { RegistryReader, type MetricsOptions } from './reader.ts';
import type { SliceOptions } from './slices.ts';
import type { ReadOptions } from './snapshot-reader.ts';
import type { SlotHandle, SlotSource } from './slot-handle.ts';
import { clearGauge, FloatWords } from './slots.ts';
import type { RegistrySnapshot } from './snapshot.ts';
import { Timer } from './timer.ts';
import { UpDownCounter } from './up-down-counter.ts';
import {
  directoryBytes,
  reclaimWriter,
  slotAt,
  tableBytes,
  Writer,
  type WriterState,
  type WriterTable,
} from './writer.ts';

export interface RegistryOptions {
  /** Series at most, over all metrics; 1024 by default. A metric with labels takes one for what is beyond its own limit. */
  readonly series?: number;
  /** Threads at most that write at a time; 16 by default. */
  readonly writers?: number;
  /** Metrics at most; 128 by default. */
  readonly metrics?: number;
}

/** Options of a timer: what it measures is always in seconds. */
export interface TimerOptions<L extends readonly string[] = readonly string[]> extends Omit<
  HistogramOptions<L>,
  'unit' | 'perUnit'
> {
  /** `performance` by default. */
  readonly clock?: Clock;
}

type Labelled<O, L extends readonly string[]> = O & { readonly labels: L };
type Unlabelled<O> = O & { readonly labels?: readonly [] };
type NonEmpty = readonly [string, ...string[]];

export class Registry {
  /** Plain data for `Registry.attach` and `RegistryReader.attach` on other threads. */
  readonly handle: RegistryHandle;
  /** Index of this thread's writer: for `reclaim`, should the thread die. */
  readonly writer: number;
  readonly #table: WriterTable;
  readonly #catalog: Catalog;
  readonly #reader: RegistryReader;
  readonly #floats: FloatWords;
  readonly #claimed: Writer;
  readonly #handles = new Map<number, SlotHandle>();
  readonly #families = new Map<number, unknown>();
  #disposed = false;

  private constructor(handle: RegistryHandle, table: WriterTable, catalog: Catalog) {
    this.handle = handle;
    this.#table = table;
    this.#catalog = catalog;
    this.#reader = new RegistryReader(handle, table, catalog);
    this.#floats = new FloatWords(table.arena);
    this.#claimed = Writer.claim(table, threadId);
    this.writer = this.#claimed.index;
  }

  /** A new registry, with the first writer claimed for this thread. @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: RegistryOptions = {}): Registry {
    const { series = 1024, writers = 16, metrics = 128 } = options;
    checkRange('series', series, MAX_SERIES);
    checkRange('writers', writers, MAX_WRITERS);
    checkRange('metrics', metrics, MAX_METRICS);
    const definitions = NameTable.create(arena, { capacity: metrics, maxNameBytes: DEFINITION_BYTES });
    const names = NameTable.create(arena, { capacity: series, maxNameBytes: SERIES_NAME_BYTES });
    const at = arena.createObject(registryRoot, tableBytes(writers, series));
    const base = at >> 2;
    const createdAtMs = Date.now();
    arena.f64[(at + registryRoot.offset.createdAtMs) >> 3] = createdAtMs;
    arena.i32[base + registryRoot.word.series] = series;
    arena.i32[base + registryRoot.word.writers] = writers;
    arena.i32[base + registryRoot.word.definitionsAt] = definitions.handle.at;
    arena.i32[base + registryRoot.word.seriesAt] = names.handle.at;
    arena.i32[base + registryRoot.word.directoryBytes] = directoryBytes(series);
    const handle = arena.objectHandle<RegistryHandle['kind']>('perf-counters/registry', at);
    return new Registry(handle, { arena, at, writers, series, createdAtMs }, new Catalog(definitions, names));
  }

  /** The same registry on another thread, which claims a writer. @throws AttachError, WritersExhaustedError */
  static attach(handle: RegistryHandle, arena?: Arena): Registry {
    const { table, catalog } = openRegistry(handle, arena);
    return new Registry(handle, table, catalog);
  }

  /** A count that only goes up. @throws MetricNameError, RedefinitionError, MetricsExhaustedError, SeriesExhaustedError */
  counter(options: Unlabelled<CounterOptions>): Counter;
  counter<const L extends NonEmpty>(options: Labelled<CounterOptions, L>): Family<Counter, L>;
  counter(options: CounterOptions): Counter | Family<Counter> {
    return this.#define('counter', options, (source) => new Counter(source));
  }

  /** A count that goes up and down, on any thread. Exported as a gauge. */
  upDownCounter(options: Unlabelled<CounterOptions>): UpDownCounter;
  upDownCounter<const L extends NonEmpty>(options: Labelled<CounterOptions, L>): Family<UpDownCounter, L>;
  upDownCounter(options: CounterOptions): UpDownCounter | Family<UpDownCounter> {
    return this.#define('upDownCounter', options, (source) => new UpDownCounter(source));
  }

  /** A value of the moment, one per writer. */
  gauge(options: Unlabelled<GaugeOptions>): Gauge;
  gauge<const L extends NonEmpty>(options: Labelled<GaugeOptions, L>): Family<Gauge, L>;
  gauge(options: GaugeOptions): Gauge | Family<Gauge> {
    return this.#define('gauge', options, (source) => new Gauge(source));
  }

  /** Log-linear buckets of a declared precision, or buckets of your own. Count, sum, minimum and maximum are exact. */
  histogram(options: Unlabelled<HistogramOptions>): Histogram;
  histogram<const L extends NonEmpty>(options: Labelled<HistogramOptions, L>): Family<Histogram, L>;
  histogram(options: HistogramOptions): Histogram | Family<Histogram> {
    return this.#define('histogram', options, (source) => new Histogram(source));
  }

  /** A histogram of durations. */
  timer(options: Unlabelled<TimerOptions>): Timer;
  timer<const L extends NonEmpty>(options: Labelled<TimerOptions, L>): Family<Timer, L>;
  timer(options: TimerOptions): Timer | Family<Timer> {
    const { clock = performance, ...rest } = options;
    return this.#define('timer', rest, (source) => new Timer(source, clock));
  }

  /** Everything that any thread has recorded, in all formats; not disposed with this registry. Other threads have `RegistryReader.attach`. */
  get reader(): RegistryReader {
    this.#checkOpen();
    return this.#reader;
  }

  /** For the header of an answer with `metrics()`. */
  get contentType(): MetricsContentType {
    return this.#reader.contentType;
  }

  /** As prom-client's `register.metrics()`: `reader.metrics()`. */
  async metrics(options?: MetricsOptions): Promise<string> {
    return this.reader.metrics(options);
  }

  /** As prom-client's: `reader.getMetricsAsJSON()`. */
  async getMetricsAsJSON(options?: SliceOptions): Promise<PromClientMetric[]> {
    return this.reader.getMetricsAsJSON(options);
  }

  /** Everything that any thread has recorded, in the Prometheus text exposition format 0.0.4. */
  prometheusText(options?: ExpositionOptions): string {
    return this.reader.prometheusText(options);
  }

  /** Everything that any thread has recorded, as plain data. */
  read(options?: ReadOptions): RegistrySnapshot {
    return this.reader.read(options);
  }

  /** Who holds which writer. */
  writers(): WriterState[] {
    this.#checkOpen();
    return this.#reader.writers();
  }

  /**
   * Frees the writer of a thread that has ended without disposing its registry. Its counts stay, its gauges are cleared.
   * Only after the thread's end: two threads that write with one writer lose counts.
   * @returns false where nobody held it
   * @throws ArgumentRangeError where it is this thread's own
   */
  reclaim(writer: number): boolean {
    this.#checkOpen();
    if (!Number.isInteger(writer) || writer < 0 || writer >= this.#table.writers || writer === this.writer)
      throw new ArgumentRangeError(
        'writer',
        writer,
        `0 to ${this.#table.writers - 1}, but not ${this.writer}, which is in use here`,
      );
    return reclaimWriter(this.#table, writer, () => this.#clearGauges(writer));
  }

  /** Frees all writers of a thread that has ended, by the `threadId` that its `Worker` had. @returns how many */
  reclaimThread(deadThreadId: number): number {
    this.#checkOpen();
    if (deadThreadId === threadId)
      throw new ArgumentRangeError('threadId', deadThreadId, 'that of another thread');
    return this.writers().filter(
      ({ claimed, threadId: holder, writer }) => claimed && holder === deadThreadId && this.reclaim(writer),
    ).length;
  }

  /** Releases the writer: its counts stay, its gauges are cleared, and every use of this registry or its handles throws. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const handle of this.#handles.values()) handle.close();
    this.#claimed.release();
  }

  #define<Handle extends SlotHandle>(
    type: MetricType,
    options: HistogramOptions & GaugeOptions,
    make: (source: SlotSource) => Handle,
  ): Handle | Family<Handle> {
    this.#checkOpen();
    const metric = this.#catalog.metric(define(type, options));
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

  #handleOf<Handle extends SlotHandle>(
    metric: Metric,
    series: Series,
    make: (source: SlotSource) => Handle,
  ): Handle {
    const known = this.#handles.get(series.index) as Handle | undefined;
    if (known !== undefined) return known;
    const handle = make(this.#source(metric, series, metric.definition));
    this.#handles.set(series.index, handle);
    return handle;
  }

  #source(metric: Metric, series: Series, { perUnit, buckets }: Definition): SlotSource {
    const { arena } = this.#table;
    const words = (at: number, bytes: number): Int32Array => arena.i32.subarray(at >> 2, (at + bytes) >> 2);
    return {
      arena,
      floats: this.#floats,
      perUnit,
      buckets,
      open: (bytes, initialize, repair) => {
        const at = this.#claimed.openSlot(
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

  #clearGauges(writer: number): void {
    for (const { definition, series, overflow } of this.#catalog.metrics()) {
      if (definition.type !== 'gauge') continue;
      for (const each of overflow === undefined ? series : [...series, overflow]) {
        const at = slotAt(this.#table, writer, each.index);
        if (at !== 0) clearGauge(this.#table.arena, at);
      }
    }
  }

  #checkOpen(): void {
    if (this.#disposed) disposed();
  }
}

function checkRange(argument: string, found: number, most: number): void {
  if (!Number.isInteger(found) || found < 1 || found > most)
    throw new ArgumentRangeError(argument, found, `an integer from 1 to ${most}`);
}
