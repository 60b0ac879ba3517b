// A role that one thread at a time may have: a word that holds the thread's id + 1, 0 where nobody has it.
// `role` is the byte address of the word.
import { compareExchange } from '@corelane/shared-memory/kernel/atomics';

/** @returns 0 where the role was free and is the caller's now, else the word of who has it */
export function claimRole(role: i32, holder: i32): i32 {
  return compareExchange(role, 0, holder); // claim: pairs with releaseRole; what the last holder wrote is visible
}

/** @returns 1 where `holder` had the role, which is free now; else 0 and nothing was changed */
export function releaseRole(role: i32, holder: i32): i32 {
  return compareExchange(role, holder, 0) == holder ? 1 : 0; // hand over: pairs with claimRole
}
