// What a metric is, as all threads agree on it: validated, written as JSON into the table of definitions.
import { bucketShape, isBucketShape, type BucketOptions, type BucketShape } from './buckets.ts';
import { ArgumentRangeError, MetricNameError } from './errors.ts';
import { checkOptionNames } from './option-names.ts';

export type MetricType = 'counter' | 'upDownCounter' | 'gauge' | 'histogram' | 'timer';

/** How the gauges of several writers become one value; names as in prom-client. */
export type Aggregator = 'sum' | 'min' | 'max' | 'average';

export interface MetricOptions<L extends readonly string[] = readonly string[]> {
  /** `[a-zA-Z_:][a-zA-Z0-9_:]*`. Ends with the unit, where one is given (`_seconds`, `_bytes_total`). */
  readonly name: string;
  readonly help: string;
  /** Names of labels, `[a-zA-Z_][a-zA-Z0-9_]*`. */
  readonly labels?: L;
  /** Base unit of what is exported: 'seconds', 'bytes'. */
  readonly unit?: string;
  /** Series of this metric at most, beyond which values are recorded under labels `other`; 256 by default. */
  readonly maxSeries?: number;
}

export interface CounterOptions<L extends readonly string[] = readonly string[]> extends MetricOptions<L> {
  /** Counted steps in one exported unit, 1 by default: 1e9 counts nanoseconds and exports seconds. */
  readonly perUnit?: number;
}

export interface GaugeOptions<L extends readonly string[] = readonly string[]> extends MetricOptions<L> {
  /** 'sum' by default. */
  readonly aggregator?: Aggregator;
}

export interface HistogramOptions<L extends readonly string[] = readonly string[]>
  extends CounterOptions<L>, BucketOptions {}

