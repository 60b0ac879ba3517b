// The loop of a worker: claims tasks, runs them one at a time, spins a moment when there is none, then parks.
//
// A worker blocks only when its event loop has nothing of its own to do: a blocked thread runs no timers and answers no messages.
// Where tasks left something running, or console output is under way, it waits asynchronously instead.
import { idleStrategy, type IdleStrategy } from '@corelane/shared-memory';
import {
  DELIVERED,
  DOOMED,
  FAIR_EVERY,
  MAY_SLEEP,
  NO_TASK,
  PHASE_CLOSED,
  slotHead,
  TIMED_OUT,
  WORKER_SPENT,
  WORKER_STAYS,
  workerEntry,
} from './layout.ts';
import { isLinked, readValue, writeThrown } from './payload.ts';
import type { SchedulerTable } from './table.ts';
import type { Runnable, TaskLoader } from './task-loader.ts';
import type { TaskContext } from './tasks.ts';
import { WorkerLink } from './worker-link.ts';

/** Longest spin: about half of what parking and waking costs. Measured: design of dispatch, bench `scheduler`. */
const SPIN_US = 10;
/** Who runs while a worker spins: itself, and a client. */
const SPINNING_THREADS = 2;
/** How long a worker parks before it sees to what tasks have left to its event loop, which costs 7 µs. Guessed. */
const LINGER_US = 1000;
/** Tasks of one go between turns of the event loop, in milliseconds; the clock is read after every `CLOCK_EVERY` tasks. Guessed. */
const TURN_EVERY_MS = 10;
const CLOCK_EVERY = 8;
/** Guessed. */
const NAP_MS = 0.05;
/** Active resources of an idle worker: what keeps it alive. */
const OWN_RESOURCES = 1;

export class WorkerLoop {
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #loader: TaskLoader;
  readonly #link: WorkerLink;
  readonly #context: TaskContext;
  readonly #wakeWord: number;
  readonly #leavesWord: number;
  #slot = 0;
  #claims = 0;
  /** Tasks until another worker takes its place. */
  #left: number;
  #isDoomed = false;
  /** Whether the event loop has had its turn since the last task. */
  #hasTurned = false;
  /** Decides how long to spin; parking is this loop's. */
  readonly #idle: IdleStrategy;
  #isPatienceOver = false;

