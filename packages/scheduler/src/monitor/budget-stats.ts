// What workers have seen of polls, at a moment.
import { TIERS, type Tier } from '../budgets/tier-table.ts';
import type { SchedulerTable } from '../table.ts';
import { CPU_SOURCE_NONE, CPU_SOURCE_THREAD, workerWatch } from './layout.ts';

/** Counts wrap at 2^32. */
export interface PollCounts {
  /** Uninterrupted runs of tasks’ code. */
  readonly polls: number;
  /** Those that were violations, and by cause: one may have several. */
  readonly violations: {
    readonly total: number;
    readonly budget: number;
    readonly cpu: number;
    readonly slow: number;
  };
  /** Times that a task made way. */
  readonly yields: number;
  /** Changes of tier, of names and of tasks that had begun. */
  readonly promotions: number;
  readonly demotions: number;
  /** Tasks that have begun, and wait for something or for their turn. */
  readonly active: number;
  /** Times that a hook threw. */
  readonly hookFailures: number;
  /** Violations that were too many for events. */
  readonly unsaid: number;
}

export interface WorkerPollCounts extends PollCounts {
  readonly index: number;
  /** What its CPU times are; `wall`: Node has no clock for that, and what sleeps looks as if it worked. Undefined: it has not started yet. */
  readonly cpuClock: 'thread' | 'wall' | undefined;
  /** What a look at it costs, in nanoseconds. */
  readonly cpuClockNs: number;
}

/** All tasks of one name. */
export interface NameBudget {
  readonly task: string;
  readonly tier: Tier;
  readonly polls: number;
  readonly violations: number;
  readonly promotions: number;
  readonly demotions: number;
}

export interface BudgetStats extends PollCounts {
  readonly workers: readonly WorkerPollCounts[];
  /** Of tasks that have been run. */
  readonly tasks: readonly NameBudget[];
}

const WORD = workerWatch.word;

/** @returns undefined where nobody watches polls */
export function budgetStatsOf(table: SchedulerTable): BudgetStats | undefined {
  const { watch, tiers } = table;
  if (watch === undefined || tiers === undefined) return undefined;
  const { i32 } = watch;
  const workers = Array.from({ length: watch.workers }, (_, index): WorkerPollCounts => {
    const word = watch.workerWord(index);
    const read = (of: keyof typeof WORD): number => Atomics.load(i32, word + WORD[of]) >>> 0;
    const source = read('cpuSource');
    return {
      index,
      polls: read('polls'),
      violations: {
        total: read('violations'),
        budget: read('byBudget'),
        cpu: read('byCpu'),
        slow: read('bySlow'),
      },
      yields: read('yields'),
      promotions: read('promotions'),
      demotions: read('demotions'),
      active: read('active'),
      hookFailures: read('hookFailures'),
      unsaid: read('unsaid'),
      cpuClock: source === CPU_SOURCE_NONE ? undefined : source === CPU_SOURCE_THREAD ? 'thread' : 'wall',
      cpuClockNs: read('cpuCostNs'),
    };
  });
  const sum = (of: (counts: PollCounts) => number): number =>
    workers.reduce((total, worker) => total + of(worker), 0);
  const tasks = table.names.names().map((_, name) => {
    return {
      task: table.taskName(name),
      tier: TIERS[tiers.tierOf(name)] as Tier,
      polls: watch.countOf(name, 'polls'),
      violations: watch.countOf(name, 'violations'),
      ...tiers.changesOf(name),
    };
  });
  return {
    polls: sum(({ polls }) => polls),
    violations: {
      total: sum(({ violations }) => violations.total),
      budget: sum(({ violations }) => violations.budget),
      cpu: sum(({ violations }) => violations.cpu),
      slow: sum(({ violations }) => violations.slow),
    },
    yields: sum(({ yields }) => yields),
    promotions: sum(({ promotions }) => promotions),
    demotions: sum(({ demotions }) => demotions),
    active: sum(({ active }) => active),
    hookFailures: sum(({ hookFailures }) => hookFailures),
    unsaid: sum(({ unsaid }) => unsaid),
    workers,
    tasks,
  };
}
