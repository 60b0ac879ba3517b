// OpenMetrics text, read back by a strict parser, and against prom-client's.
import { Arena } from '@corelane/shared-memory';
import fc from 'fast-check';
import * as prom from 'prom-client';
import { expect, test } from 'vitest';
import { PerfCountersError, Registry } from '../src/index.ts';
import { canonicalNumber } from '../src/openmetrics.ts';
import { parseOpenMetrics, type OpenFamily } from './openmetrics-text.ts';

function newRegistry(): Registry {
  return Registry.create(Arena.create({ bytes: 4 << 20 }), { series: 64, writers: 2, metrics: 16 });
}

function families(registry: Registry, options = {}): Record<string, OpenFamily> {
  const text = registry.reader.openMetricsText(options);
  return Object.fromEntries(parseOpenMetrics(text).map((family) => [family.name, family]));
}

test('every kind of metric obeys the rules of the format', () => {
  const registry = newRegistry();
  const odd = 'a "quoted" \\ back\nslash, {brace}=é';
  registry
    .counter({ name: 'busy_seconds_total', help: odd, unit: 'seconds', perUnit: 1e9 })
    .inc(1_500_000_000);
  registry
    .counter({ name: 'bare', help: '', labels: ['what'] })
    .labels(odd)
    .inc(3);
  registry.upDownCounter({ name: 'in_flight', help: 'In flight' }).dec(2);
  const gauge = registry.gauge({ name: 'g', help: 'Any', labels: ['v'] });
  for (const value of [NaN, Infinity, -Infinity, 1e21, 5e-324]) gauge.labels(value).set(value);
  const size = registry.histogram({ name: 'size_bytes', help: 'Sizes', unit: 'bytes', labels: ['kind'] });
  for (const value of [0, 1, 5000, 2 ** 40]) size.labels('a').record(value);
  registry.timer({ name: 'wait_seconds', help: 'Waits' }).record(0.25);
  const found = families(registry);
  expect(found['busy_seconds']).toEqual({
    name: 'busy_seconds',
    type: 'counter',
    unit: 'seconds',
    help: odd,
    samples: [{ name: 'busy_seconds_total', labels: {}, value: 1.5 }],
  });
  expect(found['bare']).toMatchObject({
    type: 'counter',
    samples: [{ name: 'bare_total', labels: { what: odd }, value: 3 }],
  });
  expect(found['in_flight']).toMatchObject({ type: 'gauge', samples: [{ value: -2 }] });
  expect(found['g']?.samples.map(({ value }) => value)).toEqual([NaN, Infinity, -Infinity, 1e21, 5e-324]);
  expect(found['size_bytes']).toMatchObject({ type: 'histogram', unit: 'bytes' });
  expect(found['size_bytes']?.samples.slice(-2)).toEqual([
    { name: 'size_bytes_sum', labels: { kind: 'a' }, value: 5001 + 2 ** 40 },
    { name: 'size_bytes_count', labels: { kind: 'a' }, value: 4 },
  ]);
  expect(found['wait_seconds']?.samples.at(-2)?.value).toBe(0.00025);
});

test('a registry without metrics is a valid text', () => {
  expect(newRegistry().reader.openMetricsText()).toBe('# EOF\n');
});

test('says since when it counts, where it is asked to', () => {
  const registry = newRegistry();
  const before = Date.now() / 1000;
  registry
    .counter({ name: 'a_total', help: '', labels: ['l'] })
    .labels('x')
    .inc();
  registry.histogram({ name: 'b', help: '', buckets: [1] }).record(1);
  registry.gauge({ name: 'c', help: '' }).set(1);
  const created = Object.values(families(registry, { created: true })).flatMap(({ samples }) =>
    samples.filter(({ name }) => name.endsWith('_created')),
  );
  expect(created.map(({ name, labels }) => [name, labels])).toEqual([
    ['a_created', { l: 'x' }],
    ['b_created', {}],
  ]);
  for (const { value } of created) expect(Math.abs(value - before)).toBeLessThan(60);
  expect(registry.reader.openMetricsText()).not.toContain('_created');
});

test('a counter whose name without _total is that of another metric keeps its name, as a metric of no known type', () => {
  const registry = newRegistry();
  registry.counter({ name: 'jobs_total', help: 'All' }).inc(5);
  expect(families(registry)['jobs']?.type).toBe('counter');
  registry.gauge({ name: 'jobs', help: 'Now' }).set(2);
  expect(
    Object.values(families(registry)).map(({ name, type, samples }) => [name, type, samples[0]?.value]),
  ).toEqual([
    ['jobs_total', 'unknown', 5],
    ['jobs', 'gauge', 2],
  ]);
});

