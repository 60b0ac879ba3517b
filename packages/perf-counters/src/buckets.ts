// Which bucket an integer belongs to, and what a bucket stands for. Pure.
//
// Log-linear (after Gil Tene's HdrHistogram): 2^subBits buckets between one power of two and the next, so that the width of a
// bucket is a bounded share of its values. Bucket 0 is 0 alone; buckets are open below and closed above, as Prometheus's `le` is,
// so that 4096 counts as at most 4096.
import { ArgumentRangeError } from './errors.ts';

/** Buckets as a definition holds them: plain data. Values are integers ("steps"). */
export type BucketShape = LogLinearShape | BoundsShape;

export interface LogLinearShape {
  readonly kind: 'log-linear';
  /** 2^subBits buckets per power of two: quantiles are off by at most 2^-(subBits + 1) of the value. */
  readonly subBits: number;
  /** Values closer than 2^resolutionBits are not told apart. */
  readonly resolutionBits: number;
  /** Values above 2^maxBits share the last bucket. */
  readonly maxBits: number;
}

export interface BoundsShape {
  readonly kind: 'bounds';
  /** Largest value of each bucket, ascending; one more bucket follows for what is above. */
  readonly bounds: readonly number[];
}

export interface BucketOptions {
  /** Share of the value by which a quantile may be off, 2^-14 to 0.25; 0.05 by default. Rounded down to a power of two. */
  readonly precision?: number;
  /** Steps below which values need not be told apart; rounded down to a power of two. */
  readonly resolution?: number;
  /** Steps above which values share one bucket (their count, sum and maximum stay exact); rounded up to a power of two. */
  readonly max?: number;
  /** Upper bounds of buckets, in units: instead of precision, resolution and max. */
  readonly buckets?: readonly number[];
}

const MAX_VALUE = Number.MAX_SAFE_INTEGER;
const MAX_BUCKETS = 1 << 16;
/** Share of a bound by which its nearest step may be off: beyond that it is not the bound that was asked for. */
const BOUND_TOLERANCE = 1e-3;

/** @throws ArgumentRangeError */
export function bucketShape(
  options: BucketOptions,
  perUnit: number,
  defaultMax: number,
  defaultResolution: number,
): BucketShape {
  const { precision = 0.05, resolution = defaultResolution, max = defaultMax, buckets } = options;
  if (buckets !== undefined) {
    for (const [name, value] of Object.entries({
      precision: options.precision,
      resolution: options.resolution,
      max: options.max,
    }))
      if (value !== undefined) throw new ArgumentRangeError(name, value, 'nothing, where buckets are given');
    return boundsShape(buckets, perUnit);
  }
  if (!(precision >= 2 ** -14 && precision <= 0.25))
    throw new ArgumentRangeError('precision', precision, 'a number from 2^-14 to 0.25');
  if (!(resolution >= 1 && resolution <= 2 ** 30))
    throw new ArgumentRangeError('resolution', resolution, '1 to 2^30');
  if (!(max > resolution && max <= MAX_VALUE))
    throw new ArgumentRangeError('max', max, `more than resolution, up to ${MAX_VALUE}`);
  const subBits = Math.ceil(Math.log2(1 / precision)) - 1;
  const resolutionBits = Math.floor(Math.log2(resolution));
  const maxBits = Math.max(Math.ceil(Math.log2(max)), resolutionBits + subBits + 1);
  const shape: BucketShape = { kind: 'log-linear', subBits, resolutionBits, maxBits };
  if (bucketCount(shape) > MAX_BUCKETS)
    throw new ArgumentRangeError(
      `buckets of precision ${precision}, resolution ${resolution} and max ${max}`,
      bucketCount(shape),
      `at most ${MAX_BUCKETS}`,
    );
  return shape;
}

function boundsShape(buckets: readonly number[], perUnit: number): BucketShape {
  if (!Array.isArray(buckets)) throw new ArgumentRangeError('buckets', buckets, 'an array of bounds');
  const bounds = buckets.map((bound) => Math.round(bound * perUnit));
  if (bounds.length === 0 || bounds.length > 256)
    throw new ArgumentRangeError('buckets.length', bounds.length, '1 to 256');
  for (let i = 0; i < bounds.length; i++) {
    const bound = bounds[i] as number;
    const exact = (buckets[i] as number) * perUnit;
    if (Math.abs(bound - exact) > Math.abs(exact) * BOUND_TOLERANCE)
      throw new ArgumentRangeError(
        `buckets[${i}]`,
        buckets[i],
        `a bound of whole steps, of which perUnit (${perUnit}) make a unit: what is recorded are steps`,
      );
    if (!Number.isSafeInteger(bound) || bound < 0 || (i > 0 && bound <= (bounds[i - 1] as number)))
      throw new ArgumentRangeError(
        `buckets[${i}]`,
        buckets[i],
        'ascending bounds of at least 0, a step or more apart',
      );
  }
  return { kind: 'bounds', bounds };
}

