// Reads what all writers have recorded, at any time, without a message to any of them.
import { amount, readAmount, type Arena } from '@corelane/shared-memory';
import type { Catalog, Metric, Series } from './catalog.ts';
import type { Aggregator, Definition } from './definition.ts';
import { Distribution } from './distribution.ts';
import { openRegistry, type RegistryHandle } from './open-registry.ts';
import { CONTENT_TYPE, labelText, pushDistribution, pushHead, pushValue } from './prometheus.ts';
import { FloatWords, readGauge, readHistogram, readUpDown } from './slots.ts';
import type { DistributionSeries, RegistrySnapshot, ValueSeries } from './snapshot.ts';
import { slotAt, writerState, type WriterState, type WriterTable } from './writer.ts';

interface Slot {
  readonly writer: number;
  readonly at: number;
}

interface WriterValue {
  readonly writer: number;
  /** In steps. */
  readonly value: number;
}

/** The reading side of a registry: claims no writer. Nothing here blocks a writer or waits for one. */
export class RegistryReader {
  readonly handle: RegistryHandle;
  readonly #table: WriterTable;
  readonly #catalog: Catalog;
  readonly #floats: FloatWords;
  readonly #labelTexts = new WeakMap<Series, string>();

  /** Made by `attach` and by registries. @internal */
  constructor(handle: RegistryHandle, table: WriterTable, catalog: Catalog) {
    this.handle = handle;
    this.#table = table;
    this.#catalog = catalog;
    this.#floats = new FloatWords(table.arena);
  }

  /** @throws AttachError */
  static attach(handle: RegistryHandle, arena?: Arena): RegistryReader {
    const { table, catalog } = openRegistry(handle, arena);
    return new RegistryReader(handle, table, catalog);
  }

  /** For the header of an answer with `metrics()`. */
  get contentType(): string {
    return CONTENT_TYPE;
  }

  /** As prom-client's `register.metrics()`: `prometheusText()` in a promise. */
  async metrics(): Promise<string> {
    return this.prometheusText();
  }

  /** Everything in the Prometheus text exposition format 0.0.4. */
  prometheusText(): string {
    const lines: string[] = [];
    for (const metric of this.#catalog.metrics()) {
      const { definition } = metric;
      pushHead(lines, definition);
      for (const series of allSeries(metric)) {
        const slots = this.#slots(series);
        if (slots.length === 0) continue;
        if (isDistribution(definition)) {
          pushDistribution(
            lines,
            definition.name,
            this.#labelText(definition, series),
            this.#merge(definition, slots),
          );
          continue;
        }
        const values = this.#valuesOf(definition, slots);
        if (values.length === 0) continue;
        const value = aggregate(definition, values) / definition.perUnit;
        pushValue(lines, definition.name, this.#labelText(definition, series), value);
      }
    }
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  /** Everything as plain data. Each figure is right; all together are not of one moment, as writers go on meanwhile. */
  read(): RegistrySnapshot {
    const metrics = [...this.#catalog.metrics()].map((metric) => {
      const { name, type, help, unit, labels } = metric.definition;
      const base = { name, help, unit, labels };
      return type === 'histogram' || type === 'timer'
        ? {
            ...base,
            type,
            series: allSeries(metric).flatMap((each) => this.#distributionSeries(metric, each)),
          }
        : { ...base, type, series: allSeries(metric).flatMap((each) => this.#valueSeries(metric, each)) };
    });
    return { takenAtMs: Date.now(), writers: this.writers(), metrics };
  }

  /** Who holds which writer. */
  writers(): WriterState[] {
    return Array.from({ length: this.#table.writers }, (_, writer) => writerState(this.#table, writer));
  }

  /** @internal */
  total({ definition }: Metric, series: Series): number {
    return aggregate(definition, this.#valuesOf(definition, this.#slots(series))) / definition.perUnit;
  }

  /** @internal */
  distribution({ definition }: Metric, series: Series): Distribution {
    return this.#merge(definition, this.#slots(series));
  }

  #merge(definition: Definition, slots: readonly Slot[]): Distribution {
    const all = newDistribution(definition);
    for (const { at } of slots) readHistogram(this.#table.arena, this.#floats, at, all);
    return all;
  }

  #labelText(definition: Definition, series: Series): string {
    let text = this.#labelTexts.get(series);
    if (text === undefined) {
      text = labelText(definition.labels, series.values);
      this.#labelTexts.set(series, text);
    }
    return text;
  }

  #slots(series: Series): Slot[] {
    const slots: Slot[] = [];
    for (let writer = 0; writer < this.#table.writers; writer++) {
      const at = slotAt(this.#table, writer, series.index);
      if (at !== 0) slots.push({ writer, at });
    }
    return slots;
  }

  /** In steps. */
  #valuesOf({ type }: Definition, slots: readonly Slot[]): WriterValue[] {
    const { arena } = this.#table;
    return slots.flatMap(({ writer, at }) => {
      const value =
        type === 'gauge'
          ? readGauge(arena, this.#floats, at)
          : type === 'upDownCounter'
            ? readUpDown(arena, at)
            : readAmount(arena.i32, (at + amount.offset.low) >> 2);
      return value === undefined ? [] : [{ writer, value }];
    });
  }

  /** None where no writer has a value. */
  #valueSeries(metric: Metric, series: Series): ValueSeries[] {
    const { definition } = metric;
    const values = this.#valuesOf(definition, this.#slots(series));
    if (values.length === 0) return [];
    const byWriter = values.map(({ writer, value }) => ({ writer, value: value / definition.perUnit }));
    const value = aggregate(definition, values) / definition.perUnit;
    return [{ labels: labelsOf(definition, series), value, byWriter }];
  }

  #distributionSeries({ definition }: Metric, series: Series): DistributionSeries[] {
    const all = newDistribution(definition);
    const byWriter = this.#slots(series).map(({ writer, at }) => {
      const one = newDistribution(definition);
      readHistogram(this.#table.arena, this.#floats, at, one);
      all.merge(one);
      return { writer, count: one.count, sum: one.sum, min: one.min, max: one.max };
    });
    if (byWriter.length === 0) return [];
    const { count, sum, min, max, mean } = all;
    const quantile = (q: number): number | null => all.quantile(q);
    return [
      {
        labels: labelsOf(definition, series),
        count,
        sum,
        min,
        max,
        mean,
        quantiles: { p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), p999: quantile(0.999) },
        buckets: all
          .buckets()
          .map(({ le, count: below }) => ({ le: le === Infinity ? null : le, count: below })),
        byWriter,
      },
    ];
  }
}

function isDistribution({ type }: Definition): boolean {
  return type === 'histogram' || type === 'timer';
}

function allSeries({ series, overflow }: Metric): readonly Series[] {
  return overflow === undefined ? series : [...series, overflow];
}

function newDistribution({ buckets, perUnit }: Definition): Distribution {
  return new Distribution(buckets as NonNullable<Definition['buckets']>, perUnit);
}

function labelsOf({ labels }: Definition, series: Series): Record<string, string> {
  return Object.fromEntries(labels.map((label, i) => [label, series.values[i] as string]));
}

const AGGREGATE: Readonly<Record<Aggregator, (values: readonly number[]) => number>> = {
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  average: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
};

function aggregate(
  { aggregator = 'sum' }: Definition,
  values: readonly { readonly value: number }[],
): number {
  return values.length === 0 ? 0 : AGGREGATE[aggregator](values.map(({ value }) => value));
}
