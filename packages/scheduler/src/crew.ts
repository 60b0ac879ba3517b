// The workers of a scheduler: starts them, cleans up after one that ended, puts another in its place.
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { isReady, sourceExecArgv, workerUrl, type BootMessage } from './boot.ts';
import { codecModule } from './codec.ts';
import { SchedulerClosedError, WorkerLostError, WorkerStartError } from './errors.ts';
import { MEND_LATER, PHASE_CLOSED, TASK_LOST } from './layout.ts';
import { preloadUrls, type SchedulerOptions } from './options.ts';
import { writeThrown } from './payload.ts';
import { clientIn, type SchedulerTable } from './table.ts';
import { moduleUrl } from './tasks.ts';

/** A worker that ended earlier than that after its start, by itself, puts its successor off. Guessed. */
const HEALTHY_MS = 1000;
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 5000;
/** Starts in a row that may fail. */
const MAX_START_FAILURES = 5;
/** When it goes on writing hints that its lane had no room for. */
const MEND_AGAIN_MS = 1;
/** How long a worker may take to end by itself when the scheduler closes. Guessed. */
const GRACE_MS = 1000;

export type WorkerState = 'starting' | 'ready' | 'terminating' | 'ended';

export interface Seat {
  readonly index: number;
  worker: Worker | undefined;
  /** As long as it runs. */
  threadId: number;
  state: WorkerState;
  startMs: number;
  /** It ended because of an uncaught error. */
  failure: unknown;
  /** Early ends in a row. */
  earlyEnds: number;
  timer: NodeJS.Timeout | undefined;
  ended: Promise<void>;
}

export interface CrewEvents {
  onCreate(index: number, threadId: number): void;
  /** `tasks` is how many ended with it. */
  onDestroy(index: number, exitCode: number, cause: unknown, tasks: number): void;
  /** No worker can be started. */
  onGiveUp(error: WorkerStartError): void;
}

export class Crew {
  readonly seats: readonly Seat[];
  /** Settles when all workers are ready for the first time. */
  readonly ready: Promise<void>;
  readonly #table: SchedulerTable;
  readonly #events: CrewEvents;
  readonly #workerOptions: WorkerOptions;
  readonly #boot: Omit<BootMessage, 'worker'>;
  readonly #ready = Promise.withResolvers<void>();
  #startFailures = 0;
  #mending: NodeJS.Timeout | undefined;

