// Admission and results: the transitions of the state word. PROTOCOL.md beside this file has the states and why it holds.
import {
  add,
  compareExchange64,
  get,
  high,
  load,
  load64,
  low,
} from '@corelane/shared-memory/kernel/atomics';
import {
  ANY_ADMISSION,
  CELL_LEDGER,
  CELL_POLICY,
  CELL_REFILL,
  CELL_REOPENS,
  CELL_TRIPS,
  CELL_WORD,
  LEDGER_ADMITTED_MASK,
  LEDGER_ADMITTED_ONE,
  LEDGER_ERA_SHIFT,
  POLICY_CAPACITY,
  POLICY_CLOSE_SUCCESSES,
  POLICY_HALF_OPEN_PROBES,
  POLICY_OPEN_DURATION_MS,
  POLICY_REFILL_MICRO_PER_MS,
  RECORD_CLOSED,
  RECORD_COUNTED,
  RECORD_REOPENED,
  RECORD_STALE,
  RECORD_TRIPPED,
  REFUSED_OPEN,
  REFUSED_PROBING,
  REFUSED_THROTTLED,
  REFUSED_UNDEFINED,
} from './layout.generated.ts';
import { claimRefill } from './tokens.ts';
import { enterFailure } from './window.ts';
import {
  bumped,
  closed,
  elapsedMs,
  eraOf,
  failuresOf,
  halfOpened,
  isClosed,
  isHalfOpen,
  isOpen,
  opened,
  successesOf,
  tokensOf,
  withFailure,
  withSuccess,
  withTokens,
} from './word.ts';

/** The probe bit of an admission. */
const PROBE: i32 = 1;

/** As `tryAcquireAt`, at the time that the shared clock word holds. */
export function tryAcquire(cell: i32, clock: i32): i32 {
  return tryAcquireAt(cell, load(clock));
}

/**
 * Asks to call the endpoint.
 * @returns an admission, `era << 1 | probe`, or one of the negative REFUSED_…
 */
export function tryAcquireAt(cell: i32, now: i32): i32 {
  const policy = load(cell + CELL_POLICY); // observe: pairs with the CAS that defines the endpoint
  if (policy == 0) return REFUSED_UNDEFINED;
  const limited = get(policy + POLICY_REFILL_MICRO_PER_MS);
  let claimed = limited == 0 ? 0 : claimRefill(cell, policy, now);
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    if (isClosed(wordLow) != 0) {
      if (limited == 0) return eraOf(wordLow) << 1;
      const tokens = topped(tokensOf(wordLow), claimed, policy);
      if (tokens == 0) return REFUSED_THROTTLED;
      const next = bumped(withTokens(wordLow, (tokens - 1) | 0));
      if (compareExchange64(cell + CELL_WORD, wordLow, wordHigh, next, wordHigh) != 0) return eraOf(wordLow) << 1;
    } else if (claimed != 0) {
      // What was claimed is this thread's to pay in, whatever the breaker's state.
      const next = bumped(withTokens(wordLow, topped(tokensOf(wordLow), claimed, policy)));
      if (compareExchange64(cell + CELL_WORD, wordLow, wordHigh, next, wordHigh) != 0) claimed = 0;
    } else if (isOpen(wordLow) != 0) {
      if (stampLedger(cell, wordLow, now) == 0) continue;
      if (elapsedMs(now, high()) < get(policy + POLICY_OPEN_DURATION_MS)) {
        // The time is when the breaker opened only while it is open: an admitted probe moves it.
        if (wordIs(cell, wordLow, wordHigh) != 0) return REFUSED_OPEN;
        continue;
      }
      compareExchange64(cell + CELL_WORD, wordLow, wordHigh, bumped(halfOpened(wordLow)), 0);
    } else {
      const answer = admitProbe(cell, policy, wordLow, now);
      if (answer != 0) return answer;
      load64(cell + CELL_LEDGER);
      if (ledgerIsOf(low(), wordLow) != 0 && probesAreLost(policy, low(), high(), now) != 0)
        reopen(cell, wordLow, wordHigh, wordHigh, now);
    }
  }
}

/** As `recordDeliveryAt`, at the time that the shared clock word holds. */
export function recordDelivery(cell: i32, ok: i32, admission: i32, clock: i32): i32 {
  return recordDeliveryAt(cell, ok, admission, load(clock));
}

/**
 * Records how an admitted call ended.
 * @param admission what `tryAcquire` returned for this call, or ANY_ADMISSION
 * @returns one of RECORD_…
 */
