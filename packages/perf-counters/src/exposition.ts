// All metrics as text, in pieces of one series each: whoever takes them may pause in between.
//
// What does not change from one scrape to the next is kept: per series the text up to the value (for a histogram, up to the bound), per
// shape of buckets the bounds as text; and the two put together, which saves a fifth of a scrape, for the first LINES_KEPT buckets of
// all series, as that takes a hundred bytes a line for ever.
import { exportedBuckets, bucketCount, type BucketShape, type ExportedBucket } from './buckets.ts';
import type { Catalog, Metric, Series } from './catalog.ts';
import { isDistribution, type Definition } from './definition.ts';
import { ArgumentRangeError } from './errors.ts';
import { labelPair, labelText, numberText, type FamilyNames, type TextFormat } from './prometheus.ts';
import { seriesOf, type SeriesReader } from './series-reader.ts';

/** Which metrics: by name, or by what a function says of a name. */
export type MetricFilter = Iterable<string> | ((name: string) => boolean);

export interface ExpositionOptions {
  /** Only these. Names that no metric has are no error. */
  readonly names?: MetricFilter | undefined;
  /**
   * A line for each writer in place of their total, told apart by a label `worker` with the index of the writer, or by a label of
   * the name given here. A metric that has such a label is an ArgumentRangeError.
   */
  readonly perWriter?: boolean | string | undefined;
  /** With lines that say since when is counted; only OpenMetrics text has them. */
  readonly created?: boolean | undefined;
}

/** Text of a series up to where figures are. */
interface Prefixes {
  /** That they are made from. */
  readonly names: FamilyNames;
  /** Of the line with a value, or of a bucket up to the bound. */
  readonly before: string;
  /** Of these lines, with the end of the line before. */
  readonly sum: string;
  readonly count: string;
  readonly created: string | undefined;
  /** Of a histogram: what `lineOf` makes for each of its buckets; none where there are too many. */
  readonly lines: readonly string[] | undefined;
}

/** Of one reader and format: three megabytes. */
const LINES_KEPT = 32_768;
const DEFAULT_WRITER_LABEL = 'worker';

export class Exposition {
  readonly #format: TextFormat;
  readonly #catalog: Catalog;
  readonly #reader: SeriesReader;
  readonly #created: string;
  /** How many metrics could have lines of a name. */
  readonly #candidates = new Map<string, number>();
  /** Of the metrics that are entered there. */
  readonly #names = new Map<Metric, FamilyNames | undefined>();
  readonly #prefixes = new WeakMap<Series, Prefixes>();
  #linesKept = 0;
  readonly #bounds = new WeakMap<Definition, readonly string[]>();

  constructor(format: TextFormat, catalog: Catalog, reader: SeriesReader, createdAtMs: number) {
    this.#format = format;
    this.#catalog = catalog;
    this.#reader = reader;
    this.#created = `${numberText(createdAtMs / 1000)}\n`;
  }

  /** @throws ArgumentRangeError */
  *pieces(options: ExpositionOptions = {}): Generator<string, void, void> {
    yield* this.lines(options);
    if (this.#format.end !== '') yield this.#format.end;
  }

  /** The same without what the format ends with. @throws ArgumentRangeError */
  *lines(options: ExpositionOptions = {}): Generator<string, void, void> {
    const isWanted = metricFilter(options.names);
    const writerLabel = writerLabelOf(options);
    while (this.#catalog.learnSome()) yield '';
    // Those that come meanwhile wait for the next time: what a family is called depends on the others.
    const metrics = [...this.#catalog.metrics()];
    for (const metric of metrics) this.#enter(metric);
    for (const metric of metrics) {
      const { definition } = metric;
      if (!isWanted(definition.name)) continue;
      checkWriterLabel(definition, writerLabel);
      const names = this.#namesOf(metric);
      yield this.#format.head(definition, names);
      for (const series of seriesOf(metric))
        yield this.#seriesText(metric, series, names, writerLabel, options);
    }
  }

  #enter(metric: Metric): void {
    if (this.#names.has(metric)) return;
    for (const name of this.#format.candidates(metric.definition))
      this.#candidates.set(name, (this.#candidates.get(name) ?? 0) + 1);
    this.#names.set(metric, undefined);
  }

  /** The same object as last time unless something has changed. */
  #namesOf(metric: Metric): FamilyNames {
    const names = this.#format.names(metric.definition, (name) => (this.#candidates.get(name) ?? 0) > 1);
    const last = this.#names.get(metric);
    // All that changes is that a counter becomes a metric of no known type.
    if (last !== undefined && last.type === names.type) return last;
    this.#names.set(metric, names);
    return names;
  }

  #seriesText(
    { definition }: Metric,
    series: Series,
    names: FamilyNames,
    writerLabel: string | undefined,
    { created = false }: ExpositionOptions,
  ): string {
    if (writerLabel === undefined) {
      if (this.#reader.slots(series) === 0) return '';
      return this.#text(definition, series, this.#prefixesOf(definition, series, names), created, undefined);
    }
    let text = '';
    for (const writer of this.#reader.writersOf(series)) {
      const prefixes = this.#newPrefixes(definition, series, names, labelPair(writerLabel, String(writer)));
      text += this.#text(definition, series, prefixes, created, writer);
    }
    return text;
  }

  #text(
    definition: Definition,
    series: Series,
    prefixes: Prefixes,
    created: boolean,
    writer: number | undefined,
  ): string {
    let text: string;
    if (isDistribution(definition)) text = this.#distributionText(definition, series, prefixes, writer);
    else {
      const value = this.#reader.value(definition, series, writer);
      if (value === undefined) return '';
      text = `${prefixes.before}${numberText(value)}\n`;
    }
    return created && prefixes.created !== undefined ? text + prefixes.created + this.#created : text;
  }

  #distributionText(
    definition: Definition,
    series: Series,
    { before, sum, count, lines }: Prefixes,
    writer: number | undefined,
  ): string {
    const shape = definition.buckets as BucketShape;
    const exported = exportedBuckets(shape);
    const bounds = this.#boundsOf(definition);
    let text = '';
    let start = 0;
    let below = 0;
    for (let i = 0; i <= exported.length; i++) {
      const end = i < exported.length ? (exported[i] as ExportedBucket).bucket + 1 : bucketCount(shape);
      below += this.#reader.bucketsOf(series, start, end, writer);
      start = end;
      const line = lines === undefined ? lineOf(before, bounds, i) : (lines[i] as string);
      text += line + below;
    }
    return `${text}${sum}${numberText(this.#reader.sum(definition, series, writer))}${count}${below}\n`;
  }

  #prefixesOf(definition: Definition, series: Series, names: FamilyNames): Prefixes {
    let prefixes = this.#prefixes.get(series);
    if (prefixes?.names !== names) {
      prefixes = this.#withLines(definition, this.#newPrefixes(definition, series, names, ''));
      this.#prefixes.set(series, prefixes);
    }
    return prefixes;
  }

