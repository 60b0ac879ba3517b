// Metrics and series by index, the same on every thread. Two name tables hold definitions as JSON and series as metric and label
// values; an index is given once and never changes. Whatever threads could disagree on (which of two definitions of a name
// holds, which series are within a limit) follows from the order of the indices, so it needs no further agreement.
import { NamesExhaustedError, type NameTable } from '@corelane/shared-memory';
import {
  describeDefinition,
  exportedNames,
  parseDefinition,
  sameMetric,
  type Definition,
} from './definition.ts';
import {
  ArgumentRangeError,
  MetricNameError,
  MetricsExhaustedError,
  RedefinitionError,
  SeriesExhaustedError,
} from './errors.ts';

/** The value of every label of the series that takes what is beyond a metric's limit. */
export const OVERFLOW_LABEL = 'other';

/** Series that are new to a thread, at a time: half a millisecond, measured. */
const NEWS = 256;

export interface Metric {
  readonly index: number;
  readonly definition: Definition;
  /** In order of their indices, without those beyond the limit. */
  readonly series: Series[];
  /** Where it has labels, once there is one. */
  overflow: Series | undefined;
}

export interface Series {
  readonly index: number;
  readonly values: readonly string[];
}

export class Catalog {
  readonly #definitions: NameTable;
  readonly #seriesNames: NameTable;
  readonly #metrics = new Map<number, Metric>();
  readonly #byExportedName = new Map<string, Metric>();
  #knownDefinitions = 0;
  #knownSeries = 0;

  constructor(definitions: NameTable, seriesNames: NameTable) {
    this.#definitions = definitions;
    this.#seriesNames = seriesNames;
  }

  /** All metrics that any thread has defined. */
  metrics(): Iterable<Metric> {
    this.#learn();
    return this.#metrics.values();
  }

  /**
   * Takes over some of what any thread has entered, for who must not stall: `metrics` is quick when nothing is left.
   * @returns whether something is left
   */
  learnSome(mostSeries = NEWS): boolean {
    return this.#learn(mostSeries);
  }

  /** The metric of this definition, where there is one. @throws RedefinitionError, MetricNameError where it can not be entered */
  known(definition: Definition): Metric | undefined {
    this.#learn();
    const known = this.#byExportedName.get(definition.name);
    if (known !== undefined) return checkSame(known, definition);
    this.#checkExportedNames(definition);
    return undefined;
  }

  /**
   * The metric of this definition, entered where it is new.
   * @throws RedefinitionError, MetricNameError, MetricsExhaustedError, ArgumentRangeError
   */
  metric(definition: Definition): Metric {
    const known = this.known(definition);
    if (known !== undefined) return known;
    this.#enter(definition);
    this.#learn();
    // Another thread may have entered a conflicting one meanwhile: the lower index holds, on every thread.
    const entered = this.#byExportedName.get(definition.name);
    if (entered === undefined) this.#checkExportedNames(definition);
    return checkSame(entered as Metric, definition);
  }

  /**
   * The series of these label values, entered where it is new and the metric has room, else the overflow series.
   * @throws SeriesExhaustedError, ArgumentRangeError
   */
  series(metric: Metric, values: readonly string[]): Series {
    if (values.length > 0) this.overflowOf(metric); // while there is room: later it may be needed and there may be none
    const name = seriesName(metric, values);
    const found = this.#seriesNames.find(name);
    this.#learn();
    const index =
      found < 0 && metric.series.length < metric.definition.maxSeries
        ? this.#internSeries(metric, values)
        : found;
    this.#learn();
    const series = metric.series.find((each) => each.index === index);
    if (series !== undefined) return series;
    return this.overflowOf(metric);
  }

