export { initializeFree, reserveBuffer, returnBuffer } from './free-list.ts';
export {
  acquireLease,
  adoptLease,
  checkLease,
  detachLease,
  endLease,
  releaseLease,
  retireLease,
} from './lease.ts';
export { giveLease, orphanLease, settleLease, takeLease } from './ownership.ts';
export {
  givePinned,
  handOverPinned,
  initializePinned,
  orphanPinned,
  pinnedGeneration,
  pinnedHolder,
  pinnedOperation,
  takePinned,
} from './pinned.ts';
export { lookForPressure, usedBuffers } from './pressure.ts';
export { reclaimCache, reclaimLease, recoverBuffer } from './reclaim.ts';
export { leaseGeneration, leaseHolder, leaseOperation } from './record.ts';
export { announceWaiter, retireWaiter, waiterSequence, wakeWaiters } from './waiting.ts';
