// An argument outside its range is told as @corelane/shared-memory tells it: one class, whichever package it comes from.
export { ArgumentRangeError } from '@corelane/shared-memory';

/** What every error of this package is: a `code` to switch on, and a message with what was found and what was expected. */
export class PerfCountersError extends Error {
  readonly code: string;
  override readonly name: string = 'PerfCountersError';

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A name that Prometheus does not allow, or one that another metric's exported lines would have. */
export class MetricNameError extends PerfCountersError {
  override readonly name = 'MetricNameError';

  constructor(what: string, found: string, expected: string) {
    super('ERR_METRIC_NAME', `${what} is ${JSON.stringify(found)}, expected ${expected}`);
  }
}

/** A metric was defined before, as something else. */
export class RedefinitionError extends PerfCountersError {
  override readonly name = 'RedefinitionError';
  readonly metric: string;

  constructor(metric: string, first: string, second: string) {
    super('ERR_REDEFINITION', `metric ${metric} is defined as ${first}, and again as ${second}`);
    this.metric = metric;
  }
}

/** All metric definitions are taken. */
export class MetricsExhaustedError extends PerfCountersError {
  override readonly name = 'MetricsExhaustedError';
  readonly capacity: number;

  constructor(metric: string, capacity: number) {
    super(
      'ERR_METRICS_EXHAUSTED',
      `no room for metric ${metric}: all ${capacity} definitions are taken (option metrics of Registry.create)`,
    );
    this.capacity = capacity;
  }
}

/** All series are taken. */
export class SeriesExhaustedError extends PerfCountersError {
  override readonly name = 'SeriesExhaustedError';
  readonly capacity: number;

  constructor(series: string, capacity: number) {
    super(
      'ERR_SERIES_EXHAUSTED',
      `no room for series ${series}: all ${capacity} series are taken (option series of Registry.create)`,
    );
    this.capacity = capacity;
  }
}

/** All writers are claimed: dispose registries of threads that end, or reclaim the writers of threads that died. */
export class WritersExhaustedError extends PerfCountersError {
  override readonly name = 'WritersExhaustedError';
  readonly capacity: number;

  constructor(capacity: number, threadIds: readonly number[]) {
    super(
      'ERR_WRITERS_EXHAUSTED',
      `all ${capacity} writers are claimed, by threads ${threadIds.slice(0, 32).join(', ')}: reclaimThread() frees those of threads that have ended (option writers of Registry.create)`,
    );
    this.capacity = capacity;
  }
}

/** A registry, or a handle of one, was used after the registry was disposed. Nothing was recorded. */
export class RegistryDisposedError extends PerfCountersError {
  override readonly name = 'RegistryDisposedError';

  constructor() {
    super('ERR_REGISTRY_DISPOSED', 'the registry is disposed: its writer is released');
  }
}

export function disposed(): never {
  throw new RegistryDisposedError();
}
