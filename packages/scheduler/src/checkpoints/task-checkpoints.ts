// What a worker does at the checkpoints of a task that runs: ends it where nobody waits for it any more, and lets others run in its middle, on top of its stack, where that was asked for.
import { TIER_YIELD } from '../budgets/tier-table.ts';
import { TaskCancelledError } from '../errors.ts';
import { SLOT_RUNNING, slotHead } from '../layout.ts';
import type { Monitor } from '../monitor/monitor.ts';
import { stateIn, type SchedulerTable } from '../table.ts';
import type { RunContext, RunContexts } from '../task-context.ts';
import type { TurnClock } from '../turn-clock.ts';
import { enterCheckpoints } from './checkpoint.ts';

const WORD = slotHead.word;
/** After it has thrown: so long its task may run on without being thrown at again, for its `finally` blocks have loops, too. Guessed. */
const CLEAN_UP_MS = 50;
/** A task that makes way for its tier, or its budget, does so after this, and for as long, whatever the policy. Guessed. */
const YIELD_SLICE_MS = 10;
/** Every task comes before it. */
const LOWEST = -1;

/** How tasks run in the middle of others. Plain data. */
export interface OvertakingPlan {
  /** Tasks that lie on the stack below one that runs, at most; 0: none runs in the middle of another one. */
  readonly depth: number;
  /** Milliseconds that a task runs before others of any priority do, and they before it goes on; Infinity: only what comes before it by the policy does, and at once. */
  readonly sliceMs: number;
}

export class TaskCheckpoints {
  readonly #table: SchedulerTable;
  readonly #contexts: RunContexts;
  readonly #clock: TurnClock;
  readonly #plan: OvertakingPlan;
  readonly #runAbove: (level: number, deadline: number) => boolean;
  readonly #monitor: Monitor | undefined;
  /** The task whose code runs now; undefined: none, or code that belongs to no task for certain, as after an `await`. */
  #running: RunContext | undefined = undefined;
  #depth = 0;
  /** Of the task that was thrown at last, by its slot. */
  #thrownAt = -1;
  #peaceUntilMs = 0;
  /** When the slice of what runs now was first looked at; 0: it was not. */
  #sliceSinceMs = 0;

  /** @param runAbove claims a task that comes before one of that level and deadline, and runs it; false: there is none */
  constructor(
    table: SchedulerTable,
    contexts: RunContexts,
    clock: TurnClock,
    plan: OvertakingPlan,
    runAbove: (level: number, deadline: number) => boolean,
    monitor: Monitor | undefined,
  ) {
    this.#table = table;
    this.#contexts = contexts;
    this.#clock = clock;
    this.#plan = plan;
    this.#runAbove = runAbove;
    this.#monitor = monitor;
  }

  /** From now on, on this thread. */
  enter(): void {
    enterCheckpoints((nowMs) => this.#look(nowMs));
  }

  /** Code of a task runs from here on. @returns what ran until now, for `leave` */
  begin(context: RunContext): RunContext | undefined {
    const below = this.#running;
    this.#running = context;
    this.#sliceSinceMs = 0;
    return below;
  }

  /** It has come back. */
  leave(below: RunContext | undefined): void {
    this.#running = below;
  }

  #look(nowMs: number): void {
    const context = this.#running;
    if (context === undefined) return;
    // observe: pairs with the CAS in cancelSlot, condemnSlot and reclaimSlot.
    if (stateIn(Atomics.load(this.#table.i32, context.word)) !== SLOT_RUNNING) this.#cancel(context, nowMs);
    else if (this.#depth < this.#plan.depth) this.#overtake(context, nowMs);
  }

  #cancel(context: RunContext, nowMs: number): void {
    if (this.#thrownAt === context.slot && nowMs < this.#peaceUntilMs) return;
    this.#thrownAt = context.slot;
    this.#peaceUntilMs = nowMs + CLEAN_UP_MS;
    throw new TaskCancelledError(this.#table.taskNameIn(context.slot));
  }

  #overtake(context: RunContext, nowMs: number): void {
    if (this.#plan.sliceMs === Infinity) {
      const word = this.#table.slotWord(context.slot);
      const { i32 } = this.#table;
      const level = i32[word + WORD.lane] as number;
      this.#runOthers(context, level, i32[word + WORD.deadline] as number, Infinity);
    }
    const why = this.#whyItMakesWay(context);
    if (why === undefined) return;
    const sliceMs = why === 'slice' ? this.#plan.sliceMs : YIELD_SLICE_MS;
    if (this.#sliceSinceMs === 0) this.#sliceSinceMs = nowMs;
    if (nowMs - this.#sliceSinceMs < sliceMs) return;
    const ran = this.#runOthers(context, LOWEST, 0, nowMs + sliceMs);
    this.#sliceSinceMs = performance.now();
    if (ran > 0 && why !== 'slice' && context.watched !== undefined)
      this.#monitor?.yielded(context.watched, why);
  }

  /** For tasks that the policy does not put before it. */
  #whyItMakesWay({ watched, isBudgetSpent }: RunContext): 'slice' | 'tier' | 'budget' | undefined {
    if (this.#plan.sliceMs !== Infinity) return 'slice';
    if (watched !== undefined && watched.tier >= TIER_YIELD) return 'tier';
    return isBudgetSpent ? 'budget' : undefined;
  }

  /** @param untilMs no other one begins after that. @returns how many it ran */
  #runOthers(context: RunContext, level: number, deadline: number, untilMs: number): number {
    // Others have contexts of their own meanwhile.
    this.#contexts.keep(context);
    this.#depth++;
    this.#running = undefined;
    this.#clock.isHeld = true;
    const poll = this.#monitor?.interrupt();
    const count = context.polls.current;
    let ran = 0;
    try {
      while (this.#runAbove(level, deadline) && (++ran, performance.now() < untilMs));
    } finally {
      if (poll !== undefined) this.#monitor?.goOn(poll);
      this.#depth--;
      this.#running = context;
      if (ran > 0) context.polls.goOn(count, context.slot);
      this.#clock.isHeld = this.#depth > 0;
    }
    return ran;
  }
}
