// What a histogram has recorded, merged over writers: a snapshot, apart from shared memory.
import { bucketCount, exportedBuckets, lowerOf, upperOf, type BucketShape } from './buckets.ts';
import { ArgumentRangeError } from './errors.ts';

export interface CumulativeBucket {
  /** Upper bound in units, inclusive. */
  readonly le: number;
  /** Values of at most `le`. */
  readonly count: number;
}

export class Distribution {
  /** Values in each bucket. */
  readonly counts: Float64Array;
  readonly #shape: BucketShape;
  readonly #perUnit: number;
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;

  constructor(shape: BucketShape, perUnit: number) {
    this.#shape = shape;
    this.#perUnit = perUnit;
    this.counts = new Float64Array(bucketCount(shape));
  }

  get count(): number {
    return this.#count;
  }

  /** In units, as all that follows. */
  get sum(): number {
    return this.#sum / this.#perUnit;
  }

  /** The smallest value, exact; null where there is none. */
  get min(): number | null {
    return this.#min <= this.#max ? this.#min / this.#perUnit : null;
  }

  /** The largest value, exact; null where there is none. */
  get max(): number | null {
    return this.#min <= this.#max ? this.#max / this.#perUnit : null;
  }

  get mean(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count / this.#perUnit;
  }

  /**
   * The value with rank `ceil(q × count)`, off by at most the declared precision: the middle of its bucket, within min and max.
   * @param q 0 to 1; 0 gives the minimum and 1 the maximum, both exact
   * @returns null where there are no values
   */
  quantile(q: number): number | null {
    if (!(q >= 0 && q <= 1)) throw new ArgumentRangeError('q', q, 'a number from 0 to 1');
    if (this.#count === 0 || !(this.#min <= this.#max)) return null;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    if (q === 0) return this.min;
    if (rank >= this.#count) return this.max;
    let below = 0;
    let bucket = 0;
    for (; bucket < this.counts.length - 1; bucket++) {
      below += this.counts[bucket] as number;
      if (below >= rank) break;
    }
    const upper = upperOf(this.#shape, bucket);
    const middle = upper === Infinity ? this.#max : (lowerOf(this.#shape, bucket) + 1 + upper) / 2;
    return Math.min(this.#max, Math.max(this.#min, middle)) / this.#perUnit;
  }

  /** Upper bounds and cumulative counts, exact: every bound, or the powers of two of a log-linear histogram. The last is +Inf. */
  buckets(): CumulativeBucket[] {
    const cumulative: CumulativeBucket[] = [];
    let next = 0;
    let below = 0;
    for (const { bucket, upper } of exportedBuckets(this.#shape)) {
      for (; next <= bucket; next++) below += this.counts[next] as number;
      cumulative.push({ le: upper / this.#perUnit, count: below });
    }
    cumulative.push({ le: Infinity, count: this.#count });
    return cumulative;
  }

  /** Takes in what another one of the same shape and steps per unit holds. @throws ArgumentRangeError */
  merge(other: Distribution): this {
    if (!(other instanceof Distribution)) throw new ArgumentRangeError('other', other, 'a Distribution');
    if (other.#perUnit !== this.#perUnit)
      throw new ArgumentRangeError('perUnit of other', other.#perUnit, `${this.#perUnit}, as here`);
    if (
      other.counts.length !== this.counts.length ||
      JSON.stringify(other.#shape) !== JSON.stringify(this.#shape)
    )
      throw new ArgumentRangeError(
        'other',
        JSON.stringify(other.#shape),
        `buckets ${JSON.stringify(this.#shape)}`,
      );
    for (let i = 0; i < this.counts.length; i++) this.addBucket(i, other.counts[i] as number);
    return this.addTotals(other.#sum, other.#min, other.#max);
  }

  /** @internal */
  addBucket(bucket: number, count: number): void {
    this.counts[bucket] = (this.counts[bucket] as number) + count;
    this.#count += count;
  }

  /** In steps. @internal */
  addTotals(sum: number, min: number, max: number): this {
    this.#sum += sum;
    this.#min = Math.min(this.#min, min);
    this.#max = Math.max(this.#max, max);
    return this;
  }
}
