// Instruments of the official SDK of OpenTelemetry, with a reader that collects when it is asked, as any exporter's does.
import { MeterProvider, MetricReader, type DataPoint, type Histogram } from '@opentelemetry/sdk-metrics';
import { BOUNDS_MS } from './registries.ts';

class AskedReader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

interface Instrument<T> {
  readonly instrument: T;
  readonly reader: MetricReader;
}

function newMeter(): { meter: ReturnType<MeterProvider['getMeter']>; reader: MetricReader } {
  const reader = new AskedReader();
  return { meter: new MeterProvider({ readers: [reader] }).getMeter('bench'), reader };
}

export function otelCounter(): Instrument<{ add(n: number, attributes?: Record<string, string>): void }> {
  const { meter, reader } = newMeter();
  return { instrument: meter.createCounter('counted'), reader };
}

export function otelHistogram(): Instrument<{
  record(value: number, attributes?: Record<string, string>): void;
}> {
  const { meter, reader } = newMeter();
  const advice = { explicitBucketBoundaries: [...BOUNDS_MS] };
  return { instrument: meter.createHistogram('observed', { advice }), reader };
}

/** What the only series has counted, or how many values it has. */
export async function otelCount({ reader }: { readonly reader: MetricReader }): Promise<number> {
  const { resourceMetrics, errors } = await reader.collect();
  if (errors.length > 0) throw new AggregateError(errors, 'collecting failed');
  const [point] = resourceMetrics.scopeMetrics[0]?.metrics[0]?.dataPoints ?? [];
  const { value } = point as DataPoint<number | Histogram>;
  return typeof value === 'number' ? value : value.count;
}
