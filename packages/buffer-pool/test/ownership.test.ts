// The user's, the kernel's, or on its way back: who may do what, and what is refused.
import { ArgumentRangeError, Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  BufferPool,
  DoubleReleaseError,
  ForeignReleaseError,
  KernelHeldError,
  NO_LEASE,
  StaleLeaseError,
  WrongOperationError,
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
const balanced = (pool: BufferPool): boolean => {
  const { capacity, available, inUse, leased, given, orphaned, detached } = pool.stats();
  return available + inUse + detached === capacity && leased + given + orphaned === inUse;
};

describe('a buffer that is the kernel’s', () => {
  test.each<[string, (lease: Lease, token: number, pool: BufferPool, other: BufferPool) => unknown]>([
    ['read', (lease) => lease.bytes],
    ['read its length', (lease) => lease.length],
    [
      'set its length',
      (lease) => {
        lease.length = 1;
      },
    ],
    ['released', (lease) => lease.release()],
    ['detached', (lease) => lease.detach()],
    ['given again', (lease) => lease.give(8)],
    ['read by the old token', (_, token, pool) => pool.bytesOf(token)],
    ['released by the old token', (_, token, pool) => pool.release(token)],
    ['given by the old token', (_, token, pool) => pool.give(token, 8)],
    ['adopted by the old token', (_, token, __, other) => other.adopt(token)],
    ['opened by the old token', (_, token, __, other) => other.open(token)],
  ])('can not be %s, and nothing changes', (_, use) => {
    const [pool, other] = two();
    const lease = take(pool);
    const { token } = lease;
    const given = lease.give(7);
    for (const attempt of [() => use(lease, token, pool, other), () => use(lease, given, pool, other)])
      expect(attempt).toThrow(KernelHeldError);
    expect(pool.stats()).toMatchObject({ available: 3, inUse: 1, leased: 0, given: 1, orphaned: 0 });
    expect(lease.take(7)).toBe(true);
  });

  test('the error tells which operation has it, since which generation', () => {
    const [pool] = two();
    const lease = take(pool);
    lease.give(-7);
    expect(() => lease.bytes).toThrow(
      expect.objectContaining({
        code: 'ERR_KERNEL_HELD',
        message: "cannot access buffer 0: it is the kernel's for operation -7, since generation 1",
        found: { index: 0, state: 'kernel', owner: pool.owner, generation: 1, operation: -7 },
      }),
    );
  });
});

describe('completion', () => {
  test('gives the buffer back to its lease: with its bytes, another token, and all that a lease can do', () => {
    const [pool] = two();
    const lease = take(pool);
    const first = lease.token;
    lease.length = 9;
    const view = lease.bytes;
    const given = lease.give(1);
    view[0] = 42; // the kernel does
    expect(lease.take(1)).toBe(true);
    expect(lease.bytes[0]).toBe(42);
    expect(lease.length).toBe(9);
    expect(new Set([first, given, lease.token]).size).toBe(3);
    for (const old of [first, given]) expect(() => pool.bytesOf(old)).toThrow(StaleLeaseError);
    expect(pool.bytesOf(lease.token)).toBe(view);
    lease.release();
    expect(() => lease.release()).toThrow(DoubleReleaseError);
    expect(balanced(pool)).toBe(true);
  });

  test('with a wrong number is refused with the numbers and changes nothing', () => {
    const [pool] = two();
    const lease = take(pool);
    const token = lease.give(5);
    for (const wrong of [() => lease.take(6), () => pool.take(token, 6), () => lease.cancel(6)]) {
      expect(wrong).toThrow(WrongOperationError);
      expect(wrong).toThrow("for operation 6: it is the kernel's for operation 5");
    }
    expect(pool.stats()).toMatchObject({ given: 1, orphaned: 0 });
    expect(() => lease.bytes).toThrow(KernelHeldError);
    expect(lease.take(5)).toBe(true);
  });

  test('of the operation before is refused, even under the same number', () => {
    const [pool] = two();
    const lease = take(pool);
    const first = lease.give(5);
    lease.take(5);
    const second = lease.give(5);
    expect(() => pool.take(first, 5)).toThrow(StaleLeaseError);
    expect(pool.stats()).toMatchObject({ given: 1 });
    expect(pool.take(second, 5)?.bytes).toBeInstanceOf(Uint8Array);
  });

  test('told twice is refused the second time', () => {
    const [pool] = two();
    const lease = take(pool);
    const token = lease.give(5);
    lease.take(5);
    expect(() => lease.take(5)).toThrow(StaleLeaseError);
    expect(() => pool.take(token, 5)).toThrow(StaleLeaseError);
    expect(lease.bytes).toBeInstanceOf(Uint8Array);
  });

  test('of a buffer that was never given is refused', () => {
    const [pool] = two();
    const lease = take(pool);
    expect(() => lease.take(0)).toThrow(StaleLeaseError);
    expect(() => pool.take(lease.token, 0)).toThrow(StaleLeaseError);
    expect(() => lease.cancel(0)).toThrow(StaleLeaseError);
    expect(pool.stats()).toMatchObject({ leased: 1 });
  });

  test('on another thread makes it that one’s, and the first lease ends', () => {
    const [pool, other] = two();
    const lease = take(pool);
    const token = lease.give(3);
    const theirs = other.take(token, 3) as Lease;
    expect(() => lease.bytes).toThrow(StaleLeaseError);
    expect(() => lease.take(3)).toThrow(StaleLeaseError);
    expect(() => pool.release(theirs.token)).toThrow(ForeignReleaseError);
    theirs.release();
    expect(pool.stats()).toMatchObject({ available: 4 });
  });

  test('by tokens alone does the same', () => {
    const [pool] = two();
    const token = pool.tryAcquireFast();
    const given = pool.give(token, 1);
    expect(() => pool.bytesOf(given)).toThrow(KernelHeldError);
    const back = pool.takeToken(given, 1);
    pool.bytesOf(back)[0] = 1;
    pool.release(back);
    expect(() => pool.give(token, 1)).toThrow(StaleLeaseError);
    expect(pool.stats()).toMatchObject({ available: 4 });
  });
});

describe('cancellation', () => {
  test.each([{}, { poison: true }])(
    'makes an orphan that returns to the pool with the completion %o',
    (options) => {
      const [pool] = two({ buffers: 1, ...options });
      const lease = take(pool);
      const { bytes } = lease;
      lease.give(5);
      lease.cancel(5);
      expect(pool.stats()).toMatchObject({ available: 0, inUse: 1, given: 0, orphaned: 1 });
      expect(() => lease.bytes).toThrow('operation 5, which was cancelled');
      expect(() => lease.cancel(5)).toThrow(KernelHeldError);
      expect(pool.tryAcquire()).toBeUndefined();
      bytes.fill(9); // the kernel writes late
      expect(lease.take(5)).toBe(false);
      expect(pool.stats()).toMatchObject({ available: 1, orphaned: 0 });
      expect(() => lease.release()).toThrow(DoubleReleaseError);
      expect(take(pool).bytes[0]).toBe('poison' in options ? 0xde : 9);
    },
  );

  test('with the completion on another thread, by token', () => {
    const [pool, other] = two();
    const token = pool.give(pool.tryAcquireFast(), 5);
    expect(() => other.cancel(token, 5)).toThrow(ForeignReleaseError);
    pool.cancel(token, 5);
    expect(() => other.takeToken(token, 4)).toThrow(WrongOperationError);
    expect(other.takeToken(token, 5)).toBe(NO_LEASE);
    expect(() => other.take(token, 5)).toThrow(StaleLeaseError);
    expect(pool.stats()).toMatchObject({ available: 4 });
  });

  test('a scope that ends while the kernel has the buffer makes an orphan of it', () => {
    const [pool] = two();
    let token: number;
    {
      using lease = take(pool);
      token = lease.give(5);
    }
    expect(pool.stats()).toMatchObject({ available: 3, orphaned: 1 });
    expect(pool.take(token, 5)).toBeUndefined();
    expect(pool.stats()).toMatchObject({ available: 4 });
  });
});

describe('an owner that ends while the kernel has its buffers', () => {
  test('leaves orphans: not reused until their completions come', () => {
    const [pool, other] = two();
    const token = other.give(other.tryAcquireFast(), 5);
    other.tryAcquireFast();
    expect(pool.reclaim(other.owner)).toBe(2);
    expect(pool.stats()).toMatchObject({ available: 3, orphaned: 1 });
    expect(() => pool.take(token, 6)).toThrow(WrongOperationError);
    expect(pool.take(token, 5)).toBeUndefined();
    expect(pool.stats()).toMatchObject({ available: 4 });
  });

  test.each(['before', 'after'])('or until its ring is gone: settled %s it was reclaimed', (when) => {
    const [pool, other] = two();
    const { owner } = other;
    const tokens = [1, 2].map((operation) => other.give(other.tryAcquireFast(), operation));
    other.cancel(tokens[0] as number, 1);
    take(other);
    const mine = take(pool).give(9);
    if (when === 'after') pool.reclaim(owner);
    expect(pool.settle(owner)).toBe(2);
    expect(pool.settle(owner)).toBe(0);
    if (when === 'before') pool.reclaim(owner);
    expect(pool.stats()).toMatchObject({ available: 3, given: 1, orphaned: 0, leased: 0 });
    for (const [i, token] of tokens.entries()) expect(() => pool.take(token, i + 1)).toThrow(StaleLeaseError);
    expect(pool.settle(pool.owner)).toBe(1);
    expect(() => pool.take(mine, 9)).toThrow(StaleLeaseError);
    expect(balanced(pool)).toBe(true);
  });

  test('disposal does the same on its own thread', () => {
    const [pool, other] = two();
    const token = other.give(other.tryAcquireFast(), 5);
    const { owner } = other;
    other[Symbol.dispose]();
    expect(pool.stats()).toMatchObject({ available: 3, orphaned: 1 });
    expect(pool.settle(owner)).toBe(1);
    expect(() => pool.take(token, 5)).toThrow(StaleLeaseError);
  });

  test('an owner that took the slot since has nothing to do with it', () => {
    const [pool, other] = two({ maxOwners: 2 });
    void pool.owner;
    const { owner } = other;
    const token = other.give(other.tryAcquireFast(), 5);
    pool.reclaim(owner);
    const next = BufferPool.attach(pool.handle);
    const given = next.give(next.tryAcquireFast(), 5);
    expect(pool.settle(owner)).toBe(1);
    expect(() => pool.take(token, 5)).toThrow(StaleLeaseError);
    expect(next.take(given, 5)).toBeDefined();
  });
});

test.each([1.5, Number.NaN, 2 ** 31, 1n as unknown as number, '1' as unknown as number])(
  'an operation is an i32: %s is refused',
  (operation) => {
    const [pool] = two();
    const lease = take(pool);
    expect(() => lease.give(operation)).toThrow(ArgumentRangeError);
    const token = lease.give(1);
    expect(() => lease.take(operation)).toThrow(ArgumentRangeError);
    expect(() => lease.cancel(operation)).toThrow(ArgumentRangeError);
    expect(() => pool.take(token, operation)).toThrow(ArgumentRangeError);
  },
);

test('what is no owner’s number can not be settled', () => {
  const [pool] = two();
  for (const owner of [0, -1, 1.5, 1025n as unknown as number])
    expect(() => pool.settle(owner)).toThrow(ArgumentRangeError);
});
