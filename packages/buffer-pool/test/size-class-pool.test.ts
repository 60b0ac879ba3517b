import { ArenaExhaustedError, ArgumentRangeError, Arena, AttachError } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  AcquireTimeoutError,
  KernelHeldError,
  NO_LEASE,
  PoolDisposedError,
  SizeClassPool,
  StaleLeaseError,
  type Lease,
  type SizeClassPoolOptions,
} from '../src/index.ts';
import { bufferPoolRoot, sizeClass, sizeClassRoot } from '../src/layout.ts';

const create = (options: Partial<SizeClassPoolOptions> = {}): SizeClassPool =>
  SizeClassPool.create(Arena.create({ bytes: 1 << 21 }), {
    classes: [
      { bufferBytes: 4096, buffers: 2 },
      { bufferBytes: 64, buffers: 2 },
      { bufferBytes: 1000, buffers: 2 },
    ],
    ...options,
  });
const take = (pool: SizeClassPool, bytes: number): Lease => pool.tryAcquire(bytes) as Lease;
const sizes = (pool: SizeClassPool): number[] => pool.classes.map(({ bufferBytes }) => bufferBytes);

describe('classes', () => {
  test('are sorted; powers of two between two sizes where none are listed', () => {
    expect(sizes(create())).toEqual([64, 1000, 4096]);
    const arena = Arena.create({ bytes: 1 << 20 });
    const pool = SizeClassPool.create(arena, { minBytes: 100, maxBytes: 1500, buffersPerClass: 3 });
    expect(sizes(pool)).toEqual([128, 256, 512, 1024, 2048]);
    expect(pool.classes.every(({ capacity }) => capacity === 3)).toBe(true);
  });

  test('are aligned to their size, up to 4096 bytes, or as asked', () => {
    const bytesOf = (pool: SizeClassPool): number[] =>
      sizes(pool).map((bytes) => take(pool, bytes).bytes.byteOffset);
    const offsets = bytesOf(create());
    for (const [i, align] of [64, 512, 4096].entries()) expect((offsets[i] as number) % align).toBe(0);
    for (const offset of bytesOf(create({ alignBytes: 8192 }))) expect(offset % 8192).toBe(0);
  });

  test.each<Partial<SizeClassPoolOptions>>([
    { classes: [] },
    { classes: Array.from({ length: 33 }, (_, i) => ({ bufferBytes: i + 1, buffers: 1 })) },
    {
      classes: [
        { bufferBytes: 64, buffers: 1 },
        { bufferBytes: 64, buffers: 2 },
      ],
    },
    { classes: [{ bufferBytes: 0, buffers: 1 }] },
    { minBytes: 64 },
    { overflowClasses: -1 },
    { overflowClasses: 1.5 },
    { poison: true, zeroOnRelease: true },
  ])('%o is refused', (options) => {
    expect(() => create(options)).toThrow(ArgumentRangeError);
  });

  test.each([{}, { maxBytes: 64 }, { maxBytes: 32, buffersPerClass: 1 }, { buffersPerClass: 3 }])(
    'powers of two from %o are refused',
    (shape) => {
      const arena = Arena.create({ bytes: 1 << 20 });
      expect(() => SizeClassPool.create(arena, shape)).toThrow(ArgumentRangeError);
    },
  );

  test('that do not fit are refused together, and nothing is taken of the arena', () => {
    const arena = Arena.create({ bytes: 1 << 18 });
    const before = arena.usedBytes;
    const shape = { minBytes: 64, maxBytes: 1 << 17, buffersPerClass: 2 };
    expect(() => SizeClassPool.create(arena, shape)).toThrow(ArenaExhaustedError);
    expect(arena.usedBytes).toBe(before);
    expect(SizeClassPool.create(arena, { ...shape, maxBytes: 1 << 10 }).maxBytes).toBe(1 << 10);
  });
});

