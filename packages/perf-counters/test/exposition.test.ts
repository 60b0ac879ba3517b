// What can be chosen about a text, and that it leaves the thread to others.
import { Arena } from '@corelane/shared-memory';
import parse from 'parse-prometheus-text-format';
import { describe, expect, test } from 'vitest';
import { ArgumentRangeError, Registry, type Clock } from '../src/index.ts';
import { parseOpenMetrics } from './openmetrics-text.ts';

/** Two writers that have recorded different things. */
function twoWriters(): { registry: Registry; other: Registry } {
  const registry = Registry.create(Arena.create({ bytes: 4 << 20 }), { series: 600, writers: 4 });
  const other = Registry.attach(registry.handle);
  for (const [i, each] of [registry, other].entries()) {
    each
      .counter({ name: 'a_total', help: 'A', labels: ['l'] })
      .labels('x')
      .inc(1 + i);
    each.histogram({ name: 'h', help: 'H', buckets: [1, 10] }).record(5 + 10 * i);
    each.upDownCounter({ name: 'u', help: 'U' }).dec(i);
  }
  other.gauge({ name: 'g', help: 'G' }).set(7);
  return { registry, other };
}

describe('lines of each writer', () => {
  test('have a label worker, and add up to the total', () => {
    const { registry } = twoWriters();
    const lines = registry.prometheusText({ perWriter: true }).split('\n');
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
      'a_total{l="x",worker="0"} 1',
      'a_total{l="x",worker="1"} 2',
      'h_bucket{worker="0",le="1"} 0',
      'h_bucket{worker="0",le="10"} 1',
      'h_bucket{worker="0",le="+Inf"} 1',
      'h_sum{worker="0"} 5',
      'h_count{worker="0"} 1',
      'h_bucket{worker="1",le="1"} 0',
      'h_bucket{worker="1",le="10"} 0',
      'h_bucket{worker="1",le="+Inf"} 1',
      'h_sum{worker="1"} 15',
      'h_count{worker="1"} 1',
      'u{worker="0"} 0',
      'u{worker="1"} -1',
      'g{worker="1"} 7',
    ]);
    expect(() =>
      parseOpenMetrics(registry.reader.openMetricsText({ perWriter: true, created: true })),
    ).not.toThrow();
  });

  test('have a label of another name where that is given', () => {
    const { registry } = twoWriters();
    expect(registry.prometheusText({ perWriter: 'thread', names: ['g'] })).toContain('g{thread="1"} 7\n');
  });

  test('are refused where a metric has that label itself, or it is none', () => {
    const { registry } = twoWriters();
    const refused = [
      ['l', 'a label that a_total does not have itself'],
      ['le', 'a label that h does not have itself'],
    ] as const;
    for (const [perWriter, expected] of refused)
      expect(() => registry.prometheusText({ perWriter })).toThrow(
        `perWriter is "${perWriter}", expected ${expected}`,
      );
    for (const perWriter of ['', '1a', '__a', 'ä', 3 as never])
      expect(() => registry.prometheusText({ perWriter })).toThrow(ArgumentRangeError);
    expect(registry.prometheusText({ perWriter: 'l', names: ['u'] })).toContain('u{l="1"} -1\n');
  });
});

describe('metrics by name', () => {
  test('are those of a list or a function, whatever else is asked for', () => {
    const { registry } = twoWriters();
    const named = (names: never): string[] =>
      parse(registry.prometheusText({ names })).map(({ name }) => name);
    expect(named(['g', 'a_total', 'unknown'] as never)).toEqual(['a_total', 'g']);
    expect(named(new Set(['h']) as never)).toEqual(['h']);
    expect(named(((name: string) => name.length === 1) as never)).toEqual(['h', 'u', 'g']);
    expect(registry.prometheusText({ names: [] })).toBe('');
    expect(registry.reader.openMetricsText({ names: [] })).toBe('# EOF\n');
    expect(registry.read({ names: ['u'] }).metrics.map(({ name }) => name)).toEqual(['u']);
    for (const names of ['a_total', 5, null]) expect(() => named(names as never)).toThrow(ArgumentRangeError);
  });
});

/** A clock by which each look at it takes a millisecond. */
function slowClock(): Clock & { looks: number } {
  return {
    looks: 0,
    now() {
      return this.looks++;
    },
  };
}

