// The metrics of one source: with the prefix and labels that all sources of a collection have.
import { amount, Arena, readAmount } from '@corelane/shared-memory';
import type { Counter } from '../counter.ts';
import type { CounterOptions, GaugeOptions, HistogramOptions } from '../definition.ts';
import { RegistryDisposedError } from '../errors.ts';
import type { Family, LabelValue } from '../family.ts';
import type { Gauge } from '../gauge.ts';
import type { Histogram } from '../histogram.ts';
import { openRegistry } from '../open-registry.ts';
import type { Registry } from '../registry.ts';
import { slotAt } from '../writer.ts';

type NonEmpty = readonly [string, ...string[]];

/** The handle of these values of a metric's own labels. */
export type Bound<Handle> = (...own: LabelValue[]) => Handle;

export class SourceMetrics {
  /** Of what was defined, with the prefix. */
  readonly names: string[] = [];
  readonly #registry: Registry;
  readonly #prefix: string;
  readonly #labels: readonly string[];
  readonly #values: readonly LabelValue[];
  readonly #gauges = new Set<Gauge>();

  constructor(registry: Registry, prefix: string, labels: Readonly<Record<string, LabelValue>>) {
    this.#registry = registry;
    this.#prefix = prefix;
    this.#labels = Object.keys(labels);
    this.#values = Object.values(labels);
  }

  gauge(options: GaugeOptions): Bound<Gauge> {
    const find = this.#bind(options, (all) => this.#registry.gauge(all));
    return (...own) => {
      const gauge = find(...own);
      this.#gauges.add(gauge);
      return gauge;
    };
  }

  counter(options: CounterOptions): Bound<Counter> {
    return this.#bind(options, (all) => this.#registry.counter(all));
  }

  histogram(options: HistogramOptions): Bound<Histogram> {
    return this.#bind(options, (all) => this.#registry.histogram(all));
  }

  /** What all threads have counted under a name, whatever the labels that all metrics have. @param own values of its own labels @returns steps */
  counted(name: string, own: readonly string[] = []): number {
    const { handle } = this.#registry;
    const arena = Arena.attach(handle.arena);
    const { table, catalog } = openRegistry(handle, arena);
    let steps = 0;
    for (const { definition, series } of catalog.metrics()) {
      if (definition.name !== this.#prefix + name) continue;
      for (const { index, values } of series) {
        if (!own.every((value, i) => value === values[i])) continue;
        for (let writer = 0; writer < table.writers; writer++) {
          const at = slotAt(table, writer, index, amount.bytes);
          if (at !== 0) steps += readAmount(arena.i32, (at + amount.offset.low) >> 2);
        }
      }
    }
    return steps;
  }

  /** What was true while somebody looked is true no longer. A registry that is disposed has cleared them. */
  clearGauges(): void {
    try {
      for (const gauge of this.#gauges) gauge.clear();
    } catch (error) {
      if (!(error instanceof RegistryDisposedError)) throw error;
    }
  }

  #bind<Handle, Options extends { readonly name: string; readonly labels?: readonly string[] }>(
    options: Options,
    define: (all: Options & { readonly labels: NonEmpty }) => Family<Handle>,
  ): Bound<Handle> {
    const name = this.#prefix + options.name;
    const labels = [...(options.labels ?? []), ...this.#labels];
    // A metric without labels is its handle, not a family: the types of `define` tell only of the other case.
    const metric = define({ ...options, name, labels: labels as unknown as NonEmpty }) as
      | Family<Handle>
      | Handle;
    if (!this.names.includes(name)) this.names.push(name);
    if (labels.length === 0) return () => metric as Handle;
    return (...own) => (metric as Family<Handle>).labels(...own, ...this.#values);
  }
}
