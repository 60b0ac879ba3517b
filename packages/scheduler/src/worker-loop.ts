// The loop of a worker: claims tasks and has them run, as many at once as it may, and rests when there is none.
import { TaskCheckpoints } from './checkpoints/task-checkpoints.ts';
import { Flights } from './flights.ts';
import { GeneratorTasks } from './generator-tasks.ts';
import { FAIR_EVERY, NO_TASK, PHASE_CLOSED, WORKER_SPENT, WORKER_STAYS, workerEntry } from './layout.ts';
import type { WatchMessage } from './monitor/event-post.ts';
import type { HookPost } from './monitor/hook-post.ts';
import type { Monitor } from './monitor/monitor.ts';
import { monitorOf } from './monitor/monitor-of.ts';
import type { LoopOptions } from './options.ts';
import type { SchedulerTable } from './table.ts';
import { RunContexts } from './task-context.ts';
import { slowNowMs } from './slow-lane/slow-lane.ts';
import { WorkerMoves } from './slow-lane/worker-moves.ts';
import { TaskEnds } from './task-ends.ts';
import type { TaskLoader } from './task-loader.ts';
import { TaskRunner } from './task-runner.ts';
import { TurnClock } from './turn-clock.ts';
import type { PollWord } from './watchdog/poll-word.ts';
import { echoTurns } from './watchdog/turn-echo.ts';
import { WorkerLink } from './worker-link.ts';
import { WorkerRest } from './worker-rest.ts';

/** Looks for the next task right after one, before it sees to anything else: a few hundred nanoseconds. Measured: bench `scheduler`, one at a time. */
const GLANCES = 64;

/** Why it runs no more tasks for now: nothing is queued, it has begun as many as it may, the event loop is to have a turn, or it is to take no more at all. */
type Stop = 'empty' | 'full' | 'turn' | 'end';

export class WorkerLoop {
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #rest: WorkerRest;
  readonly #clock = new TurnClock();
  readonly #generators: GeneratorTasks;
  readonly #flights: Flights;
  readonly #monitor: Monitor | undefined;
  #hooks: HookPost | undefined;
  readonly #ends: TaskEnds;
  readonly #runner: TaskRunner;
  readonly #polls: PollWord;
  readonly #checkpoints: TaskCheckpoints;
  readonly #concurrentTasks: number;
  /** The same in the middle of a task. */
  readonly #mostBegun: number;
  readonly #isSlow: boolean;
  readonly #isWatched: boolean;
  readonly #leavesWord: number;
  /** Tasks since the last rest. */
  #ran = 0;
  #claims = 0;
  /** Tasks that it may begin, where that is limited, or else 1; then it ends those that are under way, and leaves. */
  #left: number;
  readonly #isLimited: boolean;
  /** Whether it has begun as many tasks as it may, and runs the next one when one of them has ended. */
  #isFull = false;
  /** Whether the event loop has had its turn since the last task. */
  #hasTurned = false;

