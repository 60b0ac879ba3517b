// Makes snapshots, in pieces of one series each: whoever takes them may pause in between.
import type { Catalog, Metric, Series } from './catalog.ts';
import { isDistribution } from './definition.ts';
import type { MetricFilter } from './exposition.ts';
import { labelsOf, seriesOf, type SeriesReader } from './series-reader.ts';
import {
  SNAPSHOT_VERSION,
  type DistributionMetric,
  type DistributionSeries,
  type RegistrySnapshot,
  type ValueMetric,
  type ValueSeries,
} from './snapshot.ts';
import type { WriterState, WriterTable } from './writer.ts';

export interface ReadOptions {
  /** Only these metrics. Names that no metric has are no error. */
  readonly names?: MetricFilter | undefined;
}

/** A metric, or a series of the last metric before, or nothing but time. */
export interface SnapshotPiece {
  readonly metric?: Metric;
  readonly series?: ValueSeries | DistributionSeries;
}

export function* snapshotPieces(
  catalog: Catalog,
  reader: SeriesReader,
  isWanted: (name: string) => boolean,
): Generator<SnapshotPiece, void, void> {
  while (catalog.learnSome()) yield {};
  for (const metric of catalog.metrics()) {
    if (!isWanted(metric.definition.name)) continue;
    yield { metric };
    for (const each of seriesOf(metric)) {
      const series = isDistribution(metric.definition)
        ? distributionSeries(metric, each, reader)
        : valueSeries(metric, each, reader);
      if (series !== undefined) yield { series };
    }
  }
}

export function snapshotOf(
  { createdAtMs }: WriterTable,
  writers: readonly WriterState[],
  pieces: readonly SnapshotPiece[],
): RegistrySnapshot {
  const metrics: (ValueMetric | DistributionMetric)[] = [];
  let last: (ValueSeries | DistributionSeries)[] = [];
  for (const { metric, series } of pieces) {
    if (series !== undefined) last.push(series);
    if (metric === undefined) continue;
    const { name, type, help, unit, labels } = metric.definition;
    last = [];
    // The pieces that follow are of this type.
    metrics.push({ name, help, unit, labels, type, series: last } as ValueMetric | DistributionMetric);
  }
  const [seconds, nanoseconds] = process.hrtime();
  return {
    version: SNAPSHOT_VERSION,
    createdAtMs,
    takenAtMs: Date.now(),
    monotonicMs: seconds * 1000 + nanoseconds / 1e6,
    writers,
    metrics,
  };
}

/** Undefined where no writer has a value. */
function valueSeries(metric: Metric, series: Series, reader: SeriesReader): ValueSeries | undefined {
  const { definition } = metric;
  const byWriter = reader.valuesOf(definition, series);
  const value = reader.value(definition, series, undefined);
  if (byWriter.length === 0 || value === undefined) return undefined;
  return { labels: labelsOf(definition, series), value, byWriter };
}

/** Undefined where no writer has a slot. */
function distributionSeries(
  { definition }: Metric,
  series: Series,
  reader: SeriesReader,
): DistributionSeries | undefined {
  const writers = reader.writersOf(series);
  if (writers.length === 0) return undefined;
  const byWriter = writers.map((writer) => reader.totalsOf(definition, series, writer));
  const all = reader.distribution(definition, series);
  const { count, sum, min, max, mean } = all;
  return {
    labels: labelsOf(definition, series),
    count,
    sum,
    min,
    max,
    mean,
    quantiles: {
      p50: all.quantile(0.5),
      p90: all.quantile(0.9),
      p99: all.quantile(0.99),
      p999: all.quantile(0.999),
    },
    buckets: all.buckets().map(({ le, count: below }) => ({ le: le === Infinity ? null : le, count: below })),
    byWriter,
  };
}
