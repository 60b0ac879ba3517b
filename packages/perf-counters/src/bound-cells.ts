// Which bucket of one's own an integer of 31 bits belongs to, by one look into a table and one comparison. Pure.
//
// The table has a pair of words for each cell, which is a bucket of a log-linear histogram: found from the value by a shift. Cells are made so
// narrow that at most one bound is within a cell; then a value is in the bucket of the cell's smallest values or, above that bound, in the
// next. Where bounds crowd so that even the narrowest cells have several, those cells are marked, and left to a search of all bounds:
// 8 steps at most, as there are 256 at most.
//
// Tried and rejected: a search from the first bound that a cell can have (skewed bounds make it a walk over all); a table that is indexed
// by the value shifted (either coarse at the lower end, where most bounds are, or large); cells that are closed below, so that 0 is no case of
// its own (no faster: measured).
import { bucketCount, bucketOf, lowerOf, upperOf, type BoundsShape, type LogLinearShape } from './buckets.ts';

/** As fine as it gets: of 256 bounds at even distances from 0 no two are within a cell. 50 KiB then; bounds that double take half of one. */
const MAX_SUB_BITS = 8;
const VALUE_BITS = 31;
const MAX_VALUE = 2 ** VALUE_BITS - 1;

export interface BoundCells {
  /** Of the log-linear buckets that the cells are: 2^subBits per power of two. Bucket 0, of the value 0 alone, is no cell. */
  readonly subBits: number;
  /**
   * Of each cell: the bucket of its smallest values, or CROWDED; and the last value in that bucket. The value 0 is found as if it were 2^32: at
   * the end of one more power of two, whose other cells are of no value.
   */
  readonly pairs: Int32Array;
}

/** In place of a bucket: several bounds are in this cell. */
export const CROWDED = -1;

/** A function of the shape alone, and the same for all series of a metric. */
const made = new WeakMap<BoundsShape, BoundCells>();

/** The cells of these bounds. */
export function boundCells(shape: BoundsShape): BoundCells {
  let cells = made.get(shape);
  if (cells === undefined) made.set(shape, (cells = tabulate(shape)));
  return cells;
}

function tabulate(shape: BoundsShape): BoundCells {
  let cells = cellsOf(1);
  for (let subBits = 2; subBits <= MAX_SUB_BITS && crowds(cells, shape) > 0; subBits++) {
    const finer = cellsOf(subBits);
    if (crowds(finer, shape) < crowds(cells, shape)) cells = finer;
  }
  const { bounds } = shape;
  const cellCount = bucketCount(cells) - 2; // without bucket 0 and the one for what is above
  const pairs = new Int32Array(2 * (cellCount + 2 ** cells.subBits));
  pairs[pairs.length - 1] = MAX_VALUE; // of 0: in bucket 0, whatever that ends with
  for (let pair = 0, cell = 1; cell <= cellCount; pair += 2, cell++) {
    const upper = upperOf(cells, cell);
    const first = bucketOf(shape, lowerOf(cells, cell) + 1);
    const split = bounds[first] ?? Infinity;
    const isCrowded = split < upper && (bounds[first + 1] ?? Infinity) < upper;
    pairs[pair] = isCrowded ? CROWDED : first;
    pairs[pair + 1] = Math.min(split, MAX_VALUE);
  }
  return { subBits: cells.subBits, pairs };
}

function cellsOf(subBits: number): LogLinearShape {
  return { kind: 'log-linear', subBits, resolutionBits: 0, maxBits: VALUE_BITS };
}

/** Neighbours among the bounds that are within one cell: a bound at the end of its cell is not, as all of the cell is up to it. */
function crowds(cells: LogLinearShape, { bounds }: BoundsShape): number {
  let count = 0;
  for (let i = 1; i < bounds.length; i++) {
    const cell = bucketOf(cells, bounds[i] as number);
    if (cell === bucketOf(cells, bounds[i - 1] as number) && (bounds[i] as number) < upperOf(cells, cell))
      count++;
  }
  return count;
}
