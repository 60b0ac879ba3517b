// What an owner leaves behind: PROTOCOL.md, section 3.
import { LEASE_ENDED, LEASE_ORPHANED, NO_LEASE, ownerWord } from './layout.ts';
import { Owners } from './owners.ts';
import type { PoolMemory } from './pool-memory.ts';
import { giveBack } from './transitions.ts';

/**
 * Returns what `dead` leases, had on its way back and kept in its cache, makes orphans of what it had given, and gives its slot back.
 * @param owner whoever does it: another owner, or `dead` itself
 * @returns how many buffers it held
 */
export function reclaimOwner(memory: PoolMemory, owners: Owners, dead: number, owner: number): number {
  const count = returnHeld(memory, dead, owner);
  owners.free(dead);
  return count;
}

/**
 * The same by who has no number of its own and can get none: under a number in the slot of `dead`, for as long as it takes.
 * @returns how many buffers; 0 where somebody else has reclaimed it
 */
export function reclaimInPlace(memory: PoolMemory, owners: Owners, dead: number): number {
  const successor = owners.succeed(dead);
  if (successor === 0) return 0;
  const count = returnHeld(memory, dead, successor);
  owners.free(successor);
  return count;
}

/**
 * A completion that comes after the pool was disposed of on this thread, whose number may be another thread's slot by now: under a number
 * for that alone. The buffer goes back to the pool.
 * @param take what is to be done by that owner
 * @throws OwnersExhaustedError; what `take` throws
 */
export function takeLate(memory: PoolMemory, take: (owner: number) => void): void {
  const owners = new Owners(memory);
  const owner = owners.register();
  try {
    take(owner);
  } finally {
    reclaimOwner(memory, owners, owner, owner);
  }
}

/** Returns what the kernel had of `ended`. @returns how many buffers */
export function settleOwner(memory: PoolMemory, ended: number, owner: number): number {
  const { kernel, at } = memory;
  let count = 0;
  for (let index = 0; index < memory.buffers; index++)
    if (kernel.settleLease(at, index, ended, owner) === LEASE_ENDED) {
      giveBack(memory, index, owner);
      count++;
    }
  return count;
}

function returnHeld(memory: PoolMemory, dead: number, owner: number): number {
  const { kernel, at } = memory;
  let count = 0;
  // What `dead` had in hand comes first: where `owner` is in its slot, the notes of that are overwritten by what follows.
  if (dead !== owner) {
    kernel.reclaimCache(at, dead, owner);
    const onItsWay = kernel.recoverBuffer(at, dead, owner);
    if (onItsWay !== NO_LEASE) {
      if (memory.describe(onItsWay).state === 'reserved') kernel.reserveBuffer(at, onItsWay, owner);
      else giveBack(memory, onItsWay, owner);
      count++;
    }
  }
  for (let index = 0; index < memory.buffers; index++) {
    const outcome = kernel.reclaimLease(at, index, dead, owner);
    if (outcome === LEASE_ENDED) giveBack(memory, index, owner);
    if (outcome === LEASE_ENDED || outcome === LEASE_ORPHANED) count++;
  }
  // What was returned by this slot is in its cache.
  if (((dead ^ owner) & ownerWord.field.slot.mask) === 0) kernel.reclaimCache(at, owner, owner);
  return count;
}
