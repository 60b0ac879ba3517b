// The scheduler as its owner sees it: the thread that creates it has the workers, and is a client itself.
// A little longer than other files: what its owner may call is one class, which hands it on to the parts that do it.
import type { Worker } from 'node:worker_threads';
import { ArgumentRangeError, Arena } from '@corelane/shared-memory';
import { slowPollOf } from './budgets/tell-poll.ts';
import { checkOptions } from './check-options.ts';
import { reclaimPlace, threadOf, type ReclaimedClient } from './client-places.ts';
import { Client } from './client.ts';
import { Crew } from './crew.ts';
import {
  SchedulerClosedError,
  WorkerLostError,
  type SchedulerError,
  type WorkerStartError,
} from './errors.ts';
import type { SlowPollEvent, TierEvent, ViolationEvent } from './budgets/channels.ts';
import { publish, type WatchEvent } from './monitor/event-post.ts';
import { moduleUrl } from './module-url.ts';
import { GracePeriods } from './grace.ts';
import { PHASE_CLOSED, PHASE_CLOSING, PHASE_OPEN, TASK_LOST } from './layout.ts';
import {
  checkObject,
  checkTimeout,
  tableOptions,
  type ClientOptions,
  type CloseOptions,
  type SchedulerOptions,
} from './options.ts';
import { writeThrown } from './payload.ts';
import type { WorkerInfo } from './seat.ts';
import { orderVictims } from './seats.ts';
import { statsOf, type SchedulerStats } from './stats.ts';
import { SchedulerClient, type ClientEvents } from './scheduler-client.ts';
import { bytesFor, clientIn, SchedulerTable, type SchedulerHandle } from './table.ts';
import { Threads } from './threads.ts';
import { Guard } from './watchdog/guard.ts';
import { watchdogPlan } from './watchdog/options.ts';
import { Parking, type ParkedWorker, type ParkOptions } from './watchdog/parking.ts';
import { throttle } from './watchdog/throttle.ts';
import type { SlowTask } from './watchdog/watchdog.ts';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface WorkerCreated {
  readonly worker: number;
  readonly threadId: number;
}

export interface WorkerDestroyed {
  readonly worker: number;
  readonly exitCode: number;
  /** The uncaught error that ended it, where there was one. */
  readonly cause: unknown;
  /** Tasks that failed with it. */
  readonly lost: number;
}

export interface SchedulerEvents extends ClientEvents {
  /** A worker takes tasks. */
  workerCreate: [WorkerCreated];
  workerDestroy: [WorkerDestroyed];
  /** What a task, or what it imported, has sent by `parentPort.postMessage`, and the worker's index. */
  message: [unknown, number];
  /** A poll takes longer than `watchdog.slowMs`: said once of each. */
  slowTask: [SlowTask];
  /** One took longer than `watchdog.killMs`: its worker is being terminated. */
  stuckTask: [SlowTask];
  /** Something that was asked for could not be had, and the worker's index; -1 where it is none's. */
  warning: [string, number];
  /** Option `budgets`: the tier of a task, or of all tasks of a name, has changed. */
  tier: [TierEvent];
  /** Option `budgets`: a poll was a violation; of a worker with many of them, some. */
  violation: [ViolationEvent];
  /** Of these, the slow ones. */
  slowPoll: [SlowPollEvent];
  /** A worker crashed between tasks, or none can be started. What hits a task rejects its promise instead. */
  error: [SchedulerError];
}

export class Scheduler extends SchedulerClient<SchedulerEvents> {
  /** Plain data for `workerData` or `postMessage`: the other thread calls `Scheduler.attach(handle)`. */
  readonly handle: SchedulerHandle;
  /** Settles when as many workers as `minThreads` take tasks; `run` need not wait for it. Rejects where they can not be started. */
  readonly ready: Promise<void>;
  readonly #table: SchedulerTable;
  readonly #client: Client;
  readonly #crew: Crew;
  readonly #guard: Guard | undefined;
  readonly #parking: Parking;
  readonly #keepAlive: NodeJS.Timeout;
  readonly #closeTimeoutMs: number | undefined;
  /** Why a worker could not be started, at last. */
  #startFailure: string | undefined;
  /** Of tasks whose client is gone. */
  readonly #reclaimed: { readonly periods: GracePeriods; readonly ms: number };
  #closing: Promise<void> | undefined;
  #destroying: Promise<void> | undefined;
  /** Looks whether the tasks have ended, while it closes. */
  #onBell: (() => void) | undefined;

