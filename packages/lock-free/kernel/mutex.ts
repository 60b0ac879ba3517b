// Mutex in one word: free, taken, taken with somebody waiting; the word says by whom.
// After Ulrich Drepper, "Futexes Are Tricky" (2011), mutex 3, with the owner in the word as in the robust futexes of Linux.
// The protocol is in PROTOCOL.md, section "Mutex".
//
// `mutex` is the byte address of `mutexWords` (24 bytes, a multiple of 8), anywhere in an arena: best on the line of the data that
// it guards. It starts as zeros. `me` is the number of the calling thread, 1 to 2^28 - 1: its threadId + 1.
//
// For other kernels: `tryLockMutex` or `lockMutex`, then `unlockMutex`. Where a thread died: `recoverMutex`.
//
// Tried and rejected: the owner in a word of its own. A thread that died between taking the mutex and writing its number would
// hold it for ever, with nobody to know. A fair hand-over to the first waiter: each release then costs a switch of threads.
import {
  add,
  and,
  compareExchange,
  compareExchange64,
  high,
  load,
  load64,
  low,
  notify,
  wait,
} from '@corelane/shared-memory/kernel/atomics';
import {
  LOCK_BUSY,
  LOCK_RECOVERED,
  LOCK_RELOCK,
  LOCK_TAKEN,
  LOCK_TIMED_OUT,
  MUTEX_STATE_DEFERRED_ONE,
  MUTEX_STATE_OWNER_MASK,
  MUTEX_STATE_PARKED_ONE,
  MUTEX_STATE_POISONED_ONE,
  MUTEX_WORDS_CONTENDED,
  MUTEX_WORDS_STATE,
  MUTEX_WORDS_TURN,
  MUTEX_WORDS_WAITED_US,
  NOT_OWNER,
  UNLOCKED,
} from './layout.generated.ts';

/** @returns LOCK_TAKEN, LOCK_RECOVERED, LOCK_BUSY, or LOCK_RELOCK where the caller has it */
export function tryLockMutex(mutex: i32, me: i32): i32 {
  // take: pairs with release in unlockMutex, which publishes the guarded data.
  const seen = compareExchange(mutex + MUTEX_WORDS_STATE, 0, me);
  if (seen == 0) return LOCK_TAKEN;
  if ((seen & MUTEX_STATE_OWNER_MASK) == me) return LOCK_RELOCK;
  return takeFree(mutex, me, seen);
}

/** Takes it where it is free, whatever its flags; changes nothing where it is not. */
function takeFree(mutex: i32, me: i32, state: i32): i32 {
  let seen = state;
  while ((seen & MUTEX_STATE_OWNER_MASK) == 0) {
    const found = compareExchange(mutex + MUTEX_WORDS_STATE, seen, seen | me); // take: pairs with release
    if (found == seen) return outcomeOf(seen);
    seen = found;
  }
  return LOCK_BUSY;
}

function outcomeOf(state: i32): i32 {
  return (state & MUTEX_STATE_POISONED_ONE) != 0 ? LOCK_RECOVERED : LOCK_TAKEN;
}

/**
 * Takes it where it is free, or becomes free within `spins` looks. Nobody spins past threads that are parked: the release wakes
 * one of them, and there is nothing to win by being first.
 */
export function spinLockMutex(mutex: i32, me: i32, spins: i32): i32 {
  const outcome = tryLockMutex(mutex, me);
  if (outcome != LOCK_BUSY) return outcome;
  for (let i = 0; i < spins; i++) {
    const seen = load(mutex + MUTEX_WORDS_STATE);
    if ((seen & MUTEX_STATE_PARKED_ONE) != 0) return LOCK_BUSY;
    if ((seen & MUTEX_STATE_OWNER_MASK) == 0) {
      const late = takeFree(mutex, me, seen);
      if (late != LOCK_BUSY) {
        add(mutex + MUTEX_WORDS_CONTENDED, 1);
        return late;
      }
    }
  }
  return LOCK_BUSY;
}

