// What a thread knows of the functions that run under a budget on its event loop.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { levelOf, type Priority } from '../priority.ts';
import { yieldChannel, type ViolationCause, type YieldEvent } from './channels.ts';
import { cpuClock, type CpuClock, type MeasuredCpuClock } from './cpu-clock.ts';
import { HookSlot } from './hook-slot.ts';
import type { TaskHooks } from './hooks.ts';
import { checkInteger, checkNames, checkNumber } from './known-options.ts';
import { LoopBudget, type Budget } from './loop-budget.ts';
import { LoopTurns } from './loop-turns.ts';
import { tellPoll } from './tell-poll.ts';
import {
  CAUSE_BUDGET,
  CAUSE_CPU,
  CAUSE_SLOW,
  CAUSES,
  DEMOTED,
  newTierRecord,
  observePoll,
  PROMOTED,
  tierIn,
} from './tier-machine.ts';
import {
  rulesAt,
  tierPlan,
  TIERS,
  TIER_MONITOR,
  type Tier,
  type TierChoice,
  type TierPlan,
  type TierRules,
} from './tier-table.ts';

export interface LoopBudgetsOptions {
  /** As of a scheduler; `true`, which is `balanced`, by default. */
  readonly budgets?: TierChoice;
  /** By default `cpuClock()`. */
  readonly clock?: CpuClock;
  readonly hooks?: TaskHooks;
  /** Names whose history is kept at most, 1000 by default. Beyond that the oldest goes that is not running, those at tier 0 first. */
  readonly maxNames?: number;
}

export interface RunWithBudgetOptions {
  /** Whose history it is; by default the name of the function, or `anonymous`. */
  readonly name?: string;
  /** A name, or 0 to 20, as of tasks: `normal` by default. */
  readonly priority?: Priority | number;
  /** Aborts: the function does not begin, or its next `yieldIfSpent` rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** How long it runs before `yieldIfSpent` makes way though units are left; by default half of a slow poll. Infinity: units alone count. */
  readonly sliceMs?: number;
}

/** Since it was made. */
export interface LoopBudgetsStats {
  readonly polls: number;
  readonly violations: Readonly<Record<ViolationCause, number>>;
  readonly yields: number;
  readonly promotions: number;
  readonly demotions: number;
  /** Functions that have begun and not ended. */
  readonly active: number;
  /** Names whose history is kept, by tier. */
  readonly names: Readonly<Record<Tier, number>>;
}

/** Of one name. */
export interface NamedHistory {
  readonly name: string;
  readonly record: Float64Array;
  active: number;
}

type Counts = {
  polls: number;
  yields: number;
  promotions: number;
  demotions: number;
  active: number;
} & Record<ViolationCause, number>;

const OPTIONS = ['budgets', 'clock', 'hooks', 'maxNames'];
const RUN_OPTIONS = ['name', 'priority', 'signal', 'sliceMs'];
const MAX_NAMES = 1000;

