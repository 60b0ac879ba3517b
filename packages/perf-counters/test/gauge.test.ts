// Values of the moment, and what the aggregator makes of those of several writers.
import { describe, expect, test } from 'vitest';
import { ArgumentRangeError, Registry } from '../src/index.ts';
import { create } from './new-registry.ts';

describe('gauges', () => {
  test('a cleared one has no value, and is not exported until it is set again', () => {
    const { registry } = create();
    const gauges = [registry, Registry.attach(registry.handle)].map((each) =>
      each.gauge({ name: 'g', help: '', aggregator: 'average' }),
    );
    gauges[0]!.set(2);
    gauges[1]!.set(4);
    gauges[1]!.clear();
    expect(gauges[0]!.total()).toBe(2);
    gauges[0]!.clear();
    expect(registry.prometheusText()).toBe('# HELP g \n# TYPE g gauge\n');
    gauges[0]!.inc(3);
    expect(gauges[0]!.total()).toBe(3);
  });

  test.each([
    ['sum', 12],
    ['min', 2],
    ['max', 7],
    ['average', 4],
  ] as const)('of several writers become their %s', (aggregator, expected) => {
    const { registry } = create();
    const gauges = [registry, Registry.attach(registry.handle), Registry.attach(registry.handle)].map(
      (each) => each.gauge({ name: 'g', help: '', aggregator }),
    );
    [2, 3, 7].forEach((value, i) => gauges[i]!.set(value));
    expect(gauges[0]!.total()).toBe(expected);
  });

  test('of a writer that is reclaimed have no value, that of what is beyond the limit of series either', () => {
    const { registry } = create();
    const other = Registry.attach(registry.handle);
    const family = other.gauge({ name: 'g', help: '', labels: ['of'], maxSeries: 1 });
    for (const of of ['a', 'b']) family.labels(of).set(1);
    expect(registry.prometheusText()).toContain('g{of="other"} 1\n');
    expect(registry.reclaim(other.writer)).toBe(true);
    expect(registry.prometheusText()).toBe('# HELP g \n# TYPE g gauge\n');
  });

  test('refuse what is no number, and stay as they were', () => {
    const { registry } = create();
    const gauge = registry.gauge({ name: 'g', help: '' });
    gauge.set(1);
    for (const method of ['set', 'inc', 'dec'] as const)
      for (const wrong of ['1', null, 1n, [], true] as never[])
        expect(() => gauge[method](wrong)).toThrow(ArgumentRangeError);
    expect(() => gauge.set(undefined as never)).toThrow('value is undefined, expected a number');
    expect(gauge.total()).toBe(1);
    gauge.set(NaN); // is one
    expect(gauge.total()).toBeNaN();
  });

  test('may go up and down by fractions', () => {
    const { registry } = create();
    const gauge = registry.gauge({ name: 'g', help: '' });
    gauge.inc(0.5);
    gauge.dec(2);
    expect(gauge.total()).toBe(-1.5);
  });
});
