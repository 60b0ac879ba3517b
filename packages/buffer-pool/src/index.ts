export { BufferPool, NO_LEASE, type BufferPoolAttachOptions } from './buffer-pool.ts';
export type { BufferPoolOptions } from './pool-options.ts';
export {
  AcquireTimeoutError,
  BufferPoolError,
  DoubleReleaseError,
  ForeignReleaseError,
  KernelHeldError,
  OwnersExhaustedError,
  PoolCorruptedError,
  PoolDisposedError,
  StaleLeaseError,
  UnknownOwnerError,
  WrongOperationError,
  type BufferState,
  type FoundBuffer,
} from './errors.ts';
export type { LeakDetection, LeakLevel, LeakReport } from './leak-detector.ts';
export type { Lease, LeaseView } from './lease.ts';
export {
  PinnedBuffer,
  type PinnedBufferHandle,
  type PinnedBufferOptions,
  type PinnedBufferPlacement,
} from './pinned-buffer.ts';
export type { BufferPoolHandle } from './pool-memory.ts';
export type { BufferPoolStats } from './pool-stats.ts';
export type { PressureEvent, PressureListener } from './pressure-watch.ts';
export type { Placement, PlacementOptions } from './placement.ts';
export {
  noMemorySink,
  noPinner,
  type MemorySink,
  type Pinner,
  type PinResult,
  type PlaceResult,
} from './ports.ts';
export type { AcquireOptions } from './waiting-line.ts';
export {
  SizeClassPool,
  type SizeClassAttachOptions,
  type SizeClassOwner,
  type SizeClassPoolHandle,
  type SizeClassPoolOptions,
  type SizeClassStats,
} from './size-class-pool.ts';
export type { SizeClass, SizeClassShape } from './size-classes.ts';
