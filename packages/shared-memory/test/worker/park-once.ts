// Parks once and reports how that ended.
import { parentPort, workerData } from 'node:worker_threads';
import { Parker } from '../../src/index.ts';

const parker = Parker.attach(workerData);
const sequence = parker.prepare();
parentPort!.postMessage(
  workerData.async ? await parker.parkAsync(sequence, { ref: true }) : parker.park(sequence),
);
