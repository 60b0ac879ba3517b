import { Arena, tally } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { BufferPool, NO_LEASE, StaleLeaseError, type BufferPoolOptions, type Lease } from '../src/index.ts';
import { ownerSlot } from '../src/layout.ts';
import { PoolMemory } from '../src/pool-memory.ts';

const create = (options: Partial<BufferPoolOptions> = {}): { arena: Arena; pool: BufferPool } => {
  const arena = Arena.create({ bytes: 1 << 20 });
  return { arena, pool: BufferPool.create(arena, { buffers: 4, bufferBytes: 1000, ...options }) };
};
const all = (pool: BufferPool): Lease[] => {
  const leases: Lease[] = [];
  for (let lease = pool.tryAcquire(); lease !== undefined; lease = pool.tryAcquire()) leases.push(lease);
  return leases;
};
/** A second `BufferPool` object, as another thread would have it. */
const attach = (pool: BufferPool): BufferPool => BufferPool.attach(structuredClone(pool.handle));

describe('acquiring', () => {
  test('leases every buffer once, aligned, apart from each other, and then none', () => {
    const { pool } = create({ alignBytes: 4096 });
    const leases = all(pool);
    expect(leases.map((lease) => lease.index).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
    for (const { bytes } of leases) {
      expect(bytes.byteLength).toBe(1000);
      expect(bytes.byteOffset % 4096).toBe(0);
      expect(bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
    }
    expect(new Set(leases.map(({ bytes }) => bytes.byteOffset)).size).toBe(4);
    expect(pool.tryAcquire()).toBeUndefined();
    expect(pool.tryAcquireFast()).toBe(NO_LEASE);
  });

  test.each([1, 64, 128, 65536])('aligns buffers to %i bytes', (alignBytes) => {
    const { pool } = create({ alignBytes });
    for (const { bytes } of all(pool)) expect(bytes.byteOffset % alignBytes).toBe(0);
  });

  test('a released buffer is leased again, with another token and length 0', () => {
    const { pool } = create({ buffers: 1 });
    const first = pool.tryAcquire() as Lease;
    first.length = 700;
    const { token, bytes } = first;
    first.release();
    const second = pool.tryAcquire() as Lease;
    expect(second.index).toBe(first.index);
    expect(second.token).not.toBe(token);
    expect(second.length).toBe(0);
    expect(second.bytes).toBe(bytes); // the address and the view stay
  });

  test('`using` releases at the end of the block', () => {
    const { pool } = create();
    {
      using lease = pool.tryAcquire() as Lease;
      expect(pool.stats().leased).toBe(1);
      expect(lease.ended).toBe(false);
    }
    expect(pool.stats().leased).toBe(0);
  });

  test('the length is what its holder says, from 0 to the capacity', () => {
    const { pool } = create();
    const lease = pool.tryAcquire() as Lease;
    lease.length = 1000;
    expect(lease.length).toBe(1000);
    for (const length of [-1, 1001, 1.5, Number.NaN]) {
      expect(() => {
        lease.length = length;
      }).toThrow(`length is ${length}, expected an integer from 0 to 1000`);
    }
    expect(lease.length).toBe(1000);
  });
});

describe('releasing', () => {
  test('keeps what was written by default, fills with zeros or 0xDE where asked to', () => {
    for (const [options, expected] of [
      [{}, 7],
      [{ zeroOnRelease: true }, 0],
      [{ poison: true }, 0xde],
    ] as const) {
      const { pool } = create({ buffers: 1, ...options });
      const lease = pool.tryAcquire() as Lease;
      lease.bytes.fill(7);
      lease.release();
      const next = pool.tryAcquire() as Lease;
      expect(next.bytes.every((byte) => byte === expected)).toBe(true);
      next.bytes.fill(7);
      pool.release(next.token);
      expect(pool.tryAcquire()?.bytes.every((byte) => byte === expected)).toBe(true);
    }
  });

  test('a refused release fills nothing', () => {
    const { pool } = create({ buffers: 1, poison: true });
    const first = pool.tryAcquire() as Lease;
    first.release();
    const second = pool.tryAcquire() as Lease;
    second.bytes.fill(5);
    expect(() => first.release()).toThrow(StaleLeaseError);
    expect(() => pool.release(first.token)).toThrow(StaleLeaseError);
    first[Symbol.dispose]();
    expect(second.bytes.every((byte) => byte === 5)).toBe(true);
  });

  test('a detached buffer keeps its bytes and never comes back; the account stays balanced', () => {
    const { pool } = create({ buffers: 2, poison: true });
    const lease = pool.tryAcquire() as Lease;
    lease.bytes.fill(9);
    const kept = lease.detach();
    expect(pool.stats()).toMatchObject({ capacity: 2, available: 1, leased: 0, detached: 1 });
    const rest = all(pool);
    expect(rest).toHaveLength(1);
    expect(rest[0]?.index).not.toBe(lease.index);
    rest[0]?.bytes.fill(1);
    expect(kept.every((byte) => byte === 9)).toBe(true);
    expect(pool.stats()).toMatchObject({
      capacity: 2,
      available: 0,
      leased: 1,
      detached: 1,
      underPressure: true,
    });
  });
});

describe('statistics', () => {
  test('count leases, attempts that got none, and the state of every buffer, over all threads', () => {
    const { pool } = create({ buffers: 10, alignBytes: 1024 });
    const other = attach(pool);
    expect(pool.stats()).toEqual({
      capacity: 10,
      available: 10,
      inUse: 0,
      leased: 0,
      given: 0,
      orphaned: 0,
      detached: 0,
      acquires: 0,
      failures: 0,
      hits: 0,
      misses: 0,
      refills: 0,
      spills: 0,
      steals: 0,
      successRate: 1,
      utilisation: 0,
      underPressure: false,
      pressureEpisodes: 0,
      reserved: 0,
      waiters: 0,
      bytes: 10 * 1024,
    });
    const leases = all(pool);
    expect(other.tryAcquire()).toBeUndefined();
    expect(other.tryAcquireFast()).toBe(NO_LEASE);
    expect(other.stats()).toMatchObject({
      leased: 10,
      acquires: 10,
      failures: 3,
      successRate: 10 / 13,
      utilisation: 1,
    });
    leases[0]?.release();
    leases[1]?.release();
    expect(pool.stats()).toMatchObject({ available: 2, utilisation: 0.8, underPressure: false });
    other.tryAcquireFast();
    expect(pool.stats()).toMatchObject({ available: 1, acquires: 11, utilisation: 0.9, underPressure: true });
  });

  test('outlive the owners that they count', () => {
    const { pool } = create();
    for (let i = 0; i < 3; i++) {
      using other = attach(pool);
      other.tryAcquire();
    }
    expect(pool.stats()).toMatchObject({ acquires: 3, leased: 0 });
  });

  test('go on past 2^31, where the owner before died between the two words of a count', () => {
    const { arena, pool } = create();
    const at = PoolMemory.open(arena, pool.handle).slotWord(0);
    const statistics = [ownerSlot.word.acquires, ownerSlot.word.failures];
    for (const statistic of statistics) {
      arena.i32[at + statistic + tally.word.low] = 0x7fffffff;
      arena.i32[at + statistic + tally.word.high] = 1; // stored ahead of the low word
    }
    expect(pool.stats()).toMatchObject({ acquires: 2 ** 31 - 1, failures: 2 ** 31 - 1 });
    const leases = all(pool);
    expect(pool.stats()).toMatchObject({ acquires: 2 ** 31 - 1 + leases.length, failures: 2 ** 31 });
    // Two ahead, it would be read as 2^32 too many in the middle of the next carry.
    expect(statistics.map((statistic) => arena.i32[at + statistic + tally.word.high])).toEqual([1, 1]);
  });
});

describe('ports', () => {
  test('sink and pinner hear of the memory once, and again when the creator disposes', () => {
    const heard: unknown[] = [];
    const { pool } = create({
      tag: 'bodies',
      alignBytes: 1024,
      sink: {
        alloc: (tag, bytes) => heard.push(['alloc', tag, bytes]),
        dealloc: (tag, bytes) => heard.push(['dealloc', tag, bytes]),
      },
      pinner: {
        pin: (bytes) => {
          heard.push(['pin', bytes.byteLength]);
          return { pinned: true };
        },
        unpin: (bytes) => heard.push(['unpin', bytes.byteLength]),
      },
    });
    expect(heard).toEqual([
      ['alloc', 'bodies', 4096],
      ['pin', 4096],
    ]);
    expect(attach(pool).pinning).toEqual({ pinned: true });
    attach(pool)[Symbol.dispose]();
    pool[Symbol.dispose]();
    pool[Symbol.dispose]();
    expect(heard.slice(2)).toEqual([
      ['unpin', 4096],
      ['dealloc', 'bodies', 4096],
    ]);
  });

  test('without a pinner, nothing is pinned, and the pool says why', () => {
    expect(create().pool.pinning).toEqual({ pinned: false, reason: 'no pinner was given' });
  });
});
