import { describe, expect, test } from 'vitest';
import { Arena } from '@corelane/shared-memory';
import { ArgumentRangeError, MemoryTracker } from '../../src/index.ts';
import {
  arenaMemory,
  heapSpaces,
  MemorySampler,
  poolMemory,
  processMemory,
  SamplerStoppedError,
  systemClock,
  trackerMemory,
  type GrowthEvent,
  type MemorySamplerOptions,
  type MemorySource,
  type SamplerClock,
} from '../../src/sampler/index.ts';
import { generator, MB, series } from './series.ts';

/** Time that passes when it is told to. */
class FakeClock implements SamplerClock {
  timeMs = 0;
  #callbacks = new Map<() => void, number>();

  now(): number {
    return this.timeMs;
  }

  every(intervalMs: number, callback: () => void): () => void {
    this.#callbacks.set(callback, intervalMs);
    return () => void this.#callbacks.delete(callback);
  }

  get running(): number {
    return this.#callbacks.size;
  }

  pass(intervals: number): void {
    for (let i = 0; i < intervals; i++) {
      for (const [callback, intervalMs] of this.#callbacks) {
        this.timeMs += intervalMs;
        callback();
      }
    }
  }
}

function create(
  read: MemorySource['read'],
  options: Partial<MemorySamplerOptions> = {},
): { sampler: MemorySampler; clock: FakeClock } {
  const clock = new FakeClock();
  const sampler = new MemorySampler({ sources: [{ name: 'it', read }], clock, intervalMs: 500, ...options });
  return { sampler, clock };
}

test('samples at its interval, and keeps the last ones', () => {
  let bytes = 0;
  const { sampler, clock } = create(() => ({ used: bytes++ }), { capacity: 40 });
  sampler.start().start();
  expect(sampler.series('it.used')).toEqual({ timesMs: [0], bytes: [0] });
  clock.pass(50);
  const { timesMs, bytes: kept } = sampler.series('it.used');
  expect([timesMs.length, timesMs[0], timesMs.at(-1)]).toEqual([40, 11 * 500, 50 * 500]);
  expect([kept[0], kept.at(-1)]).toEqual([11, 50]);
  expect(sampler.latest()).toEqual({ 'it.used': 50 });
  expect(() => sampler.series('no.such')).toThrow('series is "no.such", expected one of it.used');
});

test('stops with its signal, with `stop` and with its scope, for good', () => {
  const stop = new AbortController();
  const { sampler, clock } = create(() => ({ used: 1 }), { signal: stop.signal });
  sampler.start();
  stop.abort();
  expect(clock.running).toBe(0);
  expect(() => sampler.start()).toThrow(SamplerStoppedError);
  expect(() => sampler.sample()).toThrow('the sampler is stopped');
  expect(sampler.latest()).toEqual({ 'it.used': 1 });
  const other = create(() => ({ used: 1 }), { signal: stop.signal });
  expect(() => other.sampler.start()).toThrow(SamplerStoppedError);
  const third = create(() => ({ used: 1 }));
  third.sampler.start();
  third.sampler[Symbol.dispose]();
  third.sampler[Symbol.dispose]();
  expect(third.clock.running).toBe(0);
});

describe('growth', () => {
  function follow(bytes: readonly number[]): { events: [string, GrowthEvent][]; sampler: MemorySampler } {
    let at = 0;
    const { sampler, clock } = create(() => ({ used: bytes[at++] as number }), { capacity: 200 });
    const events: [string, GrowthEvent][] = [];
    sampler.on('growth', (event) => void events.push(['growth', event]));
    sampler.on('settled', (event) => void events.push(['settled', event]));
    sampler.start();
    clock.pass(bytes.length - 1);
    return { events, sampler };
  }

  test('is told once an episode, and once when there is no evidence any more', () => {
    const random = generator(5);
    const leak = series('saw', 1000, random).map((value, i) => value + Math.min(i, 500) * MB);
    const { events, sampler } = follow(leak);
    expect(events.map(([name, { series: of }]) => `${name} ${of}`)).toEqual([
      'growth it.used',
      'settled it.used',
    ]);
    const [, growth] = events[0]!;
    // 1 MB each half second.
    expect(growth.bytesPerMinute / (120 * MB)).toBeCloseTo(1, 0);
    expect(growth.confidence).toBeGreaterThan(0.999);
    expect(growth.windowMs).toBeLessThanOrEqual(200 * 500);
    expect(sampler.growing).toEqual([]);
    expect(sampler.growth('it.used').verdict).toBe('no evidence');
  });

  test('of one window alone, that the next one does not have, is not told', () => {
    // Looks come at 100, 200, 300 … samples, of the last 200: flat at first, it does not grow in both halves of the first window, or the third.
    const bytes = Array.from({ length: 500 }, (_, i) => (50 + (i > 50 && i < 200 ? i - 50 : 0)) * MB);
    const { events, sampler } = follow(bytes.slice(0, 200));
    expect(sampler.growth('it.used').verdict).toBe('growing');
    expect([events, follow(bytes).events]).toEqual([[], []]);
  });

  test('is not told of a saw, over hours', () => {
    expect(follow(series('saw', 4000, generator(9))).events).toEqual([]);
  });
});

