// The mutex as JavaScript sees it: one Wasm call to take it and one to give it back, where nobody contends. The protocol is in
// kernel/mutex.ts and PROTOCOL.md. The clock is read only by who has to wait.
import { ArgumentRangeError, Arena, type ObjectHandle } from '@corelane/shared-memory';
import { checkTimeout, deadlineAfter, sliceUs } from './deadline.ts';
import { NotOwnerError, RelockError } from './errors.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import {
  LOCK_BUSY,
  LOCK_RECOVERED,
  LOCK_RELOCK,
  LOCK_TAKEN,
  LOCK_TIMED_OUT,
  mutexRoot,
  mutexState,
  mutexWords,
  NOT_OWNER,
} from './layout.ts';
import { LockGuard, type LockOutcome } from './lock-guard.ts';
import { deadThread, THIS_THREAD, threadIdOf } from './this-thread.ts';
import { type WaitAsyncOptions, waitForWord } from './word-wait.ts';

/** Looks at a mutex that is held before parking. Measured (suite lock-free, mutex-2, mutex-4) among 0, 30 and 100. */
const SPINS = 30;

/** Plain data that travels through `workerData` and `postMessage`. */
export type SharedMutexHandle = ObjectHandle<'lock-free/mutex'>;

export interface LockOptions {
  /** Milliseconds after which to give up; for ever by default. */
  readonly timeoutMs?: number;
}

export interface MutexStatistics {
  /** Acquisitions that had to wait, modulo 2^32. */
  readonly contended: number;
  /** Time that threads were parked and continuations waited, in milliseconds, those that gave up included. */
  readonly waitedMs: number;
}

/** Mutual exclusion of threads. The owner is a thread; it is known, and where it died, the next one is told. */
export class SharedMutex {
  /** Byte address of its words, for kernels: `lockMutex(address, …)` of `@corelane/lock-free/kernel/mutex`. */
  readonly address: number;
  readonly #arena: Arena;
  readonly #kernel: KernelExports;
  readonly #stateWord: number;

  private constructor(arena: Arena, address: number) {
    this.address = address;
    this.#arena = arena;
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#stateWord = (address + mutexWords.offset.state) >> 2;
  }

  /** @throws ArenaExhaustedError */
  static create(arena: Arena): SharedMutex {
    return new SharedMutex(arena, arena.createObject(mutexRoot) + mutexRoot.offset.words);
  }

  /** Of a mutex that `create` made. @throws AttachError */
  static attach(handle: SharedMutexHandle, arena: Arena = Arena.attach(handle?.arena)): SharedMutex {
    return new SharedMutex(arena, arena.openObject(mutexRoot, handle).at + mutexRoot.offset.words);
  }

  /**
   * The mutex at an address in another object, whose layout has a field of `mutexWords.bytes` bytes there that starts as zeros: on
   * the cache line of the data that it guards.
   * @throws ArgumentRangeError
   */
  static over(arena: Arena, address: number): SharedMutex {
    const last = arena.bytes - mutexWords.bytes;
    if (!Number.isInteger(address) || address < 0 || address > last || address % mutexWords.alignBytes !== 0)
      throw new ArgumentRangeError(
        'address',
        address,
        `a multiple of ${mutexWords.alignBytes} from 0 to ${last}`,
      );
    return new SharedMutex(arena, address);
  }

