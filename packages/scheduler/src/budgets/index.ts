export {
  slowPollChannel,
  tierChannel,
  violationChannel,
  yieldChannel,
  type EventChannel,
  type SlowPollEvent,
  type TierEvent,
  type ViolationCause,
  type ViolationEvent,
  type YieldEvent,
} from './channels.ts';
export { cpuClock, threadCpuClock, type CpuClock, type MeasuredCpuClock } from './cpu-clock.ts';
export { HookSlot, type OnHookError } from './hook-slot.ts';
export type { HooksInForce, PolledTask, PollResult, TaskHooks } from './hooks.ts';
export type { Budget } from './loop-budget.ts';
export {
  LoopBudgets,
  type LoopBudgetsOptions,
  type LoopBudgetsStats,
  type RunWithBudgetOptions,
} from './loop-budgets.ts';
export { PollCpu } from './poll-cpu.ts';
export {
  BudgetReader,
  TaskBudget,
  type BudgetSnapshot,
  type TaskBudgetHandle,
  type TaskBudgetOptions,
} from './task-budget.ts';
export {
  beginTierRecord,
  CAUSE_BUDGET,
  CAUSE_CPU,
  CAUSE_SLOW,
  CAUSES,
  changesIn,
  COOLING_DOWN,
  CPU_UNKNOWN,
  DEMOTED,
  isCheckNext,
  newTierRecord,
  observePoll,
  observePolls,
  PROMOTED,
  RECORD_NUMBERS,
  tierIn,
} from './tier-machine.ts';
export {
  rulesAt,
  TIER_ISOLATE,
  TIER_MONITOR,
  TIER_WARN,
  TIER_YIELD,
  tierPlan,
  tierRow,
  TIERS,
  type PriorityScale,
  type Tier,
  type TierChoice,
  type TierOptions,
  type TierPlan,
  type TierProfile,
  type TierRow,
  type TierRules,
} from './tier-table.ts';
export { threadBudgets, withBudget, type WithBudgetOptions } from './with-budget.ts';
