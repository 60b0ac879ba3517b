import { Arena, ArenaExhaustedError, AttachError } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  ArgumentRangeError,
  MetricNameError,
  MetricsExhaustedError,
  RedefinitionError,
  Registry,
  RegistryDisposedError,
  RegistryReader,
  SeriesExhaustedError,
  WritersExhaustedError,
  type RegistryOptions,
} from '../src/index.ts';
import { registryRoot, WRITER_CLAIMED, writerRecord } from '../src/layout.ts';
import { openRegistry } from '../src/open-registry.ts';
import { recordAt, takeName, Writer } from '../src/writer.ts';
import { defineAll } from './worker/metrics.ts';

function create(options: RegistryOptions = { series: 32, writers: 3, metrics: 8 }): {
  arena: Arena;
  registry: Registry;
} {
  const arena = Arena.create({ bytes: 2 << 20 });
  return { arena, registry: Registry.create(arena, options) };
}

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

describe('a writer', () => {
  test('goes on where the one before it stopped', () => {
    const { registry } = create();
    const first = Registry.attach(registry.handle);
    const metrics = defineAll(first);
    for (let i = 1; i <= 100; i++) metrics.size.record(i);
    metrics.plain.inc(0x7fffffff);
    metrics.temperature.set(7);
    first[Symbol.dispose]();
    const second = Registry.attach(registry.handle);
    expect(second.writer).toBe(first.writer);
    const { size, plain, temperature } = defineAll(second);
    plain.inc();
    size.record(50);
    size.record(200);
    const sizes = size.distribution();
    expect([sizes.count, sizes.sum, sizes.min, sizes.max]).toEqual([102, 5300, 1, 200]);
    expect(plain.total()).toBe(2 ** 31);
    expect(temperature.total()).toBe(0);
    temperature.inc();
    expect(temperature.total()).toBe(1);
  });

  test('throws from every handle once it is released, and releasing twice is harmless', () => {
    const { registry } = create();
    const other = Registry.attach(registry.handle);
    const m = defineAll(other);
    const bound = m.byCode.labels('1');
    m.size.record(5);
    m.duration.record(5);
    other[Symbol.dispose]();
    other[Symbol.dispose]();
    const uses = [
      () => m.plain.inc(),
      () => bound.inc(5),
      () => m.byCode.labels('2'),
      () => m.size.record(5),
      () => m.size.record(2 ** 40),
      () => m.duration.record(5),
      () => m.duration.start().stop(),
      () => m.inFlight.inc(),
      () => m.inFlight.dec(2 ** 33),
      () => m.temperature.set(1),
      () => m.plain.total(),
      () => other.read(),
      () => other.prometheusText(),
      () => other.counter({ name: 'n', help: '' }),
      () => other.reclaim(0),
    ];
    for (const use of uses) expect(use).toThrow(RegistryDisposedError);
    expect(defineAll(registry).size.distribution().count).toBe(1);
    expect(defineAll(registry).plain.total()).toBe(0);
  });

  test.each(['reclaimed', 'released'])(
    'that was %s is nobody’s when another thread has just claimed it',
    (how) => {
      const { arena, registry } = create();
      const { table } = openRegistry(registry.handle, arena);
      const writer = Writer.claim(table, 77);
      if (how === 'released') writer.release();
      else expect(registry.reclaimThread(77)).toBe(1);
      expect(registry.writers()[writer.index]).toMatchObject({ claimed: false, threadId: 77 });
      // Claimed, by one that has not said who it is.
      arena.i32[(recordAt(table, writer.index) >> 2) + writerRecord.word.state] = WRITER_CLAIMED;
      expect(registry.reclaimThread(77)).toBe(0);
      expect(registry.writers()[writer.index]).toMatchObject({ claimed: true, threadId: -1 });
    },
  );

  test('of a dead thread is taken by one of those who reclaim it', () => {
    const { arena, registry } = create();
    const { table } = openRegistry(registry.handle, arena);
    const { index } = Writer.claim(table, 77);
    expect([takeName(table, index, 77), takeName(table, index, 77)]).toEqual([true, false]);
    expect(registry.reclaimThread(77)).toBe(0);
  });

  test('of this thread is not reclaimed', () => {
    const { registry } = create();
    expect(() => registry.reclaim(registry.writer)).toThrow(ArgumentRangeError);
    expect(() => registry.reclaim(9)).toThrow('writer is 9, expected 0 to 2');
    expect(() => registry.reclaimThread(0)).toThrow(ArgumentRangeError);
    // What the threadId of a Worker is after its end.
    expect(() => registry.reclaimThread(-1)).toThrow(
      'threadId is -1, expected that of the Worker before its end',
    );
    expect(registry.reclaim(2)).toBe(false);
  });
});

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

  test('may go up and down by fractions', () => {
    const { registry } = create();
    const gauge = registry.gauge({ name: 'g', help: '' });
    gauge.inc(0.5);
    gauge.dec(2);
    expect(gauge.total()).toBe(-1.5);
  });
});

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

describe('a timer', () => {
  test('measures with its clock, once', () => {
    const { registry } = create();
    const clock = { ms: 100, now: () => clock.ms };
    const timer = registry.timer({ name: 't_seconds', help: '', clock });
    {
      using running = timer.start();
      clock.ms += 1500;
      expect(running.stop()).toBe(1500);
      clock.ms += 1;
      expect(running.stop()).toBe(1500);
    }
    const start = timer.now();
    clock.ms += 500;
    expect(timer.recordSince(start)).toBe(500);
    clock.ms -= 5;
    expect(timer.recordSince(clock.ms + 5)).toBe(0); // a clock that went back
    const { count, sum, min, max } = timer.distribution();
    expect({ count, sum, min, max }).toEqual({ count: 3, sum: 2, min: 0, max: 1.5 });
    expect(() => timer.record(-1)).toThrow(ArgumentRangeError);
    expect(() => timer.record(NaN)).toThrow(ArgumentRangeError);
  });
});

describe('attaching', () => {
  test('refuses what is no handle of a registry', () => {
    const { arena, registry } = create();
    const { handle } = registry;
    for (const bad of [null, {}, { ...handle, kind: 'x' }, { ...handle, at: 128 }, { ...handle, at: -1 }])
      expect(() => Registry.attach(bad as never)).toThrow(AttachError);
    arena.i32[(handle.at >> 2) + registryRoot.word.writers] = 5;
    expect(() => RegistryReader.attach(handle)).toThrow(/length in bytes is \d+, expected \d+/);
    arena.i32[(handle.at >> 2) + registryRoot.word.writers] = 0;
    expect(() => RegistryReader.attach(handle)).toThrow('writers is 0, expected "1 to 1024"');
    arena.i32[(handle.at >> 2) + registryRoot.word.writers] = 3;
    arena.f64[(handle.at + registryRoot.offset.createdAtMs) >> 3] = NaN;
    expect(() => RegistryReader.attach(handle)).toThrow('createdAtMs is NaN');
  });

  test('takes an arena that is attached already', () => {
    const { arena, registry } = create();
    const { usedBytes } = arena;
    registry.counter({ name: 'a', help: '' }).inc();
    expect(RegistryReader.attach(registry.handle, arena).prometheusText()).toBe(registry.prometheusText());
    expect(arena.usedBytes).toBeGreaterThan(usedBytes);
  });
});
