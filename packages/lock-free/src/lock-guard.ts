import type { LOCK_BUSY, LOCK_RECOVERED, LOCK_TAKEN, LOCK_TIMED_OUT } from './layout.ts';

/** What came of asking for a lock. */
export type LockOutcome =
  | typeof LOCK_BUSY
  | typeof LOCK_TAKEN
  | typeof LOCK_RECOVERED
  | typeof LOCK_TIMED_OUT;

/** Something with holders, that a guard gives back. */
export interface Unlockable {
  unlock(): void;
}

/**
 * What came of asking for a lock, and the lock, where it was to be had: `using guard = mutex.lock()` gives it back at the end of
 * the block. Giving back twice is harmless. A guard belongs to the thread that asked.
 */
export class LockGuard {
  readonly outcome: LockOutcome;
  #lock: Unlockable | undefined;

  constructor(outcome: LockOutcome, lock: Unlockable | undefined) {
    this.outcome = outcome;
    this.#lock = lock;
  }

  /** Does the guard have the lock? False from the beginning where the outcome is busy or timed out. */
  get isHeld(): boolean {
    return this.#lock !== undefined;
  }

  /** Gives the lock back; does nothing where the guard does not have it. @throws NotOwnerError on another thread */
  unlock(): void {
    const lock = this.#lock;
    this.#lock = undefined;
    lock?.unlock();
  }

  [Symbol.dispose](): void {
    this.unlock();
  }
}
