// A client at work: submits tasks from its thread and settles their promises. `SchedulerClient` is what its users see.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { Backlog } from './backlog.ts';
import type { PressureEvent } from './back-pressure.ts';
import { leavePlace, takePlace } from './client-places.ts';
import { ClientLink } from './client-link.ts';
import { codecModule } from './codec.ts';
import { CompletionWatch } from './completion-watch.ts';
import {
  ClientLostError,
  PayloadMemoryError,
  SchedulerClosedError,
  SchedulerError,
  WorkerLostError,
} from './errors.ts';
import {
  CLIENT_GONE,
  clientEntry,
  DISOWNED,
  ENTERED,
  LANE_FULL,
  LEVELS,
  LIST_ASLEEP,
  LIST_CLOSED,
  NO_SLOT,
  NOT_OPEN,
  NOT_YOURS,
  PHASE_OPEN,
  POLICY_DEADLINE,
  SLOT_QUEUED,
  slotHead,
  TOO_LATE,
  WITHDRAWN,
} from './layout.ts';
import {
  checkGrace,
  checkProfile,
  checkTimeout,
  levelIn,
  type ClientOptions,
  type CloseOptions,
  type LatencyRecorders,
  type RunOptions,
} from './options.ts';
import { GracePeriods } from './grace.ts';
import { isThrown, takeValue, writeValue } from './payload.ts';
import { deadlineWord, ignoresPriorities } from './policy.ts';
import { DEFAULT_LEVEL, priorityAt } from './priority.ts';
import { sharedNowMs } from './shared-clock.ts';
import { PinnedLanes } from './seats.ts';
import { SlotCache } from './slot-cache.ts';
import { generationIn, stateIn, type SchedulerTable } from './table.ts';
import { reasonOf, TaskLimits, type Limit } from './task-limits.ts';
import { MOVES, termsOf, WAITS, type TaskTerms } from './task-terms.ts';
import type { FileFunction } from './file-task.ts';
import type { AnyTask } from './tasks.ts';
import { TaskIds } from './task-ids.ts';
import type { TimingRecorders } from './task-times.ts';
import { settle, Tickets, type Settle } from './tickets.ts';
import { withTransfers } from './transfer.ts';

const MOST_URGENT: number = LEVELS - 1;

/** Of one client. All but `waiting` only grow. */
export interface ClientCounts {
  /** Tasks that wait for a slot. */
  readonly waiting: number;
  /** Rejected with QueueFullError. */
  readonly refused: number;
  /** Rejected with TaskShedError. */
  readonly shed: number;
  /** Tasks that ran again because their worker was lost. */
  readonly retried: number;
  /** Tasks that had not ended by themselves after their time of grace. */
  readonly condemned: number;
}

export class Client {
  /** Place of this client. The owner's is 0. */
  readonly id: number;
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #latency: LatencyRecorders | undefined;
  readonly #timing: TimingRecorders | undefined;
  readonly #watch: CompletionWatch;
  /** Carries what does not go by shared memory. */
  readonly #link: ClientLink;
  readonly #tickets = new Tickets();
  readonly #slots: SlotCache;
  readonly #backlog: Backlog;
  readonly #limits = new TaskLimits((terms, limit) => this.#cut(terms, limit));
  readonly #grace: GracePeriods;
  readonly #graceMs: number;
  readonly #ids: TaskIds;
  readonly #pinned: PinnedLanes;
  /** Tasks have one level, whatever their priority. */
  readonly #isLevel: boolean;
  readonly #hasDeadlines: boolean;
  /** Tasks that ran again after their worker was lost. */
  #retried = 0;
  /** Told that more tasks wait than should, and that it is over. */
  onPressure: (event: PressureEvent) => void = nothing;
  /** Settle when nothing is in flight. */
  #idle: (() => void)[] = [];
  #inFlight = 0;
  #isGone = false;
  #end: Error | undefined;
  /** The two ends of the promise that `run` makes: one function for all of them, since a closure for each costs as much as the promise. */
  #resolve: Settle = nothing;
  #reject: Settle = nothing;
  readonly #takeEnds = (resolve: Settle, reject: Settle): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };

