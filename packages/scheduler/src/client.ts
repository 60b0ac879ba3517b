// A client: submits tasks from its thread and settles their promises. The owner of the scheduler has one, too.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { leavePlace, takePlace } from './client-places.ts';
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
  LANE_FULL,
  LEVELS,
  LIST_ASLEEP,
  LIST_CLOSED,
  NO_SLOT,
  NOT_OPEN,
  PHASE_OPEN,
  slotHead,
  TOO_LATE,
  WITHDRAWN,
} from './layout.ts';
import {
  checkMaxQueue,
  checkTimeout,
  unknownPriority,
  type ClientOptions,
  type CloseOptions,
  type LatencyRecorders,
  type RunOptions,
} from './options.ts';
import { codecModule } from './codec.ts';
import { dropValue, isThrown, takeValue, writeValue } from './payload.ts';
import type { Recorder } from './ports.ts';
import { DEFAULT_PRIORITY, levelOf, priorityAt } from './priority.ts';
import type { SchedulerTable } from './table.ts';
import { taskOptionsOf, type Task } from './tasks.ts';
import { WaitingLine, type WaitingTask } from './waiting-line.ts';

type Settle = (value: unknown) => void;

/** What only some tasks have. */
interface Watchers {
  readonly signal: AbortSignal | undefined;
  readonly onAbort: (() => void) | undefined;
  readonly timer: NodeJS.Timeout | undefined;
  readonly recorder: Recorder | undefined;
  readonly startMs: number;
}

const NO_OPTIONS: RunOptions = {};
/** While other clients have all slots. Guessed. */
const LOOK_FOR_ROOM_MS = 1;

export class SchedulerClient implements AsyncDisposable {
  /** Place of this client, for `scheduler.reclaimClient`. The owner's is 0. */
  readonly id: number;
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #latency: LatencyRecorders | undefined;
  readonly #watch: CompletionWatch;
  readonly #taskIds = new Map<Task<never, unknown>, number>();
  /** By slot; undefined where nobody waits any more. */
  readonly #resolve: (Settle | undefined)[] = [];
  readonly #reject: (Settle | undefined)[] = [];
  readonly #watchers = new Map<number, Watchers>();
  /** Settle when nothing is in flight. */
  #idle: (() => void)[] = [];
  /** Slots that it keeps for its next tasks. */
  readonly #free: Int32Array;
  #freeCount = 0;
  readonly #line = new WaitingLine();
  #roomTimer: NodeJS.Timeout | undefined;
  readonly #maxQueue: number;
  #inFlight = 0;
  #isGone = false;
  #end: Error | undefined;

  /** Made by `Scheduler.attach`. @internal */
  constructor(table: SchedulerTable, options: ClientOptions = {}) {
    this.#maxQueue = checkMaxQueue(options.maxQueue);
    this.#table = table;
    this.#latency = options.latency;
    codecModule(options.codec); // checks it
    table.payloads.codec = options.codec;
    table.payloads.memories.add(options.memory ?? []);
    if (table.phase !== PHASE_OPEN)
      throw new SchedulerClosedError('the scheduler is closed, expected it to be open');
    this.#party = takePlace(table);
    this.#free = new Int32Array(Math.max(1, table.slots >> 1));
    this.id = this.#party - 1;
    const { kernel, at, i32 } = table;
    const word = table.clientWord(this.#party) + clientEntry.word.finished;
    const inFlight = (): number => this.#inFlight;
    this.#watch = new CompletionWatch({
      get inFlight() {
        return inFlight();
      },
      collect: () => this.#collect(),
      fallAsleep: () => kernel.fallAsleep(at, this.#party) === 1,
      wait: () => {
        const { async, value } = Atomics.waitAsync(i32, word, LIST_ASLEEP); // pairs with the notify in deliverSlot
        return async ? value : undefined;
      },
    });
  }

