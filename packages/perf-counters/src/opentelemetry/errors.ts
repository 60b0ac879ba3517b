// What can be wrong with a collection. These are among its `errors`, and the rest of it is there.
import { PerfCountersError } from '../errors.ts';

/** A collection took longer than it was given. What it had read is in its result. */
export class MetricCollectTimeoutError extends PerfCountersError {
  override readonly name = 'MetricCollectTimeoutError';

  constructor(timeoutMs: number, metrics: number) {
    super('ERR_METRIC_COLLECT_TIMEOUT', `collected ${metrics} metrics in ${timeoutMs} ms, expected all`);
  }
}

/** A gauge has a value that JSON can not carry: it is left out. */
export class MetricValueError extends PerfCountersError {
  override readonly name = 'MetricValueError';

  constructor(metric: string, labels: Readonly<Record<string, unknown>>, value: number) {
    super('ERR_METRIC_VALUE', `${metric} ${JSON.stringify(labels)} is ${value}, expected a finite number`);
  }
}
