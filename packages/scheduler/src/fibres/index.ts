export {
  FibreCancelledError,
  FibreCycleError,
  FibresClosedError,
  FibresExhaustedError,
  FibreUnfinishedError,
  FibreYieldError,
} from './errors.ts';
export { type Fibre } from './fibre.ts';
export type { FibreContext } from './fibre-context.ts';
export type { FibreOptions, FibreSchedulerOptions } from './fibre-options.ts';
export { FibreScheduler, type FibreStats } from './fibre-scheduler.ts';
export type { FibreBody, FibreGenerator, FibreState, FibreYield } from './fibre-task.ts';
export type { FibreBudgetStats } from './fibre-watch.ts';
export { FIBRE_POLICIES, type FibrePolicy } from './ready-queue.ts';
export type { SwitchKind, SwitchReport } from './switch-statistics.ts';
export { giveWay, join, pause, sleep, uncancelled, until } from './waits.ts';
