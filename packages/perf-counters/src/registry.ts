// The registry of one thread: defines metrics and hands out handles on the slots of its writer.
import { threadId } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import type { Catalog } from './catalog.ts';
import { Counter } from './counter.ts';
import {
  callsOf,
  define,
  RATE_OPTIONS,
  type CounterOptions,
  type DefineOptions,
  type Definition,
  type GaugeOptions,
  type HistogramOptions,
  type MetricType,
} from './definition.ts';
import { DisabledHandles } from './disabled.ts';
import { ArgumentRangeError, disposed } from './errors.ts';
import type { Family } from './family.ts';
import { Gauge } from './gauge.ts';
import { WriterHandles, type Handles, type MakeHandle } from './handles.ts';
import type { Histogram } from './histogram.ts';
import { openHistogram } from './open-histogram.ts';
import { checkMethod, checkOptionNames } from './option-names.ts';
import { createRegistry, DISABLED_BYTES, openRegistry, type RegistryHandle } from './open-registry.ts';
import type { MetricsContentType } from './accept.ts';
import type { PromClientMetric } from './prom-client.ts';
import { Rate } from './rate.ts';
import { checkWindow, type RateWindowOptions } from './rate-window.ts';
import { RegistryReader, type MetricsOptions, type PrometheusTextOptions } from './reader.ts';
import type {
  Labelled,
  NonEmpty,
  RateOptions,
  RegistryOptions,
  TimerOptions,
  Unlabelled,
} from './registry-options.ts';
import { Sampling } from './sampling.ts';
import type { SliceOptions } from './slices.ts';
import type { ReadOptions } from './snapshot-reader.ts';
import type { SlotHandle } from './slot-handle.ts';
import { clearGauge } from './slots.ts';
import type { RegistrySnapshot } from './snapshot.ts';
import { Timer } from './timer.ts';
import { UpDownCounter } from './up-down-counter.ts';
import { gaugeSlot } from './layout.ts';
import { reclaimWriter, slotAt, takeName, Writer, type WriterState, type WriterTable } from './writer.ts';

export class Registry {
  /** Plain data for `Registry.attach` and `RegistryReader.attach` on other threads. */
  readonly handle: RegistryHandle;
  /** Index of this thread's writer: for `reclaim`, should the thread die. -1 where the registry is disabled. */
  readonly writer: number;
  /** False where nothing is recorded: see `disabled`. */
  readonly enabled: boolean;
  readonly #table: WriterTable;
  readonly #catalog: Catalog;
  readonly #reader: RegistryReader;
  /** None where the registry is disabled. */
  readonly #claimed: Writer | undefined;
  readonly #handles: Handles;
  readonly #rates = new WeakMap<Counter, Rate>();
  #disposed = false;