describe('acquiring', () => {
  test('serves from the smallest class that fits', () => {
    const pool = create();
    expect([1, 64, 65, 1000, 1001, 4096].map((bytes) => take(pool, bytes).capacity)).toEqual([
      64, 64, 1000, 1000, 4096, 4096,
    ]);
  });

  test.each([0, -1, 1.5, 4097, Number.NaN, 64n as never, '64' as never])(
    '%s bytes are refused',
    async (bytes) => {
      const pool = create();
      expect(() => pool.tryAcquire(bytes)).toThrow(ArgumentRangeError);
      expect(() => pool.tryAcquireFast(bytes)).toThrow('expected an integer from 1 to 4096');
      await expect(pool.acquire(bytes)).rejects.toThrow(ArgumentRangeError);
    },
  );

  test.each([
    [0, [64, 64]],
    [1, [64, 64, 1000, 1000]],
    [2, [64, 64, 1000, 1000, 4096, 4096]],
    [Infinity, [64, 64, 1000, 1000, 4096, 4096]],
  ])(
    'with %d classes to overflow into, 64 bytes are served from %j, and then refused',
    (overflowClasses, expected) => {
      for (const tokens of [false, true]) {
        const pool = create({ overflowClasses });
        const capacities = expected.map(() =>
          tokens ? pool.bytesOf(pool.tryAcquireFast(64)).byteLength : take(pool, 64).capacity,
        );
        expect(capacities).toEqual(expected);
        if (tokens) expect(pool.tryAcquireFast(64)).toBe(NO_LEASE);
        else expect(pool.tryAcquire(64)).toBeUndefined();
        expect(pool.stats()[0]).toMatchObject({
          bufferBytes: 64,
          overflows: expected.length - 2,
          available: 0,
        });
      }
    },
  );

  test('statistics are of each class', () => {
    const pool = create();
    take(pool, 64);
    take(pool, 4096).give(1);
    const stats = pool.stats();
    expect(stats.map(({ bufferBytes }) => bufferBytes)).toEqual([64, 1000, 4096]);
    expect(stats.map(({ leased }) => leased)).toEqual([1, 0, 0]);
    expect(stats.map(({ given }) => given)).toEqual([0, 0, 1]);
    expect(stats.map(({ overflows }) => overflows)).toEqual([0, 0, 0]);
  });
});

