// How often series without growth are said to grow, and growth is found: over seeds, so that it is the same each time.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArgumentRangeError } from '../../src/index.ts';
import { assessGrowth } from '../../src/sampler/index.ts';
import { generator, series, MB, type Shape } from './series.ts';

const SAMPLES = 300;

function share(shape: Shape, windows: number, leakBytes: number): number {
  const random = generator(7);
  let growing = 0;
  for (let window = 0; window < windows; window++) {
    const bytes = series(shape, SAMPLES, random).map((value, i) => value + (leakBytes * i) / SAMPLES);
    const report = assessGrowth(
      bytes.map((_, i) => i * 1000),
      bytes,
    );
    if (report.verdict === 'growing') growing++;
  }
  return growing / windows;
}

describe('without growth', () => {
  test.each<[Shape, number]>([
    ['constant', 0],
    ['noise', 0.005],
    ['autocorrelated noise', 0.005],
    ['saw', 0.005],
    ['slow saw', 0.01],
    ['steps up and down', 0.02],
    ['strongly autocorrelated noise', 0.03],
    ['a random walk', 0.12],
  ])('%s is said to grow in at most %d of the windows', (shape, most) => {
    expect(share(shape, 300, 0)).toBeLessThanOrEqual(most);
  });
});

describe('growth of 40 MB in a window', () => {
  test.each<[Shape, number]>([
    ['constant', 1],
    ['noise', 0.99],
    ['autocorrelated noise', 0.9],
    ['saw', 0.99],
  ])('below %s is found in at least %d of the windows', (shape, least) => {
    expect(share(shape, 100, 40 * MB)).toBeGreaterThanOrEqual(least);
  });
});

test('the slope is in bytes per minute, with an interval that holds it', () => {
  const random = generator(3);
  let held = 0;
  for (let window = 0; window < 100; window++) {
    const bytes = series('noise', SAMPLES, random).map((value, i) => value + (i * 12 * MB) / 60);
    const report = assessGrowth(
      bytes.map((_, i) => i * 1000),
      bytes,
    );
    expect(report.bytesPerMinute / (12 * MB)).toBeGreaterThan(0.7);
    expect(report.bytesPerMinute / (12 * MB)).toBeLessThan(1.3);
    if (report.bytesPerMinuteLow <= 12 * MB && 12 * MB <= report.bytesPerMinuteHigh) held++;
  }
  expect(held).toBeGreaterThanOrEqual(88);
});

test('growth that is too little to mention is no evidence, whatever its significance', () => {
  const times = Array.from({ length: 100 }, (_, i) => i * 1000);
  const bytes = times.map((_, i) => 100 * MB + i * 600);
  expect(assessGrowth(times, bytes)).toMatchObject({ verdict: 'no evidence' });
  expect(assessGrowth(times, bytes).confidence).toBeGreaterThan(0.999999);
  expect(assessGrowth(times, bytes, { minGrowthBytes: 1000, minGrowthShare: 0 }).verdict).toBe('growing');
});

test('an option that is undefined is the default, and a wrong one is refused', () => {
  const bytes = series('noise', SAMPLES, generator(1));
  const times = bytes.map((_, i) => i * 1000);
  const nothing = { confidence: undefined, minSamples: undefined, blocks: undefined } as object;
  expect(assessGrowth(times, bytes, nothing)).toEqual(assessGrowth(times, bytes));
  for (const options of [{ blocks: 1 }, { confidence: 2 }, { confidence: NaN }, { minSample: 5 }])
    expect(() => assessGrowth(times, bytes, options)).toThrow(ArgumentRangeError);
  expect(() => assessGrowth(times, bytes.slice(1))).toThrow('as many as bytes, 299');
});

test('too few samples, and gaps, are no statement', () => {
  const times = Array.from({ length: 60 }, (_, i) => i * 1000);
  const gaps = times.map((_, i) => (i % 2 === 0 ? NaN : i * MB));
  expect(assessGrowth(times.slice(0, 39), times.slice(0, 39)).verdict).toBe('too few samples');
  expect(assessGrowth(times, gaps)).toMatchObject({
    verdict: 'too few samples',
    samples: 30,
    confidence: NaN,
  });
});

test('does not depend on the unit of time, or what memory there is beside', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 2 ** 30 }), (seed, beside) => {
      const bytes = series('saw', 80, generator(seed)).map((value, i) => value + i * MB);
      const options = { minGrowthShare: 0, blocks: 10 };
      const seconds = assessGrowth(
        bytes.map((_, i) => i * 1000),
        bytes,
        options,
      );
      const hours = assessGrowth(
        bytes.map((_, i) => i * 3_600_000),
        bytes.map((value) => value + beside),
        options,
      );
      expect(hours.verdict).toBe(seconds.verdict);
      expect(hours.confidence).toBe(seconds.confidence);
      expect(hours.bytesPerMinute * 3600).toBeCloseTo(seconds.bytesPerMinute, -2);
    }),
    {
      numRuns: 50,
      // Two residuals that are equal but for rounding, of which the order was significant.
      examples: [
        [-1752872649, 214642861],
        [-606135285, 100378437],
      ],
    },
  );
});
