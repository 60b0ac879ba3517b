// The pool: which task goes to which worker when, and how many workers there are.
// A little longer than other files: the whole of piscina's class is one class here, too.
import type { AsyncResourceOptions } from 'node:async_hooks';
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
import { SharedTasks } from './shared-tasks.ts';
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
  /** The same as the workers', but of no worker in particular. */
  readonly #shared: SharedTasks;
  /** The order of tasks, and who gets them, is the pool's to say. */
  readonly #mayShare: boolean;
  /** Tasks with a signal that have not ended. */
  #abortable = 0;
  readonly #capacity: number;
  /** Not ready yet. */
  readonly #starting = new Set<PoolWorker>();
  /** Never changed, but replaced: load balancers keep it. */
  #ready: readonly PoolWorker[] = [];
  #doStartersFail = false;
  #isClosing = false;
  #isDestroying = false;
  #willCheckDrain = false;
  readonly #asyncOptions: AsyncResourceOptions;
  /** The two ends of the promise that `run` makes: one function for all of them. */
  #resolve: (value: unknown) => void = nothing;
  #reject: (error: unknown) => void = nothing;
  readonly #takeEnds = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };
  /** Told when nothing waits or runs any more. */
  #onFlushed: (() => void) | undefined;

  /** @param isOwnQueue the queue is not the user's */
  constructor(options: FilledOptions, isOwnQueue: boolean, events: PoolEvents) {
    this.options = options;
    this.#events = events;
    this.#asyncOptions = { requireManualDestroy: true, triggerAsyncId: events.asyncId };
    const { concurrentTasksPerWorker, loadBalancer } = options;
    this.times = options.recordTiming ? new PoolTimes() : undefined;
    this.#isOwnBalancer = loadBalancer === undefined;
    this.#balancer = loadBalancer ?? LeastBusyBalancer({ maximumUsage: concurrentTasksPerWorker });
    this.#hosts = new PoolHosts(options);
    this.#shared = new SharedTasks(this.#hosts, (task, isFine, value) =>
      this.#onSharedEnd(task, isFine, value),
    );
    this.#mayShare = this.#isOwnBalancer && isOwnQueue;
    this.#waiting = new WaitingTasks(options.taskQueue);
    this.#capacity = options.maxThreads * concurrentTasksPerWorker;
    this.#fill(true);
  }

  /** All workers, those that start first. */
  get workers(): PoolWorker[] {
    return [...this.#starting, ...this.#ready];
  }

  get idleThreads(): number {
    const idle = this.#ready.filter((worker) => worker.size === 0).length;
    const busy = Math.ceil(Math.min(this.#shared.size, this.#room) / this.options.concurrentTasksPerWorker);
    return Math.max(idle - busy, 0);
  }

  /** Tasks that no worker will take as soon as it is ready. */
  get queueSize(): number {
    return Math.max(this.#waiting.size + this.#overflow - this.#startingCapacity, 0);
  }

  run(task: unknown, { transferList, filename, name, signal }: Submission): Promise<unknown> {
    const file = filename ?? this.options.filename;
    if (file === null) return Promise.reject(filenameMissing());
    if (this.#isClosing || this.#isDestroying)
      return Promise.reject(new AbortError('queue is being terminated'));
    if (signal !== null && isAborted(signal)) return Promise.reject(abortedBy(signal));
    const promise = new Promise(this.#takeEnds);
    const { name: usual } = this.options;
    this.#submit(
      new PoolTask(
        task,
        pathOf(file),
        name ?? usual,
        transferList,
        signal,
        this.#resolve,
        this.#reject,
        this.#asyncOptions,
      ),
    );
    return promise;
  }

  /** Takes no tasks, waits for those that it has, then destroys the pool. @param force those that wait are rejected */
  async close(force: boolean): Promise<void> {
    this.#isClosing = true;
    if (force) {
      this.#shared.rejectWaiting(new AbortError('pool is closed'));
      for (const task of this.#waiting.takeAll()) task.fail(new AbortError('pool is closed'));
    }
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
    this.#shared.failAll();
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
    this.#record(task);
    this.#onAvailable(worker);
    this.#settle(task, isFine, value);
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

  #onSharedEnd(task: PoolTask, isFine: boolean, value: unknown): void {
    this.#record(task);
    if (this.#shared.size > 0) this.#share();
    // It is known again what each worker does.
    else for (const worker of this.#ready) this.#onAvailable(worker);
    this.#settle(task, isFine, value);
  }

  #settle(task: PoolTask, isFine: boolean, value: unknown): void {
    if (isFine) task.succeed(value);
    else task.fail(value);
    this.#checkFlushed();
    this.#checkDrainSoon();
  }

  #record({ created, started, waitMs, runMs }: PoolTask): void {
    this.completed++;
    if (this.times === undefined) return;
    this.times.wait.record(started - created + Math.max(waitMs, 0));
    this.times.run.record(runMs < 0 ? performance.now() - started : runMs);
  }

  /** Tasks that workers have room for beside those that each has. */
  get #room(): number {
    let room = this.#ready.length * this.options.concurrentTasksPerWorker;
    for (const worker of this.#ready) room -= worker.size;
    return Math.max(room, 0);
  }

  /** Whether a task that is shared now finds a worker. */
  get #isTakenAtOnce(): boolean {
    return this.#shared.size > 0 && this.#shared.size < this.#room;
  }

  /** Shared tasks that wait. */
  get #overflow(): number {
    return this.#shared.size === 0 ? 0 : Math.max(this.#shared.size - this.#room, 0);
  }

  get #size(): number {
    return this.#starting.size + this.#ready.length;
  }

  get #startingCapacity(): number {
    return this.#starting.size * this.options.concurrentTasksPerWorker;
  }

  #submit(task: PoolTask): void {
    const { maxQueue, maxThreads } = this.options;
    if (task.isAbortable) {
      this.#abortable++;
      task.watch(
        () => this.#abort(task),
        () => this.#abortable--,
      );
    }
    const waiting = this.#waiting.queued + this.#overflow;
    if (waiting > 0) {
      if (waiting >= maxQueue + this.#startingCapacity)
        task.fail(maxQueue === 0 ? noQueue() : queueAtLimit());
      else {
        this.#waiting.push(task);
        if (this.#size < maxThreads) this.#add();
      }
    } else if (!this.#place(task, this.#ready)) {
      if (this.#size < maxThreads) this.#add();
      if (maxQueue <= 0 && this.#startingCapacity === 0 && !this.#isTakenAtOnce) task.fail(noQueue());
      else this.#waiting.giveBack(task, !this.options.stricterFIFO);
    }
    this.#share();
    this.#checkDrainSoon();
  }

  /**
   * Hands over what waits to whichever worker has room first. Only while all workers that there may be are there: before, tasks that wait are what
   * others are started for. Not beside tasks with a signal, each of which has a worker to itself.
   */
  #share(): void {
    if (!this.#mayShare || this.#waiting.queued === 0 || this.#abortable > 0) return;
    if (this.#starting.size > 0 || this.#size < this.options.maxThreads) return;
    while (this.#shared.hasRoom) {
      const task = this.#waiting.take();
      if (task === null) return;
      task.started = performance.now();
      this.#shared.add(task);
    }
  }

  /** @returns whether the task needs no place any more */
  #place(task: PoolTask, workers: readonly PoolWorker[]): boolean {
    if (task.isSettled) return true;
    if (this.#shared.size > 0 || (this.#isOwnBalancer && !this.#hasRoom())) return false;
    const worker = this.#balancer(task, workers as PoolWorker[]);
    if (!(worker instanceof PoolWorker) || !worker.hasRoom) return false;
    task.started = performance.now();
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
    while (this.#waiting.size > 0 && this.#shared.size === 0) {
      if (this.#isOwnBalancer && !this.#hasRoom() && this.#size >= this.options.maxThreads) break;
      const task = this.#waiting.take();
      if (task === null) break;
      // A task that has waited may as well wait for a worker that starts, where the user's load balancer says so.
      if (this.#place(task, this.#isOwnBalancer ? this.#ready : this.workers)) continue;
      this.#waiting.giveBack(task, !this.options.stricterFIFO && !this.#isOwnBalancer);
      if (this.#size >= this.options.maxThreads) break;
      this.#add();
    }
    this.#share();
    this.#letGo(worker);
  }

  /** Ends a worker beyond the least number when it has had nothing to do for so long. */
  #letGo(worker: PoolWorker): void {
    const { idleTimeout, minThreads } = this.options;
    const isSpare = (): boolean =>
      worker.size + this.#shared.size === 0 && !worker.destroyed && this.#size > minThreads;
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
    const wasRunning = worker.isRunning;
    const tasks = worker.release();
    void this.#remove(worker);
    if (worker.isReady && !this.#doStartersFail) this.#fill(false);
    else {
      // They would go on failing. Nobody is left to wait for.
      this.#doStartersFail = true;
      if (this.#size === 0) {
        tasks.push(...this.#waiting.takeAll());
        this.#shared.failAll(error);
      }
    }
    this.completed += tasks.length;
    for (const task of tasks) task.fail(error);
    this.#checkFlushed();
    this.#checkDrainSoon();
    return tasks.length > 0 || wasRunning; // a shared one is told by itself
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
    if (this.#size === 0 && this.#waiting.size + this.#shared.size > 0) this.#add();
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
    if (this.#shared.size > 0) usage += Math.min(this.#shared.size, this.#room);
    if (usage >= this.#capacity) {
      this.needsDrain = true;
      this.#events.emit('needsDrain');
    } else if (this.needsDrain) {
      this.needsDrain = false;
      this.#events.emit('drain');
    }
  }

  get #isFlushed(): boolean {
    if (this.#waiting.size + this.#shared.size > 0) return false;
    return this.workers.every((worker) => worker.size === 0);
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

function nothing(): void {}
