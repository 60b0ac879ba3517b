// A worker that counts for as long as it is told to.
import { threadId } from '@corelane/platform';
import { parentPort, workerData } from 'node:worker_threads';
import { SPIN_BLOCK, type SpinnerData, type SpinnerReady } from './spin-words.ts';

const STEPS = 1000;

const { block } = workerData as SpinnerData;
const words = new BigInt64Array(block);
const id = threadId();
const ready: SpinnerReady = id.status === 'verified' ? { tid: id.value } : { lacking: id.reason };
parentPort?.postMessage(ready);

let sum = 0;
let phase = 0n;
while (true) {
  Atomics.wait(words, SPIN_BLOCK.phase, phase);
  phase = Atomics.load(words, SPIN_BLOCK.phase); // observe: pairs with Spinner.go and Spinner.rest
  while (phase % 2n === 1n) {
    for (let step = 0; step < STEPS; step++) sum = (sum * 31 + step) | 0;
    Atomics.add(words, SPIN_BLOCK.rounds, sum === 0.5 ? 2n : 1n); // the sum is used, so the loop stays
    phase = Atomics.load(words, SPIN_BLOCK.phase);
  }
  Atomics.store(words, SPIN_BLOCK.rested, phase); // publish: pairs with the load in Spinner.rest
  Atomics.notify(words, SPIN_BLOCK.rested);
}
