// A client at work: submits tasks from its thread and settles their promises. `SchedulerClient` is what its users see.
import { Backlog } from './backlog.ts';
import { BackPressure, type PressureEvent } from './back-pressure.ts';
import { leavePlace, takePlace } from './client-places.ts';
import { ClientLink } from './client-link.ts';
import { codecModule } from './codec.ts';
import type { CompletionWatch } from './completion-watch.ts';
import { watchList } from './list-watch.ts';
import { ClientLostError, CorruptSlotError, SchedulerClosedError, WorkerLostError } from './errors.ts';
import { LIST_CLOSED, LIST_CORRUPT, NO_SLOT, PHASE_OPEN, slotHead } from './layout.ts';
import {
  checkObject,
  checkProfile,
  checkTimeout,
  type ClientOptions,
  type CloseOptions,
  type RunOptions,
} from './options.ts';
import { isThrown, takeValue } from './payload.ts';
import { DEFAULT_LEVEL } from './priority.ts';
import { Revocation } from './revocation.ts';
import type { ClientCounts } from './scheduler-client.ts';
import { liveWorkers } from './seats.ts';
import { SlotCache } from './slot-cache.ts';
import { ClientMoves, isMoved } from './slow-lane/client-moves.ts';
import { SlotWriter } from './slot-writer.ts';
import type { SchedulerTable } from './table.ts';
import { TaskLimits } from './task-limits.ts';
import { TaskRules } from './task-rules.ts';
import { MOVES, type TaskTerms } from './task-terms.ts';
import type { FileFunction } from './file-task.ts';
import type { AnyTask } from './tasks.ts';
import { TaskIds } from './task-ids.ts';
import { settle, Tickets, type Settle } from './tickets.ts';
import { withTransfers } from './transfer.ts';

export class Client {
  /** Place of this client. The owner's is 0. */
  readonly id: number;
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #watch: CompletionWatch;
  /** Carries what does not go by shared memory. */
  readonly #link: ClientLink;
  readonly #tickets = new Tickets();
  readonly #slots: SlotCache;
  readonly #backlog: Backlog;
  readonly #limits = new TaskLimits((terms, limit) => this.#revocation.revoke(terms, limit));
  readonly #revocation: Revocation;
  readonly #ids: TaskIds;
  readonly #rules: TaskRules;
  readonly #writer: SlotWriter;
  /** Undefined where there is no slow lane. */
  readonly #moves: ClientMoves | undefined;
  /** Tasks that ran again after their worker was lost. */
  #retried = 0;
  /** Told that more tasks wait than should, and that it is over. */
  onPressure: (event: PressureEvent) => void = () => {};
  /** Settle when nothing is in flight. */
  #idle: (() => void)[] = [];
  #inFlight = 0;
  #isGone = false;
  #end: Error | undefined;
  /** The two ends of the promise that `run` makes: one function for all of them, since a closure for each costs as much as the promise. */
  #resolve: Settle = () => {};
  #reject: Settle = () => {};
  readonly #takeEnds = (resolve: Settle, reject: Settle): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };

