// A thread that never yields, with one hot function that has a name, in a worker or wherever this is imported. It says when it begins.
import { parentPort, workerData } from 'node:worker_threads';

const flag = new Int32Array(workerData as SharedArrayBuffer);

export function hotInTheWorker(untilStopped: Int32Array): number {
  let x = 1;
  // The flag is looked at seldom: what is sampled is this function.
  for (let i = 1; i % 1024 !== 0 || Atomics.load(untilStopped, 0) === 0; i++) x = (Math.imul(x, 31) + i) | 0;
  return x;
}

parentPort?.postMessage('spinning');
parentPort?.postMessage(hotInTheWorker(flag));