  constructor(table: SchedulerTable, options: SchedulerOptions, events: CrewEvents) {
    this.#table = table;
    this.#events = events;
    const execArgv = sourceExecArgv(options.execArgv);
    this.#workerOptions = {
      workerData: options.workerData,
      ...(execArgv && { execArgv }),
      ...(options.env && { env: options.env }),
      ...(options.resourceLimits && { resourceLimits: options.resourceLimits }),
    };
    this.#boot = {
      type: '@corelane/scheduler/boot',
      handle: table.handle,
      preload: preloadUrls(options.preload),
      affinity: options.affinity === undefined ? undefined : moduleUrl(options.affinity),
      codec: codecModule(options.codec),
      memory: options.memory ?? [],
    };
    this.ready = this.#ready.promise;
    this.ready.catch(() => {}); // whoever awaits it is told; nobody has to
    this.seats = Array.from({ length: table.threads }, (_, index) => ({
      index,
      worker: undefined,
      threadId: -1,
      state: 'ended',
      startMs: 0,
      failure: undefined,
      earlyEnds: 0,
      timer: undefined,
      ended: Promise.resolve(),
    }));
    for (const seat of this.seats) this.#start(seat);
  }

  /** Terminates workers whose clients wait no longer for the task that they run. */
  terminateDoomed(): void {
    const { kernel, at, slots } = this.#table;
    for (let slot = 0; slot < slots; slot++) {
      const seat = this.seats[kernel.doomSlot(at, slot) - 1];
      if (seat?.worker === undefined) continue;
      seat.state = 'terminating';
      void seat.worker.terminate();
    }
  }

  /** Lets the workers end, the scheduler being closed. Terminates those that do not. */
  async end(): Promise<void> {
    this.#table.kernel.wakeAll(this.#table.at);
    for (const seat of this.seats) seat.worker?.ref();
    const timer = setTimeout(() => void this.terminate(), GRACE_MS);
    await this.#allEnded();
    clearTimeout(timer);
  }

  /** Terminates all workers, the scheduler being closed. */
  async terminate(): Promise<void> {
    for (const seat of this.seats) {
      if (seat.worker === undefined) continue;
      seat.worker.ref();
      seat.state = 'terminating';
      void seat.worker.terminate();
    }
    await this.#allEnded();
  }

  async #allEnded(): Promise<void> {
    clearTimeout(this.#mending);
    for (const seat of this.seats) clearTimeout(seat.timer);
    await Promise.all(this.seats.map((seat) => seat.ended));
    this.#ready.reject(new SchedulerClosedError('the scheduler was closed before all workers were ready'));
  }

  #start(seat: Seat): void {
    const worker = new Worker(workerUrl(), { name: `scheduler ${seat.index}`, ...this.#workerOptions });
    seat.worker = worker;
    seat.threadId = worker.threadId;
    seat.state = 'starting';
    seat.startMs = performance.now();
    seat.failure = undefined;
    this.#table.kernel.setLive(this.#table.at, seat.index + 1, 1);
    const onMessage = (message: unknown): void => {
      if (!isReady(message)) return;
      worker.off('message', onMessage);
      if (seat.state === 'starting') seat.state = 'ready';
      worker.unref(); // not before: `await scheduler.ready` must not end the process
      this.#startFailures = 0;
      if (this.seats.every((each) => each.state === 'ready')) this.#ready.resolve();
      this.#events.onCreate(seat.index, seat.threadId);
    };
    worker.on('message', onMessage);
    worker.on('error', (error) => (seat.failure = error));
    seat.ended = new Promise((resolve) => {
      worker.once('exit', (code) => {
        this.#onExit(seat, code);
        resolve();
      });
    });
    worker.postMessage({ ...this.#boot, worker: seat.index } satisfies BootMessage);
  }

  #onExit(seat: Seat, exitCode: number): void {
    const wasReady = seat.state !== 'starting';
    const wasTerminated = seat.state === 'terminating';
    const livedMs = performance.now() - seat.startMs;
    seat.worker = undefined;
    seat.threadId = -1;
    seat.state = 'ended';
    const tasks = this.#recover(seat, exitCode);
    this.#events.onDestroy(seat.index, exitCode, seat.failure, tasks);
    if (this.#table.phase === PHASE_CLOSED) return;
    if (!wasReady && ++this.#startFailures >= MAX_START_FAILURES) {
      const error = new WorkerStartError(this.#startFailures, exitCode, seat.failure);
      this.#ready.reject(error);
      this.#events.onGiveUp(error);
      return;
    }
    seat.earlyEnds = wasTerminated || (wasReady && livedMs >= HEALTHY_MS) ? 0 : seat.earlyEnds + 1;
    const delayMs =
      seat.earlyEnds <= 1 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (seat.earlyEnds - 2), LONGEST_DELAY_MS);
    // Unref'd: what keeps the process alive is whoever waits for a task.
    seat.timer = setTimeout(() => this.#start(seat), delayMs).unref();
  }

  /** Writes another hint to each slot that is queued, from one on: the worker that is gone may have had one in its hands. */
  #mend(from: number): void {
    const { kernel, at, slots } = this.#table;
    for (let slot = from; slot < slots; slot++) {
      if (kernel.mendSlot(at, slot) !== MEND_LATER) continue;
      this.#mending = setTimeout(() => this.#mend(slot), MEND_AGAIN_MS).unref();
      break;
    }
    if (kernel.hasWork(at, 0) === 1) kernel.wakeAll(at);
  }

  /** Ends the tasks of a worker that is gone, and sees to it that the others take what it was woken for. */
  #recover(seat: Seat, exitCode: number): number {
    const table = this.#table;
    const { kernel, at } = table;
    const party = seat.index + 1;
    let tasks = 0;
    kernel.endSleep(at, party);
    for (let slot = 0; slot < table.slots; slot++) {
      if (kernel.recoverSlot(at, slot, party) !== TASK_LOST) continue;
      tasks++;
      const name = table.taskNameIn(slot);
      const task = name.slice(name.lastIndexOf('#') + 1);
      const error =
        table.phase === PHASE_CLOSED
          ? new SchedulerClosedError(`the scheduler was destroyed while task ${task} ran`)
          : new WorkerLostError(task, seat.index, exitCode, seat.failure);
      writeThrown(table, slot, error, task);
      kernel.deliverSlot(at, slot, clientIn(table.stateOf(slot)), party);
    }
    kernel.markAllLevels(at);
    this.#mend(0);
    return tasks;
  }
}