describe('waiting', () => {
  const full = (options: Partial<SizeClassPoolOptions> = {}): [SizeClassPool, Lease[]] => {
    const pool = create({ overflowClasses: 1, ...options });
    return [pool, [64, 64, 1000, 1000, 4096, 4096].map((bytes) => take(pool, bytes))];
  };

  test.each([
    [0, 64],
    [2, 1000],
  ])('is served by whichever class has one first: %#', async (released, capacity) => {
    const [pool, leases] = full();
    const waiting = pool.acquire(64, { timeoutMs: 5_000 });
    leases[4]?.release(); // of a class that does not serve it
    leases[released]?.release();
    const lease = await waiting;
    expect(lease.capacity).toBe(capacity);
    expect(pool.stats()[0]?.overflows).toBe(capacity === 64 ? 0 : 1);
    lease.release();
    expect(pool.stats().reduce((sum, { leased }) => sum + leased, 0)).toBe(4);
    expect(pool.classes.every((each) => each.waiting === 0)).toBe(true);
  });

  test('keeps no buffer where two come free at once', async () => {
    const [pool, leases] = full();
    const waiting = pool.acquire(64);
    for (const lease of leases) lease.release();
    (await waiting).release();
    await new Promise(setImmediate);
    expect(pool.stats().every(({ leased, waiters }) => leased === 0 && waiters === 0)).toBe(true);
  });

  test('ends with signal.reason, with the time-out, and with disposal, and leaves nothing behind', async () => {
    const [pool] = full();
    const reason = new Error('gone');
    const controller = new AbortController();
    const aborted = pool.acquire(64, { signal: controller.signal });
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await expect(pool.acquire(64, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(pool.acquire(64, { timeoutMs: 1 })).rejects.toThrow(AcquireTimeoutError);
    await expect(pool.acquire(64, { timeoutMs: 1 })).rejects.toThrow('none of 4 buffers');
    await expect(pool.acquire(4096, { timeoutMs: 1 })).rejects.toThrow('none of 2 buffers');
    await expect(pool.acquire(64, { timeoutMs: -1 })).rejects.toThrow(ArgumentRangeError);
    expect(pool.classes.every((each) => each.waiting === 0)).toBe(true);
    const waiting = pool.acquire(64);
    pool[Symbol.dispose]();
    await expect(waiting).rejects.toThrow(PoolDisposedError);
    await expect(pool.acquire(64)).rejects.toThrow(PoolDisposedError);
  });
});

describe('tokens', () => {
  test('name a lease in any class: released, given, taken, adopted by another', () => {
    const pool = create();
    const other = SizeClassPool.attach(structuredClone(pool.handle));
    for (const bytes of [64, 1000, 4096]) {
      const token = pool.tryAcquireFast(bytes);
      expect(Number.isSafeInteger(token)).toBe(true);
      pool.bytesOf(token)[1] = 7;
      expect(other.open(token).bytes[1]).toBe(7);
      const given = pool.give(token, 1);
      expect(() => pool.bytesOf(token)).toThrow(KernelHeldError);
      const lease = other.take(given, 1) as Lease;
      expect(lease.bytes[1]).toBe(7);
      const adopted = pool.adopt(other.tokenOf(lease));
      const again = pool.give(pool.tokenOf(adopted), 2);
      const back = pool.takeToken(again, 2);
      pool.release(back);
      expect(() => pool.release(back)).toThrow(StaleLeaseError);
      const orphan = pool.give(pool.tryAcquireFast(bytes), 3);
      pool.cancel(orphan, 3);
      expect(other.takeToken(orphan, 3)).toBe(NO_LEASE);
    }
    expect(pool.stats().every(({ available }) => available === 2)).toBe(true);
  });

  test.each([-1, 1.5, 2 ** 31 * 3, 2 ** 60, Number.NaN, 1n as never])('%s is none', (token) => {
    const pool = create();
    expect(() => pool.release(token)).toThrow(ArgumentRangeError);
    expect(() => pool.bytesOf(token)).toThrow(ArgumentRangeError);
  });
});

describe('threads', () => {
  test('that have ended are reclaimed in every class, and settled', () => {
    const pool = create();
    const owner = pool.register();
    const dead = SizeClassPool.attach(pool.handle, undefined, { owner });
    expect(dead.owner).toEqual(owner);
    for (const bytes of [64, 1000, 4096]) take(dead, bytes);
    take(dead, 64).give(1);
    expect(pool.reclaim(owner)).toBe(4);
    expect(pool.stats().map(({ available }) => available)).toEqual([1, 2, 2]);
    expect(pool.settle(owner)).toBe(1);
    expect(() => pool.reclaim([1])).toThrow(ArgumentRangeError);
    expect(() => SizeClassPool.attach(pool.handle, undefined, { owner: [1] })).toThrow(ArgumentRangeError);
  });

  test.each([
    ['classes', 0],
    ['classes', 4],
    ['overflowClasses', 3],
    ['overflowClasses', -1],
  ] as const)('attaching refuses a root whose %s was overwritten with %i', (field, value) => {
    const arena = Arena.create({ bytes: 1 << 20 });
    const pool = SizeClassPool.create(arena, { minBytes: 64, maxBytes: 256, buffersPerClass: 1 });
    arena.i32[(pool.handle.at >> 2) + sizeClassRoot.word[field]] = value;
    expect(() => SizeClassPool.attach(pool.handle)).toThrow(AttachError);
  });

  test('attaching refuses classes that are no pools, or out of order', () => {
    const arena = Arena.create({ bytes: 1 << 20 });
    const pool = SizeClassPool.create(arena, { minBytes: 64, maxBytes: 256, buffersPerClass: 1 });
    const first = ((pool.handle.at + sizeClassRoot.bytes) >> 2) + sizeClass.word.pool;
    const [small, large] = [arena.i32[first] as number, arena.i32[first + (sizeClass.bytes >> 2)] as number];
    arena.i32[first] = large;
    arena.i32[first + (sizeClass.bytes >> 2)] = small;
    expect(() => SizeClassPool.attach(pool.handle)).toThrow(AttachError);
    arena.i32[first] = 0;
    expect(() => SizeClassPool.attach(pool.handle)).toThrow(AttachError);
  });
});

describe('owners of classes', () => {
  test('that one class has no room for are taken back from the others', () => {
    const pool = create({ maxOwners: 2 });
    const [, middle] = pool.classes;
    middle?.register();
    middle?.register();
    for (let i = 0; i < 5; i++)
      expect(() => pool.register()).toThrow(expect.objectContaining({ code: 'ERR_OWNERS_EXHAUSTED' }));
    expect(pool.classes[0]?.register()).toBeGreaterThan(0);
  });

  test('are reclaimed in all classes or, where one is no number, in none', () => {
    const pool = create();
    const owner = pool.register();
    const other = SizeClassPool.attach(pool.handle, undefined, {
      owner,
      leakDetection: { level: 'paranoid' },
    });
    take(other, 64);
    take(other, 4096);
    expect(other.classes.flatMap((each) => each.leaks())).toHaveLength(2);
    for (const wrong of [
      [owner[0], owner[1], 1.5],
      [owner[0], owner[1]],
    ] as number[][]) {
      expect(() => pool.reclaim(wrong)).toThrow(ArgumentRangeError);
      expect(() => pool.settle(wrong)).toThrow(ArgumentRangeError);
    }
    expect(pool.stats().map(({ leased }) => leased)).toEqual([1, 0, 1]);
    expect(pool.reclaim(owner)).toBe(2);
  });
});

describe('tokens', () => {
  test.each([1, 2, 3, 8, 32])(
    'of %i classes are positive i32, of one class each, and those of its leases',
    (count) => {
      const classes = Array.from({ length: count }, (_, i) => ({ bufferBytes: 64 * (i + 1), buffers: 2 }));
      const pool = SizeClassPool.create(Arena.create({ bytes: 1 << 21 }), {
        classes,
        maxOwners: 4,
        alignBytes: 64,
      });
      const tokens = classes.flatMap(({ bufferBytes }) =>
        [bufferBytes, bufferBytes].map((bytes) => pool.tryAcquireFast(bytes)),
      );
      expect(new Set(tokens).size).toBe(2 * count);
      for (const [i, token] of tokens.entries()) {
        expect(token).toBe(token & 0x7fffffff);
        expect(pool.bytesOf(token).byteLength).toBe(64 * (1 + (i >> 1)));
        expect(Int32Array.of(token)[0]).toBe(token);
        for (const [other, each] of pool.classes.entries())
          if (other !== i >> 1) expect(() => each.release(token)).toThrow(ArgumentRangeError);
      }
      for (const token of tokens) {
        const lease = pool.adopt(token);
        expect(pool.tokenOf(lease)).toBe(lease.token);
        pool.release(lease.token);
        expect(() => pool.release(lease.token)).toThrow(StaleLeaseError);
      }
      expect(pool.stats().every(({ available }) => available === 2)).toBe(true);
    },
  );

  test('of classes that are not what their place says are refused at attaching', () => {
    const arena = Arena.create({ bytes: 1 << 20 });
    const pool = SizeClassPool.create(arena, { minBytes: 64, maxBytes: 256, buffersPerClass: 2 });
    for (const word of [bufferPoolRoot.word.tokenBase, bufferPoolRoot.word.tokenMask]) {
      const at = ((pool.classes[1]?.handle.at ?? 0) >> 2) + word;
      const before = arena.i32[at] as number;
      for (const wrong of [0, -1, before >> 1, 0x7fffffff]) {
        arena.i32[at] = wrong;
        expect(() => SizeClassPool.attach(pool.handle)).toThrow(AttachError);
      }
      arena.i32[at] = before;
    }
    expect(SizeClassPool.attach(pool.handle).classes).toHaveLength(3);
  });
});

describe('failures', () => {
  test('are counted where a wait got none, once in each class that could have served it, and not where it got one', async () => {
    const pool = create();
    const held = [64, 64, 1000, 1000].map((bytes) => take(pool, bytes));
    const failures = (): number[] => pool.stats().map((each) => each.failures);
    const waiting = pool.acquire(64);
    held[2]?.release();
    expect((await waiting).capacity).toBe(1000);
    expect(failures()).toEqual([0, 0, 0]);
    await expect(pool.acquire(64, { timeoutMs: 0 })).rejects.toThrow(AcquireTimeoutError);
    expect(failures()).toEqual([1, 1, 0]);
  });

  test('a time-out that can not be is refused even where a buffer is free', async () => {
    await expect(create().acquire(64, { timeoutMs: -1 })).rejects.toThrow(ArgumentRangeError);
  });
});
