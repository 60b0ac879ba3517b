// What can not be is refused, with numbers, before anything is taken for it.
import { ArenaExhaustedError, ArgumentRangeError, Arena, AttachError } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  BufferPool,
  PoolCorruptedError,
  SizeClassPool,
  type BufferPoolHandle,
  type BufferPoolOptions,
} from '../src/index.ts';
import { bufferPoolRoot } from '../src/layout.ts';

const create = (options: Partial<BufferPoolOptions> = {}): { arena: Arena; pool: BufferPool } => {
  const arena = Arena.create({ bytes: 1 << 20 });
  return { arena, pool: BufferPool.create(arena, { buffers: 4, bufferBytes: 1000, ...options }) };
};

describe('arguments and handles', () => {
  test.each<Partial<BufferPoolOptions>>([
    { buffers: 0 },
    { buffers: 1.5 },
    { buffers: 2 ** 20 + 1 },
    { bufferBytes: 0 },
    { bufferBytes: 2 ** 31 },
    { alignBytes: 3 },
    { alignBytes: 0 },
    { alignBytes: 2 ** 22 },
    { maxOwners: 0 },
    { maxOwners: 1025 },
    { cacheBuffers: -1 },
    { cacheBuffers: 257 },
    { zeroOnRelease: true, poison: true },
    { node: -1 },
    { leakDetection: { level: 'all' as never } },
    { leakDetection: { level: 'simple', sampleEvery: 0 } },
    { leakDetection: { level: 'simple', onLeak: 'log' as never } },
    { watermarks: { high: 0, low: 0 } },
    { growth: 'never' as never },
    { maxBuffers: 3 },
    { buffers: '4' as never },
    { buffers: 4n as never },
  ])('%o is refused', (options) => {
    expect(() => create(options)).toThrow(ArgumentRangeError);
  });

  test('a pool larger than its arena is refused with the numbers, and takes nothing of it', () => {
    const arena = Arena.create({ bytes: 1 << 20 });
    const before = arena.usedBytes;
    for (const options of [
      { buffers: 1000, bufferBytes: 4096 },
      { buffers: 1, bufferBytes: 1 << 20 },
    ])
      expect(() => BufferPool.create(arena, options)).toThrow(ArenaExhaustedError);
    for (const options of [
      { buffers: 0, bufferBytes: 1 },
      { buffers: 1, bufferBytes: 1, maxOwners: 0 },
      { buffers: 1, bufferBytes: 1, node: 1024 },
      { buffers: 1, bufferBytes: 1, leakDetection: { level: 'all' as never } },
    ]) {
      expect(() => BufferPool.create(arena, options)).toThrow(ArgumentRangeError);
      expect(() => SizeClassPool.create(arena, { ...options, classes: [options] })).toThrow(
        ArgumentRangeError,
      );
    }
    expect(arena.usedBytes).toBe(before);
  });

  test.each([
    ['buffers', 5],
    ['owners', 9],
    ['bufferBytes', 5000],
    ['strideBytes', 8],
    ['alignBytes', 3],
    ['data', 1 << 24],
    ['data', 17],
    ['cacheBuffers', 257],
    ['cacheBatch', 0],
    ['records', 0],
    ['indexBits', 9],
  ] as const)('attaching refuses a root whose %s was overwritten with %i', (field, value) => {
    const { arena, pool } = create();
    arena.i32[(pool.handle.at >> 2) + bufferPoolRoot.word[field]] = value;
    expect(() => BufferPool.attach(pool.handle)).toThrow(AttachError);
  });

  test('attaching refuses the handle of something else', () => {
    const { pool } = create();
    const stranger = { ...pool.handle, kind: 'lock-free/index-stack' } as unknown as BufferPoolHandle;
    expect(() => BufferPool.attach(stranger)).toThrow('buffer-pool/pool');
  });

  test('a free list that was overwritten is found before a buffer is leased twice', () => {
    const { arena, pool } = create({ buffers: 2 });
    pool.tryAcquire();
    const head = (pool.handle.at >> 2) + bufferPoolRoot.word.free;
    arena.i32[head] = 1; // leads to buffer 0 again
    expect(() => pool.tryAcquire()).toThrow(PoolCorruptedError);
    arena.i32[head] = 1;
    expect(() => pool.tryAcquireFast()).toThrow(PoolCorruptedError);
  });

  test.each([
    [0.0001, 0],
    [0.0004, 0.0002],
    [0.8004, 0.8001],
    [0.9999, 0.9998],
    [1, 0.9999],
    [1, 0],
  ])('whatever marks a pool is created with, %d and %d, it can be attached', (high, low) => {
    const { pool } = create({ watermarks: { high, low } });
    expect(BufferPool.attach(pool.handle).capacity).toBe(4);
    for (let i = 0; i < 4; i++) pool.tryAcquire();
    expect(pool.stats().underPressure).toBe(high < 1);
  });

  test('pools at their limits can be had and attached: the most owners, the largest cache, one buffer of a byte', () => {
    const arena = Arena.create({ bytes: 1 << 22 });
    const options = { maxOwners: 1024, cacheBuffers: 256, alignBytes: 1, bufferBytes: 1 };
    const pool = BufferPool.create(arena, { ...options, buffers: 1 });
    const owners = Array.from({ length: 1024 }, () => pool.register());
    expect(new Set(owners).size).toBe(1024);
    expect(() => pool.register()).toThrow(expect.objectContaining({ code: 'ERR_OWNERS_EXHAUSTED' }));
    const last = BufferPool.attach(pool.handle, arena, { owner: owners[1023] as number });
    last.tryAcquire()?.bytes.set([9]);
    expect(pool.reclaim(last.owner)).toBe(1);
    expect(pool.stats()).toMatchObject({ available: 1, bytes: 1 });
  });

  const { pool: good } = create();
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['no arena', { kind: 'buffer-pool/pool', at: 256 }],
    [
      'an arena of plain memory',
      { ...good.handle, arena: { kind: 'shared-memory/arena', memory: new ArrayBuffer(8) } },
    ],
    ['no address', { ...good.handle, at: undefined }],
    ['NaN', { ...good.handle, at: Number.NaN }],
    ['a negative address', { ...good.handle, at: -128 }],
    ['an address beyond the arena', { ...good.handle, at: 2 ** 31 }],
    ['an address beyond all', { ...good.handle, at: 2 ** 53 }],
    ['an address beside the root', { ...good.handle, at: good.handle.at + 4 }],
    ['an address of something else', { ...good.handle, at: good.handle.at + 128 }],
  ])('attaching refuses a handle that is %s', (_, handle) => {
    expect(() => BufferPool.attach(handle as BufferPoolHandle)).toThrow(AttachError);
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['a string', '3'],
    ['a bigint', 3n],
    ['a fraction', 1.5],
    ['NaN', Number.NaN],
    ['NO_LEASE', -1],
    ['of a buffer that there is not', 7],
    ['above 31 bits', 2 ** 31],
    ['below 32 bits', -(2 ** 31)],
    ['above all', 2 ** 53],
  ])('a token that is %s is refused by all that take one, and changes nothing', (_, token) => {
    const { pool } = create({ buffers: 3 });
    const lease = pool.tryAcquire();
    const bad = token as number;
    for (const use of [
      () => pool.release(bad),
      () => pool.bytesOf(bad),
      () => pool.open(bad),
      () => pool.adopt(bad),
      () => pool.give(bad, 1),
      () => pool.take(bad, 1),
      () => pool.takeToken(bad, 1),
      () => pool.cancel(bad, 1),
    ])
      expect(use).toThrow(ArgumentRangeError);
    expect(pool.stats()).toMatchObject({ leased: 1, available: 2, acquires: 1 });
    lease?.release();
  });
});

test.each([[5], [null], ['5']])(
  'acquire refuses %j in the place of its options, and nobody waits',
  async (wrong) => {
    const options = wrong as unknown as object;
    const arena = Arena.create({ bytes: 1 << 20 });
    const pool = BufferPool.create(arena, { buffers: 1, bufferBytes: 64 });
    const sizes = SizeClassPool.create(arena, { minBytes: 64, maxBytes: 128, buffersPerClass: 1 });
    for (const acquired of [pool.acquire(options), sizes.acquire(64, options)])
      await expect(acquired).rejects.toThrow(ArgumentRangeError);
    expect([pool.stats().leased, pool.waiting]).toEqual([0, 0]);
  },
);
