/** Threads that end while the kernel has their leases. */
import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { pipe, turn } from './files.ts';
import { native } from './native-mode.ts';
import { poolOf } from './pools.ts';

const execArgv = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];
const PROGRAM = path.join(import.meta.dirname, 'leasing-thread.ts');

test('what a terminated worker had lent is not reused before its ring is gone, and comes back then', async ({
  skip,
}) => {
  if (!native) skip('a thread of libuv in a read of an empty pipe keeps its worker from ending');
  const fd = pipe();
  const pool = poolOf({ cacheBuffers: 0 });
  for (let round = 0; round < 5; round++) {
    const owner = pool.register();
    const workerData = { handle: pool.handle, owner, path: `/proc/self/fd/${fd}` };
    const worker = new Worker(PROGRAM, { execArgv, workerData });
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    expect(pool.stats()).toMatchObject({ given: 4, leased: 1 });
    await worker.terminate();
    pool.reclaim(owner);
    expect(pool.stats()).toMatchObject({ orphaned: 4, given: 0, leased: 0 });
    expect(pool.settle(owner)).toBe(4);
    const leases = Array.from({ length: 8 }, () => pool.tryAcquire());
    for (const lease of leases) lease?.bytes.fill(0);
    fs.writeSync(fd, 'x'.repeat(64)); // whoever still reads would take it
    await turn();
    expect(leases.every((lease) => lease?.bytes.every((byte) => byte === 0))).toBe(true);
    for (const lease of leases) lease?.release();
    fs.readSync(fd, Buffer.alloc(64));
  }
});
