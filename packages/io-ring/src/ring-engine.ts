/**
 * The engine on io_uring. Operations are staged as records in a shared view and handed over in one call: at the end of the tick, or when the
 * stage is full. Completions come as one snapshot for each turn of the event loop (native/completions.c), so that a loop of awaited reads
 * never starves timers.
 *
 * Tried and left: reaping right after submitting (a loop of cached reads then runs in microtasks for ever); SQPOLL (14–25 µs of CPU an
 * operation on two cores); an eventfd (a system call more for each snapshot than polling the ring's own descriptor).
 */
import fs from 'node:fs';
import { errnoName } from './errno.ts';
import type { Backend, Engine, Registration } from './engine.ts';
import { DONE, DONE_WORDS, OP } from './layout.ts';
import type { NativeAddon } from './native.ts';
import type { Operation } from './operation.ts';
import { Regions } from './regions.ts';
import { openRing, type OpenedRing } from './ring-setup.ts';
import { RingSockets } from './socket/ring-sockets.ts';
import { Stage } from './stage.ts';

const EAGAIN = -11;
const EBUSY = -16;
const ECANCELED = -125;
const ENOENT = -2;
const EIO = -5;

export interface RingOptions {
  /** Operations handed over at once, 1 to 4096. Rounded up to a power of two. */
  readonly entries: number;
  /** Slots of the table of files; 0: none. */
  readonly files: number;
  /** Register memory with the kernel, so that its pages stay locked and mapped (counts against RLIMIT_MEMLOCK). */
  readonly fixedBuffers: boolean;
}

