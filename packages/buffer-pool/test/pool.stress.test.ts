// Real workers: nothing lost, nothing leased twice, no wake-up lost, and nothing lost with a worker that is killed.
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { BufferPool, OwnersExhaustedError, type BufferPoolOptions } from '../src/index.ts';
import { bufferPoolRoot, ownerSlot, ownerWord } from '../src/layout.ts';
import { Crew } from '../../../tools/testing/crew.ts';
import type { HolderReport, HolderStation } from './worker/holder.ts';

const WORKER = new URL('./worker/holder.ts', import.meta.url);
const FOR_EVER = Infinity;

const create = (buffers: number, options: Partial<BufferPoolOptions> = {}): BufferPool =>
  BufferPool.create(Arena.create({ bytes: 1 << 20 }), {
    buffers,
    bufferBytes: 200,
    alignBytes: 64,
    ...options,
  });

/** A number, as soon as somebody gives one back. */
async function registered(pool: BufferPool): Promise<number> {
  for (;;) {
    try {
      return pool.register();
    } catch (error) {
      if (!(error instanceof OwnersExhaustedError)) throw error;
      await new Promise(setImmediate);
    }
  }
}

async function work(stations: readonly HolderStation[]): Promise<HolderReport[]> {
  await using crew = new Crew(WORKER, stations);
  await crew.go();
  return await crew.reports<HolderReport>();
}

describe('workers that share a pool', { timeout: 60_000 }, () => {
  test.each([
    [4, {}],
    [64, {}],
    [64, { poison: true }],
  ])(
    '%i buffers %o: nobody finds the bytes of another, and all buffers and counts are there at the end',
    async (buffers, options) => {
      const pool = create(buffers, options);
      const station = { handle: pool.handle, leases: 20_000 };
      const reports = await work([
        { ...station, way: 'tokens' },
        { ...station, way: 'leases' },
        { ...station, way: 'operations' },
        { ...station, way: 'leases' },
      ]);
      expect(reports.flatMap((report) => report.wrong)).toEqual([]);
      const { available, leased, acquires, failures, hits, misses, steals } = pool.stats();
      expect(hits + misses).toBe(acquires);
      expect(steals).toBeLessThanOrEqual(misses);
      expect({ available, leased }).toEqual({ available: buffers, leased: 0 });
      expect(acquires).toBe(reports.reduce((sum, report) => sum + report.leases, 0));
      expect(failures).toBe(reports.reduce((sum, report) => sum + report.refused, 0));
    },
  );

  test('a pool that grows and shrinks meanwhile, by hand and by demand: no buffer is lost or had twice', async () => {
    const pool = create(4, { maxBuffers: 16, growth: 'demand' });
    const station = { handle: pool.handle, leases: 15_000 };
    await using crew = new Crew(WORKER, [
      { ...station, way: 'leases' } satisfies HolderStation,
      { ...station, way: 'operations' } satisfies HolderStation,
      { ...station, way: 'waits', leases: 2_000 } satisfies HolderStation,
    ]);
    await crew.go();
    const at = { work: true };
    const reports = crew.reports<HolderReport>().finally(() => {
      at.work = false;
    });
    for (let size = 0; at.work; size = (size + 5) % 17) {
      pool.resize(size);
      await new Promise(setImmediate);
    }
    expect((await reports).flatMap((report) => report.wrong)).toEqual([]);
    expect(pool.resize(16)).toBe(16);
    expect(pool.stats()).toMatchObject({ capacity: 16, available: 16, reserved: 0, waiters: 0 });
    expect(pool.resize(0)).toBe(0);
    expect(pool.stats()).toMatchObject({ capacity: 0, reserved: 16 });
  });

  test.each([1, 2, 5])(
    '%i buffers, four workers that wait, with aborts: nobody waits for ever',
    async (buffers) => {
      const pool = create(buffers);
      const station: HolderStation = { handle: pool.handle, leases: 1_500, way: 'waits' };
      const reports = await work([station, station, station, station]);
      expect(reports.flatMap((report) => report.wrong)).toEqual([]);
      expect(reports.every((report) => report.leases >= 1_500)).toBe(true);
      expect(pool.stats()).toMatchObject({ available: buffers, leased: 0, waiters: 0 });
    },
  );
});

