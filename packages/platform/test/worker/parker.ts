// A worker that parks another: once, or at each turn of word 1.
import { parentPort, workerData } from 'node:worker_threads';
import { type ParkOptions, type ParkTicket, park } from '../../src/experimental.ts';

export interface ParkerData {
  readonly ticket: ParkTicket;
  readonly options: Omit<ParkOptions, 'signal'>;
  /** Word 0: number of the round, which starts when it changes. */
  readonly words: Int32Array;
  readonly rounds: number;
}

const { ticket, options, words, rounds } = workerData as ParkerData;
parentPort?.postMessage('ready');
for (let round = 0; round < rounds; round++) {
  Atomics.wait(words, 0, round);
  parentPort?.postMessage(park(ticket, options));
}
