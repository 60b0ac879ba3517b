// Room for series, metrics, writers, slots and names: what is full is told with numbers.
import { Arena, ArenaExhaustedError } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  ArgumentRangeError,
  MetricsExhaustedError,
  Registry,
  RegistryReader,
  SeriesExhaustedError,
  WritersExhaustedError,
} from '../src/index.ts';
import { create } from './new-registry.ts';

describe('limits', () => {
  test('beyond a metric’s series everything is counted as other, on all threads', () => {
    const { registry } = create();
    const other = Registry.attach(registry.handle);
    const options = { name: 'users_total', help: '', labels: ['user'], maxSeries: 3 } as const;
    const [a, b] = [registry.counter(options), other.counter(options)];
    for (const user of ['u1', 'u2']) a.labels(user).inc();
    for (const user of ['u3', 'u4', 'u5']) b.labels(user).inc();
    for (const user of ['u3', 'u5', 'u6', 'u1']) a.labels(user).inc();
    expect(a.labels('u9')).toBe(a.labels('other'));
    const [metric] = registry.read().metrics;
    expect(
      Object.fromEntries(metric!.series.map((each) => [each.labels['user'], 'value' in each && each.value])),
    ).toEqual({
      u1: 2,
      u2: 1,
      u3: 2,
      other: 4,
    });
  });

  test('of series are told with numbers', () => {
    const { registry } = create({ series: 4, writers: 1, metrics: 4 });
    const users = registry.counter({ name: 'users_total', help: '', labels: ['user'] });
    for (const user of ['u1', 'u2', 'u3']) users.labels(user).inc();
    expect(() => users.labels('u4')).toThrow(SeriesExhaustedError);
    expect(() => users.labels('u4')).toThrow(
      'no room for series users_total{user=u4}: all 4 series are taken (option series',
    );
    users.labels('other').inc(); // there was room kept for it
    expect(users.labels('other').total()).toBe(1);
  });

  test('of metrics are told with numbers', () => {
    const { registry } = create({ series: 4, writers: 1, metrics: 1 });
    registry.counter({ name: 'a_total', help: '' });
    const bad = (): unknown => registry.counter({ name: 'b_total', help: '' });
    expect(bad).toThrow(MetricsExhaustedError);
    expect(bad).toThrow('no room for metric b_total: all 1 definitions are taken (option metrics');
  });

  test('of writers are told with the threads that hold them', () => {
    const { registry } = create({ series: 4, writers: 2 });
    const second = Registry.attach(registry.handle);
    expect(() => Registry.attach(registry.handle)).toThrow(WritersExhaustedError);
    expect(() => Registry.attach(registry.handle)).toThrow('all 2 writers are claimed, by threads 0, 0');
    RegistryReader.attach(registry.handle); // claims none
    second[Symbol.dispose]();
    expect(Registry.attach(registry.handle).writer).toBe(1);
  });

  test('of the arena are told when a slot finds no room', () => {
    const arena = Arena.create({ bytes: 2 * 65536 + 1 });
    const registry = Registry.create(arena, { series: 100, writers: 1, metrics: 2 });
    expect(() => {
      for (let i = 0; i < 99; i++)
        registry.histogram({ name: 'h', help: '', precision: 2 ** -9, labels: ['i'] }).labels(i);
    }).toThrow(ArenaExhaustedError);
  });

  test.each([{ series: 0 }, { writers: 1.5 }, { metrics: 1e9 }, { threads: 4 }])(
    'options outside their range: %o',
    (options) => {
      expect(() => create(options)).toThrow(ArgumentRangeError);
    },
  );

  test.each([undefined, null, {}, { series: 5 }])('a registry in what is no arena: %o', (arena) => {
    expect(() => Registry.create(arena as never)).toThrow(ArgumentRangeError);
  });

  test('of label values and definitions are told in bytes', () => {
    const { registry } = create();
    expect(() => registry.counter({ name: 'a', help: 'x'.repeat(2000) })).toThrow(
      /bytes of the definition of a is \d+, expected at most 1024/,
    );
    const family = registry.counter({ name: 'b', help: '', labels: ['l'] });
    expect(() => family.labels('x'.repeat(300))).toThrow(
      /bytes of the labels of \w+ is \d+, expected at most 256/,
    );
    expect(family.labels('\ud800')).toBe(family.labels('\ufffd'));
  });
});
