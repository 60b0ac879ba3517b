// Results: how an admitted call ended, and what that does to the breaker. PROTOCOL.md has the states and why it holds.
//
// The common case, a success while closed, stands alone in the exported functions, so that Wasm keeps it in registers.
import {
  add,
  get,
  high,
  highHalf,
  load,
  load64,
  low,
  lowHalf,
  replace64,
  sum64,
  word64,
} from '@corelane/shared-memory/kernel/atomics';
import {
  ADMISSION_PERMIT_SHIFT,
  ADMISSION_QUEUED_ONE,
  ADMISSION_UNUSED_SHIFT,
  ANY_ADMISSION,
  CELL_POLICY,
  CELL_TRIPS,
  CELL_WORD,
  POLICY_BUCKET_MS,
  POLICY_CLOSE_SUCCESSES,
  POLICY_FAILURE_THRESHOLD,
  POLICY_HALF_OPEN_PROBES,
  POLICY_PERMITS,
  POLICY_SLOW_BASIS_POINTS,
  POLICY_SLOW_CALL_DURATION_MS,
  RECORD_CLOSED,
  RECORD_COUNTED,
  RECORD_REOPENED,
  RECORD_STALE,
  RECORD_TRIPPED,
  REFUSED_ADMISSION,
  REFUSED_UNDEFINED,
  WORD_SUCCESSES_MASK,
  WORD_SUCCESSES_ONE,
  WORD_VERSION_MASK,
  WORD_VERSION_ONE,
} from './layout.generated.ts';
import { forgetEra, probeIsOut, reopen, stampLedger } from './ledger.ts';
import { permitOf, releasePermit } from './permits.ts';
import { enterOutcome } from './rolling.ts';
import { enterFailure } from './window.ts';
import { casWord, countWon, lost, publishCases } from './word-cas.ts';
import {
  bumped,
  closed,
  eraOf,
  failuresOf,
  isClosed,
  isHalfOpen,
  isOfEra,
  isOpen,
  opened,
  plainBits,
  plainEra,
  successesOf,
  withFailure,
  withSuccess,
} from './word.ts';

/** An admission without its lowest bits, where it is an event's: nothing else is set in it. */
const QUEUED: i32 = ADMISSION_QUEUED_ONE >>> ADMISSION_PERMIT_SHIFT;

/** As `recordDeliveryAt`, at the time that the shared clock word holds. */
export function recordDelivery(
  cell: i32,
  ok: i32,
  admission: i32,
  durationMs: i32,
  clock: i32,
  me: i32,
): i32 {
  if (ok != 0 && countSuccess(cell, admission) != 0) return RECORD_COUNTED;
  return recordDeliveryAt(cell, ok, admission, durationMs, load(clock), me);
}

/**
 * Records how an admitted call ended.
 * @param admission what `tryAcquire` returned for this call, or ANY_ADMISSION
 * @param durationMs how long it took
 * @param _me not looked at here: the standard twin's mutex needs the caller's thread
 * @returns one of RECORD_…, REFUSED_UNDEFINED or REFUSED_ADMISSION
 */
export function recordDeliveryAt(
  cell: i32,
  ok: i32,
  admission: i32,
  durationMs: i32,
  now: i32,
  _me: i32,
): i32 {
  const policy = load(cell + CELL_POLICY); // observe: pairs with the store that defines the endpoint
  if (policy == 0) return REFUSED_UNDEFINED;
  // Here, not in the common case: an admission that is out of range is of no era, so a success with it comes here.
  if (isAdmission(admission, policy) == 0) return REFUSED_ADMISSION;
  // Given back twice, or taken back from a thread that has ended: this call has had its result.
  if (permitOf(admission) != 0 && releasePermit(cell, policy, admission) == 0) return RECORD_STALE;
  const slow =
    get(policy + POLICY_SLOW_BASIS_POINTS) >= 0 && durationMs > get(policy + POLICY_SLOW_CALL_DURATION_MS)
      ? 1
      : 0;
  const good = ok != 0 && slow == 0;
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    if (isOpen(wordLow) != 0) return RECORD_STALE;
    if (isOfEra(admission, wordLow) == 0) return RECORD_STALE;
    if (isHalfOpen(wordLow) != 0) {
      // A slow probe says no more for the endpoint than a failed one.
      const nextHigh = good ? withSuccess(wordHigh) : withFailure(wordHigh);
      if (admission == ANY_ADMISSION && probeIsOut(cell, wordLow, wordHigh) == 0) return RECORD_STALE;
      const needed = get(policy + POLICY_CLOSE_SUCCESSES);
      if (successesOf(nextHigh) >= needed) {
        forgetEra(cell, wordLow, eraOf(wordLow));
        if (casWord(cell, wordLow, wordHigh, bumped(closed(wordLow)), 0) != 0) return RECORD_CLOSED;
      } else if (failuresOf(nextHigh) > ((get(policy + POLICY_HALF_OPEN_PROBES) - needed) | 0)) {
        if (reopen(cell, wordLow, wordHigh, nextHigh, now) != 0) return RECORD_REOPENED;
      } else if (casWord(cell, wordLow, wordHigh, bumped(wordLow), nextHigh) != 0) {
        return RECORD_COUNTED;
      }
    } else {
      const nextHigh = ok != 0 ? withSuccess(wordHigh) : withFailure(wordHigh);
      if (casWord(cell, wordLow, wordHigh, bumped(wordLow), nextHigh) != 0)
        return judge(cell, policy, ok, slow, eraOf(wordLow), now);
    }
  }
}

