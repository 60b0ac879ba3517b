// What has happened between two snapshots of one registry: changes, rates, and the distribution of what was recorded meanwhile.
import { ArgumentRangeError } from '../errors.ts';
import type { MetricType } from '../definition.ts';
import { quantileOf } from './quantile.ts';
import {
  SNAPSHOT_VERSION,
  type DistributionMetric,
  type DistributionSeries,
  type ParsedSnapshot,
  type ValueMetric,
  type ValueSeries,
} from '../snapshot.ts';

/** A change, and what it is in a second; null where no time has passed. NaN where a gauge was null in JSON, before or after. */
export interface Change {
  readonly change: number;
  readonly perSecond: number | null;
}

export interface WriterChange extends Change {
  readonly writer: number;
}

/** Of a counter, up-down counter or gauge. */
export interface ValueSeriesDiff extends Change {
  readonly labels: Readonly<Record<string, string>>;
  /** At the end. */
  readonly value: number;
  readonly byWriter: readonly WriterChange[];
}

/** Of a histogram or timer: what was recorded meanwhile. */
export interface DistributionSeriesDiff {
  readonly labels: Readonly<Record<string, string>>;
  readonly count: number;
  readonly perSecond: number | null;
  readonly sum: number;
  /** Null where nothing was recorded. */
  readonly mean: number | null;
  /** Within a bucket as if its values lay evenly: off by less than the bucket, a power of two where none were chosen. */
  readonly quantiles: {
    readonly p50: number | null;
    readonly p90: number | null;
    readonly p99: number | null;
    readonly p999: number | null;
  };
  /** Cumulative, as in a snapshot. */
  readonly buckets: DistributionSeries['buckets'];
  /** Changes of the counts. */
  readonly byWriter: readonly WriterChange[];
}

interface MetricDiffBase {
  readonly name: string;
  readonly help: string;
  readonly unit: string;
  readonly labels: readonly string[];
}

export interface ValueMetricDiff extends MetricDiffBase {
  readonly type: Exclude<MetricType, 'histogram' | 'timer'>;
  readonly series: readonly ValueSeriesDiff[];
}

export interface DistributionMetricDiff extends MetricDiffBase {
  readonly type: 'histogram' | 'timer';
  readonly series: readonly DistributionSeriesDiff[];
}

/** Plain data that survives JSON, where what is NaN or infinite becomes null: value, change and rate of a gauge that is or was such. */
export interface SnapshotDiff {
  readonly version: typeof SNAPSHOT_VERSION;
  /** When the snapshots were taken, milliseconds since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Between them, on a clock that nobody sets. */
  readonly elapsedMs: number;
  readonly metrics: readonly (ValueMetricDiff | DistributionMetricDiff)[];
}

/**
 * Compares two snapshots of one registry. What is new in the later one was 0 before. A count that is smaller than before has begun anew
 * meanwhile, from 0.
 * @throws ArgumentRangeError where they are of different registries, of another version, or the wrong way round
 */
export function diffSnapshots(before: ParsedSnapshot, after: ParsedSnapshot): SnapshotDiff {
  checkVersion('before', before);
  checkVersion('after', after);
  if (before.createdAtMs !== after.createdAtMs)
    throw new ArgumentRangeError('after.createdAtMs', after.createdAtMs, `${before.createdAtMs}, as before`);
  const elapsedMs = after.monotonicMs - before.monotonicMs;
  if (!(elapsedMs >= 0))
    throw new ArgumentRangeError('after.monotonicMs', after.monotonicMs, `at least ${before.monotonicMs}`);
  const known = new Map(before.metrics.map((metric) => [metric.name, metric]));
  const metrics = after.metrics.map((metric) => {
    const { name, help, unit, labels } = metric;
    const base = { name, help, unit, labels };
    const previous = new Map(known.get(name)?.series.map((each) => [keyOf(each), each]));
    return isDistributionMetric(metric)
      ? {
          ...base,
          type: metric.type,
          series: metric.series.map((each) => diffDistribution(previous.get(keyOf(each)), each, elapsedMs)),
        }
      : {
          ...base,
          type: metric.type,
          series: metric.series.map((each) => diffValue(metric, previous.get(keyOf(each)), each, elapsedMs)),
        };
  });
  return { version: SNAPSHOT_VERSION, fromMs: before.takenAtMs, toMs: after.takenAtMs, elapsedMs, metrics };
}

type ParsedSeries = ValueSeries<number | null>;
type Series = ParsedSeries | DistributionSeries;

function diffValue(
  { type }: ValueMetric<number | null>,
  before: Series | undefined,
  after: ParsedSeries,
  elapsedMs: number,
): ValueSeriesDiff {
  const isCount = type === 'counter';
  const previous = before !== undefined && 'value' in before ? before : undefined;
  const byWriter = new Map(previous?.byWriter.map(({ writer, value }) => [writer, numberOf(value)]));
  const value = numberOf(after.value);
  return {
    labels: after.labels,
    value,
    ...changeOf(previous && numberOf(previous.value), value, isCount, elapsedMs),
    byWriter: after.byWriter.map(({ writer, value: now }) => ({
      writer,
      ...changeOf(byWriter.get(writer), numberOf(now), isCount, elapsedMs),
    })),
  };
}

function diffDistribution(
  before: Series | undefined,
  after: DistributionSeries,
  elapsedMs: number,
): DistributionSeriesDiff {
  const isKnown = before !== undefined && 'count' in before && before.count <= after.count;
  const previous = isKnown ? before : undefined;
  const below = new Map(previous?.buckets.map(({ le, count }) => [le, count]));
  const buckets = after.buckets.map(({ le, count }) => ({ le, count: count - (below.get(le) ?? 0) }));
  const { change: count, perSecond } = changeOf(previous?.count, after.count, true, elapsedMs);
  const sum = after.sum - (previous?.sum ?? 0);
  const byWriter = new Map(previous?.byWriter.map((each) => [each.writer, each.count]));
  const quantile = (q: number): number | null => quantileOf(buckets, q, after.max);
  return {
    labels: after.labels,
    count,
    perSecond,
    sum,
    mean: count === 0 ? null : sum / count,
    quantiles: { p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), p999: quantile(0.999) },
    buckets,
    byWriter: after.byWriter.map(({ writer, count: now }) => ({
      writer,
      ...changeOf(byWriter.get(writer), now, true, elapsedMs),
    })),
  };
}

function changeOf(before: number | undefined, after: number, isCount: boolean, elapsedMs: number): Change {
  const start = before === undefined || (isCount && before > after) ? 0 : before;
  const change = after - start;
  return { change, perSecond: elapsedMs > 0 ? (change / elapsedMs) * 1000 : null };
}

/** What JSON has made null was NaN or infinite: there is no difference to it. */
function numberOf(value: number | null): number {
  return value ?? NaN;
}

function isDistributionMetric(metric: ParsedSnapshot['metrics'][number]): metric is DistributionMetric {
  return metric.type === 'histogram' || metric.type === 'timer';
}

function keyOf({ labels }: Series): string {
  return JSON.stringify(Object.values(labels));
}

function checkVersion(which: string, snapshot: ParsedSnapshot): void {
  const version: unknown = snapshot?.version;
  if (version !== SNAPSHOT_VERSION)
    throw new ArgumentRangeError(`${which}.version`, version, String(SNAPSHOT_VERSION));
}
