// What a metric is, and what is refused as one.
import { describe, expect, test } from 'vitest';
import {
  ArgumentRangeError,
  MetricNameError,
  RedefinitionError,
  Registry,
  RegistryReader,
} from '../src/index.ts';
import { create } from './new-registry.ts';

describe('a metric', () => {
  test('is the same for every registry that defines it', () => {
    const { registry } = create();
    const other = Registry.attach(registry.handle);
    const a = registry.counter({ name: 'a_total', help: 'One help' });
    const b = other.counter({ name: 'a_total', help: 'Another help' });
    a.inc(2);
    b.inc(3);
    expect([a.total(), b.total()]).toEqual([5, 5]);
    expect(registry.counter({ name: 'a_total', help: '' })).toBe(a);
    expect(registry.read().metrics).toMatchObject([
      {
        name: 'a_total',
        help: 'One help',
        series: [{ labels: {}, value: 5, byWriter: [{ value: 2 }, { value: 3 }] }],
      },
    ]);
  });

  test('has one handle for the same label values', () => {
    const { registry } = create();
    const codes = registry.counter({ name: 'codes_total', help: '', labels: ['code', 'kind'] });
    expect(codes.labels(202, 'a')).toBe(codes.labels('202', 'a'));
    expect(codes.labels('1', '2')).not.toBe(codes.labels('12', ''));
    expect(registry.counter({ name: 'codes_total', help: '', labels: ['code', 'kind'] })).toBe(codes);
    expect(() => (codes.labels as (...values: string[]) => unknown)('202')).toThrow(
      'the number of label values of codes_total is 1, expected 2 (code, kind)',
    );
    expect(() => (codes.labels as (...values: unknown[]) => unknown)({ code: '202' }, 'a')).toThrow(
      'a label value of codes_total is [object Object], expected a string, number or boolean for each label',
    );
  });

  test('counts in units', () => {
    const { registry } = create();
    const busy = registry.counter({ name: 'busy_seconds_total', help: '', unit: 'seconds', perUnit: 1e9 });
    busy.inc(1_500_000_000);
    expect(busy.total()).toBe(1.5);
    expect(registry.prometheusText()).toContain('busy_seconds_total 1.5\n');
  });

  test('counts past 2^32 and refuses what is no count', () => {
    const { registry } = create();
    const counter = registry.counter({ name: 'c_total', help: '' });
    for (let i = 0; i < 5; i++) counter.inc(0x7fffffff);
    counter.inc(2 ** 40 + 1);
    counter.inc(0);
    expect(counter.total()).toBe(5 * 0x7fffffff + 2 ** 40 + 1);
    for (const n of [-1, 0.5, NaN, Infinity, 2 ** 53])
      expect(() => counter.inc(n)).toThrow(ArgumentRangeError);
    expect(counter.total()).toBe(5 * 0x7fffffff + 2 ** 40 + 1);
  });

  test('defined again as something else is an error that names both', () => {
    const { registry } = create();
    registry.counter({ name: 'x_bytes', help: '', labels: ['a'] });
    const again = (): unknown => registry.histogram({ name: 'x_bytes', help: '', unit: 'bytes' });
    expect(again).toThrow(RedefinitionError);
    expect(again).toThrow(
      'metric x_bytes is defined as counter{a}, and again as histogram, unit bytes, log-linear with 2^4 buckets a power of two, from 2^0 to 2^32',
    );
    expect(() =>
      Registry.attach(registry.handle).counter({ name: 'x_bytes', help: '', labels: ['b'] }),
    ).toThrow('counter{a}, and again as counter{b}');
  });

  test('may not have lines that another one has', () => {
    const { registry } = create();
    registry.histogram({ name: 'h', help: '' });
    expect(() => registry.counter({ name: 'h_count', help: '' })).toThrow(MetricNameError);
    registry.counter({ name: 'k_sum', help: '' });
    expect(() => registry.timer({ name: 'k', help: '' })).toThrow(MetricNameError);
    expect(registry.read().metrics.map(({ name }) => name)).toEqual(['h', 'k_sum']);
  });

  test.each([
    [{ name: '1a' }, 'metric name is "1a"'],
    [{ name: 'a-b' }, 'metric name is "a-b"'],
    [{ name: '' }, 'metric name is ""'],
    [{ name: 'a', labels: ['__a'] }, 'label of a is "__a"'],
    [{ name: 'a', labels: ['a.b'] }, 'label of a is "a.b"'],
    [{ name: 'a', labels: ['b', 'b'] }, 'each label once'],
    [{ name: 'a_total', unit: 'bytes' }, 'ends with its unit: _bytes'],
    [{ name: 'a_Bytes', unit: 'Bytes' }, 'unit of a_Bytes'],
  ])('with a name against the rules of Prometheus is refused: %o', (options, message) => {
    const { registry } = create();
    const bad = (): unknown => registry.counter({ help: '', ...options } as never);
    expect(bad).toThrow(MetricNameError);
    expect(bad).toThrow(message);
    expect(registry.read().metrics).toEqual([]);
  });

  test.each([
    ['counter', 'labelNames'],
    ['counter', 'clock'],
    ['upDownCounter', 'buckets'],
    ['gauge', 'perUnit'],
    ['histogram', 'aggregator'],
    ['histogram', 'sampleEvery'],
    ['timer', 'unit'],
    ['timer', 'perUnit'],
    ['timer', 'registers'],
    ['rate', 'maxseries'],
  ] as const)('a %s refuses an option that means nothing to it: %s', (type, option) => {
    const { registry } = create();
    const off = Registry.disabled();
    for (const each of [registry, off]) {
      const bad = (): unknown =>
        (each[type] as (options: object) => unknown).call(each, {
          name: 'm_seconds',
          help: '',
          [option]: [],
        });
      expect(bad).toThrow(ArgumentRangeError);
      expect(bad).toThrow(`an option is "${option}", expected one of name, help, labels, maxSeries`);
    }
    expect(registry.read().metrics).toEqual([]);
  });

  test.each([
    ['timer', 'clock', 'sampleEvery'],
    ['rate', 'clock', 'intervalMs'],
  ] as const)('a %s that refuses an option names all that it knows: %s, %s', (type, ...known) => {
    const { registry } = create();
    const define = registry[type].bind(registry) as (options: object) => unknown;
    const bad = (): unknown => define({ name: 'm_seconds', help: '', wrong: 1 });
    for (const option of known) expect(bad).toThrow(new RegExp(`expected one of .*\\b${option}\\b`));
  });

  test('a histogram may not have a label le', () => {
    const { registry } = create();
    expect(() => registry.histogram({ name: 'h', help: '', labels: ['le'] })).toThrow(MetricNameError);
  });
});

describe('a definition that is refused', () => {
  const stringLike = { toString: () => 'zz' } as unknown as string;
  test.each([
    { name: 'fine', help: '', precision: 2 ** -14, max: 2 ** 53 - 1 },
    { name: stringLike, help: '' },
    { name: ['arr'] as unknown as string, help: '' },
    { name: 'zz', help: '', labels: [stringLike] },
    { name: 'zz', help: '', labels: 'abc' as unknown as ['abc'] },
    { name: 'x_zz', help: '', unit: stringLike },
    { name: 'zz', help: '', buckets: '123' as unknown as number[] },
    { name: 'zz', help: '', buckets: [1, 2], precision: 0.1 },
  ])('is told with what was expected, and leaves the registry as it was on every thread: %j', (options) => {
    const { registry } = create();
    expect(() => registry.histogram(options as never)).toThrow(/expected/);
    registry.counter({ name: 'a_total', help: '' });
    for (const reader of [registry.reader, RegistryReader.attach(registry.handle)])
      expect(reader.read().metrics.map(({ name }) => name)).toEqual(['a_total']);
  });
});
