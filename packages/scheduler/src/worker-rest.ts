// What a worker does when it finds nothing to do: spins a moment, then parks.
//
// It blocks only where its event loop has nothing of its own to do: a blocked thread runs no timers and answers no messages. Where tasks wait for something, have
// left something running, or console output is under way, it parks aside: the event loop runs on, and `stir` ends it from there.
import { availableParallelism } from 'node:os';
import { idleStrategy, type IdleStrategy } from '@corelane/shared-memory';
import { IdleTime } from './idle-time.ts';
import { MAY_SLEEP, TIMED_OUT, workerEntry } from './layout.ts';
import type { SchedulerTable } from './table.ts';

/** Longest spin: about half of what parking and waking costs. Measured: design of dispatch, bench `scheduler`. */
const SPIN_US = 10;
/** Looks before each pause, which leaves the core to its other thread. Node 22 has no pause. */
const LOOKS = 4;
/** Who runs while a worker spins: itself, and a client. */
const SPINNING_THREADS = 2;
/** How long a worker parks before it sees to what tasks have left to its event loop, which costs 7 µs. Guessed. */
const LINGER_US = 1000;
/** Guessed. */
const NAP_MS = 0.05;
/** Active resources of an idle worker: what keeps it alive. */
const OWN_RESOURCES = 1;

const pause: () => void = (Atomics as { pause?: () => void }).pause ?? ((): void => {});

export class WorkerRest {
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #wakeWord: number;
  readonly #idleTime: IdleTime;
  /** Decides how long to spin; parking is not its business. */
  readonly #idle: IdleStrategy;
  #isPatienceOver = false;
  #seesWork = false;
  /** The event loop waits on the word, for a value other than this. */
  #watch: { readonly seen: number } | undefined;
  /** Whether a waiter of the event loop may be in the list of those that a notify goes to. */
  #hasWatched = false;
  #stir: (() => void) | undefined;

  constructor(table: SchedulerTable, party: number) {
    const entry = table.workerWord(party);
    this.#table = table;
    this.#party = party;
    this.#wakeWord = entry + workerEntry.word.wake;
    this.#idleTime = new IdleTime(table.i32, entry + workerEntry.word.idle);
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
      // It looks as it spins: what comes is noticed at once.
      host: { now: () => performance.now(), spin: (pauses) => this.#look(pauses), availableParallelism },
    });
  }

  /**
   * Spins until there is something to do, or it has been long enough.
   * @param ran tasks since the last time
   * @returns whether there is something to do
   */
  spin(ran: number): boolean {
    const { kernel, at, i32 } = this.#table;
    this.#idle.idle(ran);
    this.#isPatienceOver = false;
    this.#seesWork = kernel.spinForWork(at, this.#party, 1) === 1;
    while (!this.#seesWork) {
      this.#idle.idle(0);
      if (this.#isPatienceOver) return false;
    }
    // Whoever was to take what there is has taken it meanwhile, or is about to.
    if (ran === 0) Atomics.wait(i32, this.#wakeWord, this.#wakes(), NAP_MS);
    return true;
  }

  #look(pauses: number): void {
    const { kernel, at } = this.#table;
    for (let i = 0; i < pauses && !this.#seesWork; i++) {
      pause();
      this.#seesWork = kernel.spinForWork(at, this.#party, LOOKS) === 1;
    }
  }

  /** Whether tasks have left something to the event loop that Node shows. It shows nothing of ticks, and of rejections that nobody handled. */
  hasLeftovers(): boolean {
    return process.getActiveResourcesInfo().length > OWN_RESOURCES;
  }

  /**
   * Blocks the thread until a task enters or the scheduler closes.
   * @param isLong else only for a moment
   * @returns whether it was long enough
   */
  block(isLong: boolean): boolean {
    const { kernel, at, i32 } = this.#table;
    // A waiter of the event loop, which is not going to run, would take the notify that this thread blocks for.
    if (this.#hasWatched) Atomics.notify(i32, this.#wakeWord);
    this.#hasWatched = false;
    this.#watch = undefined;
    this.#idleTime.begin();
    const how = kernel.parkWorker(at, this.#party, isLong ? -1 : LINGER_US);
    this.#idleTime.end();
    return isLong || how === TIMED_OUT;
  }

  /**
   * Parks and leaves the event loop running, until a task enters, the scheduler closes, or `stir` is called.
   * @param isIdle whether no task is under way
   */
  async aside(isIdle: boolean): Promise<void> {
    const { kernel, at } = this.#table;
    const seen = this.#wakes();
    if (kernel.announceSleep(at, this.#party) !== MAY_SLEEP) return;
    if (isIdle) this.#idleTime.begin();
    if (this.#watchFor(seen)) await this.stirred();
    if (isIdle) this.#idleTime.end();
    kernel.endSleep(at, this.#party);
  }

  /** Settles when `stir` is called. */
  stirred(): Promise<void> {
    return new Promise((resolve) => (this.#stir = resolve));
  }

  /** Ends `aside` and `stirred`. */
  stir(): void {
    this.#stir?.();
    this.#stir = undefined;
  }

  /** @returns false where the word is another one by now */
  #watchFor(seen: number): boolean {
    if (this.#watch?.seen === seen) return true;
    const { async, value } = Atomics.waitAsync(this.#table.i32, this.#wakeWord, seen); // pairs with the notify in wakeOne
    if (!async) return false;
    const watch = { seen };
    this.#watch = watch;
    this.#hasWatched = true;
    void value.then(() => this.#notice(watch));
    return true;
  }

  #notice(watch: { readonly seen: number }): void {
    if (this.#watch === watch) this.#watch = undefined;
    this.stir();
  }

  #wakes(): number {
    return Atomics.load(this.#table.i32, this.#wakeWord);
  }
}