describe('sources', () => {
  test('that throw leave gaps, and are told of once an episode', () => {
    let isBroken = false;
    const { sampler, clock } = create(() => {
      if (isBroken) throw new Error('out of order');
      return { used: 5 };
    });
    const told: unknown[] = [];
    sampler.on('sourceError', (source, error) => void told.push([source, (error as Error).message]));
    sampler.start();
    isBroken = true;
    clock.pass(2);
    isBroken = false;
    clock.pass(1);
    expect(sampler.series('it.used').bytes).toEqual([5, NaN, NaN, 5]);
    expect(told).toEqual([['it', 'out of order']]);
    isBroken = true;
    clock.pass(1);
    expect(told.length).toBe(2);
  });

  test('that read no figures, or no numbers, leave gaps too', () => {
    const answers: unknown[] = [undefined, null, { used: 5n }, { used: 7 }];
    const { sampler, clock } = create(() => answers.shift() as never);
    const told: unknown[] = [];
    sampler.on('sourceError', (source) => void told.push(source));
    sampler.start();
    clock.pass(3);
    expect([told, sampler.latest()]).toEqual([['it'], { 'it.used': 7 }]);
  });

  test('that fail in the first sample can end it: nothing is left running', () => {
    const { sampler, clock } = create(() => {
      throw new Error('out of order');
    });
    sampler.on('sourceError', () => sampler.stop());
    sampler.start();
    expect(clock.running).toBe(0);
  });

  test('with more figures than there may be series are cut, which is told once', () => {
    const { sampler, clock } = create(() => ({ a: 1, b: 2, c: 3 }), { maxSeries: 2 });
    const told: unknown[] = [];
    sampler.on('overflow', (...args) => void told.push(args));
    sampler.start();
    clock.pass(2);
    expect([sampler.names, told]).toEqual([['it.a', 'it.b'], [['it.c', 2]]]);
  });

  test('of this process, its heap, arenas, pools and trackers have figures', () => {
    const arena = Arena.create({ bytes: 1 << 18 });
    const tracker = MemoryTracker.create(arena);
    tracker.alloc('bodies', 4096);
    using sampler = new MemorySampler({
      sources: [
        processMemory(),
        heapSpaces(),
        arenaMemory('arena', arena),
        poolMemory('pool', { stats: () => ({ bytes: 1000, capacity: 4, inUse: 1 }) }),
        trackerMemory('tracked', tracker),
      ],
    });
    sampler.sample();
    const latest = sampler.latest();
    for (const figure of ['rss', 'heapUsed', 'heapTotal', 'external', 'arrayBuffers'])
      expect(latest[`process.${figure}`]).toBeGreaterThan(0);
    expect(latest['heap.old_space']).toBeGreaterThan(0);
    expect(latest).toMatchObject({
      'arena.used': arena.usedBytes,
      'arena.total': 1 << 18,
      'pool.total': 1000,
      'pool.used': 250,
      'tracked.total': 4096,
      'tracked.tag:bodies': 4096,
    });
  });
});

test('the clock of the system calls back until it is stopped', async () => {
  const calls = await new Promise<number>((resolve) => {
    const before = systemClock.now();
    let count = 0;
    const stop = systemClock.every(1, () => {
      if (++count < 2) return;
      stop();
      expect(systemClock.now()).toBeGreaterThan(before);
      setImmediate(() => resolve(count));
    });
    // Else nothing would keep the process alive.
    const alive = setInterval(() => count >= 2 && clearInterval(alive), 1);
  });
  expect(calls).toBe(2);
});

test.each<[string, object]>([
  ['sources', { sources: [] }],
  ['sources', { sources: [processMemory(), processMemory()] }],
  ['intervalMs', { intervalMs: 0 }],
  ['capacity', { capacity: 39 }],
  ['capacity', { capacity: 100, growth: { blocks: 60 } }],
  ['growth.confidence', { growth: { confidence: 1 } }],
  ['growth.minGrowthBytes', { growth: { minGrowthBytes: NaN } }],
  ['options', { interval: 5 }],
  ['growth', { growth: { minGrowthByte: 5 } }],
  ['growth.blocks', { growth: { blocks: 1 } }],
  ['sources', { sources: [{ name: 'a' }] }],
  ['clock', { clock: {} }],
])('a wrong %s is refused', (argument, options) => {
  const make = (): MemorySampler => new MemorySampler({ sources: [processMemory()], ...options });
  expect(make).toThrow(ArgumentRangeError);
  expect(make).toThrow(`${argument} is`);
});
