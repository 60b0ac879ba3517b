// Tasks that are generators, or steps: each `yield`, and each end of a step, is a point at which the worker may leave them for something else, for good where nobody waits any more.
//
// One makes way when its slice is over: under policy `roundRobin`, and where polls are watched after as long as one poll may last, whatever the policy. It makes way after each
// poll where its tier asks for that: then what is queued has as much time as the poll took. At tier Isolate it has a share of the worker's time: after a poll others have so many times as much, if there are others.
import { uninterrupted } from './checkpoints/checkpoint.ts';
import type { Monitor } from './monitor/monitor.ts';
import { TIER_ISOLATE, TIER_YIELD } from './budgets/tier-table.ts';
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
  /** When others have had their share, where it is isolated. */
  dueMs: number;
  /** Whether it makes way, and is not just interrupted by a turn of the event loop. */
  makesWay: boolean;
  /** From when on it may go on on another worker; Infinity: never. */
  movableFromMs: number;
}

/** What has become of a task that was resumed. */
export type Resumed = 'ended' | 'waits' | 'moves';

/** Of a worker: those that have made way. */
export class GeneratorTasks {
  readonly #clock: Clock;
  readonly #sliceMs: number;
  readonly #isSliced: boolean;
  readonly #monitor: Monitor | undefined;
  /** Time of others for each of its own that an isolated task has. */
  readonly #othersShare: number;
  readonly #ready: GeneratorTask[] = [];
  readonly #isolated: GeneratorTask[] = [];
  /** Of those that are ready, the ones that do not make way. */
  #paused = 0;
  /** Whether what is in the queue goes first, since when, and for how long. */
  #isQueuesTurn = true;
  #queueSinceMs = 0;
  #queueMs: number;
  #isQueueEmpty = false;
  /** What the last one returned. */
  value: unknown;

  /**
   * @param sliceMs Infinity: they run on
   * @param monitor undefined: nobody watches polls
   * @param share of the worker's time for what is isolated, more than 0; 1: as others
   */
  constructor(clock: Clock, sliceMs: number, monitor?: Monitor, share = 1) {
    this.#clock = clock;
    this.#sliceMs = sliceMs;
    this.#queueMs = sliceMs;
    this.#isSliced = sliceMs !== Infinity || monitor !== undefined;
    this.#monitor = monitor;
    this.#othersShare = 1 / share - 1;
  }

  get size(): number {
    return this.#ready.length + this.#isolated.length;
  }

  /** How many tasks less a worker may begin for those that have made way. */
  get places(): number {
    if (this.size >= MOST_SLICED) return Infinity;
    return this.#isSliced ? 0 : this.#paused;
  }

  /**
   * Runs one until it has ended, makes way, may move to another worker, or the event loop is to have a turn. The caller ends its last poll.
   * @returns `ended`: `value` is what it returned. @throws what it throws
   */
  resume(task: GeneratorTask): Resumed {
    const monitor = this.#monitor;
    if (monitor !== undefined) return this.#resumeWatched(task, monitor);
    const { generator, context } = task;
    const { cancelled, polls } = context;
    const clock = this.#clock;
    clock.look();
    const startMs = clock.nowMs - task.spentMs;
    for (;;) {
      polls.begin(context.slot);
      const { done, value } = generator.next();
      if (done === true) return this.#end(value);
      if (cancelled()) return this.#leave(generator);
      if (clock.step() && this.#makesWay(task, startMs, this.#sliceMs)) return 'waits';
    }
  }

  #resumeWatched(task: GeneratorTask, monitor: Monitor): Resumed {
    const { generator, context } = task;
    const { cancelled, polls, watched } = context;
    const clock = this.#clock;
    if (watched === undefined) throw new TypeError('a task without a record, expected one that is watched');
    clock.look();
    const startMs = clock.nowMs - task.spentMs;
    // Polls that are short, but have no end, are one run that is too long.
    const sliceMs = Math.min(this.#sliceMs, watched.rules.slowPollMs);
    for (;;) {
      polls.begin(context.slot);
      monitor.begin(watched);
      let next: ReturnType<Resumable['next']>;
      try {
        next = generator.next();
      } catch (error) {
        monitor.end(watched, 'failed', context.endPoll());
        throw error;
      }
      const hasLooked = monitor.end(watched, next.done === true ? 'done' : 'pending', context.endPoll());
      if (next.done === true) return this.#end(next.value);
      if (cancelled()) return this.#leave(generator);
      if (watched.tier >= TIER_YIELD) {
        clock.look();
        task.spentMs = clock.nowMs - startMs;
        if (watched.tier === TIER_ISOLATE && clock.nowMs >= task.movableFromMs) return 'moves';
        this.stay(task);
        return 'waits';
      }
      if ((hasLooked || clock.step()) && this.#makesWay(task, startMs, sliceMs)) {
        if (task.makesWay) monitor.yielded(watched, 'budget');
        return 'waits';
      }
    }
  }

  /** It makes way for its tier, after `spentMs`. */
  stay(task: GeneratorTask): void {
    const { watched } = task.context;
    if (watched === undefined) return;
    this.#makeWay(task, task.spentMs, watched.tier === TIER_ISOLATE);
    this.#monitor?.yielded(watched, 'tier');
  }

  #end(value: unknown): Resumed {
    this.value = value;
    return 'ended';
  }

