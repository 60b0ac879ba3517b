export {
  AdmissionError,
  AtomicStateError,
  EndpointError,
  EndpointsExhaustedError,
  PolicyConflictError,
  PolicyError,
  RefusedError,
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
export type { EndpointOptions } from './policy.ts';
export {
  StateMachine,
  type EndpointSnapshot,
  type StateMachineHandle,
  type StateMachineOptions,
} from './state-machine.ts';
export { decodeWord, stateOf, wordToBigInt, type EndpointState, type WordSnapshot } from './word.ts';
