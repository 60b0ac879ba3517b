// Real workers meet more label values than a metric may have, all at once and each in an order of its own.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { OVERFLOW_LABEL, Registry, type ValueMetric } from '../src/index.ts';
import type { LabellerData } from './worker/labeller.ts';

const THREADS = 3;
const ROUNDS = 40;
const MAX_SERIES = 8;
const VALUES = Array.from({ length: 32 }, (_, i) => `user-${i}`);

/** Whoever starts elsewhere races for other series. */
function rotated(by: number): string[] {
  return [...VALUES.slice(by), ...VALUES.slice(0, by)];
}

test('values within the limit are counted by all threads in their series, all others in the overflow series, and none is lost', async () => {
  const arena = Arena.create({ bytes: 4 << 20 });
  const registry = Registry.create(arena, { series: 200, writers: THREADS + 1 });
  const go = new Int32Array(new SharedArrayBuffer(4));
  const workers = Array.from({ length: THREADS }, (_, i) => {
    const workerData: LabellerData = {
      handle: registry.handle,
      go,
      values: rotated(i * 11),
      maxSeries: MAX_SERIES,
      rounds: ROUNDS,
    };
    return new Worker(new URL('./worker/labeller.ts', import.meta.url), {
      workerData,
      execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
    });
  });
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const exits = workers.map((worker) => once(worker, 'exit'));
  Atomics.store(go, 0, 1);
  Atomics.notify(go, 0);
  await Promise.all(exits);

  const { metrics } = registry.read();
  const counted = (name: string): Map<string, number> => {
    const { series } = metrics.find((each) => each.name === name) as ValueMetric;
    return new Map(series.map(({ labels, value }) => [labels['user'] as string, value]));
  };
  for (const name of ['users_total', 'user_calls_total']) {
    const found = counted(name);
    const other = found.get(OVERFLOW_LABEL) ?? 0;
    found.delete(OVERFLOW_LABEL);
    expect(found.size).toBe(MAX_SERIES);
    expect([...found.values()]).toEqual(Array(MAX_SERIES).fill(THREADS * ROUNDS));
    expect(other).toBe((VALUES.length - MAX_SERIES) * THREADS * ROUNDS);
  }
  // A timer of samples counts the calls of a series in the series of the same name.
  const timed = metrics.find((each) => each.name === 'user_seconds');
  const names = timed?.series.map(({ labels }) => labels['user'] as string);
  expect(new Set(names)).toEqual(new Set(counted('user_calls_total').keys()));
});