  /** Tasks that were accepted and whose end is not known yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Runs a task on a worker. Nothing is thrown; the promise rejects with what the task threw, with `signal.reason`, or with
   * QueueFullError, PayloadTooLargeError, NotCloneableError, TaskTimeoutError, WorkerLostError, TaskNotFoundError,
   * SchedulerClosedError, ClientLostError, ArgumentRangeError. Where it rejects with one of the first three, or the last, the task
   * was not accepted.
   */
  run<R>(task: Task<undefined, R>, args?: undefined, options?: RunOptions): Promise<R>;
  run<A, R>(task: Task<A, R>, args: A, options?: RunOptions): Promise<R>;
  run<R>(task: Task<never, R>, args?: unknown, options: RunOptions = NO_OPTIONS): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      try {
        this.#submit(task, args, options, resolve as Settle, reject);
      } catch (error) {
        reject(error);
      }
    });
  }

  /** Waits until nothing is in flight, then gives up its place. New tasks are refused at once. Harmless when called again. */
  async close(options: CloseOptions = {}): Promise<void> {
    const timeoutMs = checkTimeout(options.timeoutMs);
    this.#end ??= new SchedulerClosedError(`client ${this.id} is closed, expected it to be open`);
    await this.settled(timeoutMs);
    this.destroy();
  }

  /** Rejects what is in flight with SchedulerClosedError, then gives up its place. Tasks that run already run on. */
  destroy(): void {
    this.#end ??= new SchedulerClosedError(`client ${this.id} is closed, expected it to be open`);
    this.#rejectAll(new SchedulerClosedError(`client ${this.id} was destroyed before the task ended`));
    if (this.#end instanceof ClientLostError || this.#isGone) return;
    this.#isGone = true;
    leavePlace(this.#table, this.#party);
    this.#watch.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Settles when nothing is in flight, or after a time-out. @internal */
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

  /** Settles when all tasks have a slot. @internal */
  admitted(): Promise<void> {
    return this.#line.empty();
  }

  /** Takes no more tasks, for the reason given. @internal */
  refuse(reason: Error): void {
    this.#end ??= reason;
  }

  /** Takes what has finished now. @internal */
  collect(): void {
    this.#collect();
    this.#watch.expect();
  }

  #submit(
    task: Task<never, unknown>,
    args: unknown,
    options: RunOptions,
    resolve: Settle,
    reject: Settle,
  ): void {
    const { signal, priority = DEFAULT_PRIORITY } = options;
    if (this.#end !== undefined) throw this.#end;
    const level = levelOf(priority);
    if (level < 0) throw unknownPriority(priority);
    const timeoutMs = checkTimeout(options.timeoutMs);
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const id = this.#taskIds.get(task) ?? this.#intern(task);
    const startMs = this.#latency?.[priorityAt(level)] === undefined ? 0 : performance.now();
    if (this.#line.size === 0 || !this.#line.isAhead(level)) {
      const slot = this.#enter(task, id, args, level);
      if (slot >= 0) {
        this.#inFlight++;
        this.#expect(slot, task, level, signal, timeoutMs, startMs, resolve, reject);
        this.#watch.expect();
        return;
      }
    }
    if (this.#line.size >= this.#maxQueue) throw new QueueFullError(this.#maxQueue, this.#inFlight);
    this.#wait(task, id, args, level, signal, timeoutMs, startMs, resolve, reject);
  }

  /** Writes a task into a slot and hands it to the workers. @returns the slot, or NO_SLOT or LANE_FULL: not now. @throws what `run` says */
  #enter(task: Task<never, unknown>, id: number, args: unknown, level: number): number {
    const { kernel, at, i32 } = this.#table;
    const slot =
      this.#freeCount > 0 ? (this.#free[--this.#freeCount] as number) : kernel.acquireSlot(at, this.#party);
    if (slot === NO_SLOT) return NO_SLOT;
    if (slot < 0) throw this.#refusal(slot);
    const word = this.#table.slotWord(slot);
    i32[word + slotHead.word.task] = id;
    try {
      writeValue(this.#table, slot, args, 'arguments', task.name);
    } catch (error) {
      this.#keep(slot);
      if (error instanceof PayloadMemoryError) return NO_SLOT; // there is as soon as others have ended
      throw error;
    }
    i32[word + slotHead.word.level] = level;
    const outcome = kernel.submitSlot(at, slot, this.#party, level);
    if (outcome === ENTERED) return slot;
    if (outcome === LANE_FULL) {
      this.#discard(slot);
      return LANE_FULL;
    }
    throw this.#refusal(outcome);
  }

  /** From here on the promise settles with what becomes of the slot. */
  #expect(
    slot: number,
    task: Task<never, unknown>,
    level: number,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    startMs: number,
    resolve: Settle,
    reject: Settle,
  ): void {
    this.#resolve[slot] = resolve;
    this.#reject[slot] = reject;
    const recorder = this.#latency?.[priorityAt(level)];
    if (recorder !== undefined || signal !== undefined || timeoutMs !== undefined)
      this.#watchers.set(slot, this.#watchersFor(slot, task, signal, timeoutMs, recorder, startMs));
  }

  /** The task waits until there is a slot for it, and room in its lane. */
  #wait(
    task: Task<never, unknown>,
    id: number,
    args: unknown,
    level: number,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    startMs: number,
    resolve: Settle,
    reject: Settle,
  ): void {
    const waiting: WaitingTask = {
      task,
      id,
      args,
      level,
      signal,
      timeoutMs,
      deadlineMs: timeoutMs === undefined ? Infinity : performance.now() + timeoutMs,
      startMs,
      resolve,
      reject,
      onAbort: undefined,
      timer: undefined,
      waits: true,
      next: undefined,
    };
    if (signal !== undefined) {
      waiting.onAbort = (): void => this.#leave(waiting, signal.reason);
      signal.addEventListener('abort', waiting.onAbort, { once: true });
    }
    if (timeoutMs !== undefined)
      waiting.timer = setTimeout(
        () => this.#leave(waiting, new TaskTimeoutError(task.name, timeoutMs, false)),
        timeoutMs,
      );
    this.#line.push(waiting);
    this.#inFlight++;
    this.#expectRoom();
    this.#watch.expect();
  }

  /** A task that waits is wanted no more, or has failed before it could run. */
  #leave(waiting: WaitingTask, reason: unknown): void {
    if (!waiting.waits) return;
    this.#line.leave(waiting);
    unwatch(waiting);
    this.#landed();
    waiting.reject(reason);
  }

  /** Lets as many in as there is room for. */
  #admit(): void {
    let below = LEVELS;
    for (
      let waiting = this.#line.firstBelow(below);
      waiting !== undefined;
      waiting = this.#line.firstBelow(below)
    ) {
      const { task, id, args, level, signal, startMs, resolve, reject } = waiting;
      let slot: number;
      try {
        slot = this.#enter(task, id, args, level);
      } catch (error) {
        this.#leave(waiting, error);
        continue;
      }
      if (slot === NO_SLOT) break;
      if (slot === LANE_FULL) {
        below = level; // the others may have room in theirs
        continue;
      }
      this.#line.leave(waiting);
      unwatch(waiting);
      // What is left of its time; a timer that has run out fires at the next turn.
      const timeoutMs =
        waiting.timeoutMs === undefined ? undefined : Math.max(1, waiting.deadlineMs - performance.now());
      this.#expect(slot, task, level, signal, timeoutMs, startMs, resolve, reject);
    }
    this.#expectRoom();
  }

  /** Where somebody waits and nothing of this client is on its way, no result tells of room: it looks from time to time. */
  #expectRoom(): void {
    if (this.#line.size === 0 || this.#line.size < this.#inFlight || this.#roomTimer !== undefined) return;
    this.#roomTimer = setTimeout(() => {
      this.#roomTimer = undefined;
      this.#admit();
    }, LOOK_FOR_ROOM_MS);
  }

  #watchersFor(
    slot: number,
    task: Task<never, unknown>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    recorder: Recorder | undefined,
    startMs: number,
  ): Watchers {
    const { kernel, at } = this.#table;
    const onAbort =
      signal && ((): void => this.#withdraw(slot, kernel.cancelSlot(at, slot, this.#party), signal.reason));
    signal?.addEventListener('abort', onAbort as () => void, { once: true });
    const onTimeout = (): void => {
      const outcome = kernel.condemnSlot(at, slot, this.#party);
      const error = new TaskTimeoutError(task.name, timeoutMs as number, outcome === DISOWNED);
      this.#withdraw(slot, outcome, error);
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
    return { signal, onAbort, timer, recorder, startMs };
  }

  /** The client wants the result no more; `outcome` is what the slot has become. */
  #withdraw(slot: number, outcome: number, reason: unknown): void {
    const reject = this.#reject[slot];
    this.#forget(slot);
    if (outcome === WITHDRAWN) this.#discard(slot);
    if (outcome === WITHDRAWN || outcome === DISOWNED) this.#landed();
    else if (outcome !== TOO_LATE) return; // not ours any more: `#end` says why
    reject?.(reason);
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
    }
    if (this.#line.size > 0) this.#admit();
    else this.#feed();
    return count;
  }

  #settle(slot: number): void {
    const resolve = this.#resolve[slot];
    const reject = this.#reject[slot];
    const watchers = this.#watchers.get(slot);
    this.#forget(slot);
    if (watchers?.recorder !== undefined) watchers.recorder.record(performance.now() - watchers.startMs);
    let isFine = false;
    let value: unknown;
    try {
      value = takeValue(this.#table, slot);
      isFine = !isThrown(this.#table, slot);
    } catch (error) {
      value = error;
    }
    this.#keep(slot);
    this.#landed();
    if (isFine) resolve?.(value);
    else reject?.(value);
  }

  /** Keeps a slot for the next task, which costs nothing that others see; gives it back where there are enough, or others have none. */
  #keep(slot: number): void {
    if (this.#freeCount < this.#free.length) this.#free[this.#freeCount++] = slot;
    else this.#table.kernel.releaseSlot(this.#table.at, slot, this.#party);
  }

  /** Keeps a slot with arguments that nobody will read. */
  #discard(slot: number): void {
    dropValue(this.#table, slot);
    this.#keep(slot);
  }

  /** Gives back what it keeps, where another client found none. */
  #feed(): void {
    const { kernel, at, i32, hungryWord } = this.#table;
    if (Atomics.load(i32, hungryWord) === 0) return; // pairs with the store in acquireSlot
    Atomics.store(i32, hungryWord, 0);
    while (this.#freeCount > 0) kernel.releaseSlot(at, this.#free[--this.#freeCount] as number, this.#party);
  }

  #forget(slot: number): void {
    this.#resolve[slot] = undefined;
    this.#reject[slot] = undefined;
    const watchers = this.#watchers.get(slot);
    if (watchers === undefined) return;
    this.#watchers.delete(slot);
    clearTimeout(watchers.timer);
    if (watchers.onAbort !== undefined) watchers.signal?.removeEventListener('abort', watchers.onAbort);
  }

  #landed(): void {
    if (--this.#inFlight > 0) return;
    this.#watch.expect();
    const idle = this.#idle;
    if (idle.length === 0) return;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  #rejectAll(error: Error): void {
    for (let slot = 0; slot < this.#reject.length; slot++) {
      const reject = this.#reject[slot];
      if (reject === undefined) continue;
      this.#forget(slot);
      reject(error);
    }
    clearTimeout(this.#roomTimer);
    for (
      let waiting = this.#line.firstBelow(LEVELS);
      waiting !== undefined;
      waiting = this.#line.firstBelow(LEVELS)
    )
      this.#leave(waiting, error);
    this.#inFlight = 1;
    this.#landed();
  }

  /** The owner has reclaimed this client: its slots are gone. */
  #lose(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#end = new ClientLostError(this.id);
    this.#rejectAll(this.#end);
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

  #intern(task: Task<never, unknown>): number {
    if (typeof task?.module !== 'string' || typeof task.name !== 'string')
      throw new ArgumentRangeError('task', task, 'a task that defineTasks returned');
    const id = this.#table.names.intern(`${task.module}#${task.name}`);
    this.#taskIds.set(task, id);
    this.#table.payloads.learn(id, taskOptionsOf(task));
    return id;
  }
}

/** Its signal and timer are the slot's from here on, or nobody's. */
function unwatch(waiting: WaitingTask): void {
  clearTimeout(waiting.timer);
  if (waiting.onAbort !== undefined) waiting.signal?.removeEventListener('abort', waiting.onAbort);
}
