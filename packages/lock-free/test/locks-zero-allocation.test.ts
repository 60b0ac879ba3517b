import { expectZeroAllocation } from '@corelane/memory-tracker';
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { RcuCell, ReadWriteLock, SharedMutex } from '../src/index.ts';

describe('allocates nothing', () => {
  const arena = Arena.create({ bytes: 1 << 17 });
  const mutex = SharedMutex.create(arena);
  const held = SharedMutex.create(arena);
  held.acquire();
  const lock = ReadWriteLock.create(arena);
  const cell = RcuCell.create(arena, { payloadBytes: 64 });
  const change = ({ i32 }: { readonly i32: Int32Array }): void => void (i32[0] = 7);

  test.each<[string, () => void]>([
    [
      'acquire and unlock of the mutex',
      () => {
        mutex.acquire();
        mutex.unlock();
      },
    ],
    [
      'tryAcquire of the mutex, busy included',
      () => {
        mutex.tryAcquire();
        mutex.unlock();
        held.tryAcquire();
      },
    ],
    [
      'read and write locks',
      () => {
        lock.acquireRead();
        lock.unlockRead();
        lock.acquireWrite();
        lock.unlockWrite();
        lock.tryAcquireRead();
        lock.unlockRead();
        lock.tryAcquireWrite();
        lock.unlockWrite();
      },
    ],
    [
      'a read section of the RCU cell',
      () => {
        cell.enter();
        cell.exit();
      },
    ],
    ['an update of the RCU cell', () => void cell.update(change)],
  ])('%s', (_, operation) => {
    expect(expectZeroAllocation(operation)).toBeLessThan(0.1);
  });
});
