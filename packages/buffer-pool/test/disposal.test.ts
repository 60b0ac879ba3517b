// What comes after a pool was disposed of on a thread: its number may be another thread's slot by then.
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  BufferPool,
  PoolDisposedError,
  StaleLeaseError,
  type BufferPoolOptions,
  type Lease,
  type LeakReport,
} from '../src/index.ts';
import { bufferPoolRoot, ownerSlot } from '../src/layout.ts';

const create = (options: Partial<BufferPoolOptions> = {}): { arena: Arena; pool: BufferPool } => {
  const arena = Arena.create({ bytes: 1 << 20 });
  return { arena, pool: BufferPool.create(arena, { buffers: 4, bufferBytes: 100, ...options }) };
};

describe('disposing', () => {
  test('returns what this thread leases and refuses every further lease; others go on', () => {
    const { pool } = create();
    const other = BufferPool.attach(pool.handle);
    const lease = other.tryAcquire() as Lease;
    const mine = pool.tryAcquire() as Lease;
    other[Symbol.dispose]();
    other[Symbol.dispose]();
    expect(lease.ended).toBe(true);
    lease[Symbol.dispose]();
    expect(() => other.tryAcquire()).toThrow(PoolDisposedError);
    expect(() => other.tryAcquireFast()).toThrow(PoolDisposedError);
    expect(() => other.register()).toThrow(PoolDisposedError);
    expect(() => other.reclaim(pool.owner)).toThrow(PoolDisposedError);
    expect(mine.ended).toBe(false);
    expect(pool.stats()).toMatchObject({ leased: 1 });
  });

  test('waiting on a disposed pool rejects', async () => {
    const { pool } = create();
    pool[Symbol.dispose]();
    await expect(pool.acquire()).rejects.toThrow(PoolDisposedError);
  });

  test('returns everything even where whoever is told of a leak, or unpins, throws; and the sink hears of it', async () => {
    const told: string[] = [];
    const thrown: unknown[] = [];
    const { pool } = create({
      sink: { alloc: () => {}, dealloc: (tag) => told.push(tag) },
      pinner: {
        pin: () => ({ pinned: true }),
        unpin: () => {
          throw new Error('not unpinned');
        },
      },
      leakDetection: {
        level: 'paranoid',
        onLeak: () => {
          throw new Error('not told');
        },
      },
    });
    const catching = (error: unknown): void => void thrown.push(error);
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', catching);
    const other = BufferPool.attach(pool.handle);
    pool.tryAcquire();
    expect(() => pool[Symbol.dispose]()).toThrow('not unpinned');
    expect(told).toEqual(['buffer-pool']);
    expect(other.stats()).toMatchObject({ leased: 0, available: 4 });
    await new Promise(setImmediate);
    process.off('uncaughtException', catching);
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(thrown).toEqual([expect.objectContaining({ message: 'not told' })]);
  });
});

describe('after disposal on its thread', () => {
  /** A pool whose one slot goes from the disposed owner to another: what that has in hand must stay. */
  const handedOn = (): { lease: Lease; given: Lease; pool: BufferPool; notes: () => number[] } => {
    const { arena, pool } = create({ maxOwners: 2 });
    void pool.owner;
    const first = BufferPool.attach(pool.handle, arena);
    const lease = first.tryAcquire() as Lease;
    const given = first.tryAcquire() as Lease;
    given.give(7);
    const { owner } = first;
    first[Symbol.dispose]();
    const next = BufferPool.attach(pool.handle, arena);
    expect(next.owner & 1023).toBe(owner & 1023);
    const slot = (pool.handle.at + bufferPoolRoot.bytes + (owner & 1023) * ownerSlot.bytes) >> 2;
    arena.i32[slot + ownerSlot.word.returning] = 3; // it is in the middle of a release
    const notes = (): number[] =>
      [ownerSlot.word.returning, ownerSlot.word.cached, ownerSlot.word.ends].map(
        (word) => arena.i32[slot + word] as number,
      );
    return { lease, given, pool, notes };
  };

  test('a lease is stale, and its release, its giving or the end of its scope writes nothing', () => {
    const { lease, notes } = handedOn();
    const before = notes();
    expect(() => lease.release()).toThrow(StaleLeaseError);
    expect(() => lease.give(3)).toThrow(StaleLeaseError);
    expect(() => lease.detach()).toThrow(StaleLeaseError);
    lease[Symbol.dispose]();
    expect(notes()).toEqual(before);
  });

  test('a completion that is late takes the orphan home without touching who has the slot by now', () => {
    const { given, pool, notes } = handedOn();
    const before = notes();
    // All slots are taken: refused, and nothing is changed.
    expect(() => given.take(7)).toThrow(expect.objectContaining({ code: 'ERR_OWNERS_EXHAUSTED' }));
    expect(notes()).toEqual(before);
    expect(pool.stats()).toMatchObject({ orphaned: 1, available: 3 });
    pool[Symbol.dispose](); // a slot is free again
    expect(given.take(7)).toBe(false);
    expect(notes()).toEqual(before);
    expect(pool.stats()).toMatchObject({ orphaned: 0, available: 4 });
    expect(() => given.take(7)).toThrow(StaleLeaseError);
  });

  test('a completion under a wrong number is refused then as before', () => {
    const { pool } = create();
    const lease = pool.tryAcquire() as Lease;
    lease.give(7);
    pool[Symbol.dispose]();
    expect(() => lease.take(8)).toThrow(expect.objectContaining({ code: 'ERR_WRONG_OPERATION' }));
    expect(pool.stats()).toMatchObject({ orphaned: 1 });
    expect(lease.take(7)).toBe(false);
    expect(pool.stats()).toMatchObject({ orphaned: 0, available: 4 });
  });
});

test('a leak is told at disposal once, of what was leased alone', () => {
  const leaks: LeakReport[] = [];
  const { pool } = create({ leakDetection: { level: 'paranoid', onLeak: (leak) => leaks.push(leak) } });
  pool.tryAcquire();
  pool.tryAcquire()?.give(1);
  pool.tryAcquire()?.release();
  pool[Symbol.dispose]();
  pool[Symbol.dispose]();
  expect(leaks.map(({ how }) => how)).toEqual(['disposed']);
});
