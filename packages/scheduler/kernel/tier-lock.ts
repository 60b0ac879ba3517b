// Who has the tier record of a task's name. PROTOCOL.md, "Tiers of names". Nobody waits: whoever finds it taken keeps what it has to say for the next time.
import { compareExchange, load, store } from '@corelane/shared-memory/kernel/atomics';
import { TIER_CELL_HOLDER, TIER_CELL_TIER, TIER_MENDER } from './layout.generated.ts';

/** Takes the record for a party. @returns 1, or 0: somebody has it */
export function takeTier(cell: i32, party: i32): i32 {
  // observe: pairs with the last store in giveTier.
  return compareExchange(cell + TIER_CELL_HOLDER, 0, party) == 0 ? 1 : 0;
}

/** Of whoever has it: says what the tier is now, and gives the record back. */
export function giveTier(cell: i32, tier: i32): void {
  store(cell + TIER_CELL_TIER, tier); // publish: pairs with tierOf
  store(cell + TIER_CELL_HOLDER, 0); // publish: the record, to takeTier and seizeTier
}

/** Of the owner: takes the record where a party has it whose thread has ended. @returns 1, or 0: it has not */
export function seizeTier(cell: i32, party: i32): i32 {
  return compareExchange(cell + TIER_CELL_HOLDER, party, TIER_MENDER) == party ? 1 : 0;
}

/** As of the last time that the record was given back. */
export function tierOf(cell: i32): i32 {
  return load(cell + TIER_CELL_TIER); // observe: pairs with giveTier
}
