// The workers of a scheduler: starts them, puts another in the place of one that ended, has more of them where tasks wait and fewer where they are idle.
// A little longer than other files: how a worker begins, ends, is replaced and is one too many are transitions of the same seats.
import type { Worker } from 'node:worker_threads';
import { isOfScheduler, type BootMessage, type WorkerMessage } from './boot.ts';
import { codecModule } from './codec.ts';
import { SchedulerClosedError, WorkerStartError } from './errors.ts';
import { PHASE_CLOSED, RETIRED, WORKER_LEAVES, WORKER_STAYS, workerEntry } from './layout.ts';
import type { WatchEvent } from './monitor/event-post.ts';
import { HookExchange } from './monitor/hook-exchange.ts';
import { hooksUrl } from './monitor/watch-options.ts';
import { loopOptions, preloadUrls, type SchedulerOptions } from './options.ts';
import { Recovery } from './recovery.ts';
import { Seat } from './seat.ts';
import { wantedSlow } from './slow-lane/slow-growth.ts';
import type { SchedulerTable } from './table.ts';
import { moduleUrl } from './tasks.ts';
import type { Threads } from './threads.ts';
import type { SlowTask } from './watchdog/watchdog.ts';
import { checkNice, crewSize, niceOfSlow, type CrewSize } from './worker-settings.ts';

/** A worker that ended earlier than that after its start, by itself and without having done a task, puts its successor off. Guessed. */
const HEALTHY_MS = 1000;
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 5000;
/** Starts in a row that may fail. */
const MAX_START_FAILURES = 5;
/** How long a worker may take to end by itself: when the scheduler closes, or when it was told to leave. Guessed. */
const GRACE_MS = 1000;
/** How long tasks wait before there is another worker for them, and how long it takes to start one: what is done sooner by those that there are needs none. Guessed; measured. */
const GROW_AFTER_MS = 5;
const START_MS = 25;
/** How often idle workers are looked for, as part of the time that they may be idle; in milliseconds at least and at most. Guessed. */
const LOOKS = 4;
const SHORTEST_LOOK_MS = 5;
const LONGEST_LOOK_MS = 1000;

export interface CrewEvents {
  onCreate(index: number, threadId: number): void;
  /** `tasks` is how many ended with it; `wasReady` whether it could take any. */
  onDestroy(index: number, exitCode: number, cause: unknown, tasks: number, wasReady: boolean): void;
  /** What a task sent by `parentPort.postMessage`. */
  onMessage(message: unknown, index: number): void;
  onWarning(message: string, index: number): void;
  /** What a worker has seen of polls. */
  onWatch(event: WatchEvent): void;
  /** What the watchdog has said of a thread that has ended, where it was another thread that gave it up. */
  whyStuck(index: number, threadId: number): SlowTask | undefined;
  /** No worker can be started. */
  onGiveUp(error: WorkerStartError): void;
}

export class Crew {
  readonly seats: readonly Seat[];
  /** Those of common lanes, and those of the slow lane. */
  readonly #common: readonly Seat[];
  readonly #slow: readonly Seat[];
  readonly #slowNice: number;
  /** Settles when as many workers are ready as stay, for the first time. */
  readonly ready: Promise<void>;
  /** Undefined where nobody watches polls. */
  readonly hooks: HookExchange | undefined;
  readonly #table: SchedulerTable;
  readonly #events: CrewEvents;
  readonly #size: CrewSize;
  readonly #isManual: boolean;
  readonly #threads: Threads;
  readonly #boot: Omit<BootMessage, 'worker' | 'setup' | 'hooks'>;
  readonly #setup: SchedulerOptions['setup'];
  readonly #recovery: Recovery;
  readonly #ready = Promise.withResolvers<void>();
  #startFailures = 0;
  #isReady = false;
  #growing: NodeJS.Timeout | undefined;
  #shrinking: NodeJS.Timeout | undefined;
  #isEnding = false;

