// From what two workers record to what a collector gets: through the official SDK and its OTLP exporter, over HTTP.
import { once } from 'node:events';
import { setImmediate as turnLoop } from 'node:timers/promises';
import { ValueType } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type CollectionResult,
  type Histogram as HistogramValue,
} from '@opentelemetry/sdk-metrics';
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { Registry } from '../../src/index.ts';
import { CorelaneMetricProducer, type MetricProducerOptions } from '../../src/opentelemetry/index.ts';
import { message, startHammer } from '../worker/crew.ts';
import { defineAll } from '../worker/metrics.ts';
import {
  attributesOf,
  startReceiver,
  type HistogramPoint,
  type NumberPoint,
  type Receiver,
} from './receiver.ts';

const ROUNDS = 3000;

/** A registry in which two workers record; `whileRunning` is called again and again until they have ended. */
async function recorded(
  rounds = ROUNDS,
  whileRunning: (registry: Registry) => Promise<void> = () => turnLoop(),
): Promise<Registry> {
  const registry = Registry.create(Arena.create({ bytes: 2 << 20 }), { series: 16, writers: 4, metrics: 8 });
  const go = new Int32Array(new SharedArrayBuffer(8));
  const workers = [0, 1].map(() => startHammer(registry.handle, go, rounds));
  await Promise.all(workers.map(message));
  const state = { isRunning: true };
  const exits = workers.map((worker) => once(worker, 'exit'));
  const ended = Promise.all(exits).finally(() => (state.isRunning = false));
  Atomics.store(go, 0, 1);
  Atomics.notify(go, 0);
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  while (state.isRunning) await whileRunning(registry);
  await ended;
  defineAll(registry).temperature.set(21.5);
  return registry;
}

function startSdk(
  registry: Registry,
  receiver: Receiver,
  options: MetricProducerOptions = {},
): { provider: MeterProvider; exporter: OTLPMetricExporter } {
  const exporter = new OTLPMetricExporter({ url: receiver.url, timeoutMillis: 2000 });
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: 3_600_000,
    metricProducers: [new CorelaneMetricProducer(registry, options)],
  });
  const resource = resourceFromAttributes({ 'service.name': 'ingest' });
  return { provider: new MeterProvider({ resource, readers: [reader] }), exporter };
}

function only<T>(points: readonly T[] | undefined): T {
  expect(points).toHaveLength(1);
  return (points as readonly T[])[0] as T;
}

function nanoseconds(text: string): number {
  return Number(BigInt(text) / 1_000_000n);
}

test('a collector gets what two workers have recorded: counts, sums, buckets, units, labels and times', async () => {
  await using receiver = await startReceiver();
  const beforeMs = Date.now();
  using registry = await recorded();
  const { provider } = startSdk(registry, receiver);
  await provider.forceFlush();
  const afterMs = Date.now();

  const { resource, scopeMetrics } = only(only(receiver.requests).resourceMetrics);
  expect(resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'ingest' } });
  expect(scopeMetrics.map(({ scope }) => scope.name)).toEqual(['@corelane/perf-counters']);

  const metrics = receiver.last();
  const plain = metrics.get('plain_total');
  expect(plain).toMatchObject({ description: 'Rounds', unit: '' });
  expect(plain?.sum).toMatchObject({ aggregationTemporality: 2, isMonotonic: true });
  const point = only(plain?.sum?.dataPoints);
  expect(point).toMatchObject({ asInt: 2 * ROUNDS, attributes: [] });
  expect(nanoseconds(point.startTimeUnixNano)).toBeGreaterThanOrEqual(beforeMs);
  expect(nanoseconds(point.timeUnixNano)).toBeGreaterThanOrEqual(nanoseconds(point.startTimeUnixNano));
  expect(nanoseconds(point.timeUnixNano)).toBeLessThanOrEqual(afterMs);

  const byCode = metrics.get('codes_total')?.sum?.dataPoints ?? [];
  expect(Object.fromEntries(byCode.map((each) => [attributesOf(each)['code'], each.asInt]))).toEqual({
    202: (2 * ROUNDS * 2 * 2) / 3,
    429: (2 * ROUNDS * 2) / 3,
  });

  const inFlight = metrics.get('in_flight')?.sum;
  expect(inFlight).toMatchObject({ aggregationTemporality: 2, isMonotonic: false });
  expect(only(inFlight?.dataPoints).asInt).toBe(2 * ROUNDS);
  expect(only(metrics.get('temperature')?.gauge?.dataPoints).asDouble).toBe(21.5);

  const sizes = Array.from({ length: ROUNDS }, (_, round) => (round * 37) % 5000);
  const size = metrics.get('size_bytes');
  expect(size).toMatchObject({ unit: 'By', histogram: { aggregationTemporality: 2 } });
  const sizePoint = only(size?.histogram?.dataPoints);
  expect(sizePoint).toMatchObject({
    count: 2 * ROUNDS,
    sum: 2 * sizes.reduce((sum, each) => sum + each, 0),
    min: Math.min(...sizes),
    max: Math.max(...sizes),
  });
  expect(sizePoint.bucketCounts).toEqual(expectedCounts(sizePoint, sizes).map((count) => 2 * count));

  const duration = metrics.get('duration_seconds');
  expect(duration?.unit).toBe('s');
  const { count, sum, min, max, bucketCounts } = only(duration?.histogram?.dataPoints);
  expect([count, sum, min, max]).toEqual([2 * ROUNDS, (2 * ROUNDS * 0.25) / 1000, 0.00025, 0.00025]);
  expect(bucketCounts.filter((each) => each > 0)).toEqual([2 * ROUNDS]);
  await provider.shutdown();
});

