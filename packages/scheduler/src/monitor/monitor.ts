// In a worker: watches polls, which are uninterrupted runs of a task's code: a function until it returns, a generator to its next `yield`, a step.
//
// The clock costs half of what running a tiny task does. So one look at it is for a group of polls, one after the other and of the same task or name: as many as take half a
// millisecond, as far as is known, and 32 at most. A group that took no longer than one poll may has no slow one in it. Where it took longer, what it took more than usual is one
// poll's: it is a slow one if that is too long, and the next group is a single poll. Tried: a look for each poll (some 45 ns, half a tiny task's time on a worker).
// Hooks are told the mean of short polls; the last one of a group has what that took beyond: so the sum is right, and what was slow is told, at most 31 short polls of its name late.
// Tried: a look for each where there are hooks, an eighth of all CPU time of tiny tasks.
import { CAUSES } from '../budgets/tier-machine.ts';
import { yieldChannel, type YieldEvent } from '../budgets/channels.ts';
import type { MeasuredCpuClock } from '../budgets/cpu-clock.ts';
import { HookSlot } from '../budgets/hook-slot.ts';
import type { HooksInForce, PollResult } from '../budgets/hooks.ts';
import type { NameTiers } from '../budgets/name-tiers.ts';
import { NameObserver } from '../budgets/name-observer.ts';
import type { TierPlan } from '../budgets/tier-table.ts';
import type { RunContext } from '../task-context.ts';
import type { TurnClock } from '../turn-clock.ts';
import { CpuSamples } from './cpu-samples.ts';
import { EventPost, tierNamed, type WatchMessage } from './event-post.ts';
import { tellMean, tellRest } from './hook-times.ts';
import { NameWatches } from './name-watches.ts';
import { PollRecords } from './poll-records.ts';
import type { Watched } from './watched.ts';
import { WatchCounts } from './watch-counts.ts';
import type { WatchTable } from './watch-table.ts';

/** How often others are told how many polls there were, in milliseconds. Guessed. */
const PUBLISH_EVERY_MS = 1;

export interface MonitorParts {
  readonly watch: WatchTable;
  readonly tiers: NameTiers;
  readonly worker: number;
  readonly plan: TierPlan;
  readonly clock: Pick<TurnClock, 'nowMs' | 'look'>;
  readonly cpuClock: MeasuredCpuClock;
  readonly nameOf: (id: number) => string;
  readonly send: (message: WatchMessage) => void;
}

/** A poll that was interrupted by others, on top of it. */
export interface InterruptedPoll {
  readonly watched: Watched | undefined;
  readonly spentMs: number;
  readonly hooks: HooksInForce | undefined;
}

export class Monitor {
  /** Of this worker. */
  readonly hooks: HookSlot;
  readonly #records: PollRecords;
  readonly #clock: Pick<TurnClock, 'nowMs' | 'look'>;
  readonly #cpu: CpuSamples;
  readonly #counts: WatchCounts;
  /** Whose polls the group is of. */
  #open: Watched | undefined;
  /** Polls of the group, and how many there may be until the next look. */
  #count = 0;
  #left = 0;
  /** When the group began: at the end of the one before. */
  #startMs = 0;
  /** Whether something else than polls has happened since then. */
  #isStale = true;
  /** Whether tasks have begun to wait, or ended, since others could read how many do. */
  #isUnsaid = false;
  /** When others are told how many polls there were. */
  #publishMs = 0;
  /** That were told of the poll that runs. */
  #told: HooksInForce | undefined;

  constructor({ watch, tiers, worker, plan, clock, cpuClock, nameOf, send }: MonitorParts) {
    this.#clock = clock;
    this.#cpu = new CpuSamples(cpuClock);
    this.#counts = new WatchCounts(watch, worker, cpuClock);
    const names = new NameWatches(
      watch,
      tiers,
      new NameObserver(tiers, worker + 1),
      worker,
      plan,
      nameOf,
      clock,
    );
    this.#records = new PollRecords(names, this.#counts, new EventPost(send), clock);
    this.hooks = new HookSlot((error, hook) => {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.emitWarning(`hook ${hook} threw on worker ${worker}: ${reason}`, 'SchedulerWarning');
    });
  }

  /** The tasks of one name and level of priority. */
  ofName(id: number, level: number): Watched {
    return this.#records.ofName(id, level);
  }

  /**
   * A task that has begun, and goes on in several polls: from the tier of its name on.
   * @param isIsolated whether it has been moved for that
   */
  ofTask(name: Watched, isIsolated: boolean): Watched {
    this.#counts.active++;
    return this.#records.ofTask(name, isIsolated, this.#clock.nowMs);
  }

