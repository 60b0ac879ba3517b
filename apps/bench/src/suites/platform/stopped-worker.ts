// A worker that counts, is parked, and stops by itself where it is asked to.
import { Parkable, type ParkTicket } from '@corelane/platform/experimental';
import { parentPort, workerData } from 'node:worker_threads';
import { STOP_BLOCK, type StoppedData } from './stop-words.ts';

/** What it says when it is ready: its ticket, if it has one, or why it has none. */
export type StoppedReady = { readonly ticket: ParkTicket | null } | { readonly lacking: string };

const { block, parkable } = workerData as StoppedData;
const words = new Int32Array(block);

function ready(): StoppedReady {
  if (!parkable) return { ticket: null };
  const registration = Parkable.register();
  return registration.status === 'verified'
    ? { ticket: registration.value.ticket }
    : { lacking: `${registration.status}: ${registration.reason}` };
}

parentPort?.postMessage(ready());
while (true) {
  Atomics.add(words, STOP_BLOCK.rounds, 1);
  if (Atomics.load(words, STOP_BLOCK.asked) === 0) continue; // observe: pairs with the store in stopping.ts
  Atomics.store(words, STOP_BLOCK.stopped, 1); // publish: pairs with the load in stopping.ts
  while (Atomics.load(words, STOP_BLOCK.asked) === 1) Atomics.wait(words, STOP_BLOCK.asked, 1);
  Atomics.store(words, STOP_BLOCK.stopped, 0);
}
