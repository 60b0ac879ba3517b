// Defining an endpoint in three steps that every definer completes, so that none can leave a cell half made:
// propose a policy (the first one holds), initialise the words from it, publish it. Whoever sees a policy sees initialised words.
// A word is never all zeros afterwards: without tokens it is Throttled.
import { compareExchange, compareExchange64, get, load, store } from '@corelane/shared-memory/kernel/atomics';
import {
  CELL_POLICY,
  CELL_PROPOSED,
  CELL_REFILL,
  CELL_WORD,
  MONITORED,
  POLICY_BUCKET_MS,
  POLICY_BURST,
  POLICY_PERMITS,
  WORD_FLAGS_SHIFT,
  WORD_TOKENS_SHIFT,
} from './layout.generated.ts';

/** @returns the address of the policy that holds: `policy`, or the one that another definer proposed before */
export function defineEndpoint(cell: i32, policy: i32, now: i32): i32 {
  // claim: the first proposal holds; hands over the policy's words.
  const before = compareExchange(cell + CELL_PROPOSED, 0, policy);
  const holds = before == 0 ? policy : before;
  if (load(cell + CELL_POLICY) != 0) return holds;
  compareExchange64(cell + CELL_REFILL, 0, 0, 0, now);
  compareExchange64(cell + CELL_WORD, 0, 0, firstWord(holds), 0);
  store(cell + CELL_POLICY, holds); // publish: pairs with the load in tryAcquireAt; every definer stores the same
  return holds;
}

/** The bucket full, the breaker closed. Monitored where results are kept beside the word, or give a permit back. */
function firstWord(policy: i32): i32 {
  const tokens = get(policy + POLICY_BURST) << WORD_TOKENS_SHIFT;
  const monitored = get(policy + POLICY_BUCKET_MS) != 0 || get(policy + POLICY_PERMITS) != 0;
  return monitored ? tokens | (MONITORED << WORD_FLAGS_SHIFT) : tokens;
}
