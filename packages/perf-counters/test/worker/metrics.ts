// The metrics of the stress tests: each thread defines them, and they are the same.
import type { Counter, Family, Gauge, Histogram, Registry, Timer, UpDownCounter } from '../../src/index.ts';

export interface Metrics {
  readonly plain: Counter;
  readonly byCode: Family<Counter, readonly ['code']>;
  readonly size: Histogram;
  readonly duration: Timer;
  readonly inFlight: UpDownCounter;
  readonly temperature: Gauge;
}

export function defineAll(registry: Registry): Metrics {
  return {
    plain: registry.counter({ name: 'plain_total', help: 'Rounds' }),
    byCode: registry.counter({ name: 'codes_total', help: 'Answers', labels: ['code'] }),
    size: registry.histogram({ name: 'size_bytes', help: 'Sizes', unit: 'bytes' }),
    duration: registry.timer({ name: 'duration_seconds', help: 'Durations' }),
    inFlight: registry.upDownCounter({ name: 'in_flight', help: 'Between inc and dec' }),
    temperature: registry.gauge({ name: 'temperature', help: 'One per thread' }),
  };
}
