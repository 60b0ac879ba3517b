// Recording many values at once, and the correction of coordinated omission, against recording one by one and against HdrHistogram.
import { Arena } from '@corelane/shared-memory';
import fc from 'fast-check';
import { build } from 'hdr-histogram-js';
import { describe, expect, test } from 'vitest';
import {
  ArgumentRangeError,
  Registry,
  type BucketOptions,
  type Distribution,
  type Histogram,
} from '../src/index.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const registry = Registry.create(Arena.create({ bytes: 1 << 26 }), {
  series: 4096,
  metrics: 4096,
  writers: 1,
});
let made = 0;

const histogram = (buckets: BucketOptions): Histogram =>
  registry.histogram({ name: `h${made++}`, help: '', ...buckets });

const shapes: fc.Arbitrary<BucketOptions> = fc.constantFrom<BucketOptions>(
  {},
  { precision: 0.25, resolution: 16, max: 2 ** 40 },
  { precision: 0.01, max: 2 ** 16 },
  { buckets: [0, 3, 10, 1000, 1e6] },
);

function all({ count, sum, min, max, counts }: Distribution): unknown {
  return { count, sum, min, max, counts: [...counts] };
}

describe('recordMany', () => {
  test('is the same as recording one by one', () => {
    const runs = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 ** 34 }), fc.integer({ min: 0, max: 20 })));
    fc.assert(
      fc.property(shapes, runs, (shape, values) => {
        const [many, one] = [histogram(shape), histogram(shape)];
        for (const [value, count] of values) {
          many.recordMany(value, count);
          for (let i = 0; i < count; i++) one.record(value);
        }
        expect(all(many.distribution())).toEqual(all(one.distribution()));
      }),
      { numRuns: 60 },
    );
  });

  test('refuses what does not fit, and has recorded nothing then', () => {
    const h = histogram({});
    const refused: readonly [number, number][] = [
      [-1, 1],
      [0.5, 1],
      [1, -1],
      [1, 0.5],
      [1, 2 ** 31],
      [2 ** 40, 2 ** 20],
    ];
    for (const [value, count] of refused)
      expect(() => h.recordMany(value, count)).toThrow(ArgumentRangeError);
    expect(() => h.recordMany(2 ** 40, 2 ** 20)).toThrow('the sum of the values');
    expect(h.distribution().count).toBe(0);
    h.recordMany(MAX, 1);
    expect(h.distribution().sum).toBe(MAX);
  });
});

describe('recordCorrected', () => {
  test('adds the values that HdrHistogram adds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 1, max: 5000 })), {
          maxLength: 8,
        }),
        (values) => {
          // Both exact: widths of 1 up to 2^16.
          const ours = histogram({ precision: 2 ** -14, max: 2 ** 16 });
          const theirs = build({ numberOfSignificantValueDigits: 5, highestTrackableValue: 2 ** 17 });
          for (const [value, interval] of values) {
            ours.recordCorrected(value, interval);
            theirs.recordValueWithExpectedInterval(value, interval);
          }
          const found = ours.distribution();
          expect(found.count).toBe(theirs.totalCount);
          if (found.count === 0) return;
          expect([found.min, found.max]).toEqual([theirs.minNonZeroValue, theirs.maxValue]);
          expect(found.mean).toBeCloseTo(theirs.mean, 6);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is the same as recording one by one, in whatever buckets', () => {
    fc.assert(
      fc.property(
        shapes,
        fc.array(fc.tuple(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 1, max: 3000 })), {
          maxLength: 5,
        }),
        (shape, values) => {
          const [corrected, one] = [histogram(shape), histogram(shape)];
          for (const [value, interval] of values) {
            corrected.recordCorrected(value, interval);
            one.record(value);
            for (let missing = value - interval; missing >= interval; missing -= interval)
              one.record(missing);
          }
          expect(all(corrected.distribution())).toEqual(all(one.distribution()));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('takes a step a bucket, not a step a value, and sums exactly what does not fit into 32 bits', () => {
    const h = histogram({ max: 2 ** 40 });
    h.recordCorrected(2 ** 26, 1); // 2^26 values: 1 to 2^26
    const { count, sum, min, max } = h.distribution();
    expect({ count, sum, min, max }).toEqual({
      count: 2 ** 26,
      sum: 2 ** 25 * (2 ** 26 + 1),
      min: 1,
      max: 2 ** 26,
    });
  });

  test('refuses what does not fit, and has recorded nothing then', () => {
    const h = histogram({});
    const refused: readonly [number, number][] = [
      [-1, 1],
      [1.5, 1],
      [10, 0],
      [10, 0.5],
      [10, NaN],
      [2 ** 40, 1],
      [2 ** 50, 2 ** 30],
    ];
    for (const [value, interval] of refused)
      expect(() => h.recordCorrected(value, interval)).toThrow(ArgumentRangeError);
    expect(h.distribution().count).toBe(0);
  });
});
