// What is detected, and with which numbers.
import { ArgumentRangeError, Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  BufferPool,
  DoubleReleaseError,
  ForeignReleaseError,
  StaleLeaseError,
  type BufferPoolOptions,
  type Lease,
} from '../src/index.ts';

const two = (options: Partial<BufferPoolOptions> = {}): [pool: BufferPool, other: BufferPool] => {
  const pool = BufferPool.create(Arena.create({ bytes: 1 << 20 }), {
    buffers: 4,
    bufferBytes: 64,
    ...options,
  });
  return [pool, BufferPool.attach(pool.handle)];
};
const take = (pool: BufferPool): Lease => pool.tryAcquire() as Lease;
const caught = (action: () => unknown): unknown => {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('double release', () => {
  test('of a lease: refused with generation found and expected, and nothing changes', () => {
    const [pool] = two();
    const lease = take(pool);
    lease.release();
    const error = caught(() => lease.release()) as DoubleReleaseError;
    expect(error).toBeInstanceOf(DoubleReleaseError);
    expect(error).toMatchObject({
      code: 'ERR_DOUBLE_RELEASE',
      expectedGeneration: 0,
      found: { index: lease.index, generation: 1, state: 'free', owner: pool.owner },
    });
    expect(error.message).toBe(
      `cannot release buffer 0: its lease of generation 0 has ended; found generation 1, free, owner ${pool.owner}`,
    );
    expect(pool.stats()).toMatchObject({ available: 4 });
  });

  test('of a lease whose buffer somebody else has by now: refused, and theirs goes on', () => {
    const [pool, other] = two({ buffers: 1 });
    const lease = take(pool);
    lease.release();
    const theirs = take(other);
    expect(() => lease.release()).toThrow(DoubleReleaseError);
    expect(() => lease.detach()).toThrow(DoubleReleaseError);
    expect(theirs.ended).toBe(false);
  });

  test('by token: refused', () => {
    const [pool] = two();
    const token = pool.tryAcquireFast();
    pool.release(token);
    expect(() => pool.release(token)).toThrow(DoubleReleaseError);
    expect(pool.stats()).toMatchObject({ available: 4 });
  });

  test('disposing twice is harmless', () => {
    const [pool] = two();
    const lease = take(pool);
    lease[Symbol.dispose]();
    lease[Symbol.dispose]();
    expect(pool.stats()).toMatchObject({ available: 4 });
    expect(() => lease.release()).toThrow(DoubleReleaseError);
  });
});

describe('foreign release', () => {
  test('another owner can neither release nor detach; owners found and expected are told', () => {
    const [pool, other] = two();
    const { token } = take(pool);
    const error = caught(() => other.release(token)) as ForeignReleaseError;
    expect(error).toBeInstanceOf(ForeignReleaseError);
    expect(error).toMatchObject({
      code: 'ERR_FOREIGN_RELEASE',
      expectedOwner: other.owner,
      found: { owner: pool.owner, state: 'leased' },
    });
    expect(error.message).toContain(`leased to owner ${pool.owner}, expected ${other.owner}`);
    expect(pool.stats()).toMatchObject({ leased: 1 });
    pool.release(token);
  });
});

describe('stale access', () => {
  test.each<[string, (lease: Lease, pool: BufferPool, token: number) => unknown]>([
    ['bytes', (lease) => lease.bytes],
    ['length', (lease) => lease.length],
    [
      'setting the length',
      (lease) => {
        lease.length = 1;
      },
    ],
    ['bytesOf', (_, pool, token) => pool.bytesOf(token)],
    ['open', (_, pool, token) => pool.open(token)],
  ])('%s of an ended lease is refused, whether the buffer is free, leased again or detached', (_, access) => {
    const [pool, other] = two({ buffers: 1 });
    const lease = take(pool);
    const { token } = lease;
    expect(() => access(lease, pool, token)).not.toThrow();
    lease.release();
    expect(() => access(lease, pool, token)).toThrow(StaleLeaseError);
    const again = take(other);
    expect(() => access(lease, pool, token)).toThrow(StaleLeaseError);
    again.detach();
    expect(() => access(lease, pool, token)).toThrow(expect.objectContaining({ code: 'ERR_STALE_LEASE' }));
  });

  test('a view of another thread ends with the lease', () => {
    const [pool, other] = two();
    const lease = take(pool);
    lease.bytes[3] = 77;
    lease.length = 4;
    const view = other.open(lease.token);
    expect(view.bytes[3]).toBe(77);
    expect(view.length).toBe(4);
    expect(view.capacity).toBe(64);
    expect(view.token).toBe(lease.token);
    lease.release();
    expect(view.ended).toBe(true);
    expect(() => view.bytes).toThrow(StaleLeaseError);
  });
});

describe('adoption', () => {
  test('takes the lease over with bytes and length: the first one ends, its token with it', () => {
    const [pool, other] = two();
    const first = take(pool);
    const { token } = first;
    first.bytes[0] = 5;
    first.length = 1;
    const second = other.adopt(token);
    expect(second.bytes[0]).toBe(5);
    expect(second.length).toBe(1);
    expect(first.ended).toBe(true);
    expect(() => first.bytes).toThrow(StaleLeaseError);
    expect(() => first.release()).toThrow(StaleLeaseError);
    expect(() => first.release()).not.toThrow(DoubleReleaseError);
    expect(() => pool.release(token)).toThrow(StaleLeaseError);
    expect(() => pool.adopt(token)).toThrow(StaleLeaseError);
    first[Symbol.dispose](); // a scope that gave its buffer away ends in peace
    expect(pool.stats()).toMatchObject({ leased: 1 });
    second.release();
    expect(pool.stats()).toMatchObject({ leased: 0 });
  });

  test('of a lease that was released is refused, whoever has the buffer by then', () => {
    const [pool, other] = two({ buffers: 1 });
    const lease = take(pool);
    const { token } = lease;
    lease.release();
    expect(() => other.adopt(token)).toThrow(StaleLeaseError);
    const again = take(pool);
    expect(() => other.adopt(token)).toThrow(StaleLeaseError);
    again.detach();
    expect(() => other.adopt(token)).toThrow(expect.objectContaining({ code: 'ERR_STALE_LEASE' }));
  });

  test('of a lease that was reclaimed is refused', () => {
    const [pool, other] = two();
    const { token } = take(other);
    pool.reclaim(other.owner);
    expect(() => pool.adopt(token)).toThrow(StaleLeaseError);
  });
});

describe('tokens', () => {
  test.each([-1, 1.5, Number.NaN, 2 ** 31, 2 ** 40, 1n as never, '1' as never, undefined as never])(
    '%s is no token',
    (token) => {
      const [pool] = two();
      for (const use of [
        () => pool.release(token),
        () => pool.open(token),
        () => pool.adopt(token),
        () => pool.bytesOf(token),
        () => pool.give(token, 1),
        () => pool.take(token, 1),
        () => pool.cancel(token, 1),
      ])
        expect(use).toThrow(ArgumentRangeError);
    },
  );

  test('wraps after as many leases of one buffer as its bits of the generation count; a lease does not', () => {
    const pool = BufferPool.create(Arena.create({ bytes: 1 << 28 }), {
      buffers: 2 ** 20,
      bufferBytes: 4,
      alignBytes: 4,
      cacheBuffers: 0,
    });
    const lease = take(pool);
    const { token } = lease;
    lease.release();
    for (let i = 1; i < 2 ** 11; i++) {
      expect(() => pool.bytesOf(token)).toThrow(StaleLeaseError);
      pool.release(pool.tryAcquireFast());
    }
    expect(pool.tryAcquireFast()).toBe(token);
    expect(() => lease.bytes).toThrow(StaleLeaseError);
    expect(lease.ended).toBe(true);
  });

  test('an index beyond the pool is no token', () => {
    const [pool] = two({ buffers: 3 });
    expect(() => pool.release(3)).toThrow('token is 3, expected a token of this pool of 3 buffers');
  });

  test('a token of the same buffer stays different until the generation wraps, and leases know the whole generation', () => {
    const [pool] = two({ buffers: 1 });
    const seen = new Set<number>();
    const first = take(pool);
    const old = first.token;
    first.release();
    for (let i = 0; i < 1000; i++) {
      const token = pool.tryAcquireFast();
      expect(token).toBeGreaterThanOrEqual(0);
      seen.add(token);
      pool.release(token);
    }
    expect(seen.size).toBe(1000);
    expect(seen.has(old)).toBe(false);
  });
});
