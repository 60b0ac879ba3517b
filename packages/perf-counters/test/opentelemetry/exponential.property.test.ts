import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketCount, bucketOf, bucketShape, upperOf } from '../../src/buckets.ts';
import {
  exponentialBuckets,
  exponentialIndex,
  logLinearBuckets,
  type ExponentialBuckets,
  type LogLinearBuckets,
} from '../../src/opentelemetry/exponential.ts';
import { toSteps } from '../../src/opentelemetry/figures.ts';
import { ucumUnit } from '../../src/opentelemetry/ucum.ts';

const anyShape = fc
  .record({
    precision: fc.constantFrom(0.25, 0.1, 0.05, 0.02, 0.005),
    resolution: fc.constantFrom(1, 8, 1000),
    max: fc.constantFrom(2 ** 20, 2 ** 32, 6e10),
  })
  .map((options) => bucketShape(options, 1, 2 ** 32, 1));
const anyMetric = fc
  .record({ shape: anyShape, perUnit: fc.constantFrom(1, 1024, 1e6, 1e9) })
  .map(({ shape, perUnit }) => logLinearBuckets(shape, perUnit) as LogLinearBuckets);
const anyValues = fc.array(fc.integer({ min: 0, max: 2 ** 33 }), { minLength: 1, maxLength: 40 });

function countsOf({ shape }: LogLinearBuckets, values: readonly number[]): number[] {
  const counts = Array.from({ length: bucketCount(shape) }, () => 0);
  for (const value of values) {
    const bucket = bucketOf(shape, value);
    counts[bucket] = (counts[bucket] as number) + 1;
  }
  return counts;
}

/** Upper ends of the bucket of each value, ascending, in units. */
function uppersOf({ scale, zeroCount, positive }: ExponentialBuckets): number[] {
  const zeros = Array.from({ length: zeroCount }, () => 0);
  return zeros.concat(
    positive.bucketCounts.flatMap((count, i) =>
      Array.from({ length: count }, () => 2 ** ((positive.offset + i + 1) * 2 ** -scale)),
    ),
  );
}

test('every value is counted once, never as less than it is, and as more by at most its bucket and one of theirs', () => {
  fc.assert(
    fc.property(anyMetric, anyValues, (metric, all) => {
      const { shape, perUnit } = metric;
      const values = all.filter((value) => value <= 2 ** shape.maxBits).toSorted((a, b) => a - b);
      const found = exponentialBuckets(metric, countsOf(metric, values), 1 << 16);
      const uppers = uppersOf(found);
      expect(uppers).toHaveLength(values.length);
      values.forEach((value, i) => {
        const upper = (uppers[i] as number) * (1 + 1e-12); // powers are rounded
        expect(upper).toBeGreaterThanOrEqual(value / perUnit);
        const widest = upperOf(shape, bucketOf(shape, value)) / perUnit;
        expect(upper).toBeLessThanOrEqual(widest * 2 ** (2 ** -found.scale) * (1 + 1e-9));
      });
    }),
  );
});

test('buckets are as few as asked for, and no fewer than needed: one scale finer they would be more', () => {
  fc.assert(
    fc.property(anyMetric, anyValues, fc.integer({ min: 2, max: 200 }), (metric, values, maxBuckets) => {
      const counts = countsOf(metric, values);
      const { scale, positive } = exponentialBuckets(metric, counts, maxBuckets);
      expect(positive.bucketCounts.length).toBeLessThanOrEqual(maxBuckets);
      if (scale === metric.shape.subBits || positive.bucketCounts.length === 0) return;
      const finer = exponentialBuckets(metric, counts, maxBuckets * 2);
      expect(finer.scale).toBeGreaterThan(scale);
      if (finer.scale === scale + 1) expect(finer.positive.bucketCounts.length).toBeGreaterThan(maxBuckets);
    }),
  );
});

test('with powers of two as units, buckets at scale 0 and below are exact', () => {
  fc.assert(
    fc.property(anyShape, fc.constantFrom(1, 1024), anyValues, (shape, perUnit, all) => {
      const metric = logLinearBuckets(shape, perUnit) as LogLinearBuckets;
      const values = all.filter(
        (value) => value > 2 ** metric.shape.resolutionBits && value <= 2 ** metric.shape.maxBits,
      );
      const { scale, positive } = exponentialBuckets(metric, countsOf(metric, values), 3);
      fc.pre(scale <= 0);
      positive.bucketCounts.forEach((count, i) => {
        const upper = 2 ** ((positive.offset + i + 1) * 2 ** -scale);
        const lower = 2 ** ((positive.offset + i) * 2 ** -scale);
        const expected = values.filter((value) => value / perUnit > lower && value / perUnit <= upper);
        expect(count).toBe(expected.length);
      });
    }),
  );
});

test('counts only grow, in each bucket, whatever is recorded next', () => {
  fc.assert(
    fc.property(anyMetric, anyValues, anyValues, (metric, first, more) => {
      const at = (values: readonly number[]): Map<number, number> => {
        const { positive } = exponentialBuckets(metric, countsOf(metric, values), 1 << 16);
        return new Map(positive.bucketCounts.map((count, i) => [positive.offset + i, count]));
      };
      const after = at([...first, ...more]);
      for (const [index, count] of at(first)) expect(after.get(index)).toBeGreaterThanOrEqual(count);
    }),
  );
});

test('a power of two is the last value of its bucket, at every scale', () => {
  for (let scale = -2; scale <= 13; scale++)
    for (let bits = -40; bits <= 53; bits++)
      expect(exponentialIndex(2 ** bits, scale)).toBe(Math.ceil(bits * 2 ** scale) - 1);
});

test('a metric without values has no buckets; one of zeros has a count of zeros', () => {
  const metric = logLinearBuckets(bucketShape({}, 1, 2 ** 32, 1), 1) as LogLinearBuckets;
  const none = { offset: 0, bucketCounts: [] };
  expect(exponentialBuckets(metric, countsOf(metric, []), 160)).toMatchObject({
    zeroCount: 0,
    positive: none,
  });
  expect(exponentialBuckets(metric, countsOf(metric, [0, 0]), 160)).toMatchObject({
    zeroCount: 2,
    positive: none,
  });
});

test('what is a whole number of steps is the same number again, from units', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 51 }),
      fc.constantFrom(1, 3, 1024, 1e6, 1e9),
      (steps, perUnit) => {
        expect(toSteps(steps / perUnit, perUnit)).toBe(steps);
      },
    ),
  );
});

test.for([
  ['seconds', 's'],
  ['bytes', 'By'],
  ['ratio', '1'],
  ['bytes_per_second', 'By/s'],
  ['requests_per_minute', '{requests}/m'],
  ['requests', '{requests}'],
  ['per_second', '{per_second}'],
  ['constructor', '{constructor}'],
  ['bytes_per_constructor', '{bytes_per_constructor}'],
  ['', ''],
] as const)('the unit %s is %s in UCUM', ([unit, ucum]) => {
  expect(ucumUnit(unit)).toBe(ucum);
});
