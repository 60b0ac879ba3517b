// What `read()` returns: plain data. All figures are in units. It survives JSON, but that has no NaN and no infinities: values of gauges that are
// such become null. `Value` says which: `number` as it was read, `number | null` as it comes out of JSON.
import type { MetricType } from './definition.ts';
import type { WriterState } from './writer.ts';

/** A counter, up-down counter or gauge. */
export interface ValueSeries<Value extends number | null = number> {
  readonly labels: Readonly<Record<string, string>>;
  /** Over all writers: the sum, or what a gauge's aggregator makes of them. */
  readonly value: Value;
  readonly byWriter: readonly { readonly writer: number; readonly value: Value }[];
}

/** A histogram or timer. */
export interface DistributionSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly count: number;
  readonly sum: number;
  /** Exact; null where nothing was recorded, as all that follow. */
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Within the declared precision. */
  readonly quantiles: {
    readonly p50: number | null;
    readonly p90: number | null;
    readonly p99: number | null;
    readonly p999: number | null;
  };
  /** Cumulative; the last is all (`le` null stands for infinity, which JSON has not). */
  readonly buckets: readonly { readonly le: number | null; readonly count: number }[];
  readonly byWriter: readonly {
    readonly writer: number;
    readonly count: number;
    readonly sum: number;
    readonly min: number | null;
    readonly max: number | null;
  }[];
}

interface MetricBase {
  readonly name: string;
  readonly help: string;
  readonly unit: string;
  readonly labels: readonly string[];
}

export interface ValueMetric<Value extends number | null = number> extends MetricBase {
  readonly type: Exclude<MetricType, 'histogram' | 'timer'>;
  readonly series: readonly ValueSeries<Value>[];
}

export interface DistributionMetric extends MetricBase {
  readonly type: 'histogram' | 'timer';
  readonly series: readonly DistributionSeries[];
}

/** Of this shape of data; grows when something is renamed or left out, not when something is added. */
export const SNAPSHOT_VERSION = 1;

export interface RegistrySnapshot<Value extends number | null = number> {
  readonly version: typeof SNAPSHOT_VERSION;
  /** When the registry was made, milliseconds since 1970: every count was 0 then. */
  readonly createdAtMs: number;
  /** Milliseconds since 1970. */
  readonly takenAtMs: number;
  /** The same moment on a clock that nobody sets, one for all processes of the machine since it started: for intervals. */
  readonly monotonicMs: number;
  readonly writers: readonly WriterState[];
  readonly metrics: readonly (ValueMetric<Value> | DistributionMetric)[];
}

/** A snapshot that was JSON: from the socket, from a file. Null is the value of a gauge that was NaN or infinite. */
export type ParsedSnapshot = RegistrySnapshot<number | null>;
