// In a worker: runs the task in a slot that it has claimed. One that returns at once costs no promise and no object here. What does not, goes on by itself: a promise
// lands when it settles, a generator is resumed by whoever resumes generators.
import type { TaskCheckpoints } from './checkpoints/task-checkpoints.ts';
import type { Flights } from './flights.ts';
import { runAsync, type GeneratorTask, type GeneratorTasks, type TaskGenerator } from './generator-tasks.ts';
import { slotHead } from './layout.ts';
import { forList } from './list-runner.ts';
import { NUMBER } from './payload-kind.ts';
import { isLinked, isList, readValue } from './payload.ts';
import { pendingKind, type PendingKind } from './pending-result.ts';
import { isPast } from './policy.ts';
import { isGoOn, StepRun } from './steps.ts';
import type { SchedulerTable } from './table.ts';
import type { WorkerMoves } from './slow-lane/worker-moves.ts';
import type { RunContext, RunContexts } from './task-context.ts';
import type { TaskEnds } from './task-ends.ts';
import type { Runnable, TaskLoader } from './task-loader.ts';
import type { TaskTimes } from './task-times.ts';
import type { TurnClock } from './turn-clock.ts';
import type { WorkerLink } from './worker-link.ts';

const WORD = slotHead.word;

/** What it runs tasks with. */
export interface RunnerParts {
  readonly table: SchedulerTable;
  readonly loader: TaskLoader;
  readonly link: WorkerLink;
  readonly contexts: RunContexts;
  readonly ends: TaskEnds;
  readonly flights: Flights;
  readonly generators: GeneratorTasks;
  readonly clock: TurnClock;
  readonly checkpoints: TaskCheckpoints;
  /** Undefined where tasks stay on the worker. */
  readonly moves: WorkerMoves | undefined;
}

export class TaskRunner {
  readonly #table: SchedulerTable;
  readonly #loader: TaskLoader;
  readonly #link: WorkerLink;
  readonly #times: TaskTimes | undefined;
  readonly #contexts: RunContexts;
  readonly #ends: TaskEnds;
  readonly #flights: Flights;
  readonly #generators: GeneratorTasks;
  readonly #clock: TurnClock;
  readonly #checkpoints: TaskCheckpoints;
  readonly #moves: WorkerMoves | undefined;

  constructor(parts: RunnerParts) {
    const { table, loader, link, contexts, ends, flights, generators, clock, checkpoints, moves } = parts;
    this.#table = table;
    this.#loader = loader;
    this.#link = link;
    this.#times = table.times;
    this.#contexts = contexts;
    this.#ends = ends;
    this.#flights = flights;
    this.#generators = generators;
    this.#clock = clock;
    this.#checkpoints = checkpoints;
    this.#moves = moves;
  }

  /** The task of a slot that the worker has claimed. */
  execute(slot: number): void {
    const table = this.#table;
    const word = table.slotWord(slot);
    const index = table.i32[word + WORD.task] as number;
    const run = this.#loader.known(index);
    const context = this.#contexts.next;
    context.slot = slot;
    context.word = word + WORD.state;
    if (this.#moves?.isRerouted(slot, index) === true) {
      this.#moves.markUnbegun(slot);
      this.#ends.move(context);
      return;
    }
    this.#times?.begin(slot);
    const deadline = table.i32[word + WORD.deadline] as number;
    // Its client sees to that, too, unless it is busy.
    if (deadline !== 0 && isPast(deadline, table.startMs)) this.#ends.miss(context, deadline);
    else if (run === undefined) void this.#load(this.#contexts.keep(context), index);
    else if (table.i32[word + WORD.kind] === NUMBER)
      this.#begin(run, context, table.f64[((word << 2) + slotHead.bytes) >> 3]);
    else this.#start(run, context);
  }

