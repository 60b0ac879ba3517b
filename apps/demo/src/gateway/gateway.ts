// The supervisor: makes everything that the threads share, starts the HTTP workers, replaces those that die, and closes without losing
// an accepted request.
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EndpointSnapshot, EventBuffer, StateMachine } from '@corelane/atomic-state';
import { BufferPool } from '@corelane/buffer-pool';
import { MemoryTracker } from '@corelane/memory-tracker';
import { Registry } from '@corelane/perf-counters';
import { collectDefaults, type Sources } from '@corelane/perf-counters/sources';
import { capabilities } from '@corelane/platform';
import { Scheduler, WorkerStartError, type SchedulerOptions } from '@corelane/scheduler';
import { Arena, CoarseClock, type ClockTicker } from '@corelane/shared-memory';
import { checkTasks, type CheckWorkerData } from '../check-task.ts';
import { entryExecArgv } from '../entry.ts';
import { PartError } from '../errors.ts';
import { Books, BooksReader } from './books.ts';
import { ENVELOPE_BYTES } from './envelope.ts';
import { BODIES_TAG } from './intake.ts';
import type { Transition } from './guard.ts';
import { eventRecord } from './layout.ts';
import { settingsOf, type GatewayOptions, type Settings } from './options.ts';
import { checkPortIsFree } from './port-check.ts';
import { Tickets } from './tickets.ts';
import { WordBook } from './word-book.ts';
import { WorkerSeat, type SeatClaim } from './worker-seat.ts';

/** A seat whose thread dies this often in a row is given up: what kills it would kill the next one. */
const MAX_DEATHS = 5;
const DEATHS_WINDOW_MS = 10_000;
/** Room for the books, the names and the state words, beside the buffers. Guessed, with a wide margin: untouched pages cost nothing. */
const OTHER_BYTES = 32 << 20;
/** Of pooled buffers: a cache line pair, so that those of different workers share none. */
const BUFFER_ALIGN_BYTES = 128;
/** Checks that may wait or run at a time: more than all HTTP workers have buffers for would never be needed. Guessed. */
const CHECK_SLOTS = 1024;
/** Three numbers go in, a name of at most 201 bytes comes out. */
const CHECK_PAYLOAD_BYTES = 512;

export interface ListenerFacts {
  readonly workers: number;
  /** False where the platform cannot share a port between threads: one worker then listens alone. */
  readonly reusePort: boolean;
  readonly reason: string;
}

export class Gateway implements AsyncDisposable {
  readonly settings: Settings;
  readonly listeners: ListenerFacts;
  readonly arena: Arena;
  readonly machine: StateMachine;
  readonly pool: BufferPool;
  readonly registry: Registry;
  readonly memory: MemoryTracker;
  readonly scheduler: Scheduler;
  readonly wordBook: WordBook;
  readonly events: EventBuffer;
  readonly tickets: Tickets;
  readonly #books: Books;
  readonly #ticker: ClockTicker;
  readonly #seats: WorkerSeat[];
  /** Of the supervisor's thread, and of the process. */
  readonly #sources: Sources;
  readonly #transitions: Transition[] = [];
  readonly #deathsMs: number[] = [];
  /** By slot of the memory tracker: what its dead threads held, which was taken back from elsewhere. */
  readonly #buriedBytes = new Map<number, number>();
  /** Thread ids of those that check bodies, by worker of the scheduler. */
  readonly #checkThreads = new Map<number, number>();
  readonly #failed = Promise.withResolvers<never>();
  #port = 0;
  #replaced = 0;
  #replacedChecks = 0;
  #stuckIn: string | undefined;
  #closed: Promise<void> | undefined;

