// Permits: at most `capacity` calls in flight. A permit is a word: its owner while a call has it, and a generation that each return
// moves on, so that a result which comes twice gives nothing back. Claimed by one CAS that also says whose it is: a thread that dies
// at any step leaves either a free permit or one with its name on.
//
// Tried and rejected: a count of calls in flight. What a dead thread has of it nobody can tell.
// Tried and rejected: a list of free permits. Between taking one off it and putting a name on, it belongs to nobody.
import { compareExchange, get, load, store } from '@corelane/shared-memory/kernel/atomics';
import {
  ADMISSION_GENERATION_MASK,
  ADMISSION_GENERATION_SHIFT,
  ADMISSION_PERMIT_MASK,
  ADMISSION_PERMIT_SHIFT,
  CELL_PERMIT_HINT,
  CELL_POLICY,
  PERMIT_GENERATION_MASK,
  PERMIT_GENERATION_SHIFT,
  PERMIT_OWNER_MASK,
  POLICY_PERMITS,
  POLICY_PERMIT_TABLE,
} from './layout.generated.ts';

/**
 * Searches a free permit and takes it. While others give back and take, it may miss one that is free for a moment; it never finds one too many.
 * @param me the number of the caller's thread, never 0
 * @returns the permit's part of an admission, or 0
 */
export function claimPermit(cell: i32, policy: i32, me: i32): i32 {
  const permits = get(policy + POLICY_PERMITS);
  let index = load(cell + CELL_PERMIT_HINT);
  if (index < 0 || index >= permits) index = 0;
  for (let looked = 0; looked < permits; looked++) {
    const at = permitAt(policy, index);
    const seen = load(at);
    // claim: pairs with the CAS in releasePermit. Lost: another thread has it, and the search goes on.
    if ((seen & PERMIT_OWNER_MASK) == 0 && compareExchange(at, seen, seen | me) == seen)
      return ((index + 1) << ADMISSION_PERMIT_SHIFT) | (generationOf(seen) << ADMISSION_GENERATION_SHIFT);
    index = index + 1 == permits ? 0 : (index + 1) | 0;
  }
  return 0;
}

/** 1 where this is the first time that the permit of this admission comes back. */
export function releasePermit(cell: i32, policy: i32, admission: i32): i32 {
  const index = (permitOf(admission) - 1) | 0;
  if (index >= get(policy + POLICY_PERMITS)) return 0;
  const at = permitAt(policy, index);
  const seen = load(at);
  const generation = (admission >>> ADMISSION_GENERATION_SHIFT) & ADMISSION_GENERATION_MASK;
  if ((seen & PERMIT_OWNER_MASK) == 0 || generationOf(seen) != generation) return 0;
  if (compareExchange(at, seen, freed(seen)) != seen) return 0; // release: pairs with claimPermit
  store(cell + CELL_PERMIT_HINT, index);
  return 1;
}

/** After the thread of this number has ended: gives back what it had. @returns how many permits */
export function reclaimEndpoint(cell: i32, dead: i32): i32 {
  const policy = load(cell + CELL_POLICY);
  if (policy == 0) return 0;
  let reclaimed = 0;
  for (let index = 0; index < get(policy + POLICY_PERMITS); index++) {
    const at = permitAt(policy, index);
    const seen = load(at);
    if ((seen & PERMIT_OWNER_MASK) != dead) continue;
    // release in its place: pairs with claimPermit. Lost: a result of its call was recorded by another thread.
    if (compareExchange(at, seen, freed(seen)) == seen) reclaimed = (reclaimed + 1) | 0;
  }
  return reclaimed;
}

/** Permits that are out: each was at the moment it was looked at. */
export function permitsOut(cell: i32): i32 {
  const policy = load(cell + CELL_POLICY);
  if (policy == 0) return 0;
  let out = 0;
  for (let index = 0; index < get(policy + POLICY_PERMITS); index++)
    if ((load(permitAt(policy, index)) & PERMIT_OWNER_MASK) != 0) out = (out + 1) | 0;
  return out;
}

/** Of an admission: index + 1, 0 for none. */
export function permitOf(admission: i32): i32 {
  return (admission >>> ADMISSION_PERMIT_SHIFT) & ADMISSION_PERMIT_MASK;
}

export function permitAt(policy: i32, index: i32): i32 {
  return get(policy + POLICY_PERMIT_TABLE) + (index << 2);
}

export function generationOf(permit: i32): i32 {
  return (permit >>> PERMIT_GENERATION_SHIFT) & PERMIT_GENERATION_MASK;
}

/** Nobody's, in the next generation. */
export function freed(permit: i32): i32 {
  return ((generationOf(permit) + 1) & PERMIT_GENERATION_MASK) << PERMIT_GENERATION_SHIFT;
}