  /** Before a poll. */
  begin(watched: Watched): void {
    const hooks = this.hooks.current;
    if (watched !== this.#open || this.#isStale || hooks !== this.#told) this.#openFor(watched, hooks);
    if (hooks !== undefined) hooks.beforePoll(watched);
  }

  /**
   * After it.
   * @param isSpent whether its budget was
   * @returns whether it has looked at the clock
   */
  end(watched: Watched, result: PollResult, isSpent: boolean): boolean {
    const hooks = this.#told;
    this.#count++;
    if (--this.#left > 0 && !isSpent) {
      if (hooks !== undefined) tellMean(hooks, watched, result);
      return false;
    }
    this.#clock.look();
    this.#close(isSpent);
    if (hooks !== undefined) tellRest(hooks, watched, result);
    return true;
  }

  /** The same, of a context. */
  endOf(context: RunContext, result: PollResult): void {
    if (context.watched !== undefined) this.end(context.watched, result, context.endPoll());
  }

  /** One poll of a context ends, and another one begins. */
  goOnWith(context: RunContext): void {
    this.endOf(context, 'pending');
    if (context.watched !== undefined) this.begin(context.watched);
  }

  /** A task makes way, and could go on. */
  yielded(watched: Watched, why: YieldEvent['why']): void {
    this.#counts.yields++;
    this.#counts.publish();
    this.hooks.current?.onYield(watched);
    if (yieldChannel.hasSubscribers)
      yieldChannel.publish({
        task: watched.name,
        worker: watched.worker,
        tier: tierNamed(watched.tier),
        why,
      });
  }

  /** A task has returned or thrown, or goes on elsewhere: then `result` is undefined. */
  completed(watched: Watched, result: 'done' | 'failed' | undefined): void {
    if (watched.of !== undefined) this.#forget(watched, watched.of);
    if (result !== undefined) this.hooks.current?.onCompletion(result, watched);
  }

  /** A task waits for something that is no poll, and when it does not any more. */
  waits(by: 1 | -1): void {
    this.#counts.active += by;
    this.#isUnsaid = true;
  }

  /** No poll follows at once. */
  rest(): void {
    if (this.#isStale) {
      if (this.#isUnsaid) this.#say();
      return;
    }
    this.#clock.look();
    if (this.#count > 0) this.#close(false);
    this.#isStale = true;
    this.#records.tellAll(this.#clock.nowMs);
    this.#say();
  }

  #say(): void {
    this.#isUnsaid = false;
    this.#counts.hookFailures = this.hooks.failures;
    this.#counts.publish();
  }

  /** Others run on top of the poll that runs, until `goOn`. */
  interrupt(): InterruptedPoll {
    this.#clock.look();
    const spentMs = this.#clock.nowMs - this.#startMs;
    // Those before it in its group were short.
    const others = this.#count;
    this.#count = 0;
    this.#counts.polls += others;
    if (others > 0 && this.#open !== undefined) this.#records.good(this.#open, others);
    // Hooks were told of those, and will be of the rest.
    const poll = { watched: this.#open, spentMs, hooks: this.#told };
    this.#startMs = this.#clock.nowMs;
    this.#open = undefined;
    this.#told = undefined;
    return poll;
  }

  goOn({ watched, spentMs, hooks }: InterruptedPoll): void {
    this.#clock.look();
    if (this.#count > 0) this.#close(false);
    this.#open = watched;
    this.#left = 0; // it is timed by itself
    this.#told = hooks;
    this.#startMs = this.#clock.nowMs - spentMs;
    this.#isStale = false;
  }

  /** A group begins. @param hooks that are told of it */
  #openFor(watched: Watched, hooks: HooksInForce | undefined): void {
    const wasStale = this.#isStale;
    if (this.#isStale) {
      this.#clock.look();
      const { nowMs } = this.#clock;
      const pauseMs = nowMs - this.#startMs;
      this.#cpu.skip(pauseMs);
      this.#startMs = nowMs;
      this.#isStale = false;
    } else if (this.#count > 0) {
      this.#clock.look();
      this.#close(false);
    }
    this.#open = watched;
    this.#told = hooks;
    // After a rest there may be this one alone: hooks are told how long it took.
    this.#left = wasStale && hooks !== undefined ? 1 : watched.every;
  }

  /** The group ends, at the last look. */
  #close(isSpent: boolean): void {
    const watched = this.#open as Watched;
    const { nowMs } = this.#clock;
    const polls = this.#count;
    const tookMs = nowMs - this.#startMs;
    const { rules } = watched;
    const wallMs =
      polls === 1 ? tookMs : Math.min(tookMs, Math.max(0, tookMs - (polls - 1) * watched.meanMs));
    this.#count = 0;
    this.#startMs = nowMs;
    if (this.#told !== undefined) watched.owedMs += tookMs;
    watched.learn(polls, tookMs);
    this.#left = watched.every;
    this.#counts.polls += polls;
    if (isSpent || wallMs > rules.slowPollMs || wallMs > rules.cpuBudgetMs)
      this.#suspect(watched, polls, tookMs, wallMs, isSpent, nowMs);
    else if (tookMs <= polls * watched.goodMs) {
      this.#cpu.skip(tookMs);
      this.#records.good(watched, polls);
    } else {
      const cpuMs = this.#cpu.read(tookMs) / polls;
      for (let i = 0; i < polls; i++) this.#records.observe(watched, tookMs / polls, cpuMs, false, nowMs);
    }
    if (nowMs >= this.#publishMs) this.#publish(nowMs);
  }

  /** One poll of the group may have been a violation. */
  #suspect(
    watched: Watched,
    polls: number,
    tookMs: number,
    wallMs: number,
    isSpent: boolean,
    nowMs: number,
  ): void {
    // The others of its group used no more than they lasted.
    const cpuMs = Math.min(wallMs, Math.max(0, this.#cpu.read(tookMs) - (tookMs - wallMs)));
    if (polls > 1) this.#records.good(watched, polls - 1);
    const { tier } = watched;
    const outcome = this.#records.observe(watched, wallMs, cpuMs, isSpent, nowMs);
    if ((outcome & CAUSES) !== 0) this.#records.report(watched, outcome, tier, wallMs, cpuMs, nowMs);
  }

  /** A task with a record of its own has ended: for its name it counts as one poll, good unless it was one that has to be made to yield. */
  #forget(watched: Watched, name: Watched): void {
    this.waits(-1);
    if (this.#open === watched) {
      if (this.#count > 0) {
        this.#clock.look();
        this.#close(false);
      }
      this.#open = undefined;
      this.#left = 0;
    }
    this.#records.learn(watched, name, this.#clock.nowMs);
  }

  #publish(nowMs: number): void {
    this.#publishMs = nowMs + PUBLISH_EVERY_MS;
    this.#counts.publishPolls();
  }
}
