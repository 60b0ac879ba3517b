// The failure window: a ring of the last `failureThreshold` failures with their times. It slides: the breaker trips when all of them
// lie inside the window, so the limit is reached exactly at the n-th failure within any `failureWindowMs`.
//
// Each recorder writes its place first and counts the ring afterwards. Of the recorders of the last n failures, the one that writes
// last sees all n, so a full window is never missed; every place is a real failure of this era, so none is invented. A place that
// stays from an earlier era carries another era number and counts for nothing, until the numbers come round again: whoever closes
// the breaker first clears the places that carry its number.
// A recorder that sleeps longer than the window between its clock reading and its write can hide one newer failure.
import { add, compareExchange, get, load, load64, low, store } from '@corelane/shared-memory/kernel/atomics';
import {
  CELL_FAILURES,
  CELL_FAILURE_TICKET,
  CELL_POLICY,
  CELL_WORD,
  ERA_MASK,
  FAILURE_TIME_MS_SHIFT,
  MAX_SKEW_MS,
  POLICY_FAILURE_THRESHOLD,
  POLICY_FAILURE_WINDOW_MS,
} from './layout.generated.ts';
import { eraOf, isClosed } from './word.ts';

/** Enters a failure of this era. @returns 1 where the window is now full of failures, else 0 */
export function enterFailure(cell: i32, policy: i32, now: i32, era: i32): i32 {
  const threshold = get(policy + POLICY_FAILURE_THRESHOLD);
  // publish: pairs with the loads below in other recorders.
  store(placeFor(cell, policy), stampOf(now, era));
  for (let i = 0; i < threshold; i++) {
    if (isRecent(load(cell + CELL_FAILURES + (i << 2)), policy, now, era) == 0) return 0;
  }
  return 1;
}

/** Puts a failure of a known time into the ring, while nobody can enter one of this era. */
export function restoreFailure(cell: i32, timeMs: i32, era: i32): void {
  store(placeFor(cell, load(cell + CELL_POLICY)), stampOf(timeMs, era));
}

/** The next place of the ring, for one failure. */
function placeFor(cell: i32, policy: i32): i32 {
  const ticket = add(cell + CELL_FAILURE_TICKET, 1) & 0x7fffffff;
  return cell + CELL_FAILURES + ((ticket % get(policy + POLICY_FAILURE_THRESHOLD)) << 2);
}

/** Before the breaker closes: clears the failures of eight eras ago, which carry the number of this one. */
export function forgetFailures(cell: i32, era: i32): void {
  const threshold = get(load(cell + CELL_POLICY) + POLICY_FAILURE_THRESHOLD);
  for (let i = 0; i < threshold; i++) {
    const place = cell + CELL_FAILURES + (i << 2);
    const stamp = load(place);
    if (stamp == 0 || (stamp & ERA_MASK) != era) continue;
    // Not closed yet, so the stamp was there before anyone could enter a failure of this era.
    load64(cell + CELL_WORD);
    if (eraOf(low()) != era || isClosed(low()) != 0) return;
    compareExchange(place, stamp, 0); // pairs with the store in enterFailure: a failure that came in meanwhile stays
  }
}

/** Time and era in one word; never 0, which means none: a failure at time 0 of era 0 is entered a millisecond late. */
function stampOf(now: i32, era: i32): i32 {
  const stamp = (now << FAILURE_TIME_MS_SHIFT) | era;
  return stamp == 0 ? 1 << FAILURE_TIME_MS_SHIFT : stamp;
}

function isRecent(stamp: i32, policy: i32, now: i32, era: i32): i32 {
  if (stamp == 0 || (stamp & ERA_MASK) != era) return 0;
  const ageMs = (((now << FAILURE_TIME_MS_SHIFT) - (stamp & ~ERA_MASK)) | 0) >> FAILURE_TIME_MS_SHIFT;
  // Far ahead of now means that the 29 bits have wrapped: days old.
  if (ageMs < -MAX_SKEW_MS) return 0;
  return ageMs <= get(policy + POLICY_FAILURE_WINDOW_MS) ? 1 : 0;
}
