// What else JavaScript asks of the twin, with the arguments of the word's functions: each takes the mutex. The thread is bound once,
// for an instance is of one thread.
import { recoverMutex } from '@corelane/lock-free/kernel/mutex';
import { get, load, set } from '@corelane/shared-memory/kernel/atomics';
import {
  EVENT_BUFFER_ROOT_STANDARD_HEAD,
  EVENT_BUFFER_ROOT_STANDARD_MUTEX,
  EVENT_BUFFER_ROOT_STANDARD_TAIL,
  POLICY_FAILURE_THRESHOLD,
  STANDARD_CELL_BOMBS_REFUSED,
  STANDARD_CELL_COMPRESSED,
  STANDARD_CELL_COMPRESSION_DETECTED,
  STANDARD_CELL_COMPRESSION_RATIO,
  STANDARD_CELL_MUTEX,
  STANDARD_CELL_POLICY,
  STANDARD_CELL_STATE,
  STANDARD_ISOLATED,
  STANDARD_OPEN,
} from './layout.generated.ts';
import { admitStandardEvents, refund } from './standard-admission.ts';
import { close, openByHand } from './standard-breaker.ts';
import { bump, enter, increment, isClosed, isOfEra, isOpen, leave } from './standard-cell.ts';
import { defineStandard } from './standard-define.ts';
import { givePermitsBackOf } from './standard-permits.ts';
import {
  abandonStandardClaim,
  dropStandardTaken,
  initializeStandardEvents,
  observeStandard,
  publishStandardEvents,
  releaseStandardEvents,
} from './standard-events.ts';
import { isolateToRestore, isRestoring, restoreTo } from './standard-restore.ts';
import { fillBucket, pushFailure } from './standard-window.ts';

let me: i32 = 0;

/** Before anything else: the number of this thread. */
export function standardBind(thread: i32): void {
  me = thread;
}

/** Takes the mutex around plain reads of the fields from JavaScript. */
export function standardEnter(cell: i32): void {
  enter(cell, me);
}

export function standardLeave(cell: i32): void {
  leave(cell, me);
}

export function standardDefine(cell: i32, policy: i32, now: i32): i32 {
  return defineStandard(cell, policy, now, me);
}

export function standardAdmitEvents(cell: i32, count: i32, now: i32): i32 {
  return admitStandardEvents(cell, count, now, me);
}

export function standardRefundEvents(cell: i32, count: i32, admission: i32): void {
  enter(cell, me);
  refund(cell, load(cell + STANDARD_CELL_POLICY), count, admission);
  leave(cell, me);
}

export function standardOpen(cell: i32, now: i32): i32 {
  enter(cell, me);
  const opens = isOpen(get(cell + STANDARD_CELL_STATE)) != 0 ? 0 : 1;
  if (opens != 0) openByHand(cell, STANDARD_OPEN, now);
  leave(cell, me);
  return opens;
}

export function standardIsolate(cell: i32, now: i32): i32 {
  enter(cell, me);
  const isolates = get(cell + STANDARD_CELL_STATE) == STANDARD_ISOLATED ? 0 : 1;
  if (isolates != 0) openByHand(cell, STANDARD_ISOLATED, now);
  leave(cell, me);
  return isolates;
}

export function standardClose(cell: i32): i32 {
  enter(cell, me);
  const closes = isClosed(get(cell + STANDARD_CELL_STATE)) != 0 ? 0 : 1;
  if (closes != 0) close(cell);
  leave(cell, me);
  return closes;
}

export function standardIsCurrent(cell: i32, admission: i32): i32 {
  enter(cell, me);
  const isCurrent = isOfEra(cell, admission);
  leave(cell, me);
  return isCurrent;
}

