/** A worker that never yields: allows others to park it, then counts until it is told to stop through shared memory. */
import { parentPort, workerData } from 'node:worker_threads';
import { threadId } from '@corelane/platform';
import { Parkable } from '@corelane/platform/experimental';

const shared = workerData as Int32Array;
const parkable = Parkable.register();
parentPort?.postMessage({
  tid: threadId(),
  ticket: parkable.status === 'verified' ? { status: 'verified', value: parkable.value.ticket } : parkable,
});
while (Atomics.load(shared, 0) === 0) Atomics.add(shared, 1, 1);
