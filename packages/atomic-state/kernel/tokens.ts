// Refill: tokens fall due with time. Whoever moves `refill` forward owns exactly the tokens of the interval that it moved over and
// puts them into the word; nobody else can. Failure prevented: two threads paying out one interval, or none.
import { compareExchange64, get, high, load64, low } from '@corelane/shared-memory/kernel/atomics';
import {
  CELL_REFILL,
  MICRO_PER_TOKEN,
  POLICY_BURST,
  POLICY_FULL_MS,
  POLICY_REFILL_MICRO_PER_MS,
} from './layout.generated.ts';
import { elapsedMs } from './word.ts';

/** Takes up paying at another time, with no fraction left: what fell due until then is nobody's. */
export function setRefill(cell: i32, paidUntilMs: i32): void {
  load64(cell + CELL_REFILL);
  // pairs with the CAS in claimRefill: whoever claimed an interval pays it in.
  while (compareExchange64(cell + CELL_REFILL, low(), high(), 0, paidUntilMs) == 0) continue;
}

/** Claims the whole tokens that are due; the caller must put them into the word. Usually 0: at most one claim a millisecond. */
export function claimRefill(cell: i32, policy: i32, now: i32): i32 {
  load64(cell + CELL_REFILL); // observe: pairs with the CAS below
  const since = high();
  if (since == now) return 0;
  const fraction = low();
  const elapsed = elapsedMs(now, since);
  let tokens = get(policy + POLICY_BURST);
  let left = 0;
  if (elapsed < get(policy + POLICY_FULL_MS)) {
    const due = (elapsed * get(policy + POLICY_REFILL_MICRO_PER_MS) + fraction) | 0;
    tokens = (due / MICRO_PER_TOKEN) | 0;
    if (tokens == 0) return 0;
    left = (due - tokens * MICRO_PER_TOKEN) | 0;
  }
  // claim: whoever wins pays out; pairs with the load above. A loser's interval is the winner's.
  return compareExchange64(cell + CELL_REFILL, fraction, since, left, now) != 0 ? tokens : 0;
}
