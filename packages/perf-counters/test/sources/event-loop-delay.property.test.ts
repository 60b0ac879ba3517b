// What is taken over from Node's histogram: as many values, each in its bucket, in few lookups.
import { createHistogram } from 'node:perf_hooks';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketOf, bucketShape } from '../../src/buckets.ts';
import { DELAYS, recordAll } from '../../src/sources/event-loop-delay.ts';

const SHAPE = bucketShape(DELAYS, 1e9, DELAYS.max, DELAYS.resolution);

function byBucket(values: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const value of values) counts[bucketOf(SHAPE, value)] = (counts[bucketOf(SHAPE, value)] ?? 0) + 1;
  return counts;
}

const delayNs = fc.oneof(
  fc.integer({ min: 1, max: 12_000_000 }),
  fc.integer({ min: 9_900_000, max: 10_200_000 }),
  fc.integer({ min: 1, max: 100_000_000_000 }),
);

test('every value is in the bucket that it is in when each rank is looked up', () => {
  fc.assert(
    fc.property(fc.array(delayNs, { maxLength: 400 }), fc.constantFrom(0, 10_000_000), (values, offset) => {
      const from = createHistogram();
      for (const value of values) from.record(value);
      const expected = values.map((_, i) =>
        Math.max(0, Math.round(from.percentile(((i + 1) / values.length) * 100) - offset)),
      );
      const recorded: number[] = [];
      recordAll(Object.assign(from, { disable: () => true }), offset, {
        recordMany: (value, count) => recorded.push(...Array<number>(count).fill(value)),
      });
      expect(byBucket(recorded)).toEqual(byBucket(expected));
    }),
    { numRuns: 150 },
  );
});

test('a quiet loop takes a few lookups, however often it was looked at', () => {
  const from = createHistogram();
  for (let i = 0; i < 100_000; i++) from.record(10_050_000 + (i % 500) * 100);
  let lookups = 0;
  let recorded = 0;
  recordAll(
    {
      count: from.count,
      min: from.min,
      max: from.max,
      mean: from.mean,
      stddev: from.stddev,
      reset: () => {},
      disable: () => true,
      percentile: (p) => {
        lookups++;
        return from.percentile(p);
      },
    },
    10_000_000,
    { recordMany: (_, count) => (recorded += count) },
  );
  expect(recorded).toBe(100_000);
  expect(lookups).toBeLessThan(60);
});
