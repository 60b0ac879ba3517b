import { Arena, AttachError } from '@corelane/shared-memory';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type CollectionResult,
  type DataPoint,
  type ExponentialHistogram,
  type MetricData,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { expect, test, vi } from 'vitest';
import { Registry, RegistryReader } from '../../src/index.ts';
import { SeriesReader } from '../../src/series-reader.ts';
import { CorelaneMetricProducer, type MetricProducerOptions } from '../../src/opentelemetry/index.ts';

function newRegistry(): Registry {
  return Registry.create(Arena.create({ bytes: 2 << 20 }), { series: 64, writers: 4, metrics: 16 });
}

function metricsOf({ resourceMetrics }: CollectionResult): MetricData[] {
  return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
}

function pointsOf(result: CollectionResult): [DataPoint<unknown>] {
  return metricsOf(result).flatMap(({ dataPoints }): DataPoint<unknown>[] => dataPoints) as [
    DataPoint<unknown>,
  ];
}

/** A clock of which each reading is a millisecond after the one before. */
function tickingClock(startMs: number): { now(): number } {
  let nowMs = startMs;
  return { now: () => nowMs++ };
}

async function valuesOf(producer: CorelaneMetricProducer): Promise<unknown[]> {
  return metricsOf(await producer.collect()).flatMap(({ dataPoints }) =>
    dataPoints.map(({ value }) => value),
  );
}

test('counts of a thread that died stay, its successor goes on, and the start time is that of the registry', async () => {
  using registry = newRegistry();
  const producer = new CorelaneMetricProducer(registry);
  const other = Registry.attach(registry.handle);
  const options = { name: 'jobs_total', help: 'Jobs' };
  other.counter(options).inc(3);
  other.gauge({ name: 'depth', help: 'Depth' }).set(9);
  const before = metricsOf(await producer.collect());
  registry.reclaim(other.writer);
  const [reclaimed] = metricsOf(await producer.collect());
  expect(metricsOf(await producer.collect()).map(({ descriptor }) => descriptor.name)).toEqual([
    'jobs_total',
  ]);
  using successor = Registry.attach(registry.handle);
  expect(successor.writer).toBe(other.writer);
  successor.counter(options).inc(4);
  const [after] = metricsOf(await producer.collect());
  expect([before[0], reclaimed, after].map((metric) => metric?.dataPoints[0]?.value)).toEqual([3, 3, 7]);
  const starts = [before[0], reclaimed, after].map((metric) => metric?.dataPoints[0]?.startTime);
  expect(starts[1]).toEqual(starts[0]);
  expect(starts[2]).toEqual(starts[0]);
  const [seconds = 0, nanoseconds = 0] = starts[0] ?? [];
  expect(Math.round(seconds * 1000 + nanoseconds / 1e6)).toBe(registry.read().createdAtMs);
});

test('a metric that nobody has recorded is not there; neither is a scope without metrics', async () => {
  using registry = newRegistry();
  registry.counter({ name: 'a_total', help: 'A', labels: ['x'] });
  const { resourceMetrics, errors } = await new CorelaneMetricProducer(registry).collect();
  expect([resourceMetrics.scopeMetrics, errors]).toEqual([[], []]);
});

test('a histogram without values has counts of 0 and neither min nor max', async () => {
  using registry = newRegistry();
  registry.histogram({ name: 'a', help: 'A', buckets: [1, 2] });
  registry.histogram({ name: 'b', help: 'B' });
  const [a, b] = await valuesOf(new CorelaneMetricProducer(registry, { histograms: 'exponential' }));
  expect(a).toEqual({ buckets: { boundaries: [1, 2], counts: [0, 0, 0] }, count: 0, sum: 0 });
  const none = { offset: 0, bucketCounts: [] };
  expect(b).toEqual({ count: 0, sum: 0, scale: 4, zeroCount: 0, positive: none, negative: none });
});

test('a gauge that is no finite number is left out and said, and the others are there', async () => {
  using registry = newRegistry();
  const gauges = registry.gauge({ name: 'load', help: 'Load', labels: ['cpu'] });
  gauges.labels('0').set(Number.NaN);
  gauges.labels('1').set(0.5);
  const result = await new CorelaneMetricProducer(RegistryReader.attach(registry.handle)).collect();
  expect(metricsOf(result)[0]?.dataPoints).toMatchObject([{ attributes: { cpu: '1' }, value: 0.5 }]);
  expect(result.errors).toMatchObject([
    { code: 'ERR_METRIC_VALUE', message: 'load {"cpu":"0"} is NaN, expected a finite number' },
  ]);
});

