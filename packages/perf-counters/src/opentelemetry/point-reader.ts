// Reads metrics as data points, and keeps what was reported before, for who wants what came since.
import type {
  DataPoint,
  ExponentialHistogram,
  Histogram,
  MetricData,
  MetricDescriptor,
} from '@opentelemetry/sdk-metrics';
import type { BucketShape } from '../buckets.ts';
import type { Metric, Series } from '../catalog.ts';
import type { Definition } from '../definition.ts';
import type { Clock } from '../ports.ts';
import { labelsOf, seriesOf, type SeriesReader } from '../series-reader.ts';
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

export interface PointSettings {
  /** When every count was 0, in milliseconds since 1970. */
  readonly createdAtMs: number;
  readonly temporality: 'cumulative' | 'delta';
  readonly histograms: 'explicit' | 'exponential';
  readonly maxBuckets: number;
  readonly removeSuffixes: boolean;
  readonly clock: Clock;
}

/** What was reported of a series, in steps, and until when. */
interface Reported {
  readonly endMs: number;
  readonly count: number;
  readonly histogram: HistogramFigures | undefined;
}

type PointOf<T> = (metric: Metric, series: Series) => DataPoint<T> | undefined;

export class PointReader {
  readonly #series: SeriesReader;
  readonly #settings: PointSettings;
  readonly #logLinear = new WeakMap<Definition, LogLinearBuckets>();
  readonly #reported = new WeakMap<Series, Reported>();
  /** Of the collection that is under way. */
  #reporting = new Map<Series, Reported>();

  constructor(series: SeriesReader, settings: PointSettings) {
    this.#series = series;
    this.#settings = settings;
  }

  /** Begins a collection. What one has read that was not committed is read again. */
  begin(): void {
    this.#reporting = new Map();
  }

  /** What was read since `begin` counts as reported. */
  commit(): void {
    for (const [series, reported] of this.#reporting) this.#reported.set(series, reported);
  }

  /**
   * Reads a metric, a series a step.
   * @param into gets it when it is read, or the reading is given up: then with the series that were read
   */
  *read(metric: Metric, into: MetricData[], errors: unknown[]): Generator<undefined, void, void> {
    const { definition } = metric;
    const { temporality, removeSuffixes } = this.#settings;
    const descriptor = descriptorOf(definition, removeSuffixes);
    const counted = temporality === 'delta' ? DELTA : CUMULATIVE;
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
    const { temporality, histograms } = this.#settings;
    const aggregation = temporality === 'delta' ? DELTA : CUMULATIVE;
    const buckets = histograms === 'exponential' ? this.#logLinearOf(metric.definition) : undefined;
    if (buckets === undefined)
      return yield* this.#points(metric, errors, this.#explicit, (points) =>
        into.push(histogramData(descriptor, aggregation, points)),
      );
    return yield* this.#points(metric, errors, this.#exponential, (points) =>
      into.push(exponentialData(descriptor, aggregation, points)),
    );
  }

  *#points<T>(
    metric: Metric,
    errors: unknown[],
    read: PointOf<T>,
    done: (points: DataPoint<T>[]) => void,
  ): Generator<undefined, void, void> {
    const points: DataPoint<T>[] = [];
    try {
      for (const series of seriesOf(metric)) {
        if (this.#series.slots(series) === 0) continue;
        try {
          const read1 = read(metric, series);
          if (read1 !== undefined) points.push(read1);
        } catch (error) {
          errors.push(error);
        }
        yield;
      }
    } finally {
      if (points.length > 0) done(points);
    }
  }

  readonly #gauge: PointOf<number> = ({ definition }, series) => {
    const value = this.#series.value(definition, series, undefined);
    if (value === undefined) return undefined;
    const labels = labelsOf(definition, series);
    if (!Number.isFinite(value)) throw new MetricValueError(definition.name, labels, value);
    return point(this.#span(undefined), labels, value);
  };

  readonly #upDownCounter: PointOf<number> = ({ definition }, series) =>
    point(
      this.#span(undefined),
      labelsOf(definition, series),
      this.#series.value(definition, series, undefined) as number,
    );

  readonly #counter: PointOf<number> = ({ definition }, series) => {
    const { perUnit } = definition;
    const before = this.#before(series);
    const span = this.#span(before);
    const value = this.#series.value(definition, series, undefined) as number;
    const labels = labelsOf(definition, series);
    if (this.#settings.temporality === 'cumulative') return point(span, labels, value);
    const count = toSteps(value, perUnit);
    const since = count - (before?.count ?? 0);
    if (since === 0) return undefined;
    this.#reporting.set(series, { endMs: span.endMs, count, histogram: undefined });
    return point(span, labels, since / perUnit);
  };

  readonly #explicit: PointOf<Histogram> = (metric, series) => {
    const { buckets, perUnit } = metric.definition;
    return this.#histogram(metric, series, rangeFigures, (figures) =>
      explicitHistogram(buckets as BucketShape, perUnit, figures),
    );
  };

  readonly #exponential: PointOf<ExponentialHistogram> = (metric, series) => {
    const buckets = this.#logLinearOf(metric.definition) as LogLinearBuckets;
    return this.#histogram(metric, series, bucketFigures, (figures) =>
      exponentialHistogram(buckets, figures, this.#settings.maxBuckets),
    );
  };

  #histogram<T>(
    { definition }: Metric,
    series: Series,
    read: typeof rangeFigures,
    make: (figures: HistogramFigures) => T,
  ): DataPoint<T> | undefined {
    const before = this.#before(series);
    const span = this.#span(before);
    const figures = read(this.#series, definition, series);
    const labels = labelsOf(definition, series);
    if (this.#settings.temporality === 'cumulative') return point(span, labels, make(figures));
    const since = histogramSince(figures, before?.histogram);
    if (since.count === 0) return undefined;
    this.#reporting.set(series, { endMs: span.endMs, count: figures.count, histogram: figures });
    return point(span, labels, make(since));
  }

  #before(series: Series): Reported | undefined {
    return this.#settings.temporality === 'delta' ? this.#reported.get(series) : undefined;
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
