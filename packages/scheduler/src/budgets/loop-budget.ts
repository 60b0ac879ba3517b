// The budget of one call of `withBudget`: its polls begin and end here.
import type { PolledTask, PollResult, HooksInForce } from './hooks.ts';
import type { LoopBudgets, NamedHistory } from './loop-budgets.ts';
import { turns, type Turn } from './loop-turns.ts';
import { TaskBudget } from './task-budget.ts';
import { CPU_UNKNOWN, isCheckNext, tierIn } from './tier-machine.ts';
import { TIER_ISOLATE, TIER_WARN, TIER_YIELD, tierRow, type TierRules } from './tier-table.ts';

/** What a function under `withBudget` is given. */
export interface Budget {
  readonly name: string;
  /** Units that are left of this poll. */
  readonly remaining: number;
  /** Whether it is time to make way: no units are left, or as few as its tier leaves it. Some 2 ns. */
  readonly isSpent: boolean;
  /** TIER_ ... of the name on this thread, as this poll began. */
  readonly tier: number;
  /** Of the options. */
  readonly signal: AbortSignal | undefined;
  /** Takes units, one by default; where there are fewer, all that are left. @returns whether there were enough. @throws ArgumentRangeError */
  consume(units?: number): boolean;
  /**
   * Makes way for the rest of the event loop where it is time to: `isSpent`, or the slice of time is over. Otherwise it goes on at once. Rejects with `signal.reason` once the signal
   * has aborted.
   */
  yieldIfSpent(): Promise<void>;
}

/** From tier `yield` on: one part in so many of the units. */
const SHARE = 4;
/** At tier `isolate` it goes on once in so many turns of the loop: the slow lane's share. */
const ISOLATED_TURNS = 4;
const GO_ON: Promise<void> = Promise.resolve();

export class LoopBudget implements Budget, PolledTask {
  readonly name: string;
  readonly worker = -1;
  readonly signal: AbortSignal | undefined;
  tier = 0;
  readonly #owner: LoopBudgets;
  readonly #history: NamedHistory;
  readonly #rules: TierRules;
  readonly #sliceMs: number;
  readonly #budget: TaskBudget;
  /** Units that it makes way with, and time after which it does, in this poll. */
  #leastUnits = 0;
  #mostMs = 0;
  #startMs = 0;
  #startCpuMs = CPU_UNKNOWN;
  #turn: Turn | undefined = undefined;
  #hooks: HooksInForce | undefined = undefined;
  /** Whether a poll has begun and not ended. */
  #isOpen = false;
  /** Whether the function has ended: whoever still has this is told to go on. */
  #isOver = false;
  /** While it makes way. */
  #way: Promise<void> | undefined = undefined;

  constructor(
    owner: LoopBudgets,
    history: NamedHistory,
    rules: TierRules,
    sliceMs: number,
    signal: AbortSignal | undefined,
  ) {
    this.#owner = owner;
    this.#history = history;
    this.#rules = rules;
    this.#sliceMs = sliceMs;
    this.name = history.name;
    this.signal = signal;
    this.#budget = new TaskBudget(new Int32Array(4), 0, { pollBudget: rules.pollBudget });
  }

  get remaining(): number {
    return this.#budget.remaining;
  }

  get isSpent(): boolean {
    return this.#budget.remaining <= this.#leastUnits;
  }

  consume(units?: number): boolean {
    return this.#budget.consume(units);
  }

  yieldIfSpent(): Promise<void> {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is the caller's
    if (this.signal?.aborted === true) return Promise.reject(this.signal.reason);
    if (this.#way !== undefined) return this.#way; // asked twice
    if (this.#isOver) return GO_ON;
    // It was away for something else meanwhile, so others have had their turn: from here on it can be watched again.
    if (this.#turn !== undefined && this.#turn.endedMs >= 0) {
      this.end('pending');
      this.begin();
      return GO_ON;
    }
    const isLate = performance.now() - this.#startMs >= this.#mostMs;
    if (!this.isSpent && !isLate) return GO_ON;
    this.#way = this.#makeWay();
    return this.#way;
  }

  /** A poll begins. */
  begin(): void {
    const owner = this.#owner;
    const { record } = this.#history;
    const rules = this.#rules;
    const tier = tierIn(record, 0);
    this.tier = tier;
    this.#isOpen = true;
    this.#budget.reset();
    const isReduced = tier >= TIER_YIELD;
    // As an integer: a field that once held a float costs code that is not compiled yet an object at each look.
    this.#leastUnits = isReduced ? (rules.pollBudget - rules.pollBudget / SHARE) | 0 : 0;
    // Half of what is good at its tier: whoever makes way as often as it can does well.
    this.#mostMs = isReduced ? Math.min(this.#sliceMs, tierRow(rules, tier).goodCpuUs / 2e3) : this.#sliceMs;
    this.#turn = owner.turns.current();
    this.#hooks = owner.hooks.current;
    this.#hooks?.beforePoll(this);
    const isMeasured = tier >= TIER_WARN || isCheckNext(record, 0);
    this.#startCpuMs = isMeasured ? owner.clock.nowMs() : CPU_UNKNOWN;
    this.#startMs = performance.now();
  }

  /** The function has ended: also where it has not waited for making way. */
  finish(result: 'done' | 'failed'): void {
    this.#isOver = true;
    if (this.#isOpen) this.end(result);
    this.#hooks?.onCompletion(result, this);
  }

  /** The poll that has begun last ends. */
  end(result: PollResult): void {
    this.#isOpen = false;
    const nowMs = performance.now();
    const owner = this.#owner;
    const { endedMs } = this.#turn as Turn;
    const isWhole = endedMs < 0;
    // It awaited something else: its first run was no longer than the turn, in which others may have run as well.
    const mostMs = isWhole ? nowMs - this.#startMs : Math.max(0, endedMs - this.#startMs);
    const isMeasured = isWhole && this.#startCpuMs !== CPU_UNKNOWN;
    const cpuMs = isMeasured ? Math.max(0, owner.clock.nowMs() - this.#startCpuMs) : CPU_UNKNOWN;
    // Nobody is blamed for what may be another's.
    const wallMs = isWhole ? mostMs : Math.min(mostMs, this.#rules.slowPollMs);
    this.#hooks?.afterPoll(result, mostMs * 1e6, this);
    owner.observe(this.#history, this.#rules, wallMs, cpuMs, this.#budget.isSpent, nowMs);
  }

  async #makeWay(): Promise<void> {
    const isReduced = this.tier >= TIER_YIELD;
    const why = this.#budget.isSpent || !isReduced ? 'budget' : 'tier';
    this.end('pending');
    this.#hooks?.onYield(this);
    this.#owner.yielded(this, why);
    await turns(this.tier >= TIER_ISOLATE ? ISOLATED_TURNS : 1);
    this.#way = undefined;
    if (this.#isOver) return;
    this.begin();
    if (this.signal?.aborted === true) throw this.signal.reason;
  }
}
