import { parentPort, workerData } from 'node:worker_threads';
import { MemoryTracker, type MemoryTrackerHandle } from '../../src/index.ts';

export interface ChurnData {
  readonly handle: MemoryTrackerHandle;
  /** Word 0: may start. Word 1: rounds that an endless worker has finished. */
  readonly go: Int32Array;
  readonly rounds: number;
  readonly isEndless: boolean;
}

/** Each round allocates `2 * LARGE` and `SMALL`, and frees `LARGE` and `SMALL`. */
export const LARGE = 3 * 2 ** 20;
export const SMALL = 7;

const { handle, go, rounds, isEndless } = (workerData ?? {}) as ChurnData;
if (handle !== undefined) {
  const tracker = MemoryTracker.attach(handle);
  const large = tracker.tag('large');
  const small = tracker.tag('small');
  parentPort?.postMessage(tracker.worker);
  Atomics.wait(go, 0, 0);
  const end = isEndless ? Infinity : rounds;
  for (let round = 0; round < end; round++) {
    large.alloc(2 * LARGE);
    small.alloc(SMALL);
    large.dealloc(LARGE);
    small.dealloc(SMALL);
    if (isEndless) Atomics.store(go, 1, round + 1);
  }
  tracker[Symbol.dispose]();
}
