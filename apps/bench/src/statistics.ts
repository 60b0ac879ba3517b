import {
  max,
  median,
  medianAbsoluteDeviation,
  min,
  quantile,
  sampleWithReplacement,
} from 'simple-statistics';
import { randomFrom } from './random.ts';

export interface Summary {
  readonly median: number;
  /** Median absolute deviation from the median, not scaled. */
  readonly mad: number;
  readonly min: number;
  readonly max: number;
  /** 95 % percentile-bootstrap interval of the median. */
  readonly interval: readonly [low: number, high: number];
}

const RESAMPLES = 2000;

/** @param samples one a round, at least one */
export function summarise(samples: readonly number[], seed: number): Summary {
  const values = [...samples];
  const random = randomFrom(seed);
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(sampleWithReplacement(values, values.length, random)),
  );
  const [low = Number.NaN, high = Number.NaN] = quantile(medians, [0.025, 0.975]);
  return {
    median: median(values),
    mad: medianAbsoluteDeviation(values),
    min: min(values),
    max: max(values),
    interval: [low, high],
  };
}

/** Ratios of what was measured in the same round. A denominator of 0 (below the empty loop) yields no ratio. */
export function pairedRatios(of: readonly number[], against: readonly number[]): readonly number[] {
  return of.flatMap((value, round) => {
    const other = against[round];
    return other === undefined || other <= 0 ? [] : [value / other];
  });
}
