export {
  AllocationError,
  AllocationUnmeasurableError,
  ArgumentRangeError,
  MemoryTrackerError,
} from './errors.ts';
export type { Operation } from './heap-growth.ts';
export {
  expectZeroAllocation,
  measureAllocation,
  type AllocationMeasurement,
  type AllocationOptions,
  type ZeroAllocationOptions,
} from './zero-allocation.ts';
