import { describe, expect, test } from 'vitest';
import type { Sample } from '../src/batch-subject.ts';
import { judgeClaim } from '../src/claims.ts';
import { seriesOf } from '../src/group-runner.ts';
import { pairedRatios, summarise } from '../src/statistics.ts';
import { number } from '../src/table.ts';

describe('a summary', () => {
  test('has the median, its deviation, the extremes and an interval around the median', () => {
    const summary = summarise([9, 10, 11, 10, 40], 3);
    expect(summary).toMatchObject({ median: 10, mad: 1, min: 9, max: 40 });
    expect(summary.interval[0]).toBeLessThanOrEqual(10);
    expect(summary.interval[1]).toBeGreaterThanOrEqual(10);
  });

  test('is the same for the same seed', () => {
    const samples = [5, 7, 1, 9, 3, 8];
    expect(summarise(samples, 11)).toEqual(summarise(samples, 11));
  });

  test('of equal samples has an interval without width', () => {
    expect(summarise([4, 4, 4, 4, 4], 1).interval).toEqual([4, 4]);
  });
});

test('ratios are paired by round, and a time below the empty loop gives none', () => {
  expect(pairedRatios([10, 20, 30], [5, 4, 0])).toEqual([2, 5]);
});

function round(ns: number, emptyNs: number): Map<string, Sample> {
  return new Map([
    ['a', { nsPerOp: { value: ns, unit: 'ns' }, fairness: { value: 0.9, unit: '' } }],
    ['empty', { nsPerOp: { value: emptyNs, unit: 'ns' } }],
  ] as [string, Sample][]);
}

test('the empty loop of the same round is subtracted from times and from nothing else', () => {
  const rounds = [round(10, 1), round(12, 2), round(1, 3)];
  expect(seriesOf(rounds, 'a', 'empty')).toEqual({
    nsPerOp: { unit: 'ns', samples: [9, 10, 0] },
    fairness: { unit: '', samples: [0.9, 0.9, 0.9] },
  });
  expect(seriesOf(rounds, 'empty', 'empty')['nsPerOp']?.samples).toEqual([1, 2, 3]);
});

describe('a claim', () => {
  const samples: Record<string, readonly number[]> = {
    fast: [10, 10, 11, 10, 9],
    slow: [20, 21, 19, 20, 20],
    wild: [5, 40, 5, 40, 20],
  };
  const judge = (claim: Parameters<typeof judgeClaim>[0]) => judgeClaim(claim, (name) => samples[name], 1);

  test('is met, missed or inconclusive by its whole interval', () => {
    expect(judge({ of: 'slow', against: 'fast', atMost: 3 }).status).toBe('met');
    expect(judge({ of: 'slow', against: 'fast', atMost: 1.6 }).status).toBe('missed');
    expect(judge({ of: 'slow', against: 'fast', atLeast: 1.5 }).status).toBe('met');
    expect(judge({ of: 'slow', against: 'fast', atLeast: 5 }).status).toBe('missed');
    expect(judge({ of: 'wild', against: 'fast', atMost: 2 }).status).toBe('inconclusive');
    expect(judge({ of: 'wild', against: 'fast', atLeast: 2 }).status).toBe('inconclusive');
  });

  test('without samples is inconclusive and has no value', () => {
    expect(judge({ of: 'none', atMost: 1 })).toMatchObject({ status: 'inconclusive', value: null });
  });

  test('on one figure needs no other case', () => {
    expect(judge({ of: 'fast', atMost: 12 })).toMatchObject({
      text: 'fast ns ≤ 12',
      status: 'met',
      value: 10,
    });
  });
});

test('numbers have three significant digits and no exponent', () => {
  expect([0, 0.01234, 1.5, 12.34, 123.4, 123_456, 1e9].map(number)).toEqual([
    '0',
    '0.0123',
    '1.50',
    '12.3',
    '123',
    '123,456',
    '1,000,000,000',
  ]);
});