export function standardRecordCompression(cell: i32, ratio: i32, refused: i32): void {
  enter(cell, me);
  increment(cell + STANDARD_CELL_COMPRESSION_DETECTED);
  if (refused != 0) increment(cell + STANDARD_CELL_BOMBS_REFUSED);
  set(cell + STANDARD_CELL_COMPRESSION_RATIO, ratio);
  set(cell + STANDARD_CELL_COMPRESSED, 1);
  bump(cell);
  leave(cell, me);
}

/** After the thread `dead` has ended: takes the endpoint's mutex from it. @returns 1 where it had it */
export function standardRecover(cell: i32, dead: i32): i32 {
  return recoverMutex(cell + STANDARD_CELL_MUTEX, dead);
}

/** After the thread of this number has ended: its mutex and its permits. @returns how many permits */
export function standardReclaim(cell: i32, dead: i32): i32 {
  recoverMutex(cell + STANDARD_CELL_MUTEX, dead);
  const policy = load(cell + STANDARD_CELL_POLICY);
  if (policy == 0) return 0;
  enter(cell, me);
  const permits = givePermitsBackOf(policy, dead);
  leave(cell, me);
  return permits;
}

export function standardBeginRestore(cell: i32): i32 {
  enter(cell, me);
  const era = isolateToRestore(cell);
  leave(cell, me);
  return era;
}

export function standardRestoreFailure(cell: i32, timeMs: i32, era: i32): void {
  enter(cell, me);
  const threshold = get(load(cell + STANDARD_CELL_POLICY) + POLICY_FAILURE_THRESHOLD);
  if (isRestoring(cell, era) != 0) pushFailure(cell, threshold, timeMs);
  leave(cell, me);
}

export function standardRestoreOutcomes(
  cell: i32,
  timeMs: i32,
  era: i32,
  calls: i32,
  failures: i32,
  slow: i32,
): void {
  enter(cell, me);
  if (isRestoring(cell, era) != 0)
    fillBucket(cell, load(cell + STANDARD_CELL_POLICY), timeMs, calls, failures, slow);
  leave(cell, me);
}

export function standardEndRestore(
  cell: i32,
  era: i32,
  state: i32,
  sinceMs: i32,
  tokens: i32,
  ratio: i32,
  successes: i32,
  failures: i32,
  paidUntilMs: i32,
): i32 {
  enter(cell, me);
  const restores = isRestoring(cell, era);
  if (restores != 0) restoreTo(cell, state, sinceMs, tokens, ratio, successes, failures, paidUntilMs);
  leave(cell, me);
  return restores;
}

export function standardInitializeEvents(buffer: i32, startLow: i32, startHigh: i32): void {
  initializeStandardEvents(buffer, startLow, startHigh);
}

export function standardPublishEvents(buffer: i32, seat: i32, count: i32, length: i32): i32 {
  return publishStandardEvents(buffer, seat, count, length, me);
}

export function standardReleaseEvents(buffer: i32, seat: i32, count: i32): i32 {
  return releaseStandardEvents(buffer, seat, count, me);
}

export function standardAbandonClaim(buffer: i32, seat: i32): i32 {
  return abandonStandardClaim(buffer, seat, me);
}

export function standardDropTaken(buffer: i32, seat: i32): i32 {
  return dropStandardTaken(buffer, seat, me);
}

/** Observes what was claimed: its halves by `low` and `high`. */
export function standardObserveTail(buffer: i32): void {
  observeStandard(buffer, EVENT_BUFFER_ROOT_STANDARD_TAIL, me);
}

/** Observes what was taken: its halves by `low` and `high`. */
export function standardObserveHead(buffer: i32): void {
  observeStandard(buffer, EVENT_BUFFER_ROOT_STANDARD_HEAD, me);
}

/** After the thread `dead` has ended: takes the buffer's mutex from it. @returns 1 where it had it */
export function standardRecoverEvents(buffer: i32, dead: i32): i32 {
  return recoverMutex(buffer + EVENT_BUFFER_ROOT_STANDARD_MUTEX, dead);
}