export interface Definition {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly string[];
  readonly unit: string;
  readonly perUnit: number;
  readonly maxSeries: number;
  readonly aggregator?: Aggregator;
  readonly buckets?: BucketShape;
  /** Of a timer that does not measure all calls, and of the counter of all its calls. */
  readonly sampleEvery?: number;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const UNIT = /^[a-z][a-z0-9_]*$/;
const AGGREGATORS: readonly string[] = ['sum', 'min', 'max', 'average'];

/** Label names that exported lines use themselves. */
const RESERVED: Readonly<Record<MetricType, readonly string[]>> = {
  counter: [],
  upDownCounter: [],
  gauge: [],
  histogram: ['le', 'quantile'],
  timer: ['le', 'quantile'],
};

/** Guessed: what a histogram of bytes needs, and a timer of requests. */
const HISTOGRAM_MAX = 2 ** 32;
const NS_PER_SECOND = 1e9;
const TIMER_MAX_NS = 60 * NS_PER_SECOND;
const TIMER_RESOLUTION_NS = 1000;
/** Guessed. */
const MAX_SAMPLE_EVERY = 2 ** 20;

/** Options of every type of metric. */
export type DefineOptions = HistogramOptions & GaugeOptions & { readonly sampleEvery?: number };

const OF_ALL = ['name', 'help', 'labels', 'maxSeries'];
const OF_BUCKETS = ['precision', 'resolution', 'max', 'buckets'];
const KNOWN: Readonly<Record<MetricType, readonly string[]>> = {
  counter: [...OF_ALL, 'unit', 'perUnit'],
  upDownCounter: [...OF_ALL, 'unit', 'perUnit'],
  gauge: [...OF_ALL, 'unit', 'aggregator'],
  histogram: [...OF_ALL, 'unit', 'perUnit', ...OF_BUCKETS],
  // The clock is the thread's own, and no part of the definition.
  timer: [...OF_ALL, ...OF_BUCKETS, 'clock', 'sampleEvery'],
};
/** Of a rate, which is a counter with a window of the thread's own. */
export const RATE_OPTIONS: readonly string[] = [...KNOWN.counter, 'clock', 'intervalMs'];

/** @throws MetricNameError, ArgumentRangeError; of an option that means nothing for this type, too: prom-client's `labelNames` are `labels` here */
export function define(type: MetricType, options: DefineOptions): Definition {
  checkOptionNames(options, KNOWN[type]);
  return definitionOf(type, options);
}

/** What `define` makes, of options that may come from a definition. @throws MetricNameError, ArgumentRangeError */
function definitionOf(type: MetricType, options: DefineOptions): Definition {
  const {
    name,
    help,
    labels = [],
    unit = type === 'timer' ? 'seconds' : '',
    maxSeries = 256,
    aggregator = 'sum',
  } = options;
  const { perUnit = 1, sampleEvery = 1 } = options;
  const steps = type === 'timer' ? NS_PER_SECOND : perUnit;
  checkNames(type, name, labels, unit);
  if (typeof help !== 'string') throw new ArgumentRangeError(`help of ${name}`, help, 'a string');
  if (!Number.isInteger(maxSeries) || maxSeries < 1)
    throw new ArgumentRangeError('maxSeries', maxSeries, 'an integer of at least 1');
  if (!(Number.isFinite(steps) && steps > 0))
    throw new ArgumentRangeError('perUnit', steps, 'a positive number');
  if (!(Number.isInteger(sampleEvery) && sampleEvery >= 1 && sampleEvery <= MAX_SAMPLE_EVERY))
    throw new ArgumentRangeError('sampleEvery', sampleEvery, 'an integer from 1 to 2^20');
  if (!AGGREGATORS.includes(aggregator))
    throw new ArgumentRangeError('aggregator', aggregator, `one of ${AGGREGATORS.join(', ')}`);
  return {
    name,
    type,
    help,
    labels: [...labels],
    unit,
    perUnit: steps,
    maxSeries,
    ...(type === 'gauge' && { aggregator }),
    ...(type === 'histogram' && { buckets: bucketShape(options, steps, HISTOGRAM_MAX, 1) }),
    ...(type === 'timer' && { buckets: bucketShape(options, steps, TIMER_MAX_NS, TIMER_RESOLUTION_NS) }),
    ...(type === 'timer' && sampleEvery > 1 && { sampleEvery }),
  };
}

/** What `define` made, from its JSON: checked like any definition. @throws MetricNameError, ArgumentRangeError, SyntaxError */
export function parseDefinition(json: string): Definition {
  const found = JSON.parse(json) as Definition;
  const { name, type, help, labels, unit, perUnit, maxSeries, aggregator, buckets, sampleEvery } = found;
  if (!Object.hasOwn(KNOWN, type))
    throw new ArgumentRangeError(`type of ${name}`, type, `one of ${Object.keys(KNOWN).join(', ')}`);
  const isDistributed = isDistribution(found);
  if (isDistributed && !isBucketShape(buckets))
    throw new ArgumentRangeError(`buckets of ${name}`, JSON.stringify(buckets), 'a bucket shape');
  const plain = isDistributed ? 'histogram' : type;
  return {
    ...definitionOf(plain, {
      name,
      help,
      labels,
      unit,
      perUnit,
      maxSeries,
      ...(aggregator && { aggregator }),
      ...(sampleEvery && { sampleEvery }),
    }),
    type,
    ...(isDistributed && { buckets }),
    ...(sampleEvery && { sampleEvery }),
  };
}

function checkNames(type: MetricType, name: string, labels: readonly string[], unit: string): void {
  // Also what is no string at all: a pattern takes what becomes one, JSON does not.
  if (typeof name !== 'string' || !NAME.test(name))
    throw new MetricNameError('metric name', name, String(NAME));
  if (!Array.isArray(labels)) throw new ArgumentRangeError(`labels of ${name}`, labels, 'an array of names');
  labels.forEach((label, i) => {
    if (typeof label !== 'string' || !LABEL.test(label) || label.startsWith('__'))
      throw new MetricNameError(`label of ${name}`, label, `${String(LABEL)}, not beginning with __`);
    if (RESERVED[type].includes(label))
      throw new MetricNameError(`label of ${name}`, label, `none of ${RESERVED[type].join(', ')}`);
    if (labels.indexOf(label) !== i) throw new MetricNameError(`label of ${name}`, label, 'each label once');
  });
  if (unit === '') return;
  if (typeof unit !== 'string' || !UNIT.test(unit))
    throw new MetricNameError(`unit of ${name}`, unit, String(UNIT));
  const plain = type === 'counter' ? name.replace(/_total$/, '') : name;
  if (!plain.endsWith(`_${unit}`))
    throw new MetricNameError(
      'metric name',
      name,
      `a name that ends with its unit: _${unit}${type === 'counter' ? '[_total]' : ''}`,
    );
}

export function isDistribution({ type }: Pick<Definition, 'type'>): boolean {
  return type === 'histogram' || type === 'timer';
}

/** Names of the lines that a metric is exported as. */
export function exportedNames({ name, type }: Definition): readonly string[] {
  return isDistribution({ type })
    ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`, `${name}_created`]
    : [name];
}

/** The counter of all calls of a timer that measures some: `request_seconds` has `request_calls_total`. */
function callsName(timer: string): string {
  return timer.replace(/_seconds$/, '_calls_total');
}

/**
 * That counter, of a timer with `sampleEvery`. Another counter of its name is another metric, also where all else is the same: calls and what it
 * counts would be one figure.
 */
export function callsOf({ name, labels, maxSeries, sampleEvery = 1 }: Definition): Definition {
  const help = `Calls of ${name}, of which one in ${sampleEvery} is timed`;
  return { ...define('counter', { name: callsName(name), help, labels, maxSeries }), sampleEvery };
}

/** All that threads must agree on: everything but the help. */
export function sameMetric(a: Definition, b: Definition): boolean {
  return JSON.stringify({ ...a, help: '' }) === JSON.stringify({ ...b, help: '' });
}

/** For messages: `histogram{code} in bytes, log-linear 4/0/32`. */
export function describeDefinition(definition: Definition): string {
  const { type, labels, unit, perUnit, maxSeries, aggregator, buckets, sampleEvery } = definition;
  const parts = [`${type}${labels.length > 0 ? `{${labels.join(',')}}` : ''}`];
  if (unit !== '') parts.push(`unit ${unit}`);
  if (perUnit !== 1) parts.push(`perUnit ${perUnit}`);
  if (maxSeries !== 256) parts.push(`maxSeries ${maxSeries}`);
  if (aggregator !== undefined && aggregator !== 'sum') parts.push(`aggregator ${aggregator}`);
  if (sampleEvery !== undefined) parts.push(`sampleEvery ${sampleEvery}`);
  if (buckets?.kind === 'bounds') parts.push(`buckets up to ${buckets.bounds.join(' ')}`);
  if (buckets?.kind === 'log-linear')
    parts.push(
      `log-linear with 2^${buckets.subBits} buckets a power of two, from 2^${buckets.resolutionBits} to 2^${buckets.maxBits}`,
    );
  return parts.join(', ');
}
