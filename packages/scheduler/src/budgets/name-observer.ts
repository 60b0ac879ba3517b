// What one worker tells of the polls of tasks, by name.
//
// Good polls are many and change nothing at once: they are counted here, and told in one go when a check is due. A violation is told at once. Where another worker has the record just then, what is to
// be told waits for the next poll of that name: nobody waits, and nothing is lost while the thread lives.
import type { NameTiers } from './name-tiers.ts';
import {
  beginTierRecord,
  CAUSE_SLOW,
  CAUSES,
  causesOf,
  checkEvery,
  DEMOTED,
  isGoodPoll,
  isTierRecord,
  observePoll,
  observePolls,
  PROMOTED,
  tierIn,
} from './tier-machine.ts';
import { TIER_MONITOR, type TierRules } from './tier-table.ts';

const CHANGES = PROMOTED | DEMOTED;

export class NameObserver {
  readonly #tiers: NameTiers;
  readonly #party: number;
  /** When the last poll ended. Not as an argument, for which V8 would make an object. */
  readonly #clock = new Float64Array(1);
  // Of each name, what was not told yet.
  readonly #good: Int32Array;
  readonly #others: Int32Array;
  readonly #violations: Int32Array;
  readonly #slow: Int32Array;
  readonly #cpuMs: Float64Array;

  /** @param party of the worker; no two threads have the same */
  constructor(tiers: NameTiers, party: number) {
    this.#tiers = tiers;
    this.#party = party;
    this.#good = new Int32Array(tiers.names);
    this.#others = new Int32Array(tiers.names);
    this.#violations = new Int32Array(tiers.names);
    this.#slow = new Int32Array(tiers.names);
    this.#cpuMs = new Float64Array(tiers.names);
  }

  /** Whether the next poll of a name is followed by a check: then its CPU time is worth knowing. */
  isCheckNext(name: number, rules: TierRules): boolean {
    const polls = (this.#good[name] as number) + (this.#others[name] as number);
    return polls + 1 >= checkEvery(rules, this.#tiers.tierOf(name));
  }

  /**
   * Takes note of a poll, as `observePoll` does. No allocation.
   * @param name its number, that it has on all threads
   * @param nowMs by a clock that all threads have in common
   * @returns causes, if it was a violation; PROMOTED or DEMOTED, where this has changed the tier of the name; COOLING_DOWN
   */
  observe(
    name: number,
    rules: TierRules,
    wallMs: number,
    cpuMs: number,
    isSpent: boolean,
    nowMs: number,
  ): number {
    const tier = this.#tiers.tierOf(name);
    const causes = causesOf(rules, wallMs, cpuMs, isSpent);
    this.#clock[0] = nowMs;
    if (causes !== 0) {
      if (cpuMs > 0) this.#cpuMs[name] = (this.#cpuMs[name] as number) + cpuMs;
      return this.#violate(name, rules, causes);
    }
    const counts = isGoodPoll(rules, tier, wallMs, cpuMs) ? this.#good : this.#others;
    counts[name] = (counts[name] as number) + 1;
    if ((this.#good[name] as number) + (this.#others[name] as number) < checkEvery(rules, tier)) return 0;
    return this.#tell(name, rules);
  }

  /** Takes note of so many polls, all of them good. @returns as `observe` */
  good(name: number, rules: TierRules, polls: number, nowMs: number): number {
    const good = (this.#good[name] as number) + polls;
    this.#good[name] = good;
    if (good + (this.#others[name] as number) < checkEvery(rules, this.#tiers.tierOf(name))) return 0;
    return this.tell(name, rules, nowMs);
  }

  /** Tells what was not told yet, unless another worker has the record. @returns PROMOTED, DEMOTED, COOLING_DOWN */
  tell(name: number, rules: TierRules, nowMs: number): number {
    this.#clock[0] = nowMs;
    return this.#tell(name, rules);
  }

  #violate(name: number, rules: TierRules, causes: number): number {
    this.#violations[name] = (this.#violations[name] as number) + 1;
    if ((causes & CAUSE_SLOW) !== 0) this.#slow[name] = (this.#slow[name] as number) + 1;
    return causes | this.#tell(name, rules);
  }

  #tell(name: number, rules: TierRules): number {
    const { kernel, f64 } = this.#tiers;
    const cell = this.#tiers.cellAt(name);
    if (kernel.takeTier(cell, this.#party) === 0) return 0;
    const at = this.#tiers.recordAt(name);
    if (!isTierRecord(f64, at)) beginTierRecord(f64, at, rules, this.#clock[0] as number, TIER_MONITOR);
    const outcome = this.#apply(name, at, rules);
    kernel.giveTier(cell, tierIn(f64, at));
    return outcome;
  }

  /** Whether there is something of a name that was not told yet. */
  hasUntold(name: number): boolean {
    return (
      (this.#good[name] as number) + (this.#others[name] as number) + (this.#violations[name] as number) > 0
    );
  }

  /** Until the tier changes: what comes after that was at the tier before, and its evidence is gone with it. */
  #apply(name: number, at: number, rules: TierRules): number {
    const nowMs = this.#clock[0] as number;
    const { f64 } = this.#tiers;
    const good = this.#good[name] as number;
    const others = this.#others[name] as number;
    const violations = this.#violations[name] as number;
    const slow = this.#slow[name] as number;
    const cpuMs = this.#cpuMs[name] as number;
    this.#good[name] = this.#others[name] = this.#violations[name] = this.#slow[name] = 0;
    this.#cpuMs[name] = 0;
    let outcome = observePolls(f64, at, rules, others, false, nowMs);
    if ((outcome & CHANGES) === 0) outcome |= observePolls(f64, at, rules, good, true, nowMs);
    for (let i = 0; i < violations && (outcome & CHANGES) === 0; i++)
      outcome |= observePoll(f64, at, rules, i < slow ? Infinity : 0.5, cpuMs / violations, true, nowMs);
    return outcome & ~CAUSES;
  }
}
