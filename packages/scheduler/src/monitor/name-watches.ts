// In a worker: the tasks of each name together. Their record is in shared memory, so that all workers have one history of a name.
import type { NameObserver } from '../budgets/name-observer.ts';
import type { NameTiers } from '../budgets/name-tiers.ts';
import { CAUSES, DEMOTED, PROMOTED } from '../budgets/tier-machine.ts';
import { tierRow, TIERS, type TierPlan, type TierRules } from '../budgets/tier-table.ts';
import { LEVELS } from '../layout.ts';
import { DEFAULT_LEVEL, PRIORITIES, priorityAt } from '../priority.ts';
import { toSharedMs } from '../shared-clock.ts';
import { Watched } from './watched.ts';
import type { WatchTable } from './watch-table.ts';

/** Milliseconds for which good polls are kept. Guessed. */
const TELL_EVERY_MS = 1;

/** The tier of a name is another one now. */
export type OnChange = (watched: Watched, from: number, to: number) => void;

/** Of a level of priority: index among PRIORITIES. */
const BANDS: readonly number[] = Array.from({ length: LEVELS }, (_, level) =>
  PRIORITIES.indexOf(priorityAt(level)),
);
const USUAL_BAND = BANDS[DEFAULT_LEVEL] as number;

export class NameWatches {
  readonly #watch: WatchTable;
  readonly #tiers: NameTiers;
  readonly #observer: NameObserver;
  readonly #worker: number;
  readonly #clock: { readonly nowMs: number };
  readonly #nameOf: (id: number) => string;
  onChange: OnChange = () => {};
  /** By priority. */
  readonly #rules: readonly TierRules[];
  readonly #goodMs: readonly (readonly number[])[];
  /** By name and priority. */
  readonly #watched: (Watched | undefined)[] = [];
  /** Have seen polls that were not told yet. */
  readonly #untold: Watched[] = [];

  constructor(
    watch: WatchTable,
    tiers: NameTiers,
    observer: NameObserver,
    worker: number,
    plan: TierPlan,
    nameOf: (id: number) => string,
    clock: { readonly nowMs: number },
  ) {
    this.#clock = clock;
    this.#watch = watch;
    this.#tiers = tiers;
    this.#observer = observer;
    this.#worker = worker;
    this.#nameOf = nameOf;
    this.#rules = PRIORITIES.map((priority) => plan.rules[priority]);
    this.#goodMs = this.#rules.map((rules) => TIERS.map((_, tier) => tierRow(rules, tier).goodCpuUs / 1e3));
  }

  /** @param level of priority, or a lane that is none: then the usual priority */
  of(id: number, level: number): Watched {
    const band = BANDS[level] ?? USUAL_BAND;
    return this.#watched[id * PRIORITIES.length + band] ?? this.#make(id, band);
  }

  #make(id: number, band: number): Watched {
    const watched = new Watched({
      name: this.#nameOf(id),
      worker: this.#worker,
      id,
      rules: this.#rules[band] as TierRules,
      goodMsOf: this.#goodMs[band] as readonly number[],
      tier: this.#tiers.tierOf(id),
      record: undefined,
      of: undefined,
    });
    this.#watched[id * PRIORITIES.length + band] = watched;
    return watched;
  }

  /** The tier that all workers know. */
  tierOf(watched: Watched): number {
    return this.#tiers.tierOf(watched.id);
  }

  /** It has seen so many polls, all of them good: they are told together with those that follow within a millisecond. */
  good(watched: Watched, polls: number): void {
    if (watched.seen === 0) this.#untold.push(watched);
    watched.seen += polls;
    watched.good += polls;
    const nowMs = toSharedMs(this.#clock.nowMs);
    if (nowMs >= watched.tellMs) this.#tell(watched, nowMs);
  }

  /** It has seen a poll that may have been no good one. @returns causes, as of observePoll */
  observe(watched: Watched, wallMs: number, cpuMs: number, isSpent: boolean, nowMs: number): number {
    this.#tell(watched, nowMs);
    this.#see(watched, 1);
    const outcome = this.#observer.observe(watched.id, watched.rules, wallMs, cpuMs, isSpent, nowMs);
    if ((outcome & CAUSES) !== 0) this.#watch.count(watched.id, 'violations', 1);
    this.#adopt(watched, outcome);
    return outcome;
  }

  /** A task of it that was watched for itself has ended: as a poll that was a violation, or as a good one. */
  learn(watched: Watched, task: Watched, isFine: boolean, nowMs: number): void {
    this.#see(watched, task.seen);
    if (task.violations > 0) this.#watch.count(watched.id, 'violations', task.violations);
    if (isFine) watched.good++;
    this.#tell(watched, nowMs);
    if (!isFine) this.#adopt(watched, this.#observer.observe(watched.id, watched.rules, 0, 0, true, nowMs));
  }

  /** Tells what is left to tell: before the worker rests. */
  tellAll(nowMs: number): void {
    for (const watched of this.#untold) {
      const { id, rules } = watched;
      this.#watch.count(id, 'polls', watched.seen);
      watched.seen = 0;
      this.#tell(watched, nowMs);
      if (this.#observer.hasUntold(id)) this.#adopt(watched, this.#observer.tell(id, rules, nowMs));
    }
    this.#untold.length = 0;
  }

  #tell(watched: Watched, nowMs: number): void {
    const { id, rules, good } = watched;
    watched.tellMs = nowMs + TELL_EVERY_MS;
    watched.good = 0;
    this.#adopt(watched, good === 0 ? 0 : this.#observer.good(id, rules, good, nowMs));
  }

  #see(watched: Watched, polls: number): void {
    if (watched.seen === 0) this.#untold.push(watched);
    watched.seen += polls;
  }

  #adopt(watched: Watched, outcome: number): void {
    const to = this.#tiers.tierOf(watched.id);
    if (to !== watched.tier) watched.setTier(to);
    if ((outcome & PROMOTED) !== 0) this.onChange(watched, to - 1, to);
    else if ((outcome & DEMOTED) !== 0) this.onChange(watched, to + 1, to);
  }
}
