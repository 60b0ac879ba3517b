// A worker of a pool: its thread, and the tasks that it has.
import type { Worker } from 'node:worker_threads';
import type { PiscinaWorker } from './balancer.ts';
import { threadTerminated } from './errors.ts';
import { Times, type PiscinaHistogramSummary } from './histogram.ts';
import { MAX_TASKS, type OnEnd, type PoolHosts, type PoolThread } from './host.ts';
import type { FilledOptions } from './options.ts';
import type { PoolTask } from './pool-task.ts';

export interface WorkerEvents {
  onReady(worker: PoolWorker): void;
  /** It has ended; the worker has it no more. */
  onTaskEnd(worker: PoolWorker, task: PoolTask, isFine: boolean, value: unknown): void;
  onMessage(worker: PoolWorker, message: unknown): void;
  onError(worker: PoolWorker, error: Error): void;
  onExit(worker: PoolWorker, exitCode: number): void;
}

export class PoolWorker implements PiscinaWorker {
  isReady = false;
  /** It is being ended; a moment, since nobody waits for its thread. */
  terminating = false;
  destroyed = false;
  readonly #thread: PoolThread;
  readonly #events: WorkerEvents;
  readonly #tasks = new Set<PoolTask>();
  readonly #onEnd: OnEnd = (task, isFine, value) => this.#end(task, isFine, value);
  readonly #times: Times | undefined;
  #abortable = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(options: FilledOptions, hosts: PoolHosts, events: WorkerEvents) {
    this.#events = events;
    this.#times = options.workerHistogram ? new Times() : undefined;
    this.#thread = hosts.start({
      onReady: () => events.onReady(this),
      onMessage: (message) => events.onMessage(this, message),
      onError: (error) => events.onError(this, error),
      onExit: (exitCode) => events.onExit(this, exitCode),
    });
  }

  get thread(): Worker {
    return this.#thread.worker;
  }

  get id(): number {
    return this.#thread.worker.threadId;
  }

  get size(): number {
    return this.#tasks.size;
  }

  get isRunningAbortableTask(): boolean {
    return this.#abortable === 1 && this.#tasks.size === 1;
  }

  get currentUsage(): number {
    return this.isRunningAbortableTask ? Infinity : this.#tasks.size;
  }

  get histogram(): PiscinaHistogramSummary | null {
    return this.#times?.summary() ?? null;
  }

  /** Whether it can take another task, whatever a load balancer says. */
  get hasRoom(): boolean {
    return !this.destroyed && this.#tasks.size < MAX_TASKS;
  }

  post(task: PoolTask): void {
    this.cancelIdle();
    task.worker = this;
    this.#tasks.add(task);
    if (task.isAbortable) this.#abortable++;
    this.#thread.post(task, this.#onEnd);
  }

  /** Whether it has a task, of whatever lane, in its hands. */
  get isRunning(): boolean {
    return this.#thread.isRunning;
  }

  /** It has these no more: they are the caller's to settle. */
  release(): PoolTask[] {
    const tasks = [...this.#tasks];
    this.#tasks.clear();
    this.#abortable = 0;
    return tasks;
  }

  /** Ends the thread; what it has fails. @returns when the thread has ended */
  async destroy(): Promise<void> {
    if (this.destroyed) return;
    this.terminating = true;
    this.cancelIdle();
    const ended = this.#thread.terminate();
    for (const task of this.release()) task.fail(threadTerminated());
    this.terminating = false;
    this.destroyed = true;
    await ended;
  }

  /** Calls back when it has had nothing to do for so long. */
  whenIdleFor(ms: number, then: () => void): void {
    this.cancelIdle();
    this.#idleTimer = setTimeout(then, ms).unref();
  }

  cancelIdle(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = undefined;
  }

  #end(task: PoolTask, isFine: boolean, value: unknown): void {
    if (!this.#tasks.delete(task)) return; // it has been settled with the worker
    if (task.isAbortable) this.#abortable--;
    this.#times?.record(performance.now() - task.started);
    this.#events.onTaskEnd(this, task, isFine, value);
  }
}
