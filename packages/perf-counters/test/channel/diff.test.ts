// A difference of snapshots is what was recorded between them.
import { Arena } from '@corelane/shared-memory';
import fc from 'fast-check';
import { expect, expectTypeOf, test } from 'vitest';
import { diffSnapshots } from '../../src/channel/index.ts';
import { quantileOf } from '../../src/channel/quantile.ts';
import type { SnapshotClient } from '../../src/socket/index.ts';
import { ArgumentRangeError, Registry, type ParsedSnapshot, type RegistrySnapshot } from '../../src/index.ts';

function newRegistry(): Registry {
  return Registry.create(Arena.create({ bytes: 1 << 20 }), { series: 16, writers: 3, metrics: 8 });
}

/** Through JSON, as from a file or another process. */
function taken(registry: Registry, monotonicMs: number): ParsedSnapshot {
  return { ...(JSON.parse(JSON.stringify(registry.read())) as ParsedSnapshot), monotonicMs };
}

test('changes and rates are of what was recorded meanwhile, in total and by writer', () => {
  const registry = newRegistry();
  const other = Registry.attach(registry.handle);
  const counters = [registry, other].map((each) =>
    each.counter({ name: 'a_total', help: 'A', labels: ['l'] }),
  );
  const [here, there] = counters;
  here!.labels('x').inc(3);
  const gauge = registry.gauge({ name: 'g', help: 'G' });
  gauge.set(10);
  const size = registry.histogram({ name: 'h', help: 'H', buckets: [1, 10, 100] });
  size.record(1);
  const before = taken(registry, 1000);
  here!.labels('x').inc(4);
  there!.labels('x').inc(6);
  there!.labels('y').inc(1);
  gauge.set(4);
  for (const value of [5, 5, 50, 50]) size.record(value);
  const after = taken(registry, 3000);
  const diff = diffSnapshots(before, after);
  expect(diff).toMatchObject({
    version: 1,
    elapsedMs: 2000,
    fromMs: before.takenAtMs,
    toMs: after.takenAtMs,
  });
  expect(diff.metrics).toMatchObject([
    {
      name: 'a_total',
      type: 'counter',
      series: [
        {
          labels: { l: 'x' },
          value: 13,
          change: 10,
          perSecond: 5,
          byWriter: [
            { writer: 0, change: 4, perSecond: 2 },
            { writer: 1, change: 6, perSecond: 3 },
          ],
        },
        { labels: { l: 'y' }, value: 1, change: 1, perSecond: 0.5 },
      ],
    },
    { name: 'g', series: [{ value: 4, change: -6, perSecond: -3 }] },
    {
      name: 'h',
      series: [
        {
          count: 4,
          perSecond: 2,
          sum: 110,
          mean: 27.5,
          buckets: [
            { le: 1, count: 0 },
            { le: 10, count: 2 },
            { le: 100, count: 4 },
            { le: null, count: 4 },
          ],
          quantiles: { p50: 10, p90: 50, p99: 50, p999: 50 },
          byWriter: [{ writer: 0, change: 4 }],
        },
      ],
    },
  ]);
  expect(JSON.parse(JSON.stringify(diff))).toEqual(diff);
});

test('where nothing was recorded there is no mean, and where no time has passed no rate', () => {
  const registry = newRegistry();
  registry.timer({ name: 't_seconds', help: 'T' }).record(5);
  const snapshot = taken(registry, 5);
  expect(diffSnapshots(snapshot, snapshot).metrics).toMatchObject([
    { series: [{ count: 0, perSecond: null, sum: 0, mean: null, quantiles: { p50: null, p999: null } }] },
  ]);
});

