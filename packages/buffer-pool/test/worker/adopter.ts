// Gets a token, reads the buffer, tries to release what is not its own, adopts it and releases it.
import { parentPort, workerData } from 'node:worker_threads';
import { BufferPool, type BufferPoolError, type BufferPoolHandle } from '../../src/index.ts';
import { arrive, type Station } from '../../../../tools/testing/crew.ts';

const { handle, token, id, control } = workerData as { handle: BufferPoolHandle; token: number } & Station;
const pool = BufferPool.attach(handle);
arrive({ id, control });
const text = ({ bytes, length }: { bytes: Uint8Array; length: number }): string =>
  Buffer.from(bytes.subarray(0, length)).toString();
const opened = text(pool.open(token));
let foreign = 'released';
try {
  pool.release(token);
} catch (error) {
  foreign = (error as BufferPoolError).code;
}
const lease = pool.adopt(token);
const adopted = text(lease);
lease.release();
parentPort?.postMessage({ opened, adopted, foreign });
