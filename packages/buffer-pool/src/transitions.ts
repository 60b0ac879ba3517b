// What can be done to a lease, named by buffer, generation and how many bits of that the caller knows: -1 for all of them, or the
// pool's `tokenMask`. Each is one kernel call; what is refused is told as an error, and has changed nothing.
import { ArgumentRangeError } from '@corelane/shared-memory';
import {
  DoubleReleaseError,
  ForeignReleaseError,
  KernelHeldError,
  StaleLeaseError,
  WrongOperationError,
  type BufferPoolError,
} from './errors.ts';
import {
  LEASE_ADOPTED,
  LEASE_ENDED,
  LEASE_FOREIGN,
  LEASE_GIVEN,
  LEASE_MISMATCHED,
  LEASE_ORPHANED,
  LEASE_TAKEN,
} from './layout.ts';
import type { PoolMemory } from './pool-memory.ts';

/** Ends a lease and returns its buffer, filled as the pool wants it. @returns LEASE_ENDED, LEASE_STALE or LEASE_FOREIGN */
export function endLease(
  memory: PoolMemory,
  index: number,
  generation: number,
  mask: number,
  owner: number,
): number {
  const { kernel, at, fill } = memory;
  if (fill < 0) return kernel.releaseLease(at, index, generation, mask, owner);
  const outcome = kernel.endLease(at, index, generation, mask, owner);
  if (outcome === LEASE_ENDED) giveBack(memory, index, owner);
  return outcome;
}

/** Returns a buffer that the caller holds: its lease has ended, and it is not yet in the free list. */
export function giveBack(memory: PoolMemory, index: number, owner: number): void {
  if (memory.fill >= 0) memory.bytesOf(index).fill(memory.fill);
  memory.kernel.returnBuffer(memory.at, index, owner);
}

/** @throws StaleLeaseError, ForeignReleaseError, KernelHeldError */
export function detachLease(
  memory: PoolMemory,
  index: number,
  generation: number,
  mask: number,
  owner: number,
): void {
  const outcome = memory.kernel.detachLease(memory.at, index, generation, mask, owner);
  if (outcome !== LEASE_ENDED) throw refusal('detach', memory, index, generation, mask, outcome, owner);
}

/** @throws StaleLeaseError, KernelHeldError */
export function adoptLease(
  memory: PoolMemory,
  index: number,
  generation: number,
  mask: number,
  owner: number,
): void {
  const outcome = memory.kernel.adoptLease(memory.at, index, generation, mask, owner);
  if (outcome !== LEASE_ADOPTED) throw refusal('adopt', memory, index, generation, mask, outcome, owner);
}

/** From the user to the kernel, one generation on. @throws StaleLeaseError, ForeignReleaseError, KernelHeldError, ArgumentRangeError */
export function giveLease(
  memory: PoolMemory,
  index: number,
  generation: number,
  mask: number,
  operation: number,
  owner: number,
): void {
  checkOperation(operation);
  const outcome = memory.kernel.giveLease(memory.at, index, generation, mask, operation, owner);
  if (outcome !== LEASE_GIVEN) throw refusal('give', memory, index, generation, mask, outcome, owner);
  memory.leaks?.moved(index, generation, mask, 'give');
}

/**
 * From the kernel to the user, one generation on; or to the pool, where nobody wants it any more.
 * @param generation since when the kernel has it
 * @returns whether it is the user's
 * @throws StaleLeaseError, WrongOperationError, ArgumentRangeError
 */
export function takeLease(
  memory: PoolMemory,
  index: number,
  generation: number,
  mask: number,
  operation: number,
  owner: number,
): boolean {
  checkOperation(operation);
  const outcome = memory.kernel.takeLease(memory.at, index, generation, mask, operation, owner);
  if (outcome === LEASE_TAKEN) {
    memory.leaks?.moved(index, generation, mask, 'take');
    return true;
  }
  if (outcome !== LEASE_ENDED)
    throw refusal('take', memory, index, generation, mask, outcome, owner, operation);
  giveBack(memory, index, owner);
  return false;
}

/** Nobody waits for the operation any more. @throws StaleLeaseError, WrongOperationError, ForeignReleaseError, ArgumentRangeError */
export function cancelLease(
  memory: PoolMemory,
  index: number,
  generation: number,
  mask: number,
  operation: number,
  owner: number,
): void {
  checkOperation(operation);
  const outcome = memory.kernel.orphanLease(memory.at, index, generation, mask, operation, owner);
  if (outcome !== LEASE_ORPHANED)
    throw refusal('cancel', memory, index, generation, mask, outcome, owner, operation);
}

/** Why something was refused, as an error. */
export function refusal(
  action: string,
  memory: PoolMemory,
  index: number,
  generation: number,
  mask: number,
  outcome: number,
  owner: number,
  operation = 0,
): BufferPoolError {
  const found = memory.describe(index);
  if (outcome === LEASE_FOREIGN) return new ForeignReleaseError(action, found, owner);
  if (outcome === LEASE_MISMATCHED) return new WrongOperationError(action, found, operation);
  const passed = (found.generation - generation) & mask; // transitions since the caller's generation
  const given = found.state === 'kernel' || found.state === 'orphan';
  if (given && passed <= 1 && passed >= 0) return new KernelHeldError(action, found);
  const expected = (mask === -1 ? generation : generation & mask) >>> 0;
  const mine = found.state === 'free' && found.owner === owner && passed === 1;
  if (mine && (action === 'release' || action === 'detach'))
    return new DoubleReleaseError(action, found, expected);
  return new StaleLeaseError(action, found, expected);
}

/** @throws ArgumentRangeError */
export function checkOperation(operation: number): void {
  if (typeof operation !== 'number' || operation !== (operation | 0))
    throw new ArgumentRangeError('operation', operation, 'an integer of 32 bits with sign');
}
