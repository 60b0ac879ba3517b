import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RegistrySnapshot } from '../../src/index.ts';
import { newRegistry } from './scene.ts';
import { SnapshotFeed } from '../../src/socket/snapshot-feed.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const EMPTY = newRegistry().read();

function numbered(takenAtMs: number): RegistrySnapshot {
  return { ...EMPTY, takenAtMs };
}

function jsonOf(takenAtMs: number): string {
  return JSON.stringify(numbered(takenAtMs));
}

/** A source that numbers its snapshots, and a clock that goes as the timers do. */
function scene(minIntervalMs: number): {
  feed: SnapshotFeed;
  reads: () => number;
  advance: (ms: number) => Promise<void>;
} {
  let nowMs = 0;
  let reads = 0;
  const source = { read: (): RegistrySnapshot => numbered(++reads) };
  return {
    feed: new SnapshotFeed(source, minIntervalMs, { now: () => nowMs }),
    reads: () => reads,
    advance: async (ms) => {
      nowMs += ms;
      await vi.advanceTimersByTimeAsync(ms);
    },
  };
}

test('all who ask before a snapshot is begun share it; who asks later gets one that is begun later', async () => {
  const { feed, advance } = scene(0);
  const early = [feed.next(), feed.next()];
  await advance(1);
  const late = feed.next();
  await advance(1);
  expect(await Promise.all(early)).toEqual([jsonOf(1), jsonOf(1)]);
  expect(await late).toBe(jsonOf(2));
});

test('snapshots are begun no more often than the interval says, however many ask', async () => {
  const { feed, reads, advance } = scene(50);
  const answers: Promise<string>[] = [];
  for (let ms = 0; ms < 200; ms++) {
    answers.push(feed.next(), feed.next());
    await advance(1);
  }
  expect(reads()).toBe(4);
  await advance(50);
  expect(new Set(await Promise.all(answers)).size).toBe(5);
});

test('a fraction of a millisecond counts: timers take whole ones, and the next snapshot is not begun before its time', async () => {
  const { feed, reads, advance } = scene(10);
  const first = feed.next();
  await advance(0);
  await first;
  await advance(0.5);
  void feed.next();
  await advance(9);
  expect(reads()).toBe(1);
  await advance(1);
  expect(reads()).toBe(2);
});

test('nothing is read while nobody asks', async () => {
  const { reads, advance } = scene(1);
  await advance(1000);
  expect(reads()).toBe(0);
});

test('a source that fails fails those who asked, and not those who ask after', async () => {
  let fails = true;
  const read = (): RegistrySnapshot => {
    if (fails) throw new Error('gone');
    return numbered(1);
  };
  const feed = new SnapshotFeed({ read }, 0, { now: () => 0 });
  const [first] = await Promise.allSettled([feed.next(), vi.advanceTimersByTimeAsync(1)]);
  expect(first).toMatchObject({ status: 'rejected', reason: { message: 'gone' } });
  fails = false;
  const second = feed.next();
  await vi.advanceTimersByTimeAsync(1);
  expect(await second).toBe(jsonOf(1));
});

test('the text is what JSON.stringify gives, for every kind of metric', async () => {
  vi.useRealTimers();
  const registry = newRegistry();
  registry
    .counter({ name: 'a_total', help: 'A', labels: ['x'] })
    .labels('"\n')
    .inc(3);
  registry
    .counter({ name: 'a_total', help: 'A', labels: ['x'] })
    .labels('2')
    .inc(4);
  registry.gauge({ name: 'b', help: 'B' }).set(-1.5);
  registry.timer({ name: 'c_seconds', help: 'C' }).record(1);
  const snapshot = registry.read();
  const feed = new SnapshotFeed({ read: () => snapshot }, 0, performance);
  expect(JSON.parse(await feed.next())).toEqual(JSON.parse(JSON.stringify(snapshot)));
});
