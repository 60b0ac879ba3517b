// The short way into log-linear buckets: the bucket by a shift.
import type { LogLinearShape } from './buckets.ts';
import { Histogram } from './histogram.ts';
import type { SlotSource } from './slot-handle.ts';

export class LogLinearHistogram extends Histogram {
  readonly #subBits: number = 0;
  readonly #resolutionBits: number = 0;

  /** @internal */
  constructor(source: SlotSource, buckets: LogLinearShape) {
    super(source, buckets);
    const { subBits, resolutionBits } = buckets;
    this.#subBits = subBits;
    this.#resolutionBits = resolutionBits;
  }

  override record(value: number): void {
    if ((value | 0) === value && value >= this.shortMin && value <= this.shortMax) {
      // bucketOf for 32 bits. The numbers are SUM (4), FIRST_BUCKET (8), the bucket after it, which 1 belongs to (10), and the logarithm
      // of BUCKET_WORDS: as variables of the module they are loaded and checked each time, which takes half as long again (measured).
      const cell = (value - 1) >> this.#resolutionBits; // -1 for 0
      const subBits = this.#subBits;
      const shift = (31 - subBits - Math.clz32(cell | (1 << subBits))) | 0; // cells below 2^subBits are as wide as the first
      const at = cell < 0 ? 8 : (10 + ((((shift << subBits) + (cell >> shift)) | 0) << 1)) | 0;
      const words = this.words;
      const sum = words[4] as number;
      const nextSum = (sum + value) | 0;
      const count = words[at] as number;
      const nextCount = (count + 1) | 0;
      if (((nextSum ^ sum) | (nextCount ^ count)) >= 0) {
        words[4] = nextSum;
        words[at] = nextCount;
        return;
      }
    }
    this.recordSlowly(value);
  }
}
