// The pool: which task goes to which worker when, and how many workers there are.
import type { AbortSignalAny } from './abort.ts';
import { isAborted } from './abort.ts';
import { LeastBusyBalancer, type PiscinaLoadBalancer } from './balancer.ts';
import {
  AbortError,
  abortedBy,
  closeTimedOut,
  filenameMissing,
  noQueue,
  queueAtLimit,
  threadTerminated,
  workerExited,
} from './errors.ts';
import { PoolHosts } from './host.ts';
import { PoolTimes } from './histogram.ts';
import type { TransferList } from './move.ts';
import { pathOf, type FilledOptions } from './options.ts';
import { PoolTask } from './pool-task.ts';
import { PoolWorker, type WorkerEvents } from './pool-worker.ts';
import { WaitingTasks } from './waiting-tasks.ts';

export interface PoolEvents {
  emit(name: string, value?: unknown): void;
  /** Of the async resource that the pool is. */
  readonly asyncId: number;
}

export interface Submission {
  readonly transferList: TransferList | undefined;
  readonly filename: string | null;
  readonly name: string | null;
  readonly signal: AbortSignalAny | null;
}

export class Pool implements WorkerEvents {
  readonly options: FilledOptions;
  readonly times: PoolTimes | undefined;
  readonly startMs: number = performance.now();
  needsDrain = false;
  completed = 0;
  readonly #events: PoolEvents;
  readonly #balancer: PiscinaLoadBalancer;
  /** Who fits is seen without asking it. */
  readonly #isOwnBalancer: boolean;
  readonly #hosts: PoolHosts;
  readonly #waiting: WaitingTasks;
  readonly #capacity: number;
  /** Not ready yet. */
  readonly #starting = new Set<PoolWorker>();
  /** Never changed, but replaced: load balancers keep it. */
  #ready: readonly PoolWorker[] = [];
  #doStartersFail = false;
  #isClosing = false;
  #isDestroying = false;
  #willCheckDrain = false;
  /** Told when nothing waits or runs any more. */
  #onFlushed: (() => void) | undefined;

  constructor(options: FilledOptions, events: PoolEvents) {
    this.options = options;
    this.#events = events;
    const { concurrentTasksPerWorker, loadBalancer } = options;
    this.times = options.recordTiming ? new PoolTimes() : undefined;
    this.#isOwnBalancer = loadBalancer === undefined;
    this.#balancer = loadBalancer ?? LeastBusyBalancer({ maximumUsage: concurrentTasksPerWorker });
    this.#hosts = new PoolHosts(options);
    this.#waiting = new WaitingTasks(options.taskQueue);
    this.#capacity = options.maxThreads * concurrentTasksPerWorker;
    this.#fill(true);
  }

