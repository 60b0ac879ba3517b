// Metrics in the data model of OpenTelemetry's SDK, by its types alone: nothing of it is loaded.
import type {
  AggregationTemporality,
  DataPoint,
  DataPointType,
  ExponentialHistogram,
  Histogram,
  MetricData,
  MetricDescriptor,
} from '@opentelemetry/sdk-metrics';
import { exportedBuckets, type BucketShape } from '../buckets.ts';
import type { Definition } from '../definition.ts';
import { exponentialBuckets, type LogLinearBuckets } from './exponential.ts';
import type { HistogramFigures } from './figures.ts';
import { ucumUnit } from './ucum.ts';

// The SDK's enumerations are numbers; a test holds these against them.
/* oxlint-disable typescript/no-unsafe-enum-assignment -- their types are imported, and they are not */
const HISTOGRAM = 0 as DataPointType.HISTOGRAM;
const EXPONENTIAL_HISTOGRAM = 1 as DataPointType.EXPONENTIAL_HISTOGRAM;
const GAUGE = 2 as DataPointType.GAUGE;
const SUM = 3 as DataPointType.SUM;
export const DELTA = 0 as AggregationTemporality.DELTA;
export const CUMULATIVE = 1 as AggregationTemporality.CUMULATIVE;
const INT = 0 as MetricDescriptor['valueType'];
const DOUBLE = 1 as MetricDescriptor['valueType'];
/* oxlint-enable typescript/no-unsafe-enum-assignment */

type HrTime = DataPoint<number>['startTime'];
export type Attributes = DataPoint<number>['attributes'];

/** A span of time in which something was recorded: milliseconds since 1970. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

export function point<T>({ startMs, endMs }: Span, attributes: Attributes, value: T): DataPoint<T> {
  return { startTime: hrTime(startMs), endTime: hrTime(endMs), attributes, value };
}

/** Seconds and nanoseconds. Milliseconds since 1970 as a float are exact to a quarter of a microsecond. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.floor((ms - seconds * 1000) * 1e6)];
}

export function descriptorOf(name: string, { type, help, unit, perUnit }: Definition): MetricDescriptor {
  return {
    name,
    description: help,
    unit: ucumUnit(unit),
    valueType: (type === 'counter' || type === 'upDownCounter') && perUnit === 1 ? INT : DOUBLE,
  };
}

export function sumData(
  descriptor: MetricDescriptor,
  aggregationTemporality: AggregationTemporality,
  isMonotonic: boolean,
  dataPoints: DataPoint<number>[],
): MetricData {
  return { descriptor, aggregationTemporality, dataPointType: SUM, isMonotonic, dataPoints };
}

export function gaugeData(descriptor: MetricDescriptor, dataPoints: DataPoint<number>[]): MetricData {
  return { descriptor, aggregationTemporality: CUMULATIVE, dataPointType: GAUGE, dataPoints };
}

export function histogramData(
  descriptor: MetricDescriptor,
  aggregationTemporality: AggregationTemporality,
  dataPoints: DataPoint<Histogram>[],
): MetricData {
  return { descriptor, aggregationTemporality, dataPointType: HISTOGRAM, dataPoints };
}

export function exponentialData(
  descriptor: MetricDescriptor,
  aggregationTemporality: AggregationTemporality,
  dataPoints: DataPoint<ExponentialHistogram>[],
): MetricData {
  return { descriptor, aggregationTemporality, dataPointType: EXPONENTIAL_HISTOGRAM, dataPoints };
}

/** With the bounds that were given, or the powers of two of a log-linear histogram: exact, in units. */
export function explicitHistogram(shape: BucketShape, perUnit: number, figures: HistogramFigures): Histogram {
  const boundaries = exportedBuckets(shape).map(({ upper }) => upper / perUnit);
  return { buckets: { boundaries, counts: [...figures.counts] }, ...totals(figures, perUnit) };
}

export function exponentialHistogram(
  buckets: LogLinearBuckets,
  figures: HistogramFigures,
  maxBuckets: number,
): ExponentialHistogram {
  const { scale, zeroCount, positive } = exponentialBuckets(buckets, figures.counts, maxBuckets);
  return {
    scale,
    zeroCount,
    positive: { offset: positive.offset, bucketCounts: positive.bucketCounts },
    negative: { offset: 0, bucketCounts: [] },
    ...totals(figures, buckets.perUnit),
  };
}

function totals(
  { count, sum, min, max }: HistogramFigures,
  perUnit: number,
): { count: number; sum: number; min?: number; max?: number } {
  return {
    count,
    sum: sum / perUnit,
    ...(min !== undefined && { min: min / perUnit }),
    ...(max !== undefined && { max: max / perUnit }),
  };
}
