// Admission: asking to call an endpoint. PROTOCOL.md beside this file has the states and why it holds.
//
// The common case stands alone in the exported function, so that Wasm keeps it in registers; all the rest is one call further.
import { compareExchange64, get, high, load, load64, low } from '@corelane/shared-memory/kernel/atomics';
import {
  CELL_POLICY,
  CELL_WORD,
  POLICY_CAPACITY,
  POLICY_OPEN_DURATION_MS,
  POLICY_REFILL_MICRO_PER_MS,
  REFUSED_OPEN,
  REFUSED_THROTTLED,
  REFUSED_UNDEFINED,
} from './layout.generated.ts';
import { admitProbe, giveUpLostProbes, stampLedger } from './ledger.ts';
import { claimRefill } from './tokens.ts';
import { bumped, elapsedMs, eraOf, halfOpened, isClosed, isOpen, tokensOf, withTokens } from './word.ts';

/** As `tryAcquireAt`, at the time that the shared clock word holds. */
export function tryAcquire(cell: i32, clock: i32): i32 {
  const policy = load(cell + CELL_POLICY); // observe: pairs with the store that defines the endpoint
  if (policy != 0 && get(policy + POLICY_REFILL_MICRO_PER_MS) == 0) {
    load64(cell + CELL_WORD);
    if (isClosed(low()) != 0) return eraOf(low()) << 1;
  }
  return tryAcquireAt(cell, load(clock));
}

/**
 * Asks to call the endpoint.
 * @returns an admission, `era << 1 | probe`, or one of the negative REFUSED_…
 */
export function tryAcquireAt(cell: i32, now: i32): i32 {
  const policy = load(cell + CELL_POLICY); // observe: pairs with the store that defines the endpoint
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
      if (compareExchange64(cell + CELL_WORD, wordLow, wordHigh, next, wordHigh) != 0)
        return eraOf(wordLow) << 1;
    } else if (claimed != 0) {
      // What was claimed is this thread's to pay in, whatever the breaker's state.
      const next = bumped(withTokens(wordLow, topped(tokensOf(wordLow), claimed, policy)));
      if (compareExchange64(cell + CELL_WORD, wordLow, wordHigh, next, wordHigh) != 0) claimed = 0;
    } else if (isOpen(wordLow) != 0) {
      if (stampLedger(cell, wordLow, now) == 0) continue;
      if (elapsedMs(now, high()) >= get(policy + POLICY_OPEN_DURATION_MS)) {
        compareExchange64(cell + CELL_WORD, wordLow, wordHigh, bumped(halfOpened(wordLow)), 0);
      } else if (wordIs(cell, wordLow, wordHigh) != 0) {
        // Looked at twice: the ledger's time is that of the opening only while the breaker is open; a probe moves it.
        return REFUSED_OPEN;
      }
    } else {
      const answer = admitProbe(cell, policy, wordLow, now);
      if (answer != 0) return answer;
      giveUpLostProbes(cell, policy, wordLow, wordHigh, now);
    }
  }
}

function topped(tokens: i32, more: i32, policy: i32): i32 {
  const sum = (tokens + more) | 0;
  const capacity = get(policy + POLICY_CAPACITY);
  return sum < capacity ? sum : capacity;
}

function wordIs(cell: i32, wordLow: i32, wordHigh: i32): i32 {
  load64(cell + CELL_WORD);
  return low() == wordLow && high() == wordHigh ? 1 : 0;
}