/**
 * Takes it, and leaves the flag of parked threads up where `flag` is that; or puts `flag` up beside the owner, so that its release wakes.
 * @returns LOCK_TAKEN or LOCK_RECOVERED; or, negative, the complement of the word that it left: `wait` on that
 */
function takeOrFlag(mutex: i32, me: i32, flag: i32): i32 {
  let seen = load(mutex + MUTEX_WORDS_STATE);
  while (true) {
    const isFree = (seen & MUTEX_STATE_OWNER_MASK) == 0;
    // Whoever may have been woken takes it with the flag up: others may be parked, and it cannot know (PROTOCOL.md, invariant P).
    const next = isFree ? seen | me | (flag & MUTEX_STATE_PARKED_ONE) : seen | flag;
    if (next == seen) return ~seen;
    const found = compareExchange(mutex + MUTEX_WORDS_STATE, seen, next); // take or announce: pairs with release
    if (found == seen) return isFree ? outcomeOf(seen) : ~next;
    seen = found;
  }
}

/**
 * One round of waiting for whoever does not have it: parks at most once, so that the caller can look at its clock between two.
 * @param timeoutUs microseconds; negative waits for ever
 * @returns LOCK_TAKEN, LOCK_RECOVERED; LOCK_BUSY: woken, but another thread was first; LOCK_TIMED_OUT. After either of the last
 *   two the caller may come again or leave it: it keeps no wake-up from anybody.
 */
export function awaitMutex(mutex: i32, me: i32, timeoutUs: i32): i32 {
  let outcome = takeOrFlag(mutex, me, MUTEX_STATE_PARKED_ONE);
  if (outcome < 0) {
    // pairs with the notify in unlockMutex and recoverMutex
    if (wait(mutex + MUTEX_WORDS_STATE, ~outcome, timeoutUs) == 2) return LOCK_TIMED_OUT;
    // A wake-up may have come to this thread alone. It is used, or the flag is put up for the next one.
    outcome = takeOrFlag(mutex, me, MUTEX_STATE_PARKED_ONE);
    if (outcome < 0) return LOCK_BUSY;
  }
  add(mutex + MUTEX_WORDS_CONTENDED, 1);
  return outcome;
}

/** Takes it, however long that lasts. Spins `spins` looks before it parks. @returns LOCK_TAKEN, LOCK_RECOVERED, LOCK_RELOCK */
export function lockMutex(mutex: i32, me: i32, spins: i32): i32 {
  let outcome = spinLockMutex(mutex, me, spins);
  while (outcome == LOCK_BUSY) outcome = awaitMutex(mutex, me, -1);
  return outcome;
}

/** What to wait with, without blocking: call it before `deferMutex`. */
export function turnOfMutex(mutex: i32): i32 {
  return load(mutex + MUTEX_WORDS_TURN); // observe: pairs with the bump in wakeDeferred
}

/**
 * Takes it, or announces a continuation that then waits on `turn` by Atomics.waitAsync.
 * @returns LOCK_TAKEN, LOCK_RECOVERED or LOCK_BUSY
 */
export function deferMutex(mutex: i32, me: i32): i32 {
  const outcome = takeOrFlag(mutex, me, MUTEX_STATE_DEFERRED_ONE);
  if (outcome < 0) return LOCK_BUSY;
  add(mutex + MUTEX_WORDS_CONTENDED, 1);
  return outcome;
}

/** Has every continuation look again. */
export function wakeDeferred(mutex: i32): void {
  add(mutex + MUTEX_WORDS_TURN, 1); // publish: pairs with turnOfMutex and the compare of waitAsync
  notify(mutex + MUTEX_WORDS_TURN, -1);
}