/** Has a result that was counted while closed made it too many? */
function judge(cell: i32, policy: i32, ok: i32, slow: i32, era: i32, now: i32): i32 {
  let tooMany = 0;
  if (ok == 0 && get(policy + POLICY_FAILURE_THRESHOLD) != 0) tooMany = enterFailure(cell, policy, now, era);
  if (get(policy + POLICY_BUCKET_MS) != 0)
    tooMany = tooMany | enterOutcome(cell, policy, now, era, ok == 0 ? 1 : 0, slow);
  return tooMany != 0 ? trip(cell, era, now) : RECORD_COUNTED;
}

/** 1 where `tryAcquire` may have given this to a caller of this endpoint, or a consumer of events; a call needs its permit where there are any. */
export function isAdmission(admission: i32, policy: i32): i32 {
  const permits = get(policy + POLICY_PERMITS);
  if (admission == ANY_ADMISSION) return permits == 0 ? 1 : 0;
  if (admission < 0 || (admission & ANY_ADMISSION) != 0) return 0;
  if ((admission & ADMISSION_QUEUED_ONE) != 0) return admission >>> ADMISSION_PERMIT_SHIFT == QUEUED ? 1 : 0;
  const permit = permitOf(admission);
  if (permits == 0) return admission >>> ADMISSION_PERMIT_SHIFT == 0 ? 1 : 0;
  return permit != 0 && permit <= permits && admission >>> ADMISSION_UNUSED_SHIFT == 0 ? 1 : 0;
}

/**
 * One attempt at a success while closed, where the version does not wrap. What `bumped` and `withSuccess` do is one addition here, and
 * what must hold of the word is a single comparison: whatever stands between load and CAS delays the next transition (1 of 4 ns, measured).
 */
function countSuccess(cell: i32, admission: i32): i32 {
  const word = word64(cell + CELL_WORD);
  const wordLow = lowHalf(word);
  if ((wordLow & plainBits(admission)) != plainEra(admission)) return 0;
  // The word of an endpoint that is not defined is 0.
  if (wordLow == 0 || (wordLow & WORD_VERSION_MASK) == WORD_VERSION_MASK) return 0;
  const isFull = successesOf(highHalf(word)) == WORD_SUCCESSES_MASK;
  const at = cell + CELL_WORD;
  const isWon = isFull
    ? replace64(at, word, sum64(word, WORD_VERSION_ONE, 0))
    : replace64(at, word, sum64(word, WORD_VERSION_ONE, WORD_SUCCESSES_ONE));
  if (isWon == 0) return lost();
  if (countWon() != 0) publishCases();
  return 1;
}

/** Closed to Open, once an era: RECORD_TRIPPED for the one thread that did it, RECORD_COUNTED where the era is over. */
function trip(cell: i32, era: i32, now: i32): i32 {
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    if (isClosed(wordLow) == 0 || eraOf(wordLow) != era) return RECORD_COUNTED;
    const next = bumped(opened(wordLow));
    if (casWord(cell, wordLow, wordHigh, next, wordHigh) != 0) {
      stampLedger(cell, next, now);
      add(cell + CELL_TRIPS, 1); // pairs with the atomic load in snapshots
      return RECORD_TRIPPED;
    }
  }
}