export class RingEngine implements Engine {
  readonly backend: Backend;
  readonly capacity: number;
  readonly sockets: RingSockets;
  onRoom: () => void = () => {};
  readonly #addon: NativeAddon;
  readonly #ring: number;
  readonly #stage: Stage;
  readonly #done: Int32Array;
  readonly #regions: Regions;
  readonly #fixedBuffers: boolean;
  /** Operations in flight by the low bits of their id; the high bits count uses, so that a late cancellation finds nobody else. */
  readonly #table: (Operation | null)[];
  readonly #ids: Int32Array;
  readonly #free: Int32Array;
  #freeCount: number;
  #flushing = false;
  readonly #flushNow = (): void => {
    this.#flushing = false;
    this.#flush();
  };
  #retrying = false;
  /** Whether the kernel has that operation; asked at its first use. */
  #truncates: boolean | undefined;
  readonly #fileSlots: number[];
  #idle: (() => void) | null = null;
  #closed = false;

  /** @returns the engine, or why there is none */
  static open(addon: NativeAddon, options: RingOptions): RingEngine | string {
    const opened = openRing(addon, options.entries);
    if (typeof opened === 'string') return opened;
    try {
      return new RingEngine(addon, opened, options);
    } catch (error) {
      addon.closeRing(opened.ring);
      return (error as Error).message;
    }
  }

  private constructor(addon: NativeAddon, opened: OpenedRing, { files, fixedBuffers }: RingOptions) {
    const { ring, entries } = opened;
    this.#addon = addon;
    this.#ring = ring;
    this.capacity = opened.completionEntries;
    this.#regions = new Regions((view) => addon.addRegion(ring, view));
    this.sockets = new RingSockets(addon, ring, this.#regions);
    this.#stage = new Stage(entries, this.capacity, this.#regions, this.sockets);
    this.#done = new Int32Array(new SharedArrayBuffer(this.capacity * DONE_WORDS * 4));
    addon.bindQueues(ring, this.#stage.words, this.#done);
    this.#table = Array.from({ length: this.capacity }, () => null);
    this.#ids = Int32Array.from({ length: this.capacity }, (_, index) => index);
    this.#free = Int32Array.from({ length: this.capacity }, (_, index) => this.capacity - 1 - index);
    this.#freeCount = this.capacity;
    const watching = addon.watchRing(ring, (count) => this.#completed(count));
    const notes: string[] = [];
    if (watching < 0) throw new Error(`the ring cannot be watched: ${errnoName(-watching)}`);
    const table = files > 0 ? addon.registerFiles(ring, files) : 0;
    if (table < 0) notes.push(`no table of files (${errnoName(-table)})`);
    this.#fileSlots = table < 0 ? [] : Array.from({ length: files }, (_, slot) => files - 1 - slot);
    this.#fixedBuffers = fixedBuffers;
    this.backend = { kind: 'io_uring', reason: [opened.reason, ...notes].join('; ') };
  }

  get inFlight(): number {
    return this.capacity - this.#freeCount;
  }

  get longestChain(): number {
    return this.#stage.capacity;
  }

  roomFor(count: number): boolean {
    if (this.#stage.count + count > this.#stage.capacity) this.#flush();
    return this.#freeCount >= count && this.#stage.count + count <= this.#stage.capacity;
  }

  start(operation: Operation): void {
    const { steps } = operation;
    // Whatever throws does so before anything has changed.
    if (steps === null) this.#stage.prepare(operation);
    else for (const step of steps) this.#stage.prepare(step);
    const idle = this.#freeCount === this.capacity;
    if (steps === null) this.#begin(operation, false);
    else {
      operation.id = 0; // in flight
      for (const [index, step] of steps.entries()) this.#begin(step, index < steps.length - 1);
    }
    if (idle) this.#addon.holdLoop(this.#ring, 1);
    if (this.#stage.count === this.#stage.capacity) this.#flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      process.nextTick(this.#flushNow);
    }
  }

  operations(): Operation[] {
    return this.#table.filter((operation) => operation !== null);
  }

  cancel(operation: Operation): void {
    const chain = operation.steps === null ? operation.chain : operation;
    if (chain !== null) {
      if (!chain.cancelled) this.#cancelChain(chain);
      return;
    }
    if (operation.id < 0 || operation.cancelled) return;
    operation.cancelled = true;
    this.#flush(); // the kernel must have it
    if (!this.#withdraw(operation.id)) this.#addon.cancelOperation(this.#ring, operation.id);
  }

  addFile(fd: number): number {
    const slot = this.#closed ? undefined : this.#fileSlots.pop();
    if (slot === undefined) return -1;
    if (this.#addon.setFile(this.#ring, slot, fd) >= 0) return slot;
    this.#fileSlots.push(slot);
    return -1;
  }

  removeFile(slot: number): void {
    if (this.#closed) return;
    this.#addon.setFile(this.#ring, slot, -1);
    this.#fileSlots.push(slot);
  }

  async closeDescriptor(fd: number): Promise<number> {
    return this.#addon.closeDescriptor(fd); // fs.close would not know it, and warns of that on workers
  }

  register(view: Uint8Array): Registration {
    const region = this.#regions.of(view);
    if (region.fixed) return { fixed: true, reason: 'registered with the kernel before' };
    if (!this.#fixedBuffers) return { fixed: false, reason: 'the ring was opened without `fixedBuffers`' };
    this.#flush();
    const result = this.#addon.registerBuffers(this.#ring);
    if (result === EBUSY) return { fixed: false, reason: 'operations are in flight: register before' };
    for (const known of this.#regions.all()) known.fixed = result > 0;
    return result > 0
      ? { fixed: true, reason: 'registered with the kernel' }
      : {
          fixed: false,
          reason: `IORING_REGISTER_BUFFERS answered ${errnoName(-result)}; RLIMIT_MEMLOCK bounds it, and 1 GiB each`,
        };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.sockets.close();
    for (const operation of this.#table) if (operation !== null) this.cancel(operation);
    if (this.inFlight > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    this.#closed = true;
    this.#addon.closeRing(this.#ring);
  }

  #indexOf(id: number): number {
    return id & (this.capacity - 1); // capacity is a power of two
  }

  #begin(operation: Operation, linked: boolean): void {
    const index = this.#free[this.#freeCount - 1] as number;
    const id = this.#ids[index] as number;
    const elsewhere = operation.opcode === OP.ftruncate && !this.#hasTruncate();
    // It throws where a number is none, or an address of no interface here: then nothing is under way.
    if (!elsewhere) this.#stage.put(operation, index, id, linked);
    this.#freeCount--;
    operation.id = id;
    this.#table[index] = operation;
    if (elsewhere) this.#truncate(operation);
  }

  #hasTruncate(): boolean {
    this.#truncates ??= this.#addon.supports(this.#ring, OP.ftruncate) > 0;
    return this.#truncates;
  }

  /** On a thread of node:fs, where the kernel is older than the operation. */
  #truncate({ fd, position, id }: Operation): void {
    fs.ftruncate(fd, position, (error) => this.#complete(id, error === null ? 0 : (error.errno ?? EIO)));
  }

  /** Its first step that is not over is in the kernel's hands, and those behind end with it; or it goes on to the next, which is then asked. */
  #cancelChain(chain: Operation): void {
    chain.cancelled = true;
    const step = chain.steps?.find(({ id }) => id >= 0);
    if (step === undefined) return;
    this.#flush();
    if (this.#withdraw(step.id)) return;
    // Not there: it is about to begin, on a thread of the kernel, and nothing would tell us.
    if (this.#addon.cancelOperation(this.#ring, step.id) === ENOENT)
      setTimeout(() => this.#cancelChain(chain), 1);
  }

  #flush(): void {
    const stage = this.#stage;
    while (stage.count > 0) {
      const taken = this.#addon.submit(this.#ring, stage.count);
      if (taken === EAGAIN || taken === EBUSY) {
        // The kernel wants completions reaped, or memory; both come with the loop.
        if (!this.#retrying)
          setImmediate(() => {
            this.#retrying = false;
            this.#flush();
            this.onRoom();
          });
        this.#retrying = true;
        return;
      }
      const gone = taken > 0 ? taken : 1;
      // The first record was refused: it completes with the reason, like any other.
      if (taken < 0) this.#completeLater(stage.idAt(0), taken);
      // The rest of a chain of which the kernel took a part must not begin by itself.
      const end = stage.endOfChain(gone - 1);
      for (let record = gone; record < end; record++) this.#completeLater(stage.idAt(record), ECANCELED);
      stage.remove(0, end);
    }
  }

  #completed(count: number): void {
    const done = this.#done;
    this.sockets.turned(count);
    for (let at = 0; at < count * DONE_WORDS; at += DONE_WORDS)
      this.#complete(done[at + DONE.id] as number, done[at + DONE.result] as number);
    this.#flush();
    this.onRoom(); // of the stage
  }

  /** Takes an operation that the kernel has not taken yet off the stage, and what is linked behind it; all complete like any other. Whether it was there. */
  #withdraw(id: number): boolean {
    const record = this.#stage.find(id);
    if (record < 0) return false;
    const end = this.#stage.endOfChain(record);
    for (let each = record; each < end; each++) this.#completeLater(this.#stage.idAt(each), ECANCELED);
    this.#stage.remove(record, end);
    return true;
  }

  #completeLater(id: number, result: number): void {
    setImmediate(() => this.#complete(id, result));
  }

  #complete(id: number, result: number): void {
    const index = this.#indexOf(id);
    const operation = this.#table[index];
    if (operation === null || operation === undefined || operation.id !== id) return;
    if (operation.opcode === OP.statx && result === 0) operation.status = this.#stage.statusOf(index);
    this.#table[index] = null;
    operation.id = -1;
    this.#ids[index] = ((id + this.capacity) & 0x7fffffff) | 0;
    this.#free[this.#freeCount++] = index;
    operation.completion?.completed(operation, result);
    const { chain } = operation;
    if (chain?.cancelled === true && result >= 0) this.#cancelChain(chain); // its next step has begun
    if (this.#freeCount === this.capacity) {
      if (!this.#closed) this.#addon.holdLoop(this.#ring, 0);
      this.#idle?.();
    }
    this.onRoom();
  }
}
