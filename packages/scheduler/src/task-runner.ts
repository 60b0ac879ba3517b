// In a worker: runs the task in a slot that it has claimed. One that returns at once costs no promise and no object here. What does not, goes on by itself: a promise
// lands when it settles, a generator is resumed by whoever resumes generators.
import type { TaskCheckpoints } from './checkpoints/task-checkpoints.ts';
import type { Flights } from './flights.ts';
import type { Monitor } from './monitor/monitor.ts';
import {
  runAsync,
  type GeneratorTask,
  type GeneratorTasks,
  type Resumed,
  type TaskGenerator,
} from './generator-tasks.ts';
import { MOVED_STATE, slotHead } from './layout.ts';
import { forList } from './list-runner.ts';
import { NUMBER } from './payload-kind.ts';
import { isLinked, isList, readValue } from './payload.ts';
import { isPromise, pendingKind, type PendingKind } from './pending-result.ts';
import { isPast } from './policy.ts';
import { isGoOn, StepRun } from './steps.ts';
import type { SchedulerTable } from './table.ts';
import { movedIn, type WorkerMoves } from './slow-lane/worker-moves.ts';
import type { RunContext, RunContexts } from './task-context.ts';
import type { TaskEnds } from './task-ends.ts';
import type { Runnable, TaskLoader } from './task-loader.ts';
import type { TaskTimes } from './task-times.ts';
import type { TurnClock } from './turn-clock.ts';
import type { WorkerLink } from './worker-link.ts';

const WORD = slotHead.word;
/** After that a task is offered to the slow lane again, where that was full. Guessed. */
const MOVE_AGAIN_MS = 100;

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
  /** Undefined: nobody watches polls. */
  readonly monitor: Monitor | undefined;
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
  readonly #monitor: Monitor | undefined;
  readonly #checkpoints: TaskCheckpoints;
  readonly #moves: WorkerMoves | undefined;

  constructor(parts: RunnerParts) {
    const { table, loader, link, contexts, ends, flights, generators, clock } = parts;
    const { checkpoints, monitor, moves } = parts;
    this.#table = table;
    this.#loader = loader;
    this.#link = link;
    this.#times = table.times;
    this.#contexts = contexts;
    this.#ends = ends;
    this.#flights = flights;
    this.#generators = generators;
    this.#clock = clock;
    this.#monitor = monitor;
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
    const run = isList(this.#table, slot) ? forList(task, this.#monitor) : task;
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
    const monitor = this.#monitor;
    let result: unknown;
    let then: PendingKind | undefined;
    this.#contexts.polls.begin(context.slot); // the next one ends it, or the loop
    const below = this.#checkpoints.begin(context);
    if (monitor !== undefined) this.#watch(monitor, context);
    try {
      result = run(args, context);
      then = typeof result === 'object' && result !== null ? pendingKind(result) : undefined;
    } catch (error) {
      monitor?.endOf(context, 'failed');
      this.#checkpoints.leave(below);
      this.#ends.fail(context, error);
      return;
    }
    monitor?.endOf(context, then === undefined ? 'done' : 'pending');
    this.#checkpoints.leave(below);
    if (then === undefined) this.#ends.succeed(context, result);
    else this.#goOn(run, context, then, result);
  }

  /** Its first poll begins: for the record of its name. */
  #watch(monitor: Monitor, context: RunContext): void {
    const { i32 } = this.#table;
    const word = this.#table.slotWord(context.slot);
    const watched = monitor.ofName(i32[word + WORD.task] as number, i32[word + WORD.lane] as number);
    context.watched = watched;
    monitor.begin(watched);
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
      const { slot, watched } = context;
      if (watched !== undefined && watched.of === undefined)
        context.watched = this.#monitor?.ofTask(watched, movedIn(this.#table, slot) === MOVED_STATE);
      this.resume({
        run,
        generator,
        context,
        spentMs: 0,
        dueMs: 0,
        makesWay: false,
        movableFromMs: then === 'step' ? this.#movableFrom(slot) : Infinity,
      });
    }
  }

  /** One of `generators`. */
  resume(task: GeneratorTask): void {
    const { run, context } = task;
    const below = this.#checkpoints.begin(context);
    let resumed: Resumed;
    let isPending = false;
    try {
      resumed = this.#generators.resume(task);
      // What a step has returned is its own: to look at it may throw.
      if (resumed === 'ended' && task.generator instanceof StepRun)
        isPending = isPromise(this.#generators.value);
    } catch (error) {
      this.#checkpoints.leave(below);
      this.#ends.fail(context, error);
      return;
    }
    this.#checkpoints.leave(below);
    if (resumed === 'waits') return;
    if (resumed === 'moves') {
      this.#move(task);
      return;
    }
    const { value } = this.#generators;
    if (isPending) this.#fly(run, context, value as PromiseLike<unknown>);
    else this.#ends.succeed(context, value);
  }

  /** From when on a task of steps may go on in the slow lane, while its slot holds what it was begun with. */
  #movableFrom(slot: number): number {
    return this.#moves === undefined ? Infinity : this.#moves.movableFrom(slot, this.#clock.nowMs);
  }

  /** It goes on in the slow lane, if that takes it. */
  #move(task: GeneratorTask): void {
    const { context, generator } = task;
    if (!(generator instanceof StepRun)) throw new TypeError('a generator can not be moved, expected steps');
    if (this.#moves?.isOpen(context.slot) === true)
      this.#ends.moveFrom(context, generator.state, () => this.#stay(task, Infinity));
    else this.#stay(task, this.#clock.nowMs + MOVE_AGAIN_MS);
  }

  #stay(task: GeneratorTask, movableFromMs: number): void {
    task.movableFromMs = movableFromMs;
    this.#generators.stay(task);
  }

  #fly(run: Runnable, context: RunContext, result: PromiseLike<unknown>): void {
    this.#flights.count++;
    this.#monitor?.waits(1);
    Promise.resolve(result).then(
      (value) => this.#landWith(run, context, value),
      (error: unknown) => this.#crash(context, error),
    );
  }

  #landWith(run: Runnable, context: RunContext, value: unknown): void {
    this.#flights.count--;
    this.#monitor?.waits(-1);
    const next = this.#nextOf(context, value);
    if (next !== undefined) this.#goOnFrom(run, context, next);
    this.#clock.step();
    this.#flights.landed();
  }

  /** Of what a task has resolved with, which is its own: to look at it may throw. @returns the next step; undefined: it has ended */
  #nextOf(context: RunContext, value: unknown): object | undefined {
    try {
      if (typeof value === 'object' && value !== null && isGoOn(value)) return value;
    } catch (error) {
      this.#ends.fail(context, error);
      return undefined;
    }
    this.#ends.succeed(context, value);
    return undefined;
  }

  /** After a step that was asynchronous. */
  #goOnFrom(run: Runnable, context: RunContext, next: object): void {
    if (context.cancelled()) this.#ends.succeed(context, undefined);
    else this.#goOn(run, context, 'step', next);
  }

  #crash(context: RunContext, error: unknown): void {
    this.#flights.count--;
    this.#monitor?.waits(-1);
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