  private constructor(handle: RegistryHandle, table: WriterTable, catalog: Catalog) {
    this.handle = handle;
    this.#table = table;
    this.#catalog = catalog;
    this.#reader = new RegistryReader(handle, table, catalog);
    this.#claimed = table.isEnabled ? Writer.claim(table, threadId) : undefined;
    this.writer = this.#claimed?.index ?? -1;
    this.enabled = table.isEnabled;
    this.#handles =
      this.#claimed === undefined
        ? new DisabledHandles()
        : new WriterHandles(table, catalog, this.#reader, this.#claimed);
  }

  /** A new registry, with the first writer claimed for this thread. @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options?: RegistryOptions): Registry {
    const { handle, table, catalog } = createRegistry(arena, options);
    return new Registry(handle, table, catalog);
  }

  /**
   * A registry that is switched off, in an arena of its own: `create(arena, { enabled: false })` without an arena. Its handles are of
   * the same types and do nothing, what it reads is empty, and threads that attach it get the same.
   */
  static disabled(): Registry {
    return Registry.create(Arena.create({ bytes: DISABLED_BYTES }), { enabled: false });
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
    return this.#define('histogram', options, openHistogram);
  }

  /** A histogram of durations. */
  timer(options: Unlabelled<TimerOptions>): Timer;
  timer<const L extends NonEmpty>(options: Labelled<TimerOptions, L>): Family<Timer, L>;
  timer(options: TimerOptions): Timer | Family<Timer> {
    const { clock = performance, ...rest } = options;
    checkMethod('clock', clock, 'now');
    this.#checkOpen();
    const timer = define('timer', rest);
    const sampling = this.#callsOf(timer);
    return this.#handles.define(timer, (source, values) => new Timer(source, clock, sampling?.(values)));
  }

  /**
   * A counter that also says how many it counts a second, over all writers. Exported as a counter, of which servers make rates of their own.
   * Clock and interval of the first definition on a thread hold there.
   */
  rate(options: Unlabelled<RateOptions>): Rate;
  rate<const L extends NonEmpty>(options: Labelled<RateOptions, L>): Family<Rate, L>;
  rate(options: RateOptions): Rate | Family<Rate> {
    checkOptionNames(options, RATE_OPTIONS);
    const { clock, intervalMs, ...rest } = options;
    checkWindow(options); // before there is a counter, which would stay
    const window = { ...(clock && { clock }), ...(intervalMs !== undefined && { intervalMs }) };
    const counters = this.#define('counter', rest, (source) => new Counter(source));
    return counters instanceof Counter
      ? this.#rateOf(counters, window)
      : counters.map((counter) => this.#rateOf(counter, window));
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
  prometheusText(options?: PrometheusTextOptions): string {
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

  /**
   * Frees all writers of a thread that has ended, by the `threadId` that its `Worker` had: it is -1 after the end.
   * @returns how many
   * @throws ArgumentRangeError where it is none of another thread's
   */
  reclaimThread(deadThreadId: number): number {
    this.#checkOpen();
    if (deadThreadId === threadId)
      throw new ArgumentRangeError('threadId', deadThreadId, 'that of another thread');
    if (!Number.isInteger(deadThreadId) || deadThreadId < 0)
      throw new ArgumentRangeError(
        'threadId',
        deadThreadId,
        'that of the Worker before its end: read it then',
      );
    return this.writers().filter(
      ({ claimed, threadId: holder, writer }) =>
        claimed &&
        holder === deadThreadId &&
        takeName(this.#table, writer, deadThreadId) &&
        this.reclaim(writer),
    ).length;
  }

  /** Releases the writer: its counts stay, its gauges are cleared, and every use of this registry or its handles throws. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#handles.close();
    this.#claimed?.release();
  }

  #define<Handle extends SlotHandle>(
    type: MetricType,
    options: DefineOptions,
    make: MakeHandle<Handle>,
  ): Handle | Family<Handle> {
    this.#checkOpen();
    return this.#handles.define(define(type, options), make);
  }

  /** Where a timer measures samples of its calls: the counters of all of them. */
  #callsOf(timer: Definition): ((values: readonly string[]) => Sampling) | undefined {
    const { sampleEvery } = timer;
    if (sampleEvery === undefined) return undefined;
    this.#catalog.known(timer); // a counter of calls stays, also where its timer is refused
    const counters = this.#handles.define(callsOf(timer), (source) => new Counter(source));
    return (values) =>
      new Sampling(
        sampleEvery,
        counters instanceof Counter ? counters : counters.labels(...values),
        this.writer,
      );
  }

  #rateOf(counter: Counter, options: RateWindowOptions): Rate {
    let rate = this.#rates.get(counter);
    if (rate === undefined) this.#rates.set(counter, (rate = new Rate(counter, options)));
    return rate;
  }

  #clearGauges(writer: number): void {
    for (const { definition, series, overflow } of this.#catalog.metrics()) {
      if (definition.type !== 'gauge') continue;
      for (const each of overflow === undefined ? series : [...series, overflow]) {
        const at = slotAt(this.#table, writer, each.index, gaugeSlot.bytes);
        if (at !== 0) clearGauge(this.#table.arena, at);
      }
    }
  }

  #checkOpen(): void {
    if (this.#disposed) disposed();
  }
}
