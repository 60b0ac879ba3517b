export {
  acquireLease,
  adoptLease,
  checkLease,
  detachLease,
  endLease,
  releaseLease,
  returnBuffer,
} from './lease.ts';
export { giveLease, orphanLease, settleLease, takeLease } from './ownership.ts';
export { reclaimLease, recoverBuffer } from './reclaim.ts';
export { leaseGeneration, leaseHolder, leaseOperation } from './record.ts';
export { announceWaiter, retireWaiter, waiterSequence, wakeWaiters } from './waiting.ts';
