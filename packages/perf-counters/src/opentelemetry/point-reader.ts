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
  /** When that began: the end of all its spans, and not before that of the one before, whatever the clock says. */
  #nowMs: number;
  #lastMs: number;
  /** Of the last one that read everything: whoever has nothing reported had nothing until then. */
  #completeMs: number;

  constructor(reader: SeriesReader, settings: PointSettings) {
    this.#reader = reader;
    this.#settings = settings;
    this.#isDelta = settings.temporality === 'delta';
    this.#streams = new Streams(reader, settings.writerAttribute);
    this.#nowMs = this.#lastMs = this.#completeMs = settings.createdAtMs;
  }

  /** Begins a collection. What one has read that was not committed is read again. */
  begin(): void {
    this.#reporting = new Map();
    this.#nowMs = Math.max(this.#lastMs, this.#settings.clock.now());
  }

  /** What was read since `begin` counts as reported. */
  commit(isComplete: boolean): void {
    for (const [stream, reported] of this.#reporting) stream.reported = reported;
    this.#lastMs = this.#nowMs;
    if (isComplete) this.#completeMs = this.#nowMs;
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
    return point(this.#sinceCreation(), attributes, value);
  };

  readonly #upDownCounter = ({ definition, series, writer, attributes }: Stream): DataPoint<number> =>
    point(this.#sinceCreation(), attributes, this.#reader.value(definition, series, writer) as number);

  readonly #counter = (stream: Stream): DataPoint<number> | undefined => {
    const { definition, series, writer, attributes, reported } = stream;
    const value = this.#reader.value(definition, series, writer) as number;
    if (!this.#isDelta) return point(this.#sinceCreation(), attributes, value);
    const count = toSteps(value, definition.perUnit);
    const since = count - (reported?.count ?? 0);
    if (since === 0) return undefined;
    this.#reporting.set(stream, { endMs: this.#nowMs, count, histogram: undefined });
    return point(this.#since(reported), attributes, since / definition.perUnit);
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
    const figures = read(this.#reader, definition, series, writer);
    if (!this.#isDelta) return point(this.#sinceCreation(), attributes, make(figures));
    const since = histogramSince(figures, reported?.histogram);
    if (since.count === 0) return undefined;
    this.#reporting.set(stream, { endMs: this.#nowMs, count: figures.count, histogram: figures });
    return point(this.#since(reported), attributes, make(since));
  }

  #sinceCreation(): Span {
    return { startMs: this.#settings.createdAtMs, endMs: this.#nowMs };
  }

  /** Since the collection before, also where that had nothing of it to report; of one that was late, since what it did report. */
  #since(before: Reported | undefined): Span {
    return { startMs: Math.max(before?.endMs ?? this.#completeMs, this.#completeMs), endMs: this.#nowMs };
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
