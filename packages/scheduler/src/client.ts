// A client at work: submits tasks from its thread and settles their promises. `SchedulerClient` is what its users see.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { leavePlace, takePlace } from './client-places.ts';
import { ClientLink } from './client-link.ts';
import { codecModule } from './codec.ts';
import { CompletionWatch } from './completion-watch.ts';
import {
  ClientLostError,
  PayloadMemoryError,
  QueueFullError,
  SchedulerClosedError,
  SchedulerError,
  TaskTimeoutError,
} from './errors.ts';
import {
  CLIENT_GONE,
  clientEntry,
  DISOWNED,
  ENTERED,
  FAIR_EVERY,
  LANE_FULL,
  LEVELS,
  LIST_ASLEEP,
  LIST_CLOSED,
  NO_SLOT,
  NOT_OPEN,
  NOT_YOURS,
  PHASE_OPEN,
  POLICY_DEADLINE,
  slotHead,
  TOO_LATE,
  WITHDRAWN,
} from './layout.ts';
import {
  checkDeadline,
  checkMaxQueue,
  checkProfile,
  checkTimeout,
  unknownPriority,
  type ClientOptions,
  type CloseOptions,
  type LatencyRecorders,
  type RunOptions,
} from './options.ts';
import { isThrown, takeValue, writeValue } from './payload.ts';
import { deadlineWord, ignoresPriorities } from './policy.ts';
import { DEFAULT_LEVEL, levelOf, priorityAt } from './priority.ts';
import { sharedNowMs } from './shared-clock.ts';
import { SlotCache } from './slot-cache.ts';
import { PinnedLanes } from './seats.ts';
import { generationIn, type SchedulerTable } from './table.ts';
import { endTerms, ENDED, WAITS, type TaskTerms } from './task-terms.ts';
import type { FileFunction } from './file-task.ts';
import type { AnyTask } from './tasks.ts';
import { TaskIds } from './task-ids.ts';
import type { TimingRecorders } from './task-times.ts';
import { Tickets, type Settle } from './tickets.ts';
import { withTransfers } from './transfer.ts';
import { type Waiting, WaitingLine } from './waiting-line.ts';

