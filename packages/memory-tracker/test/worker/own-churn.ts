import { parentPort, workerData } from 'node:worker_threads';
import { MemoryTracker, type MemoryTrackerHandle } from '../../src/index.ts';

export interface OwnChurnData {
  readonly handle: MemoryTrackerHandle;
  /** Word 0: may start. Word 1: rounds that are finished. */
  readonly go: Int32Array;
  readonly rounds: number;
}

/** Crosses 2^31 every ten rounds or so: carries too happen while others read. */
export const BLOCK = 100 * 2 ** 20;

/** Each round allocates two blocks and frees them, and keeps a byte. */
const { handle, go, rounds } = (workerData ?? {}) as OwnChurnData;
if (handle !== undefined) {
  const tracker = MemoryTracker.attach(handle);
  const own = tracker.tag('own');
  parentPort?.postMessage(tracker.worker);
  Atomics.wait(go, 0, 0);
  for (let round = 0; round < rounds; round++) {
    own.alloc(BLOCK);
    own.alloc(BLOCK);
    own.dealloc(BLOCK);
    own.dealloc(BLOCK);
    own.alloc(1);
    if (rounds === Infinity) Atomics.store(go, 1, round + 1);
  }
  tracker[Symbol.dispose]();
}
