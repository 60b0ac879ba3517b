// Tasks that are generators, or steps: each `yield`, and each end of a step, is a point at which the worker may leave them for something else, for good where nobody waits any more.
import type { RunContext } from './task-context.ts';
import type { Runnable } from './task-loader.ts';
import type { TurnClock } from './turn-clock.ts';

/** Generators that a worker has begun and not ended at most, where they make way for others: what is lost with it. Guessed. */
const MOST_SLICED = 64;

type Clock = Pick<TurnClock, 'nowMs' | 'isTurnDue' | 'look' | 'step'>;

export type TaskGenerator = Generator<unknown, unknown, undefined>;

/** A generator, or steps in its manner. */
export interface Resumable {
  next(): { readonly done?: boolean | undefined; readonly value: unknown };
  /** Where nobody waits any more. */
  return(value: undefined): unknown;
}

export interface GeneratorTask {
  /** What began it. */
  readonly run: Runnable;
  readonly generator: Resumable;
  readonly context: RunContext;
  /** Milliseconds of its slice that are over. */
  spentMs: number;
}

/** Of a worker: those that have made way. */
export class GeneratorTasks {
  readonly #clock: Clock;
  readonly #sliceMs: number;
  readonly #ready: GeneratorTask[] = [];
  /** Whether what is in the queue goes first, and since when. */
  #isQueuesTurn = true;
  #queueSinceMs = 0;
  /** What the last one returned. */
  value: unknown;

  /** @param sliceMs Infinity: they run on */
  constructor(clock: Clock, sliceMs: number) {
    this.#clock = clock;
    this.#sliceMs = sliceMs;
  }

  get size(): number {
    return this.#ready.length;
  }

  /** How many tasks less a worker may begin for those that have made way. */
  get places(): number {
    if (this.#sliceMs === Infinity) return this.#ready.length;
    return this.#ready.length < MOST_SLICED ? 0 : Infinity;
  }

  /**
   * Runs one until it has ended, its slice is over, or the event loop is to have a turn. The caller ends its last poll.
   * @returns whether it has ended: `value` is what it returned. @throws what it throws
   */
  resume(task: GeneratorTask): boolean {
    const { generator, context } = task;
    const { cancelled, polls } = context;
    const clock = this.#clock;
    clock.look();
    const startMs = clock.nowMs - task.spentMs;
    for (;;) {
      polls.begin(context.slot);
      const { done, value } = generator.next();
      if (done === true) {
        this.value = value;
        return true;
      }
      if (cancelled()) {
        this.value = undefined;
        generator.return(undefined); // its `finally`
        return true;
      }
      if (!clock.step()) continue;
      const spentMs = clock.nowMs - startMs;
      if (spentMs >= this.#sliceMs) this.#giveWay(task);
      else if (clock.isTurnDue) this.#pause(task, spentMs);
      else continue;
      return false;
    }
  }

  /**
   * Which of those that have made way goes on now. To be asked where there are some.
   * @param mayBegin whether the worker may begin another task
   * @returns undefined: it is the turn of what is in the queue
   */
  next(mayBegin: boolean): GeneratorTask | undefined {
    if (this.#sliceMs !== Infinity && mayBegin && this.#isQueuesTurn) {
      if (this.#clock.nowMs - this.#queueSinceMs < this.#sliceMs) return undefined;
      this.#isQueuesTurn = false;
    }
    return this.#ready.shift();
  }

  #giveWay(task: GeneratorTask): void {
    task.spentMs = 0;
    this.#ready.push(task);
    // In turn with those that have made way before, where there are some.
    this.#isQueuesTurn = !this.#isQueuesTurn || this.#ready.length === 1;
    this.#queueSinceMs = this.#clock.nowMs;
  }

  /** It goes on as soon as the event loop has had its turn. */
  #pause(task: GeneratorTask, spentMs: number): void {
    task.spentMs = spentMs;
    this.#ready.unshift(task);
    this.#isQueuesTurn = false;
  }

  /** There is nothing in the queue. */
  skipQueue(): void {
    this.#isQueuesTurn = false;
  }
}

/** Runs one that is asynchronous. @returns what it returned */
export async function runAsync(
  generator: AsyncGenerator<unknown, unknown, undefined>,
  context: RunContext,
): Promise<unknown> {
  for (;;) {
    context.polls.begin(context.slot);
    const next = generator.next();
    context.polls.end();
    const { done, value } = await next;
    if (done === true) return value;
    if (!context.cancelled()) continue;
    await generator.return(undefined);
    return undefined;
  }
}
