// The loop of a worker: claims tasks, runs them one at a time, spins a moment when there is none, then parks.
//
// A worker blocks only when its event loop has nothing of its own to do: a blocked thread runs no timers and answers no messages.
// Where tasks left something running, or console output is under way, it waits asynchronously instead.
import { FAIR_EVERY, DOOMED, MAY_SLEEP, NO_TASK, PHASE_CLOSED, slotHead, workerEntry } from './layout.ts';
import { readValue, writeThrown, writeValue } from './payload.ts';
import { PRIORITIES } from './priority.ts';
import type { SchedulerTable } from './table.ts';
import type { TaskLoader } from './task-loader.ts';
import type { TaskContext } from './tasks.ts';

/** Longest spin, in milliseconds: about half of what parking and waking costs. Measured: design of dispatch, bench `scheduler`. */
const SPIN_MS = 0.01;
/** A spin that took that much was interrupted: the cores are oversubscribed, so do not spin for a while. Guessed. */
const PREEMPTED_MS = 0.2;
const COOL_DOWN_MS = 3;
/** Tasks of one go between turns of the event loop, in milliseconds; the clock is read after every `CLOCK_EVERY` tasks. Guessed. */
const TURN_EVERY_MS = 10;
const CLOCK_EVERY = 8;
/** Guessed. */
const NAP_MS = 0.05;
/** Active resources of an idle worker: what keeps it alive. */
const OWN_RESOURCES = 1;
const PAUSES = 32;

const pause: () => void = (Atomics as { pause?: () => void }).pause ?? ((): void => {});

export class WorkerLoop {
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #loader: TaskLoader;
  readonly #context: TaskContext;
  readonly #wakeWord: number;
  #slot = 0;
  #claims = 0;
  #fairBand = PRIORITIES.length - 1;
  #coolUntilMs = 0;
  #isDoomed = false;

  constructor(table: SchedulerTable, worker: number, loader: TaskLoader) {
    this.#table = table;
    this.#party = worker + 1;
    this.#loader = loader;
    this.#wakeWord = table.workerWord(this.#party) + workerEntry.word.wake;
    this.#context = Object.freeze({
      worker,
      cancelled: () => table.kernel.isDisowned(table.at, this.#slot) === 1,
    });
  }

  /** Runs tasks until the scheduler is closed, or this worker is being terminated. */
  async run(): Promise<void> {
    while (!this.#isDoomed && this.#table.phase !== PHASE_CLOSED) {
      const count = await this.#runQueued();
      if (this.#isDoomed) return;
      if (this.#spin()) {
        // Something is queued that can not be claimed yet: its client is held up in the middle of entering it. Parking would be
        // wrong, since the client may wake another worker for it; spinning may keep the client from the core.
        if (count === 0) Atomics.wait(this.#table.i32, this.#wakeWord, this.#wakes(), NAP_MS);
        continue;
      }
      await turn(); // what the last tasks left to the event loop
      await this.#park();
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
      if (count % CLOCK_EVERY !== 0 || performance.now() - startMs < TURN_EVERY_MS) continue;
      await turn();
      startMs = performance.now();
    }
  }

  /** Strictly by priority, but that one claim in `FAIR_EVERY` starts at another band, each in turn: no band starves. */
  #claim(): number {
    const { kernel, at } = this.#table;
    if (++this.#claims % FAIR_EVERY !== 0) return kernel.claimTask(at, this.#party, 0);
    const band = this.#fairBand;
    this.#fairBand = band > 1 ? band - 1 : PRIORITIES.length - 1;
    return kernel.claimTask(at, this.#party, band);
  }

  /** @returns what to wait for where the task is not done yet */
  #execute(slot: number): Promise<void> | undefined {
    this.#slot = slot;
    const index = this.#table.i32[this.#table.slotWord(slot) + slotHead.word.task] as number;
    const run = this.#loader.known(index);
    if (run === undefined) return this.#load(slot, index);
    let result: unknown;
    try {
      result = run(readValue(this.#table, slot), this.#context);
    } catch (error) {
      this.#fail(slot, error);
      return undefined;
    }
    if (isThenable(result)) return this.#await(slot, result);
    this.#succeed(slot, result);
    return undefined;
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
    this.#succeed(slot, value);
  }

  #succeed(slot: number, value: unknown): void {
    try {
      writeValue(this.#table, slot, value, 'result', this.#table.taskNameIn(slot));
    } catch (error) {
      this.#fail(slot, error);
      return;
    }
    this.#finish(slot, 0);
  }

  #fail(slot: number, error: unknown): void {
    writeThrown(this.#table, slot, error, this.#table.taskNameIn(slot));
    this.#finish(slot, 1);
  }

  #finish(slot: number, failed: 0 | 1): void {
    this.#isDoomed = this.#table.kernel.finishSlot(this.#table.at, slot, this.#party, failed) === DOOMED;
  }

  #wakes(): number {
    return Atomics.load(this.#table.i32, this.#wakeWord);
  }

  /** @returns whether there is something to do */
  #spin(): boolean {
    const startMs = performance.now();
    if (startMs < this.#coolUntilMs) return false;
    const { kernel, at } = this.#table;
    let nowMs = startMs;
    while (nowMs - startMs < SPIN_MS) {
      for (let i = 0; i < PAUSES; i++) pause();
      if (kernel.waitingTasks(at) > 0) return true;
      nowMs = performance.now();
    }
    if (nowMs - startMs > PREEMPTED_MS) this.#coolUntilMs = nowMs + COOL_DOWN_MS;
    return false;
  }

  /** Until a task enters or the scheduler closes. */
  async #park(): Promise<void> {
    const { kernel, at, i32 } = this.#table;
    if (process.getActiveResourcesInfo().length <= OWN_RESOURCES) {
      kernel.parkWorker(at, this.#party, -1);
      return;
    }
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
