export type { AsyncOperation } from './awaited-growth.ts';
export { BUDGET_CHANNEL, type BudgetCallbacks, type BudgetEvent } from './budget-listeners.ts';
export type { BudgetChange, BudgetWatchOptions } from './budget-watch.ts';
export type { BudgetOptions, MemoryBudget } from './budget.ts';
export {
  AllocationError,
  AllocationUnmeasurableError,
  ArgumentRangeError,
  GcTrackerDisposedError,
  MemoryBudgetError,
  MemoryOverflowError,
  MemoryTrackerError,
  MemoryUnderflowError,
  TagScopeError,
  TagsExhaustedError,
  TrackedReleasedError,
  TrackerDisposedError,
  TransferError,
  WorkersExhaustedError,
} from './errors.ts';
export {
  trackGc,
  type GcClock,
  type GcFigures,
  type GcKind,
  type GcSummary,
  type GcTracker,
} from './gc-tracker.ts';
export type { Operation } from './heap-growth.ts';
export type { LeakOptions, MemoryLeak } from './leak-watch.ts';
export { noMemorySink, type MemorySink } from './ports.ts';
export { MemoryReader } from './reader.ts';
export type { TagRecorder } from './recorder.ts';
export {
  diffSnapshots,
  type MemoryDiff,
  type MemoryFigures,
  type MemorySnapshot,
  type MemoryTotals,
  type TagBudget,
  type TagMemory,
  type TagMemoryDiff,
  type WorkerMemory,
} from './snapshot.ts';
export type { MemoryTrackerHandle, WorkerState } from './table.ts';
export type { BudgetLimits } from './tag-cell.ts';
export type { TagScope } from './tag-scope.ts';
export type { MemoryTransfer, Tracked } from './tracked.ts';
export { MemoryTracker, type MemoryTrackerOptions, type TagOptions } from './tracker.ts';
export {
  expectZeroAllocation,
  measureAllocation,
  type AllocationMeasurement,
  type AllocationOptions,
  type ZeroAllocationOptions,
} from './zero-allocation.ts';
export {
  expectZeroAllocationAsync,
  measureAllocationAsync,
  type AsyncAllocationMeasurement,
  type AsyncAllocationOptions,
  type ZeroAllocationAsyncOptions,
} from './zero-allocation-async.ts';
