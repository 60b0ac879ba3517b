// Permits of the twin, by whoever has the mutex: the same words as in permits.ts, beside the policy, without atomics.
import { get, set } from '@corelane/shared-memory/kernel/atomics';
import {
  ADMISSION_GENERATION_MASK,
  ADMISSION_GENERATION_SHIFT,
  ADMISSION_PERMIT_SHIFT,
  PERMIT_OWNER_MASK,
  POLICY_PERMITS,
  STANDARD_CELL_PERMIT_HINT,
} from './layout.generated.ts';
import { freed, generationOf, permitAt, permitOf } from './permits.ts';

/** Takes a free permit. @returns its part of an admission, or 0 where there is none */
export function takePermit(cell: i32, policy: i32, me: i32): i32 {
  const permits = get(policy + POLICY_PERMITS);
  let index = get(cell + STANDARD_CELL_PERMIT_HINT);
  for (let looked = 0; looked < permits; looked++) {
    const permit = get(permitAt(policy, index));
    if ((permit & PERMIT_OWNER_MASK) == 0) {
      set(permitAt(policy, index), permit | me);
      return ((index + 1) << ADMISSION_PERMIT_SHIFT) | (generationOf(permit) << ADMISSION_GENERATION_SHIFT);
    }
    index = index + 1 == permits ? 0 : (index + 1) | 0;
  }
  return 0;
}

/** 1 where this is the first time that the permit of this admission comes back. */
export function givePermitBack(cell: i32, policy: i32, admission: i32): i32 {
  const index = permitOf(admission) - 1;
  if (index >= get(policy + POLICY_PERMITS)) return 0;
  const permit = get(permitAt(policy, index));
  const isOut = (permit & PERMIT_OWNER_MASK) != 0;
  if (
    !isOut ||
    generationOf(permit) != ((admission >>> ADMISSION_GENERATION_SHIFT) & ADMISSION_GENERATION_MASK)
  )
    return 0;
  set(permitAt(policy, index), freed(permit));
  set(cell + STANDARD_CELL_PERMIT_HINT, index);
  return 1;
}

/** Gives back what the thread of this number had. @returns how many */
export function givePermitsBackOf(policy: i32, dead: i32): i32 {
  let count = 0;
  for (let index = 0; index < get(policy + POLICY_PERMITS); index++) {
    const permit = get(permitAt(policy, index));
    if ((permit & PERMIT_OWNER_MASK) != dead) continue;
    set(permitAt(policy, index), freed(permit));
    count = (count + 1) | 0;
  }
  return count;
}
