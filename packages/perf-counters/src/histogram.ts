// A histogram's handle on its slot: two plain writes a value, one to its bucket and one to the sum.
//
// `record` is written out for each kind of buckets, in a class of its own. With both in one function the one with log-linear buckets took 5.8 ns in
// place of 3.5 in a process that had both (measured): V8 compiles a function for all that it has seen.
import { addAmount, addTally, repairTally, tally } from '@corelane/shared-memory';
import { bucketCount, bucketOf, lowerOf, type BucketShape } from './buckets.ts';
import type { Distribution } from './distribution.ts';
import { ArgumentRangeError, disposed } from './errors.ts';
import { histogramSlot } from './layout.ts';
import { RELEASED, type SlotHandle, type SlotSource } from './slot-handle.ts';
import { histogramBytes } from './slots.ts';

const SUM = histogramSlot.word.sum;
const FIRST_BUCKET = histogramSlot.bytes >> 2;
const BUCKET_WORDS = tally.bytes >> 2;
const MAX_I32 = 0x7fffffff;
const MAX_STEPS = Number.MAX_SAFE_INTEGER;
const STEPS = 'an integer from 0 to 2^53 - 1';

export abstract class Histogram implements SlotHandle {
  readonly #source: SlotSource;
  readonly #shape: BucketShape;
  protected readonly words: Int32Array = RELEASED;
  /** What this writer's slot holds. */
  #min: number;
  #max: number;
  /** Values from here to there take the short way: 32 bits, no new minimum or maximum, not closed. Small integers, never floats. */
  protected shortMin = 1;
  protected shortMax = 0;
  #closed = false;

  /** Made by a registry. @internal */
  constructor(source: SlotSource, buckets: BucketShape) {
    const { floats } = source;
    this.#source = source;
    this.#shape = buckets;
    this.words = source.open(
      histogramBytes(buckets),
      (words) => {
        floats.put(words.byteOffset + histogramSlot.offset.min, Infinity);
        floats.put(words.byteOffset + histogramSlot.offset.max, -Infinity);
      },
      (words) => {
        repairTally(words, SUM);
        for (let bucket = 0; bucket < bucketCount(buckets); bucket++) repairTally(words, wordOf(bucket));
      },
    );
    this.#min = floats.get(this.words.byteOffset + histogramSlot.offset.min);
    this.#max = floats.get(this.words.byteOffset + histogramSlot.offset.max);
    this.#shorten();
  }

  /**
   * Records a value in steps: an integer from 0 to 2^53 - 1. Allocates nothing, never blocks, has no effect on other threads.
   * @throws ArgumentRangeError, RegistryDisposedError
   */
  abstract record(value: number): void;

  /**
   * Records a value `count` times, at the cost of one.
   * @param count 0 to 2^31 - 1; `value * count` at most 2^53 - 1
   * @throws ArgumentRangeError, RegistryDisposedError
   */
  recordMany(value: number, count: number): void {
    if (this.#closed) disposed();
    checkSteps('value', value);
    if (!Number.isInteger(count) || count < 0 || count > MAX_I32)
      throw new ArgumentRangeError('count', count, 'an integer from 0 to 2^31 - 1');
    checkSum(value * count);
    if (count === 0) return;
    this.#widen(value, value);
    addAmount(this.words, SUM, value * count);
    this.#count(bucketOf(this.#shape, value), count);
  }

  /**
   * Records what took longer than the interval at which a steady load makes its requests, and the values that requests would have had which
   * it kept from being made: `value - expectedInterval`, and so on down to `expectedInterval`. It is HdrHistogram's correction of
   * _coordinated omission_ (Gil Tene), for measurements of a load that waits for the answer before it goes on; not for traffic, whose requests
   * come by themselves. Costs a step for each bucket on the way, however many values it adds.
   * @param expectedInterval steps, 1 to 2^53 - 1; `value / expectedInterval` at most 2^31, the sum of all values at most 2^53 - 1
   * @throws ArgumentRangeError, RegistryDisposedError
   */
  recordCorrected(value: number, expectedInterval: number): void {
    if (this.#closed) disposed();
    checkSteps('value', value);
    if (!Number.isSafeInteger(expectedInterval) || expectedInterval < 1)
      throw new ArgumentRangeError('expectedInterval', expectedInterval, 'an integer from 1 to 2^53 - 1');
    let missing = Math.max(0, (value - (value % expectedInterval)) / expectedInterval - 1);
    if (missing > MAX_I32)
      throw new ArgumentRangeError('value / expectedInterval', value / expectedInterval, 'at most 2^31');
    const smallest = value - missing * expectedInterval;
    const ends = value - expectedInterval + smallest;
    // Halves what is even, so that nothing is rounded that is within 2^53.
    const missingSum = missing % 2 === 0 ? (missing / 2) * ends : missing * (ends / 2);
    checkSum(value + missingSum);
    this.#widen(smallest, value);
    addAmount(this.words, SUM, value + missingSum);
    this.#count(bucketOf(this.#shape, value), 1);
    for (let next = value - expectedInterval; missing > 0;) {
      const bucket = bucketOf(this.#shape, next);
      const inBucket = Math.min(missing, Math.ceil((next - lowerOf(this.#shape, bucket)) / expectedInterval));
      this.#count(bucket, inBucket);
      next -= inBucket * expectedInterval;
      missing -= inBucket;
    }
  }

  /** New extremes, other buckets, carries, and what is refused. */
  protected recordSlowly(value: number): void {
    if (this.#closed) disposed();
    checkSteps('value', value);
    if (value < this.#min || value > this.#max) this.#widen(value, value);
    // addAmount divides, and so makes floats: code that runs as seldom as this may never be optimised, and boxes them.
    if (value <= MAX_I32) addTally(this.words, SUM, value);
    else addAmount(this.words, SUM, value);
    this.#count(bucketOf(this.#shape, value), 1);
  }

  #count(bucket: number, times: number): void {
    addTally(this.words, wordOf(bucket), times);
  }

  /** Before a value is counted, so that whoever sees its count finds it between minimum and maximum. */
  #widen(smallest: number, largest: number): void {
    const { floats } = this.#source;
    if (smallest < this.#min) {
      floats.put(this.words.byteOffset + histogramSlot.offset.min, smallest);
      this.#min = smallest;
    }
    if (largest > this.#max) {
      floats.put(this.words.byteOffset + histogramSlot.offset.max, largest);
      this.#max = largest;
    }
    this.#shorten();
  }

  #shorten(): void {
    if (this.#min > this.#max) return;
    const most = this.#shape.kind === 'log-linear' ? 2 ** this.#shape.maxBits : MAX_I32;
    this.shortMin = Math.min(this.#min, MAX_I32) | 0;
    this.shortMax = Math.min(this.#max, most, MAX_I32) | 0;
  }

  /** What all writers have recorded, in units. */
  distribution(): Distribution {
    return this.#source.distribution();
  }

  /** @internal */
  close(): void {
    this.#closed = true;
    this.shortMin = 1;
    this.shortMax = 0;
  }
}

/** Where a bucket's tally is, in words of the slot. */
function wordOf(bucket: number): number {
  return FIRST_BUCKET + bucket * BUCKET_WORDS;
}

function checkSteps(argument: string, found: number): void {
  if (!Number.isSafeInteger(found) || found < 0) throw new ArgumentRangeError(argument, found, STEPS);
}

function checkSum(sum: number): void {
  if (sum > MAX_STEPS) throw new ArgumentRangeError('the sum of the values', sum, 'at most 2^53 - 1');
}