/** How many of the values are in each bucket of a point, by its own bounds. */
function expectedCounts({ explicitBounds }: HistogramPoint, values: readonly number[]): number[] {
  return [...explicitBounds, Infinity].map(
    (upper, i) => values.filter((each) => each <= upper && each > (explicitBounds[i - 1] ?? -1)).length,
  );
}

test('an exponential histogram has every value once, in buckets that end no lower than it, over HTTP too', async () => {
  await using receiver = await startReceiver();
  using registry = await recorded();
  const { provider } = startSdk(registry, receiver, { histograms: 'exponential', maxBuckets: 1000 });
  await provider.shutdown();
  const size = receiver.last().get('size_bytes')?.exponentialHistogram;
  expect(size).toMatchObject({ aggregationTemporality: 2 });
  const { count, sum, min, max, scale, zeroCount, positive } = only(size?.dataPoints);
  const sizes = Array.from({ length: ROUNDS }, (_, round) => (round * 37) % 5000);
  expect([count, sum, min, max, scale]).toEqual([
    2 * ROUNDS,
    2 * sizes.reduce((a, b) => a + b, 0),
    0,
    4999,
    4,
  ]);
  expect(zeroCount).toBe(2);
  let below = zeroCount;
  positive.bucketCounts.forEach((each, i) => {
    below += each;
    const upper = 2 ** ((positive.offset + i + 1) * 2 ** -scale);
    const within = 2 * sizes.filter((value) => value <= upper * (1 + 1e-12)).length;
    expect(below).toBeLessThanOrEqual(within);
    // A bucket of ours between two powers of two is a sixteenth of the lower one wide.
    expect(below).toBeGreaterThanOrEqual(2 * sizes.filter((value) => value <= upper / (1 + 1 / 16)).length);
  });
  expect(below).toBe(count);
});

test('delta: what came since the last export, then nothing, and together exactly everything; start times follow each other', async () => {
  await using receiver = await startReceiver();
  using registry = await recorded();
  const { plain, size, inFlight } = defineAll(registry);
  const { provider } = startSdk(registry, receiver, { temporality: 'delta' });
  await provider.forceFlush();
  const first = receiver.last();
  expect(first.get('plain_total')?.sum).toMatchObject({ aggregationTemporality: 1, isMonotonic: true });
  const before = only(first.get('plain_total')?.sum?.dataPoints);
  expect(before.asInt).toBe(2 * ROUNDS);

  plain.inc(5);
  size.record(100);
  inFlight.dec();
  await provider.forceFlush();
  const second = receiver.last();
  const after: NumberPoint = only(second.get('plain_total')?.sum?.dataPoints);
  expect(after.asInt).toBe(5);
  expect(after.startTimeUnixNano).toBe(before.timeUnixNano);
  const sizePoint = only(second.get('size_bytes')?.histogram?.dataPoints);
  expect(sizePoint).toMatchObject({ count: 1, sum: 100 });
  expect(sizePoint).not.toHaveProperty('max'); // the largest of all time is not that of the interval
  expect(sizePoint.bucketCounts).toEqual(expectedCounts(sizePoint, [100]));
  expect(second.has('codes_total')).toBe(false);
  expect(second.has('duration_seconds')).toBe(false);
  expect(second.get('in_flight')?.sum).toMatchObject({
    aggregationTemporality: 2,
    dataPoints: [{ asInt: 2 * ROUNDS - 1 }],
  });
  await provider.shutdown();
});