  /** The series with all labels `other`, entered where it is new. */
  overflowOf(metric: Metric): Series {
    if (metric.overflow === undefined) {
      this.#internSeries(
        metric,
        metric.definition.labels.map(() => OVERFLOW_LABEL),
      );
      this.#learn();
    }
    return metric.overflow as Series;
  }

  #internSeries(metric: Metric, values: readonly string[]): number {
    const { name: of, labels } = metric.definition;
    const name = seriesName(metric, values);
    if (Buffer.byteLength(name) > this.#seriesNames.maxNameBytes)
      throw new ArgumentRangeError(
        `bytes of the labels of ${of}`,
        Buffer.byteLength(name),
        `at most ${this.#seriesNames.maxNameBytes}`,
      );
    try {
      return this.#seriesNames.intern(name);
    } catch (error) {
      if (error instanceof NamesExhaustedError)
        throw new SeriesExhaustedError(
          values.length === 0 ? of : `${of}{${labels.map((label, i) => `${label}=${values[i]}`).join()}}`,
          error.capacity,
        );
      throw error;
    }
  }

  #enter(definition: Definition): void {
    const json = JSON.stringify(definition);
    parseDefinition(json); // what the others would pass over is no metric here either
    const bytes = Buffer.byteLength(json);
    if (bytes > this.#definitions.maxNameBytes)
      throw new ArgumentRangeError(
        `bytes of the definition of ${definition.name}`,
        bytes,
        `at most ${this.#definitions.maxNameBytes}`,
      );
    try {
      this.#definitions.intern(json);
    } catch (error) {
      if (error instanceof NamesExhaustedError)
        throw new MetricsExhaustedError(definition.name, error.capacity);
      throw error;
    }
  }

  #checkExportedNames(definition: Definition): void {
    for (const name of exportedNames(definition)) {
      const other = this.#byExportedName.get(name);
      if (other !== undefined)
        throw new MetricNameError(
          'metric name',
          definition.name,
          `no lines called ${name}, as ${other.definition.name} (${describeDefinition(other.definition)}) has`,
        );
    }
  }

  /** Takes over what any thread has entered since the last look. @returns whether there are more than `mostSeries` */
  #learn(mostSeries = Infinity): boolean {
    // The series first, how many there are: whoever entered one had entered its metric before, so that is among the definitions
    // whose number is read next. The other way round, a series could come with a metric that is not known yet, and be dropped.
    const seriesSize = this.#seriesNames.size;
    for (const size = this.#definitions.size; this.#knownDefinitions < size; this.#knownDefinitions++) {
      const definition = foundDefinition(this.#definitions.nameOf(this.#knownDefinitions));
      if (definition === undefined) continue;
      const names = exportedNames(definition);
      if (names.some((name) => this.#byExportedName.has(name))) continue;
      const metric: Metric = { index: this.#knownDefinitions, definition, series: [], overflow: undefined };
      this.#metrics.set(metric.index, metric);
      for (const name of names) this.#byExportedName.set(name, metric);
    }
    const end = Math.min(seriesSize, this.#knownSeries + mostSeries);
    for (; this.#knownSeries < end; this.#knownSeries++) {
      const { metricIndex, values } = foundSeries(this.#seriesNames.nameOf(this.#knownSeries));
      const metric = this.#metrics.get(metricIndex);
      if (metric?.definition.labels.length !== values.length) continue;
      const series: Series = { index: this.#knownSeries, values };
      if (values.length > 0 && values.every((value) => value === OVERFLOW_LABEL)) metric.overflow = series;
      else if (metric.series.length < metric.definition.maxSeries) metric.series.push(series);
    }
    return end < seriesSize;
  }
}

function checkSame(metric: Metric, definition: Definition): Metric {
  const { definition: first } = metric;
  if (first.name !== definition.name)
    throw new MetricNameError(
      'metric name',
      definition.name,
      `not a line of ${first.name} (${describeDefinition(first)})`,
    );
  if (!sameMetric(first, definition))
    throw new RedefinitionError(definition.name, describeDefinition(first), describeDefinition(definition));
  return metric;
}

function seriesName(metric: Metric, values: readonly string[]): string {
  return JSON.stringify([metric.index, ...values]);
}

// What is in shared memory may come from anyone who has the handle: what is sound holds, and what is not is passed over, on every thread
// alike. An error in its place would end the use of the registry, for all threads and for good.

function foundDefinition(json: string): Definition | undefined {
  try {
    return parseDefinition(json);
  } catch {
    return undefined;
  }
}

const NO_SERIES = { metricIndex: -1, values: [] };

function foundSeries(name: string): { metricIndex: number; values: string[] } {
  try {
    const [metricIndex, ...values] = JSON.parse(name) as [number, ...string[]];
    return values.every((value) => typeof value === 'string') ? { metricIndex, values } : NO_SERIES;
  } catch {
    return NO_SERIES;
  }
}
