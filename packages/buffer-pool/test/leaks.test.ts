// Leases that are not returned: found by their stacks.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ArgumentRangeError, Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { BufferPool, type LeakDetection, type LeakReport, type Lease } from '../src/index.ts';

const create = (leakDetection?: LeakDetection): BufferPool =>
  BufferPool.create(Arena.create({ bytes: 1 << 20 }), {
    buffers: 8,
    bufferBytes: 64,
    ...(leakDetection === undefined ? {} : { leakDetection }),
  });

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** Finalizers run in tasks of their own after a collection. */
async function collected(leaks: readonly unknown[], count: number): Promise<void> {
  for (let i = 0; i < 100 && leaks.length < count; i++) {
    collect();
    await new Promise(setImmediate);
  }
}

/** Kept: a registry that is garbage itself calls nobody. */
const swept = new FinalizationRegistry<unknown[]>((told) => told.push('swept'));

/** All that is garbage now has been told: what is garbage later than that was. Twice, as objects may outlive one collection on the stack. */
async function collectAll(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const told: unknown[] = [];
    swept.register({}, told);
    await collected(told, 1);
  }
}

function leakOne(pool: BufferPool): void {
  pool.tryAcquire();
}

describe('leak detection', () => {
  test('reports a lease that was collected without its release, with the stack of its acquire', async () => {
    const leaks: LeakReport[] = [];
    const pool = create({ level: 'simple', sampleEvery: 1, onLeak: (leak) => leaks.push(leak) });
    leakOne(pool);
    await collected(leaks, 1);
    expect(leaks).toHaveLength(1);
    const [leak] = leaks as [LeakReport];
    expect(leak).toMatchObject({ how: 'collected', index: 0, generation: 0, owner: pool.owner, touches: [] });
    expect(leak.stack.split('\n')[0]).toContain('leakOne');
    expect(leak.ageMs).toBeGreaterThan(0);
    expect(pool.leaks()).toMatchObject([{ how: 'collected', index: 0 }]);
    expect(pool.stats()).toMatchObject({ leased: 1 }); // its bytes may still be in use
  });

  test.each(['simple', 'paranoid'] as const)(
    'of %s: reports no lease that another object took from the kernel, while that object lives',
    async (level) => {
      const leaks: LeakReport[] = [];
      const pool = create({ level, sampleEvery: 1, onLeak: (leak) => leaks.push(leak) });
      const giveOne = (): number => (pool.tryAcquire() as Lease).give(7);
      const token = giveOne(); // its object is garbage from here on
      let taken = pool.take(token, 7);
      await collectAll();
      expect(leaks).toEqual([]);
      expect(pool.leaks()).toMatchObject([{ how: 'held', index: taken?.index }]);
      taken = undefined;
      await collected(leaks, 1);
      expect(leaks).toMatchObject([{ how: 'collected', generation: 2 }]);
    },
  );

  test('reports nothing of leases that were released, detached, adopted, given or reclaimed', async () => {
    const leaks: LeakReport[] = [];
    const pool = create({ level: 'paranoid', onLeak: (leak) => leaks.push(leak) });
    const other = BufferPool.attach(pool.handle);
    ((): void => {
      const [released, detached, adopted, given, byToken] = Array.from(
        { length: 5 },
        () => pool.tryAcquire() as Lease,
      ) as [Lease, Lease, Lease, Lease, Lease];
      released.release();
      detached.detach();
      other.adopt(adopted.token);
      given.give(1);
      pool.release(byToken.token);
    })();
    await collectAll();
    expect(leaks).toEqual([]);
    expect(pool.leaks()).toEqual([]);
  });

  test('lists what has not ended, the oldest first, leases and tokens, and forgets what has', () => {
    const pool = create({ level: 'paranoid' });
    const first = pool.tryAcquire() as Lease;
    const token = pool.tryAcquireFast();
    const third = pool.tryAcquire() as Lease;
    expect(pool.leaks().map(({ index, how }) => [index, how])).toEqual([
      [0, 'held'],
      [1, 'held'],
      [2, 'held'],
    ]);
    expect(pool.leaks()[1]?.stack).not.toContain('buffer-pool/src');
    first.release();
    expect(pool.leaks().map(({ index }) => index)).toEqual([1, 2]);
    pool.release(token);
    third.release();
    expect(pool.leaks()).toEqual([]);
    pool.tryAcquireFast();
    expect(pool.leaks()).toHaveLength(1);
  });

  test('follows a lease to the kernel and back, with its touches, the last eight', () => {
    const pool = create({ level: 'advanced', sampleEvery: 1 });
    const lease = pool.tryAcquire() as Lease;
    lease.touch('parsed');
    lease.give(1);
    expect(pool.leaks()).toEqual([]); // the kernel has it
    lease.take(1);
    const taken = pool.take(pool.give(lease.token, 2), 2) as Lease;
    expect(pool.leaks()[0]?.touches).toEqual([]); // a lease of its own, since
    for (let i = 0; i < 10; i++) taken.touch(`${i}`);
    const [leak] = pool.leaks();
    expect(leak?.generation).toBe(4);
    expect(leak?.touches.map(({ action }) => action)).toEqual(['2', '3', '4', '5', '6', '7', '8', '9']);
    expect(leak?.touches[0]?.stack).toContain('leaks.test');
  });

  test('notes give, take and touch in their order', () => {
    const pool = create({ level: 'paranoid' });
    const lease = pool.tryAcquire() as Lease;
    lease.touch();
    lease.give(1);
    lease.take(1);
    expect(pool.leaks()[0]?.touches.map(({ action }) => action)).toEqual(['touch', 'give', 'take']);
  });

  test('at level simple notes no touches', () => {
    const pool = create({ level: 'simple', sampleEvery: 1 });
    (pool.tryAcquire() as Lease).touch();
    expect(pool.leaks()[0]?.touches).toEqual([]);
  });

  test('reports at disposal what this thread still leases', () => {
    const leaks: LeakReport[] = [];
    const pool = create({ level: 'paranoid', onLeak: (leak) => leaks.push(leak) });
    pool.tryAcquire();
    pool.tryAcquireFast();
    pool.tryAcquire()?.release();
    pool[Symbol.dispose]();
    expect(leaks.map(({ how, index }) => [how, index])).toEqual([
      ['disposed', 0],
      ['disposed', 1],
    ]);
    expect(pool.leaks()).toEqual([]);
  });

  test('is a process warning where nobody asked for it otherwise', async () => {
    const warned = new Promise<Error & { code?: string }>((resolve) => process.once('warning', resolve));
    const pool = create({ level: 'paranoid' });
    leakOne(pool);
    pool[Symbol.dispose]();
    const warning = await warned;
    expect(warning).toMatchObject({ name: 'BufferLeakWarning', code: 'BUFFER_POOL_LEAK' });
    expect(warning.message).toContain('leakOne');
  });

  test('samples about one lease in so many; every thread says for itself', () => {
    const pool = create({ level: 'simple', sampleEvery: 10 });
    const other = BufferPool.attach(pool.handle, undefined, { leakDetection: { level: 'paranoid' } });
    let sampled = 0;
    for (let i = 0; i < 5_000; i++) {
      const lease = pool.tryAcquire();
      sampled += pool.leaks().length;
      lease?.release();
    }
    expect(sampled).toBeGreaterThan(300);
    expect(sampled).toBeLessThan(800);
    other.tryAcquire();
    expect(other.leaks()).toHaveLength(1);
  });

  test('is off by default', () => {
    for (const pool of [create(), create({ level: 'off' })]) {
      pool.tryAcquire()?.touch();
      expect(pool.leaks()).toEqual([]);
    }
  });

  test.each<LeakDetection>([
    { level: 'most' as never },
    { level: 'simple', sampleEvery: 0 },
    { level: 'simple', sampleEvery: 1.5 },
  ])('%o is refused', (leakDetection) => {
    expect(() => create(leakDetection)).toThrow(ArgumentRangeError);
  });
});
