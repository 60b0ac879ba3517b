export {
  BoundedQueue,
  QUEUE_EMPTY,
  QUEUE_FULL,
  QUEUE_PUSHED,
  type BoundedQueueHandle,
  type BoundedQueueOptions,
} from './bounded-queue.ts';
export {
  IndexPresentError,
  LockFreeError,
  NotOwnerError,
  ReadersExhaustedError,
  RelockError,
  SectionEndedError,
  StillReadingError,
  UpgradeError,
} from './errors.ts';
export { IndexStack, STACK_EMPTY, type IndexStackHandle, type IndexStackOptions } from './index-stack.ts';
export { FRAME_READ, type FrameConsumer, type FrameHandler } from './frame-consumer.ts';
export { FRAME_WRITTEN, type FrameProducer } from './frame-producer.ts';
export {
  FRAME_EMPTY,
  FRAME_FULL,
  FRAME_UNFINISHED,
  FramedRing,
  type FramedRingHandle,
  type FramedRingOptions,
} from './framed-ring.ts';
export { RING_EMPTY, type RingConsumer } from './ring-consumer.ts';
export type { RingBlock, RingElement } from './ring-end.ts';
export {
  ClaimStateError,
  FrameCorruptError,
  NoFrameError,
  RoleReleasedError,
  RoleTakenError,
} from './ring-errors.ts';
export type { RingProducer } from './ring-producer.ts';
export { RING_FULL, RING_PUSHED, SpscRing, type SpscRingHandle, type SpscRingOptions } from './spsc-ring.ts';
export { StripedCounter, type StripedCounterHandle, type StripedCounterOptions } from './striped-counter.ts';
export { LOCK_BUSY, LOCK_RECOVERED, LOCK_TAKEN, LOCK_TIMED_OUT, mutexWords } from './layout.ts';
export { LockGuard, type LockOutcome, type Unlockable } from './lock-guard.ts';
export { SharedMutex, type LockOptions, type MutexStatistics, type SharedMutexHandle } from './mutex.ts';
export {
  ReadWriteLock,
  type ReadWriteLockHandle,
  type ReadWriteLockOptions,
  type ReadWriteStatistics,
} from './read-write-lock.ts';
export type { WaitAsyncOptions } from './word-wait.ts';
export { RcuCell, type RcuCellHandle, type RcuCellOptions, type RcuOutcome } from './rcu-cell.ts';
export { RcuGuard, type RcuView } from './rcu-guard.ts';
export type { DequeOwner } from './deque-owner.ts';
export {
  DEQUE_EMPTY,
  DEQUE_FULL,
  DEQUE_PUSHED,
  DEQUE_RETRY,
  WorkStealingDeque,
  type DequeOrder,
  type WorkStealingDequeHandle,
  type WorkStealingDequeOptions,
} from './work-stealing-deque.ts';
