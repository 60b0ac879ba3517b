// Plain words and the locks that may guard them: what the cases of locks work on, on one thread or in contenders.
import {
  LOCK_TAKEN,
  mutexWords,
  RcuCell,
  type RcuCellHandle,
  ReadWriteLock,
  type ReadWriteLockHandle,
  SharedMutex,
} from '@corelane/lock-free';
import { Arena, type ArenaHandle } from '@corelane/shared-memory';
import { AtomicsMutex } from './atomics-mutex.ts';

const WORDS = 64;
/** Looks of the spinning JS mutex: as many as SharedMutex makes. */
const SPINS = 30;

export type Writing =
  | 'mutex'
  | 'guard'
  | 'using'
  | 'atomics'
  | 'atomics spinning'
  | 'read-write'
  | 'rcu'
  | 'addition'
  | 'plain';
export type Reading = 'rcu' | 'read-write' | 'mutex' | 'atomics' | 'plain';

/** Plain data for contenders. */
export interface LockedHandle {
  readonly arena: ArenaHandle;
  /** Byte address of the words of a mutex, and behind it, on its line, the words that it guards. */
  readonly at: number;
  readonly lock: ReadWriteLockHandle;
  readonly cell: RcuCellHandle;
}

/** One of each on one arena; a case uses one of them. */
export class LockedWords {
  readonly handle: LockedHandle;
  readonly #mutex: SharedMutex;
  readonly #atomics: AtomicsMutex;
  readonly #spinning: AtomicsMutex;
  readonly #lock: ReadWriteLock;
  readonly #cell: RcuCell;
  readonly #words: Int32Array;

  private constructor(arena: Arena, handle: LockedHandle) {
    this.handle = handle;
    const { at } = handle;
    this.#mutex = SharedMutex.over(arena, at);
    this.#atomics = new AtomicsMutex(arena.i32, at >> 2, 0);
    this.#spinning = new AtomicsMutex(arena.i32, at >> 2, SPINS);
    this.#lock = ReadWriteLock.attach(handle.lock, arena);
    this.#cell = RcuCell.attach(handle.cell, arena);
    const from = (at + mutexWords.bytes) >> 2;
    this.#words = arena.i32.subarray(from, from + WORDS);
  }

  static create(): LockedWords {
    const arena = Arena.create({ bytes: 1 << 16 });
    return new LockedWords(arena, {
      arena: arena.handle,
      at: arena.allocate(mutexWords.bytes + 4 * WORDS),
      lock: ReadWriteLock.create(arena).handle,
      cell: RcuCell.create(arena, { payloadBytes: 4 * WORDS }).handle,
    });
  }

  static attach(handle: LockedHandle): LockedWords {
    return new LockedWords(Arena.attach(handle.arena), handle);
  }

  /** Where `writer` has counted: all words must hold this. */
  counted(kind: Writing): number[] {
    if (kind !== 'rcu') return [...this.#words.subarray(0, 1)];
    const found = [...this.#cell.enter().i32.subarray(0, 1)];
    this.#cell.exit();
    return found;
  }

  /** Counts one word up `operations` times, each under the lock. */
  writer(kind: Writing): (operations: number) => number {
    const words = this.#words;
    const mutex = this.#mutex;
    const lock = this.#lock;
    const cell = this.#cell;
    switch (kind) {
      case 'mutex':
        return (operations) => {
          let successful = 0;
          for (let operation = 0; operation < operations; operation++) {
            if (mutex.acquire() === LOCK_TAKEN) successful++;
            words[0] = (words[0] as number) + 1;
            mutex.unlock();
          }
          return successful;
        };
      case 'guard':
        return (operations) => {
          let successful = 0;
          for (let operation = 0; operation < operations; operation++) {
            const guard = mutex.lock();
            if (guard.outcome === LOCK_TAKEN) successful++;
            words[0] = (words[0] as number) + 1;
            guard.unlock();
          }
          return successful;
        };
      case 'using':
        return (operations) => {
          let successful = 0;
          for (let operation = 0; operation < operations; operation++) {
            using guard = mutex.lock();
            if (guard.outcome === LOCK_TAKEN) successful++;
            words[0] = (words[0] as number) + 1;
          }
          return successful;
        };
      case 'atomics':
      case 'atomics spinning': {
        const other = kind === 'atomics' ? this.#atomics : this.#spinning;
        return (operations) => {
          for (let operation = 0; operation < operations; operation++) {
            other.lock();
            words[0] = (words[0] as number) + 1;
            other.unlock();
          }
          return operations;
        };
      }
      case 'read-write':
        return (operations) => {
          for (let operation = 0; operation < operations; operation++) {
            lock.acquireWrite();
            words[0] = (words[0] as number) + 1;
            lock.unlockWrite();
          }
          return operations;
        };
      case 'rcu':
        return (operations) => {
          for (let operation = 0; operation < operations; operation++) cell.update(change);
          return operations;
        };
      case 'addition':
        return (operations) => {
          for (let operation = 0; operation < operations; operation++) Atomics.add(words, 0, 1);
          return operations;
        };
      case 'plain':
        return (operations) => {
          for (let operation = 0; operation < operations; operation++) words[0] = (words[0] as number) + 1;
          return operations;
        };
    }
  }

  /** Reads all words `operations` times, each under the lock. */
  reader(kind: Reading): (operations: number) => number {
    const words = this.#words;
    const mutex = this.#mutex;
    const atomics = this.#atomics;
    const lock = this.#lock;
    const cell = this.#cell;
    switch (kind) {
      case 'rcu':
        return (operations) => {
          let successful = 0;
          for (let operation = 0; operation < operations; operation++) {
            successful += whole(cell.enter().i32);
            cell.exit();
          }
          return successful;
        };
      case 'read-write':
        return (operations) => {
          let successful = 0;
          for (let operation = 0; operation < operations; operation++) {
            lock.acquireRead();
            successful += whole(words);
            lock.unlockRead();
          }
          return successful;
        };
      case 'mutex':
        return (operations) => {
          let successful = 0;
          for (let operation = 0; operation < operations; operation++) {
            mutex.acquire();
            successful += whole(words);
            mutex.unlock();
          }
          return successful;
        };
      case 'atomics':
        return (operations) => {
          let successful = 0;
          for (let operation = 0; operation < operations; operation++) {
            atomics.lock();
            successful += whole(words);
            atomics.unlock();
          }
          return successful;
        };
      case 'plain':
        return (operations) => {
          let successful = 0;
          for (let operation = 0; operation < operations; operation++) successful += whole(words);
          return successful;
        };
    }
  }
}

function change({ i32 }: { readonly i32: Int32Array }): void {
  i32[0] = (i32[0] as number) + 1;
}

/** 1 where all words are the same. */
function whole(words: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < WORDS; i++) sum += words[i] as number;
  return sum === WORDS * (words[0] as number) ? 1 : 0;
}