test('names, units and descriptions are as OpenTelemetry has them', async () => {
  using registry = newRegistry();
  registry.counter({ name: 'io_bytes_total', help: 'Bytes', unit: 'bytes' }).inc();
  registry.counter({ name: 'cpu_seconds_total', help: 'CPU', unit: 'seconds', perUnit: 1e9 }).inc(5e8);
  registry.counter({ name: 'total', help: 'Odd' }).inc();
  const described = async (options: MetricProducerOptions): Promise<unknown[]> =>
    metricsOf(await new CorelaneMetricProducer(registry, options).collect()).map(
      ({ descriptor, dataPoints }) => [
        descriptor.name,
        descriptor.unit,
        descriptor.valueType,
        dataPoints[0]?.value,
      ],
    );
  expect(await described({})).toEqual([
    ['io_bytes_total', 'By', 0, 1],
    ['cpu_seconds_total', 's', 1, 0.5],
    ['total', '', 0, 1],
  ]);
  expect(await described({ removeSuffixes: true })).toEqual([
    ['io', 'By', 0, 1],
    ['cpu', 's', 1, 0.5],
    ['total', '', 0, 1],
  ]);
});

test('names without suffixes are those of one metric each: who would share one keeps its own', async () => {
  using registry = newRegistry();
  const counter = (name: string, unit = ''): void => registry.counter({ name, help: 'C', unit }).inc();
  registry.gauge({ name: 'jobs', help: 'Now' }).set(1);
  counter('jobs_total');
  registry.gauge({ name: 'memory_total', help: 'A gauge' }).set(1);
  counter('io_bytes_total', 'bytes');
  counter('io_seconds_total', 'seconds');
  counter('done_total');
  const producer = new CorelaneMetricProducer(registry, { removeSuffixes: true });
  const names = metricsOf(await producer.collect()).map(({ descriptor }) => descriptor.name);
  expect(names).toEqual(['jobs', 'jobs_total', 'memory_total', 'io_bytes_total', 'io_seconds_total', 'done']);
});

test('delta spans follow each other without a gap, also where the clock goes back, and add up exactly', async () => {
  using registry = newRegistry();
  const { createdAtMs } = registry.read();
  const times = [createdAtMs + 10, createdAtMs + 5, createdAtMs + 20];
  const clock = { now: (): number => times.shift() as number };
  const producer = new CorelaneMetricProducer(registry, { temporality: 'delta', clock });
  const busy = registry.counter({ name: 'busy_seconds_total', help: 'Busy', unit: 'seconds', perUnit: 1e9 });
  const spans: unknown[] = [];
  let sum = 0;
  for (const ns of [100_000_001, 200_000_003, 7]) {
    busy.inc(ns);
    const [{ startTime, endTime, value }] = pointsOf(await producer.collect());
    spans.push([startTime, endTime].map(([s, ns2]) => Math.round(s * 1000 + ns2 / 1e6) - createdAtMs));
    sum += Math.round((value as number) * 1e9);
  }
  expect(spans).toEqual([
    [0, 10],
    [10, 10],
    [10, 20],
  ]);
  expect(sum).toBe(300_000_011);
});

test('a delta begins at the collection before, also where that had nothing of it, and all of one collection end together', async () => {
  using registry = newRegistry();
  const { createdAtMs } = registry.read();
  let nowMs = createdAtMs;
  const clock = { now: (): number => (nowMs += 10) };
  const producer = new CorelaneMetricProducer(registry, { temporality: 'delta', clock });
  const jobs = registry.counter({ name: 'jobs_total', help: 'Jobs', labels: ['kind'] });
  const size = registry.histogram({ name: 'size', help: 'Sizes' });
  const depth = registry.upDownCounter({ name: 'depth', help: 'Depth' });
  depth.inc();
  const spansOf = async (): Promise<unknown> =>
    metricsOf(await producer.collect()).map(({ descriptor, dataPoints }) => [
      descriptor.name,
      ...dataPoints.map(({ startTime, endTime }) =>
        [startTime, endTime].map(([s, ns]) => Math.round(s * 1000 + ns / 1e6) - createdAtMs),
      ),
    ]);
  jobs.labels('a').inc();
  expect(await spansOf()).toEqual([
    ['jobs_total', [0, 10]],
    ['depth', [0, 10]],
  ]);
  expect(await spansOf()).toEqual([['depth', [0, 20]]]);
  for (const kind of ['a', 'b']) jobs.labels(kind).inc();
  size.record(3);
  expect(await spansOf()).toEqual([
    ['jobs_total', [20, 30], [20, 30]],
    ['size', [20, 30]],
    ['depth', [0, 30]],
  ]);
});

