import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Rule } from '../../src/health/episode.ts';
import { scoreOf, totalScore } from '../../src/health/score.ts';
import type { Rules } from '../../src/health/standing.ts';

const rule = (at: number, recoverAt: number): Rule => ({ at, recoverAt, after: 1, recoverAfter: 1 });
const rules = (
  warn: Rule | null,
  critical: Rule | null = null,
  direction: Rules['direction'] = 'above',
): Rules => ({
  warn,
  critical,
  direction,
  unknownAfter: 3,
});
const score = (value: number, by: Rules): number | null =>
  scoreOf({ kind: 'value', value, detail: null }, by, 'degraded');

describe('the score of a check', () => {
  test('is 100 to the recovery, 50 at the warning, 0 at the critical threshold, straight in between', () => {
    const both = rules(rule(80, 70), rule(100, 90));
    expect([0, 70, 75, 80, 90, 100, 500].map((value) => score(value, both))).toEqual([
      100, 100, 75, 50, 25, 0, 0,
    ]);
    const low = rules(rule(20, 30), rule(0, 10), 'below');
    expect([99, 30, 25, 20, 10, 0, -5].map((value) => score(value, low))).toEqual([
      100, 100, 75, 50, 25, 0, 0,
    ]);
  });

  test('without a critical threshold is 0 as far beyond the warning as it is 100 within', () => {
    expect([70, 80, 85, 90, 91].map((value) => score(value, rules(rule(80, 70))))).toEqual([
      100, 50, 25, 0, 0,
    ]);
    expect([80, 81].map((value) => score(value, rules(rule(80, 80))))).toEqual([100, 0]);
    expect([70, 75, 80, 81].map((value) => score(value, rules(null, rule(80, 70))))).toEqual([100, 50, 0, 0]);
  });

  test('never rises while the value gets worse, and stays from 0 to 100', () => {
    const value = fc.double({ min: -1000, max: 1000, noNaN: true });
    const points = fc
      .tuple(value, value, value)
      .map((three) => three.toSorted((a, b) => a - b) as [number, number, number]);
    fc.assert(
      fc.property(points, fc.boolean(), value, value, ([good, middle, bad], hasCritical, a, b) => {
        const by = rules(rule(middle, good), hasCritical ? rule(bad, middle) : null);
        const [better, worse] = [score(Math.min(a, b), by) as number, score(Math.max(a, b), by) as number];
        expect(better).toBeGreaterThanOrEqual(worse);
        expect(better).toBeLessThanOrEqual(100);
        expect(worse).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('of a failure is 0, of what is unknown what it makes of the whole, of what is idle none', () => {
    const by = rules(rule(80, 70));
    expect(scoreOf({ kind: 'failed', detail: '', error: null }, by, 'degraded')).toBe(0);
    expect(scoreOf({ kind: 'unknown', detail: '' }, by, 'degraded')).toBe(50);
    expect(scoreOf({ kind: 'unknown', detail: '' }, by, 'unready')).toBe(0);
    expect(scoreOf({ kind: 'unknown', detail: '' }, by, 'ignore')).toBeNull();
    expect(scoreOf({ kind: 'idle', detail: '' }, by, 'degraded')).toBeNull();
  });
});

describe('the score of the whole', () => {
  test('is half the worst and half the weighted mean', () => {
    expect(
      totalScore([
        { score: 100, weight: 1 },
        { score: 40, weight: 1 },
      ]),
    ).toBe(55);
    expect(
      totalScore([
        { score: 100, weight: 3 },
        { score: 40, weight: 1 },
      ]),
    ).toBe(62);
    expect(totalScore([{ score: null, weight: 1 }])).toBeNull();
    expect(
      totalScore([
        { score: 0, weight: 0 },
        { score: 80, weight: 1 },
      ]),
    ).toBe(80);
  });

  const scored = fc.record({
    score: fc.option(fc.double({ min: 0, max: 100, noNaN: true })),
    weight: fc.integer({ min: 1, max: 9 }),
  });

  test('is 100 only where all are, 0 only where all are, and never better for one that is worse', () => {
    fc.assert(
      fc.property(
        fc.array(scored, { minLength: 1, maxLength: 8 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (all, factor) => {
          const total = totalScore(all);
          const known = all.flatMap(({ score: each }) => (each === null ? [] : [each]));
          expect(total === null).toBe(known.length === 0);
          if (total === null) return;
          expect(Number.isInteger(total)).toBe(true);
          if (total === 100) expect(Math.min(...known)).toBe(100);
          if (total === 0) expect(Math.max(...known)).toBe(0);
          const worse = all.map((each, i) =>
            i === 0 && each.score !== null ? { ...each, score: each.score * factor } : each,
          );
          expect(totalScore(worse)).toBeLessThanOrEqual(total);
        },
      ),
    );
  });
});
