// What a task is given beside its arguments, while it runs: one for the tasks that return at once, in turn, and one for each that does not.
import { SLOT_RUNNING } from './layout.ts';
import { ContextBudget, noPollBudget, type PollBudget } from './monitor/poll-budget.ts';
import type { Watched } from './monitor/watched.ts';
import { SlotSignal } from './slot-signal.ts';
import { stateIn, type SchedulerTable } from './table.ts';
import type { TaskContext } from './tasks.ts';
import { PollWord } from './watchdog/poll-word.ts';

/** Of no slot: the task has ended. */
const ENDED = -1;

/** The task sees a TaskContext; the rest is the loop's. */
export class RunContext implements TaskContext {
  readonly worker: number;
  /** Slot of the task, and the word of its state. @internal */
  slot: number = ENDED;
  /** @internal */
  word: number = ENDED;
  /** Of its worker. @internal */
  readonly polls: PollWord;
  /** Whose polls its task's are, where they are watched. @internal */
  watched: Watched | undefined = undefined;
  readonly #i32: Int32Array;
  readonly #budget = new ContextBudget();
  #signal: SlotSignal | undefined = undefined;

  constructor(table: SchedulerTable, worker: number, polls: PollWord) {
    this.#i32 = table.i32;
    this.worker = worker;
    this.polls = polls;
  }

  // A property, because tasks may take it out: `(args, { cancelled }) => …`.
  readonly cancelled = (): boolean =>
    // observe: pairs with the CAS in cancelSlot, condemnSlot, reclaimSlot and giveUpSlot.
    this.word === ENDED || stateIn(Atomics.load(this.#i32, this.word)) !== SLOT_RUNNING;

  get signal(): AbortSignal {
    return (this.#signal ??= new SlotSignal(this.#i32, this.word)).signal;
  }

  get budget(): PollBudget {
    return this.watched === undefined ? noPollBudget : this.#budget.of(this.watched.rules.pollBudget);
  }

  /** Whether the poll that runs has spent it. @internal */
  get isBudgetSpent(): boolean {
    return this.#budget.isSpent;
  }

  /** A poll has ended. @returns whether it has spent its budget @internal */
  endPoll(): boolean {
    return this.#budget.end();
  }

  /** The poll of a task that returns at once was its last one. @internal */
  release(): void {
    this.watched = undefined;
    this.#budget.release();
  }

  /** Whether the task has asked for its signal: then the context is of no use to the next one. */
  get hasSignal(): boolean {
    return this.#signal !== undefined;
  }

  /** Before the slot is given away: whoever still has the context is told that nobody waits any more. */
  end(): void {
    this.#signal?.end();
    this.slot = this.word = ENDED;
  }
}

/** Of a worker: one context for the tasks that return at once, in turn, and one more for each that does not. */
export class RunContexts {
  readonly #table: SchedulerTable;
  readonly #worker: number;
  readonly polls: PollWord;
  /** Of the next task. */
  next: RunContext;

  constructor(table: SchedulerTable, worker: number) {
    this.#table = table;
    this.#worker = worker;
    this.polls = new PollWord(table, worker + 1);
    this.next = new RunContext(table, worker, this.polls);
  }

  /** The context stays with its task. @returns it */
  keep(context: RunContext): RunContext {
    if (context === this.next) this.next = new RunContext(this.#table, this.#worker, this.polls);
    return context;
  }

  /** Its task has ended. */
  end(context: RunContext): void {
    if (context !== this.next) context.end();
    else if (context.hasSignal) this.keep(context).end();
    else if (context.watched !== undefined) context.release();
  }
}