  /** @param tell tells the owner of the scheduler of what is seen of polls, where they are watched */
  constructor(
    table: SchedulerTable,
    worker: number,
    loader: TaskLoader,
    options: LoopOptions,
    tell: (message: WatchMessage) => void,
  ) {
    this.#table = table;
    this.#party = worker + 1;
    this.#rest = new WorkerRest(table, this.#party);
    this.#monitor = monitorOf(table, worker, options.budgets, this.#clock, tell);
    this.#generators = new GeneratorTasks(this.#clock, options.sliceMs, this.#monitor, options.isolatedShare);
    this.#flights = new Flights(() => this.#landed());
    const link = new WorkerLink(table);
    table.payloads.link = link;
    const contexts = new RunContexts(table, worker);
    this.#polls = contexts.polls;
    this.#ends = new TaskEnds(table, this.#party, link, contexts, this.#flights, this.#monitor);
    this.#checkpoints = new TaskCheckpoints(
      table,
      contexts,
      this.#clock,
      options.overtaking,
      (level, deadline) => this.#runAbove(level, deadline),
      this.#monitor,
    );
    this.#runner = new TaskRunner({
      table,
      loader,
      link,
      contexts,
      ends: this.#ends,
      flights: this.#flights,
      generators: this.#generators,
      clock: this.#clock,
      monitor: this.#monitor,
      checkpoints: this.#checkpoints,
      moves: WorkerMoves.of(table, options.isSlow),
    });
    this.#concurrentTasks = options.concurrentTasks;
    this.#mostBegun = options.concurrentTasks + options.overtaking.depth;
    this.#isWatched = options.isWatched;
    this.#isLimited = options.maxTasks > 0;
    this.#left = Math.max(1, options.maxTasks); // not Infinity: counting down from there makes an object each time
    this.#isSlow = options.isSlow;
    this.#leavesWord = table.workerWord(this.#party) + workerEntry.word.leaves;
  }

  /** What watches polls; undefined: nobody does. */
  get monitor(): Monitor | undefined {
    return this.#monitor;
  }

  /** By which hooks are exchanged while it runs. */
  listen(hooks: HookPost): void {
    this.#hooks = hooks;
    hooks.onDone = () => this.#rest.stir();
  }

  /** Runs tasks until the scheduler is closed, this worker is being terminated, or is to leave. */
  async run(): Promise<void> {
    this.#table.kernel.beginWork(this.#table.at, this.#party);
    this.#polls.open();
    if (this.#isWatched) echoTurns(this.#table, this.#party);
    this.#checkpoints.enter();
    this.#clock.begin();
    while (this.#table.phase !== PHASE_CLOSED) {
      if (this.#isToLeave()) this.#left = 0;
      const stop = this.#drain();
      this.#polls.end();
      if (stop === 'end') {
        if (!this.#ends.isDoomed) this.#leave();
        this.#polls.block();
        return;
      }
      if (stop === 'full') await this.#land();
      else if (stop === 'turn') await this.#turn();
      else if (stop === 'empty') {
        this.#clock.look();
        if (this.#clock.isTurnDue) await this.#turn();
        else if (this.#flights.count > 0 || this.#hooks?.isBusy === true) await this.#rest.aside(false);
        else if (this.#hooks?.isTold === true) await this.#turn();
        else {
          const wait = this.#idle();
          if (wait !== undefined) await wait;
        }
      }
    }
    this.#polls.block();
  }

  /** Runs what is queued. */
  #drain(): Stop {
    const stop = this.#runQueued();
    this.#monitor?.rest();
    return stop;
  }

  #runQueued(): Stop {
    const generators = this.#generators;
    for (;;) {
      if (this.#ends.isDoomed) return 'end';
      if (this.#clock.isTurnDue) return 'turn';
      const mayBegin = this.#left > 0 && this.#flights.count + generators.places < this.#concurrentTasks;
      const paused = generators.size === 0 ? undefined : generators.next(mayBegin);
      if (paused !== undefined) {
        this.#runner.resume(paused);
        continue;
      }
      if (!mayBegin) return this.#flights.count > 0 ? 'full' : 'end';
      const slot = this.#claim();
      if (slot !== NO_TASK) {
        this.#ran++;
        if (this.#isLimited) this.#left--;
        this.#runner.execute(slot);
        this.#clock.step();
      } else if (generators.size === 0) return 'empty';
      else generators.skipQueue();
    }
  }

  /** In the middle of a task: one that comes before it, if there is one. */
  #runAbove(level: number, deadline: number): boolean {
    if (this.#left <= 0 || this.#ends.isDoomed || this.#isSlow) return false; // in the slow lane nobody is overtaken
    // One that is asynchronous can not end before that one has: without a limit there would be ever more. With one of its own no single one keeps others from overtaking.
    if (this.#flights.count + this.#generators.places >= this.#mostBegun) return false;
    const slot = this.#table.kernel.claimAbove(this.#table.at, this.#party, level, deadline);
    if (slot === NO_TASK) return false;
    this.#ran++;
    if (this.#isLimited) this.#left--;
    this.#runner.execute(slot);
    return true;
  }

  /** Strictly by priority, but that one claim in `FAIR_EVERY` is of a less urgent level, each in turn: none starves. */
  #claim(): number {
    const { kernel, at } = this.#table;
    const isInTurn = ++this.#claims % FAIR_EVERY === 0;
    if (this.#isSlow) return kernel.claimSlow(at, this.#party, isInTurn ? 1 : 0, slowNowMs());
    if (isInTurn) return kernel.claimTask(at, this.#party, 1);
    return kernel.claimSoon(at, this.#party, this.#ran > 0 ? GLANCES : 1);
  }

  /** A task that was under way has ended. */
  #landed(): void {
    if (this.#isFull) {
      // Right here: the loop itself would be back two turns of the microtask queue later.
      this.#isFull = false;
      this.#isFull = this.#drain() === 'full';
      if (!this.#isFull) this.#rest.stir();
    } else if (this.#flights.count === 0 || this.#generators.size > 0 || this.#ends.isDoomed)
      this.#rest.stir();
    this.#polls.end();
  }

  /** Until it may begin another task. */
  #land(): Promise<void> {
    this.#isFull = true;
    return this.#rest.stirred();
  }

  /** Whether the owner has told it to take no more tasks. */
  #isToLeave(): boolean {
    return Atomics.load(this.#table.i32, this.#leavesWord) !== WORKER_STAYS; // observe: pairs with retireWorker
  }

  #leave(): void {
    // publish: pairs with the owner's look after its end.
    if (!this.#isToLeave()) Atomics.store(this.#table.i32, this.#leavesWord, WORKER_SPENT);
  }

  /** @returns whether it was long enough */
  #block(isLong: boolean): boolean {
    this.#polls.block();
    const isEnough = this.#rest.block(isLong);
    this.#polls.turn();
    return isEnough;
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
      if (!hasLeftovers && !this.#block(false)) return undefined;
      this.#hasTurned = true;
      return this.#turn();
    }
    if (hasLeftovers) return this.#rest.aside(true);
    this.#block(true);
    this.#clock.begin(); // the event loop has nothing to do
    return undefined;
  }

  /** A turn of the event loop. */
  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#clock.begin();
  }
}