/** Functions under budgets, by name, on one thread. `withBudget` uses the one of its thread; others have histories, rules and hooks of their own. */
export class LoopBudgets {
  readonly plan: TierPlan;
  readonly clock: MeasuredCpuClock;
  /** Called around polls; `hooks.set` exchanges them. */
  readonly hooks: HookSlot = new HookSlot();
  /** @internal */
  readonly turns: LoopTurns = new LoopTurns();
  readonly #maxNames: number;
  readonly #names = new Map<string, NamedHistory>();
  readonly #counts: Counts = {
    polls: 0,
    budget: 0,
    cpu: 0,
    slow: 0,
    yields: 0,
    promotions: 0,
    demotions: 0,
    active: 0,
  };

  /** @throws ArgumentRangeError */
  constructor(options: LoopBudgetsOptions = {}) {
    checkNames('options', options, OPTIONS);
    const { clock, maxNames = MAX_NAMES } = options;
    this.plan = tierPlan(options.budgets);
    if (clock !== undefined && typeof (clock as Partial<CpuClock> | null)?.nowMs !== 'function')
      throw new ArgumentRangeError('clock', clock, 'a CpuClock, with nowMs()');
    this.#maxNames = checkInteger('maxNames', maxNames, 1, 2 ** 20);
    this.hooks.set(options.hooks);
    this.clock = cpuClock(clock);
  }

  /** Runs a function that may make way for others. @returns what it returns. Rejects with ArgumentRangeError, and as it does */
  async run<R>(
    run: (budget: Budget) => R | PromiseLike<R>,
    options: RunWithBudgetOptions = {},
  ): Promise<Awaited<R>> {
    if (typeof run !== 'function') throw new ArgumentRangeError('run', run, 'a function');
    checkNames('options', options, RUN_OPTIONS);
    const { name = run.name || 'anonymous', signal, priority = 'normal' } = options;
    if (typeof name !== 'string' || name === '') throw new ArgumentRangeError('name', name, 'text');
    const level = levelOf(priority);
    if (level < 0)
      throw new ArgumentRangeError('priority', priority, 'critical, high, normal, low, or 0 to 20');
    const rules = rulesAt(this.plan, level);
    const { sliceMs = rules.slowPollMs / 2 } = options;
    if (sliceMs !== Infinity) checkNumber('sliceMs', sliceMs, 0.001, 2 ** 31 - 1);
    if (signal !== undefined && typeof (signal as Partial<AbortSignal> | null)?.throwIfAborted !== 'function')
      throw new ArgumentRangeError('signal', signal, 'an AbortSignal');
    signal?.throwIfAborted();
    const history = this.#historyOf(name, rules);
    const budget = new LoopBudget(this, history, rules, sliceMs, signal);
    history.active++;
    this.#counts.active++;
    budget.begin();
    let result: 'done' | 'failed' = 'failed';
    try {
      const value = await run(budget);
      result = 'done';
      return value;
    } finally {
      budget.finish(result);
      history.active--;
      this.#counts.active--;
    }
  }

  /** TIER_ ... of a name; 0 where nothing is known of it. */
  tierOf(name: string): number {
    const history = this.#names.get(name);
    return history === undefined ? TIER_MONITOR : tierIn(history.record, 0);
  }

  stats(): LoopBudgetsStats {
    const { budget, cpu, slow, ...counts } = this.#counts;
    const names: Record<Tier, number> = { monitor: 0, warn: 0, yield: 0, isolate: 0 };
    for (const { record } of this.#names.values()) names[TIERS[tierIn(record, 0)] as Tier]++;
    return { ...counts, violations: { budget, cpu, slow }, names };
  }

  /** A poll has ended. @internal */
  observe(
    history: NamedHistory,
    rules: TierRules,
    wallMs: number,
    cpuMs: number,
    isSpent: boolean,
    nowMs: number,
  ): void {
    const { record, name } = history;
    const counts = this.#counts;
    const tier = tierIn(record, 0);
    const outcome = observePoll(record, 0, rules, wallMs, cpuMs, isSpent, nowMs);
    counts.polls++;
    if (outcome === 0) return;
    if ((outcome & CAUSES) !== 0) {
      if ((outcome & CAUSE_BUDGET) !== 0) counts.budget++;
      if ((outcome & CAUSE_CPU) !== 0) counts.cpu++;
      if ((outcome & CAUSE_SLOW) !== 0) counts.slow++;
    }
    if ((outcome & PROMOTED) !== 0) counts.promotions++;
    if ((outcome & DEMOTED) !== 0) counts.demotions++;
    tellPoll(outcome, name, -1, wallMs, cpuMs, tier);
  }

  /** It makes way. @internal */
  yielded(budget: LoopBudget, why: YieldEvent['why']): void {
    this.#counts.yields++;
    if (yieldChannel.hasSubscribers)
      yieldChannel.publish({ task: budget.name, worker: -1, tier: TIERS[budget.tier] as Tier, why });
  }

  #historyOf(name: string, rules: TierRules): NamedHistory {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.#names.size >= this.#maxNames) this.#forget();
    const history = { name, record: newTierRecord(rules, performance.now()), active: 0 };
    this.#names.set(name, history);
    return history;
  }

  #forget(): void {
    let oldest: string | undefined;
    for (const { name, record, active } of this.#names.values()) {
      if (active > 0) continue;
      oldest ??= name;
      if (tierIn(record, 0) > TIER_MONITOR) continue;
      oldest = name;
      break;
    }
    if (oldest !== undefined) this.#names.delete(oldest);
  }
}