test('a delta whose export fails is lost as one of the SDK is, which the same reader exports', async () => {
  using registry = newRegistry();
  const exported: unknown[] = [];
  let fails = false;
  const exporter: PushMetricExporter = {
    export: ({ scopeMetrics }, done) => {
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enumeration is of a package that is not ours to depend on
      if (fails) return done({ code: 1, error: new Error('no collector') });
      exported.push(scopeMetrics.map(({ metrics }) => metrics[0]?.dataPoints[0]?.value));
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment
      return done({ code: 0 });
    },
    selectAggregationTemporality: () => AggregationTemporality.DELTA,
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const metricProducers = [new CorelaneMetricProducer(registry, { temporality: 'delta' })];
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: 3_600_000,
    metricProducers,
  });
  const provider = new MeterProvider({ readers: [reader] });
  const theirs = provider.getMeter('sdk').createCounter('theirs');
  const ours = registry.counter({ name: 'ours_total', help: 'Ours' });
  for (const [n, isLost] of [
    [3, false],
    [5, true],
    [7, false],
  ] as const) {
    theirs.add(n);
    ours.inc(n);
    fails = isLost;
    await provider.forceFlush();
  }
  expect(exported).toEqual([
    [3, 3],
    [7, 7],
  ]);
  await provider.shutdown();
});

test('a collection that is aborted counts as none: what it had read comes with those that follow', async () => {
  using registry = newRegistry();
  const counters = ['a_total', 'b_total'].map((name) => registry.counter({ name, help: 'Counted' }));
  const abort = new AbortController();
  const reads = vi.spyOn(SeriesReader.prototype, 'value');
  const producer = new CorelaneMetricProducer(registry, { temporality: 'delta' });
  for (const counter of counters) counter.inc(2);
  const sliceMs = 1e-9;
  const aborted = producer.collect({ signal: abort.signal, sliceMs });
  // While the loop turns after the first metric: slices of no length end after each.
  setImmediate(() => abort.abort(new Error('stop')));
  await expect(aborted).rejects.toThrow('stop');
  expect(reads).toHaveBeenCalledTimes(1);
  reads.mockRestore();
  for (const counter of counters) counter.inc(3);
  expect(pointsOf(await producer.collect({ timeoutMillis: 0, sliceMs })).map(({ value }) => value)).toEqual([
    5,
  ]);
  expect(await valuesOf(producer)).toEqual([5]);
});

test('bounds of a metric are in its units, and what is above the last of them is counted', async () => {
  using registry = newRegistry();
  const timer = registry.timer({ name: 'wait_seconds', help: 'Wait', buckets: [0.1, 0.5] });
  for (const ms of [50, 100, 300, 900, 2000]) timer.record(ms);
  for (const histograms of ['explicit', 'exponential'] as const) {
    const producer = new CorelaneMetricProducer(registry, { histograms });
    expect(await valuesOf(producer)).toEqual([
      { buckets: { boundaries: [0.1, 0.5], counts: [2, 1, 2] }, count: 5, sum: 3.35, min: 0.05, max: 2 },
    ]);
  }
});

test('what is above the largest value of a histogram is in an exponential bucket above it', async () => {
  using registry = newRegistry();
  registry.histogram({ name: 'size', help: 'Sizes', max: 1024 }).record(5000);
  const [{ value }] = pointsOf(
    await new CorelaneMetricProducer(registry, { histograms: 'exponential' }).collect(),
  );
  const { scale, positive, max } = value as ExponentialHistogram;
  expect([positive.bucketCounts, max]).toEqual([[1], 5000]);
  expect(2 ** (positive.offset * 2 ** -scale)).toBeGreaterThanOrEqual(1024);
});

test('collections at the same time are made one after the other: nothing is counted twice', async () => {
  using registry = newRegistry();
  registry.counter({ name: 'a_total', help: 'A' }).inc(2);
  const producer = new CorelaneMetricProducer(registry, { temporality: 'delta' });
  const all = await Promise.all([valuesOf(producer), valuesOf(producer), valuesOf(producer)]);
  expect(all.flat()).toEqual([2]);
});

