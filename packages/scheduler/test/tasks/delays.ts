// A timer in each worker that records how late it is.
import { workerData } from 'node:worker_threads';
import type { RecordableHistogram } from 'node:perf_hooks';
import { defineTasks } from '../../src/index.ts';

const EVERY_MS = 1;

/** How late a timer is that is set anew each time; at least 1 ns, as histograms want it. @returns what ends it */
export function recordTimers(lateNs: RecordableHistogram): () => void {
  let due = performance.now() + EVERY_MS;
  const onTime = (): void => {
    const now = performance.now();
    lateNs.record(Math.max(1, Math.round((now - due) * 1e6)));
    due = now + EVERY_MS;
    timer = setTimeout(onTime, EVERY_MS);
  };
  let timer = setTimeout(onTime, EVERY_MS);
  return () => clearTimeout(timer);
}

export const delays = defineTasks(import.meta.url, {
  double: (n: number) => 2 * n,
  /** The histogram is that of the thread which made it: both write and read the same. */
  startTimer(): void {
    recordTimers(workerData as RecordableHistogram);
  },
});
