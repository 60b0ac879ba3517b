/** Buffers of a pool in batches. */
import fs from 'node:fs';
import { KernelHeldError } from '@corelane/buffer-pool';
import { expect, onTestFinished, test } from 'vitest';
import { IoBatch } from '../src/index.ts';
import { fileOf, pattern, pipe, shared } from './files.ts';
import { native } from './native-mode.ts';
import { poolOf } from './pools.ts';

function batchOf(): IoBatch {
  const batch = IoBatch.open({ operations: 8 });
  onTestFinished(() => batch.close());
  return batch;
}

function descriptor(content: Uint8Array): number {
  const fd = fs.openSync(fileOf(content), 'r+');
  onTestFinished(() => fs.closeSync(fd));
  return fd;
}

test('a lease is the kernel’s from the time that it is staged until the batch has run', async () => {
  const batch = batchOf();
  const pool = poolOf();
  const fd = descriptor(pattern(5000));
  const leases = [await pool.acquire(), await pool.acquire(), await pool.acquire()] as const;
  batch.read(fd, leases[0], 0);
  batch.read(fd, leases[1], 4096);
  batch.read(fd, leases[2], 100, { offset: 10, length: 20 });
  expect(() => leases[0].bytes).toThrow(KernelHeldError);
  expect(() => batch.read(fd, leases[0], 0)).toThrow(KernelHeldError);
  expect(batch.size).toBe(3);
  expect(batch.run()).toBe(3);
  expect(leases.map(({ length }) => length)).toEqual([4096, 904, 30]);
  expect(leases[2].bytes.subarray(10, 30)).toEqual(pattern(5000).subarray(100, 120));
  batch.write(fd, leases[1], 0);
  expect(await batch.runAsync()).toBe(1);
  expect(fs.readFileSync(`/proc/self/fd/${fd}`).subarray(0, 904)).toEqual(
    Buffer.from(leases[1].bytes.subarray(0, 904)),
  );
  for (const lease of leases) lease.release();
});

test('operations that fail leave the length as it was', async () => {
  const batch = batchOf();
  using lease = await poolOf().acquire();
  lease.length = 5;
  batch.read(999_999, lease, 0);
  expect(batch.run()).toBe(0);
  expect(lease.length).toBe(5);
});

test('a batch that is closed gives back what it had staged', async () => {
  const batch = batchOf();
  using lease = await poolOf().acquire();
  batch.read(0, lease, 0);
  batch.close();
  expect(lease.bytes.byteLength).toBe(4096);
});

test('a batch that is full, or given nonsense, lends nothing', async () => {
  const batch = IoBatch.open({ operations: 1 });
  onTestFinished(() => batch.close());
  using lease = await poolOf().acquire();
  batch.read(0, shared(1), 0);
  expect(() => batch.read(0, lease, 0)).toThrow('run the batch first');
  expect(lease.bytes.byteLength).toBe(4096);
});

test('a lease that ends during a batch goes back to the pool after it', async () => {
  const batch = batchOf();
  const pool = poolOf({ buffers: 1 });
  const fd = descriptor(pattern(100));
  const lease = await pool.acquire();
  batch.read(fd, lease, 0);
  lease[Symbol.dispose]();
  expect(pool.stats().orphaned).toBe(1);
  expect(batch.run()).toBe(1);
  expect(pool.stats().available).toBe(1);
});

test('a batch that is closed or aborted while it runs gives everything back', async ({ skip }) => {
  if (!native) skip('what a thread has begun cannot be cancelled');
  const fd = pipe();
  for (const how of ['abort', 'close'] as const) {
    const batch = batchOf();
    using lease = await poolOf().acquire();
    batch.read(fd, lease, 0);
    const controller = new AbortController();
    const run = batch.runAsync({ signal: controller.signal });
    if (how === 'abort') {
      controller.abort();
      expect(await run).toBe(0);
    } else {
      batch.close();
      await expect(run).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
    }
    expect(lease.bytes.byteLength).toBe(4096);
  }
});
