// Against scipy 1.17: theilslopes, kendalltau, and an implementation of Hamed and Rao's correction on its ranks.
import { expect, test } from 'vitest';
import { trendOf, upperTail, zOfTail } from '../../src/sampler/trend.ts';

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

test('S, its variance with ties, z and p are those of Mann and Kendall', () => {
  const y = [3, 1, 4, 1.5, 5, 9, 2.6, 5, 3.5, 8, 9, 7];
  const trend = trendOf(upTo(12), y, 1.959964);
  expect(trend.s).toBe(32);
  expect(trend.inflation).toBe(1);
  expect(trend.variance).toBeCloseTo(210.66666666666666, 10);
  expect(trend.z).toBeCloseTo(2.135815736612008, 10);
  expect(trend.pValue).toBeCloseTo(0.01634721796837067, 7);
});

test('the slope is the median of all, and its interval holds that of scipy', () => {
  const y = [3, 1, 4, 1.5, 5, 9, 2.6, 5, 3.5, 8, 9, 7];
  const { slope, slopeLow, slopeHigh } = trendOf(upTo(12), y, 1.959964);
  expect(slope).toBe(0.5);
  expect(slopeLow).toBeLessThanOrEqual(0.0625);
  expect(slopeLow).toBeGreaterThan(0);
  expect(slopeHigh).toBeGreaterThanOrEqual(1);
  expect(slopeHigh).toBeLessThan(1.2);
});

test('autocorrelation raises the variance, and never lowers it', () => {
  // 0.93 without the bound.
  const wave = [
    10, 12, 13, 13.5, 12.5, 11, 9.5, 8, 7.5, 9, 11.5, 14, 15, 15.5, 14.5, 13, 11.2, 10.1, 9.9, 11.1, 13.3, 16,
    17, 17.4,
  ];
  expect(trendOf(upTo(24), wave, 1.96)).toMatchObject({ s: 81, inflation: 1 });
  const slow = upTo(24).map((i) => (i < 8 ? i * 0.01 : i < 16 ? 5 + i * 0.01 : 1 + i * 0.01));
  expect(trendOf(upTo(24), slow, 1.96).inflation).toBeGreaterThan(1.2);
});

test('a constant has no trend', () => {
  expect(
    trendOf(
      upTo(9),
      upTo(9).map(() => 4),
      1.96,
    ),
  ).toMatchObject({ s: 0, z: 0, slope: 0, slopeLow: 0, slopeHigh: 0 });
});

test.each([
  [0, 0.5],
  [1, 0.15865525393145707],
  [2, 0.022750131948179195],
  [3.0902, 0.0010001087832070706],
  [5, 2.866515718791933e-7],
  [-1.5, 0.9331927987311419],
])('the tail above %d is that of the normal distribution', (z, tail) => {
  expect(upperTail(z) / tail).toBeCloseTo(1, 6);
  expect(zOfTail(tail)).toBeCloseTo(z, 5);
});
