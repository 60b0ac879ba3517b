// Whose polls are watched: all tasks of one name and priority on this worker, or one task that has begun and goes on in several polls.
import type { PolledTask } from '../budgets/hooks.ts';
import { newTierRecord, tierIn } from '../budgets/tier-machine.ts';
import type { TierRules } from '../budgets/tier-table.ts';

/** Polls that one look at the clock is for, at most, and the time that they may take together: guessed. */
const MOST_POLLS = 32;
const LOOK_EVERY_MS = 0.5;

interface WatchedParts {
  readonly name: string;
  readonly worker: number;
  readonly id: number;
  readonly rules: TierRules;
  readonly goodMsOf: readonly number[];
  readonly tier: number;
  readonly record: Float64Array | undefined;
  readonly of: Watched | undefined;
}

/** Hooks see it as a PolledTask. */
export class Watched implements PolledTask {
  readonly name: string;
  readonly worker: number;
  /** Number of its name. */
  readonly id: number;
  readonly rules: TierRules;
  /** By tier: how much CPU time a good poll uses at most, in milliseconds. */
  readonly goodMsOf: readonly number[];
  /** Of its tier. */
  goodMs: number;
  /** TIER_ ..., as far as this worker knows. */
  tier: number;
  /** Of a task that goes on: its own record, and its name. Of a name both are undefined: its record is that of all workers. */
  readonly record: Float64Array | undefined;
  readonly of: Watched | undefined;
  /** Polls to the next look at the clock. */
  every = 1;
  /** What one of its polls takes, as far as seen. */
  meanMs = 0;
  meanNs = 0;
  /** What its polls have taken, and hooks were not told, in milliseconds; less than nothing: they were told too much. */
  owedMs = 0;
  /** Polls that were not told yet; of a task that goes on, all. */
  seen = 0;
  /** Of a task that goes on. */
  violations = 0;
  /** Good polls that its record has not been told of, and when it is to be told. */
  good = 0;
  tellMs = 0;

  constructor({ name, worker, id, rules, goodMsOf, tier, record, of }: WatchedParts) {
    this.name = name;
    this.worker = worker;
    this.id = id;
    this.rules = rules;
    this.goodMsOf = goodMsOf;
    this.tier = tier;
    this.goodMs = goodMsOf[tier] as number;
    this.record = record;
    this.of = of;
  }

  /** A task that goes on, of this name. */
  begin(nowMs: number, tier: number): Watched {
    const { name, worker, id, rules, goodMsOf } = this;
    const record = newTierRecord(rules, nowMs, tier);
    return new Watched({ name, worker, id, rules, goodMsOf, tier, record, of: this });
  }

  /** So many polls have taken so long. */
  learn(polls: number, tookMs: number): void {
    this.meanMs = tookMs / polls;
    this.meanNs = Math.max(1, Math.min(this.meanMs * 1e6, 2 ** 30) | 0);
    const most = Math.min(MOST_POLLS, Math.floor((LOOK_EVERY_MS * polls) / tookMs));
    this.every = Math.max(1, Math.min(2 * this.every, most));
  }

  setTier(tier: number): void {
    this.tier = tier;
    this.goodMs = this.goodMsOf[tier] as number;
  }

  /** Takes the tier of its own record. @returns that which it had */
  adopt(): number {
    const { tier, record } = this;
    if (record !== undefined) this.setTier(tierIn(record, 0));
    return tier;
  }
}
