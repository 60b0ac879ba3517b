// A histogram's handle on its slot: two plain writes a value, one to its bucket and one to the sum.
import { addAmount, addTally, repairTally, tally } from '@corelane/shared-memory';
import { bucketCount, bucketOf, type BucketShape } from './buckets.ts';
import type { Distribution } from './distribution.ts';
import { ArgumentRangeError, disposed } from './errors.ts';
import { histogramSlot } from './layout.ts';
import type { SlotHandle, SlotSource } from './slot-handle.ts';
import { histogramBytes } from './slots.ts';

const SUM = histogramSlot.word.sum;
const FIRST_BUCKET = histogramSlot.bytes >> 2;
const BUCKET_WORDS = tally.bytes >> 2;
/** The first one is for 0. */
const SECOND_BUCKET = FIRST_BUCKET + BUCKET_WORDS;
const MAX_I32 = 0x7fffffff;

export class Histogram implements SlotHandle {
  readonly #source: SlotSource;
  readonly #shape: BucketShape;
  readonly #words: Int32Array;
  /** What this writer's slot holds. */
  #min: number;
  #max: number;
  /** Values from here to there take the short way: 32 bits, log-linear, no new minimum or maximum, not closed. */
  #shortMin = 1;
  #shortMax = 0;
  readonly #subBits: number;
  readonly #resolutionBits: number;
  readonly #finestLog2: number;
  #closed = false;

  /** Made by a registry. @internal */
  constructor(source: SlotSource) {
    const { floats, buckets } = source;
    if (buckets === undefined) throw new ArgumentRangeError('buckets', buckets, 'the buckets of a histogram');
    this.#source = source;
    this.#shape = buckets;
    this.#words = source.open(
      histogramBytes(buckets),
      (words) => {
        floats.put(words.byteOffset + histogramSlot.offset.min, Infinity);
        floats.put(words.byteOffset + histogramSlot.offset.max, -Infinity);
      },
      (words) => {
        repairTally(words, SUM);
        for (let bucket = 0; bucket < bucketCount(buckets); bucket++)
          repairTally(words, FIRST_BUCKET + bucket * BUCKET_WORDS);
      },
    );
    this.#min = floats.get(this.#words.byteOffset + histogramSlot.offset.min);
    this.#max = floats.get(this.#words.byteOffset + histogramSlot.offset.max);
    this.#subBits = buckets.kind === 'log-linear' ? buckets.subBits : 0;
    this.#resolutionBits = buckets.kind === 'log-linear' ? buckets.resolutionBits : 0;
    this.#finestLog2 = 31 - this.#subBits;
    this.#shorten();
  }

  /**
   * Records a value in steps: an integer from 0 to 2^53 - 1. Allocates nothing, never blocks, has no effect on other threads.
   * @throws ArgumentRangeError, RegistryDisposedError
   */
  record(value: number): void {
    if ((value | 0) === value && value >= this.#shortMin && value <= this.#shortMax) {
      // bucketOf for 32 bits.
      const cell = (value - 1) >> this.#resolutionBits;
      const shift = Math.max(0, this.#finestLog2 - Math.clz32(cell));
      const at = SECOND_BUCKET + ((shift << this.#subBits) + (cell >> shift)) * BUCKET_WORDS;
      const words = this.#words;
      const sum = words[SUM] as number;
      const nextSum = (sum + value) | 0;
      const count = words[at] as number;
      const nextCount = (count + 1) | 0;
      if (((nextSum ^ sum) | (nextCount ^ count)) >= 0) {
        words[SUM] = nextSum;
        words[at] = nextCount;
        return;
      }
    }
    this.#recordSlowly(value);
  }

  /** New extremes, other buckets, carries, and what is refused. */
  #recordSlowly(value: number): void {
    if (this.#closed) disposed();
    if (!Number.isSafeInteger(value) || value < 0)
      throw new ArgumentRangeError('value', value, 'an integer from 0 to 2^53 - 1');
    if (value < this.#min || value > this.#max) this.#widen(value);
    addAmount(this.#words, SUM, value);
    addTally(this.#words, FIRST_BUCKET + bucketOf(this.#shape, value) * BUCKET_WORDS, 1);
  }

  /** Before the value is counted, so that whoever sees its count finds it between minimum and maximum. */
  #widen(value: number): void {
    const { floats } = this.#source;
    if (value < this.#min) {
      floats.put(this.#words.byteOffset + histogramSlot.offset.min, value);
      this.#min = value;
    }
    if (value > this.#max) {
      floats.put(this.#words.byteOffset + histogramSlot.offset.max, value);
      this.#max = value;
    }
    this.#shorten();
  }

  #shorten(): void {
    if (this.#shape.kind !== 'log-linear' || this.#min > this.#max) return;
    this.#shortMin = Math.min(Math.max(1, this.#min), MAX_I32);
    this.#shortMax = Math.min(this.#max, 2 ** this.#shape.maxBits, MAX_I32);
  }

  /** What all writers have recorded, in units. */
  distribution(): Distribution {
    return this.#source.distribution();
  }

  /** @internal */
  close(): void {
    this.#closed = true;
    this.#shortMax = 0;
  }
}
