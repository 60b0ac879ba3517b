// Parking threads on two words: a sequence, bumped by every unpark, and the number of threads that may be parked.
// The protocol, and why no wake-up is lost: PROTOCOL.md.
//
// Tried and rejected: bumping the sequence only where somebody waits (an event count with registration in `prepare`). It
// saves the bump on an idle unpark, but every prepare then needs a matching cancel, and a thread that dies between the two
// is counted for ever.
import { add, load, notify, sub, wait } from './atomics.ts';
import { PARKER_WORDS_SEQUENCE, PARKER_WORDS_WAITERS } from './layout.generated.ts';

/** The sequence to park with. Call it before the last look at the condition that is waited for. */
export function prepare(at: i32): i32 {
  return load(at + PARKER_WORDS_SEQUENCE); // observe: pairs with the bump in unpark
}

/**
 * Parks the thread unless an unpark came after `prepare` returned `sequence`.
 * @param timeoutUs microseconds; negative waits for ever
 * @returns 0 woken, 1 the sequence had changed, 2 timed out
 */
export function park(at: i32, sequence: i32, timeoutUs: i32): i32 {
  add(at + PARKER_WORDS_WAITERS, 1); // publish: pairs with the load in unpark
  // The wait compares once more: an unpark that did not see this waiter had bumped the sequence before.
  const outcome = wait(at + PARKER_WORDS_SEQUENCE, sequence, timeoutUs);
  sub(at + PARKER_WORDS_WAITERS, 1);
  return outcome;
}

/** Wakes at most `count` parked threads (negative: all). Returns how many. Call it after the condition was made true. */
export function unpark(at: i32, count: i32): i32 {
  add(at + PARKER_WORDS_SEQUENCE, 1); // publish: pairs with the load in prepare and the compare in wait
  if (load(at + PARKER_WORDS_WAITERS) == 0) return 0; // observe: pairs with the add in park. Saves the call of the system.
  return notify(at + PARKER_WORDS_SEQUENCE, count);
}

/** Announces a waiter that then waits by other means (Atomics.waitAsync) on the sequence: the first half of `park`. */
export function enlist(at: i32): void {
  add(at + PARKER_WORDS_WAITERS, 1);
}

/** The second half of `park`, for a waiter that enlisted. */
export function delist(at: i32): void {
  sub(at + PARKER_WORDS_WAITERS, 1);
}

/**
 * Takes a waiter back that enlisted and will not look at the condition any more. It may still be in the queue, where it would
 * swallow the wake-up of another, or may have been woken already: so everybody is woken, and looks.
 */
export function abandon(at: i32): void {
  notify(at + PARKER_WORDS_SEQUENCE, -1); // pairs with the wait of every other waiter
  sub(at + PARKER_WORDS_WAITERS, 1);
}