test('whatever metrics are called, no two families have lines of one name', () => {
  const names = [
    '',
    '_total',
    '_created',
    '_count',
    '_sum',
    '_bucket',
    '_created_total',
    '_total_total',
    '_count_total',
  ];
  const definition = fc.record({
    type: fc.constantFrom('counter', 'upDownCounter', 'gauge', 'histogram'),
    name: fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom(...names)).map((parts) => parts.join('')),
  });
  fc.assert(
    fc.property(fc.array(definition, { maxLength: 8 }), fc.boolean(), (definitions, created) => {
      const registry = Registry.create(Arena.create({ bytes: 1 << 18 }), {
        series: 12,
        writers: 1,
        metrics: 9,
      });
      const defined = new Set<string>();
      for (const { type, name } of definitions) {
        try {
          const metric = registry[type as 'counter']({ name, help: '' });
          metric.inc?.();
          defined.add(name);
        } catch (error) {
          expect(error).toBeInstanceOf(PerfCountersError);
        }
        expect(() => parseOpenMetrics(registry.reader.openMetricsText({ created }))).not.toThrow();
      }
      expect(parseOpenMetrics(registry.reader.openMetricsText())).toHaveLength(defined.size);
    }),
    { numRuns: 100 },
  );
});

test('the same data make the same samples as from prom-client', async () => {
  const ours = newRegistry();
  const theirs = new prom.Registry();
  theirs.setContentType(prom.Registry.OPENMETRICS_CONTENT_TYPE as never);
  const registers = [theirs];
  const theirCounter = new prom.Counter({ name: 'x_total', help: 'X', labelNames: ['l'], registers });
  const ourCounter = ours.counter({ name: 'x_total', help: 'X', labels: ['l'] });
  const theirHistogram = new prom.Histogram({ name: 'h', help: 'H', buckets: [0.25, 1.5, 2.75], registers });
  const ourHistogram = ours.histogram({ name: 'h', help: 'H', buckets: [0.25, 1.5, 2.75], perUnit: 4 });
  for (let i = 0; i < 40; i++) {
    theirCounter.inc({ l: `v${i % 3}` }, i);
    ourCounter.labels(`v${i % 3}`).inc(i);
    theirHistogram.observe((i % 13) / 4);
    ourHistogram.record(i % 13);
  }
  const samples = (text: string): unknown =>
    parseOpenMetrics(text).map(({ help, type, samples: each }) => [help, type, each]);
  expect(samples(ours.reader.openMetricsText())).toEqual(samples(await theirs.metrics()));
  ours.reader.setContentType('application/openmetrics-text; version=1.0.0; charset=utf-8');
  expect(ours.contentType).toBe(theirs.contentType);
  await expect(ours.metrics()).resolves.toBe(ours.reader.openMetricsText());
});

test('bounds are written as Go writes them', () => {
  const written = [
    0,
    1,
    10,
    0.005,
    2.5,
    99999,
    100000,
    999999,
    1e6,
    1234567,
    1e-4,
    1e-5,
    2.5e-5,
    1e21,
    1e100,
    Infinity,
  ];
  expect(written.map(canonicalNumber)).toEqual([
    '0.0',
    '1.0',
    '10.0',
    '0.005',
    '2.5',
    '99999.0',
    '100000.0',
    '999999.0',
    '1e+06',
    '1.234567e+06',
    '0.0001',
    '1e-05',
    '2.5e-05',
    '1e+21',
    '1e+100',
    '+Inf',
  ]);
});

const eof = '# EOF\n';
const wrong: readonly string[] = [
  'a 1\n',
  `a 1\n\n${eof}`,
  `# TYPE a counter\na 1\n${eof}`,
  `# TYPE a counter\na_total -1\n${eof}`,
  `# TYPE a gauge\na 1\na 1\n${eof}`,
  `# TYPE a gauge\na 1\n# HELP a late\n${eof}`,
  `# TYPE a gauge\n# HELP a "quoted"\na 1\n${eof}`,
  `# TYPE a gauge\n# UNIT a seconds\na 1\n${eof}`,
  `# TYPE a gauge\na{l="x",l="y"} 1\n${eof}`,
  `# TYPE a gauge\na{l="x} 1\n${eof}`,
  `# TYPE a counter\na_total 1\n# TYPE a_total gauge\na_total 1\n${eof}`,
  `# TYPE a histogram\na_bucket{le="1"} 1\na_bucket{le="+Inf"} 1\na_count 1\na_sum 1\n${eof}`,
  `# TYPE a histogram\na_bucket{le="1.0"} 2\na_bucket{le="+Inf"} 1\na_count 1\na_sum 1\n${eof}`,
  `# TYPE a histogram\na_bucket{le="1.0"} 1\na_count 1\na_sum 1\n${eof}`,
  `# TYPE a histogram\na_bucket{le="+Inf"} 1\na_count 2\na_sum 1\n${eof}`,
];

test.each(wrong)('the parser of these tests refuses %j', (text) => {
  expect(() => parseOpenMetrics(text)).toThrow(Error);
});
