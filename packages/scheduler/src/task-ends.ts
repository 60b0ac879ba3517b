// In a worker: what becomes of a task that has returned or thrown. Its result, or its error, goes into its slot, and the slot to its client.
import type { Flights } from './flights.ts';
import { TaskDeadlineError } from './errors.ts';
import { DELIVERED, DOOMED } from './layout.ts';
import { writeThrown, writeValue } from './payload.ts';
import type { SchedulerTable } from './table.ts';
import type { RunContext, RunContexts } from './task-context.ts';
import type { TaskTimes } from './task-times.ts';
import type { WorkerLink } from './worker-link.ts';

export class TaskEnds {
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #link: WorkerLink;
  readonly #times: TaskTimes | undefined;
  readonly #contexts: RunContexts;
  readonly #flights: Flights;
  /** Whether the worker is being terminated: it must take no more tasks. */
  isDoomed = false;

  constructor(
    table: SchedulerTable,
    party: number,
    link: WorkerLink,
    contexts: RunContexts,
    flights: Flights,
  ) {
    this.#table = table;
    this.#party = party;
    this.#link = link;
    this.#times = table.times;
    this.#contexts = contexts;
    this.#flights = flights;
  }

  succeed(context: RunContext, value: unknown): void {
    const { slot } = context;
    if (typeof value === 'number') {
      writeValue(this.#table, slot, value, 'result', '');
      this.#finish(context, 0);
      return;
    }
    let pending: Promise<void> | undefined;
    try {
      pending = this.#link.writeResult(slot, value, this.#table.taskNameIn(slot));
    } catch (error) {
      this.fail(context, error);
      return;
    }
    if (pending === undefined) this.#finish(context, 0);
    else void this.#send(this.#contexts.keep(context), pending);
  }

  /** Its result waits for a message port. */
  async #send(context: RunContext, pending: Promise<void>): Promise<void> {
    this.#flights.count++;
    try {
      await pending;
      this.#finish(context, 0);
    } catch (error) {
      this.fail(context, error);
    }
    this.#flights.count--;
    this.#flights.landed();
  }

  /** Its deadline has passed before it began. */
  miss(context: RunContext, deadline: number): void {
    const task = this.#table.taskNameIn(context.slot);
    this.fail(context, new TaskDeadlineError(task, this.#table.startMs + deadline, false));
  }

  fail(context: RunContext, error: unknown): void {
    const { slot } = context;
    writeThrown(this.#table, slot, error, this.#table.taskNameIn(slot));
    this.#finish(context, 1);
  }

  #finish(context: RunContext, failed: 0 | 1): void {
    const { slot } = context;
    this.#times?.end(slot);
    this.#contexts.end(context);
    const outcome = this.#table.kernel.finishSlot(this.#table.at, slot, this.#party, failed);
    this.#link.finished(slot, outcome === DELIVERED);
    if (outcome === DOOMED) this.isDoomed = true;
  }
}
