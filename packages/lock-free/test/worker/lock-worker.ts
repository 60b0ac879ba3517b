// Counts plain words up under a lock: of two threads inside at once, one would lose its update.
import { parentPort, workerData } from 'node:worker_threads';
import { Arena, type ArenaHandle } from '@corelane/shared-memory';
import {
  LOCK_RECOVERED,
  LOCK_TAKEN,
  ReadWriteLock,
  type ReadWriteLockHandle,
  SharedMutex,
  type SharedMutexHandle,
} from '../../src/index.ts';
import { arrive, type Station } from '../../../../tools/testing/crew.ts';
import { WORDS } from './lock-words.ts';

export type LockJob =
  | { readonly kind: 'mutex' | 'timed' | 'try' | 'async'; readonly handle: SharedMutexHandle }
  | { readonly kind: 'read' | 'write' | 'timed-write'; readonly handle: ReadWriteLockHandle }
  | { readonly kind: 'hold'; readonly handle: SharedMutexHandle }
  | { readonly kind: 'wait'; readonly handle: SharedMutexHandle }
  | {
      readonly kind: 'hold-read' | 'hold-write' | 'wait-read';
      readonly handle: ReadWriteLockHandle;
    };

export interface LockStation {
  readonly job: LockJob;
  readonly arena: ArenaHandle;
  /** Byte address of `WORDS` words. */
  readonly at: number;
  readonly times: number;
}

export interface LockReport {
  /** Times that it was inside. */
  readonly inside: number;
  /** Times that it gave up. */
  readonly gaveUp: number;
  /** Sections in which the words were not all the same. */
  readonly torn: number;
}

const { job, arena: handle, at, times, id, control } = workerData as LockStation & Station;
const arena = Arena.attach(handle);
const words = arena.i32.subarray(at >> 2, (at >> 2) + WORDS);
let inside = 0;
let gaveUp = 0;
let torn = 0;

function look(): void {
  inside++;
  for (let i = 1; i < WORDS; i++) if (words[i] !== words[0]) torn++;
}

function change(): void {
  look();
  for (let i = 0; i < WORDS; i++) words[i] = (words[i] as number) + 1;
}

const taken = (outcome: number): boolean => {
  const isTaken = outcome === LOCK_TAKEN || outcome === LOCK_RECOVERED;
  if (!isTaken) gaveUp++;
  return isTaken;
};

async function useMutex(mutex: SharedMutex, kind: LockJob['kind']): Promise<void> {
  for (let n = 0; n < times; n++) {
    if (kind === 'async') {
      using guard = await mutex.lockAsync();
      if (taken(guard.outcome)) change();
      continue;
    }
    const outcome =
      kind === 'mutex' ? mutex.acquire() : kind === 'try' ? mutex.tryAcquire() : mutex.acquire(0.05);
    if (!taken(outcome)) continue;
    change();
    mutex.unlock();
  }
}

function useLock(lock: ReadWriteLock, kind: LockJob['kind']): void {
  for (let n = 0; n < times; n++) {
    if (kind === 'read') {
      lock.acquireRead();
      look();
      lock.unlockRead();
    } else if (taken(kind === 'write' ? lock.acquireWrite() : lock.acquireWrite(0.05))) {
      change();
      lock.unlockWrite();
    }
  }
}

/** Arrives, and is found holding or waiting when it is terminated. */
function stay(): void {
  if (job.kind === 'hold') SharedMutex.attach(job.handle, arena).acquire();
  if (job.kind === 'hold-read') ReadWriteLock.attach(job.handle, arena).acquireRead();
  if (job.kind === 'hold-write') {
    ReadWriteLock.attach(job.handle, arena).acquireWrite();
    words[0] = (words[0] as number) + 1;
  }
  arrive({ id, control });
  if (job.kind === 'wait') SharedMutex.attach(job.handle, arena).acquire();
  else if (job.kind === 'wait-read') ReadWriteLock.attach(job.handle, arena).acquireRead();
  else Atomics.wait(control, 2, 0);
}

switch (job.kind) {
  case 'mutex':
  case 'timed':
  case 'try':
  case 'async':
    arrive({ id, control });
    await useMutex(SharedMutex.attach(job.handle, arena), job.kind);
    break;
  case 'read':
  case 'write':
  case 'timed-write':
    arrive({ id, control });
    useLock(ReadWriteLock.attach(job.handle, arena), job.kind);
    break;
  case 'hold':
  case 'hold-read':
  case 'hold-write':
  case 'wait':
  case 'wait-read':
    stay();
    break;
}
parentPort?.postMessage({ inside, gaveUp, torn } satisfies LockReport);
