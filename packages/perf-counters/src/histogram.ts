// A histogram's handle on its slot: two plain writes a value, one to its bucket and one to the sum.
import { bucketOf } from './buckets.ts';
import type { Distribution } from './distribution.ts';
import { ArgumentRangeError, disposed } from './errors.ts';
import { histogramSlot, tally } from './layout.ts';
import type { SlotHandle, SlotSource } from './slot-handle.ts';
import { histogramBytes } from './slots.ts';
import { addAmount, carry, repairTally } from './tally.ts';

const SUM = histogramSlot.word.sum;
const FIRST_BUCKET = histogramSlot.bytes >> 2;
const BUCKET_WORDS = tally.bytes >> 2;

export class Histogram implements SlotHandle {
  readonly #source: SlotSource;
  readonly #words: Int32Array;
  readonly #isLogLinear: boolean;
  readonly #subBits: number;
  readonly #resolutionBits: number;
  readonly #lastBucket: number;
  /** What this writer's slot holds. After closing, -Infinity makes every value a new maximum, which is where closing is checked. */
  #max: number;
  #min: number;
  #closed = false;

  /** Made by a registry. @internal */
  constructor(source: SlotSource) {
    const { floats, buckets } = source;
    if (buckets === undefined) throw new ArgumentRangeError('buckets', buckets, 'the buckets of a histogram');
    this.#source = source;
    this.#words = source.open(
      histogramBytes(buckets),
      (words) => {
        floats.put(words.byteOffset + histogramSlot.offset.min, Infinity);
        floats.put(words.byteOffset + histogramSlot.offset.max, -Infinity);
      },
      (words) => {
        repairTally(words, SUM);
        for (let at = FIRST_BUCKET; at < words.length; at += BUCKET_WORDS) repairTally(words, at);
      },
    );
    this.#min = floats.get(this.#words.byteOffset + histogramSlot.offset.min);
    this.#max = floats.get(this.#words.byteOffset + histogramSlot.offset.max);
    this.#lastBucket = (this.#words.length - FIRST_BUCKET) / BUCKET_WORDS - 1;
    this.#isLogLinear = buckets.kind === 'log-linear';
    this.#subBits = buckets.kind === 'log-linear' ? buckets.subBits : 0;
    this.#resolutionBits = buckets.kind === 'log-linear' ? buckets.resolutionBits : 0;
  }

  /**
   * Records a value in steps: an integer from 0 to 2^53 - 1. Allocates nothing, never blocks, has no effect on other threads.
   * @throws ArgumentRangeError, RegistryDisposedError
   */
  record(value: number): void {
    if (value > this.#max || value < this.#min) this.#widen(value);
    let bucket: number;
    if ((value | 0) === value && value > 0 && this.#isLogLinear) {
      // bucketOf for 32 bits.
      const cell = (value - 1) >> this.#resolutionBits;
      const shift = Math.max(0, 31 - this.#subBits - Math.clz32(cell));
      bucket = Math.min(1 + (shift << this.#subBits) + (cell >> shift), this.#lastBucket);
    } else bucket = this.#bucketSlowly(value);
    const words = this.#words;
    const sum = words[SUM] as number;
    const nextSum = (sum + value) | 0;
    if (value <= 0x7fffffff && (nextSum ^ sum) >= 0) words[SUM] = nextSum;
    else addAmount(words, SUM, value);
    const at = FIRST_BUCKET + bucket * BUCKET_WORDS;
    const count = words[at] as number;
    const next = (count + 1) | 0;
    if ((next ^ count) >= 0) words[at] = next;
    else carry(words, at, next);
  }

  #bucketSlowly(value: number): number {
    checkValue(value);
    return bucketOf(this.#source.buckets as NonNullable<SlotSource['buckets']>, value);
  }

  #widen(value: number): void {
    if (this.#closed) disposed();
    checkValue(value);
    const { floats } = this.#source;
    if (value < this.#min) {
      floats.put(this.#words.byteOffset + histogramSlot.offset.min, value);
      this.#min = value;
    }
    if (value > this.#max) {
      floats.put(this.#words.byteOffset + histogramSlot.offset.max, value);
      this.#max = value;
    }
  }

  /** What all writers have recorded, in units. */
  distribution(): Distribution {
    return this.#source.distribution();
  }

  /** @internal */
  close(): void {
    this.#closed = true;
    this.#max = -Infinity;
  }
}

function checkValue(value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new ArgumentRangeError('value', value, 'an integer from 0 to 2^53 - 1');
}
