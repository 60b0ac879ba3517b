// Results in the twin: the same answers as in result.ts, by taking the mutex.
//
// The common case, a success while closed, stands alone in the exported function, so that Wasm keeps it in registers.
import { get, load } from '@corelane/shared-memory/kernel/atomics';
import {
  ANY_ADMISSION,
  POLICY_BUCKET_MS,
  POLICY_CLOSE_SUCCESSES,
  POLICY_FAILURE_THRESHOLD,
  POLICY_HALF_OPEN_PROBES,
  POLICY_SLOW_BASIS_POINTS,
  POLICY_SLOW_CALL_DURATION_MS,
  RECORD_CLOSED,
  RECORD_COUNTED,
  RECORD_REOPENED,
  RECORD_STALE,
  RECORD_TRIPPED,
  REFUSED_ADMISSION,
  REFUSED_UNDEFINED,
  STANDARD_CELL_ADMITTED,
  STANDARD_CELL_ERA,
  STANDARD_CELL_FAILURES,
  STANDARD_CELL_POLICY,
  STANDARD_CELL_STATE,
  STANDARD_CELL_SUCCESSES,
  STANDARD_CLOSED,
  WORD_FAILURES_MASK,
  WORD_SUCCESSES_MASK,
} from './layout.generated.ts';
import { permitOf } from './permits.ts';
import { isAdmission } from './result.ts';
import { close, reopen, trip } from './standard-breaker.ts';
import {
  bump,
  countUp,
  enter,
  enterSlowly,
  isClosed,
  isOfEra,
  isOpen,
  leave,
  leaveSlowly,
  tryEnter,
  tryLeave,
} from './standard-cell.ts';
import { givePermitBack } from './standard-permits.ts';
import { enterFailure, enterOutcome } from './standard-window.ts';

/** As `recordStandardAt`, at the time that the shared clock word holds. */
export function recordStandard(
  cell: i32,
  ok: i32,
  admission: i32,
  durationMs: i32,
  clock: i32,
  me: i32,
): i32 {
  if (tryEnter(cell, me) == 0) enterSlowly(cell, me);
  let outcome = RECORD_COUNTED;
  if (ok != 0 && get(cell + STANDARD_CELL_STATE) == STANDARD_CLOSED && isPlainlyOfEra(cell, admission) != 0) {
    countUp(cell + STANDARD_CELL_SUCCESSES, WORD_SUCCESSES_MASK);
    bump(cell);
  } else {
    outcome = record(cell, ok, admission, durationMs, load(clock));
  }
  if (tryLeave(cell, me) == 0) leaveSlowly(cell, me);
  return outcome;
}

/**
 * Records how an admitted call ended.
 * @param admission what `tryAcquireStandard` returned for this call, or ANY_ADMISSION
 * @param durationMs how long it took
 * @param me the caller's thread id + 1: whose the mutex is
 * @returns one of RECORD_…, REFUSED_UNDEFINED or REFUSED_ADMISSION
 */
export function recordStandardAt(
  cell: i32,
  ok: i32,
  admission: i32,
  durationMs: i32,
  now: i32,
  me: i32,
): i32 {
  enter(cell, me);
  const outcome = record(cell, ok, admission, durationMs, now);
  leave(cell, me);
  return outcome;
}

/** An admission without a permit: one that has more to it is for the slow path to check. */
function isPlainlyOfEra(cell: i32, admission: i32): i32 {
  return admission == ANY_ADMISSION || admission >> 1 == get(cell + STANDARD_CELL_ERA) ? 1 : 0;
}

function record(cell: i32, ok: i32, admission: i32, durationMs: i32, now: i32): i32 {
  const policy = load(cell + STANDARD_CELL_POLICY);
  if (policy == 0) return REFUSED_UNDEFINED;
  if (isAdmission(admission, policy) == 0) return REFUSED_ADMISSION;
  // Given back twice, or taken back from a thread that has ended: this call has had its result.
  if (permitOf(admission) != 0 && givePermitBack(cell, policy, admission) == 0) return RECORD_STALE;
  const state = get(cell + STANDARD_CELL_STATE);
  if (isOpen(state) != 0 || isOfEra(cell, admission) == 0) return RECORD_STALE;
  const slow = isSlow(policy, durationMs);
  if (isClosed(state) == 0) return recordProbe(cell, policy, ok != 0 && slow == 0 ? 1 : 0, admission, now);
  count(cell, ok);
  bump(cell);
  let tooMany = 0;
  if (ok == 0 && get(policy + POLICY_FAILURE_THRESHOLD) != 0) tooMany = enterFailure(cell, policy, now);
  if (get(policy + POLICY_BUCKET_MS) != 0)
    tooMany = tooMany | enterOutcome(cell, policy, now, ok == 0 ? 1 : 0, slow);
  if (tooMany == 0) return RECORD_COUNTED;
  trip(cell, now);
  return RECORD_TRIPPED;
}

function isSlow(policy: i32, durationMs: i32): i32 {
  if (get(policy + POLICY_SLOW_BASIS_POINTS) < 0) return 0;
  return durationMs > get(policy + POLICY_SLOW_CALL_DURATION_MS) ? 1 : 0;
}

function recordProbe(cell: i32, policy: i32, good: i32, admission: i32, now: i32): i32 {
  const answered = (get(cell + STANDARD_CELL_SUCCESSES) + get(cell + STANDARD_CELL_FAILURES)) | 0;
  if (admission == ANY_ADMISSION && answered >= get(cell + STANDARD_CELL_ADMITTED)) return RECORD_STALE;
  count(cell, good);
  const needed = get(policy + POLICY_CLOSE_SUCCESSES);
  if (get(cell + STANDARD_CELL_SUCCESSES) >= needed) {
    close(cell);
    return RECORD_CLOSED;
  }
  if (get(cell + STANDARD_CELL_FAILURES) > ((get(policy + POLICY_HALF_OPEN_PROBES) - needed) | 0)) {
    reopen(cell, now);
    return RECORD_REOPENED;
  }
  bump(cell);
  return RECORD_COUNTED;
}

function count(cell: i32, ok: i32): void {
  if (ok != 0) countUp(cell + STANDARD_CELL_SUCCESSES, WORD_SUCCESSES_MASK);
  else countUp(cell + STANDARD_CELL_FAILURES, WORD_FAILURES_MASK);
}
