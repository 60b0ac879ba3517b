// The tracker of one thread: records by tag, in its worker's slots and in the words that all workers share.
import { threadId } from 'node:worker_threads';
import { NamesExhaustedError, type Arena } from '@corelane/shared-memory';
import { ArgumentRangeError, disposed, TagsExhaustedError } from './errors.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import type { MemorySink } from './ports.ts';
import { MemoryReader } from './reader.ts';
import { TagRecorder, type Tracked } from './recorder.ts';
import type { MemorySnapshot } from './snapshot.ts';
import { MAX_TAGS, MAX_WORKERS, TrackerTable, type MemoryTrackerHandle, type WorkerState } from './table.ts';

export interface MemoryTrackerOptions {
  /** Tags at most; 64 by default. */
  readonly tags?: number;
  /** Threads at most that record at a time; 16 by default. */
  readonly workers?: number;
}

export class MemoryTracker implements MemorySink {
  /** Plain data for `MemoryTracker.attach` and `MemoryReader.attach` on other threads. */
  readonly handle: MemoryTrackerHandle;
  /** Index of this thread's worker: for `reclaim`, should the thread die. */
  readonly worker: number;
  readonly #table: TrackerTable;
  readonly #kernel: KernelExports;
  readonly #reader: MemoryReader;
  readonly #recorders = new Map<string, TagRecorder>();
  #disposed = false;

  private constructor(table: TrackerTable) {
    this.handle = table.handle;
    this.#table = table;
    this.#kernel = table.arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#reader = new MemoryReader(table);
    this.worker = table.claim(threadId);
  }

  /** A new tracker, with the first worker claimed for this thread. @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: MemoryTrackerOptions = {}): MemoryTracker {
    const { tags = 64, workers = 16 } = options;
    checkRange('tags', tags, MAX_TAGS);
    checkRange('workers', workers, MAX_WORKERS);
    return new MemoryTracker(TrackerTable.create(arena, tags, workers));
  }

  /** The same tracker on another thread, which claims a worker. @throws AttachError, WorkersExhaustedError */
  static attach(handle: MemoryTrackerHandle, arena?: Arena): MemoryTracker {
    return new MemoryTracker(TrackerTable.open(handle, arena));
  }

  /** The recorder of a tag, always the same one on a thread: resolve it once, keep it, use it. @throws TagsExhaustedError */
  tag(tag: string): TagRecorder {
    const known = this.#recorders.get(tag);
    if (known !== undefined) return known;
    this.#checkOpen();
    const recorder = new TagRecorder(this.#table, this.#kernel, this.worker, this.#intern(tag));
    this.#recorders.set(tag, recorder);
    return recorder;
  }

  /** `tag(tag).alloc(bytes)`: the port that pools take. */
  alloc(tag: string, bytes: number): void {
    this.tag(tag).alloc(bytes);
  }

  /** `tag(tag).dealloc(bytes)`: the port that pools take. */
  dealloc(tag: string, bytes: number): void {
    this.tag(tag).dealloc(bytes);
  }

  /** `tag(tag).track(bytes)`. */
  track(tag: string, bytes: number): Tracked {
    return this.tag(tag).track(bytes);
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

  /** Frees all workers of a thread that has ended, by the `threadId` that its `Worker` had. @returns how many */
  reclaimThread(deadThreadId: number): number {
    if (deadThreadId === threadId)
      throw new ArgumentRangeError('threadId', deadThreadId, 'that of another thread');
    return this.workers().filter(
      ({ claimed, threadId: holder, worker }) => claimed && holder === deadThreadId && this.reclaim(worker),
    ).length;
  }

  /** Releases the worker: what was recorded stays, and every use of this tracker or its recorders throws. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const recorder of this.#recorders.values()) recorder.close();
    this.#table.free(this.worker);
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
