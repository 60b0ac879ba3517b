// What an owner leaves behind: PROTOCOL.md, section 3.
import { LEASE_ENDED, LEASE_ORPHANED, NO_LEASE } from './layout.ts';
import type { Owners } from './owners.ts';
import type { PoolMemory } from './pool-memory.ts';
import { giveBack } from './transitions.ts';

/**
 * Returns what `dead` leases, had on its way back and kept in its cache, makes orphans of what it had given, and gives its slot back.
 * @param owner whoever does it: another owner, or `dead` itself
 * @returns how many buffers it held
 */
export function reclaimOwner(memory: PoolMemory, owners: Owners, dead: number, owner: number): number {
  const { kernel, at } = memory;
  let count = 0;
  for (let index = 0; index < memory.buffers; index++) {
    const outcome = kernel.reclaimLease(at, index, dead, owner);
    if (outcome === LEASE_ENDED) giveBack(memory, index, owner);
    if (outcome === LEASE_ENDED || outcome === LEASE_ORPHANED) count++;
  }
  const onItsWay = dead === owner ? NO_LEASE : kernel.recoverBuffer(at, dead, owner);
  if (onItsWay !== NO_LEASE) {
    if (memory.describe(onItsWay).state === 'reserved') kernel.reserveBuffer(at, onItsWay, owner);
    else giveBack(memory, onItsWay, owner);
    count++;
  }
  kernel.reclaimCache(at, dead, owner);
  owners.free(dead);
  return count;
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
