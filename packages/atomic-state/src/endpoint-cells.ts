// The seam between the state machine and an implementation of its endpoints: functions of a kernel, called as they are, and what a
// cell says when it is read. `at` is the byte address of a cell everywhere; `me` is the caller's number (`this-thread.ts`).
import type { KernelExports } from './kernel.generated.ts';

/** What any implementation exports from its kernel, with the same outcomes. */
export type EndpointKernel = Pick<
  KernelExports,
  | 'tryAcquire'
  | 'tryAcquireAt'
  | 'recordDelivery'
  | 'recordDeliveryAt'
  | 'defineEndpoint'
  | 'openEndpoint'
  | 'isolateEndpoint'
  | 'closeEndpoint'
  | 'isCurrent'
  | 'recordCompression'
  | 'reclaimEndpoint'
  | 'beginRestore'
  | 'restoreFailure'
  | 'restoreOutcomes'
  | 'endRestore'
  | 'admitEvents'
  | 'refundEvents'
>;

/** Results of a tenth of the rolling window. */
export interface BucketReading {
  /** Milliseconds since it began. */
  readonly ageMs: number;
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

/** A cell as it was read. The word is one moment's; what stands beside it may be of a moment later. */
export interface CellReading {
  /** Halves of the state word. */
  readonly low: number;
  readonly high: number;
  readonly ledger: { readonly era: number; readonly admitted: number; readonly sinceMs: number };
  readonly refill: { readonly fractionMicro: number; readonly sinceMs: number };
  readonly trips: number;
  readonly reopens: number;
  readonly forced: number;
  readonly compressionDetected: number;
  readonly bombsRefused: number;
  readonly inFlight: number;
}

/** The windows of a cell: results of the word's era that still count. */
export interface WindowReading {
  /** Ages of the failures in the sliding window, oldest first. */
  readonly failureAgesMs: readonly number[];
  /** Oldest first; empty ones are left out. */
  readonly buckets: readonly BucketReading[];
}

export interface EndpointCells {
  /** Of a cell. */
  readonly bytes: number;
  readonly kernel: EndpointKernel;
  /** The address of the policy that was proposed for a cell, 0 for none. */
  proposedAt(at: number): number;
  /** The address of the policy of a defined endpoint, 0 for one that is not defined. */
  policyAt(at: number): number;
  read(at: number): CellReading;
  readWindows(at: number, nowMs: number): WindowReading;
  /** Transitions of all threads: those of other threads as far as they have been published. */
  casCounts(): { readonly successes: number; readonly failures: number };
}
