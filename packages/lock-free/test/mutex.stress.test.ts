import { Arena } from '@corelane/shared-memory';
import { expect, test, vi } from 'vitest';
import { LOCK_RECOVERED, LOCK_TAKEN, mutexWords, SharedMutex } from '../src/index.ts';
import { Crew } from '../../../tools/testing/crew.ts';
import type { LockJob, LockReport, LockStation } from './worker/lock-worker.ts';
import { WORDS } from './worker/lock-words.ts';

vi.setConfig({ testTimeout: 60_000 });

const WORKER = new URL('./worker/lock-worker.ts', import.meta.url);

interface Scene {
  readonly arena: Arena;
  readonly mutex: SharedMutex;
  readonly words: Int32Array;
  readonly station: (kind: LockJob['kind'], times?: number) => LockStation;
}

function scene(): Scene {
  const arena = Arena.create({ bytes: 1 << 16 });
  const mutex = SharedMutex.create(arena);
  const at = mutex.address + mutexWords.bytes; // the rest of its line
  return {
    arena,
    mutex,
    words: arena.i32.subarray(at >> 2, (at >> 2) + WORDS),
    station: (kind, times = 0) => ({
      job: { kind, handle: mutex.handle } as LockJob,
      arena: arena.handle,
      at,
      times,
    }),
  };
}

test('four threads that block, give up, try and wait without blocking never lose an update', async () => {
  const { mutex, words, station } = scene();
  await using crew = new Crew(WORKER, [
    station('mutex', 50_000),
    station('mutex', 50_000),
    station('timed', 50_000),
    station('try', 50_000),
    station('async', 2_000),
    station('async', 2_000),
  ]);
  await crew.go();
  const reports = await crew.reports<LockReport>();
  const inside = reports.reduce((sum, report) => sum + report.inside, 0);
  expect(reports.map((report) => report.torn)).toEqual(reports.map(() => 0));
  expect([...words]).toEqual(Array.from({ length: WORDS }, () => inside));
  expect(reports.slice(0, 2).map((report) => report.inside)).toEqual([50_000, 50_000]);
  expect(reports[2]!.inside + reports[2]!.gaveUp).toBe(50_000);
  expect(mutex.owner).toBeUndefined();
  expect(mutex.statistics.contended).toBeGreaterThan(0);
});

test('an owner that is terminated leaves the mutex poisoned, until it is marked consistent', async () => {
  const { mutex, station } = scene();
  await using crew = new Crew(WORKER, [station('hold')]);
  await crew.go();
  const [worker] = crew.workers;
  const dead = worker!.threadId;
  expect(mutex.owner).toBe(dead);
  await worker!.terminate();
  expect(mutex.acquire(1)).toBe(3); // nobody has recovered it yet
  expect(mutex.recover(dead)).toBe(true);
  expect(mutex.recover(dead)).toBe(false);
  expect([mutex.owner, mutex.isPoisoned]).toEqual([undefined, true]);
  for (let i = 0; i < 2; i++) {
    using guard = mutex.lock();
    expect(guard.outcome).toBe(LOCK_RECOVERED);
  }
  expect(mutex.acquire()).toBe(LOCK_RECOVERED);
  mutex.markConsistent();
  mutex.unlock();
  expect(mutex.isPoisoned).toBe(false);
  expect(mutex.acquire()).toBe(LOCK_TAKEN);
  mutex.unlock();
});

test('threads and continuations that wait for an owner that dies get on when it is recovered', async () => {
  const { mutex, station } = scene();
  await using holder = new Crew(WORKER, [station('hold')]);
  await holder.go();
  const dead = holder.workers[0]!.threadId;
  const waiting = mutex.lockAsync();
  await using crew = new Crew(WORKER, [station('mutex', 10), station('mutex', 10)]);
  await crew.go();
  await holder.workers[0]!.terminate();
  mutex.recover(dead);
  const guard = await waiting;
  expect(guard.outcome).toBe(LOCK_RECOVERED);
  mutex.markConsistent();
  guard.unlock();
  expect((await crew.reports<LockReport>()).map((report) => report.inside)).toEqual([10, 10]);
});

test('a thread terminated while it is parked keeps the mutex from nobody', async () => {
  for (let round = 0; round < 5; round++) {
    const { mutex, words, station } = scene();
    mutex.acquire();
    await using crew = new Crew(WORKER, [station('wait')]);
    await using other = new Crew(WORKER, [station('mutex', 1)]);
    await crew.go();
    await other.go();
    const worker = crew.workers[0]!;
    const dead = worker.threadId;
    const ended = worker.terminate();
    mutex.unlock(); // the wake-up may go to the one that is being terminated
    await ended;
    mutex.recover(dead);
    await other.reports();
    expect(words[0]).toBe(1);
    expect(mutex.owner).toBeUndefined();
  }
});
