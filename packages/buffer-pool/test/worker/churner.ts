// Leases and returns as fast as it can, so many at once that its cache fills and spills, some by way of the kernel, until it is killed.
import { workerData } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { BufferPool, NO_LEASE } from '../../src/index.ts';
import { arrive, type Station } from '../../../../tools/testing/crew.ts';
import type { HolderStation } from './holder.ts';

const { handle, owner, way, id, control } = workerData as Required<HolderStation> & Station;
const pool = BufferPool.attach(handle, Arena.attach(handle.arena), { owner });
const held: number[] = [];
arrive({ id, control });
for (let operation = 0; ;) {
  const count = 1 + (operation % 14);
  for (let i = 0; i < count; i++) {
    const token = pool.tryAcquireFast();
    if (token !== NO_LEASE) held.push(token);
  }
  for (const token of held.splice(0)) {
    operation = (operation + 1) | 0;
    if (way !== 'operations') pool.release(token);
    else {
      const given = pool.give(token, operation);
      if (operation % 3 === 0) pool.cancel(given, operation);
      const taken = pool.takeToken(given, operation);
      if (taken !== NO_LEASE) pool.release(taken);
    }
  }
}