describe('workers that are killed', { timeout: 60_000 }, () => {
  test.each([
    ['tokens', {}],
    ['leases', {}],
    ['leases', { poison: true }],
    ['operations', {}],
    ['operations', { cacheBuffers: 0 }],
    ['operations', { buffers: 2, maxBuffers: 24, growth: 'demand' }],
    ['waits', {}],
  ] as const)(
    'in the middle of %s %o: reclaim returns every buffer once, while another worker goes on',
    async (way, options) => {
      const buffers = 24;
      const pool = create(buffers, options);
      for (let round = 0; round < 3; round++) {
        const doomed = pool.register();
        const station = { handle: pool.handle, leases: FOR_EVER, way };
        const other = pool.register();
        await using crew = new Crew(WORKER, [
          { ...station, owner: doomed },
          { ...station, owner: other },
        ]);
        await crew.go();
        const before = pool.stats().acquires;
        while (pool.stats().acquires < before + 500); // both are at it
        await crew.workers[0]?.terminate();
        const { inUse } = pool.stats();
        expect(inUse).toBeLessThanOrEqual(2 * 4);
        pool.reclaim(doomed);
        expect(pool.reclaim(doomed)).toBe(0);
        pool.settle(doomed);
        const [, survivor] = crew.workers;
        const at = pool.stats().acquires;
        while (pool.stats().acquires < at + 100); // the other goes on
        await survivor?.terminate();
        pool.reclaim(other);
        pool.settle(other);
        pool.resize(buffers);
        expect(pool.stats()).toMatchObject({ available: buffers, leased: 0, detached: 0, waiters: 0 });
        const leases = Array.from({ length: buffers }, () => pool.tryAcquire());
        expect(new Set(leases.map((lease) => lease?.index)).size).toBe(buffers);
        expect(pool.tryAcquire()).toBeUndefined();
        for (const lease of leases) lease?.release();
      }
    },
  );

  test('three at a time, anywhere in refills, spills, steals and operations: every buffer is there again', async () => {
    const buffers = 40;
    const pool = create(buffers, { cacheBuffers: 6 });
    const worker = new URL('./worker/churner.ts', import.meta.url);
    for (let round = 0; round < 12; round++) {
      const owners = [0, 1, 2].map(() => pool.register());
      await using crew = new Crew(
        worker,
        owners.map((owner, i): HolderStation => ({
          handle: pool.handle,
          leases: FOR_EVER,
          way: i === 1 ? 'operations' : 'tokens',
          owner,
        })),
      );
      await crew.go();
      const { acquires } = pool.stats();
      while (pool.stats().acquires < acquires + 997 * (round + 1)); // another point each time
      for (const [i, owner] of owners.entries()) {
        await crew.workers[i]?.terminate();
        pool.reclaim(owner);
        pool.settle(owner);
      }
      expect(pool.stats()).toMatchObject({ capacity: buffers, available: buffers, waiters: 0 });
      const leases = Array.from({ length: buffers }, () => pool.tryAcquire());
      expect(new Set(leases.map((lease) => lease?.index)).size).toBe(buffers);
      expect(pool.tryAcquire()).toBeUndefined();
      for (const lease of leases) lease?.release();
    }
  });

  test('and are reclaimed by three at once, of whom one has no number, while their slots are given out again: all is there at the end', async () => {
    const buffers = 40;
    const pool = create(buffers, { cacheBuffers: 6, maxOwners: 5, watermarks: { high: 0.5, low: 0.3 } });
    const file = (name: string): URL => new URL(`./worker/${name}.ts`, import.meta.url);
    const orders = new Int32Array(new SharedArrayBuffer(12));
    const { handle } = pool;
    await using reclaimers = new Crew(file('reclaimer'), [
      { handle, orders },
      { handle, orders },
    ]);
    await reclaimers.go();
    await using registrars = new Crew(file('registrar'), [{ handle }]);
    await registrars.go();
    for (let round = 1; round <= 8; round++) {
      const owner = await registered(pool);
      const station: HolderStation = {
        handle,
        leases: FOR_EVER,
        way: round % 2 === 0 ? 'operations' : 'tokens',
        owner,
      };
      await using crew = new Crew(file('churner'), [station]);
      await crew.go();
      const { acquires } = pool.stats();
      while (pool.stats().acquires < acquires + 997 * round) await new Promise(setImmediate);
      await crew.workers[0]?.terminate();
      Atomics.store(orders, 1, owner);
      Atomics.add(orders, 0, 1);
      Atomics.notify(orders, 0);
      pool.reclaim(owner);
      while (Atomics.load(orders, 2) < 2 * round) await new Promise(setImmediate);
      expect(pool.reclaim(owner)).toBe(0);
      pool.settle(owner);
    }
    await registrars.workers[0]?.terminate();
    const arena = Arena.attach(handle.arena);
    const slots = Array.from(
      { length: 5 },
      (_, i) => (handle.at + bufferPoolRoot.bytes + i * ownerSlot.bytes) >> 2,
    );
    const { one: live } = ownerWord.field.live;
    for (const slot of slots) {
      const word = arena.i32[slot] as number;
      if ((word & live) !== 0 && (word & ~live) !== pool.owner) pool.reclaim(word & ~live);
    }
    expect(pool.stats()).toMatchObject({ capacity: buffers, available: buffers, waiters: 0 });
    const leases = Array.from({ length: buffers }, () => pool.tryAcquire());
    expect(new Set(leases.map((lease) => lease?.index)).size).toBe(buffers);
    for (const lease of leases) lease?.release();
    // What pressure is told from: nothing of it was lost with anybody.
    const count = (word: number): number =>
      slots.reduce((sum, slot) => sum + (arena.i32[slot + word] as number), 0);
    expect(count(ownerSlot.word.acquires)).toBe(count(ownerSlot.word.ends));
  });

  test('while it holds leases: exactly those come back, and others are woken by them', async () => {
    const pool = create(3);
    const owner = pool.register();
    const worker = new URL('./worker/hoarder.ts', import.meta.url);
    await using crew = new Crew(worker, [
      { handle: pool.handle, owner, leases: 2, way: 'leases' } satisfies HolderStation,
    ]);
    await crew.go();
    const [tokens] = await crew.reports<number[]>();
    const mine = await pool.acquire();
    const waiting = pool.acquire();
    expect(pool.stats()).toMatchObject({ leased: 3, waiters: 1 });
    await crew.workers[0]?.terminate();
    expect(pool.reclaim(owner)).toBe(2);
    const lease = await waiting;
    expect(mine.ended).toBe(false);
    expect(pool.stats()).toMatchObject({ leased: 2, available: 1, waiters: 0 });
    for (const token of tokens ?? [])
      expect(() => pool.open(token)).toThrow(expect.objectContaining({ code: 'ERR_STALE_LEASE' }));
    lease.release();
  });
});

describe('a buffer handed over', { timeout: 60_000 }, () => {
  test('by its token: a worker reads it, adopts it, and the first lease ends', async () => {
    const pool = create(3);
    const lease = pool.tryAcquire();
    if (lease === undefined) throw new Error('no buffer');
    lease.bytes.set(Buffer.from('hello'));
    lease.length = 5;
    const station = { handle: pool.handle, token: lease.token };
    await using crew = new Crew(new URL('./worker/adopter.ts', import.meta.url), [station]);
    await crew.go();
    const [report] = await crew.reports<object>();
    expect(report).toEqual({ opened: 'hello', adopted: 'hello', foreign: 'ERR_FOREIGN_RELEASE' });
    expect(lease.ended).toBe(true);
    expect(() => lease.bytes).toThrow(expect.objectContaining({ code: 'ERR_STALE_LEASE' }));
    expect(pool.stats()).toMatchObject({ leased: 0, available: 3 });
  });
});
