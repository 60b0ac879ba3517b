// Taking an endpoint of the twin back to a state that was read before, by whoever has the mutex: in the steps of restore.ts, isolated
// in between, so that the mutex is not held from one call of JavaScript to the next.
import { get, load, set } from '@corelane/shared-memory/kernel/atomics';
import {
  POLICY_BURST,
  RESTORE_CLOSED,
  RESTORE_OPEN,
  STANDARD_CELL_COMPRESSED,
  STANDARD_CELL_COMPRESSION_RATIO,
  STANDARD_CELL_ERA,
  STANDARD_CELL_FAILURES,
  STANDARD_CELL_POLICY,
  STANDARD_CELL_REFILL_FRACTION,
  STANDARD_CELL_REFILL_MS,
  STANDARD_CELL_SINCE_MS,
  STANDARD_CELL_STATE,
  STANDARD_CELL_SUCCESSES,
  STANDARD_CELL_TOKENS,
  STANDARD_ISOLATED,
  STANDARD_OPEN,
} from './layout.generated.ts';
import { closedState, openAs } from './standard-breaker.ts';
import { bump } from './standard-cell.ts';
import { forgetWindows } from './standard-window.ts';

/** Isolates the endpoint and empties its windows. @returns the new era */
export function isolateToRestore(cell: i32): i32 {
  openAs(cell, STANDARD_ISOLATED, get(cell + STANDARD_CELL_SINCE_MS));
  forgetWindows(cell);
  return get(cell + STANDARD_CELL_ERA);
}

/** 1 while nobody has closed it, or begun to restore it, since `isolateToRestore` returned `era`. */
export function isRestoring(cell: i32, era: i32): i32 {
  return get(cell + STANDARD_CELL_STATE) == STANDARD_ISOLATED && get(cell + STANDARD_CELL_ERA) == era ? 1 : 0;
}

/** To its state, one of RESTORE_…. `ratio` of compression, or -1 for none; `paidUntilMs`: up to when tokens have been paid out. */
export function restoreTo(
  cell: i32,
  state: i32,
  sinceMs: i32,
  tokens: i32,
  ratio: i32,
  successes: i32,
  failures: i32,
  paidUntilMs: i32,
): void {
  const policy = load(cell + STANDARD_CELL_POLICY);
  const burst = get(policy + POLICY_BURST);
  set(cell + STANDARD_CELL_TOKENS, tokens < burst ? tokens : burst);
  set(cell + STANDARD_CELL_REFILL_MS, paidUntilMs);
  set(cell + STANDARD_CELL_REFILL_FRACTION, 0);
  set(cell + STANDARD_CELL_COMPRESSION_RATIO, ratio < 0 ? 0 : ratio);
  set(cell + STANDARD_CELL_COMPRESSED, ratio < 0 ? 0 : 1);
  set(cell + STANDARD_CELL_SUCCESSES, successes);
  set(cell + STANDARD_CELL_FAILURES, failures);
  set(cell + STANDARD_CELL_SINCE_MS, sinceMs);
  if (state == RESTORE_CLOSED) set(cell + STANDARD_CELL_STATE, closedState(policy));
  if (state == RESTORE_OPEN) set(cell + STANDARD_CELL_STATE, STANDARD_OPEN);
  bump(cell);
}
