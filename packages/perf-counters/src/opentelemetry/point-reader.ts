// Reads metrics as data points, and keeps what was reported before, for who wants what came since.
import type {
  DataPoint,
  ExponentialHistogram,
  Histogram,
  MetricData,
  MetricDescriptor,
} from '@opentelemetry/sdk-metrics';
import type { BucketShape } from '../buckets.ts';
import type { Metric } from '../catalog.ts';
import type { Definition } from '../definition.ts';
import type { Clock } from '../ports.ts';
import { seriesOf, type SeriesReader } from '../series-reader.ts';
import {
  CUMULATIVE,
  DELTA,
  descriptorOf,
  explicitHistogram,
  exponentialData,
  exponentialHistogram,
  gaugeData,
  histogramData,
  point,
  sumData,
  type Span,
} from './data-points.ts';
import { MetricValueError } from './errors.ts';
import { logLinearBuckets, type LogLinearBuckets } from './exponential.ts';
import { bucketFigures, histogramSince, rangeFigures, toSteps, type HistogramFigures } from './figures.ts';
import { Streams, type Reported, type Stream } from './stream.ts';

export interface PointSettings {
  /** When every count was 0, in milliseconds since 1970. */
  readonly createdAtMs: number;
  readonly temporality: 'cumulative' | 'delta';
  readonly histograms: 'explicit' | 'exponential';
  readonly maxBuckets: number;
  readonly writerAttribute: string | undefined;
  readonly clock: Clock;
}

export class PointReader {
  readonly #reader: SeriesReader;
  readonly #settings: PointSettings;
  readonly #isDelta: boolean;
  readonly #streams: Streams;
  readonly #logLinear = new WeakMap<Definition, LogLinearBuckets>();
  /** By the collection that is under way. */
  #reporting = new Map<Stream, Reported>();

  constructor(reader: SeriesReader, settings: PointSettings) {
    this.#reader = reader;
    this.#settings = settings;
    this.#isDelta = settings.temporality === 'delta';
    this.#streams = new Streams(reader, settings.writerAttribute);
  }

  /** Begins a collection. What one has read that was not committed is read again. */
  begin(): void {
    this.#reporting = new Map();
  }

