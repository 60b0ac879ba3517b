// The threads of a pool: workers of a scheduler, started and ended one by one, each of which takes the tasks that are pinned to it.
import { once } from 'node:events';
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import { NotCloneableError, WorkerLostError } from '../errors.ts';
import { LEVELS, MAX_THREADS } from '../layout.ts';
import type { RunOptions, SchedulerOptions } from '../options.ts';
import { DEFAULT_LEVEL } from '../priority.ts';
import { Scheduler } from '../scheduler.ts';
import type { TimingRecorders } from '../task-times.ts';
import type { WorkerSettings } from '../worker-settings.ts';
import { workerExited } from './errors.ts';
import { HandlerTasks, type Call, type Handler } from './handlers.ts';
import { isMoved, withTransfers } from '../transfer.ts';
import type { ValueLink } from '../value-link.ts';
import { outgoing } from './move.ts';
import { ownOf, type FilledOptions } from './options.ts';
import type { PoolTask } from './pool-task.ts';
import { AheadLink } from './port-link.ts';

/** What a worker is told before it takes tasks. */
export interface SetupData {
  readonly port: MessagePort;
  /** What it imports before it is ready. */
  readonly preload: Handler | undefined;
}

export interface ThreadEvents {
  onReady(): void;
  onMessage(message: unknown): void;
  onError(error: Error): void;
  onExit(exitCode: number): void;
}

/** A task has ended: with a result, or with an error. */
export type OnEnd = (task: PoolTask, isFine: boolean, value: unknown) => void;

/** Tasks that a worker is given at once at most, whatever `concurrentTasksPerWorker` says. */
export const MAX_TASKS = 1024;
const MAX_HANDLERS = 200;
const MAX_SLOTS = 65_536;
/** Tasks at once that are for any worker. */
export const MAX_SHARED = 2048;
const MAX_NICE = 19;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function workerModule(): string {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? './worker.ts' : './piscina-worker.js', import.meta.url).href;
}

/** The thread of one worker. */
export class PoolThread {
  readonly worker: Worker;
  readonly #host: Host;
  readonly #index: number;

  constructor(host: Host, index: number, events: ThreadEvents) {
    this.#host = host;
    this.#index = index;
    this.worker = host.workerAt(index) as Worker;
    this.worker.on('error', (error) => events.onError(error));
    this.worker.on('exit', (exitCode) => events.onExit(exitCode));
  }

  /** Hands a task over, to this worker alone. */
  post(task: PoolTask, onEnd: OnEnd): void {
    this.#host.post(this.#index, task, onEnd);
  }

  /** Whether it runs something. */
  get isRunning(): boolean {
    return this.#host.isRunning(this.#index);
  }

  /** Ends it now. Nobody is told of what it has. @returns when it has ended */
  terminate(): Promise<unknown> {
    return this.#host.terminate(this.#index, this.worker);
  }
}

/** A scheduler with places for workers that come and go. */
class Host {
  readonly #scheduler: Scheduler;
  readonly #link: AheadLink;
  readonly #handlers = new HandlerTasks(workerModule(), MAX_HANDLERS);
  /** By worker. */
  readonly #ports: (MessagePort | undefined)[] = [];
  readonly #events: (ThreadEvents | undefined)[] = [];
  readonly #pins: RunOptions[] = [];
  /** Of the task that ends next: told just before. */
  #waitMs = -1;
  #runMs = -1;