  constructor(table: SchedulerTable, options: SchedulerOptions, threads: Threads, events: CrewEvents) {
    this.#table = table;
    this.#events = events;
    this.#size = crewSize(options);
    this.#isManual = options.growth === 'manual';
    this.#threads = threads;
    this.#boot = {
      type: '@corelane/scheduler/boot',
      handle: table.handle,
      preload: preloadUrls(options.preload),
      affinity: options.affinity === undefined ? undefined : moduleUrl(options.affinity),
      interrupt: options.interrupt === undefined ? undefined : moduleUrl(options.interrupt),
      codec: codecModule(options.codec),
      memory: options.memory ?? [],
      niceIncrement: checkNice(options.niceIncrement),
      loop: loopOptions(options),
    };
    if (table.watch !== undefined) this.hooks = new HookExchange(table, table.watch, hooksUrl(options));
    this.#setup = options.setup;
    this.#recovery = new Recovery(table, this.#boot.loop.budgets);
    this.ready = this.#ready.promise;
    this.ready.catch(() => {}); // whoever awaits it is told; nobody has to
    this.seats = Array.from({ length: table.threads }, (_, index) => new Seat(index, index >= table.common));
    this.#common = this.seats.slice(0, table.common);
    this.#slow = this.seats.slice(table.common);
    this.#slowNice = niceOfSlow(options);
    const { minThreads } = this.#size;
    if (this.#isManual) this.#onAllReady();
    else for (const seat of this.#common.slice(0, minThreads)) this.#start(seat);
    if (minThreads === 0) this.#onAllReady();
    this.#look();
    this.#growSlow();
  }

  /** After the bell: terminates workers whose clients wait no longer for the task that they run, starts those that are asked for. */
  answer(): void {
    const { kernel, at, slots } = this.#table;
    for (let slot = 0; slot < slots; slot++) {
      const seat = this.seats[kernel.doomSlot(at, slot) - 1];
      if (seat?.worker !== undefined) this.#terminate(seat);
    }
    if (this.#isManual || this.#isEnding) return;
    const vacant = this.seats.filter((seat) => seat.isVacant);
    for (const seat of vacant) if (kernel.hasPinned(at, seat.party) === 1) this.#start(seat);
    this.#growSlow();
    const free = vacant.reduce((sum, seat) => sum + (seat.isSlow ? 0 : 1), 0);
    if (free === this.#common.length) this.#look();
    else if (free > 0 && this.#growing === undefined) this.#lookSoon();
  }

  /**
   * Starts a worker beyond those that there are. Under growth `manual` alone it is the way to one.
   * @returns its index, or undefined where there are as many as may be
   */
  startWorker(): number | undefined {
    const seat = this.#isEnding ? undefined : this.#common.find((each) => each.isVacant);
    if (seat !== undefined) this.#start(seat);
    return seat?.index;
  }

  /** Terminates a worker: its tasks are lost. */
  endWorker(index: number): void {
    const seat = this.seats[index];
    if (seat?.worker === undefined) return;
    if (this.#isManual) this.#table.kernel.setLive(this.#table.at, seat.party, 0);
    this.#terminate(seat);
  }

  /** Terminates a worker that `giveUpSlot` has given up. */
  giveUp(stuck: SlowTask): void {
    const seat = this.seats[stuck.worker];
    if (seat?.threadId !== stuck.threadId) return;
    seat.stuck = stuck;
    // Where it is not known which task it is: should it end after all, the worker begins no other.
    Atomics.store(
      this.#table.i32,
      this.#table.workerWord(seat.party) + workerEntry.word.leaves,
      WORKER_LEAVES,
    );
    this.endWorker(seat.index);
  }

  /** Lets the workers end, the scheduler being closed. Terminates those that do not. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#table.kernel.wakeAll(this.#table.at);
    for (const seat of this.seats) seat.worker?.ref();
    const timer = setTimeout(() => void this.terminate(), GRACE_MS);
    await this.#allEnded();
    clearTimeout(timer);
  }

  /** Terminates all workers, the scheduler being closed. */
  async terminate(): Promise<void> {
    this.#isEnding = true;
    for (const seat of this.seats) {
      if (seat.worker === undefined) continue;
      seat.worker.ref();
      this.#terminate(seat);
    }
    await this.#allEnded();
  }

  async #allEnded(): Promise<void> {
    this.#recovery.stop();
    clearTimeout(this.#growing);
    clearInterval(this.#shrinking);
    for (const seat of this.seats) clearTimeout(seat.restart);
    await Promise.all(this.seats.map((seat) => seat.ended));
    this.hooks?.stop();
    this.#ready.reject(new SchedulerClosedError('the scheduler was closed before all workers were ready'));
  }

  #terminate(seat: Seat): void {
    seat.state = 'terminating';
    seat.endThread();
  }

  #start(seat: Seat): void {
    const { kernel, at, i32 } = this.#table;
    seat.restart = undefined;
    // Before the thread: a task that is pinned to it from here on waits for it.
    kernel.setLive(at, seat.party, 1);
    Atomics.store(i32, this.#table.workerWord(seat.party) + workerEntry.word.leaves, WORKER_STAYS);
    Atomics.store(i32, this.#table.workerWord(seat.party) + workerEntry.word.idle, 0); // the one before may have ended parked
    Atomics.store(i32, this.#table.workerWord(seat.party) + workerEntry.word.poll, 0); // or in a poll
    seat.stuck = seat.parkTicket = undefined;
    Atomics.store(i32, this.#table.workerWord(seat.party) + workerEntry.word.held, 0);
    const worker = this.#threads.start(seat.index);
    seat.worker = worker;
    seat.threadId = worker.threadId;
    seat.state = 'starting';
    seat.startMs = seat.activeMs = performance.now();
    seat.failure = undefined;
    seat.endedBefore = this.#table.endedBy(seat.party);
    worker.on('message', (message: unknown) => {
      if (isOfScheduler(message)) this.#onWorker(seat, worker, message);
      else this.#events.onMessage(message, seat.index);
    });
    worker.on('error', (error) => (seat.failure = error));
    seat.ended = new Promise((resolve) => {
      worker.once('exit', (code) => {
        resolve();
        this.#onExit(seat, code);
      });
    });
    const setup = this.#setup?.(seat.index);
    const boot: BootMessage = {
      ...this.#boot,
      worker: seat.index,
      ...(seat.isSlow && {
        niceIncrement: this.#slowNice,
        loop: { ...this.#boot.loop, isSlow: true, isolatedShare: 1 },
      }),
      hooks: this.hooks?.begin(seat.index),
      setup: setup && { module: setup.module, data: setup.data },
    };
    const ports = boot.hooks === undefined ? [] : [boot.hooks.port];
    worker.postMessage(boot, [...ports, ...(setup?.transferList ?? [])]);
    if (seat.isSlow || this.#manned() > this.#size.minThreads) this.#watchIdle();
  }

  #onWorker(seat: Seat, worker: Worker, message: WorkerMessage): void {
    if (message.type === '@corelane/scheduler/warning') {
      this.#events.onWarning(message.text, seat.index);
      return;
    }
    if (message.type === '@corelane/scheduler/watch') {
      this.#events.onWatch(message.event);
      return;
    }
    if (message.type === '@corelane/scheduler/hooks') {
      this.hooks?.answer(seat.index, message);
      return;
    }
    if (message.type === '@corelane/scheduler/parkable') {
      seat.parkTicket = message.ticket;
      return;
    }
    if (seat.state === 'starting') seat.state = 'ready';
    worker.unref(); // not before: `await scheduler.ready` must not end the process
    this.#startFailures = 0;
    const ready = this.#common.filter((each) => each.state === 'ready');
    if (ready.length >= this.#size.minThreads) this.#onAllReady();
    this.#events.onCreate(seat.index, seat.threadId);
  }

  #onAllReady(): void {
    this.#isReady = true;
    for (const seat of this.seats) seat.restart?.unref();
    this.#ready.resolve();
  }

  #onExit(seat: Seat, exitCode: number): void {
    const { i32 } = this.#table;
    const wasReady = seat.state !== 'starting';
    const hasLeft =
      seat.state === 'terminating' ||
      seat.stuck !== undefined ||
      Atomics.load(i32, this.#table.workerWord(seat.party) + workerEntry.word.leaves) !== WORKER_STAYS;
    const wasOfUse =
      performance.now() - seat.startMs >= HEALTHY_MS || this.#table.endedBy(seat.party) !== seat.endedBefore;
    clearTimeout(seat.grace);
    clearTimeout(seat.again);
    Atomics.store(i32, this.#table.workerWord(seat.party) + workerEntry.word.thread, 0); // nobody watches it
    if (!wasReady) seat.stuck = undefined;
    else seat.stuck ??= this.#events.whyStuck(seat.index, seat.threadId);
    this.hooks?.remove(seat.index);
    seat.worker = undefined;
    seat.threadId = -1;
    seat.state = 'ended';
    const tasks = this.#recovery.recover(seat.index, exitCode, seat.failure, seat.stuck);
    try {
      this.#events.onDestroy(seat.index, exitCode, seat.failure, tasks, wasReady);
    } finally {
      // Also where a listener throws. One may have started it again.
      if (seat.worker === undefined)
        this.#replace(seat, exitCode, wasReady, hasLeft || (wasReady && wasOfUse));
    }
  }

  /** @param isSound its end is no reason to wait with another one */
  #replace(seat: Seat, exitCode: number, wasReady: boolean, isSound: boolean): void {
    const { kernel, at } = this.#table;
    if (this.#table.phase === PHASE_CLOSED || this.#isEnding) return;
    if (this.#isManual) {
      kernel.setLive(at, seat.party, 0);
      return;
    }
    if (!wasReady && ++this.#startFailures >= MAX_START_FAILURES) {
      const error = new WorkerStartError(this.#startFailures, exitCode, seat.failure);
      this.#ready.reject(error);
      this.#recovery.cause = error;
      this.#events.onGiveUp(error);
      return;
    }
    seat.earlyEnds = isSound ? 0 : seat.earlyEnds + 1;
    if (seat.earlyEnds > 1) {
      const delayMs = Math.min(FIRST_DELAY_MS * 2 ** (seat.earlyEnds - 2), LONGEST_DELAY_MS);
      seat.restart = setTimeout(() => this.#start(seat), delayMs);
      // What keeps the process alive is whoever waits for a task; before that, whoever may wait for `ready`.
      if (this.#isReady) seat.restart.unref();
    } else if (!seat.isSlow && this.#manned() < this.#size.minThreads) this.#start(seat);
    else {
      kernel.setLive(at, seat.party, 0);
      // Pairs with the client's look at the bit, after its push: it rings, or we see what it has pinned to this seat.
      if (kernel.hasPinned(at, seat.party) === 1) this.#start(seat);
    }
    this.#look();
    this.#growSlow();
  }

  #manned(): number {
    return this.#common.reduce((sum, seat) => sum + (seat.isManned ? 1 : 0), 0);
  }

  /** Tasks that they have ended. */
  #done(): number {
    return this.#common.reduce((sum, seat) => sum + this.#table.endedBy(seat.party), 0);
  }

  #lookSoon(): void {
    const before = this.#done();
    const look = (): void => this.#look(((this.#done() - before) * START_MS) / GROW_AFTER_MS);
    this.#growing = setTimeout(look, GROW_AFTER_MS).unref();
  }

  /** Starts workers for tasks that wait, as far as there are seats. @param soon how many of them are done sooner than that would help */
  #look(soon = 0): void {
    clearTimeout(this.#growing);
    this.#growing = undefined;
    const { kernel, at } = this.#table;
    if (this.#isManual || this.#isEnding || this.#table.phase === PHASE_CLOSED) return;
    const vacant = this.#common.filter((seat) => seat.isVacant);
    // Before the look: whoever pushes after it asks again.
    const waiting = kernel.armGrowth(at, vacant.length > 0 ? 1 : 0);
    if (vacant.length === 0) return;
    const coming = this.#common.filter((seat) => seat.state === 'starting' || seat.restart !== undefined);
    const wanted = Math.ceil(waiting - soon) - coming.length;
    for (const seat of vacant.slice(0, Math.max(0, wanted))) this.#start(seat);
    if (wanted >= vacant.length) kernel.armGrowth(at, 0);
    // Those that seem to be done soon may be behind one that takes long, and nobody asks for them again.
    else if (wanted <= 0 && waiting > coming.length) this.#lookSoon();
  }

  #growSlow(): void {
    if (this.#slow.length === 0 || this.#isEnding || this.#table.phase === PHASE_CLOSED) return;
    for (const seat of wantedSlow(this.#table, this.#slow)) this.#start(seat);
  }

  #watchIdle(): void {
    const { idleTimeoutMs } = this.#size;
    if (this.#isManual || idleTimeoutMs === Infinity) return;
    const everyMs = Math.min(LONGEST_LOOK_MS, Math.max(SHORTEST_LOOK_MS, idleTimeoutMs / LOOKS));
    this.#shrinking ??= setInterval(() => this.#shrink(), everyMs).unref();
  }

  /** Ends workers beyond `minThreads` that have done nothing for as long as they may. */
  #shrink(): void {
    const table = this.#table;
    const { minThreads, idleTimeoutMs } = this.#size;
    const nowMs = performance.now();
    let manned = this.#manned();
    for (const seat of this.seats.toReversed()) {
      if (seat.state !== 'ready') continue;
      const activity = table.activityOf(seat.party);
      if (activity !== seat.activity || !table.isParked(seat.party)) {
        seat.activity = activity;
        seat.activeMs = nowMs;
      } else if (seat.isSlow || manned > minThreads) {
        if (nowMs - seat.activeMs >= idleTimeoutMs && this.#retire(seat) && !seat.isSlow) manned--;
      }
    }
    if (manned > minThreads || this.#slow.some((seat) => seat.isManned)) return;
    clearInterval(this.#shrinking);
    this.#shrinking = undefined;
  }

  /** @returns whether it leaves */
  #retire(seat: Seat): boolean {
    const { kernel, at } = this.#table;
    if (kernel.holdsSlot(at, seat.party) === 1) return false; // it waits for something, with a task
    if (seat.isSlow) kernel.armSlowGrowth(at, 1);
    else kernel.armGrowth(at, 1);
    if (kernel.retireWorker(at, seat.party) !== RETIRED) return false;
    seat.state = 'leaving';
    // What tasks have left to its event loop may keep it.
    seat.grace = setTimeout(() => this.#terminate(seat), GRACE_MS).unref();
    return true;
  }
}