  /** Of a mutex that `create` made; one that is embedded travels with the object that holds it. */
  get handle(): SharedMutexHandle {
    return this.#arena.objectHandle(
      mutexRoot.name as SharedMutexHandle['kind'],
      this.address - mutexRoot.offset.words,
    );
  }

  /**
   * Takes it. Blocks the thread, and its event loop, while another one has it: also the main thread, which Node allows.
   * @returns a guard, whose outcome is LOCK_TAKEN, LOCK_RECOVERED or LOCK_TIMED_OUT
   * @throws RelockError, ArgumentRangeError
   */
  lock(options?: LockOptions): LockGuard {
    return this.#guard(this.acquire(options?.timeoutMs));
  }

  /** Takes it where it is free. @returns a guard, whose outcome is LOCK_TAKEN, LOCK_RECOVERED or LOCK_BUSY */
  tryLock(): LockGuard {
    return this.#guard(this.tryAcquire());
  }

  /** `lock` without the guard: allocates nothing. Give it back with `unlock`. @throws RelockError, ArgumentRangeError */
  acquire(timeoutMs = Infinity): LockOutcome {
    if (timeoutMs !== Infinity) checkTimeout(timeoutMs);
    const outcome = this.#kernel.spinLockMutex(this.address, THIS_THREAD, SPINS);
    if (outcome === LOCK_TAKEN) return outcome;
    return this.#acquireSlowly(outcome, timeoutMs);
  }

  /** `tryLock` without the guard: allocates nothing. LOCK_BUSY also where this thread has it. */
  tryAcquire(): typeof LOCK_BUSY | typeof LOCK_TAKEN | typeof LOCK_RECOVERED {
    const outcome = this.#kernel.tryLockMutex(this.address, THIS_THREAD);
    if (outcome === LOCK_RELOCK) return LOCK_BUSY;
    return outcome as typeof LOCK_BUSY | typeof LOCK_TAKEN | typeof LOCK_RECOVERED;
  }

  /**
   * Takes it without blocking the event loop. Waits also while another task of this thread has it. From the moment that the promise
   * is resolved this thread is the owner, whichever task runs: `lock` throws then, `unlock` gives it back.
   * @returns rejects with `signal.reason` where it is aborted, with ArgumentRangeError
   */
  async lockAsync(options: WaitAsyncOptions = {}): Promise<LockGuard> {
    const { timeoutMs = Infinity, signal } = options;
    signal?.throwIfAborted();
    const deadline = deadlineAfter(timeoutMs);
    let outcome: LockOutcome = this.tryAcquire();
    if (outcome !== LOCK_BUSY) return this.#guard(outcome);
    const startMs = performance.now();
    const turnWord = (this.address + mutexWords.offset.turn) >> 2;
    try {
      while (true) {
        const turn = this.#kernel.turnOfMutex(this.address);
        outcome = this.#kernel.deferMutex(this.address, THIS_THREAD) as LockOutcome;
        if (outcome !== LOCK_BUSY) return this.#guard(outcome);
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) return this.#guard(LOCK_TIMED_OUT);
        await waitForWord(this.#arena.i32, turnWord, turn, leftMs, signal);
      }
    } catch (error) {
      this.#kernel.wakeDeferred(this.address); // takes the entry that was aborted out of the queue
      throw error;
    } finally {
      this.#addWaited(startMs);
    }
  }

  /** Gives back what `acquire` or `tryAcquire` took. @throws NotOwnerError where this thread does not have it */
  unlock(): void {
    if (this.#kernel.unlockMutex(this.address, THIS_THREAD) === NOT_OWNER) throw this.#notOwner();
  }

  /**
   * After LOCK_RECOVERED: what it guards is whole again. Until somebody says so, each one that takes it is told LOCK_RECOVERED.
   * @throws NotOwnerError where this thread does not have it
   */
  markConsistent(): void {
    if (this.#kernel.markMutexConsistent(this.address, THIS_THREAD) === NOT_OWNER) throw this.#notOwner();
  }

  /**
   * To be called, by any thread, after a thread has ended that may have used the mutex: also where it only waited.
   * @param threadId `worker.threadId`, kept from before its exit
   * @returns whether it had the mutex; the next one that takes it is then told LOCK_RECOVERED
   * @throws ArgumentRangeError
   */
  recover(threadId: number): boolean {
    return this.#kernel.recoverMutex(this.address, deadThread(threadId)) === 1;
  }

  /** The threadId of the thread that has it, undefined where it is free: old when it is returned. */
  get owner(): number | undefined {
    return threadIdOf(this.#state & mutexState.field.owner.mask);
  }

  /** Did an owner die, and has nobody marked the data consistent since? */
  get isPoisoned(): boolean {
    return (this.#state & mutexState.field.poisoned.one) !== 0;
  }

  get statistics(): MutexStatistics {
    const contended = Atomics.load(this.#arena.i32, (this.address + mutexWords.offset.contended) >> 2) >>> 0;
    const low = this.#kernel.observeWaitedUs(this.address) >>> 0;
    return { contended, waitedMs: (this.#kernel.waitedUsHigh() * 2 ** 32 + low) / 1000 };
  }

  get #state(): number {
    return Atomics.load(this.#arena.i32, this.#stateWord);
  }

  #acquireSlowly(first: number, timeoutMs: number): LockOutcome {
    if (first === LOCK_RECOVERED) return first;
    if (first === LOCK_RELOCK) throw new RelockError(THIS_THREAD - 1, 'a mutex', 'that mutex');
    const deadline = deadlineAfter(timeoutMs);
    const startMs = performance.now();
    while (true) {
      const outcome = this.#kernel.awaitMutex(this.address, THIS_THREAD, sliceUs(deadline)) as LockOutcome;
      const isOver = outcome === LOCK_BUSY || outcome === LOCK_TIMED_OUT;
      if (isOver && (deadline === Infinity || performance.now() < deadline)) continue;
      this.#addWaited(startMs);
      return isOver ? LOCK_TIMED_OUT : outcome;
    }
  }

  #addWaited(startMs: number): void {
    const us = Math.min(Math.round((performance.now() - startMs) * 1000), 0x7fffffff);
    this.#kernel.addWaitedUs(this.address, us);
  }

  #guard(outcome: LockOutcome): LockGuard {
    return new LockGuard(outcome, outcome === LOCK_TAKEN || outcome === LOCK_RECOVERED ? this : undefined);
  }

  #notOwner(): NotOwnerError {
    return new NotOwnerError(THIS_THREAD - 1, this.owner);
  }
}
