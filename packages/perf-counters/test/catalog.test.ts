import { Arena, NameTable } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { Catalog } from '../src/catalog.ts';
import { define } from '../src/definition.ts';
import { RedefinitionError } from '../src/errors.ts';

/** Two catalogs of the same tables, as two threads have them. `between` runs once, right after the first has read a table's size. */
function twoThreads(between: (other: Catalog) => void): { first: Catalog; other: Catalog } {
  const arena = Arena.create({ bytes: 1 << 18 });
  const definitions = NameTable.create(arena, { capacity: 8, maxNameBytes: 512 });
  const series = NameTable.create(arena, { capacity: 16 });
  const other = new Catalog(
    NameTable.attach(definitions.handle, arena),
    NameTable.attach(series.handle, arena),
  );
  let isPending = true;
  const watched = (table: NameTable): NameTable =>
    new Proxy(table, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (key === 'size' && isPending) {
          isPending = false;
          between(other);
        }
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  return { first: new Catalog(watched(definitions), watched(series)), other };
}

const counter = define('counter', { name: 'a_total', help: '' });
const labelled = define('counter', { name: 'b_total', help: '', labels: ['l'], maxSeries: 2 });

test('a metric that is defined, with a series, while another thread looks is not missed by it', () => {
  let index = -1;
  const { first } = twoThreads((other) => {
    index = other.series(other.metric(counter), []).index;
  });
  expect([...first.metrics()].length).toBeLessThanOrEqual(1);
  const metric = first.metric(counter);
  expect(first.series(metric, []).index).toBe(index);
  expect([...first.metrics()].map(({ series }) => series.length)).toEqual([1]);
});

test('of two threads that define one name at once, the first one’s definition holds for both', () => {
  const histogram = define('histogram', { name: 'a_total', help: '' });
  const { first, other } = twoThreads((thread) => void thread.metric(histogram));
  expect(() => first.metric(counter)).toThrow(RedefinitionError);
  expect(other.metric(histogram).definition.type).toBe('histogram');
});

test('of two threads that enter the last series of a metric at once, both agree which is within the limit', () => {
  const { first, other } = twoThreads((thread) => {
    const metric = thread.metric(labelled);
    thread.series(metric, ['x']);
    thread.series(metric, ['y']);
  });
  const metric = first.metric(labelled);
  const late = first.series(metric, ['z']);
  expect(late).toBe(metric.overflow);
  expect(first.series(metric, ['y']).index).toBe(other.series(other.metric(labelled), ['y']).index);
});

test('what is no definition or series is passed over, and what others entered beside it holds', () => {
  const arena = Arena.create({ bytes: 1 << 18 });
  const definitions = NameTable.create(arena, { capacity: 32, maxNameBytes: 512 });
  const series = NameTable.create(arena, { capacity: 32 });
  const histogram = define('histogram', { name: 'h', help: '' });
  const strange = [
    'no JSON',
    'null',
    '{}',
    JSON.stringify({ ...counter, type: 'toString' }),
    JSON.stringify({ ...counter, name: ['a_total'] }),
    JSON.stringify({ ...counter, unit: ['a'] }),
    JSON.stringify({ ...labelled, labels: 'ab' }),
    JSON.stringify({ ...labelled, labels: [['a']] }),
    JSON.stringify({ ...histogram, buckets: undefined }),
    JSON.stringify({ ...histogram, buckets: { kind: 'bounds', bounds: [1, null] } }),
    JSON.stringify({
      ...histogram,
      buckets: { kind: 'log-linear', subBits: 13, resolutionBits: 0, maxBits: 53 },
    }),
    JSON.stringify({
      ...histogram,
      buckets: { kind: 'log-linear', subBits: 4, resolutionBits: 30, maxBits: 2 },
    }),
  ];
  for (const json of strange) definitions.intern(json);
  const catalog = new Catalog(definitions, series);
  const metric = catalog.metric(labelled);
  for (const name of [
    'no JSON',
    'null',
    `[${metric.index}]`,
    `[${metric.index},5]`,
    `[${metric.index},"a","b"]`,
  ])
    series.intern(name);
  const { index } = catalog.series(metric, ['v']);
  const seen = [...new Catalog(definitions, series).metrics()].map((each) => [
    each.definition.name,
    each.series.map((one) => one.index),
  ]);
  expect(seen).toEqual([['b_total', [index]]]);
});