  /** @throws ArgumentRangeError, SchedulerClosedError, ClientsExhaustedError: then it has no place */
  constructor(table: SchedulerTable, options: ClientOptions = {}) {
    checkObject('options', options);
    const profile = checkProfile(options.profile);
    const pressure = new BackPressure(options, table.slots, (event) => this.onPressure(event));
    this.#table = table;
    this.#rules = new TaskRules(table, options);
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
    this.#slots = new SlotCache(table, this.#party, () => this.#inFlight === 0);
    this.#writer = new SlotWriter(table, this.#party, this.#slots, this.#ids, this.#rules, () =>
      this.#lose(),
    );
    const inFlight = (): number => this.#inFlight;
    const landed = (count: number): void => {
      if (!this.#isGone) this.#landed(count); // else nothing is in flight any more
    };
    this.#backlog = new Backlog(
      {
        get inFlight() {
          return inFlight();
        },
        nameOf: (id) => this.#ids.nameOf(id),
        enter: (id, args, lane, terms) => this.#writer.enter(id, args, lane, terms),
        ask: () => this.#slots.ask(),
        place: (slot, resolve, reject, terms) => this.#tickets.set(slot, resolve, reject, terms),
        landed,
      },
      this.#limits,
      pressure,
    );
    this.#revocation = new Revocation(table, this.#party, {
      limits: this.#limits,
      backlog: this.#backlog,
      tickets: this.#tickets,
      slots: this.#slots,
      link: this.#link,
      landed,
    });
    this.#moves =
      table.slow &&
      new ClientMoves(table, this.#party, {
        tickets: this.#tickets,
        slots: this.#slots,
        link: this.#link,
        limits: this.#limits,
        landed,
        lose: () => this.#lose(),
      });
    this.#watch = watchList(table, this.#party, inFlight, () => this.#collect(), profile);
  }

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
  get limits(): { readonly common: number; readonly inlineBytes: number } {
    return this.#table;
  }

  /** Indices of workers whose seats have a thread, or will have one without being asked. */
  liveWorkers(): number[] {
    return liveWorkers(this.#table);
  }

  get pressure(): BackPressure {
    return this.#backlog.pressure;
  }

  /** As of SchedulerClient. */
  counts(): ClientCounts {
    const { refused, shed } = this.pressure;
    const { condemned } = this.#revocation.grace;
    const moved = this.#moves?.moved ?? 0;
    return { waiting: this.#backlog.size, refused, shed, retried: this.#retried, condemned, moved };
  }

  /** As of SchedulerClient. */
  async close(options: CloseOptions = {}): Promise<void> {
    checkObject('options', options);
    const timeoutMs = checkTimeout(options.timeoutMs);
    this.#end ??= new SchedulerClosedError(`client ${this.id} is closed, expected it to be open`);
    await this.settled(timeoutMs);
    this.destroy();
  }

  /** As of SchedulerClient. */
  destroy(reason = new SchedulerClosedError(`client ${this.id} was destroyed before the task ended`)): void {
    this.#end ??= new SchedulerClosedError(`client ${this.id} is closed, expected it to be open`);
    this.#rejectAll(reason);
    if (this.#end instanceof ClientLostError || this.#isGone) return;
    this.#isGone = true;
    this.#link.close();
    leavePlace(this.#table, this.#party);
    this.#slots.stop();
    this.#moves?.stop();
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

  /** As of Revocation. */
  forsake(lane: number, reason?: unknown, isQueuedAlone?: boolean): void {
    this.#revocation.forsake(lane, reason, isQueuedAlone);
  }

  /** Of a task with these options. @throws ArgumentRangeError */
  graceOf(graceMs: number | undefined): number {
    return this.#rules.graceOf(graceMs);
  }

  /** As of Revocation. */
  takeBack(reject: Settle, graceMs: number): void {
    this.#revocation.takeBack(reject, graceMs);
  }

  #submit(
    task: AnyTask | FileFunction,
    args: unknown,
    options: RunOptions | undefined,
    resolve: Settle,
    reject: Settle,
  ): void {
    if (this.#end !== undefined) throw this.#end;
    let lane = DEFAULT_LEVEL;
    let given = args;
    let terms: TaskTerms | undefined;
    const id = this.#ids.idOf(task);
    const rules = this.#rules;
    if (options !== undefined) {
      checkObject('options', options);
      lane = rules.laneOf(options);
      if (options.signal?.aborted === true) throw options.signal.reason;
      if (options.transferList !== undefined) given = withTransfers(args, options.transferList);
    }
    if (options !== undefined || rules.areTimed)
      terms = rules.termsOf(this.#ids.nameOf(id), id, lane, given, resolve, reject, options);
    const backlog = this.#backlog;
    // Nobody is overtaken.
    const slot = backlog.isAhead(lane) ? NO_SLOT : this.#writer.enter(id, given, lane, terms);
    if (slot >= 0) this.#tickets.set(slot, resolve, reject, terms);
    else backlog.add(lane, id, given, resolve, reject, terms);
    this.#inFlight++;
    if (terms !== undefined) this.#limits.begin(terms);
    if (slot < 0) backlog.expectRoom();
    this.#watch.expect();
  }

  /** Takes all finished slots. @returns how many */
  #collect(): number {
    const { kernel, at, i32, slots } = this.#table;
    let link = kernel.takeFinished(at, this.#party);
    if (link === LIST_CLOSED) {
      this.#lose();
      return 0;
    }
    if (link === LIST_CORRUPT) return this.#loseTrack();
    let count = 0;
    while (link > 0) {
      const slot = link - 1;
      link = i32[this.#table.slotWord(slot) + slotHead.word.next] as number;
      if (count === slots) return this.#loseTrack(); // in a circle
      this.#settle(slot);
      count++;
      if (this.#isGone) return count; // a callback has destroyed it
    }
    this.#moves?.again();
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
    if (this.#moves !== undefined && isMoved(this.#table, slot)) {
      if (this.#moves.take(slot)) this.#inFlight++; // it is among those that have landed, and goes on
      return;
    }
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
      // What a recorder throws is not the end of all others that have finished.
      if (this.#rules.areTimed) settle(() => this.#rules.record(slot, terms), undefined);
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
    this.#slots.rest();
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

  /** Somebody wrote over a link: which tasks have ended is not known. */
  #loseTrack(): number {
    this.#lose(new CorruptSlotError(`the list of finished tasks of client ${this.id} leads nowhere`));
    leavePlace(this.#table, this.#party);
    return 0;
  }

  /** The owner has reclaimed this client, or it can not know what has become of them: its slots are gone. */
  #lose(reason: Error = new ClientLostError(this.id)): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#end = reason;
    this.#rejectAll(this.#end);
    this.#link.close();
    this.#slots.stop();
    this.#moves?.stop();
    this.#watch.stop();
  }
}
