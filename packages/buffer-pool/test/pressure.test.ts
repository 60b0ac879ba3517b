// Pressure: told once an episode, on every thread that listens.
import { ArgumentRangeError, Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  BufferPool,
  PoolDisposedError,
  type BufferPoolOptions,
  type Lease,
  type PressureEvent,
} from '../src/index.ts';
import { bufferPoolRoot } from '../src/layout.ts';

const create = (options: Partial<BufferPoolOptions> = {}): BufferPool =>
  BufferPool.create(Arena.create({ bytes: 1 << 20 }), {
    buffers: 10,
    bufferBytes: 64,
    cacheBuffers: 0,
    ...options,
  });
const take = (pool: BufferPool, count: number): Lease[] =>
  Array.from({ length: count }, () => pool.tryAcquire() as Lease);
const free = (leases: Lease[], count: number): void => {
  for (const lease of leases.splice(0, count)) lease.release();
};
/** `waitAsync` tells in a task of its own. */
const told = async (events: readonly unknown[], count: number): Promise<void> => {
  for (let i = 0; i < 1_000 && events.length < count; i++) await new Promise(setImmediate);
};

describe('pressure', () => {
  test('begins above the high mark and ends at the low one, once, whatever happens between', async () => {
    const pool = create();
    const other = BufferPool.attach(pool.handle);
    const events: PressureEvent[] = [];
    const there: PressureEvent[] = [];
    pool.onPressure((event) => events.push(event));
    other.onPressure((event) => there.push(event));
    const leases = take(pool, 8);
    expect(pool.stats().pressureEpisodes).toBe(0);
    leases.push(...take(other, 1)); // the ninth of ten
    await told(there, 1);
    expect(events).toEqual([{ underPressure: true, episode: 1, used: 9, capacity: 10 }]);
    for (let i = 0; i < 5; i++) {
      free(leases, 2); // seven: between the marks
      leases.push(...take(pool, 2));
    }
    expect(pool.stats().pressureEpisodes).toBe(1);
    free(leases, 3);
    await told(there, 2);
    expect(events.slice(1)).toEqual([{ underPressure: false, episode: 1, used: 6, capacity: 10 }]);
    expect(there).toEqual(events);
    leases.push(...take(pool, 4));
    await told(there, 3);
    expect(events.at(-1)).toMatchObject({ underPressure: true, episode: 2, used: 10 });
    expect(pool.stats()).toMatchObject({ pressureEpisodes: 2, underPressure: true });
  });

  test('of an episode that nobody came to see, beginning and end are told; of older ones nothing', async () => {
    const pool = create({ watermarks: { high: 0.5, low: 0 } });
    const events: PressureEvent[] = [];
    pool.onPressure((event) => events.push(event));
    for (let i = 0; i < 3; i++) free(take(pool, 6), 6);
    await told(events, 2);
    expect(events.map(({ underPressure, episode }) => [underPressure, episode])).toEqual([
      [true, 3],
      [false, 3],
    ]);
  });

  test('in which the pool was before is not told to who comes to listen; its end is', async () => {
    const pool = create();
    const leases = take(pool, 10);
    const events: PressureEvent[] = [];
    pool.onPressure((event) => events.push(event));
    free(leases, 10);
    await told(events, 1);
    expect(events.map(({ underPressure }) => underPressure)).toEqual([false]);
  });

  test('counts what the kernel has, what is detached, and what a dead thread held', async () => {
    const pool = create();
    const dead = BufferPool.attach(pool.handle);
    for (const [i, lease] of take(dead, 4).entries()) lease.give(i);
    const [mine, ...others] = take(pool, 4) as [Lease, ...Lease[]];
    mine.detach();
    expect(pool.stats().pressureEpisodes).toBe(0);
    others.push(...take(pool, 1));
    expect(pool.stats().pressureEpisodes).toBe(1);
    const events: PressureEvent[] = [];
    pool.onPressure((event) => events.push(event));
    pool.reclaim(dead.owner); // orphans are still not available
    await new Promise(setImmediate);
    expect(events).toEqual([]);
    pool.settle(dead.owner);
    await told(events, 1);
    expect(events).toMatchObject([{ underPressure: false, used: 5 }]);
  });

  test('ends where the pool grows, and begins where it shrinks', async () => {
    const pool = create({ maxBuffers: 20, cacheBuffers: 4 });
    take(pool, 10);
    expect(pool.stats().pressureEpisodes).toBe(1);
    const events: PressureEvent[] = [];
    pool.onPressure((event) => events.push(event));
    pool.resize(20);
    await told(events, 1);
    expect(events.at(-1)).toMatchObject({ underPressure: false, capacity: 20 });
    pool.resize(10);
    await told(events, 2);
    expect(events.at(-1)).toMatchObject({ underPressure: true, capacity: 10 });
  });

  test.each([
    [1, 64, 8],
    [2, 64, 8],
    [4, 64, 16],
    [8, 64, 8],
    [3, 256, 64],
  ])(
    'is noticed an eighth of the pool late at most, out of the caches of %i threads, of %i buffers',
    (threads, buffers, cacheBuffers) => {
      const marks = { high: 0.5, low: 0.25 };
      const arena = Arena.create({ bytes: 1 << 20 });
      const pool = BufferPool.create(arena, {
        buffers,
        bufferBytes: 64,
        alignBytes: 64,
        cacheBuffers,
        watermarks: marks,
      });
      const pools = Array.from({ length: threads }, () => BufferPool.attach(pool.handle, arena));
      const late = threads * 16 > buffers ? 0 : buffers / 8;
      // Twice: the second time all of them come out of caches, as far as those hold them.
      for (let episode = 1; episode <= 3; episode++) {
        const leases: Lease[] = [];
        const most = marks.high * buffers + 1 + late;
        for (let i = 0; leases.length < most; i++) {
          expect(pool.stats().pressureEpisodes).toBeLessThanOrEqual(
            leases.length > marks.high * buffers ? episode : episode - 1,
          );
          leases.push(...take(pools[i % threads] as BufferPool, 1));
        }
        expect(pool.stats().pressureEpisodes).toBe(episode);
        while (leases.length > Math.max(0, marks.low * buffers - late)) leases.shift()?.release();
        expect(Atomics.load(arena.i32, (pool.handle.at >> 2) + bufferPoolRoot.word.pressure)).toBe(
          2 * episode,
        );
        for (const lease of leases) lease.release();
      }
    },
  );

  test('is noticed where every buffer is in some cache and nobody goes to the shared list', () => {
    const pool = create({ buffers: 64, cacheBuffers: 16 });
    const pools = Array.from({ length: 4 }, () => BufferPool.attach(pool.handle));
    for (const leases of pools.map((each) => take(each, 16))) for (const lease of leases) lease.release();
    const { refills, steals, pressureEpisodes } = pool.stats();
    for (const each of pools) take(each, 16);
    expect(pool.stats()).toMatchObject({
      available: 0,
      refills,
      steals,
      pressureEpisodes: pressureEpisodes + 1,
    });
  });

  test('is told no more to who has stopped listening, nor after disposal', async () => {
    const pool = create();
    const events: string[] = [];
    const first = pool.onPressure(() => events.push('first'));
    pool.onPressure(() => events.push('second'));
    first[Symbol.dispose]();
    free(take(pool, 10), 10);
    await told(events, 2);
    expect(events).toEqual(['second', 'second']);
    const other = BufferPool.attach(pool.handle);
    pool[Symbol.dispose]();
    take(other, 10);
    await new Promise(setImmediate);
    expect(events).toHaveLength(2);
    expect(() => pool.onPressure(() => {})).toThrow(PoolDisposedError);
  });

  test('is told to who listens anew each time once an episode, and to nobody who has gone meanwhile', async () => {
    const pool = create();
    const events: string[] = [];
    let watch: Disposable;
    const again = ({ underPressure }: PressureEvent): void => {
      events.push(`${underPressure}`);
      watch[Symbol.dispose]();
      gone[Symbol.dispose]();
      watch = pool.onPressure(again);
    };
    watch = pool.onPressure(again);
    const gone = pool.onPressure(() => events.push('gone'));
    const leases = take(pool, 10);
    await told(events, 1);
    free(leases, 10);
    await told(events, 2);
    await new Promise(setImmediate);
    expect(events).toEqual(['true', 'false']);
  });

  test('is not told to what is no function', () => {
    expect(() => create().onPressure(undefined as never)).toThrow(ArgumentRangeError);
  });

  test('is told to all, whatever one of them throws; that is an uncaught exception', async () => {
    const pool = create();
    const events: unknown[] = [];
    const uncaught: unknown[] = [];
    const before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      pool.onPressure(() => {
        throw new Error('of a listener');
      });
      pool.onPressure((event) => events.push(event));
      const leases = take(pool, 10);
      await told(events, 1);
      free(leases, 10);
      await told(events, 2);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of before) process.on('uncaughtException', listener);
    }
    expect(events).toHaveLength(2);
    expect(uncaught.map(String)).toEqual(['Error: of a listener', 'Error: of a listener']);
  });

  test('never begins where the high mark is 1', () => {
    const pool = create({ watermarks: { high: 1, low: 0 } });
    take(pool, 10);
    expect(pool.stats()).toMatchObject({ pressureEpisodes: 0, underPressure: false });
  });

  test.each([
    [0.5, 0.5],
    [0.5, 0.6],
    [1.1, 0.5],
    [0.5, -0.1],
    [Number.NaN, 0],
  ])('marks %d and %d are refused', (high, low) => {
    expect(() => create({ watermarks: { high, low } })).toThrow(ArgumentRangeError);
  });
});