/** While other clients have all slots. Guessed. */
const LOOK_FOR_ROOM_MS = 1;
const MOST_URGENT: number = LEVELS - 1;

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
  readonly #line = new WaitingLine();
  readonly #pinned: PinnedLanes;
  /** Tasks have one level, whatever their priority. */
  readonly #isLevel: boolean;
  readonly #hasDeadlines: boolean;
  readonly #maxQueue: number;
  readonly #ids: TaskIds;
  /** Settle when nothing is in flight. */
  #idle: (() => void)[] = [];
  #roomTimer: NodeJS.Timeout | undefined;
  /** Tasks that left the line since a less urgent one had its turn. */
  #admissions = 0;
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
    this.#maxQueue = checkMaxQueue(options.maxQueue);
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
    const { kernel, at, i32 } = table;
    const word = table.clientWord(this.#party) + clientEntry.word.finished;
    const inFlight = (): number => this.#inFlight;
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
    return this.#line.empty();
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

  #submit(
    task: AnyTask | FileFunction,
    args: unknown,
    options: RunOptions | undefined,
    resolve: Settle,
    reject: Settle,
  ): void {
    if (this.#end !== undefined) throw this.#end;
    let level = DEFAULT_LEVEL;
    let terms: TaskTerms | undefined;
    let lane = DEFAULT_LEVEL;
    if (options !== undefined) {
      if (options.priority !== undefined) level = levelOf(options.priority);
      if (level < 0) throw unknownPriority(options.priority);
      if (options.pin !== undefined) lane = this.#pinned.laneOf(options.pin);
      else if (this.#hasDeadlines && options.deadlineMs !== undefined) lane = MOST_URGENT; // in line before those without one
      else if (!this.#isLevel) lane = level;
      if (options.signal?.aborted === true) throw options.signal.reason;
    }
    const id = this.#ids.idOf(task);
    if (options !== undefined || this.#latency !== undefined || this.#timing !== undefined)
      terms = this.#termsOf(this.#ids.nameOf(id), level, options, reject);
    // Nobody is overtaken.
    const list = options?.transferList;
    const given = list === undefined ? args : withTransfers(args, list);
    const slot = this.#line.isAhead(lane) ? NO_SLOT : this.#enter(id, given, lane, terms);
    if (slot >= 0) this.#tickets.set(slot, resolve, reject, terms);
    else {
      if (this.#line.size >= this.#maxQueue) throw new QueueFullError(this.#maxQueue, this.#inFlight);
      this.#line.push(lane, id, given, resolve, reject, terms);
    }
    this.#inFlight++;
    if (terms !== undefined) this.#arm(terms);
    if (slot < 0) this.#expectRoom();
    this.#watch.expect();
  }

  /** Undefined where it has none. */
  #termsOf(
    task: string,
    level: number,
    options: RunOptions | undefined,
    reject: Settle,
  ): TaskTerms | undefined {
    const signal = options?.signal;
    const timeoutMs = checkTimeout(options?.timeoutMs);
    const recorder = this.#latency?.[priorityAt(level)];
    const deadlineMs = checkDeadline(options?.deadlineMs);
    const isTimed = recorder !== undefined || this.#timing !== undefined;
    if (signal === undefined && timeoutMs === undefined && !isTimed && deadlineMs === undefined)
      return undefined;
    const startMs = isTimed ? sharedNowMs() : 0;
    return {
      slot: WAITS,
      task,
      level,
      reject,
      signal,
      onAbort: undefined,
      timeoutMs,
      deadlineMs,
      timer: undefined,
      recorder,
      startMs,
    };
  }

  /** From here on the terms end the task. */
  #arm(terms: TaskTerms): void {
    const { signal, timeoutMs } = terms;
    if (signal !== undefined) {
      terms.onAbort = (): void => this.#abort(terms);
      signal.addEventListener('abort', terms.onAbort, { once: true });
    }
    if (timeoutMs !== undefined) terms.timer = setTimeout(() => this.#timeOut(terms), timeoutMs);
  }

  #abort(terms: TaskTerms): void {
    const { slot, signal } = terms;
    if (slot === WAITS) this.#leave(terms, signal?.reason);
    else if (slot !== ENDED)
      this.#withdraw(terms, this.#table.kernel.cancelSlot(this.#table.at, slot, this.#party), signal?.reason);
  }

  #timeOut(terms: TaskTerms): void {
    const { slot, task } = terms;
    const timeoutMs = terms.timeoutMs as number;
    if (slot === WAITS) this.#leave(terms, new TaskTimeoutError(task, timeoutMs, false));
    else if (slot !== ENDED) {
      const { kernel, at } = this.#table;
      const generation = generationIn(this.#table.stateOf(slot));
      const outcome = kernel.cancelSlot(at, slot, this.#party);
      if (outcome === DISOWNED) kernel.condemnSlot(at, slot, this.#party, generation);
      if (outcome === TOO_LATE) return; // it was in time: this thread was busy, and its result is there
      this.#withdraw(terms, outcome, new TaskTimeoutError(task, timeoutMs, outcome === DISOWNED));
    }
  }

  /** A task that waits is wanted no more. */
  #leave(terms: TaskTerms, reason: unknown): void {
    endTerms(terms);
    this.#line.left();
    this.#landed(1);
    terms.reject(reason);
  }

  /** The client wants the result no more; `outcome` is what the slot has become. */
  #withdraw(terms: TaskTerms, outcome: number, reason: unknown): void {
    if (outcome === NOT_YOURS) return; // this client was reclaimed: `#lose` rejects all that it had
    const { slot } = terms;
    this.#tickets.delete(slot);
    endTerms(terms);
    if (this.#link.size > 0 && outcome !== TOO_LATE) this.#link.forget(slot);
    if (outcome === WITHDRAWN) this.#slots.discard(slot);
    if (outcome === WITHDRAWN || outcome === DISOWNED) this.#landed(1);
    terms.reject(reason);
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

  /** Lets as many in as there is room for. */
  #admit(): void {
    let below = Infinity;
    for (let first = this.#next(below); first !== undefined; first = this.#next(below)) {
      const { lane, id, args, resolve, reject, terms } = first;
      let slot: number;
      try {
        slot = this.#enter(id, args, lane, terms);
      } catch (error) {
        this.#line.shift(lane);
        if (terms !== undefined) endTerms(terms);
        this.#landed(1);
        reject(error);
        continue;
      }
      if (slot === NO_SLOT) break;
      if (slot === LANE_FULL) {
        if (this.#admissions < FAIR_EVERY) below = lane; // the others may have room in theirs
        this.#admissions = 0;
        continue;
      }
      this.#admissions = this.#admissions < FAIR_EVERY ? this.#admissions + 1 : 0;
      this.#line.shift(lane);
      this.#tickets.set(slot, resolve, reject, terms);
    }
    this.#expectRoom();
  }

  /** The most urgent one, but that one in `FAIR_EVERY` is less urgent, as among tasks that have slots: no level starves. */
  #next(below: number): Waiting | undefined {
    return (this.#admissions >= FAIR_EVERY ? this.#line.firstInTurn() : undefined) ?? this.#line.first(below);
  }

  /** Where somebody waits and nothing of this client is on its way, no result tells of room: it looks from time to time. */
  #expectRoom(): void {
    if (this.#line.size === 0 || this.#line.size < this.#inFlight || this.#roomTimer !== undefined) return;
    this.#slots.ask();
    this.#roomTimer = setTimeout(() => {
      this.#roomTimer = undefined;
      this.#admit();
    }, LOOK_FOR_ROOM_MS);
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
    if (this.#line.size > 0) {
      this.#slots.share();
      this.#admit();
    } else this.#slots.feed();
    return count;
  }

  #settle(slot: number): void {
    const tickets = this.#tickets;
    const resolve = tickets.resolveOf(slot);
    const reject = tickets.rejectOf(slot);
    const terms = tickets.termsOf(slot);
    tickets.delete(slot);
    if (terms !== undefined) {
      endTerms(terms);
      terms.recorder?.record(sharedNowMs() - terms.startMs);
      if (this.#timing !== undefined) this.#table.times?.record(this.#timing, slot, terms.startMs);
    }
    let isFine = false;
    let value: unknown;
    try {
      value = takeValue(this.#table, slot);
      isFine = !isThrown(this.#table, slot);
    } catch (error) {
      value = error;
    }
    this.#slots.keep(slot);
    try {
      if (isFine) resolve?.(value);
      else reject?.(value);
    } catch (error) {
      raise(error); // a callback's: the others are told all the same
    }
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
      if (terms !== undefined) endTerms(terms);
      this.#tickets.rejectOf(slot)?.(error);
      this.#tickets.delete(slot);
    }
    clearTimeout(this.#roomTimer);
    for (let first = this.#line.first(Infinity); first !== undefined; first = this.#line.first(Infinity)) {
      const { lane, terms, reject } = first;
      this.#line.shift(lane);
      if (terms !== undefined) endTerms(terms);
      reject(error);
    }
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

function raise(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
