// Reads what all writers have recorded, at any time, without a message to any of them.
import type { Arena } from '@corelane/shared-memory';
import type { MetricsContentType } from './accept.ts';
import type { Catalog, Metric, Series } from './catalog.ts';
import type { Distribution } from './distribution.ts';
import { ArgumentRangeError } from './errors.ts';
import { Exposition, metricFilter, type ExpositionOptions } from './exposition.ts';
import { openRegistry, type RegistryHandle } from './open-registry.ts';
import { checkOptionNames } from './option-names.ts';
import { OPEN_METRICS_CONTENT_TYPE, openMetricsFormat } from './openmetrics.ts';
import {
  promClientHead,
  promClientPieces,
  promClientValues,
  type PromClientMetric,
  type PromClientSource,
} from './prom-client.ts';
import { PROMETHEUS_CONTENT_TYPE, prometheusFormat } from './prometheus.ts';
import { SeriesReader } from './series-reader.ts';
import { inSlices, type SliceOptions } from './slices.ts';
import { snapshotOf, snapshotPieces, type ReadOptions, type SnapshotPiece } from './snapshot-reader.ts';
import type { RegistrySnapshot } from './snapshot.ts';
import { writerState, type WriterState, type WriterTable } from './writer.ts';

export interface MetricsOptions extends ExpositionOptions, SliceOptions {
  /** `reader.contentType` by default; `contentTypeFor(request.headers.accept)` gives what a scraper asks for. */
  readonly contentType?: MetricsContentType | undefined;
}

/** The format 0.0.4 has no lines for what was created when. */
export type PrometheusTextOptions = Omit<ExpositionOptions, 'created'>;

export interface SnapshotOptions extends ReadOptions, SliceOptions {}

const OF_SLICES: readonly (keyof SliceOptions)[] = ['signal', 'sliceMs', 'clock'];
const OF_OLDER_TEXTS: readonly (keyof PrometheusTextOptions)[] = ['names', 'perWriter'];
const OF_TEXTS: readonly (keyof ExpositionOptions)[] = [...OF_OLDER_TEXTS, 'created'];
const OF_READING: readonly (keyof ReadOptions)[] = ['names'];

/**
 * The reading side of a registry: claims no writer, on any thread. Nothing here blocks a writer or waits for one. It has what code expects
 * of prom-client's `register`, so far as reading goes.
 */
export class RegistryReader {
  readonly handle: RegistryHandle;
  readonly #table: WriterTable;
  readonly #catalog: Catalog;
  readonly #series: SeriesReader;
  readonly #expositions: ReadonlyMap<string, Exposition>;
  #contentType: MetricsContentType = PROMETHEUS_CONTENT_TYPE;

