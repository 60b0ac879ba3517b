export { SchedulerClient } from './client.ts';
export type { ReclaimedClient } from './client-places.ts';
export type { WorkerState } from './crew.ts';
export {
  ClientLostError,
  ClientsExhaustedError,
  CorruptSlotError,
  NotCloneableError,
  PayloadTooLargeError,
  QueueFullError,
  SchedulerClosedError,
  SchedulerError,
  TaskNotFoundError,
  TaskTimeoutError,
  WorkerLostError,
  WorkerStartError,
} from './errors.ts';
export type {
  ClientOptions,
  CloseOptions,
  LatencyRecorders,
  RunOptions,
  SchedulerOptions,
} from './options.ts';
export { noAffinity, noRecorder, type Affinity, type Recorder, type WorkerSeat } from './ports.ts';
export { PRIORITIES, type Priority } from './priority.ts';
export { Scheduler, type SchedulerEvents, type WorkerCreated, type WorkerDestroyed } from './scheduler.ts';
export type { ClientStats, SchedulerStats, WorkerStats } from './stats.ts';
export type { SchedulerHandle } from './table.ts';
export {
  defineTasks,
  type Task,
  type TaskContext,
  type TaskFunction,
  type TaskFunctions,
  type Tasks,
} from './tasks.ts';
