// Whether a series grows, by how much, and how sure that is: no assumption about the shape of the noise.
//
// Mann–Kendall (Mann 1945, Kendall 1975) counts pairs that rise less pairs that fall; its variance is corrected for ties and, as samples of
// memory depend on those before them, for autocorrelation (Hamed and Rao 1998). The slope is that of Theil and Sen (1968), the median of all
// pairs, with Sen's interval from the same variance. Checked against published results in the tests.

/** A trend of `n` values. */
export interface Trend {
  /** Pairs that rise less pairs that fall. */
  readonly s: number;
  /** Of S where there is no trend, corrected for ties and autocorrelation. */
  readonly variance: number;
  /** By how much autocorrelation has raised the variance: at least 1. */
  readonly inflation: number;
  /** Standard normal where there is no trend. */
  readonly z: number;
  /** Probability of a z as high, or higher, where there is no trend. */
  readonly pValue: number;
  /** Median of the slopes of all pairs, in units of y by units of x. */
  readonly slope: number;
  /** The interval of the slope at the given confidence, two-sided. */
  readonly slopeLow: number;
  readonly slopeHigh: number;
}

/**
 * @param x rising
 * @param y as many, at least 3
 * @param zOfInterval half width of the interval in standard deviations: 1.96 for 95 %
 */
export function trendOf(x: readonly number[], y: readonly number[], zOfInterval: number): Trend {
  const n = y.length;
  const slopes: number[] = [];
  let s = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const rise = at(y, j) - at(y, i);
      s += Math.sign(rise);
      slopes.push(rise / (at(x, j) - at(x, i)));
    }
  }
  slopes.sort((a, b) => a - b);
  const slope = median(slopes);
  const residuals = y.map((value, i) => value - slope * at(x, i));
  const inflation = Math.max(1, hamedRao(ranks(residuals, roundingOf(x, y, slope))));
  const variance = untiedVariance(y) * inflation;
  const z = variance === 0 ? 0 : (s - Math.sign(s)) / Math.sqrt(variance);
  const reach = zOfInterval * Math.sqrt(variance);
  const last = slopes.length - 1;
  const low = Math.max(0, Math.floor((slopes.length - reach) / 2));
  const high = Math.min(last, Math.ceil((slopes.length + reach) / 2));
  return {
    s,
    variance,
    inflation,
    z,
    pValue: upperTail(z),
    slope,
    slopeLow: at(slopes, low),
    slopeHigh: at(slopes, high),
  };
}

/** Probability that a standard normal is above z. Numerical Recipes' erfc: relative error below 1.2e-7. */
export function upperTail(z: number): number {
  const a = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + a / 2);
  const polynomial = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ].reduceRight((sum, coefficient) => sum * t + coefficient, 0);
  const tail = (t * Math.exp(-a * a + polynomial)) / 2;
  return z >= 0 ? tail : 1 - tail;
}

/** The z with that upper tail, by bisection. */
export function zOfTail(tail: number): number {
  let [low, high] = [-40, 40];
  for (let step = 0; step < 80; step++) {
    const middle = (low + high) / 2;
    if (upperTail(middle) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? at(sorted, middle) : (at(sorted, middle) + at(sorted, middle - 1)) / 2;
}

function untiedVariance(y: readonly number[]): number {
  const n = y.length;
  const ties = new Map<number, number>();
  for (const value of y) ties.set(value, (ties.get(value) ?? 0) + 1);
  let sum = n * (n - 1) * (2 * n + 5);
  for (const t of ties.values()) sum -= t * (t - 1) * (2 * t + 5);
  return sum / 18;
}

/** Factor for the variance of S: only autocorrelations that are significant at 95 % count. */
function hamedRao(ofRanks: readonly number[]): number {
  const n = ofRanks.length;
  const mean = ofRanks.reduce((sum, rank) => sum + rank, 0) / n;
  const centred = ofRanks.map((rank) => rank - mean);
  const power = centred.reduce((sum, value) => sum + value * value, 0);
  if (power === 0) return 1;
  let sum = 0;
  for (let lag = 1; lag < n; lag++) {
    let product = 0;
    for (let i = 0; i + lag < n; i++) product += at(centred, i) * at(centred, i + lag);
    const r = product / power;
    if (Math.abs(r) > 1.96 / Math.sqrt(n)) sum += (n - lag) * (n - lag - 1) * (n - lag - 2) * r;
  }
  return 1 + (2 * sum) / (n * (n - 1) * (n - 2));
}

/**
 * Values of which residuals are made are off by less where they are rounded. The median slope is that of a pair, so at least two residuals are
 * equal: were they compared to the last bit, their order, and with it what is significant, would be that of rounding.
 */
function roundingOf(x: readonly number[], y: readonly number[], slope: number): number {
  const most = y.reduce((found, value, i) => Math.max(found, Math.abs(value), Math.abs(slope * at(x, i))), 0);
  return most * 8 * Number.EPSILON;
}

/** 1 for the least; the mean of their ranks for equal ones, which are those that differ from their neighbours by no more than `rounding`. */
function ranks(values: readonly number[], rounding: number): number[] {
  const order = values.map((_, i) => i).toSorted((a, b) => at(values, a) - at(values, b));
  const ranked = values.map(() => 0);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to + 1 < order.length && at(values, at(order, to + 1)) - at(values, at(order, to)) <= rounding)
      to++;
    for (let i = from; i <= to; i++) ranked[at(order, i)] = (from + to) / 2 + 1;
    from = to + 1;
  }
  return ranked;
}

function at(values: readonly number[], index: number): number {
  return values[index] as number;
}
