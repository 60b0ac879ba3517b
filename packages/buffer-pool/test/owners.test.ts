// Who leases: numbers, slots, and what is returned of those who have ended.
import { ArgumentRangeError, Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  BufferPool,
  OwnersExhaustedError,
  UnknownOwnerError,
  type BufferPoolOptions,
  type Lease,
} from '../src/index.ts';
import { bufferPoolRoot, LEASE_ENDED } from '../src/layout.ts';
import { Owners } from '../src/owners.ts';
import { PoolMemory } from '../src/pool-memory.ts';
import { reclaimInPlace } from '../src/reclaim.ts';

const create = (options: Partial<BufferPoolOptions> = {}): { arena: Arena; pool: BufferPool } => {
  const arena = Arena.create({ bytes: 1 << 20 });
  return { arena, pool: BufferPool.create(arena, { buffers: 4, bufferBytes: 1000, ...options }) };
};
/** A second `BufferPool` object, as another thread would have it. */
const attach = (pool: BufferPool): BufferPool => BufferPool.attach(structuredClone(pool.handle));

describe('owners', () => {
  test('each pool object leases under a number of its own; one given by the host is used', () => {
    const { arena, pool } = create();
    const owner = pool.register();
    const other = BufferPool.attach(pool.handle, arena, { owner });
    expect(other.owner).toBe(owner);
    expect(new Set([pool.owner, other.owner, attach(pool).owner]).size).toBe(3);
  });

  test('reclaim returns what an owner held, once, and makes its number invalid', () => {
    const { arena, pool } = create({ poison: true });
    const owner = pool.register();
    const other = BufferPool.attach(pool.handle, arena, { owner });
    const held = [other.tryAcquire(), other.tryAcquire()] as Lease[];
    const mine = pool.tryAcquire() as Lease;
    expect(pool.reclaim(owner)).toBe(2);
    expect(pool.reclaim(owner)).toBe(0);
    expect(pool.stats()).toMatchObject({ leased: 1, available: 3 });
    expect(held.every((lease) => lease.ended)).toBe(true);
    expect(mine.ended).toBe(false);
    expect(() => BufferPool.attach(pool.handle, arena, { owner })).toThrow(UnknownOwnerError);
    expect(pool.tryAcquire()?.bytes.every((byte) => byte === 0xde)).toBe(true);
  });

  test('a slot given out again has another number, and what its new owner holds is not reclaimed with the old', () => {
    const { arena, pool } = create({ maxOwners: 2 });
    void pool.owner;
    const first = pool.register();
    pool.reclaim(first);
    const second = pool.register();
    expect(second).not.toBe(first);
    const lease = BufferPool.attach(pool.handle, arena, { owner: second }).tryAcquire() as Lease;
    expect(pool.reclaim(first)).toBe(0);
    expect(lease.ended).toBe(false);
  });

  test('more owners than slots are refused, with the number of slots', () => {
    const { pool } = create({ maxOwners: 2 });
    void pool.owner;
    const owner = pool.register();
    expect(() => pool.register()).toThrow(OwnersExhaustedError);
    expect(() => pool.register()).toThrow('all 2 owners');
    pool.reclaim(owner);
    expect(pool.register()).toBeGreaterThan(0);
  });

  test.each([0, 1.5, 3, -1, 2 ** 40, 2000 * 1024 + 900, 1024n as never])(
    'what is no owner is refused: %s',
    (owner) => {
      const { pool } = create({ maxOwners: 4 });
      expect(() => pool.reclaim(owner)).toThrow(ArgumentRangeError);
    },
  );

  test('reclaiming oneself is refused: dispose', () => {
    const { pool } = create();
    expect(() => pool.reclaim(pool.owner)).toThrow(ArgumentRangeError);
  });

  test('an epoch that wraps goes on at 1', () => {
    const { arena, pool } = create({ maxOwners: 1 });
    const { owner } = pool;
    pool[Symbol.dispose]();
    const slot = (pool.handle.at + bufferPoolRoot.bytes) >> 2;
    Atomics.store(arena.i32, slot, owner | (0x7ffff << 10)); // the last epoch there is, free
    const next = BufferPool.attach(pool.handle).owner;
    expect(next).toBe(1 << 10);
  });
});

describe('where all owners are taken, one who has no number', () => {
  /** Two threads that have ended with everything in hand, and nobody else. */
  const full = (): { pool: BufferPool; memory: PoolMemory; dead: readonly [number, number] } => {
    const { arena, pool } = create({ buffers: 8, maxOwners: 2, cacheBuffers: 4, poison: true });
    const [a, b] = [attach(pool), attach(pool)];
    const memory = PoolMemory.open(arena, pool.handle);
    const { kernel, at } = memory;
    a.tryAcquire(); // leased; one more is in the cache
    a.tryAcquire()?.give(5);
    const returned = b.tryAcquire() as Lease;
    b.tryAcquire();
    // b ended between the end of a lease and the push of its buffer, while it waited.
    expect(kernel.endLease(at, returned.index, 0, -1, b.owner)).toBe(LEASE_ENDED);
    kernel.announceWaiter(at, b.owner);
    return { pool, memory, dead: [a.owner, b.owner] };
  };

  test('reclaims all the same: every buffer comes back once, and the slot can be had', () => {
    const { pool, dead } = full();
    expect(pool.reclaim(dead[1])).toBe(2);
    expect(pool.reclaim(dead[1])).toBe(0);
    expect(pool.stats()).toMatchObject({ leased: 1, given: 1, available: 6, waiters: 0 });
    expect(pool.reclaim(dead[0])).toBe(2);
    expect(pool.settle(dead[0])).toBe(1);
    expect(pool.stats()).toMatchObject({ leased: 0, orphaned: 0, available: 8 });
    const leases = Array.from({ length: 8 }, () => pool.tryAcquire());
    expect(new Set(leases.map((lease) => lease?.index)).size).toBe(8);
    expect(leases.every((lease) => lease?.bytes.length === 1000)).toBe(true);
  });

  test('of two at once, one does', () => {
    const { memory, dead } = full();
    const owners = new Owners(memory);
    expect(reclaimInPlace(memory, owners, dead[0])).toBe(2);
    expect(reclaimInPlace(memory, owners, dead[0])).toBe(0);
    expect(owners.isLive(dead[0])).toBe(false);
  });
});
