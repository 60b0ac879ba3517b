export {
  AdmissionError,
  AtomicStateError,
  EndpointError,
  EndpointsExhaustedError,
  PolicyConflictError,
  PolicyError,
  RefusedError,
  RestoreConflictError,
  SnapshotError,
} from './errors.ts';
export {
  acquireOutcomeName,
  isAdmitted,
  isProbe,
  Recorded,
  recordOutcomeName,
  Refusal,
  type AcquireOutcomeName,
  type RecordOutcome,
} from './outcome.ts';
export type { BucketReading } from './endpoint-cells.ts';
export type { EndpointSnapshot, MachineSnapshot } from './endpoint-snapshot.ts';
export type { EndpointOptions } from './policy.ts';
export {
  StateMachine,
  type MachineMetrics,
  type StateMachineHandle,
  type StateMachineOptions,
} from './state-machine.ts';
export { decodeWord, stateOf, wordToBigInt, type EndpointState, type WordSnapshot } from './word.ts';
