// The standard twin of an endpoint: its state in plain fields, guarded by a futex mutex on their cache line. STANDARD.md beside this
// file says in which order the fields are written, and why a thread may die between any two of them.
import { lockMutex, markMutexConsistent, unlockMutex } from '@corelane/lock-free/kernel/mutex';
import { LOCK_RECOVERED, MUTEX_WORDS_STATE } from '@corelane/lock-free/kernel/layout.generated';
import { compareExchange, get, set } from '@corelane/shared-memory/kernel/atomics';
import {
  ANY_ADMISSION,
  ERA_MASK,
  STANDARD_CELL_ERA,
  STANDARD_CELL_MUTEX,
  STANDARD_CELL_TRANSITIONS,
  STANDARD_CLOSED,
  STANDARD_ISOLATED,
  STANDARD_MONITORED,
  STANDARD_OPEN,
} from './layout.generated.ts';

/** Looks at a mutex that is held before parking. */
const SPINS: i32 = 30;

/**
 * Takes the endpoint for the thread `me`, its id + 1, where nobody has it: the same first step as in lockMutex. In two parts, so that
 * this one is inlined: `if (tryEnter(cell, me) == 0) enterSlowly(cell, me);`
 */
export function tryEnter(cell: i32, me: i32): i32 {
  // take: pairs with the release in `tryLeave`.
  return compareExchange(cell + STANDARD_CELL_MUTEX + MUTEX_WORDS_STATE, 0, me) == 0 ? 1 : 0;
}

/** Takes the endpoint. Blocks while another thread has it. */
export function enterSlowly(cell: i32, me: i32): void {
  // LOCK_RELOCK: this thread has it since a stack overflow ended its last operation halfway, which is a death like any other.
  const outcome = lockMutex(cell + STANDARD_CELL_MUTEX, me, SPINS);
  if (outcome == LOCK_RECOVERED) markMutexConsistent(cell + STANDARD_CELL_MUTEX, me);
}

/** Gives the endpoint back where nobody waits for it, as unlockMutex begins: `if (tryLeave(cell, me) == 0) leaveSlowly(cell, me);` */
export function tryLeave(cell: i32, me: i32): i32 {
  // release: publishes the fields; pairs with the take in `tryEnter`.
  return compareExchange(cell + STANDARD_CELL_MUTEX + MUTEX_WORDS_STATE, me, 0) == me ? 1 : 0;
}

export function leaveSlowly(cell: i32, me: i32): void {
  unlockMutex(cell + STANDARD_CELL_MUTEX, me);
}

/** Where it need not be inlined. */
export function enter(cell: i32, me: i32): void {
  if (tryEnter(cell, me) == 0) enterSlowly(cell, me);
}

export function leave(cell: i32, me: i32): void {
  if (tryLeave(cell, me) == 0) leaveSlowly(cell, me);
}

/** Every transition ends with it: one more, and the next version. */
export function bump(cell: i32): void {
  increment(cell + STANDARD_CELL_TRANSITIONS);
}

export function increment(at: i32): void {
  set(at, (get(at) + 1) | 0);
}

/** One more in the field at `at`; stays at `most`. */
export function countUp(at: i32, most: i32): void {
  const value = get(at);
  if (value != most) set(at, (value + 1) | 0);
}

export function isClosed(state: i32): i32 {
  return state == STANDARD_CLOSED || state == STANDARD_MONITORED ? 1 : 0;
}

export function isOpen(state: i32): i32 {
  return state == STANDARD_OPEN || state == STANDARD_ISOLATED ? 1 : 0;
}

/** 1 where an admission was given in the era of the endpoint, or is none. A permit that is part of it is not looked at. */
export function isOfEra(cell: i32, admission: i32): i32 {
  if ((admission & ANY_ADMISSION) != 0) return 1;
  return ((admission >> 1) & ERA_MASK) == get(cell + STANDARD_CELL_ERA) ? 1 : 0;
}
