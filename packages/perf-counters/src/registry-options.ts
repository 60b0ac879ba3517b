// What a registry and its metrics are made with.
import type { CounterOptions, HistogramOptions } from './definition.ts';
import type { Clock } from './ports.ts';
import type { RateWindowOptions } from './rate-window.ts';

export interface RegistryOptions {
  /** Series at most, over all metrics; 1024 by default. A metric with labels takes one for what is beyond its own limit. */
  readonly series?: number;
  /** Threads at most that write at a time; 16 by default. */
  readonly writers?: number;
  /** Metrics at most; 128 by default. */
  readonly metrics?: number;
  /** False makes a registry that records nothing and holds nothing, whatever the other options say: see `Registry.disabled`. True by default. */
  readonly enabled?: boolean;
}

/** Options of a timer: what it measures is always in seconds. */
export interface TimerOptions<L extends readonly string[] = readonly string[]> extends Omit<
  HistogramOptions<L>,
  'unit' | 'perUnit'
> {
  /** `performance` by default. */
  readonly clock?: Clock;
  /**
   * Times one call of this many in a row, at a random place among them: 1, all of them, by default, up to 2^20. All are counted, exactly, by a
   * counter of the same labels whose name ends in `_calls_total` instead of `_seconds`.
   */
  readonly sampleEvery?: number;
}

export interface RateOptions<L extends readonly string[] = readonly string[]>
  extends CounterOptions<L>, RateWindowOptions {}

export type Labelled<O, L extends readonly string[]> = O & { readonly labels: L };
export type Unlabelled<O> = O & { readonly labels?: readonly [] };
export type NonEmpty = readonly [string, ...string[]];
