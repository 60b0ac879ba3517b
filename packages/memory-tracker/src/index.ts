export {
  AllocationError,
  AllocationUnmeasurableError,
  ArgumentRangeError,
  MemoryOverflowError,
  MemoryTrackerError,
  MemoryUnderflowError,
  TagsExhaustedError,
  TrackerDisposedError,
  WorkersExhaustedError,
} from './errors.ts';
export type { Operation } from './heap-growth.ts';
export { noMemorySink, type MemorySink } from './ports.ts';
export { MemoryReader } from './reader.ts';
export type { TagRecorder, Tracked } from './recorder.ts';
export {
  diffSnapshots,
  type MemoryDiff,
  type MemoryFigures,
  type MemorySnapshot,
  type MemoryTotals,
  type TagMemory,
  type TagMemoryDiff,
  type WorkerMemory,
} from './snapshot.ts';
export type { MemoryTrackerHandle, WorkerState } from './table.ts';
export { MemoryTracker, type MemoryTrackerOptions } from './tracker.ts';
export {
  expectZeroAllocation,
  measureAllocation,
  type AllocationMeasurement,
  type AllocationOptions,
  type ZeroAllocationOptions,
} from './zero-allocation.ts';
