// Fibres on one thread: which goes on, for how long, and when the event loop has its turn. All that is hot is in `#run` and what it calls.
import { AsyncLocalStorage } from 'node:async_hooks';
import { ArgumentRangeError } from '@corelane/shared-memory';
import { TurnClock } from '../turn-clock.ts';
import { FibreCancelledError, FibresClosedError, FibresExhaustedError, FibreYieldError } from './errors.ts';
import { Fibre } from './fibre.ts';
import {
  checkFibre,
  fibrePlan,
  levelIn,
  type FibreOptions,
  type FibrePlan,
  type FibreSchedulerOptions,
} from './fibre-options.ts';
import { FibreTask, type FibreBody, type FibreGenerator, type FibreYield } from './fibre-task.ts';
import { readyQueue, type ReadyQueue } from './ready-queue.ts';
import { Sleepers } from './sleepers.ts';
import { SwitchStatistics, type SwitchReport } from './switch-statistics.ts';
import { isGiveWay, pause, RESUME, Wait, type Sleep, type WaitHost } from './waits.ts';

// How a fibre has stopped running.

/** It waits, or has ended. */
const STOPPED = 0;
/** It could go on, when its equals have had their turn. */
const TURN_OVER = 1;
/** It could go on, and comes before its equals with what is left of its slice. */
const INTERRUPTED = 2;

export interface FibreStats {
  readonly spawned: number;
  readonly finished: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Those that have not ended, and of these. */
  readonly live: number;
  readonly ready: number;
  readonly sleeping: number;
  /** How often a fibre was resumed. */
  readonly polls: number;
  /** How often one has made way because its slice was over, or a more urgent one was ready. */
  readonly preempted: number;
  /** How often the event loop has had a turn in between. */
  readonly turns: number;
  /** From one fibre to another. Of this thread alone: hand-offs between threads are not among them. */
  readonly switches: SwitchReport;
}

export class FibreScheduler implements WaitHost {
  readonly #plan: FibrePlan;
  readonly #ready: ReadyQueue;
  readonly #clock = new TurnClock();
  readonly #sleepers = new Sleepers((sleep) => this.wake(sleep.task as FibreTask, sleep));
  readonly #live = new Set<FibreTask>();
  readonly #switches: SwitchStatistics;
  #current: FibreTask | undefined = undefined;
  /** The one that ran last. */
  #last: FibreTask | undefined = undefined;
  #isScheduled = false;
  /** Fibres run in the async context in which their scheduler was made, whoever has woken them. */
  readonly #inContext = AsyncLocalStorage.snapshot();
  /** When the event loop has had its last turn, as far as is known. */
  #turnMs = 0;
  /** When the loop stops for its next one; and after how many polls it does. */
  #turnDueMs = 0;
  #pollEnd = 0;
  #untilTimed: number;
  /** Is resumed in place of the next fibre where a switch is timed. */
  readonly #probe = probe();
  #polls = 0;
  #preempted = 0;
  #turns = 0;
  #spawned = 0;
  readonly #counts = { finished: 0, failed: 0, cancelled: 0 };
  #isClosed = false;
  readonly #whenEmpty: (() => void)[] = [];

  /** @throws ArgumentRangeError */
  constructor(options: FibreSchedulerOptions = {}) {
    this.#plan = fibrePlan(options);
    const { policy, ageingMs, switchTargetNs, timeEvery } = this.#plan;
    this.#ready = readyQueue(policy, ageingMs, this.#clock);
    this.#switches = new SwitchStatistics('fibre switch', switchTargetNs);
    this.#untilTimed = timeEvery === 0 ? -1 : timeEvery;
  }

  /** Fibres that have not ended. */
  get size(): number {
    return this.#live.size;
  }

