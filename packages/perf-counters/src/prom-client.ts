// Metrics as prom-client's registries hand them out to each other: for code that expects one.
import { exportedBuckets, bucketCount, type BucketShape } from './buckets.ts';
import type { Catalog, Metric, Series } from './catalog.ts';
import { isDistribution, type Aggregator } from './definition.ts';
import { EXPORTED_TYPE } from './prometheus.ts';
import { labelsOf, seriesOf, type SeriesReader } from './series-reader.ts';
import type { SliceOptions } from './slices.ts';

export interface PromClientValue {
  readonly value: number;
  /** With the upper bound of a bucket as `le`. */
  readonly labels: Readonly<Record<string, string | number>>;
  /** The name of the line, where it is another one than the metric's. */
  readonly metricName?: string;
}

/** One of what prom-client's `getMetricsAsJSON()` resolves to. */
export interface PromClientMetric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly values: PromClientValue[];
  /** How prom-client's `AggregatorRegistry` merges it with those of other processes. */
  readonly aggregator: Aggregator;
}

/** An item of prom-client's `getMetricsAsArray()`: `Registry.merge` takes it. */
export interface PromClientSource extends Omit<PromClientMetric, 'values'> {
  get(options?: SliceOptions): Promise<PromClientMetric>;
}

export function promClientHead({ definition }: Metric): Omit<PromClientMetric, 'values'> {
  const { name, help, type, aggregator = 'sum' } = definition;
  return { name, help, type: EXPORTED_TYPE[type], aggregator };
}

/** A metric, or values of the last metric before, or nothing but time. */
export interface PromClientPiece {
  readonly metric?: Metric;
  readonly values?: PromClientValue[];
}

/** All metrics, in pieces of one series each: whoever takes them may pause in between. */
export function* promClientPieces(catalog: Catalog, reader: SeriesReader): Generator<PromClientPiece> {
  while (catalog.learnSome()) yield {};
  for (const metric of catalog.metrics()) {
    yield { metric };
    for (const values of promClientValues(metric, reader)) yield { values };
  }
}

/** The values of each series, one after the other. */
export function* promClientValues(metric: Metric, reader: SeriesReader): Generator<PromClientValue[]> {
  for (const series of seriesOf(metric)) yield seriesValues(metric, series, reader);
}

function seriesValues({ definition }: Metric, series: Series, reader: SeriesReader): PromClientValue[] {
  if (reader.slots(series) === 0) return [];
  const labels = labelsOf(definition, series);
  if (!isDistribution(definition)) {
    const value = reader.value(definition, series, undefined);
    return value === undefined ? [] : [{ value, labels }];
  }
  const { name, perUnit } = definition;
  const shape = definition.buckets as BucketShape;
  const values: PromClientValue[] = [];
  const metricName = `${name}_bucket`;
  let next = 0;
  let below = 0;
  for (const { bucket, upper } of exportedBuckets(shape)) {
    below += reader.bucketsOf(series, next, bucket + 1, undefined);
    next = bucket + 1;
    values.push({ labels: { le: upper / perUnit, ...labels }, value: below, metricName });
  }
  below += reader.bucketsOf(series, next, bucketCount(shape), undefined);
  values.push(
    { labels: { le: '+Inf', ...labels }, value: below, metricName },
    { labels, value: reader.sum(definition, series, undefined), metricName: `${name}_sum` },
    { labels, value: below, metricName: `${name}_count` },
  );
  return values;
}