  private constructor(settings: Settings, listeners: ListenerFacts) {
    this.settings = settings;
    this.listeners = listeners;
    const bufferBytes = 4 * Math.ceil(settings.maxBodyBytes / 4) + ENVELOPE_BYTES;
    const poolBytes = settings.buffers * BUFFER_ALIGN_BYTES * Math.ceil(bufferBytes / BUFFER_ALIGN_BYTES);
    this.arena = Arena.create({ bytes: poolBytes + OTHER_BYTES });
    // A dead worker's place is free again only when the supervisor has heard of its end: room for the successors beside it.
    const threads = 2 * listeners.workers + 2;
    this.memory = MemoryTracker.create(this.arena, { workers: threads });
    const clock = CoarseClock.create(this.arena);
    this.#ticker = clock.startTicker({ thread: 'own' });
    this.machine = StateMachine.create(this.arena, { endpoints: settings.endpoints, clock });
    this.pool = BufferPool.create(this.arena, {
      buffers: settings.buffers,
      bufferBytes,
      alignBytes: BUFFER_ALIGN_BYTES,
      sink: this.memory,
    });
    // Check threads keep books, too; a dead one's place is taken back when its end is heard of.
    this.registry = Registry.create(this.arena, {
      series: 8192,
      writers: threads + 2 * settings.checkThreads,
    });
    this.#sources = collectDefaults(this.registry);
    this.wordBook = WordBook.create(this.arena, { endpoints: settings.endpoints });
    this.#books = new Books(this.registry, (endpoint) => this.machine.nameOf(endpoint));
    this.events = EventBuffer.create(this.arena, {
      machine: this.machine,
      capacity: settings.eventCapacity,
      maxEventBytes: eventRecord.bytes,
      // A producer and a consumer on each.
      roles: 2 * threads,
    });
    // An event has a buffer as long as it waits.
    this.tickets = Tickets.create(this.arena, { seats: listeners.workers, perSeat: settings.buffers });
    this.scheduler = Scheduler.create(this.#schedulerOptions(threads));
    this.scheduler.on(
      'workerCreate',
      ({ worker, threadId }) => void this.#checkThreads.set(worker, threadId),
    );
    this.scheduler.on('workerDestroy', ({ worker }) => {
      const threadId = this.#checkThreads.get(worker);
      this.#checkThreads.delete(worker);
      if (threadId !== undefined) this.registry.reclaimThread(threadId);
      if (this.#closed === undefined) this.#replacedChecks++;
    });
    this.scheduler.on('stuckTask', ({ task, stack }) => {
      this.#stuckIn = `${task} ${stack?.split('\n')[0]?.trim() ?? ''}`.trim();
    });
    this.scheduler.on('error', (error) => {
      // A check that dies is refused by its client, and its thread replaced. That none can be started is another matter.
      if (error instanceof WorkerStartError) this.#failed.reject(error);
      else process.emitWarning(error);
    });
    this.#seats = Array.from({ length: listeners.workers }, (_, index) => this.#makeSeat(index));
    this.#failed.promise.catch(() => undefined);
    this.#ticker.ended.catch((error: unknown) => this.#failed.reject(error));
  }

  /** @throws SettingError; PartError where the port is taken or a worker does not start */
  static async start(options: GatewayOptions): Promise<Gateway> {
    const settings = settingsOf(options, availableParallelism());
    if (settings.port !== 0) await checkPortIsFree(settings.port, settings.host);
    const gateway = new Gateway(settings, await listenersFor(settings));
    try {
      await Promise.all([gateway.#ticker.ready, gateway.scheduler.ready, gateway.#startSeats()]);
      return gateway;
    } catch (error) {
      await gateway.close();
      throw error;
    }
  }

  get url(): string {
    return `http://${this.settings.host}:${this.#port}`;
  }

  /** HTTP workers that died and were replaced. */
  get replacedWorkers(): number {
    return this.#replaced;
  }

  /** Check threads that were ended because a check took too long, or that died, and were replaced. */
  get replacedCheckThreads(): number {
    return this.#replacedChecks;
  }

  /** Where in its code the last check was that the watchdog found stuck; undefined where there was none. */
  get lastStuckIn(): string | undefined {
    return this.#stuckIn;
  }

  /** Rejects when the gateway cannot go on: workers die faster than they can be replaced, what one had cannot be taken back, or the clock has stopped. */
  get failure(): Promise<never> {
    return this.#failed.promise;
  }

  /** Every change of a breaker's state, in the order in which the supervisor heard of them. */
  get transitions(): readonly Transition[] {
    return this.#transitions;
  }

  /** What the bodies in hand have taken so far, by the memory tracker. */
  bodies(): { allocatedBytes: number; freedBytes: number; peakBytes: number } {
    const {
      allocatedBytes = 0,
      freedBytes = 0,
      peakBytes = 0,
    } = this.memory.read().tags.find(({ tag }) => tag === BODIES_TAG) ?? {};
    return { allocatedBytes, freedBytes, peakBytes };
  }

  books(): BooksReader {
    return new BooksReader(this.registry.read());
  }

  endpoints(): EndpointSnapshot[] {
    return this.machine.snapshots();
  }

  /** Kills the thread of a seat where it stands, as a crash would; for fault injection. Its successor starts by itself. */
  async killWorker(index: number): Promise<void> {
    const seat = this.#seats[index];
    if (seat === undefined) throw new RangeError(`worker ${index}: expected 0 to ${this.#seats.length - 1}`);
    await seat.kill();
  }

  /** Resolves when no webhook is being handled. @throws PartError where that takes longer than `timeoutMs` */
  async settled(timeoutMs = 10_000): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const { inHand, events } = this.books();
      const { deliveries } = events;
      const { accepted, taken } = this.events.metrics();
      const pending = inHand + deliveries + (accepted - taken);
      if (pending === 0) return;
      if (performance.now() > deadlineMs)
        throw new PartError(
          'gateway',
          `${inHand} webhooks in hand, ${deliveries} deliveries and ${accepted - taken} events after ${timeoutMs} ms`,
        );
      await sleep(10);
    }
  }

  /**
   * Closes gracefully: no new connections, every webhook that has arrived is answered, then the threads end.
   * What was counted can still be read afterwards.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The first one finds the port, the others join it. */
  async #startSeats(): Promise<void> {
    const [first, ...others] = this.#seats;
    this.#port = this.settings.port;
    this.#port = (await first?.start()) ?? this.#port;
    await Promise.all(others.map((seat) => seat.start()));
  }

  async #close(): Promise<void> {
    const { requestTimeoutMs, checkTimeoutMs, queueTimeoutMs, deliveryTimeoutMs } = this.settings;
    // As long as the slowest good request may take.
    const timeoutMs = requestTimeoutMs + checkTimeoutMs + queueTimeoutMs + 2 * deliveryTimeoutMs + 3000;
    this.#sources[Symbol.dispose]();
    const ended = await Promise.all(this.#seats.map((seat) => seat.close(timeoutMs)));
    await this.scheduler.close({ timeoutMs: this.settings.checkTimeoutMs + 1000 });
    await this.#ticker[Symbol.asyncDispose]();
    const stuck = ended.filter((byItself) => !byItself).length;
    if (stuck > 0)
      throw new PartError('gateway', `${stuck} HTTP workers did not drain in ${timeoutMs} ms and were ended`);
  }

  #makeSeat(index: number): WorkerSeat {
    return new WorkerSeat({
      index,
      claim: () => this.#claim(index),
      onTransition: (transition) => void this.#transitions.push(transition),
      onDeath: (cause) => this.#replace(index, cause),
      onFailure: (cause) => this.#failed.reject(cause),
    });
  }