  /** @throws ArgumentRangeError, SchedulerClosedError, ClientsExhaustedError */
  constructor(table: SchedulerTable, options: ClientOptions = {}) {
    this.#graceMs = checkGrace(options.graceMs);
    const profile = checkProfile(options.profile);
    this.#table = table;
    this.#latency = options.latency;
    this.#timing = options.timing;
    if (options.timing !== undefined && table.times === undefined)
      throw new ArgumentRangeError('timing', options.timing, 'none, of a scheduler without recordTiming');
    codecModule(options.codec); // checks it
    table.payloads.codec = options.codec;
    table.payloads.memories.add(options.memory ?? []);
    if (table.phase !== PHASE_OPEN)
      throw new SchedulerClosedError('the scheduler is closed, expected it to be open');
    this.#party = takePlace(table);
    this.id = this.#party - 1;
    this.#ids = new TaskIds(table);
    this.#link = new ClientLink(table, this.#party);
    table.payloads.link = this.#link;
    this.#slots = new SlotCache(table, this.#party);
    this.#pinned = new PinnedLanes(table);
    this.#isLevel = ignoresPriorities(table.policy);
    this.#hasDeadlines = table.policy === POLICY_DEADLINE;
    this.#grace = new GracePeriods(table, this.#party);
    const { kernel, at, i32 } = table;
    const word = table.clientWord(this.#party) + clientEntry.word.finished;
    const inFlight = (): number => this.#inFlight;
    this.#backlog = new Backlog(
      {
        get inFlight() {
          return inFlight();
        },
        nameOf: (id) => this.#ids.nameOf(id),
        enter: (id, args, lane, terms) => this.#enter(id, args, lane, terms),
        ask: () => this.#slots.ask(),
        place: (slot, resolve, reject, terms) => this.#tickets.set(slot, resolve, reject, terms),
        landed: (count) => {
          if (!this.#isGone) this.#landed(count); // else nothing is in flight any more
        },
      },
      this.#limits,
      options,
      table.slots,
      (event) => this.onPressure(event),
    );
    this.#watch = new CompletionWatch(
      {
        get inFlight() {
          return inFlight();
        },
        hasFinished: () => Atomics.load(i32, word) > 0,
        collect: () => this.#collect(),
        fallAsleep: () => kernel.fallAsleep(at, this.#party) === 1,
        wait: () => {
          const { async, value } = Atomics.waitAsync(i32, word, LIST_ASLEEP); // pairs with the notify in deliverSlot
          return async ? value : undefined;
        },
      },
      profile,
    );
  }

  /** Tasks that were accepted and whose end is not known yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** As of SchedulerClient. */
  run(task: AnyTask | FileFunction, args: unknown, options: RunOptions | undefined): Promise<unknown> {
    const promise = new Promise(this.#takeEnds);
    const reject = this.#reject;
    try {
      this.#submit(task, args, options, this.#resolve, reject);
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  /** As of SchedulerClient. */
  submit(
    task: AnyTask,
    args: unknown,
    onResult: Settle,
    onError: Settle,
    options: RunOptions | undefined,
  ): void {
    try {
      this.#submit(task, args, options, onResult, onError);
    } catch (error) {
      process.nextTick(onError, error);
    }
  }

  /** What a share of many tasks is measured by. */
  get limits(): { readonly threads: number; readonly inlineBytes: number } {
    return this.#table;
  }

  /** Indices of workers whose seats have a thread, or will have one without being asked. */
  liveWorkers(): number[] {
    const { threads, i32, liveWord } = this.#table;
    return Array.from({ length: threads }, (_, worker) => worker).filter(
      (worker) => (Atomics.load(i32, liveWord + (worker >> 5)) >>> (worker & 31)) & 1,
    );
  }

  /** As of SchedulerClient. */
  get needsDrain(): boolean {
    return this.#backlog.pressure.needsDrain;
  }

  /** As of SchedulerClient. */
  drained(): Promise<void> {
    return this.#backlog.pressure.drained();
  }

  /** As of SchedulerClient. */
  counts(): ClientCounts {
    const { refused, shed } = this.#backlog.pressure;
    return {
      waiting: this.#backlog.size,
      refused,
      shed,
      retried: this.#retried,
      condemned: this.#grace.condemned,
    };
  }

  /** As of SchedulerClient. */
  async close(options: CloseOptions = {}): Promise<void> {
    const timeoutMs = checkTimeout(options.timeoutMs);
    this.#end ??= new SchedulerClosedError(`client ${this.id} is closed, expected it to be open`);
    await this.settled(timeoutMs);
    this.destroy();
  }

  /** As of SchedulerClient. */
  destroy(): void {
    this.#end ??= new SchedulerClosedError(`client ${this.id} is closed, expected it to be open`);
    this.#rejectAll(new SchedulerClosedError(`client ${this.id} was destroyed before the task ended`));
    if (this.#end instanceof ClientLostError || this.#isGone) return;
    this.#isGone = true;
    this.#link.close();
    leavePlace(this.#table, this.#party);
    this.#watch.stop();
  }

  /** Settles when nothing is in flight, or after a time-out. */
  settled(timeoutMs?: number): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Settles when all tasks have a slot. */
  admitted(): Promise<void> {
    return this.#backlog.empty();
  }

  /** Takes no more tasks, for the reason given. */
  refuse(reason: Error): void {
    this.#end ??= reason;
  }

  /** Takes what has finished now. */
  collect(): void {
    this.#collect();
    this.#watch.settle();
  }

  /**
   * Takes back what is in a lane. What runs already runs on, and its result is dropped.
   * @param reason what whoever waits for it is told; undefined: nothing
   * @param isQueuedAlone what runs stays
   */
  forsake(lane: number, reason?: unknown, isQueuedAlone = false): void {
    const { kernel, at, i32 } = this.#table;
    for (const slot of this.#tickets.slots()) {
      if (i32[this.#table.slotWord(slot) + slotHead.word.lane] !== lane) continue;
      if (isQueuedAlone && stateIn(this.#table.stateOf(slot)) !== SLOT_QUEUED) continue;
      const outcome = kernel.cancelSlot(at, slot, this.#party);
      if (outcome !== WITHDRAWN && outcome !== DISOWNED) continue; // it comes with the others
      const terms = this.#tickets.termsOf(slot);
      const reject = this.#tickets.rejectOf(slot);
      if (terms !== undefined) this.#limits.end(terms);
      this.#tickets.delete(slot);
      if (this.#link.size > 0) this.#link.forget(slot);
      if (outcome === WITHDRAWN) this.#slots.discard(slot);
      this.#landed(1);
      if (reason !== undefined) reject?.(reason);
    }
  }

  #submit(
    task: AnyTask | FileFunction,
    args: unknown,
    options: RunOptions | undefined,
    resolve: Settle,
    reject: Settle,
  ): void {
    if (this.#end !== undefined) throw this.#end;
    let level = DEFAULT_LEVEL;
    let lane = DEFAULT_LEVEL;
    let given = args;
    let terms: TaskTerms | undefined;
    const id = this.#ids.idOf(task);
    if (options !== undefined) {
      level = levelIn(options);
      lane = this.#laneOf(options, level);
      if (options.signal?.aborted === true) throw options.signal.reason;
      if (options.transferList !== undefined) given = withTransfers(args, options.transferList);
    }
    if (options !== undefined || this.#latency !== undefined || this.#timing !== undefined) {
      const recorder = this.#latency?.[priorityAt(level)];
      terms = termsOf(
        this.#ids.nameOf(id),
        id,
        lane,
        given,
        resolve,
        reject,
        options,
        this.#graceMs,
        recorder,
        recorder !== undefined || this.#timing !== undefined,
      );
    }
    const backlog = this.#backlog;
    // Nobody is overtaken.
    const slot = backlog.isAhead(lane) ? NO_SLOT : this.#enter(id, given, lane, terms);
    if (slot >= 0) this.#tickets.set(slot, resolve, reject, terms);
    else backlog.add(lane, id, given, resolve, reject, terms);
    this.#inFlight++;
    if (terms !== undefined) this.#limits.begin(terms);
    if (slot < 0) backlog.expectRoom();
    this.#watch.expect();
  }

  #laneOf({ pin, deadlineMs }: RunOptions, level: number): number {
    if (pin !== undefined) return this.#pinned.laneOf(pin);
    if (this.#hasDeadlines && deadlineMs !== undefined) return MOST_URGENT; // in line before those without one
    return this.#isLevel ? DEFAULT_LEVEL : level;
  }

  /** A limit of a task has come. */
  #cut(terms: TaskTerms, limit: Limit): void {
    const { slot } = terms;
    if (slot === WAITS) {
      this.#limits.end(terms);
      this.#backlog.leave(terms);
      settle(terms.reject, reasonOf(terms, limit, false));
    } else if (slot >= 0) this.#withdraw(terms, limit);
  }

  /** The client wants the result no more. */
  #withdraw(terms: TaskTerms, limit: Limit): void {
    const { slot } = terms;
    const table = this.#table;
    const generation = generationIn(table.stateOf(slot));
    const outcome = table.kernel.cancelSlot(table.at, slot, this.#party);
    if (outcome === NOT_YOURS) return; // this client was reclaimed: `#lose` rejects all that it had
    if (outcome === TOO_LATE && limit !== 'signal') return; // it was in time: this thread was busy, and its result is there
    this.#tickets.delete(slot);
    this.#limits.end(terms);
    if (this.#link.size > 0 && outcome !== TOO_LATE) this.#link.forget(slot);
    if (outcome === WITHDRAWN) this.#slots.discard(slot);
    if (outcome === DISOWNED) this.#grace.begin(slot, generation, terms.graceMs);
    if (outcome !== TOO_LATE) this.#landed(1); // else it is counted when it is collected
    settle(terms.reject, reasonOf(terms, limit, outcome === DISOWNED));
  }

  /** Writes a task into a slot and hands it to the workers. @returns the slot, or NO_SLOT or LANE_FULL: not now. @throws what `run` says */
  #enter(id: number, args: unknown, lane: number, terms: TaskTerms | undefined): number {
    const slot = this.#slots.take();
    if (slot < 0) {
      if (slot === NO_SLOT) return NO_SLOT;
      throw this.#refusal(slot);
    }
    const table = this.#table;
    const { i32 } = table;
    const word = table.slotWord(slot);
    i32[word + slotHead.word.task] = id;
    try {
      writeValue(table, slot, args, 'arguments', this.#ids.nameOf(id));
    } catch (error) {
      this.#slots.keep(slot);
      if (error instanceof PayloadMemoryError) return NO_SLOT; // there is as soon as others have ended
      throw error;
    }
    i32[word + slotHead.word.lane] = lane;
    if (this.#hasDeadlines)
      i32[word + slotHead.word.deadline] =
        terms?.deadlineMs === undefined ? 0 : deadlineWord(terms.deadlineMs, table.startMs);
    if (this.#timing !== undefined) table.times?.reset(slot);
    const outcome = table.kernel.submitSlot(table.at, slot, this.#party, lane);
    if (outcome === ENTERED) return slot;
    if (outcome !== LANE_FULL) throw this.#refusal(outcome);
    this.#slots.discard(slot);
    return LANE_FULL;
  }

  /** Takes all finished slots. @returns how many */
  #collect(): number {
    const { kernel, at, i32 } = this.#table;
    let link = kernel.takeFinished(at, this.#party);
    if (link === LIST_CLOSED) {
      this.#lose();
      return 0;
    }
    let count = 0;
    while (link > 0) {
      const slot = link - 1;
      link = i32[this.#table.slotWord(slot) + slotHead.word.next] as number;
      this.#settle(slot);
      count++;
      if (this.#isGone) return count; // a callback has destroyed it
    }
    if (count > 0) this.#landed(count);
    const backlog = this.#backlog;
    if (backlog.size > 0) {
      this.#slots.share();
      backlog.admit();
    } else {
      this.#slots.feed();
      backlog.pressure.fell(0);
    }
    return count;
  }

  #settle(slot: number): void {
    const tickets = this.#tickets;
    const resolve = tickets.resolveOf(slot);
    const reject = tickets.rejectOf(slot);
    const terms = tickets.termsOf(slot);
    tickets.delete(slot);
    if (terms !== undefined) terms.slot = MOVES;
    let isFine = false;
    let value: unknown;
    try {
      value = takeValue(this.#table, slot);
      isFine = !isThrown(this.#table, slot);
    } catch (error) {
      value = error;
    }
    this.#slots.keep(slot);
    if (terms !== undefined && this.#again(slot, terms, isFine, value)) return;
    settle(isFine ? resolve : reject, value);
  }

  /** A task with terms has ended. @returns whether it runs again */
  #again(slot: number, terms: TaskTerms, isFine: boolean, value: unknown): boolean {
    if (
      isFine ||
      terms.retries === 0 ||
      !(value instanceof WorkerLostError) ||
      this.#table.phase !== PHASE_OPEN
    ) {
      this.#limits.end(terms);
      terms.recorder?.record(sharedNowMs() - terms.startMs);
      if (this.#timing !== undefined) this.#table.times?.record(this.#timing, slot, terms.startMs);
      return false;
    }
    terms.retries--;
    this.#retried++;
    this.#inFlight++; // it has landed, and starts again
    this.#backlog.addAgain(terms);
    return true;
  }

  /** So many tasks have ended. */
  #landed(count: number): void {
    this.#inFlight -= count;
    if (this.#inFlight > 0) return;
    if (this.#link.size > 0) this.#link.settle();
    this.#watch.settle();
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #rejectAll(error: Error): void {
    for (const slot of this.#tickets.slots()) {
      const terms = this.#tickets.termsOf(slot);
      const reject = this.#tickets.rejectOf(slot);
      this.#tickets.delete(slot);
      if (terms !== undefined) this.#limits.end(terms);
      settle(reject, error);
    }
    this.#backlog.clear(error);
    this.#landed(this.#inFlight);
  }

  /** The owner has reclaimed this client: its slots are gone. */
  #lose(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#end = new ClientLostError(this.id);
    this.#rejectAll(this.#end);
    this.#link.close();
    this.#watch.stop();
  }

  #refusal(outcome: number): Error {
    switch (outcome) {
      case CLIENT_GONE:
        this.#lose();
        return new ClientLostError(this.id);
      case NOT_OPEN:
        return new SchedulerClosedError('the scheduler is closed, expected it to be open');
      default:
        return new SchedulerError('ERR_INTERNAL', `unexpected outcome ${outcome} of acquireSlot`);
    }
  }
}

function nothing(): void {}
