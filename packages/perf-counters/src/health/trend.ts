// Whether a series of measurements rises or falls, or only moves. Pure.
//
// Slope: the median of the slopes between all pairs (Theil 1950, Sen 1968), which a third of the values may spoil without moving it.
// Significance: Mann–Kendall with the correction for ties (Kendall 1975), its variance widened for serial correlation of what is left when the
// slope is taken out (the first lag of an AR(1) process: n* = n (1 − r)/(1 + r); Bayley & Hammersley 1946, Yue & Wang 2004). Without
// that, load that comes and goes slowly is taken for a trend in a third of all windows.

export interface TrendOptions {
  /** Fewer tell nothing. At least 4. */
  readonly minSamples: number;
  /** How often a series without a trend may be taken for one with: 0.05. */
  readonly significance: number;
  /** A change over the whole window of no more than this is steady, however sure. */
  readonly minChange: number;
}

export interface Trend {
  readonly course: 'rising' | 'falling' | 'steady' | 'unknown';
  readonly samples: number;
  /** Of the value, per minute; null where unknown. */
  readonly slopePerMinute: number | null;
  /** How often chance alone would do this or more; null where unknown. */
  readonly p: number | null;
}

/**
 * What is left of a steady curve, which is a trend beyond doubt, is as alike from one value to the next as in a slow wave: with more than this it
 * would be taken for one. Waves slower than that are taken for trends now and then.
 */
const MOST_CORRELATION = 0.85;
const MINUTE_MS = 60_000;

/** @param timesMs not decreasing @param values as many */
export function trendOf(timesMs: readonly number[], values: readonly number[], options: TrendOptions): Trend {
  const samples = values.length;
  const spanMs = samples === 0 ? 0 : (timesMs[samples - 1] as number) - (timesMs[0] as number);
  if (samples < Math.max(4, options.minSamples) || spanMs <= 0)
    return { course: 'unknown', samples, slopePerMinute: null, p: null };
  const slopes: number[] = [];
  let balance = 0;
  for (let late = 1; late < samples; late++)
    for (let early = 0; early < late; early++) {
      const rise = (values[late] as number) - (values[early] as number);
      balance += Math.sign(rise);
      const tookMs = (timesMs[late] as number) - (timesMs[early] as number);
      if (tookMs > 0) slopes.push(rise / tookMs);
    }
  const slopePerMs = median(slopes);
  const residuals = values.map((value, i) => value - slopePerMs * (timesMs[i] as number));
  const variance = kendallVariance(values) * inflation(residuals);
  const z = variance === 0 ? 0 : Math.max(0, Math.abs(balance) - 1) / Math.sqrt(variance);
  const p = z === 0 ? 1 : twoSided(z);
  const isTrend = p < options.significance && Math.abs(slopePerMs * spanMs) > options.minChange;
  const course = !isTrend || slopePerMs === 0 ? 'steady' : slopePerMs > 0 ? 'rising' : 'falling';
  return { course, samples, slopePerMinute: slopePerMs * MINUTE_MS, p };
}

function median(values: number[]): number {
  const sorted = Float64Array.from(values).toSorted();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[half] as number)
    : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
}

/** Of the Mann–Kendall statistic, where there is no trend. */
function kendallVariance(values: readonly number[]): number {
  const ties = new Map<number, number>();
  for (const value of values) ties.set(value, (ties.get(value) ?? 0) + 1);
  const n = values.length;
  let variance = n * (n - 1) * (2 * n + 5);
  for (const t of ties.values()) variance -= t * (t - 1) * (2 * t + 5);
  return variance / 18;
}

/** How many times too small the variance is that independent values would have; at least 1. */
function inflation(residuals: readonly number[]): number {
  const n = residuals.length;
  const mean = residuals.reduce((sum, value) => sum + value, 0) / n;
  let own = 0;
  let lagged = 0;
  residuals.forEach((value, i) => {
    own += (value - mean) ** 2;
    if (i > 0) lagged += (value - mean) * ((residuals[i - 1] as number) - mean);
  });
  if (own === 0) return 1;
  // The estimate from a short series is too low, by (1 + 4r)/n (Kendall 1954).
  const found = lagged / own;
  const r = Math.min(MOST_CORRELATION, found + (1 + 4 * found) / n);
  return r <= 0 ? 1 : (1 + r) / (1 - r);
}

/** 2 × (1 − Φ(z)), to 1.5e-7: Abramowitz & Stegun 7.1.26. */
function twoSided(z: number): number {
  const x = z / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const series =
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.min(1, series * Math.exp(-x * x));
}
