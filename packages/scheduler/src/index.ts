export type { ReclaimedClient } from './client-places.ts';
export { cloneCodec, defineCodec, jsonCodec, type Codec } from './codec.ts';
export type { Profile } from './completion-watch.ts';
export type { ErrorClass } from './error-record.ts';
export {
  ClientLostError,
  ClientsExhaustedError,
  CorruptSlotError,
  HooksError,
  NoSeatError,
  NotCloneableError,
  NotParkedError,
  PayloadMemoryError,
  PayloadTooLargeError,
  QueueFullError,
  TooManyTasksError,
  SchedulerClosedError,
  SchedulerError,
  SlowLaneFullError,
  SourceThrottledError,
  TaskCancelledError,
  TaskDeadlineError,
  TaskNotFoundError,
  TaskShedError,
  TaskStuckError,
  TaskTimeoutError,
  ValueLostError,
  WorkerLostError,
  WorkerStartError,
} from './errors.ts';
export type { BudgetStats, NameBudget, PollCounts, WorkerPollCounts } from './monitor/budget-stats.ts';
export type { PollBudget } from './monitor/poll-budget.ts';
export { fileTask, type FileFunction } from './file-task.ts';
export type {
  ClientOptions,
  CloseOptions,
  LatencyRecorders,
  RunOptions,
  SchedulerOptions,
} from './options.ts';
export { POLICIES, type Policy, type PolicyOptions, type Topology } from './policy.ts';
export {
  noAffinity,
  noRecorder,
  type Affinity,
  type Interrupt,
  type ParkedThread,
  type PayloadSource,
  type Recorder,
  type SeatPlace,
  type WorkerSeat,
} from './ports.ts';
export { PRIORITIES, type Priority } from './priority.ts';
export type { RunManyOptions } from './run-many.ts';
export { Scheduler, type SchedulerEvents, type WorkerCreated, type WorkerDestroyed } from './scheduler.ts';
export type { OnFull } from './back-pressure.ts';
export {
  SchedulerClient,
  type BroadcastOptions,
  type ClientCounts,
  type ClientEvents,
} from './scheduler-client.ts';
export type { MapOptions } from './map-tasks.ts';
export type { WorkerInfo, WorkerState } from './seat.ts';
export type { Pin } from './seats.ts';
export type { ClientStats, SchedulerStats, WorkerStats } from './stats.ts';
export type { SlowLaneCounts } from './slow-lane/slow-lane.ts';
export type { SlowLaneChoice, SlowLaneOptions } from './slow-lane/slow-lane-options.ts';
export type { SchedulerHandle } from './table.ts';
export type { TimingRecorders } from './task-times.ts';
export { goOn, steps, type GoOn, type Step } from './steps.ts';
export {
  defineTasks,
  type Task,
  type TaskContext,
  type TaskFunction,
  type TaskFunctions,
  type TaskOptions,
  type TaskResult,
  type Tasks,
} from './tasks.ts';
export { move, transferableSymbol, valueSymbol, type Movable, type Passed } from './transfer.ts';
export type { WatchdogOptions } from './watchdog/options.ts';
export type { ParkedWorker, ParkOptions } from './watchdog/parking.ts';
export type { SlowTask } from './watchdog/watchdog.ts';
export type { WorkerSettings } from './worker-settings.ts';