  /**
   * Begins a fibre: not before this returns.
   * @param body a generator function without arguments, or a generator that has not been begun
   * @throws ArgumentRangeError, FibresClosedError, FibresExhaustedError
   */
  spawn<R>(body: (() => FibreBody<R>) | FibreBody<R>, options: FibreOptions = {}): Fibre<R> {
    const plan = this.#plan;
    checkFibre(options, plan.policy);
    const level = levelIn(options);
    const id = this.#spawned;
    const name = options.name ?? ((typeof body === 'function' && body.name) || `fibre ${id}`);
    if (this.#isClosed) throw new FibresClosedError(name);
    if (this.#live.size >= plan.maxFibres) throw new FibresExhaustedError(name, plan.maxFibres);
    const { sliceMs = plan.sliceMs, deadlineMs = Infinity, signal } = options;
    const generator = generatorOf(body);
    const task = new FibreTask(id, name, level, sliceMs, deadlineMs - performance.timeOrigin, generator);
    this.#spawned++;
    this.#live.add(task);
    this.#makeReady(task);
    if (signal !== undefined) this.#listen(task, signal);
    const fibre = new Fibre<R>(task, this.#cancelTask);
    task.fibre = fibre;
    return fibre;
  }

  /**
   * Resumes fibres that are ready, here and now, so many times at most, whatever the event loop waits for. They go on by themselves: this is for who can not wait.
   * @returns how many times; 0 where a fibre calls it
   * @throws ArgumentRangeError
   */
  poll(most = Infinity): number {
    if (!(most >= 0)) throw new ArgumentRangeError('most', most, 'a number from 0 on');
    if (this.#current !== undefined || most === 0) return 0;
    this.#clock.look();
    const before = this.#polls;
    this.#run(most, Infinity);
    return this.#polls - before;
  }

  stats(): FibreStats {
    return {
      spawned: this.#spawned,
      ...this.#counts,
      live: this.#live.size,
      ready: this.#ready.size,
      sleeping: this.#sleepers.size,
      polls: this.#polls,
      preempted: this.#preempted,
      turns: this.#turns,
      switches: this.#switches.report(),
    };
  }

  /** Takes no more fibres, and waits until all have ended. Harmless when called again. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#live.size === 0
      ? Promise.resolve()
      : new Promise((resolve) => void this.#whenEmpty.push(resolve));
  }

  /** Takes no more fibres, cancels all, and waits until their `finally` blocks have ended. Harmless when called again. */
  destroy(reason?: unknown): Promise<void> {
    for (const task of this.#live) this.#cancelTask(task, reason);
    return this.close();
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  wake(task: FibreTask, wait: Wait): void {
    if (task.wait !== wait) return;
    task.wait = undefined;
    this.#makeReady(task);
  }

  /** @internal */
  addSleep(sleep: Sleep): void {
    this.#sleepers.add(sleep);
  }

  /** @internal */
  removeSleep(sleep: Sleep): void {
    this.#sleepers.remove(sleep);
  }

  #makeReady(task: FibreTask): void {
    const isIdle = !this.#isScheduled && this.#current === undefined;
    if (isIdle) this.#clock.look();
    task.state = 'ready';
    this.#ready.add(task);
    if (!isIdle) return;
    if (this.#clock.nowMs - this.#turnMs >= this.#plan.turnEveryMs) this.#schedule();
    else {
      // At once: the event loop has had a turn not long ago.
      this.#isScheduled = true;
      queueMicrotask(this.#continue);
    }
  }

  #schedule(): void {
    this.#isScheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#turns++;
    this.#clock.begin();
    this.#turnMs = this.#clock.nowMs;
    this.#continue();
  };

  readonly #continue = (): void => {
    this.#isScheduled = false;
    if (this.#current !== undefined) return;
    this.#clock.look();
    this.#inContext(this.#runOn);
  };

  readonly #runOn = (): void => this.#run(Infinity, this.#plan.turnEveryMs);

  /** @param turnEveryMs Infinity: the event loop waits, however long it takes */
  #run(most: number, turnEveryMs: number): void {
    const clock = this.#clock;
    const ready = this.#ready;
    this.#pollEnd = this.#polls + most;
    this.#turnDueMs = this.#turnMs + turnEveryMs;
    let task = ready.take();
    while (task !== undefined) {
      if (task !== this.#last) {
        this.#last = task;
        this.#switches.count++;
      }
      task.state = 'running';
      task.sliceEndMs = clock.nowMs + (task.leftMs > 0 ? task.leftMs : task.sliceMs);
      this.#current = task;
      const end = this.#resume(task);
      this.#current = undefined;
      const isTimed = --this.#untilTimed === 0;
      if (isTimed) this.#switches.begin();
      if (end !== STOPPED) {
        task.state = 'ready';
        if (end === INTERRUPTED) ready.putBack(task);
        else ready.add(task);
      }
      task = this.#isOver() ? undefined : ready.take();
      if (isTimed) this.#timeSwitch(task);
    }
    if (ready.size > 0 && !this.#isScheduled) this.#schedule();
  }

  /** Whether `#run` returns: the event loop is to have a turn, or there were as many polls as were asked for. */
  #isOver(): boolean {
    return this.#clock.nowMs >= this.#turnDueMs || this.#polls >= this.#pollEnd;
  }

  /** @param next undefined: there was no switch */
  #timeSwitch(next: FibreTask | undefined): void {
    const isSwitch = next !== undefined && next !== this.#last;
    if (isSwitch) {
      this.#probe.next(RESUME);
      this.#switches.end();
    }
    this.#untilTimed = isSwitch ? this.#plan.timeEvery : 1;
  }

  /** Runs a fibre until it makes way, waits or ends. */
  #resume(task: FibreTask): typeof STOPPED | typeof TURN_OVER | typeof INTERRUPTED {
    const clock = this.#clock;
    task.leftMs = 0;
    for (;;) {
      this.#polls++;
      task.polls++;
      let yielded: IteratorResult<FibreYield, unknown>;
      try {
        yielded = task.hasNews ? task.tell() : task.generator.next(RESUME);
      } catch (error) {
        this.#end(task, 'failed', error);
        return STOPPED;
      }
      clock.step();
      if (yielded.done === true) {
        if (task.isCancelled) this.#end(task, 'cancelled', task.reason);
        else this.#end(task, 'finished', yielded.value);
        return STOPPED;
      }
      const { value } = yielded;
      if (value === undefined) {
        const leftMs = task.sliceEndMs - clock.nowMs;
        if (leftMs <= 0) {
          this.#preempted++;
          return TURN_OVER;
        }
        if (!this.#ready.isOutranked(task) && !this.#isOver()) continue;
        this.#preempted++;
        task.leftMs = leftMs;
        return INTERRUPTED;
      }
      if (isGiveWay(value)) return TURN_OVER;
      if (!(value instanceof Wait)) task.refuse(new FibreYieldError(task.name, value));
      else if (!task.hasNews && this.#wait(task, value)) return STOPPED;
    }
  }

  /** @returns whether it waits */
  #wait(task: FibreTask, wait: Wait): boolean {
    task.state = wait.state;
    task.wait = wait;
    if (wait.begin(this, task)) return true;
    task.state = 'running';
    task.wait = undefined;
    return false;
  }

  readonly #cancelTask = (task: FibreTask, reason: unknown): boolean => {
    if (task.hasEnded || task.isCancelled) return false;
    task.cancel(reason === undefined ? new FibreCancelledError(task.name) : reason);
    const { wait } = task;
    if (wait === undefined) return true;
    task.wait = undefined;
    wait.end(this);
    this.#makeReady(task);
    return true;
  };

  #listen(task: FibreTask, signal: AbortSignal): void {
    const abort = (): void => void this.#cancelTask(task, signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    task.release = (): void => signal.removeEventListener('abort', abort);
  }

  #end(task: FibreTask, state: 'finished' | 'failed' | 'cancelled', value: unknown): void {
    this.#counts[state]++;
    this.#live.delete(task);
    task.end(state, value);
    if (state === 'failed' && !task.isObserved) setImmediate(() => this.#report(task));
    if (this.#live.size > 0) return;
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }

  /** It has failed: unless somebody has asked meanwhile. */
  #report(task: FibreTask): void {
    if (task.isObserved) return;
    const { onError } = this.#plan;
    if (onError !== undefined) onError(task.value, task.fibre as Fibre);
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever it has thrown
    else void Promise.reject(task.value);
  }
}

function* probe(): FibreGenerator<never> {
  for (;;) yield* pause;
}

function generatorOf<R>(body: (() => FibreBody<R>) | FibreBody<R>): FibreBody<R> {
  const generator: Partial<FibreBody<R>> | null | undefined = typeof body === 'function' ? body() : body;
  if (typeof generator?.next === 'function' && typeof generator.return === 'function')
    return generator as FibreBody<R>;
  throw new ArgumentRangeError('body', body, 'a generator, or a generator function');
}
