// A registry as a source of metrics for OpenTelemetry's SDK: its readers ask, and get what all threads have recorded.
import type {
  CollectionResult,
  MetricCollectOptions,
  MetricData,
  MetricProducer,
  ResourceMetrics,
  ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import type { Arena } from '@corelane/shared-memory';
import type { Catalog } from '../catalog.ts';
import { ArgumentRangeError } from '../errors.ts';
import { checkMethod, checkOptionNames, checkSignal } from '../option-names.ts';
import { openRegistry, type RegistryHandle } from '../open-registry.ts';
import type { Clock } from '../ports.ts';
import { SeriesReader } from '../series-reader.ts';
import { inSlices, type SliceOptions } from '../slices.ts';
import { MetricCollectTimeoutError } from './errors.ts';
import { namesWithoutSuffixes } from './names.ts';
import { PointReader } from './point-reader.ts';

export interface MetricProducerOptions {
  /**
   * 'cumulative' by default: everything since the registry was made. 'delta': counters and histograms since the last collection by this
   * producer, without series in which nothing came; up-down counters stay cumulative, as with the SDK's own delta.
   */
  readonly temporality?: 'cumulative' | 'delta' | undefined;
  /**
   * 'explicit' by default: buckets with the bounds that the metric has, exact. 'exponential': metrics without bounds of their own as
   * exponential histograms, finer than that: each bucket is counted where its upper end is, so values are shown as larger than they are by a
   * bucket of each kind at most, and never as smaller.
   */
  readonly histograms?: 'explicit' | 'exponential' | undefined;
  /** Of an exponential histogram, from one end to the other; 160 by default, as the SDK's. 2 to 65,536. */
  readonly maxBuckets?: number | undefined;
  /**
   * Takes `_total` from counters and units from all names: OpenTelemetry keeps them apart, and what stores for Prometheus puts them on. A metric
   * keeps its name where it would be another one's. False by default.
   */
  readonly removeSuffixes?: boolean | undefined;
  /**
   * Points of each writer in place of those of all together, told apart by an attribute `worker` with the index of the writer, or by one of another
   * name. False by default.
   */
  readonly perWriter?: boolean | string | undefined;
  /** Instrumentation scope; `{ name: '@corelane/perf-counters' }` by default. */
  readonly scope?: ScopeMetrics['scope'] | undefined;
  /** For who exports what `collect` returns without a reader; the SDK's readers put their own. Without attributes by default. */
  readonly resource?: ResourceMetrics['resource'] | undefined;
  /** Milliseconds since 1970; `Date` by default. */
  readonly clock?: Clock | undefined;
  /** Of the registry, where this thread has attached it already. */
  readonly arena?: Arena | undefined;
}

export interface CollectOptions extends MetricCollectOptions, Pick<SliceOptions, 'sliceMs'> {
  /** Gives up, and rejects with its reason; what was read is in the next collection. */
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS = [
  'temporality',
  'histograms',
  'maxBuckets',
  'removeSuffixes',
  'perWriter',
  'scope',
  'resource',
  'clock',
  'arena',
];

const COLLECT_OPTIONS = ['timeoutMillis', 'signal', 'sliceMs'];

/**
 * For `new PeriodicExportingMetricReader({ exporter, metricProducers: [producer] })`, on any thread. Claims no writer. Reads in slices, between
 * which the event loop turns. With 'delta' each reader needs a producer of its own.
 */
export class CorelaneMetricProducer implements MetricProducer {
  readonly #catalog: Catalog;
  readonly #points: PointReader;
  readonly #removeSuffixes: boolean;
  readonly #scope: ScopeMetrics['scope'];
  readonly #resource: ResourceMetrics['resource'];
  /** Fulfilled when the collections before have ended. */
  #turn: Promise<void> = Promise.resolve();

  /**
   * @param source a `Registry`, a `RegistryReader`, or what else has the handle of a registry
   * @throws AttachError, ArgumentRangeError
   */
  constructor(source: { readonly handle: RegistryHandle }, options: MetricProducerOptions = {}) {
    checkOptionNames(options, OPTIONS);
    const { temporality = 'cumulative', histograms = 'explicit', maxBuckets = 160 } = options;
    const { removeSuffixes = false, scope = { name: '@corelane/perf-counters' }, clock = Date } = options;
    const { resource = withoutAttributes } = options;
    checkMethod('clock', clock, 'now');
    if (typeof resource?.attributes !== 'object')
      throw new ArgumentRangeError('resource', resource, 'a resource, with attributes');
    if (temporality !== 'cumulative' && temporality !== 'delta')
      throw new ArgumentRangeError('temporality', temporality, "'cumulative' or 'delta'");
    if (histograms !== 'explicit' && histograms !== 'exponential')
      throw new ArgumentRangeError('histograms', histograms, "'explicit' or 'exponential'");
    if (!Number.isInteger(maxBuckets) || maxBuckets < 2 || maxBuckets > 65_536)
      throw new ArgumentRangeError('maxBuckets', maxBuckets, 'an integer from 2 to 65536');
    if (typeof removeSuffixes !== 'boolean')
      throw new ArgumentRangeError('removeSuffixes', removeSuffixes, 'true or false');
    if (typeof scope?.name !== 'string' || scope.name === '')
      throw new ArgumentRangeError('scope.name', scope?.name, 'a name');
    const { table, catalog } = openRegistry(source?.handle, options.arena);
    const { createdAtMs } = table;
    this.#catalog = catalog;
    this.#points = new PointReader(new SeriesReader(table), {
      createdAtMs,
      temporality,
      histograms,
      maxBuckets,
      writerAttribute: writerAttributeOf(options),
      clock,
    });
    this.#removeSuffixes = removeSuffixes;
    this.#scope = scope;
    this.#resource = resource;
  }

  /**
   * Everything that all threads have recorded. Where something can not be read, or not in time, its error is among `errors`, and the rest is
   * there. Collections are made one after the other.
   * @throws the reason of the signal, ArgumentRangeError
   */
  async collect(options: CollectOptions = {}): Promise<CollectionResult> {
    checkOptionNames(options, COLLECT_OPTIONS);
    checkSignal(options.signal);
    const { promise, resolve: done } = Promise.withResolvers<void>();
    const before = this.#turn;
    this.#turn = promise;
    await before;
    try {
      return await this.#collect(options);
    } finally {
      done();
    }
  }

  async #collect({ timeoutMillis = Infinity, signal, sliceMs }: CollectOptions): Promise<CollectionResult> {
    const errors: unknown[] = [];
    const metrics: MetricData[] = [];
    const deadlineMs = performance.now() + timeoutMillis;
    const steps = this.#steps(metrics, errors);
    let isLate = false;
    this.#points.begin();
    for await (const slice of inSlices(steps, { signal, sliceMs })) {
      isLate = slice.at(-1) !== 'end' && performance.now() >= deadlineMs;
      if (isLate) break;
    }
    if (isLate) errors.push(new MetricCollectTimeoutError(timeoutMillis, metrics.length));
    this.#points.commit(!isLate);
    const scopeMetrics = metrics.length === 0 ? [] : [{ scope: this.#scope, metrics }];
    return { resourceMetrics: { resource: this.#resource, scopeMetrics }, errors };
  }

  *#steps(metrics: MetricData[], errors: unknown[]): Generator<'end' | undefined, void, void> {
    const all = [...this.#catalog.metrics()];
    const definitions = all.map(({ definition }) => definition);
    const names = this.#removeSuffixes ? namesWithoutSuffixes(definitions) : undefined;
    for (const metric of all) {
      const { definition } = metric;
      yield* this.#points.read(metric, names?.get(definition) ?? definition.name, metrics, errors);
    }
    yield 'end';
  }
}

function writerAttributeOf({ perWriter = false }: MetricProducerOptions): string | undefined {
  if (perWriter === false) return undefined;
  if (perWriter === true) return 'worker';
  if (typeof perWriter !== 'string' || perWriter === '')
    throw new ArgumentRangeError('perWriter', perWriter, 'true, false or the name of an attribute');
  return perWriter;
}

const withoutAttributes: ResourceMetrics['resource'] = {
  attributes: {},
  merge: (other) => other ?? withoutAttributes,
  getRawAttributes: () => [],
};
