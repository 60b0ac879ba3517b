import { once } from 'node:events';
import { PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { GCProfiler } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { expect, test, vi } from 'vitest';
import { GcTrackerDisposedError, trackGc } from '../src/index.ts';
import { summarize } from '../src/gc-tracker.ts';
import { collectGarbage } from './collect-garbage.ts';

const kept: { value: unknown } = { value: undefined };
const garbage = (objects: number): void => {
  for (let i = 0; i < objects; i++) kept.value = { i, half: [i / 2] };
};

test('a window counts its collections at once, with their kinds, pauses and bytes', () => {
  using gc = trackGc();
  garbage(400_000);
  collectGarbage();
  const summary = gc.stop();
  const { minor, major } = summary.byKind;
  expect(minor!.count).toBeGreaterThan(0);
  expect(major!.count).toBeGreaterThanOrEqual(1);
  expect(summary.count).toBe(Object.values(summary.byKind).reduce((sum, { count }) => sum + count, 0));
  expect(summary.freedBytes).toBeGreaterThan(10e6);
  expect(summary.maxPauseMs).toBe(Math.max(...Object.values(summary.byKind).map((each) => each.maxPauseMs)));
  expect(summary.pauseMs).toBeLessThanOrEqual(summary.elapsedMs);
  expect(summary.pauseShare).toBeCloseTo(summary.pauseMs / summary.elapsedMs, 10);
  expect(summary.p99PauseMs).toBeUndefined();
  collectGarbage();
  expect(gc.stop()).toBe(summary);
});

test('a window without a collection has none', () => {
  using gc = trackGc({ now: () => 7 });
  expect(gc.stop()).toEqual({
    count: 0,
    pauseMs: 0,
    maxPauseMs: 0,
    freedBytes: 0,
    byKind: {},
    p50PauseMs: undefined,
    p99PauseMs: undefined,
    elapsedMs: 0,
    pauseShare: 0,
  });
});

test('it says what a PerformanceObserver says later', async () => {
  const entries: PerformanceEntry[] = [];
  const observer = new PerformanceObserver((list) => void entries.push(...list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  // What is under way reports before, not in the window.
  await new Promise((resolve) => setImmediate(resolve));
  entries.length = 0;
  const gc = trackGc();
  for (let i = 0; i < 5; i++) collectGarbage();
  const summary = gc.stop();
  while (entries.length < summary.count) await new Promise((resolve) => setImmediate(resolve));
  observer.disconnect();
  const observedMs = entries.slice(0, summary.count).reduce((sum, { duration }) => sum + duration, 0);
  expect(summary.count).toBeGreaterThanOrEqual(5);
  // The observer's clock runs around V8's own.
  expect(summary.pauseMs).toBeGreaterThan(0);
  expect(summary.pauseMs).toBeLessThanOrEqual(observedMs * 1.05);
});

test('percentiles are named with ten samples beyond them', () => {
  using gc = trackGc();
  for (let i = 0; i < 25; i++) collectGarbage('minor');
  const { p50PauseMs, maxPauseMs, count } = gc.stop();
  expect(count).toBeGreaterThanOrEqual(25);
  expect(p50PauseMs).toBeGreaterThan(0);
  expect(p50PauseMs).toBeLessThanOrEqual(maxPauseMs);
});

test('a window that was disposed has no summary, and V8 describes its heap no more', () => {
  using stop = vi.spyOn(GCProfiler.prototype, 'stop');
  const gc = trackGc();
  gc[Symbol.dispose]();
  gc[Symbol.dispose]();
  expect(stop).toHaveBeenCalledTimes(1);
  expect(() => gc.stop()).toThrow(GcTrackerDisposedError);
});

test('works in a worker thread', async () => {
  const worker = new Worker(new URL('./zero-allocation.worker.ts', import.meta.url), {
    execArgv: ['--conditions=@corelane/source'],
    workerData: 'gc',
  });
  const [collections] = (await once(worker, 'message')) as [number];
  expect(collections).toBeGreaterThan(0);
  await worker.terminate();
});

test.each([
  [19, undefined, undefined],
  [20, 10, undefined],
  [999, 500, undefined],
  [1000, 500, 990],
])(
  'of %d pauses of 1, 2, 3 … ms half are at most %s, and 99 %% at most %s',
  (count, p50PauseMs, p99PauseMs) => {
    const collections = Array.from({ length: count }, (_, i) => ({
      kind: 'minor' as const,
      pauseMs: count - i,
      freedBytes: 0,
    }));
    expect(summarize(collections, 1e9)).toMatchObject({ count, maxPauseMs: count, p50PauseMs, p99PauseMs });
  },
);