  /** What was read since `begin` counts as reported. */
  commit(): void {
    for (const [stream, reported] of this.#reporting) stream.reported = reported;
  }

  /**
   * Reads a metric, a series a step.
   * @param name that it has here
   * @param into gets it when it is read, or the reading is given up: then with the series that were read
   */
  *read(
    metric: Metric,
    name: string,
    into: MetricData[],
    errors: unknown[],
  ): Generator<undefined, void, void> {
    const { definition } = metric;
    const descriptor = descriptorOf(name, definition);
    const counted = this.#isDelta ? DELTA : CUMULATIVE;
    switch (definition.type) {
      case 'counter':
        return yield* this.#points(metric, errors, this.#counter, (points) =>
          into.push(sumData(descriptor, counted, true, points)),
        );
      case 'upDownCounter':
        return yield* this.#points(metric, errors, this.#upDownCounter, (points) =>
          into.push(sumData(descriptor, CUMULATIVE, false, points)),
        );
      case 'gauge':
        return yield* this.#points(metric, errors, this.#gauge, (points) =>
          into.push(gaugeData(descriptor, points)),
        );
      case 'histogram':
      case 'timer':
        return yield* this.#distributions(metric, errors, into, descriptor);
    }
  }

  *#distributions(
    metric: Metric,
    errors: unknown[],
    into: MetricData[],
    descriptor: MetricDescriptor,
  ): Generator<undefined, void, void> {
    const temporality = this.#isDelta ? DELTA : CUMULATIVE;
    const isExponential = this.#settings.histograms === 'exponential';
    const buckets = isExponential ? this.#logLinearOf(metric.definition) : undefined;
    if (buckets === undefined)
      return yield* this.#points(metric, errors, this.#explicit, (points) =>
        into.push(histogramData(descriptor, temporality, points)),
      );
    const read = (stream: Stream): DataPoint<ExponentialHistogram> | undefined =>
      this.#exponential(stream, buckets);
    return yield* this.#points(metric, errors, read, (points) =>
      into.push(exponentialData(descriptor, temporality, points)),
    );
  }

  *#points<T>(
    metric: Metric,
    errors: unknown[],
    read: (stream: Stream) => DataPoint<T> | undefined,
    done: (points: DataPoint<T>[]) => void,
  ): Generator<undefined, void, void> {
    const points: DataPoint<T>[] = [];
    try {
      for (const stream of this.#streamsOf(metric, errors)) {
        try {
          const next = read(stream);
          if (next !== undefined) points.push(next);
        } catch (error) {
          errors.push(error);
        }
        yield;
      }
    } finally {
      if (points.length > 0) done(points);
    }
  }

  *#streamsOf(metric: Metric, errors: unknown[]): Generator<Stream, void, void> {
    try {
      for (const series of seriesOf(metric)) yield* this.#streams.of(metric.definition, series);
    } catch (error) {
      errors.push(error);
    }
  }

  readonly #gauge = ({ definition, series, writer, attributes }: Stream): DataPoint<number> | undefined => {
    const value = this.#reader.value(definition, series, writer);
    if (value === undefined) return undefined;
    if (!Number.isFinite(value)) throw new MetricValueError(definition.name, attributes, value);
    return point(this.#span(undefined), attributes, value);
  };

  readonly #upDownCounter = ({ definition, series, writer, attributes }: Stream): DataPoint<number> =>
    point(this.#span(undefined), attributes, this.#reader.value(definition, series, writer) as number);

  readonly #counter = (stream: Stream): DataPoint<number> | undefined => {
    const { definition, series, writer, attributes, reported } = stream;
    const span = this.#span(reported);
    const value = this.#reader.value(definition, series, writer) as number;
    if (!this.#isDelta) return point(span, attributes, value);
    const count = toSteps(value, definition.perUnit);
    const since = count - (reported?.count ?? 0);
    if (since === 0) return undefined;
    this.#reporting.set(stream, { endMs: span.endMs, count, histogram: undefined });
    return point(span, attributes, since / definition.perUnit);
  };

  readonly #explicit = (stream: Stream): DataPoint<Histogram> | undefined => {
    const { buckets, perUnit } = stream.definition;
    return this.#histogram(stream, rangeFigures, (figures) =>
      explicitHistogram(buckets as BucketShape, perUnit, figures),
    );
  };

  #exponential(stream: Stream, buckets: LogLinearBuckets): DataPoint<ExponentialHistogram> | undefined {
    return this.#histogram(stream, bucketFigures, (figures) =>
      exponentialHistogram(buckets, figures, this.#settings.maxBuckets),
    );
  }

  #histogram<T>(
    stream: Stream,
    read: typeof rangeFigures,
    make: (figures: HistogramFigures) => T,
  ): DataPoint<T> | undefined {
    const { definition, series, writer, attributes, reported } = stream;
    const span = this.#span(reported);
    const figures = read(this.#reader, definition, series, writer);
    if (!this.#isDelta) return point(span, attributes, make(figures));
    const since = histogramSince(figures, reported?.histogram);
    if (since.count === 0) return undefined;
    this.#reporting.set(stream, { endMs: span.endMs, count: figures.count, histogram: figures });
    return point(span, attributes, make(since));
  }

  /** Since what was reported before, or all the time that there was something to count. */
  #span(before: Reported | undefined): Span {
    const startMs = before?.endMs ?? this.#settings.createdAtMs;
    return { startMs, endMs: Math.max(startMs, this.#settings.clock.now()) };
  }

  #logLinearOf(definition: Definition): LogLinearBuckets | undefined {
    let buckets = this.#logLinear.get(definition);
    if (buckets === undefined) {
      buckets = logLinearBuckets(definition.buckets as BucketShape, definition.perUnit);
      if (buckets !== undefined) this.#logLinear.set(definition, buckets);
    }
    return buckets;
  }
}