  constructor(options: FilledOptions) {
    const { concurrentTasksPerWorker, filename, name } = options;
    // A worker that has been told to end has its place until it has ended.
    const places = Math.min(Math.ceil(options.maxThreads) * 2, MAX_THREADS);
    const concurrentTasks = Math.min(Math.ceil(concurrentTasksPerWorker), MAX_TASKS);
    this.#scheduler = Scheduler.create(
      ownOf<SchedulerOptions>({
        ...workerSettings(options),
        minThreads: 0,
        maxThreads: places,
        growth: 'manual',
        // A load balancer of the user's may give a worker more than that at once.
        concurrentTasksPerWorker: options.loadBalancer === undefined ? concurrentTasks : MAX_TASKS,
        slots: Math.min(places * concurrentTasks + MAX_SHARED, MAX_SLOTS),
        maxClients: 1,
        ...(options.recordTiming && { timing: this.#recorders() }),
        setup: (worker) => {
          const { port1, port2 } = new MessageChannel();
          this.#ports[worker] = port1;
          const preload = filename === null ? undefined : { filename, name };
          const data: SetupData = { port: port2, preload };
          return { module: workerModule(), data, transferList: [port2] };
        },
      }),
    );
    this.#scheduler.on('error', () => {}); // told by the thread's own events
    this.#scheduler.on('message', (message, worker) => this.#events[worker]?.onMessage(message));
    this.#scheduler.on('workerCreate', ({ worker }) => this.#events[worker]?.onReady());
    const { payloads } = this.#scheduler.table;
    this.#link = new AheadLink(payloads.link as ValueLink);
    payloads.link = this.#link;
    payloads.sendsLarge = true;
  }

  #recorders(): TimingRecorders {
    return {
      wait: { record: (ms) => void (this.#waitMs = ms) },
      run: { record: (ms) => void (this.#runMs = ms) },
    };
  }

  /** @returns undefined where there is no place for another one. Throws what `new Worker()` throws */
  start(events: ThreadEvents): PoolThread | undefined {
    const index = this.#scheduler.startWorker();
    if (index === undefined) return undefined;
    this.#events[index] = events;
    this.#pins[index] ??= { pin: { worker: index } };
    return new PoolThread(this, index, events);
  }

  /** Undefined where its thread has ended. */
  workerAt(index: number): Worker | undefined {
    return this.#scheduler.workers[index]?.worker;
  }

  /** @param worker undefined: whichever has room first */
  post(worker: number | undefined, task: PoolTask, onEnd: OnEnd): void {
    const { filename, name, transferList } = task;
    const run = this.#handlers.of(filename, name);
    const value = outgoing(task.task, transferList);
    task.task = null;
    this.#link.target = worker === undefined ? undefined : this.#ports[worker];
    this.#scheduler.submit(
      run,
      run === this.#handlers.any ? called(value, filename, name) : value,
      (result) => {
        this.#stamp(task);
        onEnd(task, true, result);
      },
      (error) => {
        this.#stamp(task);
        onEnd(task, false, translated(error));
      },
      worker === undefined ? undefined : this.#pins[worker],
    );
    this.#link.target = undefined;
  }

  isRunning(worker: number): boolean {
    const { kernel, at } = this.#scheduler.table;
    return kernel.holdsSlot(at, worker + 1) === 1;
  }

  /** Rejects what no worker has begun of what is for any worker. */
  rejectWaiting(reason: unknown): void {
    this.#scheduler.client.forsake(DEFAULT_LEVEL, reason, true);
  }

  #stamp(task: PoolTask): void {
    task.waitMs = this.#waitMs;
    task.runMs = this.#runMs;
    this.#waitMs = this.#runMs = -1;
  }

  /** Before another worker has the place. */
  async terminate(index: number, worker: Worker): Promise<void> {
    this.#scheduler.client.forsake(LEVELS + index);
    this.#ports[index]?.close();
    if (this.workerAt(index) !== worker) return; // it has ended by itself
    const ended = once(worker, 'exit');
    this.#scheduler.endWorker(index);
    // Whoever waits for its end must see it, and on Node 22 a thread that is being terminated keeps nothing alive, whether it is ref'd or not.
    const keepAlive = setInterval(() => {}, LONGEST_TIMER_MS);
    await ended;
    clearInterval(keepAlive);
  }

  destroy(): Promise<void> {
    return this.#scheduler.destroy();
  }
}

/** As many schedulers as it takes: mostly one. */
export class PoolHosts {
  readonly #options: FilledOptions;
  #hosts: Host[] = [];

  constructor(options: FilledOptions) {
    this.#options = options;
  }

  /** Throws what `new Worker()` throws. */
  start(events: ThreadEvents): PoolThread {
    for (const host of this.#hosts) {
      const thread = host.start(events);
      if (thread !== undefined) return thread;
    }
    const host = new Host(this.#options);
    this.#hosts.push(host);
    try {
      return host.start(events) as PoolThread;
    } catch (error) {
      this.#hosts.pop();
      void host.destroy();
      throw error;
    }
  }

  /** Whether every worker takes what is for any of them. */
  get isOne(): boolean {
    return this.#hosts.length === 1;
  }

  /** Hands a task over to whichever worker has room first; there is one host. */
  post(task: PoolTask, onEnd: OnEnd): void {
    this.#hosts[0]?.post(undefined, task, onEnd);
  }

  rejectWaiting(reason: unknown): void {
    for (const host of this.#hosts) host.rejectWaiting(reason);
  }

  /** All threads have ended. */
  async destroy(): Promise<void> {
    const hosts = this.#hosts;
    this.#hosts = [];
    await Promise.all(hosts.map((host) => host.destroy()));
  }
}

/** Options of worker threads. What is undefined is not given at all. */
function workerSettings(options: FilledOptions): WorkerSettings {
  const { workerData, argv, execArgv, env, resourceLimits, trackUnmanagedFds } = options;
  const niceIncrement = Math.max(0, Math.min(Math.trunc(options.niceIncrement), MAX_NICE));
  const given = { argv, execArgv, env, resourceLimits, trackUnmanagedFds };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return { workerData, niceIncrement, name: 'piscina', ...Object.fromEntries(known) };
}

/** The argument of the task that is told what to run. */
function called(value: unknown, filename: string, name: string): unknown {
  if (!isMoved(value)) return { filename, name, value } satisfies Call;
  return withTransfers({ filename, name, value: value.value } satisfies Call, value.list);
}

/** An error of the scheduler as piscina would have it. */
function translated(error: unknown): unknown {
  if (error instanceof NotCloneableError) return error.cause;
  if (error instanceof WorkerLostError) return error.cause ?? workerExited(error.exitCode);
  return error;
}
