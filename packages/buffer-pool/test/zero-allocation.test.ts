import { expectZeroAllocation } from '@corelane/memory-tracker';
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { BufferPool, type Lease } from '../src/index.ts';

describe('allocates nothing', () => {
  const create = (poison: boolean): BufferPool =>
    BufferPool.create(Arena.create({ bytes: 1 << 16 }), {
      buffers: 4,
      bufferBytes: 64,
      alignBytes: 64,
      poison,
    });
  const pool = create(false);
  const poisoned = create(true);
  const lease = pool.tryAcquire() as Lease;
  let sum = 0;

  test.each<[string, () => void]>([
    ['tryAcquireToken and release', () => pool.release(pool.tryAcquireToken())],
    ['the same with poison', () => poisoned.release(poisoned.tryAcquireToken())],
    [
      'tryAcquireToken on an empty pool',
      () => {
        const a = pool.tryAcquireToken();
        const b = pool.tryAcquireToken();
        const c = pool.tryAcquireToken();
        pool.tryAcquireToken();
        pool.release(a);
        pool.release(b);
        pool.release(c);
      },
    ],
    [
      'bytes, length and token of a lease, bytes by token',
      () => {
        lease.length = 3;
        sum =
          (sum + lease.length + (lease.bytes[0] as number) + (pool.bytesOf(lease.token)[1] as number)) | 0;
      },
    ],
  ])('%s', (_, operation) => {
    expect(expectZeroAllocation(operation)).toBeLessThan(0.1);
  });
});