test('to a gauge that was no number there is no difference, through JSON too', () => {
  const registry = newRegistry();
  const gauge = registry.gauge({ name: 'g', help: 'G' });
  gauge.set(NaN);
  const before = taken(registry, 0);
  gauge.set(5);
  const none = { change: NaN, perSecond: NaN };
  expect(diffSnapshots(before, taken(registry, 1000)).metrics).toMatchObject([
    { series: [{ value: 5, ...none, byWriter: [none] }] },
  ]);
  expect(diffSnapshots(before, before).metrics).toMatchObject([{ series: [{ value: NaN, change: NaN }] }]);
  expect(before.metrics).toMatchObject([{ series: [{ value: null, byWriter: [{ value: null }] }] }]);
  expectTypeOf(registry.read()).toExtend<ParsedSnapshot>();
  expectTypeOf<ParsedSnapshot>().not.toExtend<RegistrySnapshot>(); // or nobody would look for null
  expectTypeOf<SnapshotClient['snapshot']>().returns.resolves.toEqualTypeOf<ParsedSnapshot>();
});

test('counts that are smaller than before have begun anew', () => {
  const registry = newRegistry();
  const counter = registry.counter({ name: 'a_total', help: 'A' });
  const histogram = registry.histogram({ name: 'h', help: 'H', buckets: [1] });
  counter.inc(2);
  histogram.record(1);
  const small = taken(registry, 2000);
  counter.inc(10);
  for (let i = 0; i < 5; i++) histogram.record(2);
  const large = { ...taken(registry, 0) };
  expect(diffSnapshots(large, small).metrics).toMatchObject([
    { series: [{ change: 2, byWriter: [{ change: 2 }] }] },
    { series: [{ count: 1, sum: 1, buckets: [{ count: 1 }, { count: 1 }] }] },
  ]);
});

test('what cannot be compared is refused', () => {
  const snapshot = taken(newRegistry(), 1000);
  const wrong: readonly [unknown, unknown, string][] = [
    [{ ...snapshot, version: 2 }, snapshot, 'before.version is 2, expected 1'],
    [snapshot, undefined, 'after.version is undefined, expected 1'],
    [{ ...snapshot, createdAtMs: 5 }, snapshot, 'expected 5, as before'],
    [snapshot, { ...snapshot, monotonicMs: 999 }, 'after.monotonicMs is 999, expected at least 1000'],
    [snapshot, { ...snapshot, monotonicMs: null }, 'expected at least 1000'],
  ];
  for (const [before, after, message] of wrong) {
    const compare = (): unknown => diffSnapshots(before as RegistrySnapshot, after as RegistrySnapshot);
    expect(compare).toThrow(ArgumentRangeError);
    expect(compare).toThrow(message);
  }
});

test('the least quantile is where the first value can be, and empty buckets below have none', () => {
  const buckets = [
    { le: 1, count: 0 },
    { le: 2, count: 3 },
    { le: null, count: 3 },
  ];
  expect([quantileOf(buckets, 0, 2), quantileOf(buckets, 1, 2)]).toEqual([1, 2]);
});

test('a quantile lies in the bucket of the value that has its rank, and rises with it', () => {
  const bounds = [1, 2, 4, 8, 16];
  const values = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(values, fc.double({ min: 0.001, max: 1, noNaN: true }), (recorded, q) => {
      const sorted = recorded.toSorted((a, b) => a - b);
      const below = (bound: number): number => sorted.filter((value) => value <= bound).length;
      const buckets = [...bounds.map((le) => ({ le, count: below(le) })), { le: null, count: sorted.length }];
      const most = sorted.at(-1) as number;
      const found = quantileOf(buckets, q, most) as number;
      const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] as number;
      const lower = bounds.findLast((bound) => bound < exact) ?? 0;
      const upper = Math.min(bounds.find((bound) => bound >= exact) ?? most, most);
      expect(found).toBeGreaterThanOrEqual(Math.min(lower, most));
      expect(found).toBeLessThanOrEqual(upper);
      expect(quantileOf(buckets, Math.min(1, q * 1.5), most)).toBeGreaterThanOrEqual(found);
    }),
    { numRuns: 300 },
  );
});