  /** Made by `attach` and by registries. @internal */
  constructor(handle: RegistryHandle, table: WriterTable, catalog: Catalog) {
    this.handle = handle;
    this.#table = table;
    this.#catalog = catalog;
    this.#series = new SeriesReader(table);
    const { createdAtMs } = table;
    this.#expositions = new Map([
      [PROMETHEUS_CONTENT_TYPE, new Exposition(prometheusFormat, catalog, this.#series, createdAtMs)],
      [OPEN_METRICS_CONTENT_TYPE, new Exposition(openMetricsFormat, catalog, this.#series, createdAtMs)],
    ]);
  }

  /** @throws AttachError */
  static attach(handle: RegistryHandle, arena?: Arena): RegistryReader {
    const { table, catalog } = openRegistry(handle, arena);
    return new RegistryReader(handle, table, catalog);
  }

  /** For the header of an answer with `metrics()`. */
  get contentType(): MetricsContentType {
    return this.#contentType;
  }

  /** What `metrics()` writes from now on, where it is not told. @throws ArgumentRangeError */
  setContentType(contentType: MetricsContentType): void {
    this.#expositionIn(contentType);
    this.#contentType = contentType;
  }

  /**
   * Everything as text, in slices of some 1.5 ms between which the event loop turns.
   * @throws ArgumentRangeError, the signal's reason
   */
  async metrics(options: MetricsOptions = {}): Promise<string> {
    const chunks: string[] = [];
    for await (const chunk of this.metricsChunks(options)) chunks.push(chunk);
    return chunks.length === 1 ? (chunks[0] as string) : chunks.join('');
  }

  /** The same as it comes, a text for each slice: for answers so large that putting them into one string takes long, too. */
  async *metricsChunks(options: MetricsOptions = {}): AsyncGenerator<string, void, void> {
    checkOptionNames(options, ['contentType', ...OF_TEXTS, ...OF_SLICES]);
    const pieces = this.#expositionIn(options.contentType ?? this.#contentType).pieces(options);
    for await (const slice of inSlices(pieces, options)) yield slice.join('');
  }

  /** Everything in the Prometheus text exposition format 0.0.4, at once. */
  prometheusText(options: PrometheusTextOptions = {}): string {
    checkOptionNames(options, OF_OLDER_TEXTS);
    return this.#textIn(PROMETHEUS_CONTENT_TYPE, options);
  }

  /** Everything as OpenMetrics text 1.0, at once. */
  openMetricsText(options: ExpositionOptions = {}): string {
    checkOptionNames(options, OF_TEXTS);
    return this.#textIn(OPEN_METRICS_CONTENT_TYPE, options);
  }

  /** The lines of one metric, without a line end, as from prom-client. @throws ArgumentRangeError */
  async getSingleMetricAsString(name: string): Promise<string> {
    const { definition } = this.#metricOf(name);
    const pieces = [...this.#expositionIn(this.#contentType).lines({ names: [definition.name] })];
    return pieces.join('').trimEnd();
  }

  /** As prom-client's, for its `AggregatorRegistry.aggregate`. In slices. */
  async getMetricsAsJSON(options: SliceOptions = {}): Promise<PromClientMetric[]> {
    checkOptionNames(options, OF_SLICES);
    const metrics: PromClientMetric[] = [];
    for await (const slice of inSlices(promClientPieces(this.#catalog, this.#series), options))
      for (const { metric, values = [] } of slice) {
        if (metric !== undefined) metrics.push({ ...promClientHead(metric), values: [] });
        metrics.at(-1)?.values.push(...values);
      }
    return metrics;
  }

  /** As prom-client's, for its `Registry.merge`: what is known of each metric, and a function that reads it. */
  getMetricsAsArray(): PromClientSource[] {
    return Array.from(this.#catalog.metrics(), (metric) => this.#sourceOf(metric));
  }

  /** As prom-client's: undefined where no metric has this name. */
  getSingleMetric(name: string): PromClientSource | undefined {
    return this.getMetricsAsArray().find((each) => each.name === name);
  }

  /**
   * Everything as plain data, at once. Each figure is right; all together are not of one moment, as writers go on meanwhile.
   * @throws ArgumentRangeError
   */
  read(options: ReadOptions = {}): RegistrySnapshot {
    checkOptionNames(options, OF_READING);
    return snapshotOf(this.#table, this.writers(), [...this.#snapshotPieces(options)]);
  }

  /** The same in slices, as `metrics()`. @throws ArgumentRangeError, the signal's reason */
  async snapshot(options: SnapshotOptions = {}): Promise<RegistrySnapshot> {
    checkOptionNames(options, [...OF_READING, ...OF_SLICES]);
    const pieces: SnapshotPiece[] = [];
    for await (const slice of inSlices(this.#snapshotPieces(options), options)) pieces.push(...slice);
    return snapshotOf(this.#table, this.writers(), pieces);
  }

  /** Who holds which writer. */
  writers(): WriterState[] {
    return Array.from({ length: this.#table.writers }, (_, writer) => writerState(this.#table, writer));
  }

  /** @internal */
  total({ definition }: Metric, series: Series): number {
    return this.#series.value(definition, series, undefined) ?? 0;
  }

  /** @internal */
  distribution({ definition }: Metric, series: Series): Distribution {
    return this.#series.distribution(definition, series);
  }

  #textIn(contentType: MetricsContentType, options: ExpositionOptions): string {
    return [...this.#expositionIn(contentType).pieces(options)].join('');
  }

  #snapshotPieces({ names }: ReadOptions): Iterable<SnapshotPiece> {
    return snapshotPieces(this.#catalog, this.#series, metricFilter(names));
  }

  #sourceOf(metric: Metric): PromClientSource {
    const head = promClientHead(metric);
    return {
      ...head,
      get: async (options) => {
        const values: PromClientMetric['values'] = [];
        for await (const slice of inSlices(promClientValues(metric, this.#series), options))
          for (const each of slice) values.push(...each);
        return { ...head, values };
      },
    };
  }

  #metricOf(name: string): Metric {
    for (const metric of this.#catalog.metrics()) if (metric.definition.name === name) return metric;
    throw new ArgumentRangeError('name', name, 'the name of a metric of this registry');
  }

  #expositionIn(contentType: MetricsContentType): Exposition {
    const exposition = this.#expositions.get(contentType);
    if (exposition === undefined)
      throw new ArgumentRangeError(
        'contentType',
        contentType,
        Array.from(this.#expositions.keys(), (each) => JSON.stringify(each)).join(' or '),
      );
    return exposition;
  }
}