  #newPrefixes(definition: Definition, series: Series, names: FamilyNames, more: string): Prefixes {
    const labels = [labelText(definition.labels, series.values), more].filter((text) => text !== '').join();
    const own = labels === '' ? ' ' : `{${labels}} `;
    const { name, sample, created } = names;
    const before = isDistribution(definition)
      ? `${name}_bucket{${labels}${labels === '' ? '' : ','}le="`
      : `${sample}${own}`;
    return {
      names,
      before,
      sum: `\n${name}_sum${own}`,
      count: `\n${name}_count${own}`,
      created: created === undefined ? undefined : `${created}${own}`,
      lines: undefined,
    };
  }

  #withLines(definition: Definition, prefixes: Prefixes): Prefixes {
    if (!isDistribution(definition)) return prefixes;
    const bounds = this.#boundsOf(definition);
    if (this.#linesKept + bounds.length > LINES_KEPT) return prefixes;
    this.#linesKept += bounds.length;
    return { ...prefixes, lines: bounds.map((_, i) => flat(lineOf(prefixes.before, bounds, i))) };
  }

  #boundsOf(definition: Definition): readonly string[] {
    let bounds = this.#bounds.get(definition);
    if (bounds === undefined) {
      const uppers = exportedBuckets(definition.buckets as BucketShape).map(
        ({ upper }) => upper / definition.perUnit,
      );
      bounds = [...uppers, Infinity].map((upper) => `${this.#format.bound(upper)}"} `);
      this.#bounds.set(definition, bounds);
    }
    return bounds;
  }
}

/** Of a bucket, up to the count: the first one begins a line, the others end the one before. */
function lineOf(before: string, bounds: readonly string[], i: number): string {
  return (i === 0 ? before : `\n${before}`) + (bounds[i] as string);
}

/** The same text in one piece of memory: as it was put together it is a tree that each scrape would go through. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}

/** @throws ArgumentRangeError */
export function metricFilter(names: MetricFilter | undefined): (name: string) => boolean {
  if (names === undefined) return () => true;
  if (typeof names === 'function') return names;
  if (typeof names === 'string' || typeof names?.[Symbol.iterator] !== 'function')
    throw new ArgumentRangeError('names', names, 'names of metrics in an array or set, or a function');
  const wanted = new Set(names);
  return (name) => wanted.has(name);
}

function writerLabelOf({ perWriter = false }: ExpositionOptions): string | undefined {
  if (perWriter === false) return undefined;
  if (perWriter === true) return DEFAULT_WRITER_LABEL;
  if (typeof perWriter !== 'string' || !/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(perWriter))
    throw new ArgumentRangeError('perWriter', perWriter, 'true, false or the name of a label');
  return perWriter;
}

function checkWriterLabel({ name, labels, type }: Definition, writerLabel: string | undefined): void {
  if (writerLabel === undefined) return;
  const isTaken = labels.includes(writerLabel) || (isDistribution({ type }) && writerLabel === 'le');
  if (isTaken)
    throw new ArgumentRangeError('perWriter', writerLabel, `a label that ${name} does not have itself`);
}
