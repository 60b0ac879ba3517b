import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isScaled, scaleCount } from '../src/perf/scale.ts';

const natural = fc.double({ min: 0, max: 2 ** 64, noNaN: true }).map(Math.floor);

it('is the count itself where the event ran all the time', () => {
  fc.assert(
    fc.property(natural, natural, (count, ns) => {
      expect(isScaled(ns, ns)).toBe(false);
      expect(scaleCount(count, ns, ns)).toBe(count);
    }),
  );
});

it('is not known where the event never ran, and 0 where it was never to', () => {
  fc.assert(
    fc.property(natural, fc.integer({ min: 1 }), (count, ns) => {
      expect(scaleCount(count, ns, 0)).toBeNaN();
    }),
  );
  expect(scaleCount(0, 0, 0)).toBe(0);
  expect(isScaled(0, 0)).toBe(false);
});

it('is finite, and never below the count', () => {
  fc.assert(
    fc.property(natural, natural, natural, (count, a, b) => {
      const [running, enabled] = [Math.min(a, b), Math.max(a, b)];
      fc.pre(running > 0);
      const scaled = scaleCount(count, enabled, running);
      expect(scaled).toBeGreaterThanOrEqual(count);
      expect(Number.isFinite(scaled)).toBe(true);
    }),
  );
});

it('is, below 2^53, within half of the quotient of whole numbers', () => {
  const small = fc.integer({ min: 1, max: 2 ** 26 });
  fc.assert(
    fc.property(small, small, small, (count, a, b) => {
      const [running, enabled] = [Math.min(a, b), Math.max(a, b)];
      const scaled = scaleCount(count, enabled, running);
      const twice = (BigInt(count) * BigInt(enabled) * 2n) / BigInt(running);
      expect(Math.abs(scaled * 2 - Number(twice))).toBeLessThanOrEqual(2);
    }),
  );
});
