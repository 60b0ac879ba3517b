/**
 * Many operations for one answer. Records are staged in shared memory, one call hands them over, and each result is put into `results`, where other
 * threads can see it, too. `run` blocks its thread and costs next to nothing over a loop in C; `runAsync` calls back once.
 */
import { BatchLoans } from './batch-loans.ts';
import { checkOptions, type IoBatchOptions } from './batch-options.ts';
import { BatchVectors } from './batch-vectors.ts';
import { FsBatch } from './fs-batch.ts';
import type { Backend } from './engine.ts';
import { errnoName } from './errno.ts';
import { IoArgumentError, OperationError, RingClosedError } from './errors.ts';
import { MAX_VECTORS } from './file-operations.ts';
import { DONE_WORDS, FIXED_BUFFER, OP, type Opcode, SQE, STAGE, STAGE_WORDS, setPosition } from './layout.ts';
import { viewOf, type Direction, type IoMemory, type MemoryRange } from './loan.ts';
import { loadNative, type NativeAddon } from './native.ts';
import { Regions } from './regions.ts';
import { checkSignal } from './operation-options.ts';
import { checkDescriptor, RegisteredFiles } from './registered-files.ts';
import { openRing } from './ring-setup.ts';

/** IORING_FSYNC_DATASYNC. */
const DATA_ONLY = 1;

export type { IoBatchOptions };

interface Ring {
  readonly addon: NativeAddon;
  readonly number: number;
  readonly regions: Regions;
  readonly files: RegisteredFiles;
}

export class IoBatch implements Disposable {
  readonly backend: Backend;
  /** Operations of one run at most. */
  readonly capacity: number;
  /** By index of the operation: bytes (or 0), or -errno. On a SharedArrayBuffer. */
  readonly results: Int32Array;
  readonly #staged: Int32Array;
  readonly #fallback: FsBatch;
  readonly #loans: BatchLoans;
  readonly #vectors: BatchVectors;
  readonly #ring: Ring | null;
  #count = 0;
  #settle: ((succeeded: number) => void) | null = null;
  #running = false;
  #closed = false;