test('a collection that takes too long returns what it has and says so; the rest comes with the next one', async () => {
  using registry = newRegistry();
  for (let i = 0; i < 10; i++) registry.counter({ name: `c${i}_total`, help: 'C' }).inc(i + 1);
  const producer = new CorelaneMetricProducer(registry, {
    temporality: 'delta',
    clock: tickingClock(registry.read().createdAtMs + 5),
  });
  const first = await producer.collect({ timeoutMillis: 0, sliceMs: 1e-9 });
  expect(first.errors).toMatchObject([{ code: 'ERR_METRIC_COLLECT_TIMEOUT' }]);
  expect(metricsOf(first).map(({ dataPoints }) => dataPoints[0]?.value)).toEqual([1]);
  registry.counter({ name: 'c0_total', help: 'C' }).inc(7);
  const [again, ...others] = pointsOf(await producer.collect()) as DataPoint<unknown>[];
  const [{ startTime, endTime }] = pointsOf(first);
  expect(again).toMatchObject({ value: 7, startTime: endTime });
  expect(others.map(({ value }) => value)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
  // Nothing of them was read before.
  for (const each of others) expect(each.startTime).toEqual(startTime);
  const whole = await producer.collect({ timeoutMillis: 0 }); // all in one slice: late, and complete
  expect([metricsOf(whole), whole.errors]).toEqual([[], []]);
});

test('without a reader, an exporter takes what it collects, with a resource of its own', async () => {
  using registry = newRegistry();
  registry.counter({ name: 'a_total', help: 'A' }).inc();
  const { resourceMetrics } = await new CorelaneMetricProducer(registry).collect();
  expect(resourceMetrics.resource.merge(null)).toBe(resourceMetrics.resource);
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const { code } = await new Promise<{ code: number }>((resolve) =>
    exporter.export(resourceMetrics, resolve),
  );
  expect(code).toBe(0);
  expect(exporter.getMetrics()).toEqual([resourceMetrics]);
});

test('per writer: each has points of its own, in deltas too; a metric with a label of that name is an error, and the others are there', async () => {
  using registry = newRegistry();
  using other = Registry.attach(registry.handle);
  for (const each of [registry, other]) {
    each
      .counter({ name: 'a_total', help: 'A', labels: ['x'] })
      .labels('1')
      .inc(each.writer + 1);
    each.gauge({ name: 'b', help: 'B' }).set(each.writer);
    each.histogram({ name: 'c', help: 'C' }).record(10 * (each.writer + 1));
    each
      .counter({ name: 'd_total', help: 'D', labels: ['worker'] })
      .labels('w')
      .inc();
  }
  const producer = new CorelaneMetricProducer(registry, { perWriter: true, temporality: 'delta' });
  const result = await producer.collect();
  const points = metricsOf(result).map(({ descriptor, dataPoints }) => [
    descriptor.name,
    ...dataPoints.map(({ attributes, value }) => [
      attributes,
      typeof value === 'number' ? value : [value.count, value.sum, value.min, value.max],
    ]),
  ]);
  expect(points).toEqual([
    ['a_total', [{ x: '1', worker: 0 }, 1], [{ x: '1', worker: 1 }, 2]],
    ['b', [{ worker: 0 }, 0], [{ worker: 1 }, 1]],
    ['c', [{ worker: 0 }, [1, 10, 10, 10]], [{ worker: 1 }, [1, 20, 20, 20]]],
  ]);
  expect(result.errors).toMatchObject([
    { code: 'ERR_ARGUMENT_RANGE', argument: 'perWriter', found: 'worker' },
  ]);
  other
    .counter({ name: 'a_total', help: 'A', labels: ['x'] })
    .labels('1')
    .inc(5);
  const [first] = pointsOf(await producer.collect());
  expect(first).toMatchObject({ attributes: { worker: 1 }, value: 5 });
  const renamed = new CorelaneMetricProducer(registry, { perWriter: 'thread' });
  expect((await renamed.collect()).errors).toEqual([]);
});

test('options are checked, unknown ones refused, and handles that lead nowhere', async () => {
  using registry = newRegistry();
  const code = 'ERR_ARGUMENT_RANGE';
  for (const options of [
    { temporality: 'lowmemory' },
    { histograms: 'native' },
    { maxBuckets: 1 },
    { scope: { name: '' } },
    { removeSuffixes: 1 },
    { perWriter: '' },
    { interval: 1 },
    { clock: {} },
    { resource: 5 },
    null,
  ])
    expect(() => new CorelaneMetricProducer(registry, options as object)).toThrow(
      expect.objectContaining({ code }),
    );
  const producer = new CorelaneMetricProducer(registry);
  for (const options of [null, { sgnal: 1 }, { signal: 1 }, { sliceMs: 0 }])
    await expect(producer.collect(options as object)).rejects.toMatchObject({ code });
  const handle = { ...registry.handle, at: registry.handle.at + 8 };
  expect(() => new CorelaneMetricProducer({ handle })).toThrow(AttachError);
  expect(() => new CorelaneMetricProducer({} as never)).toThrow(AttachError);
});
