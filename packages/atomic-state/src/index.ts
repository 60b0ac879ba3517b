export { CompressionGuard, type Capability, type InspectOptions } from './compression-guard.ts';
export { formatOf, type Encoding, type Format, type SelfEvidentFormat } from './compression/format.ts';
export type { FormatMetrics, GuardMetrics } from './compression/guard-metrics.ts';
export { GuardOptionError, type CompressionGuardOptions } from './compression/guard-options.ts';
export { isBomb, isPassed, OUTCOMES, type Inspection, type Outcome } from './compression/inspection.ts';
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
export type { Implementation } from './implementation.ts';
export type { StateMachineHandle, StateMachineOptions } from './machine-memory.ts';
export type { MachineMetrics } from './machine-metrics.ts';
export { StateMachine } from './state-machine.ts';
export { decodeWord, stateOf, wordToBigInt, type EndpointState, type WordSnapshot } from './word.ts';
export {
  EventBuffer,
  type EventBufferHandle,
  type EventBufferOptions,
  type ProducerOptions,
} from './event-buffer.ts';
export type { EventConsumer, EventHandler } from './event-consumer.ts';
export { EventReclaimedError, EventRoleError, EventRolesExhaustedError } from './event-errors.ts';
export type { EventMetrics } from './event-metrics.ts';
export { enqueueOutcomeName, EventRefusal, Priority, type EventRefusalName } from './event-outcome.ts';
export type { EventProducer, InspectedOptions } from './event-producer.ts';
export { EventRecord } from './event-record.ts';
export type { ReclaimedEvents } from './event-seat.ts';
export type { EventWaitOptions } from './event-wait.ts';
export type { InspectionOptions, PayloadInspector } from './payload-inspector.ts';
