import { workerData } from 'node:worker_threads';
import type { Affinity } from '../../src/index.ts';
import { COUNTS } from './words.ts';

const affinity: Affinity = {
  async place({ worker, threads }) {
    await Promise.resolve();
    if (threads === 2) Atomics.add(workerData as Int32Array, COUNTS + worker, 1);
  },
};

export default affinity;