describe('in slices', () => {
  function many(): Registry {
    const { registry } = twoWriters();
    const family = registry.counter({ name: 'many_total', help: 'M', labels: ['i'], maxSeries: 1000 });
    for (let i = 0; i < 500; i++) family.labels(i).inc(i);
    return registry;
  }

  test('a text is the same as at once, and other things get their turns meanwhile', async () => {
    const registry = many();
    let turns = 0;
    let isDone = false;
    const turn = (): void => {
      turns++;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    const text = await registry.metrics({ sliceMs: 5, clock: slowClock() });
    isDone = true;
    expect(text).toBe(registry.prometheusText());
    expect(turns).toBeGreaterThan(90);
  });

  test('a slice ends with the time that it has', async () => {
    const chunks: string[] = [];
    for await (const chunk of many().reader.metricsChunks({ sliceMs: 50, clock: slowClock() }))
      chunks.push(chunk);
    const lines = chunks.map(
      (chunk) => chunk.split('\n').filter((line) => line.startsWith('many_total')).length,
    );
    expect(lines.reduce((sum, each) => sum + each, 0)).toBe(500);
    expect(Math.max(...lines)).toBe(50);
  });

  test('what a reader has not seen yet is learnt in slices too', async () => {
    const registry = many();
    const { RegistryReader } = await import('../src/index.ts');
    const clock = slowClock();
    const reader = RegistryReader.attach(registry.handle);
    const chunks: string[] = [];
    for await (const chunk of reader.metricsChunks({ sliceMs: 1, clock })) chunks.push(chunk);
    expect(chunks.slice(0, 2)).toEqual(['', '# HELP a_total A\n# TYPE a_total counter\n']);
    expect(chunks.join('')).toBe(registry.prometheusText());
  });

  test('snapshots and what prom-client takes are the same as at once', async () => {
    const registry = many();
    const sliced = await registry.reader.snapshot({ sliceMs: 5, clock: slowClock() });
    expect({ ...sliced, takenAtMs: 0, monotonicMs: 0 }).toEqual({
      ...registry.read(),
      takenAtMs: 0,
      monotonicMs: 0,
    });
    const json = await registry.getMetricsAsJSON({ sliceMs: 5, clock: slowClock() });
    expect(json).toEqual(await registry.getMetricsAsJSON());
  });

  test('a signal ends it between two slices, with its reason', async () => {
    const registry = many();
    const controller = new AbortController();
    const clock = slowClock();
    const text = registry.metrics({ sliceMs: 10, clock, signal: controller.signal });
    setImmediate(() => controller.abort(new Error('enough')));
    await expect(text).rejects.toThrow('enough');
    expect(clock.looks).toBeLessThan(100);
    await expect(registry.metrics({ signal: controller.signal })).rejects.toThrow('enough');
    await expect(registry.reader.snapshot({ signal: controller.signal })).rejects.toThrow('enough');
  });

  test('options that mean nothing are refused', async () => {
    const { registry } = twoWriters();
    for (const wrong of [
      ...[0, -1, NaN, '5' as never].map((sliceMs) => ({ sliceMs })),
      { clock: {} as never },
      { signal: { aborted: false } as never },
    ])
      await expect(registry.metrics(wrong)).rejects.toThrow(ArgumentRangeError);
    await expect(registry.metrics({ contentType: 'text/html' as never })).rejects.toThrow(
      'contentType is "text/html", expected "text/plain; version=0.0.4; charset=utf-8" or "application/openmetrics-text; version=1.0.0; charset=utf-8"',
    );
    const wrong = [
      () => registry.prometheusText({ perWorker: true } as never),
      () => registry.prometheusText({ created: true } as never),
      () => registry.reader.openMetricsText({ sliceMs: 5 } as never),
      () => registry.read({ name: ['h'] } as never),
    ];
    for (const read of wrong) expect(read).toThrow('an option is');
    await expect(registry.metrics({ type: 'text/plain' } as never)).rejects.toThrow('an option is "type"');
    await expect(registry.reader.snapshot({ created: true } as never)).rejects.toThrow(
      'an option is "created", expected one of names, signal, sliceMs, clock',
    );
    for (const type of ['text/html', '__proto__', 'constructor', undefined])
      expect(() => registry.reader.setContentType(type as never)).toThrow(ArgumentRangeError);
  });
});
