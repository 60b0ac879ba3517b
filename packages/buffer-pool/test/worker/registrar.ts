// Comes and goes: registers, so that slots are given out again as soon as they are free, leases, and disposes, until it is killed.
import { workerData } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { BufferPool, NO_LEASE, OwnersExhaustedError, type BufferPoolHandle } from '../../src/index.ts';
import { arrive, type Station } from '../../../../tools/testing/crew.ts';

const { handle, id, control } = workerData as { handle: BufferPoolHandle } & Station;
const arena = Arena.attach(handle.arena);
arrive({ id, control });
for (let round = 0; ; round++) {
  const pool = BufferPool.attach(handle, arena);
  try {
    const tokens = Array.from({ length: 1 + (round % 9) }, () => pool.tryAcquireFast());
    for (const token of tokens) if (token !== NO_LEASE) pool.release(token);
  } catch (error) {
    if (!(error instanceof OwnersExhaustedError)) throw error;
  }
  pool[Symbol.dispose](); // no `using`: Node 22 runs this file as it is
}