  #leave(generator: Resumable): Resumed {
    uninterrupted(() => generator.return(undefined)); // its `finally`, whose loops have checkpoints, too
    return this.#end(undefined);
  }

  /** @returns whether it does not go on at once, as of the last look at the clock */
  #makesWay(task: GeneratorTask, startMs: number, sliceMs: number): boolean {
    const spentMs = this.#clock.nowMs - startMs;
    if (spentMs >= sliceMs) this.#giveWay(task, sliceMs, false);
    else if (this.#clock.isTurnDue) this.#pause(task, spentMs);
    else return false;
    return true;
  }

  /**
   * Which of those that have made way goes on now. To be asked where there are some.
   * @param mayBegin whether the worker may begin another task
   * @returns undefined: it is the turn of what is in the queue
   */
  next(mayBegin: boolean): GeneratorTask | undefined {
    const isolated = this.#isolated[0];
    const { nowMs } = this.#clock;
    const isQueueEmpty = this.#isQueueEmpty || !mayBegin;
    this.#isQueueEmpty = false;
    if (isolated !== undefined && (isolated.dueMs <= nowMs || (isQueueEmpty && this.#ready.length === 0)))
      return this.#isolated.shift();
    if (mayBegin && this.#isQueuesTurn && this.#queueMs !== Infinity) {
      if (nowMs - this.#queueSinceMs < this.#queueMs) return undefined;
      this.#isQueuesTurn = false;
    }
    const task = this.#ready.shift();
    if (task?.makesWay === false) this.#paused--;
    return task;
  }

  /** Its tier asks for it. @param tookMs what it has had */
  #makeWay(task: GeneratorTask, tookMs: number, isIsolated: boolean): void {
    if (!isIsolated || this.#othersShare === 0) {
      this.#giveWay(task, Math.min(tookMs, this.#sliceMs), true);
      return;
    }
    task.spentMs = 0;
    task.makesWay = true;
    task.dueMs = this.#clock.nowMs + tookMs * this.#othersShare;
    this.#isolated.push(task);
  }

  /** @param isLast others that have made way before come after what is in the queue, too */
  #giveWay(task: GeneratorTask, queueMs: number, isLast: boolean): void {
    task.spentMs = 0;
    task.makesWay = true;
    this.#ready.push(task);
    // In turn with those that have made way before, where there are some.
    this.#isQueuesTurn = isLast || !this.#isQueuesTurn || this.#ready.length === 1;
    this.#queueSinceMs = this.#clock.nowMs;
    this.#queueMs = queueMs;
  }

  /** It goes on as soon as the event loop has had its turn. */
  #pause(task: GeneratorTask, spentMs: number): void {
    task.spentMs = spentMs;
    task.makesWay = false;
    this.#paused++;
    this.#ready.unshift(task);
    this.#isQueuesTurn = false;
  }

  /** There is nothing in the queue. */
  skipQueue(): void {
    this.#isQueuesTurn = false;
    this.#isQueueEmpty = true;
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
