import { expectZeroAllocation } from '@corelane/memory-tracker';
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { BufferPool, SizeClassPool, type Lease } from '../src/index.ts';

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
  const large = BufferPool.create(Arena.create({ bytes: 1 << 18 }), {
    buffers: 64,
    bufferBytes: 64,
    alignBytes: 64,
  });
  const sized = SizeClassPool.create(Arena.create({ bytes: 1 << 20 }), {
    minBytes: 64,
    maxBytes: 4096,
    buffersPerClass: 16,
  });
  const many = new Int32Array(32);
  let sum = 0;

  test.each<[string, () => void]>([
    ['tryAcquireFast and release', () => pool.release(pool.tryAcquireFast())],
    ['the same with poison', () => poisoned.release(poisoned.tryAcquireFast())],
    [
      'tryAcquireFast on an empty pool',
      () => {
        const a = pool.tryAcquireFast();
        const b = pool.tryAcquireFast();
        const c = pool.tryAcquireFast();
        pool.tryAcquireFast();
        pool.release(a);
        pool.release(b);
        pool.release(c);
      },
    ],
    [
      'the same of a pool of seven classes, with give and takeToken',
      () => sized.release(sized.takeToken(sized.give(sized.tryAcquireFast(4096), 1), 1)),
    ],
    [
      'many at once: refills and spills of the cache',
      () => {
        for (let i = 0; i < 32; i++) many[i] = large.tryAcquireFast();
        for (let i = 0; i < 32; i++) large.release(many[i] as number);
      },
    ],
    [
      'give, takeToken and release',
      () => pool.release(pool.takeToken(pool.give(pool.tryAcquireFast(), 1), 1)),
    ],
    [
      'give, cancel and takeToken',
      () => {
        const token = pool.give(pool.tryAcquireFast(), 1);
        pool.cancel(token, 1);
        pool.takeToken(token, 1);
      },
    ],
    [
      'give and take of a lease',
      () => {
        lease.give(2);
        lease.take(2);
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
