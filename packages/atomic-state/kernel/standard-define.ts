// Defining an endpoint of the twin. The policy is published last, so that a thread that dies before leaves it undefined.
import { get, load, set, store } from '@corelane/shared-memory/kernel/atomics';
import {
  POLICY_BURST,
  STANDARD_CELL_POLICY,
  STANDARD_CELL_REFILL_MS,
  STANDARD_CELL_STATE,
  STANDARD_CELL_TOKENS,
} from './layout.generated.ts';
import { closedState } from './standard-breaker.ts';
import { enter, leave } from './standard-cell.ts';

/** @returns the address of the policy that holds: `policy`, or the one that another definer has published before */
export function defineStandard(cell: i32, policy: i32, now: i32, me: i32): i32 {
  enter(cell, me);
  let holds = load(cell + STANDARD_CELL_POLICY);
  if (holds == 0) {
    holds = policy;
    set(cell + STANDARD_CELL_REFILL_MS, now);
    set(cell + STANDARD_CELL_TOKENS, get(policy + POLICY_BURST));
    set(cell + STANDARD_CELL_STATE, closedState(policy));
    store(cell + STANDARD_CELL_POLICY, policy); // publish: pairs with the load in tryAcquireStandard
  }
  leave(cell, me);
  return holds;
}
