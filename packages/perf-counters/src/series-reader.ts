// What a series is worth, over all writers or in the slot of one: in units, as it is exported.
import { bucketCount } from './buckets.ts';
import type { Metric, Series } from './catalog.ts';
import type { Aggregator, Definition } from './definition.ts';
import { Distribution } from './distribution.ts';
import { gaugeSlot, histogramSlot } from './layout.ts';
import { FloatWords, readGauge } from './slots.ts';
import { SlotSums } from './slot-sums.ts';
import { LEAST_SLOT_BYTES, slotAt, type WriterTable } from './writer.ts';

/** Buckets that are looked at together first. Guessed: those between a power of two and the next, with the default precision. */
const RUN = 16;

export interface WriterValue {
  readonly writer: number;
  readonly value: number;
}

export interface WriterTotals {
  readonly writer: number;
  readonly count: number;
  readonly sum: number;
  /** Null where it has recorded nothing. */
  readonly min: number | null;
  readonly max: number | null;
}

/** For one thread. `writer` is an index, or undefined for all of them. */
export class SeriesReader {
  readonly #table: WriterTable;
  readonly #floats: FloatWords;
  readonly #sums: SlotSums;

  constructor(table: WriterTable) {
    this.#table = table;
    this.#floats = new FloatWords(table.arena);
    this.#sums = new SlotSums(table);
  }

  /** How many writers have a slot of it. */
  slots({ index }: Series): number {
    return this.#sums.slots(index);
  }

  /** Those that have a slot of it. */
  writersOf({ index }: Series): number[] {
    const writers: number[] = [];
    for (let writer = 0; writer < this.#table.writers; writer++)
      if (slotAt(this.#table, writer, index, LEAST_SLOT_BYTES) !== 0) writers.push(writer);
    return writers;
  }

  /** Of a counter, up-down counter or gauge; undefined for a gauge that nobody has set. */
  value(definition: Definition, { index }: Series, writer: number | undefined): number | undefined {
    switch (definition.type) {
      case 'counter':
        return this.#sums.counter(index, writer) / definition.perUnit;
      case 'upDownCounter':
        return this.#sums.upDown(index, writer) / definition.perUnit;
      case 'gauge':
        return this.#gauge(definition, index, writer);
      case 'histogram':
      case 'timer':
        return undefined;
    }
  }

  /** The same, one by one, without those that have none. */
  valuesOf(definition: Definition, series: Series): WriterValue[] {
    return this.writersOf(series).flatMap((writer) => {
      const value = this.value(definition, series, writer);
      return value === undefined ? [] : [{ writer, value }];
    });
  }

  /** Of all values of a histogram. */
  sum({ perUnit }: Definition, { index }: Series, writer: number | undefined): number {
    return this.#sums.histogramSum(index, writer) / perUnit;
  }

  /** Values in buckets `first` to `end - 1`. */
  bucketsOf({ index }: Series, first: number, end: number, writer: number | undefined): number {
    return this.#sums.histogramCount(index, first, end, writer);
  }

  /** A snapshot of a histogram. */
  distribution({ buckets, perUnit }: Definition, { index }: Series, writer?: number): Distribution {
    const all = new Distribution(buckets as NonNullable<Definition['buckets']>, perUnit);
    const { length } = all.counts;
    for (let first = 0; first < length; first += RUN) {
      const end = Math.min(first + RUN, length);
      // Most runs of buckets are empty, and are found so by one sum.
      if (this.#sums.histogramCount(index, first, end, writer) === 0) continue;
      for (let bucket = first; bucket < end; bucket++) {
        const count = this.#sums.histogramCount(index, bucket, bucket + 1, writer);
        if (count !== 0) all.addBucket(bucket, count);
      }
    }
    const { min, max } = this.extremes({ index }, writer); // after the counts
    return all.addTotals(this.#sums.histogramSum(index, writer), min, max);
  }

  /**
   * Smallest and largest value of a histogram, in steps; Infinity and -Infinity where there is none. A value is put there before it is counted: who
   * reads this after counts has those of all values that it counted.
   */
  extremes({ index }: Pick<Series, 'index'>, writer: number | undefined): { min: number; max: number } {
    let min = Infinity;
    let max = -Infinity;
    const last = writer ?? this.#table.writers - 1;
    for (let each = writer ?? 0; each <= last; each++) {
      const at = slotAt(this.#table, each, index, histogramSlot.bytes);
      if (at === 0) continue;
      min = Math.min(min, this.#floats.get(at + histogramSlot.offset.min));
      max = Math.max(max, this.#floats.get(at + histogramSlot.offset.max));
    }
    return { min, max };
  }

  /** What one writer has, without its buckets. */
  totalsOf(definition: Definition, series: Series, writer: number): WriterTotals {
    const { perUnit, buckets } = definition;
    const end = bucketCount(buckets as NonNullable<Definition['buckets']>);
    const count = this.bucketsOf(series, 0, end, writer);
    const sum = this.sum(definition, series, writer);
    const { min, max } = this.extremes(series, writer);
    const isEmpty = min > max;
    return {
      writer,
      count,
      sum,
      min: isEmpty ? null : min / perUnit,
      max: isEmpty ? null : max / perUnit,
    };
  }

  #gauge(definition: Definition, index: number, writer: number | undefined): number | undefined {
    const values: number[] = [];
    const last = writer ?? this.#table.writers - 1;
    for (let each = writer ?? 0; each <= last; each++) {
      const at = slotAt(this.#table, each, index, gaugeSlot.bytes);
      const value = at === 0 ? undefined : readGauge(this.#table.arena, this.#floats, at);
      if (value !== undefined) values.push(value);
    }
    if (values.length === 0) return undefined;
    return AGGREGATE[definition.aggregator ?? 'sum'](values) / definition.perUnit;
  }
}

/** In the order in which they are exported. */
export function seriesOf({ series, overflow }: Metric): readonly Series[] {
  return overflow === undefined ? series : [...series, overflow];
}

export function labelsOf({ labels }: Definition, series: Series): Record<string, string> {
  return Object.fromEntries(labels.map((label, i) => [label, series.values[i] as string]));
}

const AGGREGATE: Readonly<Record<Aggregator, (values: readonly number[]) => number>> = {
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  average: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
};
