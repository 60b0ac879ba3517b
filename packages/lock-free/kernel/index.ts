export { initializeQueue, popQueue, pushQueue, queueSize } from './bounded-queue.ts';
export {
  adoptDeque,
  dequeSize,
  initializeDeque,
  popDeque,
  pushDeque,
  stealDeque,
  stealManyDeque,
} from './deque.ts';
export {
  belowIndex,
  claimIndex,
  initializeStack,
  linkIndex,
  popChain,
  popIndex,
  popStack,
  pushChain,
  pushIndex,
  pushStack,
  unlinkIndex,
} from './index-stack.ts';
export {
  advanceFrame,
  blockingOwner,
  claimFrame,
  initializeFrames,
  peekFrame,
  reclaimFrames,
  releaseFrames,
  settleFrame,
  skipFrame,
  usedSlots,
} from './framed-ring.ts';
export { claimRole, releaseRole } from './role.ts';
export {
  freeElements,
  initializeRing,
  popRing,
  publishElements,
  pushRing,
  readyElements,
  releaseElements,
  ringSize,
} from './spsc-ring.ts';
export {
  addToStripe,
  drainStripe,
  initializeCounter,
  observedHigh,
  observeStripe,
  takeStripe,
} from './striped-counter.ts';
export {
  addWaitedUs,
  awaitMutex,
  deferMutex,
  markMutexConsistent,
  observeWaitedUs,
  recoverMutex,
  spinLockMutex,
  tryLockMutex,
  turnOfMutex,
  unlockMutex,
  waitedUsHigh,
  wakeDeferred,
} from './mutex.ts';
export { enterSlot, findSlot, leaveSlot } from './reader-slots.ts';
export {
  awaitDrained,
  awaitRead,
  beginWrite,
  endWrite,
  initializeReadWrite,
  joinReaders,
  leaveReaders,
  lockRead,
  markReadWriteConsistent,
  recoverReadWrite,
  tryBeginWrite,
  unlockRead,
} from './read-write-lock.ts';
export {
  awaitReaders,
  beginRead,
  copyVersion,
  endRead,
  initializeRcu,
  nextEpoch,
  pickVersion,
  publishVersion,
  recoverRcu,
} from './rcu-cell.ts';
