// Admission: asking to call an endpoint. PROTOCOL.md beside this file has the states and why it holds.
//
// The common case stands alone in the exported function, so that Wasm keeps it in registers; all the rest is one call further.
import { get, high, load, load64, low, lowHalf, word64 } from '@corelane/shared-memory/kernel/atomics';
import {
  CELL_POLICY,
  CELL_WORD,
  ERA_MASK,
  POLICY_BURST,
  POLICY_LIMITED,
  POLICY_OPEN_DURATION_MS,
  POLICY_PERMITS,
  POLICY_REFILL_MICRO_PER_MS,
  REFUSED_BUSY,
  REFUSED_ISOLATED,
  REFUSED_OPEN,
  REFUSED_PROBING,
  REFUSED_THROTTLED,
  REFUSED_UNDEFINED,
} from './layout.generated.ts';
import { admitProbe, giveUpLostProbes, PROBE, returnProbe, stampLedger } from './ledger.ts';
import { claimPermit, releasePermit } from './permits.ts';
import { claimRefill } from './tokens.ts';
import { casWord } from './word-cas.ts';
import {
  bumped,
  elapsedMs,
  eraOf,
  halfOpened,
  isClosed,
  isIsolated,
  isOpen,
  tokensOf,
  withTokens,
} from './word.ts';

/** As `tryAcquireAt`, at the time that the shared clock word holds. */
export function tryAcquire(cell: i32, clock: i32, me: i32): i32 {
  const policy = load(cell + CELL_POLICY); // observe: pairs with the store that defines the endpoint
  if (policy != 0 && get(policy + POLICY_LIMITED) == 0) {
    const wordLow = lowHalf(word64(cell + CELL_WORD));
    if (isClosed(wordLow) != 0) return eraOf(wordLow) << 1;
  }
  return tryAcquireAt(cell, load(clock), me);
}

/**
 * Asks to call the endpoint.
 * @param me the caller's thread id + 1: whose the permit is
 * @returns an admission, or one of the negative REFUSED_…
 */
export function tryAcquireAt(cell: i32, now: i32, me: i32): i32 {
  const policy = load(cell + CELL_POLICY); // observe: pairs with the store that defines the endpoint
  if (policy == 0) return REFUSED_UNDEFINED;
  if (get(policy + POLICY_PERMITS) == 0) return admit(cell, policy, 1, now);
  const permit = claimPermit(cell, policy, me);
  if (permit == 0) return withoutPermit(cell);
  const admission = admit(cell, policy, 1, now);
  if (admission >= 0) return admission | permit;
  releasePermit(cell, policy, permit);
  return admission;
}

function withoutPermit(cell: i32): i32 {
  load64(cell + CELL_WORD);
  if (isIsolated(low()) != 0) return REFUSED_ISOLATED;
  return isOpen(low()) != 0 ? REFUSED_OPEN : REFUSED_BUSY;
}

/**
 * Asks to queue events for the endpoint: tokens for all of them or none, and no permit, since a queued event is no call yet. A half-open
 * breaker takes one as a probe, and no more at once.
 * @param count at least 1
 * @returns an admission for each of them, or one of the negative REFUSED_…
 */
export function admitEvents(cell: i32, count: i32, now: i32): i32 {
  const policy = load(cell + CELL_POLICY); // observe: pairs with the store that defines the endpoint
  return policy == 0 ? REFUSED_UNDEFINED : admit(cell, policy, count, now);
}

/** Gives back what `admitEvents` took for events that were not queued after all. */
export function refundEvents(cell: i32, count: i32, admission: i32): void {
  if ((admission & PROBE) != 0) returnProbe(cell, (admission >> 1) & ERA_MASK);
  else payIn(cell, count);
}

/** Puts tokens back into the bucket, as far as there is room. */
function payIn(cell: i32, count: i32): void {
  const policy = load(cell + CELL_POLICY);
  if (get(policy + POLICY_REFILL_MICRO_PER_MS) == 0) return;
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    const next = bumped(withTokens(wordLow, topped(tokensOf(wordLow), count, policy)));
    if (casWord(cell, wordLow, wordHigh, next, wordHigh) != 0) return;
  }
}

/** Breaker and tokens, for `count` calls or events at once. */
function admit(cell: i32, policy: i32, count: i32, now: i32): i32 {
  const limited = get(policy + POLICY_REFILL_MICRO_PER_MS);
  let claimed = limited == 0 ? 0 : claimRefill(cell, policy, now);
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    if (isClosed(wordLow) != 0) {
      if (limited == 0) return eraOf(wordLow) << 1;
      const tokens = topped(tokensOf(wordLow), claimed, policy);
      if (tokens < count) {
        // Too few for all of them; what was claimed stays.
        if (claimed == 0) return REFUSED_THROTTLED;
        const paid = bumped(withTokens(wordLow, tokens));
        if (casWord(cell, wordLow, wordHigh, paid, wordHigh) != 0) return REFUSED_THROTTLED;
        continue;
      }
      const next = bumped(withTokens(wordLow, (tokens - count) | 0));
      if (casWord(cell, wordLow, wordHigh, next, wordHigh) != 0) return eraOf(wordLow) << 1;
    } else if (claimed != 0) {
      // What was claimed is this thread's to pay in, whatever the breaker's state.
      const next = bumped(withTokens(wordLow, topped(tokensOf(wordLow), claimed, policy)));
      if (casWord(cell, wordLow, wordHigh, next, wordHigh) != 0) claimed = 0;
    } else if (isIsolated(wordLow) != 0) {
      return REFUSED_ISOLATED;
    } else if (isOpen(wordLow) != 0) {
      if (stampLedger(cell, wordLow, now) == 0) continue;
      if (elapsedMs(now, high()) >= get(policy + POLICY_OPEN_DURATION_MS)) {
        casWord(cell, wordLow, wordHigh, bumped(halfOpened(wordLow)), 0);
      } else if (wordIs(cell, wordLow, wordHigh) != 0) {
        // Looked at twice: the ledger's time is that of the opening only while the breaker is open; a probe moves it.
        return REFUSED_OPEN;
      }
    } else if (count != 1) {
      return REFUSED_PROBING;
    } else {
      const answer = admitProbe(cell, policy, wordLow, now);
      if (answer != 0) return answer;
      giveUpLostProbes(cell, policy, wordLow, wordHigh, now);
    }
  }
}

function topped(tokens: i32, more: i32, policy: i32): i32 {
  const sum = (tokens + more) | 0;
  const burst = get(policy + POLICY_BURST);
  return sum < burst ? sum : burst;
}

function wordIs(cell: i32, wordLow: i32, wordHigh: i32): i32 {
  load64(cell + CELL_WORD);
  return low() == wordLow && high() == wordHigh ? 1 : 0;
}
