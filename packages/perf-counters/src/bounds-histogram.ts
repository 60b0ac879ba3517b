// The short way into buckets of one's own: a cell by a shift, and from it the bucket by one comparison. See bound-cells.ts.
import { boundCells } from './bound-cells.ts';
import type { BoundsShape } from './buckets.ts';
import { Histogram } from './histogram.ts';
import { RELEASED, type SlotSource } from './slot-handle.ts';

export class BoundsHistogram extends Histogram {
  readonly #pairs: Int32Array = RELEASED;
  readonly #subBits: number = 0;

  /** @internal */
  constructor(source: SlotSource, buckets: BoundsShape) {
    super(source, buckets);
    const { subBits, pairs } = boundCells(buckets);
    this.#pairs = pairs;
    this.#subBits = subBits;
  }

  override record(value: number): void {
    if ((value | 0) === value && value >= this.shortMin && value <= this.shortMax) {
      // The numbers are SUM (4), FIRST_BUCKET (8) and the logarithm of BUCKET_WORDS (1), as in LogLinearHistogram.
      const cell = (value - 1) | 0; // of 0 all bits, so that it has a cell of its own
      const subBits = this.#subBits;
      const shift = (31 - subBits - Math.clz32(cell | (1 << subBits))) | 0;
      const pair = (((shift << subBits) + (cell >>> shift)) << 1) | 0;
      const pairs = this.#pairs;
      let bucket = pairs[pair] as number;
      if (bucket < 0) return this.recordSlowly(value); // CROWDED
      if (value > (pairs[pair | 1] as number)) bucket = (bucket + 1) | 0;
      const at = (8 + (bucket << 1)) | 0;
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