/** @returns UNLOCKED, or NOT_OWNER where the caller does not have it and nothing was changed */
export function unlockMutex(mutex: i32, me: i32): i32 {
  // release: publishes the guarded data; pairs with take in tryLockMutex and takeOrFlag.
  const seen = compareExchange(mutex + MUTEX_WORDS_STATE, me, 0);
  if (seen == me) return UNLOCKED;
  if ((seen & MUTEX_STATE_OWNER_MASK) != me) return NOT_OWNER;
  // release, the same: owner and flags go in one step, the poison stays. Whoever still waits puts its flag up again.
  const before = and(mutex + MUTEX_WORDS_STATE, MUTEX_STATE_POISONED_ONE);
  if ((before & MUTEX_STATE_PARKED_ONE) != 0) notify(mutex + MUTEX_WORDS_STATE, 1); // pairs with the wait in awaitMutex
  // Continuations get no wake-up that a thread might need: their event loops may be busy for long. All of them look.
  if ((before & MUTEX_STATE_DEFERRED_ONE) != 0) wakeDeferred(mutex);
  return UNLOCKED;
}

/** The caller, who has it, says that the guarded data is whole again. @returns UNLOCKED (done) or NOT_OWNER */
export function markMutexConsistent(mutex: i32, me: i32): i32 {
  if ((load(mutex + MUTEX_WORDS_STATE) & MUTEX_STATE_OWNER_MASK) != me) return NOT_OWNER;
  and(mutex + MUTEX_WORDS_STATE, ~MUTEX_STATE_POISONED_ONE);
  return UNLOCKED;
}

/**
 * After the thread `dead` has ended: takes the mutex from it, poisoned, and has all look that wait, since a wake-up may have gone to
 * the dead one. Any thread may call it, and any number of times.
 * @returns 1 where it had the mutex, else 0
 */
export function recoverMutex(mutex: i32, dead: i32): i32 {
  let seen = load(mutex + MUTEX_WORDS_STATE);
  while ((seen & MUTEX_STATE_OWNER_MASK) == dead) {
    // release in its place: pairs with take. Its flags may go, because everybody is woken.
    const found = compareExchange(mutex + MUTEX_WORDS_STATE, seen, MUTEX_STATE_POISONED_ONE);
    if (found == seen) {
      wakeAll(mutex);
      return 1;
    }
    seen = found;
  }
  wakeAll(mutex);
  return 0;
}

/** After the thread `dead` has ended: the caller has what it had. @returns 1, or 0 where it did not have it */
export function takeOverMutex(mutex: i32, dead: i32, me: i32): i32 {
  let seen = load(mutex + MUTEX_WORDS_STATE);
  while ((seen & MUTEX_STATE_OWNER_MASK) == dead) {
    const next = (seen & ~MUTEX_STATE_OWNER_MASK) | me;
    const found = compareExchange(mutex + MUTEX_WORDS_STATE, seen, next); // take: pairs with release of those before
    if (found == seen) return 1;
    seen = found;
  }
  return 0;
}

function wakeAll(mutex: i32): void {
  notify(mutex + MUTEX_WORDS_STATE, -1);
  wakeDeferred(mutex);
}

/** Adds to the time that was waited: `us` microseconds, at least 0. */
export function addWaitedUs(mutex: i32, us: i32): void {
  load64(mutex + MUTEX_WORDS_WAITED_US);
  while (true) {
    const lowHalf = low();
    const highHalf = high();
    const sum = (lowHalf + us) | 0;
    // The low half is unsigned: a sum that is below it, with the signs of both flipped, has carried.
    const carry = (sum ^ -0x80000000) < (lowHalf ^ -0x80000000) ? 1 : 0;
    const next = (highHalf + carry) | 0;
    if (compareExchange64(mutex + MUTEX_WORDS_WAITED_US, lowHalf, highHalf, sum, next) != 0) return;
  }
}

/** Observes the time that was waited. @returns its low half, unsigned; `waitedUsHigh` returns the other */
export function observeWaitedUs(mutex: i32): i32 {
  load64(mutex + MUTEX_WORDS_WAITED_US);
  return low();
}

/** The high half of what `observeWaitedUs` observed. */
export function waitedUsHigh(): i32 {
  return high();
}
