// How late timers and I/O of a thread are while it does something else: the same with every contestant.
import { open } from 'node:fs/promises';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Metric } from '../../suite.ts';

const TIMER_MS = 1;
const READ_BYTES = 4096;
/** A percentile is told with at least so many samples beyond it. */
const LEAST_BEYOND = 10;

export interface Delays {
  /** Between when a timer was due and when it ran. */
  readonly timers: RecordableHistogram;
  /** From asking for 4 KiB of a file in the page cache until they are there. */
  readonly reads: RecordableHistogram;
}

/** Observes this thread for so long. */
export async function observeDelays(milliseconds: number, file: string): Promise<Delays> {
  const delays = { timers: createHistogram(), reads: createHistogram() };
  const end = performance.now() + milliseconds;
  await Promise.all([watchTimers(delays.timers, end), watchReads(delays.reads, file, end)]);
  return delays;
}

function record(histogram: RecordableHistogram, milliseconds: number): void {
  histogram.record(Math.max(1, Math.round(milliseconds * 1e6)));
}

function watchTimers(histogram: RecordableHistogram, end: number): Promise<void> {
  return new Promise((resolve) => {
    const set = (): void => {
      const due = performance.now() + TIMER_MS;
      setTimeout(() => {
        const now = performance.now();
        record(histogram, now - due);
        if (now < end) set();
        else resolve();
      }, TIMER_MS);
    };
    set();
  });
}

async function watchReads(histogram: RecordableHistogram, path: string, end: number): Promise<void> {
  await using file = await open(path);
  const buffer = Buffer.alloc(READ_BYTES);
  for (let before = performance.now(); before < end; before = performance.now()) {
    await file.read(buffer, 0, READ_BYTES, 0);
    record(histogram, performance.now() - before);
    await new Promise((resolve) => setTimeout(resolve, TIMER_MS));
  }
}

export function delayMetrics({ timers, reads }: Delays): Readonly<Record<string, Metric>> {
  const metrics: Record<string, Metric> = {};
  for (const [name, histogram] of [
    ['timer', timers],
    ['read', reads],
  ] as const) {
    for (const percent of [50, 99])
      if (histogram.count * (1 - percent / 100) >= LEAST_BEYOND)
        metrics[`${name} p${percent}`] = { value: histogram.percentile(percent) / 1000, unit: 'µs' };
    metrics[`${name}s`] = { value: histogram.count, unit: 'served' };
    if (histogram.count > 0) metrics[`${name} max`] = { value: histogram.max / 1000, unit: 'µs' };
  }
  return metrics;
}
