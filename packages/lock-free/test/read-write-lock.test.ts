import { threadId } from 'node:worker_threads';
import { ArgumentRangeError, Arena, AttachError } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import {
  LOCK_BUSY,
  LOCK_TAKEN,
  NotOwnerError,
  ReadWriteLock,
  RelockError,
  StillReadingError,
  UpgradeError,
} from '../src/index.ts';

const arena = Arena.create({ bytes: 1 << 18 });
const create = (): ReadWriteLock => ReadWriteLock.create(arena, { maxReaders: 2 });

test('a thread reads several times at once, and writes when it does not read', () => {
  const lock = create();
  {
    using first = lock.read();
    using second = lock.tryRead();
    expect([first.outcome, second.outcome, lock.writer]).toEqual([LOCK_TAKEN, LOCK_TAKEN, undefined]);
  }
  using guard = lock.write({ timeoutMs: 5 });
  expect([guard.outcome, lock.writer]).toEqual([LOCK_TAKEN, threadId]);
});

test('a reader that asks to write is refused, also through another instance', () => {
  const lock = create();
  const other = ReadWriteLock.attach(structuredClone(lock.handle));
  lock.acquireRead();
  expect(() => other.acquireWrite()).toThrow(UpgradeError); // which has not read
  other.acquireRead();
  other.unlockRead();
  expect(() => lock.write()).toThrow(UpgradeError);
  expect(() => lock.tryWrite()).toThrow(
    expect.objectContaining({ code: 'ERR_UPGRADE', reads: 1 }) as UpgradeError,
  );
  expect(() => other.acquireWrite(1)).toThrow(UpgradeError);
  lock.unlockRead();
  expect(lock.tryAcquireWrite()).toBe(LOCK_TAKEN);
  lock.unlockWrite();
});

test('a writer that asks again would wait for itself', () => {
  const lock = create();
  using guard = lock.write();
  expect(guard.isHeld).toBe(true);
  expect(() => lock.write()).toThrow(RelockError);
  expect(() => lock.read()).toThrow(RelockError);
  expect([lock.tryAcquireRead(), lock.tryAcquireWrite()]).toEqual([LOCK_BUSY, LOCK_BUSY]);
});

test('who has no lock gives none back', () => {
  const lock = create();
  for (const misuse of [() => lock.unlockRead(), () => lock.unlockWrite(), () => lock.markConsistent()])
    expect(misuse).toThrow(NotOwnerError);
  lock.acquireRead();
  lock.unlockRead();
  expect(() => lock.unlockRead()).toThrow(NotOwnerError);
  expect(lock.tryAcquireWrite()).toBe(LOCK_TAKEN);
  lock.unlockWrite();
});

test('a place is left only by who does not read', () => {
  const lock = create();
  lock.acquireRead();
  expect(() => lock.leave()).toThrow(StillReadingError);
  lock.unlockRead();
  lock.leave();
  lock.leave();
  lock.acquireRead();
  lock.unlockRead();
});

test('numbers out of range and handles of others are refused', () => {
  const lock = create();
  for (const maxReaders of [0, 2 ** 14, 1.5])
    expect(() => ReadWriteLock.create(arena, { maxReaders })).toThrow(ArgumentRangeError);
  for (const timeoutMs of [-1, Number.NaN]) {
    expect(() => lock.read({ timeoutMs })).toThrow(ArgumentRangeError);
    expect(() => lock.write({ timeoutMs })).toThrow(ArgumentRangeError);
  }
  expect(() => lock.recover(threadId)).toThrow(ArgumentRangeError);
  expect(() => ReadWriteLock.attach({ ...lock.handle, at: lock.handle.at + 128 }, arena)).toThrow(
    AttachError,
  );
});
