// Threads of model scenarios that use the mutex: what it guards is plain.
import { compareExchange, get, load, notify, set, store, wait } from '@corelane/shared-memory/kernel/atomics';
import {
  LOCK_BUSY,
  LOCK_RECOVERED,
  LOCK_RELOCK,
  LOCK_TAKEN,
  MUTEX_STATE_OWNER_MASK,
  MUTEX_STATE_PARKED_ONE,
  MUTEX_WORDS_BYTES,
  MUTEX_WORDS_TURN,
} from '../../kernel/layout.generated.ts';
import {
  awaitMutex,
  deferMutex,
  lockMutex,
  markMutexConsistent,
  recoverMutex,
  tryLockMutex,
  turnOfMutex,
  unlockMutex,
} from '../../kernel/mutex.ts';

export { addWaitedUs, tryLockMutex, unlockMutex } from '../../kernel/mutex.ts';

export const COUNTER: i32 = MUTEX_WORDS_BYTES;
/** 1 where a thread has died: the edge that the exit of a thread is. */
export const DEAD: i32 = MUTEX_WORDS_BYTES + 4;

/** Loses an update, and races, where two are inside at once. */
function increment(): void {
  set(COUNTER, (get(COUNTER) + 1) | 0);
}

/** @returns 1 */
export function lockAndIncrement(me: i32, spins: i32): i32 {
  if (lockMutex(0, me, spins) == LOCK_RELOCK) return 0;
  increment();
  return unlockMutex(0, me);
}

/** Waits once, with a time-out, and gives up. @returns 1 where it incremented */
export function incrementInTime(me: i32): i32 {
  let outcome = tryLockMutex(0, me);
  if (outcome == LOCK_BUSY) outcome = awaitMutex(0, me, 1);
  if (outcome != LOCK_TAKEN && outcome != LOCK_RECOVERED) return 0;
  increment();
  return unlockMutex(0, me);
}

/** @returns 1 where it incremented */
export function incrementIfFree(me: i32): i32 {
  if (tryLockMutex(0, me) != LOCK_TAKEN) return 0;
  increment();
  return unlockMutex(0, me);
}

/** As lockAsync does it; the wait stands for Atomics.waitAsync. @returns 1 */
export function incrementDeferred(me: i32): i32 {
  let outcome = tryLockMutex(0, me);
  while (outcome != LOCK_TAKEN && outcome != LOCK_RECOVERED) {
    const turn = turnOfMutex(0);
    outcome = deferMutex(0, me);
    if (outcome == LOCK_BUSY) wait(MUTEX_WORDS_TURN, turn, -1);
  }
  increment();
  return unlockMutex(0, me);
}

/** A continuation whose event loop is busy until another thread has been inside and told. */
export function deferBehind(me: i32): i32 {
  const turn = turnOfMutex(0);
  if (deferMutex(0, me) == LOCK_BUSY) wait(MUTEX_WORDS_TURN, turn, -1);
  else unlockMutex(0, me);
  wait(DEAD, 0, -1);
  return 1;
}

/** Tells those behind. */
export function incrementAndTell(me: i32): i32 {
  lockAndIncrement(me, 0);
  store(DEAD, 1);
  notify(DEAD, -1);
  return 1;
}

function die(): void {
  store(DEAD, 1);
  notify(DEAD, -1);
}

/** Dies inside. */
export function lockAndDie(me: i32): i32 {
  lockMutex(0, me, 0);
  set(COUNTER, (get(COUNTER) + 100) | 0);
  die();
  return 0;
}

/** Dies when it was woken, before it looks. */
export function parkAndDie(): i32 {
  const seen = load(0);
  if ((seen & MUTEX_STATE_OWNER_MASK) != 0) {
    const word = seen | MUTEX_STATE_PARKED_ONE;
    if (compareExchange(0, seen, word) == seen) wait(0, word, -1);
  }
  die();
  return 0;
}

/** @returns what `recoverMutex` returned */
export function recoverDead(dead: i32): i32 {
  wait(DEAD, 0, -1);
  return load(DEAD) == 1 ? recoverMutex(0, dead) : -1;
}

/** Repairs what it finds poisoned. @returns the outcome of the lock */
export function lockAndRepair(me: i32): i32 {
  const outcome = lockMutex(0, me, 0);
  if (outcome == LOCK_RECOVERED) {
    set(COUNTER, (get(COUNTER) % 100) | 0);
    markMutexConsistent(0, me);
  }
  increment();
  unlockMutex(0, me);
  return outcome;
}

/** @returns the outcome of a lock by who has it, plus 10 × that of an unlock by who has not */
export function misuse(me: i32, other: i32): i32 {
  lockMutex(0, me, 0);
  const relock = lockMutex(0, me, 0);
  const unlock = unlockMutex(0, other);
  increment();
  unlockMutex(0, me);
  return relock + 10 * unlock;
}
