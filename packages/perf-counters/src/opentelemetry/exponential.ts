// Log-linear buckets as buckets of an exponential histogram. Pure.
//
// At scale s OpenTelemetry has 2^s buckets to a power of two, each as many times as wide as the one before; we have 2^subBits of one width. So
// a bucket of ours may lie across two of theirs, but for scale 0 and below, where both end at powers of two. A bucket's values are
// counted where its upper end is: never as less than they are, and as more by at most the width of our bucket. Which one that is depends on
// the shape alone, and not on what was recorded meanwhile, or cumulative counts would go down in one bucket when another value comes.
import { bucketCount, upperOf, type BucketShape } from '../buckets.ts';

export interface ExponentialBuckets {
  /** Upper ends are 2^(2^-scale × (index + 1)). */
  readonly scale: number;
  readonly zeroCount: number;
  readonly positive: { readonly offset: number; readonly bucketCounts: number[] };
}

/** Of a definition. */
export interface LogLinearBuckets {
  readonly shape: Extract<BucketShape, { readonly kind: 'log-linear' }>;
  /** Steps in a unit: the histogram is in units. */
  readonly perUnit: number;
  /** For each bucket but the first, its index at scale `subBits`. */
  readonly indices: Int32Array;
}

/** Undefined where a definition has bounds of its own. */
export function logLinearBuckets(shape: BucketShape, perUnit: number): LogLinearBuckets | undefined {
  if (shape.kind !== 'log-linear') return undefined;
  const buckets = bucketCount(shape);
  const indices = new Int32Array(buckets);
  for (let bucket = 1; bucket < buckets - 1; bucket++)
    indices[bucket] = exponentialIndex(upperOf(shape, bucket) / perUnit, shape.subBits);
  // What is above all has no upper end: it is counted in the next bucket, and the maximum tells how far it goes.
  indices[buckets - 1] = (indices[buckets - 2] as number) + 1;
  return { shape, perUnit, indices };
}

/**
 * @param counts values in each bucket of the shape
 * @param maxBuckets from one end to the other, at least 2; the scale is the finest, up to `subBits`, of which so many are enough
 */
export function exponentialBuckets(
  { shape, indices }: LogLinearBuckets,
  counts: ArrayLike<number>,
  maxBuckets: number,
): ExponentialBuckets {
  const zeroCount = counts[0] as number;
  const first = firstCounted(counts);
  if (first === -1) return { scale: shape.subBits, zeroCount, positive: { offset: 0, bucketCounts: [] } };
  const low = indices[first] as number;
  const high = indices[lastCounted(counts)] as number;
  let shift = 0;
  while ((high >> shift) - (low >> shift) >= maxBuckets) shift++;
  const offset = low >> shift;
  const bucketCounts = Array.from({ length: (high >> shift) - offset + 1 }, () => 0);
  for (let bucket = first; bucket < counts.length; bucket++) {
    const at = ((indices[bucket] as number) >> shift) - offset;
    if ((counts[bucket] as number) !== 0)
      bucketCounts[at] = (bucketCounts[at] as number) + (counts[bucket] as number);
  }
  return { scale: shape.subBits - shift, zeroCount, positive: { offset, bucketCounts } };
}

/** The bucket of a value above 0: `base^index < value ≤ base^(index + 1)`, base = 2^(2^-scale). Exact at powers of two. */
export function exponentialIndex(value: number, scale: number): number {
  return Math.ceil(Math.log2(value) * 2 ** scale) - 1;
}

function firstCounted(counts: ArrayLike<number>): number {
  for (let bucket = 1; bucket < counts.length; bucket++) if (counts[bucket] !== 0) return bucket;
  return -1;
}

function lastCounted(counts: ArrayLike<number>): number {
  let bucket = counts.length - 1;
  while (counts[bucket] === 0) bucket--;
  return bucket;
}
