export { contentTypeFor, type MetricsContentType } from './accept.ts';
export type { Counter } from './counter.ts';
export { OVERFLOW_LABEL } from './catalog.ts';
export type { BucketOptions } from './buckets.ts';
export type {
  Aggregator,
  CounterOptions,
  GaugeOptions,
  HistogramOptions,
  MetricOptions,
  MetricType,
} from './definition.ts';
export type { CumulativeBucket, Distribution } from './distribution.ts';
export {
  ArgumentRangeError,
  MetricNameError,
  MetricsExhaustedError,
  PerfCountersError,
  RedefinitionError,
  RegistryDisposedError,
  SeriesExhaustedError,
  WritersExhaustedError,
} from './errors.ts';
export type { ExpositionOptions, MetricFilter } from './exposition.ts';
export type { Family, LabelValue, LabelValues } from './family.ts';
export type { Gauge } from './gauge.ts';
export type { Histogram } from './histogram.ts';
export { noClock, noIncrementer, noRecorder, type Clock, type Incrementer, type Recorder } from './ports.ts';
export type { PromClientMetric, PromClientSource, PromClientValue } from './prom-client.ts';
export type { RegistryHandle } from './open-registry.ts';
export type { Rate } from './rate.ts';
export { RateWindow, type Rates, type RateWindowOptions, type Total } from './rate-window.ts';
export {
  RegistryReader,
  type MetricsOptions,
  type PrometheusTextOptions,
  type SnapshotOptions,
} from './reader.ts';
export { Registry } from './registry.ts';
export type { RateOptions, RegistryOptions, TimerOptions } from './registry-options.ts';
export type { SliceOptions } from './slices.ts';
export type { ReadOptions } from './snapshot-reader.ts';
export type {
  DistributionMetric,
  DistributionSeries,
  ParsedSnapshot,
  RegistrySnapshot,
  ValueMetric,
  ValueSeries,
} from './snapshot.ts';
export type { RunningBatch, RunningTimer } from './running-timer.ts';
export type { Timer } from './timer.ts';
export type { UpDownCounter } from './up-down-counter.ts';
export type { WriterState } from './writer.ts';