  #start(task: Runnable, context: RunContext): void {
    const { slot } = context;
    const run = isList(this.#table, slot) ? forList(task) : task;
    if (isLinked(this.#table, slot)) {
      void this.#receive(run, this.#contexts.keep(context));
      return;
    }
    let args: unknown;
    try {
      args = readValue(this.#table, slot);
    } catch (error) {
      this.#ends.fail(context, error);
      return;
    }
    this.#begin(run, context, args);
  }

  #begin(run: Runnable, context: RunContext, args: unknown): void {
    let result: unknown;
    let then: PendingKind | undefined;
    this.#contexts.polls.begin(context.slot); // the next one ends it, or the loop
    const below = this.#checkpoints.begin(context);
    try {
      result = run(args, context);
      then = typeof result === 'object' && result !== null ? pendingKind(result) : undefined;
    } catch (error) {
      this.#checkpoints.leave(below);
      this.#ends.fail(context, error);
      return;
    }
    this.#checkpoints.leave(below);
    if (then === undefined) this.#ends.succeed(context, result);
    else this.#goOn(run, context, then, result);
  }

  /** With a task that has not returned its result yet. */
  #goOn(run: Runnable, context: RunContext, then: PendingKind, result: unknown): void {
    this.#contexts.keep(context);
    if (then === 'promise') this.#fly(run, context, result as PromiseLike<unknown>);
    else if (then === 'async generator')
      this.#fly(run, context, runAsync(result as AsyncGenerator<unknown, unknown, undefined>, context));
    else {
      const generator =
        then === 'step' ? new StepRun(run, context, result as object) : (result as TaskGenerator);
      this.resume({ run, generator, context, spentMs: 0 });
    }
  }

  /** One of `generators`. */
  resume(task: GeneratorTask): void {
    const { run, context } = task;
    const below = this.#checkpoints.begin(context);
    let hasEnded: boolean;
    try {
      hasEnded = this.#generators.resume(task);
    } catch (error) {
      this.#checkpoints.leave(below);
      this.#ends.fail(context, error);
      return;
    }
    this.#checkpoints.leave(below);
    if (!hasEnded) return;
    const { value } = this.#generators;
    if (task.generator instanceof StepRun && isPromise(value)) this.#fly(run, context, value);
    else this.#ends.succeed(context, value);
  }

  #fly(run: Runnable, context: RunContext, result: PromiseLike<unknown>): void {
    this.#flights.count++;
    Promise.resolve(result).then(
      (value) => this.#landWith(run, context, value),
      (error: unknown) => this.#crash(context, error),
    );
  }

  #landWith(run: Runnable, context: RunContext, value: unknown): void {
    this.#flights.count--;
    if (typeof value === 'object' && value !== null && isGoOn(value)) this.#goOnFrom(run, context, value);
    else this.#ends.succeed(context, value);
    this.#clock.step();
    this.#flights.landed();
  }

  /** After a step that was asynchronous. */
  #goOnFrom(run: Runnable, context: RunContext, next: object): void {
    if (context.cancelled()) this.#ends.succeed(context, undefined);
    else this.#goOn(run, context, 'step', next);
  }

  #crash(context: RunContext, error: unknown): void {
    this.#flights.count--;
    this.#ends.fail(context, error);
    this.#clock.step();
    this.#flights.landed();
  }

  async #load(context: RunContext, index: number): Promise<void> {
    this.#flights.count++;
    let run: Runnable | undefined;
    const { polls } = this.#contexts;
    polls.beginImport();
    try {
      run = await this.#loader.load(index);
    } catch (error) {
      this.#ends.fail(context, error);
    }
    polls.endImport();
    this.#flights.count--;
    if (run !== undefined) this.#start(run, context);
    this.#flights.landed();
  }

  /** Its arguments come by a message port. */
  async #receive(run: Runnable, context: RunContext): Promise<void> {
    this.#flights.count++;
    let args: unknown;
    let hasCome = false;
    try {
      args = await this.#link.argumentsOf(context.slot);
      hasCome = true;
    } catch (error) {
      this.#ends.fail(context, error);
    }
    this.#flights.count--;
    if (hasCome) this.#begin(run, context, args);
    this.#flights.landed();
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && pendingKind(value) === 'promise';
}
