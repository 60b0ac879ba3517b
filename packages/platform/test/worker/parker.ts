// A worker that parks another at each turn of a word, and posts the answer.
import { parentPort, workerData } from 'node:worker_threads';
import { type ParkOptions, type ParkTicket, park } from '../../src/experimental.ts';

export interface ParkerData {
  readonly ticket: ParkTicket;
  readonly options: Omit<ParkOptions, 'signal'>;
  /** Word 0: counts the turns. */
  readonly words: Int32Array;
}

const { ticket, options, words } = workerData as ParkerData;
parentPort?.postMessage('ready');
for (let round = 0; ; round++) {
  Atomics.wait(words, 0, round);
  parentPort?.postMessage(park(ticket, options));
}