  #claim(seat: number): SeatClaim {
    const owner = this.pool.register();
    return {
      data: {
        settings: this.settings,
        machine: this.machine.handle,
        pool: this.pool.handle,
        owner,
        registry: this.registry.handle,
        memory: this.memory.handle,
        scheduler: this.scheduler.handle,
        wordBook: this.wordBook.handle,
        events: this.events.handle,
        tickets: this.tickets.handle,
        seat,
        port: this.#port,
        reusePort: this.listeners.reusePort,
      },
      adopt: (worker) => this.scheduler.reclaimOnExit(worker),
      reclaim: (threadId) => {
        this.#reclaimEvents(seat, threadId, owner);
        this.registry.reclaimThread(threadId);
        this.#reclaimMemory(threadId);
      },
    };
  }

  /**
   * In this order: what the dead thread was to deliver goes to nobody else, its buffers are back, and only then do others hear that their
   * events are lost, so that whoever has its answer finds them. What is left of its own events in the buffer is passed by.
   */
  #reclaimEvents(seat: number, threadId: number, owner: number): void {
    this.events.reclaim(threadId);
    this.machine.reclaim(threadId);
    const lost = this.tickets.buryOrigin(seat);
    this.pool.reclaim(owner);
    const answered = this.tickets.buryTaker(seat);
    if (lost + answered > 0) this.#books.events.lost(lost + answered);
    this.tickets.room.unpark(Number.POSITIVE_INFINITY);
  }

  /** The tracker keeps what a dead thread held as held, since it cannot know who has it now. Here the pool has it. */
  #reclaimMemory(threadId: number): void {
    const dead = new Set(
      this.memory
        .workers()
        .filter((each) => each.claimed && each.threadId === threadId)
        .map(({ worker }) => worker),
    );
    const bodies = this.memory.read().tags.find(({ tag }) => tag === BODIES_TAG);
    for (const { worker, netBytes } of bodies?.byWorker ?? []) {
      if (!dead.has(worker)) continue;
      // A slot goes on with its sums: what its earlier threads died with is still in them.
      const bytes = netBytes - (this.#buriedBytes.get(worker) ?? 0);
      this.#buriedBytes.set(worker, netBytes);
      if (bytes > 0) this.memory.dealloc(BODIES_TAG, bytes);
    }
    this.memory.reclaimThread(threadId);
  }

  #schedulerOptions(clients: number): SchedulerOptions {
    const { checkThreads, checkTimeoutMs, inflate, maxDepth, stuckCheckEvery } = this.settings;
    const workerData: CheckWorkerData = {
      pool: this.pool.handle,
      registry: this.registry.handle,
      limits: { inflate, maxDepth },
      stuckEvery: stuckCheckEvery,
    };
    return {
      arena: this.arena,
      threads: checkThreads,
      slots: CHECK_SLOTS,
      payloadBytes: CHECK_PAYLOAD_BYTES,
      maxClients: clients,
      preload: [checkTasks.check],
      // Its sender has given a check up by then: nothing is gained by waiting for it.
      watchdog: { slowMs: checkTimeoutMs, killMs: checkTimeoutMs },
      workerData,
      execArgv: entryExecArgv(),
    };
  }

  #replace(index: number, cause: unknown): void {
    const nowMs = performance.now();
    this.#deathsMs.push(nowMs);
    const recent = this.#deathsMs.filter((atMs) => nowMs - atMs < DEATHS_WINDOW_MS).length;
    if (recent > MAX_DEATHS * this.#seats.length) {
      this.#failed.reject(
        new PartError('gateway', `${recent} workers died in ${DEATHS_WINDOW_MS} ms`, { cause }),
      );
      return;
    }
    this.#replaced++;
    this.#seats[index]?.start().catch((error: unknown) => {
      // Dead before it listened: one death more.
      if (this.#closed === undefined) this.#replace(index, error);
    });
  }
}

async function listenersFor(settings: Settings): Promise<ListenerFacts> {
  if (!settings.reusePort)
    return { workers: 1, reusePort: false, reason: 'switched off by the option reusePort' };
  const found = (await capabilities()).find(({ name }) => name === 'reusePort');
  const reusePort = found?.status === 'available';
  return { workers: reusePort ? settings.workers : 1, reusePort, reason: found?.reason ?? 'not probed' };
}
