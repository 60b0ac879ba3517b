import { getEventListeners } from 'node:events';
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { Registry, RegistryDisposedError } from '../../src/index.ts';
import {
  collectDefaults,
  SourceRunningError,
  SourcesDisposedError,
  startSources,
  type Source,
} from '../../src/sources/index.ts';
import { counting } from './counting-source.ts';
import { fakeHost, FakeTimers, newRegistry, valueOf, valuesOf } from './fake-host.ts';

describe('sources', () => {
  test('are read at once, then at their interval, slow ones once more after the first one, then at theirs', () => {
    const timers = new FakeTimers();
    const registry = newRegistry();
    const fast = counting();
    const slow = counting({
      name: 'slow',
      isSlow: true,
      open: (metrics) => {
        const reads = metrics.counter({ name: 'slow_reads_total', help: 'Reads' })();
        return { sample: () => reads.inc() };
      },
    });
    using sources = startSources(registry, [fast.source, slow.source], {
      intervalMs: 100,
      slowIntervalMs: 1000,
      timers,
    });
    expect([valueOf(registry, 'reads_total'), valueOf(registry, 'slow_reads_total')]).toEqual([1, 1]);
    timers.fire(100);
    expect([valueOf(registry, 'reads_total'), valueOf(registry, 'slow_reads_total')]).toEqual([2, 2]);
    for (let i = 1; i < 5; i++) timers.fire(100);
    timers.fire(1000);
    const sampledMs = (valueOf(registry, 'corelane_sources_sampled_timestamp_seconds') as number) * 1000;
    expect(Math.abs(Date.now() - sampledMs)).toBeLessThan(30_000);
    expect([valueOf(registry, 'reads_total'), valueOf(registry, 'slow_reads_total')]).toEqual([6, 3]);
    expect(sources.costs().map(({ name, samples }) => [name, samples])).toEqual([
      ['counting', 6],
      ['slow', 3],
    ]);
  });

  test('are read by nobody but `sample` where the interval is Infinity', async () => {
    const timers = new FakeTimers();
    const registry = newRegistry();
    using sources = startSources(registry, [counting().source], { intervalMs: Infinity, timers });
    expect(timers.running.size).toBe(0);
    await sources.sample();
    expect(valueOf(registry, 'reads_total')).toBe(2);
    // A thread that nobody asks is not behind.
    expect(valueOf(registry, 'corelane_sources_sampled_timestamp_seconds')).toBeUndefined();
  });

  test('have names with a prefix and labels on everything', () => {
    const registry = newRegistry();
    using _ = startSources(registry, [counting().source], {
      intervalMs: Infinity,
      prefix: 'app_',
      labels: { worker: 3 },
    });
    expect(valuesOf(registry.read(), 'app_reads_total')).toEqual({ 'worker=3': 1 });
    expect(valuesOf(registry.read(), 'app_level')).toEqual({ 'worker=3': 7 });
  });

  test('have the same metrics on threads that name the labels in another order', () => {
    const registry = newRegistry();
    const other = Registry.attach(registry.handle);
    const options = { intervalMs: Infinity };
    using _a = startSources(registry, [counting().source], { ...options, labels: { b: 1, a: 2 } });
    using _b = startSources(other, [counting().source], { ...options, labels: { a: 2, b: 1 } });
    expect(valuesOf(registry.read(), 'reads_total')).toEqual({ 'a=2,b=1': 2 });
  });

  test('that are disposed leave counts, and no gauges, timers, observers or listeners', async () => {
    const timers = new FakeTimers();
    const host = fakeHost();
    const registry = newRegistry();
    const aborting = new AbortController();
    const { signal } = aborting;
    const sources = collectDefaults(registry, { timers, signal }, host);
    expect([timers.running.size, host.observers, getEventListeners(signal, 'abort').length]).toEqual([
      3, // two intervals, and what limits the sample that has begun
      { gc: 1, delay: 1 },
      1,
    ]);
    host.collect({ kind: 1, durationMs: 2 });
    sources[Symbol.dispose]();
    sources[Symbol.dispose]();
    expect([timers.running.size, host.observers, getEventListeners(signal, 'abort').length]).toEqual([
      0,
      { gc: 0, delay: 0 },
      0,
    ]);
    const gauges = registry.read().metrics.filter(({ type }) => type === 'gauge');
    expect(gauges.filter(({ series }) => series.length > 0)).toEqual([]);
    expect(gauges.length).toBeGreaterThan(20);
    expect(valueOf(registry, 'process_cpu_seconds_total')).toBe(1.5);
    expect(valueOf(registry, 'nodejs_gc_duration_seconds')).toBe(1);
    await expect(sources.sample()).rejects.toThrow(SourcesDisposedError);
    expect(new Set(sources.capabilities().map(({ status }) => status))).toEqual(new Set(['absent']));
  });

  test('end with the signal; one that is aborted already starts nothing', () => {
    const timers = new FakeTimers();
    const aborting = new AbortController();
    const registry = newRegistry();
    const { source, events } = counting();
    startSources(registry, [source], { timers, signal: aborting.signal });
    const reason = new Error('enough');
    aborting.abort(reason);
    expect(events).toEqual(['open', 'sample', 'close']);
    expect(timers.running.size).toBe(0);
    expect(() => startSources(registry, [source], { timers, signal: aborting.signal })).toThrow(reason);
    expect(events).toHaveLength(3);
  });

  test('end when the registry is disposed under them', () => {
    const timers = new FakeTimers();
    const registry = newRegistry();
    const { source, events } = counting();
    startSources(registry, [source], { intervalMs: 100, timers });
    registry[Symbol.dispose]();
    timers.fire(100);
    expect(events).toEqual(['open', 'sample', 'sample', 'close']);
    expect(timers.running.size).toBe(0);
  });

  test('throw nothing at a process whose registry is disposed or full, whoever calls them back', async () => {
    const host = fakeHost();
    const timers = new FakeTimers();
    const full = Registry.create(Arena.create({ bytes: 1 << 20 }), { series: 24 });
    using sources = collectDefaults(
      full,
      { intervalMs: 100, timers, sources: ['gc', 'eventLoopDelay'] },
      host,
    );
    const kinds = full.counter({ name: 'kinds_total', help: 'Fills it', labels: ['kind'] });
    expect(() => Array.from({ length: 30 }, (_, i) => kinds.labels(i))).toThrow('all 24 series are taken');
    host.collect({ kind: 4, durationMs: 1 });
    timers.fire(100);
    expect(sources.capabilities()).toMatchObject([
      { status: 'failing', reason: expect.stringContaining('no room for series') },
      { status: 'active' },
    ]);
    const sampled = sources.sample();
    full[Symbol.dispose]();
    host.collect({ kind: 1, durationMs: 1 });
    await sampled;
    await expect(sources.sample()).rejects.toThrow(RegistryDisposedError);
    timers.fire(100);
    expect(timers.running.size).toBe(0);
  });

  test('of a disabled registry read nothing', async () => {
    const host = fakeHost();
    const timers = new FakeTimers();
    const registry = Registry.disabled();
    using sources = collectDefaults(registry, { timers, processWide: true }, host);
    await sources.sample();
    expect([timers.running.size, host.observers]).toEqual([0, { gc: 0, delay: 0 }]);
    expect(registry.read().metrics).toEqual([]);
    for (const { status, reason } of sources.capabilities())
      expect([status, reason]).toEqual(['absent', 'the registry is disabled']);
  });

  test('fit sixty metrics and two hundred series, on a real machine', async () => {
    const registry = Registry.create(Arena.create({ bytes: 4 << 20 }), { series: 200, metrics: 60 });
    using sources = collectDefaults(registry, { intervalMs: Infinity });
    await sources.sample();
    expect(sources.capabilities().filter(({ status }) => status === 'failing')).toEqual([]);
  });

  test('one that throws stops no other, is told as failing, and is tried again', async () => {
    const timers = new FakeTimers();
    const registry = newRegistry();
    const outcomes: (() => void | Promise<void>)[] = [
      () => {
        throw new Error('no figures');
      },
      () => Promise.reject(new Error('later')),
      () => {},
    ];
    const failing = counting({ name: 'failing', onSample: () => outcomes.shift()?.() });
    const other = counting({
      name: 'other',
      open: (metrics) => {
        const reads = metrics.counter({ name: 'other_reads_total', help: 'Reads' })();
        return { sample: () => reads.inc() };
      },
    });
    using sources = startSources(registry, [failing.source, other.source], { intervalMs: 100, timers });
    const state = () => sources.capabilities().map(({ status, reason }) => [status, reason]);
    expect(state()).toEqual([
      ['failing', 'no figures'],
      ['active', null],
    ]);
    await sources.sample();
    expect(state()[0]).toEqual(['failing', 'later']);
    await sources.sample();
    expect(state()[0]).toEqual(['active', null]);
    expect(valueOf(registry, 'other_reads_total')).toBe(3);
  });

  test('one that is not done yet is not read again meanwhile', async () => {
    const timers = new FakeTimers();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { source, events } = counting({ onSample: () => promise });
    using sources = startSources(newRegistry(), [source], { intervalMs: 100, timers });
    timers.fire(100);
    timers.fire(100);
    expect(events).toEqual(['open', 'sample']);
    resolve();
    await sources.sample();
    timers.fire(100);
    expect(events.filter((event) => event === 'sample').length).toBe(2);
  });

  test('one whose end throws keeps no other from ending, and nobody from starting again', () => {
    const host = fakeHost();
    const timers = new FakeTimers();
    const registry = newRegistry();
    const broken: Source = {
      name: 'broken',
      scope: 'process',
      open: () => ({
        sample: () => {},
        close: () => {
          throw new Error('no end');
        },
      }),
    };
    const { source, events } = counting();
    const sources = startSources(registry, [broken, source], { timers });
    expect(() => sources[Symbol.dispose]()).toThrow('no end');
    expect([timers.running.size, events.at(-1)]).toEqual([0, 'close']);
    sources[Symbol.dispose]();
    using again = collectDefaults(registry, { timers, processWide: true, sources: ['processInfo'] }, host);
    expect(again.capabilities()).toMatchObject([{ status: 'active' }]);
  });

  test('run once with the same names and labels, and again after disposal', () => {
    const registry = newRegistry();
    const options = { intervalMs: Infinity };
    const first = startSources(registry, [counting().source], options);
    expect(() => startSources(registry, [counting().source], options)).toThrow(SourceRunningError);
    expect(() => startSources(registry, [counting().source], options)).toThrow(
      "source counting runs on this thread already, with prefix '' and labels {}",
    );
    startSources(registry, [counting().source], { ...options, prefix: 'other_' })[Symbol.dispose]();
    first[Symbol.dispose]();
    using again = startSources(registry, [counting().source], options);
    expect(again.capabilities()).toMatchObject([{ status: 'active' }]);
    expect(valueOf(registry, 'reads_total')).toBe(2);
  });

  test('that cannot start leave nothing running', () => {
    const host = fakeHost();
    const timers = new FakeTimers();
    const registry = newRegistry();
    registry.counter({ name: 'nodejs_heap_size_used_bytes', help: 'Of another type' });
    expect(() => collectDefaults(registry, { timers }, host)).toThrow(/is defined as counter/);
    expect([host.observers, timers.running.size]).toEqual([{ gc: 0, delay: 0 }, 0]);
    using sources = collectDefaults(registry, { timers, sources: ['gc'] }, host);
    expect(sources.capabilities()).toHaveLength(1);
  });

  test('that are disposed by one of them in the middle of a sample leave no gauges', () => {
    const timers = new FakeTimers();
    const registry = newRegistry();
    let isLast = false;
    const ending = counting({ onSample: () => (isLast ? sources[Symbol.dispose]() : undefined) });
    const sources = startSources(registry, [ending.source], { intervalMs: 100, timers });
    isLast = true;
    timers.fire(100);
    expect(ending.events).toEqual(['open', 'sample', 'sample', 'close']);
    expect(valueOf(registry, 'corelane_sources_sampled_timestamp_seconds')).toBeUndefined();
  });
});
