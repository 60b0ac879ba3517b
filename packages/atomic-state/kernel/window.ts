// The failure window: a ring of the last `failureThreshold` failures with their times. It slides: the breaker trips when all of them
// lie inside the window, so the limit is reached exactly at the n-th failure within any `failureWindowMs`.
//
// Each recorder takes a place, writes it and counts the ring afterwards. Of the recorders of the last n failures, the one that writes
// last sees all n, so a full window is never missed; every place is a real failure of this era, so none is invented. Places begin anew
// with each era, and a recorder that slept through an opening neither takes one nor writes over a later one's. A place that stays
// from an earlier era carries another era number and counts for nothing, until the numbers come round again: whoever closes the
// breaker first clears the places that carry its number.
// A recorder that sleeps longer than the window between its clock reading and its write can hide one newer failure.
import { compareExchange, get, load, load64, low } from '@corelane/shared-memory/kernel/atomics';
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
  TICKET_ERA_MASK,
  TICKET_PLACE_SHIFT,
} from './layout.generated.ts';
import { eraOf, isClosed } from './word.ts';

const NO_PLACE: i32 = -1;

/** Enters a failure of this era. @returns 1 where the window is now full of failures, else 0 */
export function enterFailure(cell: i32, policy: i32, now: i32, era: i32): i32 {
  if (write(cell, policy, now, era) == 0) return 0;
  const threshold = get(policy + POLICY_FAILURE_THRESHOLD);
  for (let i = 0; i < threshold; i++) {
    if (isRecent(load(cell + CELL_FAILURES + (i << 2)), policy, now, era) == 0) return 0;
  }
  return 1;
}

/** Puts a failure of a known time into the ring, while nobody can enter one of this era. */
export function restoreFailure(cell: i32, timeMs: i32, era: i32): void {
  write(cell, load(cell + CELL_POLICY), timeMs, era);
}

/** 0 where the era is over: the failure was one of it, and now says nothing. */
function write(cell: i32, policy: i32, now: i32, era: i32): i32 {
  const index = takePlace(cell, policy, era);
  if (index < 0) return 0;
  const place = cell + CELL_FAILURES + (index << 2);
  const stamp = stampOf(now, era);
  while (true) {
    const seen = load(place);
    // Of this era and later: this recorder slept while the ring went round, and its failure is older than a whole ring.
    if ((seen & ERA_MASK) == era && seen != 0 && isBefore(stamp, seen) != 0) return 1;
    if ((seen & ERA_MASK) != era && isOver(cell, era) != 0) return 0;
    // publish: pairs with the loads in enterFailure of other recorders.
    if (compareExchange(place, seen, stamp) == seen) return 1;
  }
}

/** The next place of this era, or -1 where it is over. */
function takePlace(cell: i32, policy: i32, era: i32): i32 {
  const threshold = get(policy + POLICY_FAILURE_THRESHOLD);
  while (true) {
    const seen = load(cell + CELL_FAILURE_TICKET);
    const isOfEra = (seen & TICKET_ERA_MASK) == era;
    if (!isOfEra && isOver(cell, era) != 0) return NO_PLACE;
    const index = isOfEra ? seen >>> TICKET_PLACE_SHIFT : 0;
    const next = (index + 1) % threshold;
    if (compareExchange(cell + CELL_FAILURE_TICKET, seen, (next << TICKET_PLACE_SHIFT) | era) == seen)
      return index;
  }
}

/** 1 where the word is of another era: a later one, since this one's failures are being entered. */
function isOver(cell: i32, era: i32): i32 {
  load64(cell + CELL_WORD);
  return eraOf(low()) != era ? 1 : 0;
}

/** Before the breaker closes: clears the failures of eight eras ago, which carry the number of the era that it closes in. */
export function forgetFailures(cell: i32, current: i32, era: i32): void {
  const threshold = get(load(cell + CELL_POLICY) + POLICY_FAILURE_THRESHOLD);
  for (let i = 0; i < threshold; i++) {
    const place = cell + CELL_FAILURES + (i << 2);
    const stamp = load(place);
    if (stamp == 0 || (stamp & ERA_MASK) != era) continue;
    // Not closed yet, so the stamp was there before anyone could enter a failure of this era.
    load64(cell + CELL_WORD);
    if (eraOf(low()) != current || isClosed(low()) != 0) return;
    compareExchange(place, stamp, 0); // pairs with the CAS in write: a failure that came in meanwhile stays
  }
}

/** Time and era in one word; never 0, which means none: a failure at time 0 of era 0 is entered a millisecond late. */
function stampOf(now: i32, era: i32): i32 {
  const stamp = (now << FAILURE_TIME_MS_SHIFT) | era;
  return stamp == 0 ? 1 << FAILURE_TIME_MS_SHIFT : stamp;
}

function isRecent(stamp: i32, policy: i32, now: i32, era: i32): i32 {
  if (stamp == 0 || (stamp & ERA_MASK) != era) return 0;
  const ageMs = differenceMs(now << FAILURE_TIME_MS_SHIFT, stamp);
  // Far ahead of now means that the 29 bits have wrapped: days old.
  if (ageMs < -MAX_SKEW_MS) return 0;
  return ageMs <= get(policy + POLICY_FAILURE_WINDOW_MS) ? 1 : 0;
}

function isBefore(stamp: i32, other: i32): i32 {
  const byMs = differenceMs(other, stamp);
  return byMs > 0 && byMs <= MAX_SKEW_MS ? 1 : 0;
}

/** Milliseconds from one stamp to another, whatever their eras: 29 bits that wrap. */
function differenceMs(stamp: i32, since: i32): i32 {
  return (((stamp & ~ERA_MASK) - (since & ~ERA_MASK)) | 0) >> FAILURE_TIME_MS_SHIFT;
}
