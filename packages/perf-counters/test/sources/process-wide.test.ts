// The figures of the process: published by one thread at a time, counted once.
import { describe, expect, test } from 'vitest';
import { Registry } from '../../src/index.ts';
import { collectDefaults, ProcessClaimedError, type DefaultsOptions } from '../../src/sources/index.ts';
import { fakeHost, FakeTimers, newRegistry, valueOf, valuesOf } from './fake-host.ts';

const NAMES = ['processCpu', 'processMemory', 'processResources', 'fileDescriptors', 'processInfo'] as const;

function setUp(): {
  host: ReturnType<typeof fakeHost>;
  registries: [Registry, Registry];
  start: typeof start;
} {
  const host = fakeHost();
  const registry = newRegistry();
  const start = (on: Registry, options: DefaultsOptions = {}) =>
    collectDefaults(on, { sources: NAMES, intervalMs: Infinity, ...options }, host);
  return { host, registries: [registry, Registry.attach(registry.handle)], start };
}

describe('the figures of the process', () => {
  test('are published by the first, and the second says by whom', async () => {
    const { registries, start } = setUp();
    const [a, b] = registries;
    using _first = start(a);
    using second = start(b);
    await second.sample();
    expect(valuesOf(a.read(), 'process_cpu_seconds_total')).toEqual({ '': 1.5 });
    expect(a.read().metrics.find(({ name }) => name === 'process_open_fds')?.series).toMatchObject([
      { value: 17, byWriter: [{ writer: a.writer }] },
    ]);
    expect(second.capabilities()).toHaveLength(NAMES.length);
    for (const { status, reason } of second.capabilities()) {
      expect(status).toBe('elsewhere');
      expect(reason).toMatch(/^writer 0 on thread \d+ publishes the figures of the process$/);
    }
  });

  test('go over to another thread when their holder is done, and nothing is counted twice or lost', () => {
    const { host, registries, start } = setUp();
    const [a, b] = registries;
    const timers = new FakeTimers();
    const first = start(a, { labels: { worker: 'a' } });
    using second = start(b, { labels: { worker: 'b' }, intervalMs: 100, timers });
    host.now.cpu = { user: 2_000_000, system: 600_000 };
    first[Symbol.dispose]();
    host.now.cpu = { user: 4_000_000, system: 700_000 };
    timers.fire(100);
    expect(second.capabilities().map(({ status }) => status)).toEqual(NAMES.map(() => 'active'));
    // The first had counted 1.5 at its start.
    expect(valuesOf(a.read(), 'process_cpu_seconds_total')).toEqual({ 'worker=a': 1.5, 'worker=b': 3.2 });
    expect(valuesOf(a.read(), 'process_cpu_user_seconds_total')).toEqual({ 'worker=a': 1, 'worker=b': 3 });
    expect(valuesOf(a.read(), 'process_resident_memory_bytes')).toEqual({ 'worker=b': 2000 * 1024 });
  });

  test('go over to another thread when the writer of a dead holder is reclaimed, not before', async () => {
    const { registries, start } = setUp();
    const [a, b] = registries;
    start(a); // and its thread dies: nothing of it runs any more
    using second = start(b);
    await second.sample();
    expect(second.capabilities()[0]?.status).toBe('elsewhere');
    expect(b.reclaim(a.writer)).toBe(true);
    await second.sample();
    expect(second.capabilities()[0]?.status).toBe('active');
    expect(valueOf(b, 'process_cpu_seconds_total')).toBe(1.5);
    const heir = Registry.attach(b.handle);
    expect(heir.writer).toBe(a.writer);
    using third = start(heir);
    expect(third.capabilities()[0]?.status).toBe('elsewhere');
  });

  test('by kind are followed by kind', () => {
    const { host, registries, start } = setUp();
    const [a, b] = registries;
    start(a)[Symbol.dispose]();
    host.now.switches = { voluntary: 25, involuntary: 6 };
    using _second = start(b);
    expect(valuesOf(a.read(), 'process_context_switches_total')).toEqual({
      'kind=voluntary': 25,
      'kind=involuntary': 6,
    });
  });

  test('where this thread must publish them, another that does is an error with its name', () => {
    const { registries, start } = setUp();
    const [a, b] = registries;
    const first = start(a, { processWide: true });
    expect(() => start(b, { processWide: true })).toThrow(ProcessClaimedError);
    expect(() => start(a, { processWide: true, prefix: 'again_' })).toThrow(
      /^the figures of the process are published by writer 0 on thread \d+, expected nobody$/,
    );
    first[Symbol.dispose]();
    using _second = start(b, { processWide: true });
  });

  test('are left alone where this thread must not', async () => {
    const { registries, start } = setUp();
    const [a, b] = registries;
    using first = start(a, { processWide: false });
    await first.sample();
    expect(first.capabilities()[0]).toMatchObject({ status: 'elsewhere', reason: 'processWide is false' });
    using second = start(b);
    expect(second.capabilities()[0]?.status).toBe('active');
  });
});
