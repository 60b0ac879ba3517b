// Waiting for a buffer on one thread; across threads in pool.stress.test.ts.
import { ArgumentRangeError, Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { AcquireTimeoutError, BufferPool, PoolDisposedError, type Lease } from '../src/index.ts';
import { PoolMemory } from '../src/pool-memory.ts';
import { WaitingLine } from '../src/waiting-line.ts';

const create = (buffers: number): BufferPool =>
  BufferPool.create(Arena.create({ bytes: 1 << 20 }), { buffers, bufferBytes: 64 });
const take = (pool: BufferPool): Lease => pool.tryAcquire() as Lease;

describe('acquire', () => {
  test('gives a free buffer at once', async () => {
    const pool = create(1);
    const lease = await pool.acquire({ signal: undefined, timeoutMs: undefined }); // as who passes on what it may have
    expect(lease.ended).toBe(false);
    expect(pool.stats()).toMatchObject({ leased: 1, acquires: 1, failures: 0, waiters: 0 });
  });

  test.each([
    ['this pool object', (pool: BufferPool): BufferPool => pool],
    ['another one', (pool: BufferPool): BufferPool => BufferPool.attach(pool.handle)],
  ])('waits until %s releases', async (_, of) => {
    const pool = create(1);
    const holder = of(pool);
    const held = take(holder);
    const waiting = pool.acquire();
    expect(pool.stats().waiters).toBe(1);
    held.release();
    const lease = await waiting;
    expect(lease.ended).toBe(false);
    expect(pool.stats()).toMatchObject({ leased: 1, failures: 0, waiters: 0 });
  });

  test('serves those who wait on one thread in the order in which they came', async () => {
    const pool = create(1);
    let held = take(pool);
    const order: number[] = [];
    const served = [0, 1, 2, 3].map(async (n) => {
      const lease = await pool.acquire();
      order.push(n);
      return lease;
    });
    for (const next of served) {
      held.release();
      held = await next; // one at a time: each is released for the next
    }
    expect(order).toEqual([0, 1, 2, 3]);
  });

  test('a buffer reclaimed from a dead owner, or returned by disposal, serves who waits', async () => {
    const pool = create(1);
    for (const end of [
      (other: BufferPool): unknown => pool.reclaim(other.owner),
      (other: BufferPool): unknown => other[Symbol.dispose](),
    ]) {
      const other = BufferPool.attach(pool.handle);
      other.tryAcquire();
      const waiting = pool.acquire();
      end(other);
      (await waiting).release();
    }
    expect(pool.stats()).toMatchObject({ available: 1, waiters: 0 });
  });
});

test('a buffer released between a failed attempt and parking is found', async () => {
  const arena = Arena.create({ bytes: 1 << 20 });
  const pool = BufferPool.create(arena, { buffers: 1, bufferBytes: 64 });
  const held = take(pool);
  const other = BufferPool.attach(pool.handle, arena);
  const line = new WaitingLine(PoolMemory.open(arena, pool.handle), {
    owner: () => pool.register(),
    take: () => {
      const lease = other.tryAcquire();
      if (lease === undefined) held.release(); // just after the attempt
      return lease;
    },
    fail: () => {},
  });
  expect((await line.join({ timeoutMs: 1_000 })).ended).toBe(false);
});

describe('giving up', () => {
  test('an aborted wait rejects with signal.reason and takes no buffer', async () => {
    const pool = create(1);
    const held = take(pool);
    const controller = new AbortController();
    const reason = new Error('client went away');
    const waiting = pool.acquire({ signal: controller.signal });
    const other = pool.acquire();
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    held.release();
    (await other).release(); // the wake-up was not lost on the one that gave up
    expect(pool.stats()).toMatchObject({ available: 1, failures: 1, waiters: 0 });
  });

  test('a signal aborted before rejects, even where a buffer is free', async () => {
    const pool = create(1);
    await expect(pool.acquire({ signal: AbortSignal.abort('no') })).rejects.toBe('no');
    expect(pool.stats()).toMatchObject({ available: 1, acquires: 0 });
  });

  test('after the time-out it rejects with the milliseconds, and waits no longer', async () => {
    const pool = create(2);
    take(pool);
    take(pool);
    const error = await pool.acquire({ timeoutMs: 5 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AcquireTimeoutError);
    expect(error).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT', timeoutMs: 5 });
    expect((error as Error).message).toBe('none of 2 buffers came free within 5 ms');
    expect(pool.stats()).toMatchObject({ failures: 1, waiters: 0 });
  });

  test('who gave up and who came later share one parked promise: the later one is still woken', async () => {
    const pool = create(1);
    const held = take(pool);
    await pool.acquire({ timeoutMs: 1 }).catch(() => {});
    const later = pool.acquire();
    held.release();
    (await later).release();
    for (let i = 0; i < 50; i++) {
      const again = take(pool);
      const controller = new AbortController();
      const aborted = pool.acquire({ signal: controller.signal }).catch(() => {});
      const kept = pool.acquire();
      if (i % 2 === 0) controller.abort();
      again.release();
      if (i % 2 === 1) controller.abort();
      await aborted;
      (await kept).release();
    }
    expect(pool.stats().waiters).toBe(0);
  });

  test('who gave up on one thread leaves a parked promise, which takes no wake-up from another thread', async () => {
    const pool = create(1);
    const quitter = BufferPool.attach(pool.handle);
    const held = take(pool);
    await quitter.acquire({ timeoutMs: 1 }).catch(() => {});
    const waiting = BufferPool.attach(pool.handle).acquire({ timeoutMs: 2_000 });
    held.release();
    expect((await waiting).ended).toBe(false);
  });

  test('listeners and timers are gone once a wait has ended', async () => {
    const pool = create(1);
    const held = take(pool);
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...call: Parameters<typeof add>) => {
      listeners++;
      add(...call);
    };
    signal.removeEventListener = (...call: Parameters<typeof remove>) => {
      listeners--;
      remove(...call);
    };
    const waiting = pool.acquire({ signal, timeoutMs: 60_000 });
    expect(listeners).toBe(1);
    held.release();
    await waiting;
    expect(listeners).toBe(0);
  });

  test('disposing sends those who wait away', async () => {
    const pool = create(1);
    take(pool);
    const waiting = [pool.acquire(), pool.acquire({ timeoutMs: 60_000 })];
    pool[Symbol.dispose]();
    for (const each of waiting) await expect(each).rejects.toThrow(PoolDisposedError);
    expect(pool.stats()).toMatchObject({ waiters: 0, available: 1 });
  });

  test.each([-1, Number.NaN, 2 ** 31, 5n as never, '5' as never])(
    'timeoutMs %s is refused',
    async (timeoutMs) => {
      await expect(create(1).acquire({ timeoutMs })).rejects.toThrow(ArgumentRangeError);
    },
  );
});
