// What another process sends is JSON of the right outline; its figures are looked at here: series that are not what they should be are left out.
import type { ParsedSnapshot } from '@corelane/perf-counters';
import type { Metric } from './figures.ts';

type Fields = Readonly<Record<string, unknown>>;

export function soundSnapshot(snapshot: ParsedSnapshot): ParsedSnapshot {
  const writers = snapshot.writers.filter((writer) => hasNumbers(writer, ['writer', 'threadId']));
  const metrics = snapshot.metrics.map((metric) => {
    const isDistribution = metric.type === 'histogram' || metric.type === 'timer';
    const isSound = isDistribution ? isDistributionSeries : isValueSeries;
    const series = (metric.series as readonly unknown[]).filter((each) => isSound(each));
    return { ...metric, unit: typeof metric.unit === 'string' ? metric.unit : '', series } as Metric;
  });
  return { ...snapshot, writers, metrics };
}

function isValueSeries(series: unknown): boolean {
  return (
    hasLabels(series) && hasNumbers(series, ['value']) && areWriters(series.byWriter, ['writer', 'value'])
  );
}

function isDistributionSeries(series: unknown): boolean {
  if (!hasLabels(series) || !hasNumbers(series, ['count', 'sum'])) return false;
  const { quantiles, buckets, byWriter } = series;
  return (
    isObject(quantiles) &&
    Object.values(quantiles).every(isFigure) &&
    isFigure(series['max']) &&
    Array.isArray(buckets) &&
    buckets.every((bucket) => hasNumbers(bucket, ['count']) && isFigure((bucket as Fields)['le'])) &&
    areWriters(byWriter, ['writer', 'count'])
  );
}

function hasLabels(
  series: unknown,
): series is Fields & { byWriter: unknown; quantiles: unknown; buckets: unknown } {
  if (!isObject(series)) return false;
  const { labels } = series;
  return isObject(labels) && Object.values(labels).every((value) => typeof value === 'string');
}

function areWriters(value: unknown, numbers: readonly string[]): boolean {
  return Array.isArray(value) && value.every((each) => hasNumbers(each, numbers));
}

function hasNumbers(value: unknown, names: readonly string[]): boolean {
  // JSON makes null of what is not finite: a gauge may be that.
  return (
    isObject(value) &&
    names.every((name) => isFigure(value[name]) && (name !== 'writer' || value[name] !== null))
  );
}

function isFigure(value: unknown): boolean {
  return value === null || typeof value === 'number';
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
