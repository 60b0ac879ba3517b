import { expect, test } from 'vitest';
import { trendOf } from '../../src/health/trend.ts';

const OPTIONS = { minSamples: 12, significance: 0.05, minChange: 0 };

/** Normal, mean 0, deviation 1; the same on every run. */
function noise(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  for (let warm = 0; warm < 8; warm++) uniform();
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

function series(n: number, valueAt: (i: number) => number): [number[], number[]] {
  return [Array.from({ length: n }, (_, i) => i * 1000), Array.from({ length: n }, (_, i) => valueAt(i))];
}

/** Of so many windows of 60 values, the share that is taken for a trend. */
function falseAlarms(windows: number, correlation: number): number {
  let alarms = 0;
  for (let seed = 1; seed <= windows; seed++) {
    const next = noise(seed * 7919);
    let level = next() / Math.sqrt(1 - correlation ** 2);
    const { course } = trendOf(...series(60, () => (level = correlation * level + next())), OPTIONS);
    if (course !== 'steady') alarms++;
  }
  return alarms / windows;
}

test('a slope is found through noise as large as its whole rise, in its direction and of its size', () => {
  const next = noise(42);
  const rising = trendOf(...series(60, (i) => 50 + 0.2 * i + 3 * next()), OPTIONS);
  expect(rising).toMatchObject({ course: 'rising', samples: 60 });
  expect(rising.slopePerMinute).toBeGreaterThan(6);
  expect(rising.slopePerMinute).toBeLessThan(18);
  expect(trendOf(...series(60, (i) => 50 - 0.2 * i + 3 * next()), OPTIONS).course).toBe('falling');
});

test('a quarter of wild values does not move the slope', () => {
  const found = trendOf(...series(60, (i) => (i % 4 === 1 ? 5000 : i)), OPTIONS);
  expect(found.course).toBe('rising');
  expect(found.slopePerMinute).toBeCloseTo(60, 5);
});

test('noise is taken for a trend about as often as is allowed', () => {
  expect(falseAlarms(400, 0)).toBeLessThan(0.08);
});

test('slow waves are not taken for trends much more often, though neighbours are alike', () => {
  // Without the correction a third of them, and two thirds.
  expect(falseAlarms(300, 0.6)).toBeLessThan(0.12);
  expect(falseAlarms(300, 0.9)).toBeLessThan(0.15);
});

test('growth that gets faster or slower is a trend', () => {
  for (const curve of [(i: number) => i ** 2, Math.sqrt, (i: number) => 1.1 ** i, (i: number) => -(i ** 3)])
    expect(trendOf(...series(60, curve), OPTIONS).p).toBeLessThan(0.01);
  expect(trendOf(...series(60, (i) => 1.05 ** i), OPTIONS).course).toBe('rising');
});

test('significance is that of Mann and Kendall: corrected for ties and for steps, where neighbours are not alike', () => {
  // S = 26 and 40, their variances 200.67 and 206, of which 2 (1 − Φ((S − 1) / √variance)).
  const cases: [number[], number][] = [
    [[1, 5, 1, 5, 2, 5, 2, 6, 2, 6, 3, 6], 0.07759267],
    [[1, 3, 1, 4, 2, 5, 3, 5, 4, 6, 4, 7], 0.00658251],
  ];
  for (const [values, p] of cases)
    expect(trendOf(...series(12, (i) => values[i] as number), OPTIONS).p).toBeCloseTo(p, 6);
});

test('what does not move is steady, with p 1; a sure change that is too small to matter is steady, too', () => {
  expect(trendOf(...series(60, () => 7), OPTIONS)).toMatchObject({
    course: 'steady',
    p: 1,
    slopePerMinute: 0,
  });
  expect(trendOf(...series(60, (i) => i / 1000), { ...OPTIONS, minChange: 0.1 }).course).toBe('steady');
  expect(trendOf(...series(60, (i) => i / 1000), { ...OPTIONS, minChange: 0.01 }).course).toBe('rising');
});

test('too few values, or no time between them, tell nothing', () => {
  expect(trendOf(...series(11, (i) => i), OPTIONS)).toEqual({
    course: 'unknown',
    samples: 11,
    slopePerMinute: null,
    p: null,
  });
  expect(
    trendOf(
      Array.from({ length: 20 }, () => 5),
      Array.from({ length: 20 }, (_, i) => i),
      OPTIONS,
    ).course,
  ).toBe('unknown');
  expect(trendOf([], [], OPTIONS).course).toBe('unknown');
});
