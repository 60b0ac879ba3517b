// Quantiles of cumulative buckets, as Prometheus's histogram_quantile estimates them.
import type { DistributionSeries } from '../snapshot.ts';

/**
 * Within a bucket as if its values lay evenly. In the last one, which has no end, the largest value that is known of stands for it.
 * @param most the largest value that was ever recorded, null where it is not known
 * @returns null where the buckets are empty
 */
export function quantileOf(
  buckets: DistributionSeries['buckets'],
  q: number,
  most: number | null,
): number | null {
  const count = buckets.at(-1)?.count ?? 0;
  if (count === 0) return null;
  const rank = q * count;
  const index = buckets.findIndex((bucket) => bucket.count >= rank && bucket.count > 0);
  const { le, count: upTo } = buckets[index] as DistributionSeries['buckets'][number];
  const previous = buckets[index - 1];
  const lower = previous?.le ?? 0;
  const upper = le ?? Math.max(lower, most ?? lower);
  const below = previous?.count ?? 0;
  const value = lower + (upper - lower) * ((rank - below) / (upTo - below));
  return most === null ? value : Math.min(value, most);
}
