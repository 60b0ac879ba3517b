// The read-write lock as JavaScript sees it. The protocol is in kernel/read-write-lock.ts and PROTOCOL.md.
import { ArgumentRangeError, Arena, AttachError, type ObjectHandle } from '@corelane/shared-memory';
import { checkTimeout, deadlineAfter, sliceUs } from './deadline.ts';
import { NotOwnerError, RelockError, UpgradeError } from './errors.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import {
  LOCK_BUSY,
  LOCK_RECOVERED,
  LOCK_TAKEN,
  LOCK_TIMED_OUT,
  NOT_OWNER,
  readerSlot,
  readWriteRoot,
  readWriteState,
} from './layout.ts';
import { LockGuard, type LockOutcome, type Unlockable } from './lock-guard.ts';
import { type LockOptions, SharedMutex } from './mutex.ts';
import { ReaderSeat } from './reader-seat.ts';
import { deadThread, THIS_THREAD } from './this-thread.ts';

/** Looks before parking: less than a microsecond. Guessed. */
const SPINS = 100;
const MAX_READERS = readWriteState.field.active.mask;

/** Plain data that travels through `workerData` and `postMessage`. */
export type ReadWriteLockHandle = ObjectHandle<'lock-free/read-write-lock'>;

export interface ReadWriteLockOptions {
  /** Threads that may read, 1 to 16 383; 64 by default. Each takes 128 bytes. */
  readonly maxReaders?: number;
}

export interface ReadWriteStatistics {
  /** Readers that had to wait for a writer, modulo 2^32. */
  readonly contendedReads: number;
  /** Writers that had to wait for readers, modulo 2^32. */
  readonly contendedWrites: number;
  /** Writers that had to wait for other writers, modulo 2^32. */
  readonly contendedWriters: number;
}

type Tried = typeof LOCK_BUSY | typeof LOCK_TAKEN | typeof LOCK_RECOVERED;

/** Many threads read, or one writes. Phase-fair: a reader waits for one writer at most, a writer for the readers before it. */
export class ReadWriteLock {
  readonly handle: ReadWriteLockHandle;
  readonly maxReaders: number;
  readonly #arena: Arena;
  readonly #kernel: KernelExports;
  readonly #lock: number;
  readonly #seat: ReaderSeat;
  readonly #writers: SharedMutex;
  readonly #reading: Unlockable = { unlock: () => this.unlockRead() };
  readonly #writing: Unlockable = { unlock: () => this.unlockWrite() };

  private constructor(arena: Arena, at: number, maxReaders: number) {
    this.#arena = arena;
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#lock = at;
    this.maxReaders = maxReaders;
    this.#seat = new ReaderSeat(arena, this.#kernel, at + readWriteRoot.bytes, maxReaders);
    this.#writers = SharedMutex.over(arena, at + readWriteRoot.offset.writers);
    this.handle = arena.objectHandle(readWriteRoot.name as ReadWriteLockHandle['kind'], at);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: ReadWriteLockOptions = {}): ReadWriteLock {
    const { maxReaders = 64 } = options;
    if (!Number.isInteger(maxReaders) || maxReaders < 1 || maxReaders > MAX_READERS)
      throw new ArgumentRangeError('maxReaders', maxReaders, `an integer from 1 to ${MAX_READERS}`);
    const lock = new ReadWriteLock(
      arena,
      arena.createObject(readWriteRoot, lengthFor(maxReaders)),
      maxReaders,
    );
    lock.#kernel.initializeReadWrite(lock.#lock, maxReaders);
    return lock;
  }