  /** All workers, those that start first. */
  get workers(): PoolWorker[] {
    return [...this.#starting, ...this.#ready];
  }

  get idleThreads(): number {
    return this.#ready.filter((worker) => worker.size === 0).length;
  }

  /** Tasks that no worker will take as soon as it is ready. */
  get queueSize(): number {
    return Math.max(this.#waiting.size - this.#startingCapacity, 0);
  }

  run(task: unknown, { transferList, filename, name, signal }: Submission): Promise<unknown> {
    const file = filename ?? this.options.filename;
    if (file === null) return Promise.reject(filenameMissing());
    if (this.#isClosing || this.#isDestroying)
      return Promise.reject(new AbortError('queue is being terminated'));
    if (signal !== null && isAborted(signal)) return Promise.reject(abortedBy(signal));
    return new Promise((resolve, reject) => {
      this.#submit(
        new PoolTask({
          task,
          transferList,
          filename: pathOf(file),
          name: name ?? this.options.name,
          signal,
          triggerAsyncId: this.#events.asyncId,
          resolve,
          reject,
        }),
      );
    });
  }

  /** Takes no tasks, waits for those that it has, then destroys the pool. @param force those that wait are rejected */
  async close(force: boolean): Promise<void> {
    this.#isClosing = true;
    if (force) for (const task of this.#waiting.takeAll()) task.fail(new AbortError('pool is closed'));
    const isFlushed = await this.#flushed(this.options.closeTimeout);
    try {
      if (!isFlushed) this.#events.emit('error', closeTimedOut());
    } finally {
      await this.destroy();
      this.#events.emit('close');
      this.#isClosing = false;
    }
  }

  /** Ends all workers now; what they have, and what waits, is rejected. */
  async destroy(): Promise<void> {
    this.#isDestroying = true;
    for (const task of this.#waiting.takeAll()) task.fail(threadTerminated());
    await Promise.all(this.workers.map((worker) => this.#remove(worker)));
    await this.#hosts.destroy();
    this.#isDestroying = false;
  }

  onReady(worker: PoolWorker): void {
    if (worker.isReady || worker.destroyed) return;
    this.#admit(worker);
    this.#events.emit('workerCreate', worker);
    this.#onAvailable(worker);
  }

  onTaskEnd(worker: PoolWorker, task: PoolTask, isFine: boolean, value: unknown): void {
    this.completed++;
    this.times?.run.record(performance.now() - task.started);
    this.#onAvailable(worker);
    if (isFine) task.succeed(value);
    else task.fail(value);
    this.#checkFlushed();
    this.#checkDrainSoon();
  }

  onMessage(_worker: PoolWorker, message: unknown): void {
    this.#events.emit('message', message);
  }

  onError(worker: PoolWorker, error: Error): void {
    if (!worker.destroyed && !this.#lose(worker, error)) this.#events.emit('error', error);
  }

  onExit(worker: PoolWorker, exitCode: number): void {
    if (!worker.destroyed) this.#lose(worker, workerExited(exitCode));
  }

  get #size(): number {
    return this.#starting.size + this.#ready.length;
  }

  get #startingCapacity(): number {
    return this.#starting.size * this.options.concurrentTasksPerWorker;
  }

  #submit(task: PoolTask): void {
    const { maxQueue, maxThreads } = this.options;
    task.watch(() => this.#abort(task));
    if (this.#waiting.queued > 0) {
      if (this.#waiting.queued >= maxQueue + this.#startingCapacity)
        task.fail(maxQueue === 0 ? noQueue() : queueAtLimit());
      else {
        this.#waiting.push(task);
        if (this.#size < maxThreads) this.#add();
      }
    } else if (!this.#place(task)) {
      if (this.#size < maxThreads) this.#add();
      if (maxQueue <= 0 && this.#startingCapacity === 0) task.fail(noQueue());
      else this.#waiting.giveBack(task, !this.options.stricterFIFO);
    }
    this.#checkDrainSoon();
  }

  /** @returns whether the task needs no place any more */
  #place(task: PoolTask): boolean {
    if (task.isSettled) return true;
    if (this.#isOwnBalancer && !this.#hasRoom()) return false;
    const worker = this.#balancer(task, this.#ready as PoolWorker[]);
    if (!(worker instanceof PoolWorker) || !worker.hasRoom) return false;
    task.started = performance.now();
    this.times?.wait.record(task.started - task.created);
    worker.post(task);
    this.#checkDrainSoon();
    return true;
  }

  /** Whether a worker has room by the default balancer, for a task that needs no worker to itself. */
  #hasRoom(): boolean {
    const most = this.options.concurrentTasksPerWorker;
    for (const worker of this.#ready) if (worker.currentUsage < most) return true;
    return false;
  }

  /** A worker can take something: places what waits, with more workers where it finds no place. */
  #onAvailable(worker: PoolWorker): void {
    while (this.#waiting.size > 0) {
      if (this.#isOwnBalancer && !this.#hasRoom() && this.#size >= this.options.maxThreads) break;
      const task = this.#waiting.take();
      if (task === null) break;
      if (this.#place(task)) continue;
      this.#waiting.giveBack(task, !this.options.stricterFIFO && !this.#isOwnBalancer);
      if (this.#size >= this.options.maxThreads) break;
      this.#add();
    }
    this.#letGo(worker);
  }

  /** Ends a worker beyond the least number when it has had nothing to do for so long. */
  #letGo(worker: PoolWorker): void {
    const { idleTimeout, minThreads } = this.options;
    const isSpare = (): boolean => worker.size === 0 && !worker.destroyed && this.#size > minThreads;
    if (idleTimeout === Infinity || !isSpare()) return;
    worker.whenIdleFor(idleTimeout, () => {
      if (isSpare()) void this.#remove(worker);
    });
  }

  #abort(task: PoolTask): void {
    const { worker } = task;
    task.fail(abortedBy(task.signal as AbortSignalAny));
    if (worker === undefined) this.#waiting.remove(task);
    else {
      this.completed += worker.size;
      void this.#remove(worker);
      this.#fill(false);
    }
    this.#checkFlushed();
  }

  /** A worker has ended by itself. @returns whether it had tasks */
  #lose(worker: PoolWorker, error: Error): boolean {
    const tasks = worker.release();
    void this.#remove(worker);
    if (worker.isReady && !this.#doStartersFail) this.#fill(false);
    else {
      // They would go on failing. Nobody is left to wait for.
      this.#doStartersFail = true;
      if (this.#size === 0) tasks.push(...this.#waiting.takeAll());
    }
    this.completed += tasks.length;
    for (const task of tasks) task.fail(error);
    this.#checkFlushed();
    this.#checkDrainSoon();
    return tasks.length > 0;
  }

  #remove(worker: PoolWorker): Promise<void> {
    const ended = worker.destroy();
    this.#starting.delete(worker);
    this.#ready = this.#ready.filter((each) => each !== worker);
    this.#events.emit('workerDestroy', worker);
    return ended;
  }

  /** Starts workers up to the least number, and one where tasks wait and nobody is there. @param isFirst they count as ready at once */
  #fill(isFirst: boolean): void {
    if (this.#isDestroying) return;
    while (this.#size < this.options.minThreads && !this.#isClosing) this.#add(isFirst);
    if (this.#size === 0 && this.#waiting.size > 0) this.#add();
  }

  #add(isFirst = false): void {
    const worker = new PoolWorker(this.options, this.#hosts, this);
    this.#starting.add(worker);
    if (!isFirst) return;
    this.#admit(worker);
    // Listeners come after the constructor.
    queueMicrotask(() => {
      this.#events.emit('workerCreate', worker);
      if (!worker.destroyed) this.#onAvailable(worker);
    });
  }

  #admit(worker: PoolWorker): void {
    worker.isReady = true;
    this.#starting.delete(worker);
    this.#ready = [...this.#ready, worker];
  }

  /** Once for all that happens before the next microtask. */
  #checkDrainSoon(): void {
    if (this.#willCheckDrain) return;
    this.#willCheckDrain = true;
    queueMicrotask(() => {
      this.#willCheckDrain = false;
      this.#checkDrain();
    });
  }

  #checkDrain(): void {
    let usage = 0;
    for (const { currentUsage } of this.#ready) if (currentUsage !== Infinity) usage += currentUsage;
    if (usage >= this.#capacity) {
      this.needsDrain = true;
      this.#events.emit('needsDrain');
    } else if (this.needsDrain) {
      this.needsDrain = false;
      this.#events.emit('drain');
    }
  }

  get #isFlushed(): boolean {
    return this.#waiting.size === 0 && this.workers.every((worker) => worker.size === 0);
  }

  #checkFlushed(): void {
    if (this.#onFlushed !== undefined && this.#isFlushed) this.#onFlushed();
  }

  /** @returns false where that took too long */
  #flushed(timeoutMs: number): Promise<boolean> {
    if (this.#isFlushed) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs).unref();
      this.#onFlushed = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
