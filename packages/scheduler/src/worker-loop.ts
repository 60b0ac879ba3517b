// The loop of a worker: claims tasks and runs them, as many at once as it may, and rests when there is none.
//
// A task that returns at once costs no promise and no object here. What does not, goes on by itself: a promise lands when it settles (and what is queued is run
// from there), a generator is resumed after others.
import { GeneratorTasks, runAsync, type GeneratorTask, type TaskGenerator } from './generator-tasks.ts';
import {
  DELIVERED,
  DOOMED,
  FAIR_EVERY,
  NO_TASK,
  PHASE_CLOSED,
  slotHead,
  WORKER_SPENT,
  WORKER_STAYS,
  workerEntry,
} from './layout.ts';
import { TaskDeadlineError } from './errors.ts';
import type { LoopOptions } from './options.ts';
import { NUMBER } from './payload-kind.ts';
import { isLinked, isList, readValue, writeThrown, writeValue } from './payload.ts';
import { pendingKind, type PendingKind } from './pending-result.ts';
import { isPast } from './policy.ts';
import type { SchedulerTable } from './table.ts';
import { RunContext } from './task-context.ts';
import { forList } from './list-runner.ts';
import type { Runnable, TaskLoader } from './task-loader.ts';
import type { TaskTimes } from './task-times.ts';
import { TurnClock } from './turn-clock.ts';
import { WorkerLink } from './worker-link.ts';
import { WorkerRest } from './worker-rest.ts';

const WORD = slotHead.word;

/** Why it runs no more tasks for now: nothing is queued, it has begun as many as it may, the event loop is to have a turn, or it is to take no more at all. */
type Stop = 'empty' | 'full' | 'turn' | 'end';

export class WorkerLoop {
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #worker: number;
  readonly #loader: TaskLoader;
  readonly #link: WorkerLink;
  readonly #times: TaskTimes | undefined;
  readonly #rest: WorkerRest;
  readonly #clock = new TurnClock();
  readonly #generators: GeneratorTasks;
  readonly #concurrentTasks: number;
  readonly #leavesWord: number;
  /** Of the next task. */
  #context: RunContext;
  /** Tasks that wait for a promise. */
  #flying = 0;
  /** Tasks since the last rest. */
  #ran = 0;
  #claims = 0;
  /** Tasks that it may begin; then it ends those that are under way, and leaves. */
  #left: number;
  #isDoomed = false;
  /** Whether it has begun as many tasks as it may, and runs the next one when one of them has ended. */
  #isFull = false;
  /** Whether the event loop has had its turn since the last task. */
  #hasTurned = false;

  constructor(table: SchedulerTable, worker: number, loader: TaskLoader, options: LoopOptions) {
    this.#table = table;
    this.#party = worker + 1;
    this.#worker = worker;
    this.#loader = loader;
    this.#link = new WorkerLink(table);
    this.#times = table.times;
    table.payloads.link = this.#link;
    this.#rest = new WorkerRest(table, this.#party);
    this.#generators = new GeneratorTasks(this.#clock, options.sliceMs);
    this.#concurrentTasks = options.concurrentTasks;
    this.#left = options.maxTasks === 0 ? Infinity : options.maxTasks;
    this.#leavesWord = table.workerWord(this.#party) + workerEntry.word.leaves;
    this.#context = new RunContext(table, worker);
  }

