// What a histogram takes and refuses.
import { describe, expect, test } from 'vitest';
import { ArgumentRangeError } from '../src/index.ts';
import { create } from './new-registry.ts';

describe('a histogram', () => {
  test('refuses what is no value and stays as it was', () => {
    const { registry } = create();
    const histogram = registry.histogram({ name: 'h', help: '' });
    histogram.record(10);
    histogram.record(1000);
    for (const value of [-1, 10.5, 0.5, NaN, Infinity, 2 ** 53])
      expect(() => histogram.record(value)).toThrow(ArgumentRangeError);
    const { count, sum, min, max, mean } = histogram.distribution();
    expect({ count, sum, min, max, mean }).toEqual({ count: 2, sum: 1010, min: 10, max: 1000, mean: 505 });
  });

  test('takes the short and the long way into the same buckets', () => {
    const { registry } = create();
    const wide = registry.histogram({ name: 'h', help: '', max: 2 ** 20 });
    for (const value of [1, 2 ** 21, 0]) wide.record(value); // widens, so that what follows takes the short way where it can
    for (let bits = 0; bits <= 20; bits++) for (const off of [-1, 0, 1]) wide.record(2 ** bits + off);
    const values = [1, 2 ** 21, 0];
    for (let bits = 0; bits <= 20; bits++) for (const off of [-1, 0, 1]) values.push(2 ** bits + off);
    for (const { le, count } of wide.distribution().buckets())
      expect(count).toBe(values.filter((v) => v <= le).length);
  });
});
