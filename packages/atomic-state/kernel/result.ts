// Results: how an admitted call ended, and what that does to the breaker. PROTOCOL.md has the states and why it holds.
//
// The common case, a success while closed, stands alone in the exported functions, so that Wasm keeps it in registers.
import { add, compareExchange64, get, high, load, load64, low } from '@corelane/shared-memory/kernel/atomics';
import {
  ANY_ADMISSION,
  CELL_POLICY,
  CELL_TRIPS,
  CELL_WORD,
  POLICY_CLOSE_SUCCESSES,
  POLICY_HALF_OPEN_PROBES,
  RECORD_CLOSED,
  RECORD_COUNTED,
  RECORD_REOPENED,
  RECORD_STALE,
  RECORD_TRIPPED,
  REFUSED_ADMISSION,
  REFUSED_UNDEFINED,
} from './layout.generated.ts';
import { probeIsOut, reopen, stampLedger } from './ledger.ts';
import { enterFailure, forgetFailures } from './window.ts';
import {
  bumped,
  closed,
  eraOf,
  failuresOf,
  isClosed,
  isHalfOpen,
  isOpen,
  opened,
  successesOf,
  withFailure,
  withSuccess,
} from './word.ts';

/** As `recordDeliveryAt`, at the time that the shared clock word holds. */
export function recordDelivery(cell: i32, ok: i32, admission: i32, clock: i32): i32 {
  if (ok != 0 && countSuccess(cell, admission) != 0) return RECORD_COUNTED;
  return recordDeliveryAt(cell, ok, admission, load(clock));
}

/**
 * Records how an admitted call ended.
 * @param admission what `tryAcquire` returned for this call, or ANY_ADMISSION
 * @returns one of RECORD_…, REFUSED_UNDEFINED or REFUSED_ADMISSION
 */
export function recordDeliveryAt(cell: i32, ok: i32, admission: i32, now: i32): i32 {
  const policy = load(cell + CELL_POLICY); // observe: pairs with the store that defines the endpoint
  if (policy == 0) return REFUSED_UNDEFINED;
  // Here, not in the common case: an admission that is out of range is of no era, so a success with it comes here.
  if (admission < 0 || admission > ANY_ADMISSION) return REFUSED_ADMISSION;
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    if (isOpen(wordLow) != 0) return RECORD_STALE;
    if (isOfEra(admission, wordLow) == 0) return RECORD_STALE;
    const nextHigh = ok != 0 ? withSuccess(wordHigh) : withFailure(wordHigh);
    if (isHalfOpen(wordLow) != 0) {
      if (admission == ANY_ADMISSION && probeIsOut(cell, wordLow, wordHigh) == 0) return RECORD_STALE;
      const needed = get(policy + POLICY_CLOSE_SUCCESSES);
      if (successesOf(nextHigh) >= needed) {
        forgetFailures(cell, policy, wordLow);
        if (compareExchange64(cell + CELL_WORD, wordLow, wordHigh, bumped(closed(wordLow)), 0) != 0)
          return RECORD_CLOSED;
      } else if (failuresOf(nextHigh) > ((get(policy + POLICY_HALF_OPEN_PROBES) - needed) | 0)) {
        if (reopen(cell, wordLow, wordHigh, nextHigh, now) != 0) return RECORD_REOPENED;
      } else if (compareExchange64(cell + CELL_WORD, wordLow, wordHigh, bumped(wordLow), nextHigh) != 0) {
        return RECORD_COUNTED;
      }
    } else if (compareExchange64(cell + CELL_WORD, wordLow, wordHigh, bumped(wordLow), nextHigh) != 0) {
      if (ok != 0) return RECORD_COUNTED;
      const era = eraOf(wordLow);
      return enterFailure(cell, policy, now, era) != 0 ? trip(cell, era, now) : RECORD_COUNTED;
    }
  }
}

/** One attempt at a success while closed. A word of an endpoint that is not defined is 0. */
function countSuccess(cell: i32, admission: i32): i32 {
  load64(cell + CELL_WORD);
  const wordLow = low();
  const wordHigh = high();
  if (isClosed(wordLow) == 0 || wordLow == 0 || isOfEra(admission, wordLow) == 0) return 0;
  return compareExchange64(cell + CELL_WORD, wordLow, wordHigh, bumped(wordLow), withSuccess(wordHigh));
}

function isOfEra(admission: i32, wordLow: i32): i32 {
  return admission == ANY_ADMISSION || admission >> 1 == eraOf(wordLow) ? 1 : 0;
}

/** Closed to Open, once an era: RECORD_TRIPPED for the one thread that did it, RECORD_COUNTED where the era is over. */
function trip(cell: i32, era: i32, now: i32): i32 {
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    if (isClosed(wordLow) == 0 || eraOf(wordLow) != era) return RECORD_COUNTED;
    const next = bumped(opened(wordLow));
    if (compareExchange64(cell + CELL_WORD, wordLow, wordHigh, next, wordHigh) != 0) {
      stampLedger(cell, next, now);
      add(cell + CELL_TRIPS, 1); // pairs with the atomic load in snapshots
      return RECORD_TRIPPED;
    }
  }
}
