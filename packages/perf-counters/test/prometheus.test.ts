// What is exported, read back by a parser that knows nothing of this package.
import { Arena } from '@corelane/shared-memory';
import parse, { type ParsedFamily } from 'parse-prometheus-text-format';
import * as prom from 'prom-client';
import { expect, test } from 'vitest';
import { Registry } from '../src/index.ts';

function newRegistry(): Registry {
  return Registry.create(Arena.create({ bytes: 4 << 20 }), { series: 64, writers: 2, metrics: 16 });
}

function family(registry: Registry, name: string): ParsedFamily {
  const found = parse(registry.prometheusText()).find((each) => each.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

test('counters and gauges with their labels', () => {
  const registry = newRegistry();
  const requests = registry.counter({ name: 'requests_total', help: 'Requests', labels: ['route', 'code'] });
  requests.labels('/a', 200).inc(3);
  requests.labels('/b', 404).inc();
  registry.gauge({ name: 'ratio', help: 'A ratio' }).set(-0.25);
  registry.upDownCounter({ name: 'in_flight', help: 'In flight' }).dec(2);
  expect(family(registry, 'requests_total')).toEqual({
    name: 'requests_total',
    help: 'Requests',
    type: 'COUNTER',
    metrics: [
      { labels: { route: '/a', code: '200' }, value: '3' },
      { labels: { route: '/b', code: '404' }, value: '1' },
    ],
  });
  expect(family(registry, 'ratio')).toMatchObject({ type: 'GAUGE', metrics: [{ value: '-0.25' }] });
  expect(family(registry, 'in_flight')).toMatchObject({ type: 'GAUGE', metrics: [{ value: '-2' }] });
});

test('label values and help are escaped', () => {
  const registry = newRegistry();
  const odd = 'a "quoted" \\ back\nslash, {brace}=é';
  registry
    .counter({ name: 'odd_total', help: 'back\\slash\nline', labels: ['what'] })
    .labels(odd)
    .inc();
  const text = registry.prometheusText();
  expect(text).toContain('# HELP odd_total back\\\\slash\\nline\n');
  expect(text).toContain('odd_total{what="a \\"quoted\\" \\\\ back\\nslash, {brace}=é"} 1\n');
  expect(family(registry, 'odd_total').metrics).toEqual([{ labels: { what: odd }, value: '1' }]);
});

test('a histogram of own bounds is cumulative, with sum and count', () => {
  const registry = newRegistry();
  const size = registry.histogram({ name: 'size_bytes', help: 'Sizes', unit: 'bytes', buckets: [100, 1000] });
  for (const value of [0, 100, 101, 1000, 1001, 2 ** 40]) size.record(value);
  expect(family(registry, 'size_bytes')).toMatchObject({
    type: 'HISTOGRAM',
    metrics: [{ buckets: { 100: '2', 1000: '4', '+Inf': '6' }, sum: String(2202 + 2 ** 40), count: '6' }],
  });
});

test('the same data make the same lines as from prom-client', async () => {
  const ours = newRegistry();
  const theirs = new prom.Registry();
  const [name, help] = ['x', 'Help of\n"x"'];
  const registers = [theirs];
  const labels = ['route', 'kind'] as const;
  const theirCounter = new prom.Counter({ name: `${name}_total`, help, labelNames: labels, registers });
  const ourCounter = ours.counter({ name: `${name}_total`, help, labels });
  const theirHistogram = new prom.Histogram({
    name,
    help,
    labelNames: labels,
    buckets: [0.1, 1, 2.5, 10],
    registers,
  });
  const ourHistogram = ours.histogram({ name, help, labels, buckets: [0.1, 1, 2.5, 10], perUnit: 1000 });
  new prom.Gauge({ name: 'g', help, registers }).set(-1.5);
  ours.gauge({ name: 'g', help }).set(-1.5);
  for (let i = 0; i < 100; i++) {
    const [route, kind] = [`/"${i % 3}\\`, `k\n${i % 2}`];
    theirCounter.labels(route, kind).inc(i);
    ourCounter.labels(route, kind).inc(i);
    theirHistogram.labels(route, kind).observe((i * i) / 1000);
    ourHistogram.labels(route, kind).record(i * i);
  }
  expect(normalize(ours.prometheusText())).toEqual(normalize(await theirs.metrics()));
  expect(ours.contentType).toBe(theirs.contentType);
});

/** Lines in any order, with labels in any order and figures to 12 digits (prom-client adds up floats). */
function normalize(text: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '');
  const sorted = lines.map((line) => {
    const [, series = line, labels, value] = /^([^#{]+)\{(.*)\} (\S+)$/.exec(line) ?? [];
    if (labels === undefined) return series;
    const each = [...labels.matchAll(/\w+="(?:[^"\\]|\\.)*"/g)].map(([pair]) => pair).toSorted();
    return `${series}{${each.join()}} ${Number(Number(value).toPrecision(12))}`;
  });
  return sorted.toSorted();
}

test('a timer is exported in seconds, at powers of two nanoseconds', () => {
  const registry = newRegistry();
  const timer = registry.timer({ name: 'wait_seconds', help: 'Waits' });
  timer.record(1000);
  timer.record(0.001);
  const [metric] = family(registry, 'wait_seconds').metrics;
  expect(metric?.sum).toBe('1.000001');
  expect(metric?.count).toBe('2');
  const buckets = Object.entries(metric?.buckets ?? {}).map(([le, count]) => [
    Number(le.replace('+Inf', 'Infinity')),
    Number(count),
  ]);
  for (const [le, count] of buckets as [number, number][])
    expect(count).toBe([1, 1e-6].filter((seconds) => seconds <= le).length);
  expect(buckets.length).toBeLessThan(32);
});

test('special values', () => {
  const registry = newRegistry();
  const gauge = registry.gauge({ name: 'g', help: 'Any', labels: ['v'] });
  for (const value of [NaN, Infinity, -Infinity, 1e21, 5e-324, -0]) gauge.labels(value).set(value);
  expect(registry.prometheusText().split('\n').slice(2, -1)).toEqual([
    'g{v="NaN"} NaN',
    'g{v="Infinity"} +Inf',
    'g{v="-Infinity"} -Inf',
    'g{v="1e+21"} 1e+21',
    'g{v="5e-324"} 5e-324',
    'g{v="0"} 0',
  ]);
});

test('is offered as prom-client offers it', async () => {
  const registry = newRegistry();
  registry.counter({ name: 'a_total', help: 'A' }).inc();
  expect(registry.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  await expect(registry.metrics()).resolves.toBe('# HELP a_total A\n# TYPE a_total counter\na_total 1\n');
});
