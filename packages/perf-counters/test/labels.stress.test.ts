// Real workers meet more label values than a metric may have, all at once and each in an order of its own.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { OVERFLOW_LABEL, Registry, type ValueMetric } from '../src/index.ts';
import type { LabellerData } from './worker/labeller.ts';

const THREADS = 3;
const METRICS = 60;
const MAX_SERIES = 2;
const VALUES = Array.from({ length: 6 }, (_, i) => `user-${i}`);

/** Whoever starts elsewhere races for other series. */
function rotated(by: number): string[] {
  return [...VALUES.slice(by), ...VALUES.slice(0, by)];
}

test('values within the limit are counted by all threads in their series, all others in the overflow series, and none is lost', async () => {
  const registry = Registry.create(Arena.create({ bytes: 32 << 20 }), {
    series: 3000,
    writers: THREADS + 1,
    metrics: 3 * METRICS,
  });
  const arrived = new Int32Array(new SharedArrayBuffer(4));
  const workers = Array.from({ length: THREADS }, (_, i) => {
    const workerData: LabellerData = {
      handle: registry.handle,
      arrived,
      threads: THREADS,
      metrics: METRICS,
      values: rotated(2 * i),
      maxSeries: MAX_SERIES,
    };
    return new Worker(new URL('./worker/labeller.ts', import.meta.url), {
      workerData,
      execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
    });
  });
  await Promise.all(workers.map((worker) => once(worker, 'exit')));

  const { metrics } = registry.read();
  const counted = (name: string): Map<string, number> => {
    const { series } = metrics.find((each) => each.name === name) as ValueMetric;
    return new Map(series.map(({ labels, value }) => [labels['user'] as string, value]));
  };
  for (let metric = 0; metric < METRICS; metric++) {
    for (const name of [`users${metric}_total`, `user${metric}_calls_total`]) {
      const found = counted(name);
      expect(found.get(OVERFLOW_LABEL)).toBe((VALUES.length - MAX_SERIES) * THREADS);
      found.delete(OVERFLOW_LABEL);
      expect([...found.values()]).toEqual(Array(MAX_SERIES).fill(THREADS));
    }
    // A timer of samples counts the calls of a series in the series of the same name.
    const timed = metrics.find(({ name }) => name === `user${metric}_seconds`);
    const names = timed?.series.map(({ labels }) => labels['user'] as string);
    expect(new Set(names)).toEqual(new Set(counted(`user${metric}_calls_total`).keys()));
  }
});
