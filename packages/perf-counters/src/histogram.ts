// A histogram's handle on its slot: two plain writes a value, one to its bucket and one to the sum.
import { bucketCount, bucketOf, type BucketShape } from './buckets.ts';
import type { Distribution } from './distribution.ts';
import { ArgumentRangeError, disposed } from './errors.ts';
import { histogramSlot, tally } from './layout.ts';
import type { SlotHandle, SlotSource } from './slot-handle.ts';
import { histogramBytes } from './slots.ts';
import { addAmount, carry, repairTally } from './tally.ts';

const SUM = histogramSlot.word.sum;
const FIRST_BUCKET = histogramSlot.bytes >> 2;
const BUCKET_WORDS = tally.bytes >> 2;
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
    let bucket: number;
    if ((value | 0) === value && value >= this.#shortMin && value <= this.#shortMax) {
      // bucketOf for 32 bits.
      const cell = (value - 1) >> this.#resolutionBits;
      const shift = Math.max(0, this.#finestLog2 - Math.clz32(cell));
      bucket = 1 + (shift << this.#subBits) + (cell >> shift);
    } else bucket = this.#bucketSlowly(value);
    const words = this.#words;
    const sum = words[SUM] as number;
    const nextSum = (sum + value) | 0;
    if (value <= MAX_I32 && (nextSum ^ sum) >= 0) words[SUM] = nextSum;
    else addAmount(words, SUM, value);
    const at = FIRST_BUCKET + bucket * BUCKET_WORDS;
    const count = words[at] as number;
    const next = (count + 1) | 0;
    if ((next ^ count) >= 0) words[at] = next;
    else carry(words, at, next);
  }

  #bucketSlowly(value: number): number {
    if (this.#closed) disposed();
    if (!Number.isSafeInteger(value) || value < 0)
      throw new ArgumentRangeError('value', value, 'an integer from 0 to 2^53 - 1');
    if (value < this.#min || value > this.#max) this.#widen(value);
    return bucketOf(this.#shape, value);
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
