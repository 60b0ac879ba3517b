import { parentPort, workerData } from 'node:worker_threads';
import { MemoryTracker, MemoryUnderflowError, type MemoryTrackerHandle } from '../../src/index.ts';

export interface ChurnData {
  readonly handle: MemoryTrackerHandle;
  /** Word 0: may start. Word 1: rounds that an endless worker has finished. */
  readonly go: Int32Array;
  readonly rounds: number;
  readonly isEndless: boolean;
  /** Instead: frees 1 byte of `shared` as often as that is granted, in `rounds` attempts, and reports how often it was. */
  readonly isDraining?: boolean;
}

/** Each round allocates `2 * LARGE` and `SMALL`, and frees `LARGE` and `SMALL`. */
export const LARGE = 3 * 2 ** 20;
export const SMALL = 7;

function drain(tracker: MemoryTracker, rounds: number): number {
  const shared = tracker.tag('shared');
  let granted = 0;
  for (let round = 0; round < rounds; round++) {
    try {
      shared.dealloc(1);
      granted++;
    } catch (error) {
      if (!(error instanceof MemoryUnderflowError)) throw error;
    }
  }
  return granted;
}

const { handle, go, rounds, isEndless, isDraining = false } = (workerData ?? {}) as ChurnData;
if (handle !== undefined) {
  const tracker = MemoryTracker.attach(handle);
  const large = tracker.tag('large');
  const small = tracker.tag('small');
  parentPort?.postMessage(tracker.worker);
  Atomics.wait(go, 0, 0);
  if (isDraining) parentPort?.postMessage(drain(tracker, rounds));
  const end = isDraining ? 0 : isEndless ? Infinity : rounds;
  for (let round = 0; round < end; round++) {
    large.alloc(2 * LARGE);
    small.alloc(SMALL);
    large.dealloc(LARGE);
    small.dealloc(SMALL);
    if (isEndless) Atomics.store(go, 1, round + 1);
  }
  tracker[Symbol.dispose]();
}