  private constructor(table: SchedulerTable, client: Client, options: SchedulerOptions, threads: Threads) {
    super(client);
    this.#table = table;
    this.#closeTimeoutMs = checkTimeout(options.closeTimeoutMs, 'closeTimeoutMs');
    this.#reclaimed = { periods: new GracePeriods(table, client.id + 1), ms: client.graceOf(undefined) };
    this.handle = table.handle;
    this.#client = client;
    this.#crew = new Crew(table, options, threads, {
      onCreate: (worker, threadId) => {
        if (options.topology === undefined) orderVictims(table, undefined); // it may have said where it is
        this.emit('workerCreate', { worker, threadId });
      },
      onDestroy: (worker, exitCode, cause, lost, wasReady) => {
        this.emit('workerDestroy', { worker, exitCode, cause, lost });
        if (cause !== undefined && lost === 0) this.#reportLoss(worker, exitCode, cause, wasReady);
      },
      onMessage: (message, worker) => this.emit('message', message, worker),
      onWarning: (message, worker) => this.#warn(message, worker),
      whyStuck: (worker, threadId) => this.#guard?.whyStuck(worker, threadId),
      onWatch: (event) => this.#tellOf(event),
      onGiveUp: (error) => {
        this.#report(error);
        void this.#destroy(error);
      },
    });
    this.ready = this.#crew.ready;
    this.#parking = new Parking(table, this.#crew.seats, options.interrupt);
    this.#guard = this.#watch(options);
    this.#keepAlive = setInterval(() => {}, LONGEST_TIMER_MS).unref();
    this.#listen();
  }

  /** Starts the workers of a new scheduler. @throws ArgumentRangeError, ArenaExhaustedError */
  static create(options: SchedulerOptions = {}): Scheduler {
    const plan = tableOptions(options);
    checkOptions(options);
    const threads = new Threads(options);
    let client: Client | undefined;
    try {
      const arena = options.arena ?? Arena.create({ bytes: bytesFor(plan) });
      const table = SchedulerTable.create(arena, plan);
      orderVictims(table, options.topology);
      client = new Client(table, options);
      return new Scheduler(table, client, options, threads);
    } catch (error) {
      client?.destroy();
      threads.dismiss();
      throw error;
    }
  }

  /** A client of a scheduler that another thread owns. @throws AttachError, ClientsExhaustedError, SchedulerClosedError */
  static attach(handle: SchedulerHandle, options: ClientOptions = {}): SchedulerClient {
    return new SchedulerClient(new Client(SchedulerTable.attach(handle), options));
  }

  /** Bytes of arena that a scheduler with these options takes at most. @throws ArgumentRangeError */
  static bytesFor(options: SchedulerOptions = {}): number {
    return bytesFor(tableOptions(options));
  }

  /** For the package's other entry points. @internal */
  get table(): SchedulerTable {
    return this.#table;
  }

  /** For the package's other entry points. @internal */
  get client(): Client {
    return this.#client;
  }

  /** Places for workers: `maxThreads`. Those of the slow lane come beside them. */
  get threads(): number {
    return this.#table.common;
  }

  /** The workers as they are now, in order of their index; one for each place. */
  get workers(): readonly WorkerInfo[] {
    return this.#crew.seats.map(({ index, isSlow, threadId, state, worker }) => ({
      index,
      isSlow,
      threadId,
      state,
      worker,
    }));
  }

  /**
   * Starts a worker beyond those that there are, without waiting until tasks wait; it ends when it has been idle, as others do.
   * @returns its index, or undefined where there are `maxThreads`
   */
  startWorker(): number | undefined {
    return this.#crew.startWorker();
  }

  /** Terminates a worker, whatever it does: its tasks fail with WorkerLostError, and another one takes its place where it is wanted. */
  endWorker(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.#table.threads)
      throw new ArgumentRangeError('index', index, `an integer from 0 to ${this.#table.threads - 1}`);
    this.#crew.endWorker(index);
  }

  /**
   * Exchanges the hooks that workers call around polls, while they run tasks: from some poll on each calls the new ones. Option `budgets`.
   * @param hooks URL of a module whose default export is TaskHooks; undefined: none
   * @returns settles when all workers that there are have done so; those that start later have them from the start. Rejects with HooksError where some can not import them. @throws ArgumentRangeError
   */
  setHooks(hooks: string | URL | undefined): Promise<void> {
    const { hooks: exchange } = this.#crew;
    if (exchange === undefined)
      throw new ArgumentRangeError('hooks', hooks, 'none without option budgets: nobody watches polls');
    return exchange.set(hooks === undefined ? undefined : moduleUrl(hooks));
  }

  /**
   * Makes a worker stand still in the middle of its JavaScript, until what this returns is disposed or `maxMs` are over. Experimental: takes option `interrupt`. It keeps what it holds, and its
   * event loop stands still as well; a long native call is not interrupted. Rejects with ArgumentRangeError, NotParkedError.
   */
  parkWorker(index: number, options: ParkOptions = {}): Promise<ParkedWorker> {
    return this.#parking.park(index, options);
  }

  /** What is in it now, on all threads. */
  stats(): SchedulerStats {
    return statsOf(this.#table, this.#crew.seats);
  }

  /**
   * Cleans up after a client whose thread has ended: its queued tasks never run, its running ones are told, and where they have not ended after
   * option `graceMs` their workers are terminated and replaced; its slots are free again. To be called after the thread's 'exit' event, not before. Harmless when called again.
   * @param id `client.id`
   */
  reclaimClient(id: number): ReclaimedClient {
    if (!Number.isInteger(id) || id < 0 || id >= this.#table.maxClients || id === this.#client.id)
      throw new ArgumentRangeError(
        'id',
        id,
        `the id of an attached client, 0 to ${this.#table.maxClients - 1}, not that of the owner`,
      );
    return reclaimPlace(this.#table, id + 1, this.#reclaimed);
  }

  /** Does that for every client of a worker thread when it exits, however it does. */
  reclaimOnExit(worker: Worker): void {
    const given: Partial<Worker> | null | undefined = worker;
    if (typeof given?.threadId !== 'number' || typeof given.once !== 'function')
      throw new ArgumentRangeError('worker', worker, 'a Worker');
    const { threadId } = worker;
    worker.once('exit', () => {
      for (let client = 1; client <= this.#table.maxClients; client++)
        if (threadOf(this.#table, client) === threadId) reclaimPlace(this.#table, client, this.#reclaimed);
    });
  }

  /**
   * Takes no more tasks on any thread, waits until all that were accepted have ended and this thread's promises are settled, then
   * ends the workers. Other threads can collect their results later. Harmless when called again.
   */
  override close(options: CloseOptions = {}): Promise<void> {
    checkObject('options', options);
    const timeoutMs = checkTimeout(options.timeoutMs) ?? this.#closeTimeoutMs;
    this.#closing ??= this.#close();
    if (timeoutMs === undefined) return this.#closing;
    const timer = setTimeout(() => void this.destroy(), timeoutMs);
    return this.#closing.finally(() => clearTimeout(timer));
  }

  /** Terminates the workers now. All tasks that have not ended reject with SchedulerClosedError. Harmless when called again. */
  // oxlint-disable-next-line typescript/no-misused-promises -- of a client it is done when it returns
  override destroy(): Promise<void> {
    return this.#destroy();
  }

  async #close(): Promise<void> {
    this.#client.refuse(new SchedulerClosedError('the scheduler is closed, expected it to be open'));
    await this.#client.admitted();
    this.#setPhase(PHASE_CLOSING);
    this.#keepAlive.ref();
    await new Promise<void>((resolve) => {
      this.#onBell = (): void => {
        // Pairs with acquireSlot, which takes its slot before it looks at the phase.
        if (this.#table.phase !== PHASE_CLOSED && this.#table.kernel.busySlots(this.#table.at) > 0) return;
        this.#onBell = undefined;
        resolve();
      };
      this.#onBell();
    });
    if (this.#destroying !== undefined) return this.#destroying;
    this.#client.collect();
    await this.#client.settled();
    this.#setPhase(PHASE_CLOSED);
    await this.#crew.end();
    this.#dispose();
  }

  #destroy(cause?: WorkerStartError): Promise<void> {
    this.#destroying ??= this.#terminate(cause);
    return this.#destroying;
  }

  /** @param cause workers could not be started */
  async #terminate(cause: WorkerStartError | undefined): Promise<void> {
    this.#setPhase(PHASE_CLOSED);
    const reason = cause === undefined ? '' : ': its workers could not be started';
    this.#client.refuse(
      new SchedulerClosedError(
        `the scheduler is closed${reason}, expected it to be open`,
        cause && { cause },
      ),
    );
    this.#keepAlive.ref();
    await this.#crew.terminate();
    const { kernel, at, slots } = this.#table;
    const never = new SchedulerClosedError(
      `the scheduler was destroyed before the task began${reason}`,
      cause && { cause },
    );
    for (let slot = 0; slot < slots; slot++) {
      if (kernel.abandonSlot(at, slot, 1) !== TASK_LOST) continue;
      writeThrown(this.#table, slot, never, '');
      kernel.deliverSlot(at, slot, clientIn(this.#table.stateOf(slot)), 1);
    }
    this.#client.collect();
    this.#onBell?.();
    this.#dispose(never);
  }

  /** @param reason why tasks that have no slot never run */
  #dispose(reason?: SchedulerClosedError): void {
    clearInterval(this.#keepAlive);
    this.#guard?.[Symbol.dispose]();
    this.#client.destroy(reason);
  }

  #setPhase(phase: typeof PHASE_CLOSING | typeof PHASE_CLOSED): void {
    const { i32, phaseWord } = this.#table;
    const was = Atomics.load(i32, phaseWord);
    // publish: pairs with the loads in acquireSlot, enterSlot and announceSleep. Only this thread writes it.
    if (was === PHASE_OPEN || was < phase) Atomics.store(i32, phaseWord, phase);
  }

  /** Answers the bell for as long as the scheduler is open. */
  #listen(): void {
    const { i32, bellWord } = this.#table;
    const seen = Atomics.load(i32, bellWord); // observe: pairs with the `add` of whoever rings
    if (this.#table.phase !== PHASE_CLOSED) this.#crew.answer();
    this.#onBell?.();
    if (this.#table.phase === PHASE_CLOSED) return;
    const { async, value } = Atomics.waitAsync(i32, bellWord, seen);
    if (async) void value.then(() => this.#listen());
    else setImmediate(() => this.#listen());
  }

  #watch({ watchdog, interrupt, name = 'scheduler' }: SchedulerOptions): Guard | undefined {
    const plan = watchdogPlan(watchdog, interrupt !== undefined);
    if (plan === undefined) return undefined;
    return new Guard(this.#table, plan, name, {
      onSlow: (task) => {
        if (plan.parkShare > 0) void this.#throttle(task, plan.parkShare);
        this.emit('slowTask', task);
      },
      onStuck: (task) => {
        this.#crew.giveUp(task); // first: a listener may throw
        this.emit('stuckTask', task);
      },
      onWarning: (text) => this.#warn(text, -1),
    });
  }

  async #throttle(task: SlowTask, share: number): Promise<void> {
    const refusal = await throttle(this.#table, this.#parking, task, share);
    if (refusal !== undefined) this.#warn(refusal, task.worker);
  }

  #warn(message: string, worker: number): void {
    if (this.listenerCount('warning') > 0) this.emit('warning', message, worker);
    else process.emitWarning(message, 'SchedulerWarning');
  }

  #tellOf(event: WatchEvent): void {
    publish(event);
    if (event.kind === 'tier') {
      this.emit('tier', event.event);
      return;
    }
    this.emit('violation', event.event);
    if (event.event.causes.includes('slow')) this.emit('slowPoll', slowPollOf(event.event));
  }

  /** A worker has crashed without a task. */
  #reportLoss(worker: number, exitCode: number, cause: unknown, wasReady: boolean): void {
    const when = wasReady ? 'while it ran no task' : 'before it was ready';
    const error = new WorkerLostError('(none)', worker, exitCode, cause, when);
    const isRepeated = !wasReady && String(cause) === this.#startFailure;
    if (!wasReady) this.#startFailure = String(cause);
    // All workers fail to start for one reason, again and again: one warning is enough.
    if (!isRepeated || this.listenerCount('error') > 0) this.#report(error);
  }

  #report(error: SchedulerError): void {
    if (this.listenerCount('error') > 0) this.emit('error', error);
    else process.emitWarning(error);
  }
}