  /** @throws AttachError */
  static attach(handle: ReadWriteLockHandle, arena: Arena = Arena.attach(handle?.arena)): ReadWriteLock {
    const { at, lengthBytes } = arena.openObject(readWriteRoot, handle);
    const maxReaders = arena.i32[(at >> 2) + readWriteRoot.word.maxReaders] as number;
    if (maxReaders < 1 || maxReaders > MAX_READERS)
      throw new AttachError(readWriteRoot.name, 'maxReaders', maxReaders, `1 to ${MAX_READERS}`);
    if (lengthBytes !== lengthFor(maxReaders))
      throw new AttachError(readWriteRoot.name, 'length in bytes', lengthBytes, lengthFor(maxReaders));
    return new ReadWriteLock(arena, at, maxReaders);
  }

  /**
   * Takes a read lock; a thread may have several, which end one by one. Blocks the thread while a writer is there.
   * @returns a guard, whose outcome is LOCK_TAKEN, LOCK_RECOVERED or LOCK_TIMED_OUT
   * @throws RelockError where this thread writes, ReadersExhaustedError, ArgumentRangeError
   */
  read(options?: LockOptions): LockGuard {
    return guard(this.acquireRead(options?.timeoutMs), this.#reading);
  }

  /** @returns a guard, whose outcome is LOCK_TAKEN, LOCK_RECOVERED or LOCK_BUSY @throws ReadersExhaustedError */
  tryRead(): LockGuard {
    return guard(this.tryAcquireRead(), this.#reading);
  }

  /**
   * Takes the write lock. Blocks the thread while others read or write.
   * @returns a guard, whose outcome is LOCK_TAKEN, LOCK_RECOVERED or LOCK_TIMED_OUT
   * @throws UpgradeError where this thread reads, RelockError where it writes, ArgumentRangeError
   */
  write(options?: LockOptions): LockGuard {
    return guard(this.acquireWrite(options?.timeoutMs), this.#writing);
  }

  /** @returns a guard, whose outcome is LOCK_TAKEN, LOCK_RECOVERED or LOCK_BUSY @throws UpgradeError */
  tryWrite(): LockGuard {
    return guard(this.tryAcquireWrite(), this.#writing);
  }

  /** `read` without the guard: allocates nothing. Give it back with `unlockRead`. */
  acquireRead(timeoutMs = Infinity): LockOutcome {
    if (timeoutMs !== Infinity) checkTimeout(timeoutMs);
    const outcome = this.#kernel.lockRead(this.#lock, this.#seat.slot) as LockOutcome;
    return outcome === LOCK_BUSY ? this.#waitToRead(timeoutMs) : outcome;
  }

  /** `tryRead` without the guard: allocates nothing. */
  tryAcquireRead(): Tried {
    return this.#kernel.lockRead(this.#lock, this.#seat.slot) as Tried;
  }

  /** @throws NotOwnerError where this thread has no read lock */
  unlockRead(): void {
    const slot = this.#seat.claimed;
    if (slot === 0 || this.#kernel.unlockRead(this.#lock, slot) === NOT_OWNER)
      throw new NotOwnerError(THIS_THREAD - 1, undefined);
  }

  /** `write` without the guard: allocates nothing. Give it back with `unlockWrite`. */
  acquireWrite(timeoutMs = Infinity): LockOutcome {
    this.#refuseUpgrade();
    const deadline = timeoutMs === Infinity ? Infinity : deadlineAfter(timeoutMs);
    const taken = this.#writers.acquire(timeoutMs);
    if (taken === LOCK_TIMED_OUT) return LOCK_TIMED_OUT;
    const outcome = this.#kernel.beginWrite(this.#lock) as LockOutcome;
    return outcome === LOCK_BUSY ? this.#waitToWrite(deadline) : outcome;
  }

  /** `tryWrite` without the guard: allocates nothing. */
  tryAcquireWrite(): Tried {
    this.#refuseUpgrade();
    if (this.#writers.tryAcquire() === LOCK_BUSY) return LOCK_BUSY;
    const outcome = this.#kernel.tryBeginWrite(this.#lock) as Tried;
    if (outcome === LOCK_BUSY) this.#writers.unlock();
    return outcome;
  }

  /** @throws NotOwnerError where this thread does not have the write lock */
  unlockWrite(): void {
    if (this.#writers.owner !== THIS_THREAD - 1)
      throw new NotOwnerError(THIS_THREAD - 1, this.#writers.owner);
    this.#kernel.endWrite(this.#lock, 0);
    this.#writers.unlock();
  }

  /**
   * After LOCK_RECOVERED, by who has the write lock: what it guards is whole again. Until then everybody is told LOCK_RECOVERED.
   * @throws NotOwnerError where this thread does not have the write lock
   */
  markConsistent(): void {
    if (this.#kernel.markReadWriteConsistent(this.#lock, THIS_THREAD) === NOT_OWNER)
      throw new NotOwnerError(THIS_THREAD - 1, this.#writers.owner);
  }

  /**
   * To be called, by any thread, after a thread has ended that may have used the lock: its read and write locks end, its slot is free.
   * Where it may have been writing, all are told LOCK_RECOVERED from now on.
   * @param threadId `worker.threadId`, kept from before its exit
   * @returns whether it had, or waited for, anything
   * @throws ArgumentRangeError
   */
  recover(threadId: number): boolean {
    return this.#kernel.recoverReadWrite(this.#lock, deadThread(threadId), THIS_THREAD) !== 0;
  }

  /** This thread will not read for long: another one may have its place. @throws StillReadingError where it reads */
  leave(): void {
    this.#seat.leave();
  }

  /** The threadId of the thread that writes, or is about to; undefined where there is none. Old when it is returned. */
  get writer(): number | undefined {
    return this.#writers.owner;
  }

  get statistics(): ReadWriteStatistics {
    const at = this.#lock >> 2;
    const read = (word: number): number => Atomics.load(this.#arena.i32, at + word) >>> 0;
    return {
      contendedReads: read(readWriteRoot.word.contendedReads),
      contendedWrites: read(readWriteRoot.word.contendedWrites),
      contendedWriters: this.#writers.statistics.contended,
    };
  }

  #refuseUpgrade(): void {
    const reads = this.#seat.depth;
    if (reads > 0) throw new UpgradeError(THIS_THREAD - 1, reads);
  }

  #waitToRead(timeoutMs: number): LockOutcome {
    if (this.#writers.owner === THIS_THREAD - 1)
      throw new RelockError(THIS_THREAD - 1, 'a read lock', 'the write lock');
    const deadline = deadlineAfter(timeoutMs);
    const { slot } = this.#seat;
    let outcome = this.#kernel.joinReaders(this.#lock, slot) as LockOutcome;
    while (outcome === LOCK_BUSY) {
      outcome = this.#kernel.awaitRead(this.#lock, slot, SPINS, sliceUs(deadline)) as LockOutcome;
      if (outcome === LOCK_BUSY && performance.now() >= deadline)
        outcome = this.#kernel.leaveReaders(this.#lock, slot) as LockOutcome;
    }
    return outcome;
  }

  #waitToWrite(deadline: number): LockOutcome {
    const reads = this.#seat.depthOfThread; // perhaps through another instance
    if (reads > 0) {
      this.#giveUpWriting();
      throw new UpgradeError(THIS_THREAD - 1, reads);
    }
    while (true) {
      const outcome = this.#kernel.awaitDrained(this.#lock, SPINS, sliceUs(deadline)) as LockOutcome;
      if (outcome !== LOCK_BUSY) return outcome;
      if (performance.now() < deadline) continue;
      this.#giveUpWriting();
      return LOCK_TIMED_OUT;
    }
  }

  #giveUpWriting(): void {
    this.#kernel.endWrite(this.#lock, 0); // lets in who has waited for it
    this.#writers.unlock();
  }
}

function guard(outcome: LockOutcome, side: Unlockable): LockGuard {
  return new LockGuard(outcome, outcome === LOCK_TAKEN || outcome === LOCK_RECOVERED ? side : undefined);
}

function lengthFor(maxReaders: number): number {
  return readWriteRoot.bytes + maxReaders * readerSlot.bytes;
}
