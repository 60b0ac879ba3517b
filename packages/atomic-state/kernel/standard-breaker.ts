// The breaker's changes of state in the twin, by whoever has the mutex. What a state does not look at is written before the state,
// and what only the new state looks at is whole by then: see STANDARD.md.
import { get, load, set } from '@corelane/shared-memory/kernel/atomics';
import {
  ERA_MASK,
  POLICY_BUCKET_MS,
  POLICY_HALF_OPEN_PROBES,
  POLICY_OPEN_DURATION_MS,
  POLICY_PERMITS,
  STANDARD_CELL_ADMITTED,
  STANDARD_CELL_ERA,
  STANDARD_CELL_FAILURES,
  STANDARD_CELL_FORCED,
  STANDARD_CELL_POLICY,
  STANDARD_CELL_REOPENS,
  STANDARD_CELL_SINCE_MS,
  STANDARD_CELL_STATE,
  STANDARD_CELL_SUCCESSES,
  STANDARD_CELL_TRIPS,
  STANDARD_CLOSED,
  STANDARD_HALF_OPEN,
  STANDARD_ISOLATED,
  STANDARD_MONITORED,
  STANDARD_OPEN,
} from './layout.generated.ts';
import { bump, increment } from './standard-cell.ts';
import { forgetWindows } from './standard-window.ts';
import { elapsedMs } from './word.ts';

export function trip(cell: i32, now: i32): void {
  openAs(cell, STANDARD_OPEN, now);
  increment(cell + STANDARD_CELL_TRIPS);
}

export function reopen(cell: i32, now: i32): void {
  openAs(cell, STANDARD_OPEN, now);
  increment(cell + STANDARD_CELL_REOPENS);
}

/** `state`: STANDARD_OPEN or STANDARD_ISOLATED. */
export function openByHand(cell: i32, state: i32, now: i32): void {
  openAs(cell, state, now);
  increment(cell + STANDARD_CELL_FORCED);
}

/** To Open or Isolated, in a new era. */
export function openAs(cell: i32, state: i32, now: i32): void {
  // First of all: no result of before counts from here on, wherever this stops.
  nextEra(cell);
  set(cell + STANDARD_CELL_SINCE_MS, now);
  set(cell + STANDARD_CELL_STATE, state);
  set(cell + STANDARD_CELL_ADMITTED, 0);
  bump(cell);
}

export function halfOpen(cell: i32): void {
  // Again: a thread that died in `openAs` may have left those of the era before.
  set(cell + STANDARD_CELL_ADMITTED, 0);
  set(cell + STANDARD_CELL_SUCCESSES, 0);
  set(cell + STANDARD_CELL_FAILURES, 0);
  set(cell + STANDARD_CELL_STATE, STANDARD_HALF_OPEN);
  bump(cell);
}

export function close(cell: i32): void {
  forgetWindows(cell); // results of before the opening do not count
  // As the word does it, whose restorations fill in without a mutex.
  if (get(cell + STANDARD_CELL_STATE) == STANDARD_ISOLATED) nextEra(cell);
  set(cell + STANDARD_CELL_STATE, closedState(load(cell + STANDARD_CELL_POLICY)));
  set(cell + STANDARD_CELL_SUCCESSES, 0);
  set(cell + STANDARD_CELL_FAILURES, 0);
  bump(cell);
}

function nextEra(cell: i32): void {
  set(cell + STANDARD_CELL_ERA, (get(cell + STANDARD_CELL_ERA) + 1) & ERA_MASK);
}

/** Monitored where results are kept in a rolling window, or give a permit back. */
export function closedState(policy: i32): i32 {
  const monitored = get(policy + POLICY_BUCKET_MS) != 0 || get(policy + POLICY_PERMITS) != 0;
  return monitored ? STANDARD_MONITORED : STANDARD_CLOSED;
}

/** All probes are out, and the last one has been for as long as the breaker stays open. */
export function probesAreLost(cell: i32, policy: i32, now: i32): i32 {
  if (get(cell + STANDARD_CELL_ADMITTED) < get(policy + POLICY_HALF_OPEN_PROBES)) return 0;
  return isStillOpen(cell, policy, now) != 0 ? 0 : 1;
}

/** 1 until `resetTimeout` after the opening or the last probe. */
export function isStillOpen(cell: i32, policy: i32, now: i32): i32 {
  return elapsedMs(now, get(cell + STANDARD_CELL_SINCE_MS)) < get(policy + POLICY_OPEN_DURATION_MS) ? 1 : 0;
}
