// What a series has, in steps: integers, so that what was recorded between two readings is their exact difference.
import { bucketCount, exportedBuckets, type BucketShape } from '../buckets.ts';
import type { Series } from '../catalog.ts';
import type { Definition } from '../definition.ts';
import type { SeriesReader } from '../series-reader.ts';

/** A histogram, in steps, apart from the registry. */
export interface HistogramFigures {
  /** Values in each bucket, or in each range that ends with an exported bound and one above. */
  readonly counts: Float64Array;
  readonly count: number;
  readonly sum: number;
  /** Undefined where there is no value, or it is not known of which interval it is. */
  readonly min: number | undefined;
  readonly max: number | undefined;
}

export function toSteps(units: number, perUnit: number): number {
  return perUnit === 1 ? units : Math.round(units * perUnit);
}

/** Every bucket by itself. */
export function bucketFigures(
  reader: SeriesReader,
  definition: Definition,
  series: Series,
  writer: number | undefined,
): HistogramFigures {
  return withTotals(
    reader,
    definition,
    series,
    writer,
    reader.distribution(definition, series, writer).counts,
  );
}

/** Buckets between one exported bound and the next together: half the time of each by itself, measured by `export-costs`. */
export function rangeFigures(
  reader: SeriesReader,
  definition: Definition,
  series: Series,
  writer: number | undefined,
): HistogramFigures {
  const shape = definition.buckets as BucketShape;
  const bounds = exportedBuckets(shape);
  const counts = new Float64Array(bounds.length + 1);
  let next = 0;
  bounds.forEach(({ bucket }, i) => {
    counts[i] = reader.bucketsOf(series, next, bucket + 1, writer);
    next = bucket + 1;
  });
  counts[bounds.length] = reader.bucketsOf(series, next, bucketCount(shape), writer);
  return withTotals(reader, definition, series, writer, counts);
}

/** After the counts: smallest and largest are those of all values that were counted. */
function withTotals(
  reader: SeriesReader,
  definition: Definition,
  series: Series,
  writer: number | undefined,
  counts: Float64Array,
): HistogramFigures {
  const { min, max } = reader.extremes(series, writer);
  const isEmpty = min > max;
  return {
    counts,
    count: counts.reduce((sum, count) => sum + count, 0),
    sum: toSteps(reader.sum(definition, series, writer), definition.perUnit),
    min: isEmpty ? undefined : min,
    max: isEmpty ? undefined : max,
  };
}

/** What came between two readings. Smallest and largest are those of all time, so they are left out. */
export function histogramSince(
  now: HistogramFigures,
  before: HistogramFigures | undefined,
): HistogramFigures {
  if (before === undefined) return now;
  return {
    counts: now.counts.map((count, bucket) => count - (before.counts[bucket] as number)),
    count: now.count - before.count,
    sum: now.sum - before.sum,
    min: undefined,
    max: undefined,
  };
}
