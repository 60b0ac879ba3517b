// In a worker: what becomes of a task that has returned or thrown. Its result, or its error, goes into its slot, and the slot to its client.
import type { Flights } from './flights.ts';
import { TaskDeadlineError } from './errors.ts';
import { DELIVERED, DOOMED, ENDED_FAILED, ENDED_FINE, ENDED_MOVED, MOVED_STATE } from './layout.ts';
import type { Monitor } from './monitor/monitor.ts';
import { writeThrown, writeValue } from './payload.ts';
import { markMoved } from './slow-lane/worker-moves.ts';
import type { SchedulerTable } from './table.ts';
import type { RunContext, RunContexts } from './task-context.ts';
import type { TaskTimes } from './task-times.ts';
import type { WorkerLink } from './worker-link.ts';

/** As hooks are told; of one that moves nothing is told. */
const RESULTS: Readonly<Record<number, 'done' | 'failed'>> = {
  [ENDED_FINE]: 'done',
  [ENDED_FAILED]: 'failed',
};

export class TaskEnds {
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #link: WorkerLink;
  readonly #times: TaskTimes | undefined;
  readonly #contexts: RunContexts;
  readonly #flights: Flights;
  readonly #monitor: Monitor | undefined;
  /** Whether the worker is being terminated: it must take no more tasks. */
  isDoomed = false;

  constructor(
    table: SchedulerTable,
    party: number,
    link: WorkerLink,
    contexts: RunContexts,
    flights: Flights,
    monitor: Monitor | undefined,
  ) {
    this.#table = table;
    this.#party = party;
    this.#link = link;
    this.#times = table.times;
    this.#contexts = contexts;
    this.#flights = flights;
    this.#monitor = monitor;
  }

  succeed(context: RunContext, value: unknown): void {
    const { slot } = context;
    if (typeof value === 'number') {
      writeValue(this.#table, slot, value, 'result', '');
      this.#finish(context, ENDED_FINE);
      return;
    }
    let pending: Promise<void> | undefined;
    try {
      pending = this.#link.writeResult(slot, value, this.#table.taskNameIn(slot));
    } catch (error) {
      this.fail(context, error);
      return;
    }
    if (pending === undefined) this.#finish(context, ENDED_FINE);
    else void this.#send(this.#contexts.keep(context), pending);
  }

  /** Its result waits for a message port. */
  async #send(context: RunContext, pending: Promise<void>): Promise<void> {
    this.#flights.count++;
    try {
      await pending;
      this.#finish(context, ENDED_FINE);
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
    this.#finish(context, ENDED_FAILED);
  }

  /** Its slot holds what its client is to enter in the slow lane, and says so. */
  move(context: RunContext): void {
    this.#finish(context, ENDED_MOVED);
  }

  /**
   * A task that has begun goes on in the slow lane, from this state.
   * @param stay called where the state can not be written, now or later: it goes on here, and is not to be tried again
   */
  moveFrom(context: RunContext, state: unknown, stay: () => void): void {
    const { slot } = context;
    let pending: Promise<void> | undefined;
    try {
      pending = this.#link.writeResult(slot, state, this.#table.taskNameIn(slot));
    } catch {
      stay();
      return;
    }
    if (pending === undefined) this.#moveWith(context);
    else void this.#sendState(this.#contexts.keep(context), pending, stay);
  }

  #moveWith(context: RunContext): void {
    markMoved(this.#table, context.slot, MOVED_STATE);
    this.move(context);
  }

  async #sendState(context: RunContext, pending: Promise<void>, stay: () => void): Promise<void> {
    this.#flights.count++;
    const isWritten = await pending.then(
      () => true,
      () => false,
    );
    this.#flights.count--;
    if (isWritten) this.#moveWith(context);
    else stay();
    this.#flights.landed();
  }

  #finish(context: RunContext, how: number): void {
    const { slot } = context;
    if (how !== ENDED_MOVED) this.#times?.end(slot);
    if (context.watched !== undefined) this.#monitor?.completed(context.watched, RESULTS[how]);
    this.#contexts.end(context);
    const outcome = this.#table.kernel.finishSlot(this.#table.at, slot, this.#party, how);
    this.#link.finished(slot, outcome === DELIVERED);
    if (outcome === DOOMED) this.isDoomed = true;
  }
}
