import { parentPort, workerData } from 'node:worker_threads';
import { MemoryBudgetError, MemoryTracker, type MemoryTrackerHandle } from '../../src/index.ts';

export interface FillData {
  readonly handle: MemoryTrackerHandle;
  /** Word 0: may start. */
  readonly go: Int32Array;
  readonly rounds: number;
}

/** Each round takes blocks of 11 bytes, of ten as many as the limit of 100 grants, and gives them back. */
const { handle, go, rounds } = (workerData ?? {}) as FillData;
if (handle !== undefined) {
  const tracker = MemoryTracker.attach(handle);
  const pool = tracker.tag('pool');
  const told = { soft: 0, recovered: 0, refused: 0 };
  tracker.budget('pool', {
    onSoft: () => void told.soft++,
    onRecover: () => void told.recovered++,
    onHard: () => void told.refused++,
  });
  parentPort?.postMessage('ready');
  Atomics.wait(go, 0, 0);
  for (let round = 0; round < rounds; round++) {
    let held = 0;
    for (let block = 0; block < 10; block++) {
      try {
        pool.alloc(11);
        held++;
      } catch (error) {
        if (!(error instanceof MemoryBudgetError)) throw error;
      }
    }
    for (; held > 0; held--) pool.dealloc(11);
  }
  tracker[Symbol.dispose]();
  parentPort?.postMessage(told);
}
