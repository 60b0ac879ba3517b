// Caches of threads: what they count, and that no buffer in one is out of reach of the others.
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { BufferPool, type BufferPoolOptions, type Lease } from '../src/index.ts';

const create = (options: Partial<BufferPoolOptions> = {}): BufferPool =>
  BufferPool.create(Arena.create({ bytes: 1 << 20 }), {
    buffers: 16,
    bufferBytes: 64,
    alignBytes: 64,
    cacheBuffers: 4,
    ...options,
  });
const attach = (pool: BufferPool): BufferPool => BufferPool.attach(pool.handle);
const take = (pool: BufferPool, count: number): Lease[] =>
  Array.from({ length: count }, () => pool.tryAcquire() as Lease);

describe('the cache of a thread', () => {
  test('is filled with a batch where it is empty, and serves from then on', () => {
    const pool = create();
    const [lease] = take(pool, 1);
    expect(pool.stats()).toMatchObject({ acquires: 1, hits: 0, misses: 1, refills: 1, spills: 0, steals: 0 });
    for (let i = 0; i < 100; i++) {
      lease?.[Symbol.dispose]();
      take(pool, 1)[0]?.release();
    }
    expect(pool.stats()).toMatchObject({ acquires: 101, hits: 100, misses: 1, refills: 1, spills: 0 });
  });

  test('returns a batch where it is full', () => {
    const pool = create();
    for (const lease of take(pool, 16)) lease.release();
    const { hits, misses, refills, spills, available } = pool.stats();
    // Of batches of two: eight refills, and a spill for every two buffers above four.
    expect({ hits, misses, refills, spills, available }).toEqual({
      hits: 8,
      misses: 8,
      refills: 8,
      spills: 6,
      available: 16,
    });
  });

  test('of buffers to hold is none where there are to be none', () => {
    const pool = create({ cacheBuffers: 0 });
    for (const lease of take(pool, 5)) lease.release();
    expect(pool.stats()).toMatchObject({ hits: 0, misses: 5, refills: 0, spills: 0, steals: 0 });
  });

  test.each([
    [3, 0],
    [16, 4],
    [1000, 16],
  ])('holds by default, of %i buffers, %i', (buffers, expected) => {
    const arena = Arena.create({ bytes: 1 << 20 });
    const pool = BufferPool.create(arena, { buffers, bufferBytes: 64, alignBytes: 64 });
    const held = Math.min(buffers, 96);
    for (const lease of take(pool, held)) lease.release();
    const spilled = pool.stats().spills * Math.ceil(expected / 2);
    expect(expected === 0 ? 0 : held - spilled).toBe(expected);
  });
});

describe('buffers in the cache of another', () => {
  test('are taken where nothing else is free, every one of them', () => {
    const pool = create({ buffers: 4 });
    const other = attach(pool);
    for (const lease of take(other, 4)) lease.release();
    const mine = take(pool, 4);
    expect(new Set(mine.map((lease) => lease.index)).size).toBe(4);
    expect(pool.tryAcquire()).toBeUndefined();
    expect(pool.stats()).toMatchObject({ available: 0, leased: 4, acquires: 8 });
    expect(pool.stats().steals).toBeGreaterThanOrEqual(2);
    for (const lease of mine) lease.release();
    expect(take(other, 4).every((lease) => lease !== undefined)).toBe(true);
  });

  test('come to who waits, when they are returned there', async () => {
    const pool = create({ buffers: 4 });
    const other = attach(pool);
    const theirs = take(other, 4);
    const waiting = pool.acquire({ timeoutMs: 2_000 });
    theirs[0]?.release();
    expect((await waiting).ended).toBe(false);
  });

  test('are back in the shared list when it is reclaimed or disposed of', () => {
    const pool = create({ buffers: 4 });
    for (const end of [
      (other: BufferPool): unknown => pool.reclaim(other.owner),
      (other: BufferPool): unknown => other[Symbol.dispose](),
    ]) {
      const other = attach(pool);
      for (const lease of take(other, 4)) lease.release();
      const { steals } = pool.stats();
      end(other);
      for (const lease of take(pool, 4)) lease.release();
      expect(pool.stats().steals).toBe(steals);
    }
  });

  test('are found though their thread has died and nobody has reclaimed it', () => {
    const pool = create({ buffers: 4 });
    const dead = attach(pool);
    for (const lease of take(dead, 4)) lease.release();
    expect(take(pool, 4).every((lease) => lease !== undefined)).toBe(true);
  });
});
