// What a series has, in steps: integers, so that what was recorded between two readings is their exact difference. Pure.
import type { Distribution } from '../distribution.ts';

/** A histogram, in steps, apart from the registry. */
export interface HistogramFigures {
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

export function figuresOf(distribution: Distribution, perUnit: number): HistogramFigures {
  const { counts, count, sum, min, max } = distribution;
  const steps = (units: number | null): number | undefined =>
    units === null ? undefined : toSteps(units, perUnit);
  return { counts, count, sum: toSteps(sum, perUnit), min: steps(min), max: steps(max) };
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