  /** Runs tasks until the scheduler is closed, this worker is being terminated, or is to leave. */
  async run(): Promise<void> {
    this.#table.kernel.beginWork(this.#table.at, this.#party);
    this.#clock.begin();
    while (this.#table.phase !== PHASE_CLOSED) {
      if (this.#isToLeave()) this.#left = 0;
      const stop = this.#drain();
      if (stop === 'end') {
        if (!this.#isDoomed) this.#leave();
        return;
      }
      if (stop === 'full') await this.#land();
      else if (stop === 'turn') await this.#turn();
      else if (stop === 'empty') {
        this.#clock.look();
        if (this.#clock.isTurnDue) await this.#turn();
        else if (this.#flying > 0) await this.#rest.aside(false);
        else {
          const wait = this.#idle();
          if (wait !== undefined) await wait;
        }
      }
    }
  }

  /** Runs what is queued. */
  #drain(): Stop {
    const generators = this.#generators;
    for (;;) {
      if (this.#isDoomed) return 'end';
      if (this.#clock.isTurnDue) return 'turn';
      const mayBegin = this.#left > 0 && this.#flying + generators.places < this.#concurrentTasks;
      const paused = generators.size === 0 ? undefined : generators.next(mayBegin);
      if (paused !== undefined) {
        this.#resume(paused);
        continue;
      }
      if (!mayBegin) return this.#flying > 0 ? 'full' : 'end';
      const slot = this.#claim();
      if (slot !== NO_TASK) {
        this.#ran++;
        this.#left--;
        this.#execute(slot);
        this.#clock.step();
      } else if (generators.size === 0) return 'empty';
      else generators.skipQueue();
    }
  }

  /** Strictly by priority, but that one claim in `FAIR_EVERY` is of a less urgent level, each in turn: none starves. */
  #claim(): number {
    return this.#table.kernel.claimTask(
      this.#table.at,
      this.#party,
      ++this.#claims % FAIR_EVERY === 0 ? 1 : 0,
    );
  }

  #execute(slot: number): void {
    const table = this.#table;
    const word = table.slotWord(slot);
    const index = table.i32[word + WORD.task] as number;
    const run = this.#loader.known(index);
    const context = this.#context;
    this.#times?.begin(slot);
    context.slot = slot;
    context.word = word + WORD.state;
    const deadline = table.i32[word + WORD.deadline] as number;
    // Its client sees to that, too, unless it is busy.
    if (deadline !== 0 && isPast(deadline, table.startMs)) this.#miss(context, deadline);
    else if (run === undefined) void this.#load(this.#keepContext(), index);
    else if (table.i32[word + WORD.kind] === NUMBER)
      this.#begin(run, context, table.f64[((word << 2) + slotHead.bytes) >> 3]);
    else this.#start(run, context);
  }

  #start(task: Runnable, context: RunContext): void {
    const { slot } = context;
    const run = isList(this.#table, slot) ? forList(task) : task;
    if (isLinked(this.#table, slot)) {
      void this.#receive(run, context === this.#context ? this.#keepContext() : context);
      return;
    }
    let args: unknown;
    try {
      args = readValue(this.#table, slot);
    } catch (error) {
      this.#fail(context, error);
      return;
    }
    this.#begin(run, context, args);
  }

  #begin(run: Runnable, context: RunContext, args: unknown): void {
    let result: unknown;
    let then: PendingKind | undefined;
    try {
      result = run(args, context);
      then = typeof result === 'object' && result !== null ? pendingKind(result) : undefined;
    } catch (error) {
      this.#fail(context, error);
      return;
    }
    if (then === undefined) this.#succeed(context, result);
    else this.#goOn(context, then, result);
  }

  /** With a task that has not returned its result yet. */
  #goOn(context: RunContext, then: PendingKind, result: unknown): void {
    if (context === this.#context) this.#keepContext();
    if (then === 'generator') this.#resume({ generator: result as TaskGenerator, context, spentMs: 0 });
    else if (then === 'promise') this.#fly(context, result as PromiseLike<unknown>);
    else this.#fly(context, runAsync(result as AsyncGenerator<unknown, unknown, undefined>, context));
  }

  /** The context stays with its task. */
  #keepContext(): RunContext {
    const kept = this.#context;
    this.#context = new RunContext(this.#table, this.#worker);
    return kept;
  }

  #resume(task: GeneratorTask): void {
    try {
      if (!this.#generators.resume(task)) return;
    } catch (error) {
      this.#fail(task.context, error);
      return;
    }
    this.#succeed(task.context, this.#generators.value);
  }

  #fly(context: RunContext, result: PromiseLike<unknown>): void {
    this.#flying++;
    Promise.resolve(result).then(
      (value) => this.#landWith(context, value, true),
      (error: unknown) => this.#landWith(context, error, false),
    );
  }

  #landWith(context: RunContext, value: unknown, isFine: boolean): void {
    this.#flying--;
    if (isFine) this.#succeed(context, value);
    else this.#fail(context, value);
    this.#clock.step();
    this.#landed();
  }