/** Buckets of a shape, the last one for what is above all others. */
export function bucketCount(shape: BucketShape): number {
  if (shape.kind === 'bounds') return shape.bounds.length + 1;
  const { subBits, resolutionBits, maxBits } = shape;
  // One for 0; 2^(subBits + 1) of the finest width, 2^subBits for each further power of two; one above.
  return 1 + ((maxBits - resolutionBits - subBits + 1) << subBits) + 1;
}

/** Whether a shape read from shared memory is one that `bucketShape` could have made. */
export function isBucketShape(shape: BucketShape | undefined): boolean {
  if (shape?.kind === 'bounds') return areBounds(shape.bounds);
  if (shape?.kind !== 'log-linear') return false;
  const { subBits, resolutionBits, maxBits } = shape;
  return (
    [subBits, resolutionBits, maxBits].every((bits) => Number.isInteger(bits)) &&
    subBits >= 1 &&
    subBits <= 13 &&
    resolutionBits >= 0 &&
    maxBits > resolutionBits + subBits &&
    maxBits <= 53 &&
    bucketCount(shape) <= MAX_BUCKETS
  );
}

function areBounds(bounds: readonly number[]): boolean {
  if (!Array.isArray(bounds) || bounds.length === 0 || bounds.length > 256) return false;
  return bounds.every(
    (bound: unknown, i) =>
      Number.isSafeInteger(bound) && (bound as number) > (i === 0 ? -1 : (bounds[i - 1] as number)),
  );
}

/** The bucket of an integer from 0 to 2^53 - 1. `LogLinearHistogram.record` has the part for 1 to 2^31 - 1 inline. */
export function bucketOf(shape: BucketShape, value: number): number {
  if (shape.kind === 'bounds') return boundOf(shape.bounds, value);
  const { subBits, resolutionBits } = shape;
  if (value < 1) return 0;
  const cell = Math.floor((value - 1) / 2 ** resolutionBits);
  const shift = Math.max(0, floorLog2(cell) - subBits);
  return Math.min(1 + (shift << subBits) + Math.floor(cell / 2 ** shift), bucketCount(shape) - 1);
}

/** The first bound that is not below the value, or the number of bounds. */
function boundOf(bounds: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((bounds[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The largest value of a bucket; Infinity for the last. */
export function upperOf(shape: BucketShape, bucket: number): number {
  if (bucket >= bucketCount(shape) - 1) return Infinity;
  if (shape.kind === 'bounds') return shape.bounds[bucket] as number;
  if (bucket === 0) return 0;
  const { subBits, resolutionBits } = shape;
  const cell = bucket - 1;
  const shift = Math.max(0, (cell >> subBits) - 1);
  return (cell - (shift << subBits) + 1) * 2 ** (shift + resolutionBits);
}

/** The value that a bucket below it ends with: the bucket holds what is above it. */
export function lowerOf(shape: BucketShape, bucket: number): number {
  return bucket === 0 ? -1 : upperOf(shape, bucket - 1);
}

export interface ExportedBucket {
  readonly bucket: number;
  /** Its largest value, in steps. */
  readonly upper: number;
}

/** A function of the shape alone, and the same at every scrape. */
const exported = new WeakMap<BucketShape, readonly ExportedBucket[]>();

/** Buckets whose upper ends are exported: all bounds, or 0 and the powers of two. */
export function exportedBuckets(shape: BucketShape): readonly ExportedBucket[] {
  let buckets = exported.get(shape);
  if (buckets === undefined) {
    buckets = exportedIndices(shape).map((bucket) => ({ bucket, upper: upperOf(shape, bucket) }));
    exported.set(shape, buckets);
  }
  return buckets;
}

function exportedIndices(shape: BucketShape): number[] {
  if (shape.kind === 'bounds') return shape.bounds.map((_, i) => i);
  const { resolutionBits, maxBits } = shape;
  const indices = [0];
  for (let bits = resolutionBits; bits <= maxBits; bits++) indices.push(bucketOf(shape, 2 ** bits));
  return indices;
}

function floorLog2(value: number): number {
  if (value < 1) return 0;
  if (value < 2 ** 31) return 31 - Math.clz32(value);
  return 22 + 31 - Math.clz32(Math.floor(value / 2 ** 22));
}
