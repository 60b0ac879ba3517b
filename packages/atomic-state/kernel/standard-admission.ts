// Admission in the twin: the same answers as in admission.ts, by taking the mutex.
//
// The common case stands alone in the exported function, so that Wasm keeps it in registers; all the rest is one call further.
import { get, load, set } from '@corelane/shared-memory/kernel/atomics';
import {
  ERA_MASK,
  POLICY_HALF_OPEN_PROBES,
  POLICY_LIMITED,
  POLICY_PERMITS,
  POLICY_REFILL_MICRO_PER_MS,
  REFUSED_BUSY,
  REFUSED_ISOLATED,
  REFUSED_OPEN,
  REFUSED_PROBING,
  REFUSED_THROTTLED,
  REFUSED_UNDEFINED,
  STANDARD_CELL_ADMITTED,
  STANDARD_CELL_ERA,
  STANDARD_CELL_POLICY,
  STANDARD_CELL_SINCE_MS,
  STANDARD_CELL_STATE,
  STANDARD_CLOSED,
  STANDARD_ISOLATED,
  STANDARD_OPEN,
} from './layout.generated.ts';
import { PROBE } from './ledger.ts';
import { halfOpen, isStillOpen, probesAreLost, reopen } from './standard-breaker.ts';
import {
  bump,
  enter,
  enterSlowly,
  isClosed,
  isOpen,
  leave,
  leaveSlowly,
  tryEnter,
  tryLeave,
} from './standard-cell.ts';
import { givePermitBack, takePermit } from './standard-permits.ts';
import { refillTokens, returnTokens, takeTokens } from './standard-tokens.ts';
import { elapsedMs } from './word.ts';

/** As `tryAcquireStandardAt`, at the time that the shared clock word holds. */
export function tryAcquireStandard(cell: i32, clock: i32, me: i32): i32 {
  const policy = load(cell + STANDARD_CELL_POLICY); // observe: pairs with the store that defines the endpoint
  if (policy == 0) return REFUSED_UNDEFINED;
  const limited = get(policy + POLICY_LIMITED);
  if (tryEnter(cell, me) == 0) enterSlowly(cell, me);
  let outcome = 0;
  if (limited == 0 && get(cell + STANDARD_CELL_STATE) == STANDARD_CLOSED)
    outcome = get(cell + STANDARD_CELL_ERA) << 1;
  else outcome = admitCall(cell, policy, load(clock), me);
  if (tryLeave(cell, me) == 0) leaveSlowly(cell, me);
  return outcome;
}

/**
 * Asks to call the endpoint.
 * @param me the caller's thread id + 1: whose the mutex is, and the permit
 * @returns an admission, or one of the negative REFUSED_…
 */
export function tryAcquireStandardAt(cell: i32, now: i32, me: i32): i32 {
  const policy = load(cell + STANDARD_CELL_POLICY); // observe: pairs with the store that defines the endpoint
  if (policy == 0) return REFUSED_UNDEFINED;
  enter(cell, me);
  const outcome = admitCall(cell, policy, now, me);
  leave(cell, me);
  return outcome;
}

function admitCall(cell: i32, policy: i32, now: i32, me: i32): i32 {
  if (get(policy + POLICY_PERMITS) == 0) return admit(cell, policy, 1, now);
  const permit = takePermit(cell, policy, me);
  if (permit == 0) return withoutPermit(get(cell + STANDARD_CELL_STATE));
  const admission = admit(cell, policy, 1, now);
  if (admission >= 0) return admission | permit;
  givePermitBack(cell, policy, permit);
  return admission;
}

function withoutPermit(state: i32): i32 {
  if (state == STANDARD_ISOLATED) return REFUSED_ISOLATED;
  return isOpen(state) != 0 ? REFUSED_OPEN : REFUSED_BUSY;
}

/** Breaker and tokens, for `count` calls or events at once. */
export function admit(cell: i32, policy: i32, count: i32, now: i32): i32 {
  const limited = get(policy + POLICY_REFILL_MICRO_PER_MS);
  const refilled = limited == 0 ? 0 : refillTokens(cell, policy, now);
  if (isClosed(get(cell + STANDARD_CELL_STATE)) == 0) {
    if (refilled != 0) bump(cell);
    return admitProbe(cell, policy, count, now);
  }
  if (limited == 0) return admissionOf(cell);
  const taken = takeTokens(cell, count);
  if ((taken | refilled) != 0) bump(cell);
  return taken != 0 ? admissionOf(cell) : REFUSED_THROTTLED;
}

function admitProbe(cell: i32, policy: i32, count: i32, now: i32): i32 {
  const state = get(cell + STANDARD_CELL_STATE);
  if (state == STANDARD_ISOLATED) return REFUSED_ISOLATED;
  if (state == STANDARD_OPEN) {
    if (isStillOpen(cell, policy, now) != 0) return REFUSED_OPEN;
    halfOpen(cell);
  }
  if (count != 1) return REFUSED_PROBING;
  if (probesAreLost(cell, policy, now) != 0) {
    reopen(cell, now);
    return REFUSED_OPEN;
  }
  const admitted = get(cell + STANDARD_CELL_ADMITTED);
  if (admitted >= get(policy + POLICY_HALF_OPEN_PROBES)) return REFUSED_PROBING;
  // Not back: a thread that read the clock long ago would make the probes of others look lost.
  if (elapsedMs(now, get(cell + STANDARD_CELL_SINCE_MS)) != 0) set(cell + STANDARD_CELL_SINCE_MS, now);
  set(cell + STANDARD_CELL_ADMITTED, (admitted + 1) | 0);
  return admissionOf(cell) | PROBE;
}

/** As `admitEvents` of admission.ts. */
export function admitStandardEvents(cell: i32, count: i32, now: i32, me: i32): i32 {
  const policy = load(cell + STANDARD_CELL_POLICY); // observe: pairs with the store that defines the endpoint
  if (policy == 0) return REFUSED_UNDEFINED;
  enter(cell, me);
  const outcome = admit(cell, policy, count, now);
  leave(cell, me);
  return outcome;
}

/** Gives back what `admit` took for events that were not queued after all. */
export function refund(cell: i32, policy: i32, count: i32, admission: i32): void {
  if ((admission & PROBE) != 0) {
    const admitted = get(cell + STANDARD_CELL_ADMITTED);
    if (((admission >> 1) & ERA_MASK) == get(cell + STANDARD_CELL_ERA) && admitted != 0)
      set(cell + STANDARD_CELL_ADMITTED, (admitted - 1) | 0);
  } else if (get(policy + POLICY_REFILL_MICRO_PER_MS) != 0) {
    returnTokens(cell, policy, count);
    bump(cell);
  }
}

function admissionOf(cell: i32): i32 {
  return get(cell + STANDARD_CELL_ERA) << 1;
}
