// The tracker of one thread: records by tag, in its worker's slots and in the words that all workers share.
import { threadId } from 'node:worker_threads';
import { NamesExhaustedError, type Arena } from '@corelane/shared-memory';
import { ArgumentRangeError, disposed, TagsExhaustedError } from './errors.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import type { MemorySink } from './ports.ts';
import { MemoryReader } from './reader.ts';
import type { BudgetWatchOptions, BudgetChange } from './budget-watch.ts';
import { BudgetListeners } from './budget-listeners.ts';
import { MemoryBudget, type BudgetOptions } from './budget.ts';
import { LeakWatch, type LeakOptions } from './leak-watch.ts';
import { checkNames } from './options.ts';
import { OwnRecorder } from './own-recorder.ts';
import { checkBytes, type OpenRecorder, type TagRecorder } from './recorder.ts';
import { SharedRecorder } from './shared-recorder.ts';
import type { MemorySnapshot } from './snapshot.ts';
import { MAX_TAGS, MAX_WORKERS, TrackerTable, type MemoryTrackerHandle, type WorkerState } from './table.ts';
import { TagCell } from './tag-cell.ts';
import type { TagScope } from './tag-scope.ts';
import { Tracked, type MemoryTransfer } from './tracked.ts';
import { WorkerSlot } from './worker-slot.ts';

export interface MemoryTrackerOptions {
  /** Tags at most; 64 by default. */
  readonly tags?: number;
  /** Threads at most that record at a time; 16 by default. */
  readonly workers?: number;
  /** Reports handles that are collected without having been disposed, on this thread; not by default, as each then costs more. */
  readonly leaks?: LeakOptions;
}

export interface TagOptions {
  /** Whom it is counted by; as it is where the tag is in use, else `shared`. */
  readonly scope?: TagScope;
}

/** A tag that this thread uses. */
interface OpenTag {
  readonly cell: TagCell;
  readonly listeners: BudgetListeners;
  readonly recorder: OpenRecorder;
}

const NO_OPTIONS: TagOptions = {};

export class MemoryTracker implements MemorySink {
  /** Plain data for `MemoryTracker.attach` and `MemoryReader.attach` on other threads. */
  readonly handle: MemoryTrackerHandle;
  /** Index of this thread's worker: for `reclaim`, should the thread die. */
  readonly worker: number;
  readonly #table: TrackerTable;
  readonly #kernel: KernelExports;
  readonly #reader: MemoryReader;
  readonly #leaks: LeakWatch | undefined;
  readonly #tags = new Map<string, OpenTag>();
  /** The same once more, for the shortest way from a name to its recorder. */
  readonly #recorders = new Map<string, OpenRecorder>();
  #disposed = false;

  private constructor(table: TrackerTable, leaks: LeakOptions | undefined) {
    this.handle = table.handle;
    this.#table = table;
    this.#kernel = table.arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#reader = new MemoryReader(table);
    this.#leaks = leaks === undefined ? undefined : new LeakWatch(leaks);
    this.worker = table.claim(threadId);
  }

  /** A new tracker, with the first worker claimed for this thread. @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: MemoryTrackerOptions = {}): MemoryTracker {
    if (typeof (arena as Partial<Arena> | undefined)?.createObject !== 'function')
      throw new ArgumentRangeError('arena', arena, 'an object with createObject()');
    checkNames('options', options, ['tags', 'workers', 'leaks']);
    const { tags = 64, workers = 16 } = options;
    checkRange('tags', tags, MAX_TAGS);
    checkRange('workers', workers, MAX_WORKERS);
    const table = TrackerTable.create(arena, tags, workers);
    return new MemoryTracker(table, options.leaks);
  }

  /** The same tracker on another thread, which claims a worker. @throws AttachError, WorkersExhaustedError */
  static attach(
    handle: MemoryTrackerHandle,
    arena?: Arena,
    options: Pick<MemoryTrackerOptions, 'leaks'> = {},
  ): MemoryTracker {
    checkNames('options', options, ['leaks']);
    return new MemoryTracker(TrackerTable.open(handle, arena), options.leaks);
  }

  /**
   * The recorder of a tag, always the same one on a thread: resolve it once, keep it, use it.
   * @throws TagsExhaustedError; TagScopeError where it has another scope
   */
  tag(tag: string, options: TagOptions = NO_OPTIONS): TagRecorder {
    if (options !== NO_OPTIONS) checkNames('options', options, ['scope']);
    const { scope } = options;
    if (scope !== undefined && scope !== 'shared' && scope !== 'worker')
      throw new ArgumentRangeError('scope', scope, "'shared' or 'worker'");
    const { cell, recorder } = this.#open(tag, scope);
    if (scope !== undefined) cell.settleScope(scope);
    return recorder;
  }