export function recordDeliveryAt(cell: i32, ok: i32, admission: i32, now: i32): i32 {
  const policy = load(cell + CELL_POLICY); // observe: pairs with the CAS that defines the endpoint
  if (policy == 0) return REFUSED_UNDEFINED;
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    if (isOpen(wordLow) != 0) return RECORD_STALE;
    if (admission != ANY_ADMISSION && admission >> 1 != eraOf(wordLow)) return RECORD_STALE;
    const nextHigh = ok != 0 ? withSuccess(wordHigh) : withFailure(wordHigh);
    if (isHalfOpen(wordLow) != 0) {
      if (admission == ANY_ADMISSION && probeIsOut(cell, wordLow, wordHigh) == 0) return RECORD_STALE;
      const needed = get(policy + POLICY_CLOSE_SUCCESSES);
      if (successesOf(nextHigh) >= needed) {
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

/** Leaves the word's halves for `low` and `high` of the seam. */
export function observeWord(cell: i32): void {
  load64(cell + CELL_WORD);
}

/** Leaves the ledger's halves for `low` and `high` of the seam. */
export function observeLedger(cell: i32): void {
  load64(cell + CELL_LEDGER);
}

/** Leaves the halves of the refill word for `low` and `high` of the seam. */
export function observeRefill(cell: i32): void {
  load64(cell + CELL_REFILL);
}

function wordIs(cell: i32, wordLow: i32, wordHigh: i32): i32 {
  load64(cell + CELL_WORD);
  return low() == wordLow && high() == wordHigh ? 1 : 0;
}

function topped(tokens: i32, more: i32, policy: i32): i32 {
  const sum = (tokens + more) | 0;
  const capacity = get(policy + POLICY_CAPACITY);
  return sum < capacity ? sum : capacity;
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
      add(cell + CELL_TRIPS, 1);
      return RECORD_TRIPPED;
    }
  }
}

/** HalfOpen to Open. 1 where this thread did it. */
function reopen(cell: i32, wordLow: i32, wordHigh: i32, nextHigh: i32, now: i32): i32 {
  const next = bumped(opened(wordLow));
  if (compareExchange64(cell + CELL_WORD, wordLow, wordHigh, next, nextHigh) == 0) return 0;
  stampLedger(cell, next, now);
  add(cell + CELL_REOPENS, 1);
  return 1;
}

/** 1 where the ledger is of the word's era, and then observed; 0 after trying to make it so: any thread may, the first one counts. */
function stampLedger(cell: i32, wordLow: i32, now: i32): i32 {
  load64(cell + CELL_LEDGER);
  if (ledgerIsOf(low(), wordLow) != 0) return 1;
  // publish: the start of the era; pairs with every load64 of the ledger. Fails where another thread was first.
  compareExchange64(cell + CELL_LEDGER, low(), high(), eraOf(wordLow) << LEDGER_ERA_SHIFT, now);
  return 0;
}

function ledgerIsOf(ledgerLow: i32, wordLow: i32): i32 {
  return ledgerLow >>> LEDGER_ERA_SHIFT == eraOf(wordLow) ? 1 : 0;
}

/** An admission, REFUSED_PROBING, or 0: look again, or take the probes for lost. */
function admitProbe(cell: i32, policy: i32, wordLow: i32, now: i32): i32 {
  load64(cell + CELL_LEDGER);
  const ledgerLow = low();
  const since = high();
  if (ledgerIsOf(ledgerLow, wordLow) == 0) return 0;
  if ((ledgerLow & LEDGER_ADMITTED_MASK) < get(policy + POLICY_HALF_OPEN_PROBES)) {
    const next = (ledgerLow + LEDGER_ADMITTED_ONE) | 0;
    // claim: one of the era's probes; pairs with the same CAS on other threads.
    if (compareExchange64(cell + CELL_LEDGER, ledgerLow, since, next, now) == 0) return 0;
    return (eraOf(wordLow) << 1) | PROBE;
  }
  return probesAreLost(policy, ledgerLow, since, now) != 0 ? 0 : REFUSED_PROBING;
}

/** All probes are out, and the last one has been for as long as the breaker stays open. */
function probesAreLost(policy: i32, ledgerLow: i32, since: i32, now: i32): i32 {
  if ((ledgerLow & LEDGER_ADMITTED_MASK) < get(policy + POLICY_HALF_OPEN_PROBES)) return 0;
  return elapsedMs(now, since) >= get(policy + POLICY_OPEN_DURATION_MS) ? 1 : 0;
}

/** 1 where fewer results than admitted probes have come in. */
function probeIsOut(cell: i32, wordLow: i32, wordHigh: i32): i32 {
  load64(cell + CELL_LEDGER);
  if (ledgerIsOf(low(), wordLow) == 0) return 0;
  return ((successesOf(wordHigh) + failuresOf(wordHigh)) | 0) < (low() & LEDGER_ADMITTED_MASK) ? 1 : 0;
}
