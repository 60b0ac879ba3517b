/** A worker with leases in the kernel's hands, until it is terminated. */
import { parentPort, workerData } from 'node:worker_threads';
import { BufferPool, type BufferPoolHandle } from '@corelane/buffer-pool';
import { IoBatch, IoFile, IoRing } from '../src/index.ts';

const { handle, owner, path } = workerData as { handle: BufferPoolHandle; owner: number; path: string };
const pool = BufferPool.attach(handle, undefined, { owner });
const file = await IoFile.open(IoRing.open(), path, 'r+');
for (let index = 0; index < 3; index++) file.read(await pool.acquire()).catch(() => undefined);
const batch = IoBatch.open();
batch.read(file.fd, await pool.acquire(), 0);
void batch.runAsync().catch(() => undefined);
await pool.acquire(); // and one that it has itself
setImmediate(() => parentPort?.postMessage('busy'));