  private constructor(
    capacity: number,
    vectors: number,
    ring: Ring | null,
    staged: Int32Array,
    backend: Backend,
  ) {
    this.capacity = capacity;
    this.#vectors = new BatchVectors(vectors, ring === null ? null : ring.regions);
    this.#ring = ring;
    this.#staged = staged;
    this.backend = backend;
    this.results = new Int32Array(new SharedArrayBuffer(capacity * 4));
    this.#fallback = new FsBatch(staged, this.results);
    this.#loans = new BatchLoans(capacity);
    ring?.addon.watchRing(ring.number, (succeeded) => this.#settle?.(succeeded));
  }

  /** A batch of this thread. @throws IoArgumentError, IoMemoryError */
  static open(options: IoBatchOptions = {}): IoBatch {
    const { operations, entries, vectors, memory, files, engine } = checkOptions(options);
    const staged = new Int32Array(new SharedArrayBuffer(operations * STAGE_WORDS * 4));
    const none = (reason: string): IoBatch =>
      new IoBatch(operations, vectors, null, staged, { kind: 'fs', reason });
    if (engine === 'fs') return none('asked for');
    const { addon, reason } = loadNative();
    if (addon === null) return none(reason);
    const opened = openRing(addon, entries);
    if (typeof opened === 'string') return none(opened);
    const { ring } = opened;
    try {
      addon.bindQueues(ring, staged, new Int32Array(new SharedArrayBuffer(DONE_WORDS * 4)));
      const regions = new Regions((view) => addon.addRegion(ring, view));
      let note = '';
      if (memory !== undefined) {
        const region = regions.of(memory);
        const answer = addon.registerBuffers(ring);
        region.fixed = answer > 0;
        note = region.fixed ? '; memory registered' : `; memory not registered (${errnoName(-answer)})`;
      }
      const registered = new RegisteredFiles(addon, ring, files);
      return new IoBatch(operations, vectors, { addon, number: ring, regions, files: registered }, staged, {
        kind: 'io_uring',
        reason: `${opened.reason}${note}${registered.note}`,
      });
    } catch (error) {
      addon.closeRing(ring); // memory that is too large
      throw error;
    }
  }

  /** Operations staged for the next run. */
  get size(): number {
    return this.#count;
  }

  /**
   * Stages a read that fills the memory. Its index; its result is the number of bytes, which may be short. A lease has the kernel's hands on it
   * until the batch has run, or is closed; its `length` is then what it holds.
   * @throws IoArgumentError, IoMemoryError, RingClosedError, errors of the lease
   */
  read(fd: number, memory: IoMemory, position: number, range?: MemoryRange): number {
    return this.#stageTransfer(OP.read, fd, memory, position, 'fill', range);
  }

  /** Stages a write of a whole view, or of what a lease holds. As `read`. */
  write(fd: number, memory: IoMemory, position: number, range?: MemoryRange): number {
    return this.#stageTransfer(OP.write, fd, memory, position, 'drain', range);
  }

  /** Stages a read into several views, one after the other: 1 to 256. As `read`, but no leases. */
  readv(fd: number, views: readonly Uint8Array[], position: number): number {
    return this.#stageVectors(OP.readv, fd, views, position);
  }

  /** Stages a write of several views. As `readv`. */
  writev(fd: number, views: readonly Uint8Array[], position: number): number {
    return this.#stageVectors(OP.writev, fd, views, position);
  }

  /** Stages an fsync. */
  sync(fd: number, options?: { readonly dataOnly?: boolean }): number {
    const index = this.#stage(OP.fsync, fd, null, 0);
    this.#staged[index * STAGE_WORDS + STAGE.flags] = options?.dataOnly === true ? DATA_ONLY : 0;
    return index;
  }

  /** The last operation staged is linked to the next one: that starts only when this one has succeeded in full, else it is cancelled (-ECANCELED). */
  link(): void {
    this.#checkIdle();
    if (this.#count === 0) throw new IoArgumentError('size', 0, 'an operation staged before');
    this.#staged[(this.#count - 1) * STAGE_WORDS + STAGE.sqeFlags]! |= SQE.link;
  }

  /**
   * Runs what is staged to the end, blocking the thread. How many succeeded; `results` has each.
   * @throws OperationError where the ring itself fails
   */
  run(): number {
    const count = this.#begin();
    try {
      if (this.#ring === null) return this.#fallback.run(count);
      const { addon, number } = this.#ring;
      return succeededOf(addon.runBatch(number, count, this.results));
    } finally {
      this.#end();
    }
  }

  /** The same without blocking. Aborting ends it early: what did not complete has -ECANCELED, and the promise resolves as ever, once the kernel has let go of all memory. */
  async runAsync({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<number> {
    checkSignal(signal);
    signal?.throwIfAborted();
    const count = this.#begin();
    if (this.#ring === null)
      return this.#fallback
        .runAsync(count, () => this.#closed || signal?.aborted === true)
        .then((succeeded) => (this.#closed ? succeededOf(CLOSED) : succeeded))
        .finally(() => this.#end());
    const { addon, number } = this.#ring;
    const over = new Promise<number>((resolve) => {
      this.#settle = resolve;
    });
    /** 0: the callback will say. */
    const answered = (answer: number): void => {
      if (answer !== 0) this.#settle?.(answer > 0 ? answer - 1 : answer);
    };
    const abort = (): void => {
      if (!this.#closed) answered(addon.cancelBatch(number));
    };
    try {
      signal?.addEventListener('abort', abort);
      addon.holdLoop(number, 1);
      answered(addon.startBatch(number, count, this.results));
      return succeededOf(await over);
    } finally {
      signal?.removeEventListener('abort', abort);
      if (!this.#closed) addon.holdLoop(number, 0);
      this.#end();
    }
  }

  /** Waits for what is in flight, which is cancelled; `runAsync` rejects with RingClosedError. On node:fs, what a thread has begun goes on to its end. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#ring !== null) this.#ring.addon.closeRing(this.#ring.number);
    if (this.#running) this.#settle?.(CLOSED);
    else this.#loans.takeBack();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #begin(): number {
    this.#checkIdle();
    this.#running = true;
    this.results.fill(0, 0, this.#count);
    return this.#count;
  }

  #end(): void {
    this.#running = false;
    this.#settle = null;
    this.#count = 0;
    this.#vectors.clear();
    const problem = this.#loans.takeBack(this.results);
    if (problem !== undefined) throw problem;
  }

  #checkIdle(): void {
    if (this.#closed) throw new RingClosedError('batch');
    if (this.#running)
      throw new IoArgumentError('batch', 'running', 'idle: its operations are in the kernel’s hands');
  }

  #stageTransfer(
    opcode: Opcode,
    fd: number,
    memory: IoMemory,
    position: number,
    direction: Direction,
    range?: MemoryRange,
  ): number {
    const index = this.#stage(opcode, fd, viewOf(memory, 'memory', direction, range), position);
    if (memory instanceof Uint8Array) return index;
    try {
      this.#loans.lend(index, memory, direction === 'fill' ? (range?.offset ?? 0) : -1);
    } catch (error) {
      this.#count--;
      throw error;
    }
    return index;
  }

  #stageVectors(opcode: Opcode, fd: number, views: readonly Uint8Array[], position: number): number {
    if (!Array.isArray(views) || views.length === 0 || views.length > MAX_VECTORS)
      throw new IoArgumentError(
        'views.length',
        (views as { length?: unknown } | null)?.length,
        `1 to ${MAX_VECTORS}`,
      );
    const index = this.#stage(opcode, fd, null, position);
    try {
      const offset = this.#vectors.put(views);
      const at = index * STAGE_WORDS;
      this.#staged[at + STAGE.length] = views.length;
      this.#staged[at + STAGE.region2] = this.#vectors.region;
      this.#staged[at + STAGE.offset2] = offset;
    } catch (error) {
      this.#count--;
      throw error;
    }
    if (this.#ring === null) this.#fallback.vectors[index] = [...views];
    return index;
  }

  #stage(opcode: Opcode, fd: number, view: Uint8Array | null, position: number): number {
    this.#checkIdle();
    if (this.#count === this.capacity)
      throw new IoArgumentError(
        'size',
        this.#count,
        `less than ${this.capacity}, its \`operations\`: run the batch first`,
      );
    checkDescriptor('fd', fd);
    if (!Number.isSafeInteger(position) || position < 0)
      throw new IoArgumentError('position', position, 'a whole number from 0 to 2^53 - 1');
    const index = this.#count;
    const at = index * STAGE_WORDS;
    const words = this.#staged;
    words[at + STAGE.opcode] = opcode;
    const slot = this.#ring === null ? -1 : this.#ring.files.slotOf(fd);
    words[at + STAGE.sqeFlags] = slot < 0 ? 0 : SQE.fixedFile;
    words[at + STAGE.fd] = slot < 0 ? fd : slot;
    setPosition(words, at, position);
    words[at + STAGE.flags] = 0;
    if (view !== null) {
      const region = this.#ring?.regions.of(view);
      words[at + STAGE.region] = region?.index ?? 0;
      words[at + STAGE.offset] = view.byteOffset;
      words[at + STAGE.length] = view.byteLength;
      words[at + STAGE.options] = region?.fixed === true ? FIXED_BUFFER : 0;
    }
    if (this.#ring === null) this.#fallback.views[index] = view;
    this.#count++;
    return index;
  }
}

/** The batch was closed while it ran. */
const CLOSED = -125; // -ECANCELED

function succeededOf(answer: number): number {
  if (answer >= 0) return answer;
  if (answer === CLOSED) throw new RingClosedError('batch');
  throw new OperationError(errnoName(-answer), answer, 'io_uring_enter');
}
