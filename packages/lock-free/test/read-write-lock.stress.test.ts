import { Arena } from '@corelane/shared-memory';
import { expect, test, vi } from 'vitest';
import {
  LOCK_RECOVERED,
  LOCK_TAKEN,
  LOCK_TIMED_OUT,
  ReadersExhaustedError,
  ReadWriteLock,
} from '../src/index.ts';
import { Crew } from '../../../tools/testing/crew.ts';
import type { LockJob, LockReport, LockStation } from './worker/lock-worker.ts';
import { WORDS } from './worker/lock-words.ts';

vi.setConfig({ testTimeout: 60_000 });

const WORKER = new URL('./worker/lock-worker.ts', import.meta.url);

interface Scene {
  readonly lock: ReadWriteLock;
  readonly words: Int32Array;
  readonly station: (kind: LockJob['kind'], times?: number) => LockStation;
}

function scene(maxReaders = 8): Scene {
  const arena = Arena.create({ bytes: 1 << 16 });
  const lock = ReadWriteLock.create(arena, { maxReaders });
  const at = arena.allocate(4 * WORDS);
  return {
    lock,
    words: arena.i32.subarray(at >> 2, (at >> 2) + WORDS),
    station: (kind, times = 0) => ({
      job: { kind, handle: lock.handle } as LockJob,
      arena: arena.handle,
      at,
      times,
    }),
  };
}

test('readers never see half a change, writers never lose one, and nobody starves', async () => {
  const { lock, words, station } = scene();
  await using crew = new Crew(WORKER, [
    station('read', 50_000),
    station('read', 50_000),
    station('write', 20_000),
    station('write', 20_000),
    station('timed-write', 20_000),
  ]);
  await crew.go();
  const reports = await crew.reports<LockReport>();
  expect(reports.map((report) => report.torn)).toEqual(reports.map(() => 0));
  expect(reports.slice(0, 4).map((report) => report.inside)).toEqual([50_000, 50_000, 20_000, 20_000]);
  const writes = reports.slice(2).reduce((sum, report) => sum + report.inside, 0);
  expect([...words]).toEqual(Array.from({ length: WORDS }, () => writes));
  expect(lock.writer).toBeUndefined();
  const { contendedReads, contendedWrites, contendedWriters } = lock.statistics;
  expect(contendedReads + contendedWrites + contendedWriters).toBeGreaterThan(0);
});

test('a writer that gives up lets in the readers that waited for it', async () => {
  const { lock, station } = scene();
  await using holder = new Crew(WORKER, [station('hold-read')]);
  await holder.go();
  expect(lock.acquireWrite(5)).toBe(LOCK_TIMED_OUT);
  expect(lock.acquireRead()).toBe(LOCK_TAKEN);
  lock.unlockRead();
});

test('a reader that is terminated holds writers up until it is recovered', async () => {
  const { lock, station } = scene(1);
  await using crew = new Crew(WORKER, [station('hold-read')]);
  await crew.go();
  expect(() => lock.read()).toThrow(ReadersExhaustedError);
  const dead = crew.workers[0]!.threadId;
  await crew.workers[0]!.terminate();
  expect(lock.acquireWrite(1)).toBe(LOCK_TIMED_OUT);
  expect(lock.recover(dead)).toBe(true);
  expect(lock.recover(dead)).toBe(false);
  expect(lock.acquireWrite()).toBe(LOCK_TAKEN);
  lock.unlockWrite();
  expect(lock.acquireRead()).toBe(LOCK_TAKEN); // its place is free
  lock.unlockRead();
});

test('a writer that is terminated leaves a warning for all, until a writer has repaired', async () => {
  const { lock, station } = scene();
  await using crew = new Crew(WORKER, [station('hold-write')]);
  await crew.go();
  const dead = crew.workers[0]!.threadId;
  await using readers = new Crew(WORKER, [station('wait-read')]);
  await readers.go();
  await crew.workers[0]!.terminate();
  expect(lock.acquireRead(1)).toBe(LOCK_TIMED_OUT);
  expect(lock.recover(dead)).toBe(true);
  expect(lock.acquireRead()).toBe(LOCK_RECOVERED);
  lock.unlockRead();
  const reader = readers.workers[0]!.threadId;
  await readers.reports().catch(() => undefined);
  await readers.workers[0]!.terminate();
  lock.recover(reader);
  expect(lock.acquireWrite()).toBe(LOCK_RECOVERED);
  lock.markConsistent();
  lock.unlockWrite();
  expect(lock.acquireRead()).toBe(LOCK_TAKEN);
  lock.unlockRead();
});

test('a reader that is terminated while it waits holds nobody up', async () => {
  for (let round = 0; round < 5; round++) {
    const { lock, station } = scene();
    lock.acquireWrite();
    await using crew = new Crew(WORKER, [station('wait-read')]);
    await crew.go();
    const dead = crew.workers[0]!.threadId;
    const ended = crew.workers[0]!.terminate();
    lock.unlockWrite(); // which may let it in
    await ended;
    lock.recover(dead);
    expect(lock.acquireWrite(10_000)).toBe(LOCK_TAKEN);
    lock.unlockWrite();
  }
});
