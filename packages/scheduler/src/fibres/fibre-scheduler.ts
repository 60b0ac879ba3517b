// Fibres on one thread: begun, counted, cancelled and waited for. `FibreLoop` runs them.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { checkNames } from '../budgets/known-options.ts';
import { checkTimeout, type CloseOptions } from '../options.ts';
import type { TaskHooks } from '../budgets/hooks.ts';
import { FibreCancelledError, FibresClosedError, FibresExhaustedError } from './errors.ts';
import { Fibre } from './fibre.ts';
import {
  checkFibre,
  fibrePlan,
  levelIn,
  type FibreOptions,
  type FibrePlan,
  type FibreSchedulerOptions,
} from './fibre-options.ts';
import { FibreContext } from './fibre-context.ts';
import { FibreLoop, type LoopHost } from './fibre-loop.ts';
import { FibreTask, type FibreBody } from './fibre-task.ts';
import { FibreWatch, type FibreBudgetStats } from './fibre-watch.ts';
import { Sleepers } from './sleepers.ts';
import type { SwitchReport } from './switch-statistics.ts';
import type { Sleep, Wait } from './waits.ts';

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
  /** Of option `budgets`. */
  readonly budgets: FibreBudgetStats | undefined;
}

export class FibreScheduler implements LoopHost {
  readonly #plan: FibrePlan;
  readonly #watch: FibreWatch | undefined;
  readonly #loop: FibreLoop;
  readonly #sleepers = new Sleepers((sleep) => this.wake(sleep.task as FibreTask, sleep));
  readonly #live = new Set<FibreTask>();
  #spawned = 0;
  readonly #counts = { finished: 0, failed: 0, cancelled: 0 };
  #isClosed = false;
  readonly #whenEmpty: (() => void)[] = [];

  /** @throws ArgumentRangeError */
  constructor(options: FibreSchedulerOptions = {}) {
    this.#plan = fibrePlan(options);
    const { budgets, hooks, cpuClock } = this.#plan;
    this.#watch = budgets && new FibreWatch(budgets, hooks, cpuClock);
    this.#loop = new FibreLoop(this.#plan, this, this.#watch);
  }

  /** Fibres that have not ended. */
  get size(): number {
    return this.#live.size;
  }

  /**
   * Begins a fibre: not before this returns.
   * @param body a generator function, which is given its context, or a generator that has not been begun
   * @throws ArgumentRangeError, FibresClosedError, FibresExhaustedError
   */
  spawn<R>(
    body: ((context: FibreContext) => FibreBody<R>) | FibreBody<R>,
    options: FibreOptions = {},
  ): Fibre<R> {
    const plan = this.#plan;
    checkFibre(options, plan.policy);
    const level = levelIn(options);
    const id = this.#spawned;
    const name = options.name ?? ((typeof body === 'function' && body.name) || `fibre ${id}`);
    if (this.#isClosed) throw new FibresClosedError(name);
    if (this.#live.size >= plan.maxFibres) throw new FibresExhaustedError(name, plan.maxFibres);
    const { sliceMs = plan.sliceMs, deadlineMs = Infinity, signal } = options;
    const context = new FibreContext(name, this.#watch?.unitsAt(level));
    const generator = generatorOf(body, context);
    const task = new FibreTask(id, name, level, sliceMs, deadlineMs - performance.timeOrigin, generator);
    task.context = context;
    this.#watch?.add(task, context);
    this.#spawned++;
    this.#live.add(task);
    this.#loop.makeReady(task);
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
    return this.#loop.poll(most);
  }

  stats(): FibreStats {
    return {
      spawned: this.#spawned,
      ...this.#counts,
      live: this.#live.size,
      ready: this.#loop.ready,
      sleeping: this.#sleepers.size,
      polls: this.#loop.polls,
      preempted: this.#loop.preempted,
      turns: this.#loop.turns,
      switches: this.#loop.switches.report(),
      budgets: this.#watch?.stats(this.#live),
    };
  }

  /**
   * Exchanges what is called around polls, from the next one on; undefined: nothing is.
   * @throws ArgumentRangeError, also without option `budgets`
   */
  setHooks(hooks: TaskHooks | undefined): void {
    if (this.#watch === undefined)
      throw new ArgumentRangeError('hooks', hooks, 'none without option budgets');
    this.#watch.hooks.set(hooks);
  }

  /**
   * Takes no more fibres, and waits until all have ended. Harmless when called again.
   * @param options `timeoutMs`: after that it cancels what is left
   * @throws ArgumentRangeError
   */
  close(options: CloseOptions = {}): Promise<void> {
    checkNames('options', options, ['timeoutMs']);
    const timeoutMs = checkTimeout(options.timeoutMs);
    this.#isClosed = true;
    if (this.#live.size === 0) return Promise.resolve();
    const closed = new Promise<void>((resolve) => void this.#whenEmpty.push(resolve));
    if (timeoutMs === undefined) return closed;
    const timer = setTimeout(() => void this.destroy(), timeoutMs);
    return closed.finally(() => clearTimeout(timer));
  }

  /** Takes no more fibres, cancels all, and waits until their `finally` blocks have ended, however long that takes. Harmless when called again. */
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
    this.#loop.makeReady(task);
  }

  /** @internal */
  addSleep(sleep: Sleep): void {
    this.#sleepers.add(sleep);
  }

  /** @internal */
  removeSleep(sleep: Sleep): void {
    this.#sleepers.remove(sleep);
  }

  readonly #cancelTask = (task: FibreTask, reason: unknown): boolean => {
    if (task.hasEnded || task.isCancelled) return false;
    task.cancel(reason === undefined ? new FibreCancelledError(task.name) : reason);
    const { wait } = task;
    if (wait === undefined || task.isMasked) return true;
    task.wait = undefined;
    wait.end(this);
    this.#loop.makeReady(task);
    return true;
  };

  #listen(task: FibreTask, signal: AbortSignal): void {
    const abort = (): void => void this.#cancelTask(task, signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    task.release = (): void => signal.removeEventListener('abort', abort);
  }

  /** @internal */
  ended(task: FibreTask, state: 'finished' | 'failed' | 'cancelled', value: unknown): void {
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

function generatorOf<R>(
  body: ((context: FibreContext) => FibreBody<R>) | FibreBody<R>,
  context: FibreContext,
): FibreBody<R> {
  const generator: Partial<FibreBody<R>> | null | undefined =
    typeof body === 'function' ? body(context) : body;
  if (typeof generator?.next === 'function' && typeof generator.return === 'function')
    return generator as FibreBody<R>;
  throw new ArgumentRangeError('body', body, 'a generator, or a generator function');
}
