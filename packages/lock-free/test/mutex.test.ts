import { threadId } from 'node:worker_threads';
import { ArgumentRangeError, Arena, AttachError } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import {
  LOCK_BUSY,
  LOCK_TAKEN,
  LOCK_TIMED_OUT,
  LockGuard,
  mutexWords,
  NotOwnerError,
  RelockError,
  SharedMutex,
} from '../src/index.ts';

const arena = Arena.create({ bytes: 1 << 18 });
const create = (): SharedMutex => SharedMutex.create(arena);

test('a guard has the mutex until the end of its block', () => {
  const mutex = create();
  {
    using guard = mutex.lock();
    expect(guard).toBeInstanceOf(LockGuard);
    expect([guard.outcome, guard.isHeld, mutex.owner]).toEqual([LOCK_TAKEN, true, threadId]);
  }
  expect(mutex.owner).toBeUndefined();
});

test('a guard that gives back twice does not give back what was taken after it', () => {
  const mutex = create();
  const guard = mutex.lock();
  guard.unlock();
  mutex.acquire();
  guard.unlock();
  guard[Symbol.dispose]();
  expect(mutex.owner).toBe(threadId);
  mutex.unlock();
});

test('who has it may not wait for it, and finds it busy', () => {
  const mutex = create();
  mutex.acquire();
  expect(() => mutex.lock()).toThrow(RelockError);
  expect(() => mutex.acquire(5)).toThrow(
    expect.objectContaining({ code: 'ERR_RELOCK', threadId }) as RelockError,
  );
  expect(mutex.tryAcquire()).toBe(LOCK_BUSY);
  using guard = mutex.tryLock();
  expect([guard.outcome, guard.isHeld]).toEqual([LOCK_BUSY, false]);
  mutex.unlock();
  expect(mutex.owner).toBeUndefined();
});

test('who does not have it may not give it back', () => {
  const mutex = create();
  expect(() => mutex.unlock()).toThrow(NotOwnerError);
  expect(() => mutex.unlock()).toThrow(
    expect.objectContaining({ code: 'ERR_NOT_OWNER', ownerThreadId: undefined }) as NotOwnerError,
  );
  expect(() => mutex.markConsistent()).toThrow(NotOwnerError);
});

test('two tasks of one thread exclude each other without blocking it', async () => {
  const mutex = create();
  const order: string[] = [];
  const task = async (name: string): Promise<void> => {
    using guard = await mutex.lockAsync();
    expect(guard.isHeld).toBe(true);
    order.push(`${name} in`);
    await new Promise(setImmediate);
    order.push(`${name} out`);
  };
  await Promise.all([task('a'), task('b'), task('c')]);
  expect(order.filter((_, i) => i % 2 === 0).map((entry) => entry.replace('in', 'out'))).toEqual(
    order.filter((_, i) => i % 2 === 1),
  );
  expect(mutex.owner).toBeUndefined();
  expect(mutex.statistics.contended).toBeGreaterThanOrEqual(2);
});

test('waiting without blocking ends in time, and by a signal with its reason', async () => {
  const mutex = create();
  mutex.acquire();
  const late = await mutex.lockAsync({ timeoutMs: 5 });
  expect([late.outcome, late.isHeld]).toEqual([LOCK_TIMED_OUT, false]);
  const controller = new AbortController();
  const aborted = mutex.lockAsync({ signal: controller.signal });
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(aborted).rejects.toBe(reason);
  await expect(mutex.lockAsync({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const next = mutex.lockAsync();
  mutex.unlock();
  expect((await next).outcome).toBe(LOCK_TAKEN);
  (await next).unlock();
  expect(mutex.owner).toBeUndefined();
  expect(mutex.statistics.waitedMs).toBeGreaterThan(4);
});

test('times that are no times, and threads that have not ended, are refused', async () => {
  const mutex = create();
  for (const timeoutMs of [-1, Number.NaN]) {
    expect(() => mutex.lock({ timeoutMs })).toThrow(ArgumentRangeError);
    await expect(mutex.lockAsync({ timeoutMs })).rejects.toThrow(ArgumentRangeError);
  }
  for (const ended of [-1, 0.5, 2 ** 28, threadId])
    expect(() => mutex.recover(ended)).toThrow(ArgumentRangeError);
  expect(mutex.owner).toBeUndefined();
  expect(mutex.recover(threadId + 77)).toBe(false);
});

test('a mutex lies on the line of the data that it guards', () => {
  const address = arena.allocate(64);
  const mutex = SharedMutex.over(arena, address);
  mutex.acquire();
  arena.i32[(address + mutexWords.bytes) >> 2] = 7;
  expect(SharedMutex.over(arena, address).owner).toBe(threadId);
  mutex.unlock();
  for (const wrong of [-8, 4, 1.5, arena.bytes - 8])
    expect(() => SharedMutex.over(arena, wrong)).toThrow(ArgumentRangeError);
});

test('a handle leads to the mutex; another one is refused', () => {
  const mutex = create();
  const other = SharedMutex.attach(structuredClone(mutex.handle));
  mutex.acquire();
  expect(other.owner).toBe(threadId);
  mutex.unlock();
  expect(() => SharedMutex.attach({ ...mutex.handle, at: mutex.handle.at + 128 * 100 }, arena)).toThrow(
    AttachError,
  );
});
