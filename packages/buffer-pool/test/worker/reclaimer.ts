// Reclaims whom it is told to, as several do at once, until it is killed. Words of `orders`: how many there were, the owner, how many were done.
import { workerData } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { BufferPool, OwnersExhaustedError, type BufferPoolHandle } from '../../src/index.ts';
import { arrive, type Station } from '../../../../tools/testing/crew.ts';

const { handle, orders, id, control } = workerData as {
  handle: BufferPoolHandle;
  orders: Int32Array;
} & Station;
const pool = BufferPool.attach(handle, Arena.attach(handle.arena));
try {
  if (id % 2 === 0) void pool.owner; // the others have no number of their own
} catch (error) {
  if (!(error instanceof OwnersExhaustedError)) throw error;
}
arrive({ id, control });
for (let seen = 0; ; seen++) {
  Atomics.wait(orders, 0, seen);
  pool.reclaim(Atomics.load(orders, 1));
  Atomics.add(orders, 2, 1);
  Atomics.notify(orders, 2);
}