test('deltas that are collected while two workers record add up to exactly what they recorded, bucket by bucket', async () => {
  const rounds = 30_000;
  const total = { plain: 0, size: 0, sum: 0, buckets: [] as number[] };
  let collections = 0;
  const add = ({ resourceMetrics, errors }: CollectionResult): void => {
    expect(errors).toEqual([]);
    collections++;
    for (const { descriptor, dataPoints } of resourceMetrics.scopeMetrics[0]?.metrics ?? []) {
      const value = dataPoints[0]?.value;
      if (descriptor.name === 'plain_total') total.plain += value as number;
      if (descriptor.name !== 'size_bytes') continue;
      const { count, sum = 0, buckets } = value as HistogramValue;
      total.size += count;
      total.sum += sum;
      total.buckets = buckets.counts.map((each, i) => each + (total.buckets[i] ?? 0));
      expect(Math.min(...buckets.counts)).toBeGreaterThanOrEqual(0);
    }
  };
  let producer: CorelaneMetricProducer | undefined;
  using registry = await recorded(rounds, async (running) => {
    producer ??= new CorelaneMetricProducer(running, { temporality: 'delta' });
    add(await producer.collect());
    await turnLoop();
  });
  add(await (producer as CorelaneMetricProducer).collect());
  expect(collections).toBeGreaterThan(2);
  const sizes = Array.from({ length: rounds }, (_, round) => (round * 37) % 5000);
  expect(total.plain).toBe(2 * rounds);
  expect([total.size, total.sum]).toEqual([2 * rounds, 2 * sizes.reduce((sum, each) => sum + each, 0)]);
  const whole = defineAll(registry).size.distribution().buckets();
  expect(total.buckets).toEqual(whole.map(({ count }, i) => count - (whole[i - 1]?.count ?? 0)));
});

test('shutdown exports what was recorded until then; a collector that fails loses nothing of what is cumulative', async () => {
  await using receiver = await startReceiver();
  using registry = await recorded();
  const { provider } = startSdk(registry, receiver);
  receiver.answerWith(400);
  await provider.forceFlush();
  expect(receiver.requests).toEqual([]);
  receiver.answerWith(200);
  defineAll(registry).plain.inc();
  await provider.shutdown();
  expect(only(receiver.last().get('plain_total')?.sum?.dataPoints).asInt).toBe(2 * ROUNDS + 1);
});

test('the numbers that stand for the enumerations of the SDK are its own', async () => {
  using registry = await recorded();
  const types = async (options: MetricProducerOptions): Promise<unknown[]> => {
    const { resourceMetrics } = await new CorelaneMetricProducer(registry, options).collect();
    const metrics = resourceMetrics.scopeMetrics[0]?.metrics ?? [];
    return metrics.map(({ descriptor, dataPointType, aggregationTemporality }) => [
      descriptor.name,
      descriptor.valueType,
      dataPointType,
      aggregationTemporality,
    ]);
  };
  const { CUMULATIVE, DELTA } = AggregationTemporality;
  const { SUM, GAUGE, HISTOGRAM, EXPONENTIAL_HISTOGRAM } = DataPointType;
  expect(await types({})).toEqual([
    ['plain_total', ValueType.INT, SUM, CUMULATIVE],
    ['codes_total', ValueType.INT, SUM, CUMULATIVE],
    ['size_bytes', ValueType.DOUBLE, HISTOGRAM, CUMULATIVE],
    ['duration_seconds', ValueType.DOUBLE, HISTOGRAM, CUMULATIVE],
    ['in_flight', ValueType.INT, SUM, CUMULATIVE],
    ['temperature', ValueType.DOUBLE, GAUGE, CUMULATIVE],
  ]);
  const delta = await types({ temporality: 'delta', histograms: 'exponential' });
  expect(delta).toContainEqual(['plain_total', ValueType.INT, SUM, DELTA]);
  expect(delta).toContainEqual(['size_bytes', ValueType.DOUBLE, EXPONENTIAL_HISTOGRAM, DELTA]);
  expect(delta).toContainEqual(['in_flight', ValueType.INT, SUM, CUMULATIVE]);
});