  constructor(table: SchedulerTable, worker: number, loader: TaskLoader, maxTasks: number) {
    this.#left = maxTasks === 0 ? Infinity : maxTasks;
    this.#table = table;
    this.#party = worker + 1;
    this.#loader = loader;
    this.#link = new WorkerLink(table);
    table.payloads.link = this.#link;
    this.#wakeWord = table.workerWord(this.#party) + workerEntry.word.wake;
    this.#leavesWord = table.workerWord(this.#party) + workerEntry.word.leaves;
    this.#idle = idleStrategy('adaptive', {
      parker: {
        prepare: () => 0,
        park: () => {
          this.#isPatienceOver = true;
          return 'woken';
        },
      },
      threads: SPINNING_THREADS,
      maxSpinUs: SPIN_US,
    });
    this.#context = Object.freeze({
      worker,
      cancelled: () => table.kernel.isDisowned(table.at, this.#slot) === 1,
    });
  }

  /** Runs tasks until the scheduler is closed, or this worker is being terminated. */
  async run(): Promise<void> {
    this.#table.kernel.beginWork(this.#table.at, this.#party);
    while (!this.#isDoomed && this.#table.phase !== PHASE_CLOSED && !this.#leaves()) {
      const count = await this.#runQueued();
      if (this.#isDoomed || this.#leaves()) return;
      this.#idle.idle(count);
      if (count > 0) this.#hasTurned = false;
      if (!this.#spin()) await this.#park();
      // Whoever was to take what there is has taken it meanwhile, or is about to.
      else if (count === 0) Atomics.wait(this.#table.i32, this.#wakeWord, this.#wakes(), NAP_MS);
    }
  }

  /** @returns how many tasks it ran */
  async #runQueued(): Promise<number> {
    let startMs = performance.now();
    for (let count = 0; ;) {
      const slot = this.#claim();
      if (slot === NO_TASK) return count;
      const pending = this.#execute(slot);
      if (pending !== undefined) await pending;
      count++;
      if (this.#isDoomed) return count;
      if (--this.#left === 0) {
        Atomics.store(this.#table.i32, this.#leavesWord, WORKER_SPENT); // publish: pairs with the owner's look after its end
        return count;
      }
      if (count % CLOCK_EVERY !== 0 || performance.now() - startMs < TURN_EVERY_MS) continue;
      await turn();
      startMs = performance.now();
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

  /** @returns what to wait for where the task is not done yet */
  #execute(slot: number): Promise<void> | undefined {
    this.#slot = slot;
    const index = this.#table.i32[this.#table.slotWord(slot) + slotHead.word.task] as number;
    const run = this.#loader.known(index);
    if (run === undefined) return this.#load(slot, index);
    if (isLinked(this.#table, slot)) return this.#receive(slot, run);
    let args: unknown;
    try {
      args = readValue(this.#table, slot);
    } catch (error) {
      this.#fail(slot, error);
      return undefined;
    }
    return this.#run(slot, run, args);
  }

  #run(slot: number, run: Runnable, args: unknown): Promise<void> | undefined {
    let result: unknown;
    try {
      result = run(args, this.#context);
    } catch (error) {
      this.#fail(slot, error);
      return undefined;
    }
    if (isThenable(result)) return this.#await(slot, result);
    return this.#succeed(slot, result);
  }

  /** Its arguments come by a message port. */
  async #receive(slot: number, run: Runnable): Promise<void> {
    let args: unknown;
    try {
      args = await this.#link.argumentsOf(slot);
    } catch (error) {
      this.#fail(slot, error);
      return;
    }
    await this.#run(slot, run, args);
  }

  async #load(slot: number, index: number): Promise<void> {
    try {
      await this.#loader.load(index);
    } catch (error) {
      this.#fail(slot, error);
      return;
    }
    await this.#execute(slot);
  }

  async #await(slot: number, result: PromiseLike<unknown>): Promise<void> {
    let value: unknown;
    try {
      value = await result;
    } catch (error) {
      this.#fail(slot, error);
      return;
    }
    await this.#succeed(slot, value);
  }

  #succeed(slot: number, value: unknown): Promise<void> | undefined {
    let pending: Promise<void> | undefined;
    try {
      pending = this.#link.writeResult(slot, value, this.#table.taskNameIn(slot));
    } catch (error) {
      this.#fail(slot, error);
      return undefined;
    }
    if (pending === undefined) {
      this.#finish(slot, 0);
      return undefined;
    }
    return pending.then(
      () => this.#finish(slot, 0),
      (error: unknown) => this.#fail(slot, error),
    );
  }

  #fail(slot: number, error: unknown): void {
    writeThrown(this.#table, slot, error, this.#table.taskNameIn(slot));
    this.#finish(slot, 1);
  }

  #finish(slot: number, failed: 0 | 1): void {
    const outcome = this.#table.kernel.finishSlot(this.#table.at, slot, this.#party, failed);
    this.#link.finished(slot, outcome === DELIVERED);
    this.#isDoomed = outcome === DOOMED;
  }

  /** Whether it takes no more tasks: the owner has told it so, or it has run as many as it may. */
  #leaves(): boolean {
    return Atomics.load(this.#table.i32, this.#leavesWord) !== WORKER_STAYS; // observe: pairs with retireWorker
  }

  #wakes(): number {
    return Atomics.load(this.#table.i32, this.#wakeWord);
  }

  /** @returns whether there is something to do */
  #spin(): boolean {
    const { kernel, at } = this.#table;
    this.#isPatienceOver = false;
    while (kernel.hasWork(at, this.#party) === 0) {
      this.#idle.idle(0);
      if (this.#isPatienceOver) return false;
    }
    return true;
  }

  /** Until a task enters, the scheduler closes, or the event loop had something to do. */
  async #park(): Promise<void> {
    const { kernel, at } = this.#table;
    const isBusy = process.getActiveResourcesInfo().length > OWN_RESOURCES;
    if (!this.#hasTurned) {
      // Ticks, rejections that nobody handled: Node shows nothing of them, and looks at them only between turns.
      if (!isBusy && kernel.parkWorker(at, this.#party, LINGER_US) !== TIMED_OUT) return;
      await turn();
      this.#hasTurned = true;
    } else if (isBusy) await this.#parkAside();
    else kernel.parkWorker(at, this.#party, -1);
  }

  /** Parks and leaves the event loop running. */
  async #parkAside(): Promise<void> {
    const { kernel, at, i32 } = this.#table;
    const seen = this.#wakes();
    if (kernel.announceSleep(at, this.#party) !== MAY_SLEEP) return;
    const { async, value } = Atomics.waitAsync(i32, this.#wakeWord, seen); // pairs with the notify in wakeOne
    if (async) await value;
    kernel.endSleep(at, this.#party);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

/** A turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