  /** A task that was under way has ended. */
  #landed(): void {
    if (this.#isFull) {
      // Right here: the loop itself would be back two turns of the microtask queue later.
      this.#isFull = false;
      this.#isFull = this.#drain() === 'full';
      if (!this.#isFull) this.#rest.stir();
    } else if (this.#flying === 0 || this.#isDoomed) this.#rest.stir();
  }

  /** Until it may begin another task. */
  #land(): Promise<void> {
    this.#isFull = true;
    return this.#rest.stirred();
  }

  async #load(context: RunContext, index: number): Promise<void> {
    this.#flying++;
    let run: Runnable | undefined;
    try {
      run = await this.#loader.load(index);
    } catch (error) {
      this.#fail(context, error);
    }
    this.#flying--;
    if (run !== undefined) this.#start(run, context);
    this.#landed();
  }

  /** Its arguments come by a message port. */
  async #receive(run: Runnable, context: RunContext): Promise<void> {
    this.#flying++;
    let args: unknown;
    let hasCome = false;
    try {
      args = await this.#link.argumentsOf(context.slot);
      hasCome = true;
    } catch (error) {
      this.#fail(context, error);
    }
    this.#flying--;
    if (hasCome) this.#begin(run, context, args);
    this.#landed();
  }

  #succeed(context: RunContext, value: unknown): void {
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
      this.#fail(context, error);
      return;
    }
    if (pending === undefined) this.#finish(context, 0);
    else void this.#send(context === this.#context ? this.#keepContext() : context, pending);
  }

  /** Its result waits for a message port. */
  async #send(context: RunContext, pending: Promise<void>): Promise<void> {
    this.#flying++;
    try {
      await pending;
      this.#finish(context, 0);
    } catch (error) {
      this.#fail(context, error);
    }
    this.#flying--;
    this.#landed();
  }

  /** Its deadline has passed before it began. */
  #miss(context: RunContext, deadline: number): void {
    const task = this.#table.taskNameIn(context.slot);
    this.#fail(context, new TaskDeadlineError(task, this.#table.startMs + deadline, false));
  }

  #fail(context: RunContext, error: unknown): void {
    const { slot } = context;
    writeThrown(this.#table, slot, error, this.#table.taskNameIn(slot));
    this.#finish(context, 1);
  }

  #finish(context: RunContext, failed: 0 | 1): void {
    const { slot } = context;
    this.#times?.end(slot);
    if (context !== this.#context) context.end();
    else if (context.hasSignal) this.#keepContext().end();
    const outcome = this.#table.kernel.finishSlot(this.#table.at, slot, this.#party, failed);
    this.#link.finished(slot, outcome === DELIVERED);
    if (outcome === DOOMED) this.#isDoomed = true;
  }

  /** Whether the owner has told it to take no more tasks. */
  #isToLeave(): boolean {
    return Atomics.load(this.#table.i32, this.#leavesWord) !== WORKER_STAYS; // observe: pairs with retireWorker
  }

  #leave(): void {
    // publish: pairs with the owner's look after its end.
    if (!this.#isToLeave()) Atomics.store(this.#table.i32, this.#leavesWord, WORKER_SPENT);
  }

  /** Until a task enters, the scheduler closes, or the event loop had something to do. @returns what to wait for */
  #idle(): Promise<void> | undefined {
    const ran = this.#ran;
    this.#ran = 0;
    if (ran > 0) this.#hasTurned = false;
    if (this.#rest.spin(ran)) {
      this.#clock.look();
      return undefined;
    }
    const hasLeftovers = this.#rest.hasLeftovers();
    if (!this.#hasTurned) {
      if (!hasLeftovers && !this.#rest.block(false)) return undefined;
      this.#hasTurned = true;
      return this.#turn();
    }
    if (hasLeftovers) return this.#rest.aside(true);
    this.#rest.block(true);
    this.#clock.begin(); // the event loop has nothing to do
    return undefined;
  }

  /** A turn of the event loop. */
  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#clock.begin();
  }
}
