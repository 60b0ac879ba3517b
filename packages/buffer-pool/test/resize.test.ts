// Growing and shrinking within what was reserved at the start.
import { ArgumentRangeError, Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { BufferPool, type BufferPoolOptions, type Lease, type Pinner } from '../src/index.ts';

const create = (options: Partial<BufferPoolOptions> = {}): BufferPool =>
  BufferPool.create(Arena.create({ bytes: 1 << 20 }), {
    buffers: 2,
    maxBuffers: 6,
    bufferBytes: 4096,
    ...options,
  });
const all = (pool: BufferPool): Lease[] => {
  const leases: Lease[] = [];
  for (let lease = pool.tryAcquire(); lease !== undefined; lease = pool.tryAcquire()) leases.push(lease);
  return leases;
};

describe('resize', () => {
  test('grows out of the reserve and shrinks back: capacity, statistics and what can be leased agree', () => {
    const pool = create();
    expect(pool.stats()).toMatchObject({ capacity: 2, available: 2, reserved: 4, bytes: 6 * 4096 });
    for (const size of [6, 3, 0, 5, 1]) {
      expect(pool.resize(size)).toBe(size);
      expect(pool.capacity).toBe(size);
      expect(pool.stats()).toMatchObject({ capacity: size, available: size, reserved: 6 - size, inUse: 0 });
      const leases = all(pool);
      expect(new Set(leases.map(({ index }) => index)).size).toBe(size);
      for (const lease of leases) lease.release();
    }
  });

  test('leaves what is in use or detached, and takes it when asked again', () => {
    const pool = create();
    pool.resize(6);
    const leases = all(pool);
    leases[0]?.release();
    leases[1]?.detach();
    expect(pool.resize(0)).toBe(5);
    for (const lease of leases.slice(2, 4)) lease.release();
    expect(pool.resize(2)).toBe(3);
    expect(pool.stats()).toMatchObject({ capacity: 3, available: 0, inUse: 2, detached: 1, reserved: 3 });
  });

  test('takes what is free in the cache of another thread', () => {
    const pool = create({ buffers: 6, cacheBuffers: 4 });
    const other = BufferPool.attach(pool.handle);
    for (const lease of all(other)) lease.release();
    expect(pool.resize(1)).toBe(1);
  });

  test('serves who waits', async () => {
    const pool = create();
    all(pool);
    const waiting = BufferPool.attach(pool.handle).acquire({ timeoutMs: 5_000 });
    pool.resize(3);
    expect((await waiting).ended).toBe(false);
  });

  test('loses no buffer to a pinner that throws', () => {
    const fails = (): never => {
      throw new Error('of the pinner');
    };
    let calls = 0;
    const pin = (): { pinned: boolean } => (calls++ === 0 ? { pinned: true } : fails());
    const pool = create({ pinner: { pin, unpin: fails, release: fails } });
    expect(pool.resize(6)).toBe(6);
    expect(pool.resize(1)).toBe(1);
    expect(pool.stats()).toMatchObject({ capacity: 1, available: 1, reserved: 5 });
  });

  test.each([-1, 7, 1.5, Number.NaN, 3n as never])('to %s buffers is refused', (size) => {
    expect(() => create().resize(size)).toThrow(ArgumentRangeError);
  });

  test('a token of a buffer that was set aside is stale, and stays so', () => {
    const pool = create({ buffers: 1, maxBuffers: 1 });
    const token = pool.tryAcquireFast();
    pool.release(token);
    pool.resize(0);
    expect(() => pool.bytesOf(token)).toThrow(expect.objectContaining({ code: 'ERR_STALE_LEASE' }));
    expect(() => pool.bytesOf(token)).toThrow('reserved');
    pool.resize(1);
    expect(() => pool.bytesOf(token)).toThrow(expect.objectContaining({ code: 'ERR_STALE_LEASE' }));
  });

  test('gives the pages of what it sets aside to the pinner, and pins them again', () => {
    const heard: [string, number, number][] = [];
    const note =
      (what: string) =>
      (bytes: Uint8Array): { pinned: boolean } => {
        heard.push([what, bytes.byteOffset, bytes.byteLength]);
        return { pinned: true };
      };
    const pinner: Pinner = { pin: note('pin'), unpin: note('unpin'), release: note('release') };
    const pool = create({ pinner });
    const [base] = heard.map(([, at]) => at) as [number];
    expect(heard.splice(0)).toEqual([['pin', base, 2 * 4096]]); // not the reserve
    pool.resize(1);
    expect(heard.map(([what]) => what)).toEqual(['unpin', 'release']);
    const [, at, bytes] = heard[0] as [string, number, number];
    expect([(at - base) % 4096, bytes]).toEqual([0, 4096]);
    heard.length = 0;
    pool.resize(2);
    expect(heard).toEqual([['pin', at, 4096]]);
    heard.length = 0;
    pool[Symbol.dispose]();
    expect(heard).toEqual([['unpin', base, 6 * 4096]]);
  });

  test('leaves pages alone where buffers are not whole pages', () => {
    const heard: string[] = [];
    const pinner: Pinner = {
      pin: () => ({ pinned: true }),
      unpin: () => heard.push('unpin'),
      release: () => heard.push('release'),
    };
    expect(create({ pinner, alignBytes: 1024, bufferBytes: 1000 }).resize(0)).toBe(0);
    expect(heard).toEqual([]);
  });
});

describe('growth by demand', () => {
  test('adds one buffer for each acquire that finds none, up to the most', async () => {
    const pool = create({ growth: 'demand' });
    const leases = [pool.tryAcquire(), pool.tryAcquire()];
    expect(pool.capacity).toBe(2);
    leases.push(pool.tryAcquire(), await pool.acquire());
    expect(pool.capacity).toBe(4);
    const other = BufferPool.attach(pool.handle);
    expect(other.tryAcquireFast()).toBeGreaterThanOrEqual(0);
    expect(other.tryAcquireFast()).toBeGreaterThanOrEqual(0);
    expect(other.tryAcquire()).toBeUndefined();
    expect(pool.stats()).toMatchObject({ capacity: 6, inUse: 6, reserved: 0, acquires: 6, failures: 1 });
    for (const lease of leases) lease?.release();
    expect(pool.resize(2)).toBe(2);
    expect(pool.stats()).toMatchObject({ capacity: 2, available: 0, inUse: 2 });
  });

  test('by default there is none', () => {
    const pool = create();
    expect(all(pool)).toHaveLength(2);
  });

  test.each<Partial<BufferPoolOptions>>([
    { maxBuffers: 1 },
    { maxBuffers: 2 ** 20 + 1 },
    { growth: 'always' as never },
  ])('%o is refused', (options) => {
    expect(() => create(options)).toThrow(ArgumentRangeError);
  });
});
