// Leases buffers, reports their tokens and keeps them until it is killed.
import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { BufferPool } from '../../src/index.ts';
import { arrive, type Station } from '../../../../tools/testing/crew.ts';
import type { HolderStation } from './holder.ts';

const { handle, owner, leases, id, control } = workerData as Required<HolderStation> & Station;
const pool = BufferPool.attach(handle, Arena.attach(handle.arena), { owner });
arrive({ id, control });
parentPort?.postMessage(Array.from({ length: leases }, () => pool.tryAcquire()?.token));
setInterval(() => {}, 1_000_000);
