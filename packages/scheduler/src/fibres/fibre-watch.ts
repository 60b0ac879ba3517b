// Watches the polls of fibres: each uninterrupted run from where one is resumed to its next yield. There is one clock reading for each.
import { yieldChannel, type ViolationCause, type YieldEvent } from '../budgets/channels.ts';
import { cpuClock, type CpuClock, type MeasuredCpuClock } from '../budgets/cpu-clock.ts';
import { HookSlot } from '../budgets/hook-slot.ts';
import type { HooksInForce, PolledTask, PollResult, TaskHooks } from '../budgets/hooks.ts';
import { PollCpu } from '../budgets/poll-cpu.ts';
import { tellPoll } from '../budgets/tell-poll.ts';
import {
  CAUSE_BUDGET,
  CAUSE_CPU,
  CAUSE_SLOW,
  CPU_UNKNOWN,
  DEMOTED,
  isCheckNext,
  newTierRecord,
  observePoll,
  PROMOTED,
  tierIn,
} from '../budgets/tier-machine.ts';
import {
  rulesAt,
  TIER_YIELD,
  TIERS,
  type Tier,
  type TierPlan,
  type TierRules,
} from '../budgets/tier-table.ts';
import type { TurnClock } from '../turn-clock.ts';
import type { FibreContext } from './fibre-context.ts';
import type { FibreTask } from './fibre-task.ts';

/** Since the scheduler of fibres was made. */
export interface FibreBudgetStats {
  readonly violations: Readonly<Record<ViolationCause, number>>;
  /** How often one has made way: by itself, for its slice or budget, or for its tier. */
  readonly yields: number;
  readonly promotions: number;
  readonly demotions: number;
  /** Fibres that have not ended, by tier. */
  readonly tiers: Readonly<Record<Tier, number>>;
  readonly cpuClock: Pick<MeasuredCpuClock, 'source' | 'costNs' | 'reason'>;
}

/** Hooks see it as a PolledTask. */
export class WatchedFibre implements PolledTask {
  readonly name: string;
  readonly worker = -1;
  readonly rules: TierRules;
  readonly record: Float64Array;
  readonly context: FibreContext;
  tier: number;
  /** Its budget was spent when it yielded last. */
  isSpent = false;

  constructor(name: string, rules: TierRules, context: FibreContext, nowMs: number) {
    this.name = name;
    this.rules = rules;
    this.context = context;
    this.record = newTierRecord(rules, nowMs);
    this.tier = tierIn(this.record, 0);
  }
}

type Clock = Pick<TurnClock, 'nowMs' | 'look'>;

export class FibreWatch {
  readonly hooks: HookSlot = new HookSlot();
  readonly #plan: TierPlan;
  readonly #cpuClock: MeasuredCpuClock;
  readonly #cpu: PollCpu;
  readonly #counts = { budget: 0, cpu: 0, slow: 0, yields: 0, promotions: 0, demotions: 0 };
  /** Of the poll that runs. */
  #startMs = 0;
  #isChecked = false;
  #told: HooksInForce | undefined;

  constructor(plan: TierPlan, hooks: TaskHooks | undefined, clock: CpuClock | undefined) {
    this.#plan = plan;
    this.#cpuClock = cpuClock(clock);
    this.#cpu = new PollCpu(this.#cpuClock);
    this.hooks.set(hooks);
  }

  /** What a fibre may use up in a poll. */
  unitsAt(level: number): number {
    return rulesAt(this.#plan, level).pollBudget;
  }

  add(task: FibreTask, context: FibreContext): void {
    const rules = rulesAt(this.#plan, task.level);
    task.watched = new WatchedFibre(task.name, rules, context, performance.now());
  }

  /** Something else has run before: none of its CPU time is a fibre's. */
  beginRun(): void {
    this.#cpu.begin();
  }

  /** Before a poll. The clock was looked at not long ago. */
  begin({ watched }: FibreTask, { nowMs }: Clock): void {
    if (watched === undefined) return;
    this.#startMs = nowMs;
    this.#isChecked = isCheckNext(watched.record, 0);
    this.#told = this.hooks.current;
    if (this.#told !== undefined) this.#told.beforePoll(watched);
  }

  /** After it. */
  end({ watched }: FibreTask, clock: Clock, result: PollResult): void {
    clock.look();
    if (watched === undefined) return;
    const { nowMs } = clock;
    const { rules, record, tier } = watched;
    const wallMs = nowMs - this.#startMs;
    const isSpent = (watched.isSpent = watched.context.endPoll());
    let cpuMs = CPU_UNKNOWN;
    if (this.#isChecked || wallMs > rules.slowPollMs) cpuMs = this.#cpu.read(wallMs);
    else this.#cpu.skip(wallMs);
    const outcome = observePoll(record, 0, rules, wallMs, cpuMs, isSpent, nowMs);
    if (outcome !== 0) this.#note(watched, outcome, wallMs, cpuMs, tier);
    const told = this.#told;
    if (told === undefined) return;
    told.afterPoll(result, wallMs * 1e6, watched);
    if (result !== 'pending') told.onCompletion(result, watched);
  }

  /** Whether one that could go on makes way, and why. */
  isDue({ watched }: FibreTask): YieldEvent['why'] | undefined {
    if (watched === undefined) return undefined;
    if (watched.isSpent) return 'budget';
    return watched.tier >= TIER_YIELD ? 'tier' : undefined;
  }

  yielded({ watched }: FibreTask, why: YieldEvent['why']): void {
    if (watched === undefined) return;
    this.#counts.yields++;
    const hooks = this.hooks.current;
    if (hooks !== undefined) hooks.onYield(watched);
    if (yieldChannel.hasSubscribers)
      yieldChannel.publish({ task: watched.name, worker: -1, tier: TIERS[watched.tier] as Tier, why });
  }

  stats(live: Iterable<FibreTask>): FibreBudgetStats {
    const { budget, cpu, slow, ...counts } = this.#counts;
    const tiers: Record<Tier, number> = { monitor: 0, warn: 0, yield: 0, isolate: 0 };
    for (const { watched } of live) if (watched !== undefined) tiers[TIERS[watched.tier] as Tier]++;
    const { source, costNs, reason } = this.#cpuClock;
    return { ...counts, violations: { budget, cpu, slow }, tiers, cpuClock: { source, costNs, reason } };
  }

  #note(watched: WatchedFibre, outcome: number, wallMs: number, cpuMs: number, tier: number): void {
    const counts = this.#counts;
    if ((outcome & CAUSE_BUDGET) !== 0) counts.budget++;
    if ((outcome & CAUSE_CPU) !== 0) counts.cpu++;
    if ((outcome & CAUSE_SLOW) !== 0) counts.slow++;
    if ((outcome & PROMOTED) !== 0) counts.promotions++;
    if ((outcome & DEMOTED) !== 0) counts.demotions++;
    watched.tier = tierIn(watched.record, 0);
    tellPoll(outcome, watched.name, watched.worker, wallMs, cpuMs, tier);
  }
}
