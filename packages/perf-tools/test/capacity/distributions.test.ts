import { expect, test } from 'vitest';
import { incompleteBeta, twoSidedT, upperF } from '../../src/capacity/distributions.ts';
import { crossing, minimize } from '../../src/capacity/one-minimum.ts';

test.each([
  // NIST/SEMATECH e-Handbook, 1.3.6.7.2: two-sided 0.95 and 0.99 are upper 0.975 and 0.995.
  [0.95, 1, 12.706],
  [0.95, 4, 2.776],
  [0.95, 30, 2.042],
  [0.99, 10, 3.169],
  [0.8, 5, 1.476],
  [0.998, 2, 22.327],
])(
  '|t| stays below the tabulated value with probability %d for %d degrees of freedom',
  (probability, freedom, t) => {
    expect(twoSidedT(probability, freedom)).toBeCloseTo(t, 2);
  },
);

test.each([
  // 1.3.6.7.3: upper critical values at 0.05 and 0.01.
  [161.448, 1, 1, 0.05],
  [5.192, 4, 5, 0.05],
  [3.326, 5, 10, 0.05],
  [11.464, 5, 6, 0.005],
  [8.746, 5, 6, 0.01],
])('F of %d with %d and %d degrees of freedom is that rare', (f, numerator, denominator, p) => {
  expect(upperF(f, numerator, denominator)).toBeCloseTo(p, 3);
});

test('the incomplete beta function is a distribution: from 0 to 1, and its own mirror', () => {
  expect([incompleteBeta(0, 2, 3), incompleteBeta(1, 2, 3)]).toEqual([0, 1]);
  expect(incompleteBeta(0.3, 2, 3)).toBeCloseTo(0.3483, 10);
  for (const x of [0.01, 0.2, 0.5, 0.77, 0.999])
    expect(incompleteBeta(x, 2.5, 0.5) + incompleteBeta(1 - x, 0.5, 2.5)).toBeCloseTo(1, 12);
});

test('the deepest of two minima is found, and one at an end', () => {
  const twice = (x: number): number => Math.min((x - 0.2) ** 2, (x - 0.8) ** 2 - 0.1);
  expect(minimize(0, 1, twice).at).toBeCloseTo(0.8, 7);
  expect(minimize(2, 5, (x) => x).at).toBe(2);
  expect(minimize(3, 3, (x) => x)).toEqual({ at: 3, value: 3 });
  expect(crossing(0, 10, (x) => x ** 2, 9)).toBeCloseTo(3, 7);
});
