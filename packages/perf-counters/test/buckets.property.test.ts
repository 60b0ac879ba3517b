import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bucketCount,
  bucketOf,
  bucketShape,
  exportedBuckets,
  isBucketShape,
  lowerOf,
  upperOf,
  type BucketShape,
} from '../src/buckets.ts';
import { Distribution } from '../src/distribution.ts';
import { ArgumentRangeError } from '../src/errors.ts';

const MAX = Number.MAX_SAFE_INTEGER;

const logLinear = fc
  .record({
    precision: fc.double({ min: 2 ** -10, max: 0.25, noNaN: true }),
    resolution: fc.integer({ min: 1, max: 2 ** 12 }),
    max: fc.integer({ min: 2 ** 13, max: MAX }),
  })
  .map((options) => ({ options, shape: bucketShape(options, 1, 2 ** 32, 1) }));

const bounds = fc
  .uniqueArray(fc.integer({ min: 0, max: 2 ** 40 }), { minLength: 1, maxLength: 40 })
  .map((values) => bucketShape({ buckets: values.toSorted((a, b) => a - b) }, 1, 2 ** 32, 1));

const shapes: fc.Arbitrary<BucketShape> = fc.oneof(
  logLinear.map(({ shape }) => shape),
  bounds,
);

/** Values of every size, and those around powers of two. */
const values = fc.oneof(
  fc.integer({ min: 0, max: MAX }),
  fc.integer({ min: 0, max: 5000 }),
  fc
    .tuple(fc.integer({ min: 0, max: 52 }), fc.integer({ min: -2, max: 2 }))
    .map(([bits, off]) => Math.max(0, 2 ** bits + off)),
);

function record(shape: BucketShape, recorded: readonly number[]): Distribution {
  const distribution = new Distribution(shape, 1);
  for (const value of recorded) {
    distribution.addBucket(bucketOf(shape, value), 1);
    distribution.addTotals(value, value, value);
  }
  return distribution;
}

describe('buckets', () => {
  test('the bucket of a value contains it', () => {
    fc.assert(
      fc.property(shapes, values, (shape, value) => {
        const bucket = bucketOf(shape, value);
        expect(bucket).toBeGreaterThanOrEqual(0);
        expect(bucket).toBeLessThan(bucketCount(shape));
        expect(value).toBeGreaterThan(lowerOf(shape, bucket));
        expect(value).toBeLessThanOrEqual(upperOf(shape, bucket));
      }),
      { numRuns: 2000 },
    );
  });

  test('follow each other without gaps, up to infinity', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const count = bucketCount(shape);
        for (let bucket = 1; bucket < count; bucket += Math.max(1, count >> 8))
          expect(upperOf(shape, bucket)).toBeGreaterThan(upperOf(shape, bucket - 1));
        expect(upperOf(shape, count - 1)).toBe(Infinity);
      }),
    );
  });

  test('of a log-linear histogram end where powers of two do, and these are exported', () => {
    fc.assert(
      fc.property(logLinear, ({ shape }) => {
        if (shape.kind !== 'log-linear') throw new Error('unreachable');
        const uppers = exportedBuckets(shape).map(({ upper }) => upper);
        const { resolutionBits, maxBits } = shape;
        const powers = Array.from(
          { length: maxBits - resolutionBits + 1 },
          (_, i) => 2 ** (resolutionBits + i),
        );
        expect(uppers).toEqual([0, ...powers]);
      }),
    );
  });

  test('a shape that was made is accepted when it is read back', () => {
    fc.assert(
      fc.property(shapes, (shape) => isBucketShape(JSON.parse(JSON.stringify(shape)) as BucketShape)),
    );
  });
});

describe('a distribution', () => {
  test('estimates quantiles within the declared precision, or half a resolution', () => {
    fc.assert(
      fc.property(
        logLinear,
        fc.array(fc.integer({ min: 0, max: 2 ** 13 }), { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        ({ options, shape }, recorded, q) => {
          const sorted = recorded.toSorted((a, b) => a - b);
          const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;
          const estimate = record(shape, recorded).quantile(q)!;
          expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(
            Math.max(options.precision * exact, options.resolution / 2) + 1e-9,
          );
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('has exact count, sum, minimum and maximum, and cumulative buckets', () => {
    fc.assert(
      fc.property(
        shapes,
        fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { maxLength: 100 }),
        (shape, recorded) => {
          const all = record(shape, recorded);
          expect(all.count).toBe(recorded.length);
          expect(all.sum).toBe(recorded.reduce((sum, value) => sum + value, 0));
          expect(all.min).toBe(recorded.length === 0 ? null : Math.min(...recorded));
          expect(all.max).toBe(recorded.length === 0 ? null : Math.max(...recorded));
          for (const { le, count } of all.buckets())
            expect(count).toBe(recorded.filter((value) => value <= le).length);
        },
      ),
    );
  });

  test('merged is the same as one that recorded all', () => {
    const arrays = fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { maxLength: 60 });
    fc.assert(
      fc.property(shapes, arrays, arrays, (shape, a, b) => {
        const merged = record(shape, a).merge(record(shape, b));
        const all = record(shape, [...a, ...b]);
        expect([...merged.counts]).toEqual([...all.counts]);
        expect([merged.count, merged.sum, merged.min, merged.max]).toEqual([
          all.count,
          all.sum,
          all.min,
          all.max,
        ]);
        expect(merged.quantile(0.9)).toBe(all.quantile(0.9));
      }),
    );
  });

  test('is not merged with one of other buckets', () => {
    const a = new Distribution(bucketShape({ buckets: [1, 2] }, 1, 10, 1), 1);
    const b = new Distribution(bucketShape({ buckets: [1, 3] }, 1, 10, 1), 1);
    expect(() => a.merge(b)).toThrow(ArgumentRangeError);
    const [coarse, fine] = [0.05, 0.01].map((precision) => bucketShape({ precision }, 1, 2 ** 20, 1));
    expect(() => new Distribution(fine!, 1).merge(new Distribution(coarse!, 1))).toThrow('"subBits":6');
    const inSeconds = new Distribution(fine!, 1000);
    expect(() => new Distribution(fine!, 1).merge(inSeconds)).toThrow('perUnit of other is 1000, expected 1');
    expect(() => inSeconds.merge({} as Distribution)).toThrow(ArgumentRangeError);
  });
});

test.each([
  [{ precision: 0.5 }, 'precision is 0.5'],
  [{ precision: 0 }, 'precision is 0'],
  [{ resolution: 0.5 }, 'resolution is 0.5'],
  [{ max: 1 }, 'max is 1'],
  [{ max: NaN }, 'max is NaN'],
  [{ precision: 2 ** -14, max: 2 ** 53 - 1 }, 'is 335874, expected at most 65536'],
  [{ buckets: [1, 2], max: 5 }, 'max is 5, expected nothing, where buckets are given'],
  [{ buckets: [] }, 'buckets.length is 0'],
  [{ buckets: [1, 1] }, 'buckets[1] is 1'],
  [{ buckets: [2, 1] }, 'buckets[1] is 1'],
  [{ buckets: [-1] }, 'buckets[0] is -1'],
  [
    { buckets: [0.1, 0.5, 1] },
    'buckets[0] is 0.1, expected a bound of whole steps, of which perUnit (1) make a unit',
  ],
  [{ buckets: [1, 2.5] }, 'buckets[1] is 2.5, expected a bound of whole steps'],
])('%o is refused', (options, message) => {
  expect(() => bucketShape(options, 1, 2 ** 32, 1)).toThrow(message);
});