  /** `tag(tag).alloc(bytes)`: the port that pools take. */
  alloc(tag: string, bytes: number): void {
    (this.#recorders.get(tag) ?? this.tag(tag)).alloc(bytes);
  }

  /** `tag(tag).dealloc(bytes)`: the port that pools take. */
  dealloc(tag: string, bytes: number): void {
    (this.#recorders.get(tag) ?? this.tag(tag)).dealloc(bytes);
  }

  /** `tag(tag).track(bytes)`. */
  track(tag: string, bytes: number): Tracked {
    return this.tag(tag).track(bytes);
  }

  /**
   * Makes a handle of what another thread, or this one, has given away with `Tracked.transfer`.
   * @throws ArgumentRangeError where it is no transfer, or its tag is unknown; TransferError where it was adopted before (of a tag by worker);
   *   MemoryBudgetError of this worker: then it can still be adopted
   */
  adopt(transfer: MemoryTransfer): Tracked {
    const { kind, tag, bytes } = (transfer ?? {}) as Partial<MemoryTransfer>;
    if (kind !== 'memory-tracker/transfer' || typeof tag !== 'string' || this.#table.names.find(tag) < 0)
      throw new ArgumentRangeError('transfer', transfer, 'what Tracked.transfer of this tracker returned');
    checkBytes(bytes as number);
    const { recorder } = this.#open(tag, undefined);
    recorder.adopt(bytes as number);
    return new Tracked(recorder, bytes as number, this.#leaks);
  }

  /**
   * Sets limits of a tag for all threads, and listens to them on this one. A shared tag has them as a whole, and what is above the hard
   * one is refused exactly, whoever allocates; of a tag by worker each worker has them.
   * @throws ArgumentRangeError, TagsExhaustedError
   */
  budget(tag: string, options: BudgetOptions): MemoryBudget {
    const { cell, listeners, recorder } = this.#open(tag, undefined);
    return new MemoryBudget(cell, listeners, () => recorder.settle(), options);
  }

  /** As `MemoryReader.watchBudgets`. */
  watchBudgets(options: BudgetWatchOptions = {}): AsyncGenerator<BudgetChange, never, void> {
    this.#checkOpen();
    return this.#reader.watchBudgets(options);
  }

  /** Peaks start again from what is held now: those of a tag and of its workers, or of all tags. A tag that nobody uses has none. */
  resetPeaks(tag?: string): void {
    this.#checkOpen();
    const { names } = this.#table;
    const found = tag === undefined ? -1 : names.find(tag);
    for (let index = 0; index < names.size; index++)
      if (tag === undefined || index === found) new TagCell(this.#table, this.#kernel, index).resetPeaks();
  }

  /** What all threads have recorded, as plain data. */
  read(): MemorySnapshot {
    this.#checkOpen();
    return this.#reader.read();
  }

  /** Bytes held under a tag now, by all threads. */
  currentBytes(tag: string): number {
    this.#checkOpen();
    return this.#reader.currentBytes(tag);
  }

  /** Who holds which worker. */
  workers(): WorkerState[] {
    this.#checkOpen();
    return Array.from({ length: this.#table.workers }, (_, worker) => this.#table.stateOf(worker));
  }

  /**
   * Frees the worker of a thread that has ended without disposing its tracker. What it recorded stays, and what it held is still held.
   * Only after the thread's end: two threads that record as one worker lose counts.
   * @returns false where nobody held it
   * @throws ArgumentRangeError where it is this thread's own
   */
  reclaim(worker: number): boolean {
    this.#checkOpen();
    if (!Number.isInteger(worker) || worker < 0 || worker >= this.#table.workers || worker === this.worker)
      throw new ArgumentRangeError(
        'worker',
        worker,
        `0 to ${this.#table.workers - 1}, but not ${this.worker}, which is in use here`,
      );
    return this.#table.reclaim(worker);
  }

  /**
   * Frees all workers of a thread that has ended, by the `threadId` that its `Worker` had: it is -1 after the end.
   * @returns how many
   * @throws ArgumentRangeError where it is none of another thread's
   */
  reclaimThread(deadThreadId: number): number {
    if (deadThreadId === threadId)
      throw new ArgumentRangeError('threadId', deadThreadId, 'that of another thread');
    if (!Number.isInteger(deadThreadId) || deadThreadId < 0)
      throw new ArgumentRangeError(
        'threadId',
        deadThreadId,
        'that of the Worker before its end: read it then',
      );
    return this.workers().filter(
      ({ claimed, threadId: holder, worker }) =>
        claimed &&
        holder === deadThreadId &&
        this.#table.takeName(worker, deadThreadId) &&
        this.reclaim(worker),
    ).length;
  }

  /** Releases the worker: what was recorded stays, and every use of this tracker or its recorders throws. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const { recorder } of this.#tags.values()) recorder.close();
    this.#table.free(this.worker);
  }

  #open(tag: string, scope: TagScope | undefined): OpenTag {
    this.#checkOpen();
    const known = this.#tags.get(tag);
    if (known !== undefined) return known;
    const cell = new TagCell(this.#table, this.#kernel, this.#intern(tag));
    const isByWorker = cell.settleScope(scope) === 'worker';
    const slot = new WorkerSlot(this.#table, this.#kernel, cell, this.worker);
    const listeners = new BudgetListeners(cell, this.worker);
    const recorder = isByWorker
      ? new OwnRecorder(cell, slot, listeners, this.#leaks)
      : new SharedRecorder(this.#kernel, cell, slot, listeners, this.#leaks);
    const open = { cell, listeners, recorder };
    this.#tags.set(tag, open);
    this.#recorders.set(tag, recorder);
    return open;
  }

  #intern(tag: string): number {
    try {
      return this.#table.names.intern(tag);
    } catch (error) {
      if (error instanceof NamesExhaustedError) throw new TagsExhaustedError(tag, error.capacity);
      throw error;
    }
  }

  #checkOpen(): void {
    if (this.#disposed) disposed();
  }
}

function checkRange(argument: string, found: number, most: number): void {
  if (!Number.isInteger(found) || found < 1 || found > most)
    throw new ArgumentRangeError(argument, found, `an integer from 1 to ${most}`);
}
