// Buckets of one's own: the short way of recording, by a table of cells, against the plain search of the bounds.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundCells, CROWDED } from '../src/bound-cells.ts';
import { bucketCount, bucketOf, type BoundsShape } from '../src/buckets.ts';
import { openHistogram } from '../src/open-histogram.ts';
import { histogramSlot } from '../src/layout.ts';

const MAX_I32 = 2 ** 31 - 1;

const of = (...bounds: number[]): BoundsShape => ({ kind: 'bounds', bounds });
const evenly = (count: number, step: number, from = 0): BoundsShape =>
  of(...Array.from({ length: count }, (_, i) => from + (i + 1) * step));

/** In the order of a definition, each once. */
const ascending = (values: number[]): BoundsShape => of(...new Set(values.toSorted((a, b) => a - b)));

/** Spread evenly, over the powers of two, or crowded somewhere. */
const bounds: fc.Arbitrary<BoundsShape> = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 2 ** 33 }), { minLength: 1, maxLength: 60 }).map(ascending),
  fc
    .array(
      fc.tuple(fc.nat({ max: 32 }), fc.nat({ max: 999 })).map(([bits, more]) => {
        return 2 ** bits + Math.floor((2 ** bits * more) / 1000);
      }),
      { minLength: 1, maxLength: 60 },
    )
    .map(ascending),
  fc
    .tuple(fc.nat({ max: 2 ** 31 }), fc.array(fc.nat({ max: 300 }), { minLength: 1, maxLength: 80 }))
    .map(([from, steps]) => ascending(steps.map((step) => from + step))),
);

/** On both sides of every bound, and of every end of a cell of whatever width that is near. */
function around({ bounds: all }: BoundsShape): number[] {
  const near = [0, 1, 2 ** 31, 2 ** 33 + 1, 2 ** 53 - 1];
  for (const bound of all) {
    near.push(bound);
    for (let bits = 20; bits <= 31; bits++) {
      const width = Math.max(1, Math.floor(bound / 2 ** (31 - bits)));
      near.push(Math.ceil(bound / width) * width, Math.floor(bound / width) * width);
    }
    near.push(2 ** Math.ceil(Math.log2(bound + 1)));
  }
  return near
    .flatMap((value) => [value - 1, value, value + 1])
    .filter((value) => value >= 0 && value < 2 ** 53);
}

/** A histogram on words of its own, that has its extremes: so all values that can take the short way do. */
function histogram(buckets: BoundsShape): { record(value: number): void; counts(): number[] } {
  let words = new Int32Array(0);
  const made = openHistogram({
    floats: { put: () => undefined, get: () => 0 },
    perUnit: 1,
    buckets,
    open: (bytes) => (words = new Int32Array(bytes >> 2)),
    total: () => 0,
    distribution: () => {
      throw new Error('has no readers');
    },
  });
  made.record(2 ** 53 - 1);
  const first = histogramSlot.bytes >> 2;
  words.fill(0, first);
  return {
    record: (value) => made.record(value),
    counts: () =>
      Array.from({ length: bucketCount(buckets) }, (_, bucket) => words[first + 2 * bucket] ?? -1),
  };
}

describe('a value', () => {
  test('is counted in the bucket that the plain search finds, whatever the bounds, on both sides of each', () => {
    fc.assert(
      fc.property(bounds, fc.array(fc.nat({ max: MAX_I32 }), { maxLength: 50 }), (shape, more) => {
        const values = [...around(shape), ...more].filter(Number.isSafeInteger);
        const recorded = histogram(shape);
        const expected = Array.from({ length: bucketCount(shape) }, () => 0);
        for (const value of values) {
          recorded.record(value);
          expected[bucketOf(shape, value)]!++;
        }
        expect(recorded.counts()).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  test('is counted with the bound that it is, and one more with the next', () => {
    const shape = of(0, 5, 10, 25, 50, 100, MAX_I32 - 1, MAX_I32, 2 ** 31);
    const recorded = histogram(shape);
    for (const bound of shape.bounds) recorded.record(bound);
    expect(recorded.counts()).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    for (const bound of shape.bounds) recorded.record(bound + 1);
    expect(recorded.counts()).toEqual(
      [1, 2, 2, 2, 2, 2, 2, 2, 2, 1].map((n, i) => (i === 7 || i === 8 ? 2 : n)),
    );
  });
});

describe('cells', () => {
  const pairs = (shape: BoundsShape): [number, number][] =>
    Array.from({ length: boundCells(shape).pairs.length / 2 }, (_, cell) => {
      const found = boundCells(shape).pairs.subarray(2 * cell);
      return [found[0]!, found[1]!];
    });
  const crowded = (shape: BoundsShape): number =>
    pairs(shape).filter(([bucket]) => bucket === CROWDED).length;

  test('have one bound each at most, where bounds double, or lie evenly from 0 on', () => {
    const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10].map((bound) => bound * 1e9);
    for (const shape of [
      of(...seconds),
      evenly(10, 1000),
      evenly(100, 41),
      evenly(256, 1),
      evenly(256, 7_654_321),
    ])
      expect(crowded(shape)).toBe(0);
    expect(boundCells(of(...seconds)).pairs.byteLength).toBeLessThanOrEqual(1024);
  });

  test('are no narrower than they need to be: a bound at the end of one is none within it', () => {
    expect(boundCells(of(1600, 2048)).subBits).toBe(1);
    expect(boundCells(of(1600, 2047)).subBits).toBe(2);
  });

  test('that bounds crowd in are few, and those of all other values stay quick', () => {
    const shape = evenly(256, 1, 2 ** 20);
    expect(crowded(shape)).toBe(1);
    expect(boundCells(shape).pairs.byteLength).toBeLessThanOrEqual(49_152);
  });

  test('are made once for all series of a metric', () => {
    const shape = of(1, 2, 3);
    expect(boundCells(shape)).toBe(boundCells(shape));
  });
});
