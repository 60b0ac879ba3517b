// Tasks of steps that show their worth at once, and go on in the slow lane: on real workers.
import { expect, test } from 'vitest';
import { Scheduler, type SchedulerOptions } from '../src/index.ts';
import { moving, type Walk } from './tasks/moving.ts';

const WITHIN = { timeout: 15_000 };

const hasty = { violations: 1, cpuMs: 1, slowPolls: 1, minMs: 0, checkEvery: 1 };

/** One slow step a tier. */
const create = (options: SchedulerOptions = {}): Scheduler =>
  Scheduler.create({
    threads: 1,
    budgets: {
      profile: 'custom',
      slowPollMs: 1,
      promotionHysteresisMs: 0,
      coolDownMs: 0,
      tiers: { monitor: hasty, warn: hasty, yield: hasty },
    },
    ...options,
  });

const loads: readonly (readonly [string, unknown])[] = [
  ['nothing', undefined],
  ['a list', [1, 'two', { three: 3 }]],
  ['a long text', 'ü'.repeat(20_000)],
  ['bytes', new Uint8Array(100_000).fill(7)],
  ['a map of dates', new Map([['a', new Date(5)]])],
  ['an error', new RangeError('of its state')],
];

test.each(loads)('a state with %s moves, and the result is as if it had stayed', async (_, load) => {
  await using scheduler = create();
  const end: Walk = await scheduler.run(moving.walk, { at: 0, steps: 12, load, workers: [] });
  expect(end).toMatchObject({ at: 12, steps: 12, workers: [0, 1] });
  expect(end.load).toEqual(load);
  expect(scheduler.counts().moved).toBe(1);
  expect(scheduler.stats().slowLane).toMatchObject({ queued: 0, entered: 1 });
});

test('states for which there is no memory move by ports', async () => {
  await using scheduler = create({ threads: 2, payloadBytes: 65_536, payloadMemoryBytes: 131_072 });
  const load = 'x'.repeat(60_000);
  const ends = await Promise.all(
    Array.from({ length: 12 }, () => scheduler.run(moving.walk, { at: 0, steps: 6, load, workers: [] })),
  );
  for (const end of ends as Walk[]) {
    expect(end.at).toBe(6);
    expect(end.load).toBe(load);
  }
  expect(scheduler.counts().moved).toBeGreaterThan(0);
});

test('a state that can not travel stays, and the task ends where it is', async () => {
  await using scheduler = create({ payloadBytes: 1024, inlineBytes: 512 });
  expect(await scheduler.run(moving.grow, { at: 0, text: '' })).toEqual([0]);
  expect(await scheduler.run(moving.close, 0)).toEqual([0]);
  expect(scheduler.counts().moved).toBe(0);
});

test('a state that is shared memory moves, and stays shared', async () => {
  await using scheduler = create();
  const memory = new Int32Array(new SharedArrayBuffer(48));
  expect(await scheduler.run(moving.fill, memory)).toBe(12);
  expect([...memory]).toEqual(Array.from({ length: 12 }, () => 1));
  expect(scheduler.counts().moved).toBe(1);
});

test('a task that is pinned, and one where there is no slow lane, stays', async () => {
  await using scheduler = create();
  const walk = { at: 0, steps: 8, load: 0, workers: [] };
  const pinned: Walk = await scheduler.run(moving.walk, walk, { pin: { worker: 0 } });
  expect(pinned.workers).toEqual([0]);
  await using other = create({ slowLane: false });
  const stayed: Walk = await other.run(moving.walk, walk);
  expect(stayed.workers).toEqual([0]);
  expect(other.stats().slowLane).toBeUndefined();
});

test('where the slow lane has room for one at a time, the others go on where they are', async () => {
  await using scheduler = create({ slowLane: { capacity: 1 } });
  const walk = { at: 0, steps: 10, load: 0, workers: [] };
  const ends = await Promise.all(Array.from({ length: 12 }, () => scheduler.run(moving.walk, walk)));
  for (const end of ends as Walk[]) expect(end.at).toBe(10);
  expect(scheduler.stats().slowLane?.queued).toBe(0);
});

test('its signal ends one that has moved, and it is told', async () => {
  await using scheduler = create({ graceMs: Infinity, closeTimeoutMs: 1000 });
  const abort = new AbortController();
  const walk = { at: 0, steps: 1_000_000, load: 0, workers: [] };
  const result = scheduler.run(moving.walk, walk, { signal: abort.signal });
  await expect.poll(() => scheduler.stats().workers[1]?.threadId, WITHIN).toBeGreaterThan(0);
  await expect.poll(() => scheduler.stats().slowLane?.queued, WITHIN).toBe(0);
  abort.abort(new Error('enough'));
  await expect(result).rejects.toThrow('enough');
  await expect.poll(() => scheduler.stats().slots.used, WITHIN).toBe(0);
});

test(
  'each step runs once, or once more after the loss of its worker, wherever it is',
  { timeout: 60_000 },
  async () => {
    const [tasks, count] = [30, 8];
    const words = new Int32Array(new SharedArrayBuffer(4 * tasks * count));
    await using scheduler = create({ threads: 2, slowLane: { workers: 2 }, workerData: words });
    const results = Array.from({ length: tasks }, (_, i) =>
      scheduler.run(
        moving.count,
        { at: 0, steps: count, from: i * count },
        { idempotent: true, retries: 100 },
      ),
    );
    let lost = 0;
    for (let i = 0; i < 4; i++) {
      await scheduler.run(moving.crash, undefined, i % 2 === 0 ? { lane: 'slow' } : {}).catch(() => lost++);
    }
    expect(await Promise.all(results)).toEqual(Array.from({ length: tasks }, (_, i) => i * count));
    expect(lost).toBe(4);
    // What a lost worker had done since the task came to it is done again; it had one task at a time, or some that make way for each other.
    expect([...words].every((times) => times >= 1)).toBe(true);
    const again = [...words].reduce((sum, times) => sum + times - 1, 0);
    expect(again).toBeLessThan(tasks * count);
    expect(scheduler.counts().moved).toBeGreaterThan(0);
    await expect.poll(() => scheduler.stats().slots.used, WITHIN).toBe(0);
    expect(scheduler.stats().slowLane?.queued).toBe(0);
  },
);

test('a scheduler closes when all that has moved has ended', async () => {
  const scheduler = create();
  const walk = { at: 0, steps: 15, load: 0, workers: [] };
  const results = Array.from({ length: 5 }, () => scheduler.run(moving.walk, walk));
  await scheduler.close();
  for (const end of (await Promise.all(results)) as Walk[]) expect(end.at).toBe(15);
});
