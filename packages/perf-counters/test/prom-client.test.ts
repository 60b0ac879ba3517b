// Where prom-client's own code expects one of its registries.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Arena } from '@corelane/shared-memory';
import * as prom from 'prom-client';
import { expect, test } from 'vitest';
import { ArgumentRangeError, Registry } from '../src/index.ts';

function recorded(times: number): Registry {
  const registry = Registry.create(Arena.create({ bytes: 4 << 20 }), { series: 64, writers: 2, metrics: 16 });
  const counter = registry.counter({ name: 'a_total', help: 'A', labels: ['l'] });
  const histogram = registry.histogram({ name: 'h', help: 'H', buckets: [1, 10], labels: ['k'] });
  for (let i = 0; i < times; i++) {
    counter.labels(`v${i % 2}`).inc(i);
    histogram.labels('k').record(i);
  }
  registry.gauge({ name: 'g', help: 'G', aggregator: 'max' }).set(times);
  registry.upDownCounter({ name: 'u', help: 'U' }).dec(times);
  return registry;
}

/** prom-client's types want its classes; what is tested is that it works. */
const asRegister = (registry: unknown): prom.Registry => registry as prom.Registry;

async function received(run: (url: string) => Promise<unknown>): Promise<{ path: string; body: string }> {
  const request = Promise.withResolvers<{ path: string; body: string }>();
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (text: string) => (body += text));
    incoming.on('end', () => {
      response.end();
      request.resolve({ path: incoming.url ?? '', body });
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return await request.promise;
  } finally {
    server.close();
  }
}

test('its AggregatorRegistry merges what several processes have', async () => {
  const merged = prom.AggregatorRegistry.aggregate([
    await recorded(4).getMetricsAsJSON(),
    // Through JSON, as from a process of a cluster.
    JSON.parse(JSON.stringify(await recorded(20).getMetricsAsJSON())) as object,
  ]);
  const text = await merged.metrics();
  expect(text.split('\n')).toEqual(
    expect.arrayContaining([
      'a_total{l="v0"} 92',
      'a_total{l="v1"} 104',
      'h_bucket{le="1",k="k"} 4',
      'h_bucket{le="10",k="k"} 15',
      'h_bucket{le="+Inf",k="k"} 24',
      'h_sum{k="k"} 196',
      'h_count{k="k"} 24',
      'g 20',
      'u -24',
    ]),
  );
});

test('its Registry.merge writes ours beside its own, as they are when it is read', async () => {
  const own = new prom.Registry();
  new prom.Counter({ name: 'own_total', help: 'Own', registers: [own] }).inc(2);
  const registry = recorded(3);
  const merged = prom.Registry.merge([own, asRegister(registry.reader)]);
  registry.gauge({ name: 'g', help: 'G', aggregator: 'max' }).set(9);
  const text = await merged.metrics();
  expect(text).toContain('own_total 2\n');
  expect(text).toContain('g 9\n');
  const lines = (of: string): string[] =>
    of.split('\n').filter((line) => line !== '' && !line.startsWith('own') && !line.includes(' own_'));
  const normal = (of: string): string[] =>
    lines(of)
      .map((line) => line.replace(/\{k="k",(le="[^"]+")\}/, '{$1,k="k"}'))
      .toSorted();
  expect(normal(text)).toEqual(normal(registry.prometheusText()));
});

test('its Pushgateway pushes ours', async () => {
  const registry = recorded(3);
  const { path, body } = await received((url) =>
    new prom.Pushgateway(url, {}, asRegister(registry)).pushAdd({ jobName: 'nightly' }),
  );
  expect(path).toBe('/metrics/job/nightly');
  expect(body).toBe(registry.prometheusText());
});

test('one metric is written as by it', async () => {
  const registry = recorded(4);
  const own = new prom.Registry();
  const counter = new prom.Counter({ name: 'a_total', help: 'A', labelNames: ['l'], registers: [own] });
  counter.inc({ l: 'v0' }, 2);
  counter.inc({ l: 'v1' }, 4);
  await expect(registry.reader.getSingleMetricAsString('a_total')).resolves.toBe(
    await own.getSingleMetricAsString('a_total'),
  );
  await expect(registry.reader.getSingleMetricAsString('b')).rejects.toThrow(ArgumentRangeError);
  expect(registry.reader.getSingleMetric('a_total')).toMatchObject({
    name: 'a_total',
    help: 'A',
    type: 'counter',
  });
  expect(registry.reader.getSingleMetric('b')).toBeUndefined();
  await expect(registry.reader.getSingleMetric('u')?.get()).resolves.toEqual({
    name: 'u',
    help: 'U',
    type: 'gauge',
    aggregator: 'sum',
    values: [{ value: -4, labels: {} }],
  });
});
