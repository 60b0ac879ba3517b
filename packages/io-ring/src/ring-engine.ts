/**
 * The engine on io_uring. Operations are staged as records in a shared view and handed over in one call: at the end of the tick, or when the
 * stage is full. Completions come as one snapshot for each turn of the event loop (native/completions.c), so that a loop of awaited reads
 * never starves timers.
 *
 * Tried and left: reaping right after submitting (a loop of cached reads then runs in microtasks for ever); SQPOLL (14–25 µs of CPU an
 * operation on two cores); an eventfd (a system call more for each snapshot than polling the ring's own descriptor).
 */
import { errnoName } from './errno.ts';
import type { Backend, Engine, Registration } from './engine.ts';
import {
  ADDRESS_BYTES,
  AT_FDCWD,
  DONE,
  DONE_WORDS,
  FIXED_BUFFER,
  OP,
  POLL_FIRST,
  SQE,
  STAGE,
  STAGE_WORDS,
  setPosition,
} from './layout.ts';
import type { NativeAddon } from './native.ts';
import type { Operation } from './operation.ts';
import { readStatx } from './file-status.ts';
import { Regions } from './regions.ts';
import type { Endpoint } from './socket/endpoint.ts';
import { RingSockets } from './socket/ring-sockets.ts';
import { openRing, type OpenedRing } from './ring-setup.ts';

/** Scratch of each operation: a path or a list of vectors, and what `statx` fills in. */
const SCRATCH_BYTES = 4096 + 256;
const STATX_AT = 4096;
/** Vectors that fit there. */
export const MAX_VECTORS = 256;
const EAGAIN = -11;
const EBUSY = -16;
const ECANCELED = -125;
/** statx takes an empty path for the descriptor itself. */
const AT_EMPTY_PATH = 0x1000;

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
  readonly #staged: Int32Array;
  readonly #done: Int32Array;
  readonly #stageRecords: number;
  readonly #regions: Regions;
  readonly #fixedBuffers: boolean;
  /** Operations in flight by the low bits of their id; the high bits count uses, so that a late cancellation finds nobody else. */
  readonly #table: (Operation | null)[];
  readonly #ids: Int32Array;
  readonly #free: Int32Array;
  #freeCount: number;
  #stagedCount = 0;
  #flushing = false;
  #retrying = false;
  #scratch: Uint8Array | null = null;
  readonly #fileSlots: number[];
  #idle: (() => void) | null = null;
  #closed = false;

  /** @returns the engine, or why there is none */
  static open(addon: NativeAddon, options: RingOptions): RingEngine | string {
    const opened = openRing(addon, options.entries);
    return typeof opened === 'string' ? opened : new RingEngine(addon, opened, options);
  }

  private constructor(addon: NativeAddon, opened: OpenedRing, { files, fixedBuffers }: RingOptions) {
    const { ring, entries } = opened;
    this.#addon = addon;
    this.#ring = ring;
    this.capacity = opened.completionEntries;
    this.#stageRecords = entries;
    this.#staged = new Int32Array(new SharedArrayBuffer(entries * STAGE_WORDS * 4));
    this.#done = new Int32Array(new SharedArrayBuffer(this.capacity * DONE_WORDS * 4));
    addon.bindQueues(ring, this.#staged, this.#done);
    this.#regions = new Regions((view) => addon.addRegion(ring, view));
    this.sockets = new RingSockets(addon, ring, this.#regions);
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

  get hasRoom(): boolean {
    // The stage is full only while the kernel takes nothing.
    return this.#freeCount > 0 && this.#stagedCount < this.#stageRecords;
  }

  start(operation: Operation): void {
    // Whatever throws does so before anything has changed.
    const region = operation.view === null ? null : this.#regions.of(operation.view);
    if (operation.vectors !== null) for (const part of operation.vectors) this.#regions.of(part);
    const { opcode } = operation;
    if (
      operation.vectors !== null ||
      operation.endpoint !== null ||
      opcode === OP.openat ||
      opcode === OP.statx
    )
      this.#prepareScratch();
    if (this.#freeCount === this.capacity) this.#addon.holdLoop(this.#ring, 1);
    const index = this.#free[--this.#freeCount] as number;
    operation.id = this.#ids[index] as number;
    this.#table[index] = operation;

    const at = this.#stagedCount * STAGE_WORDS;
    const words = this.#staged;
    words.fill(0, at, at + STAGE_WORDS);
    words[at + STAGE.opcode] = opcode;
    words[at + STAGE.sqeFlags] =
      (operation.fileSlot >= 0 ? SQE.fixedFile : 0) | (operation.offload ? SQE.async : 0);
    words[at + STAGE.fd] = operation.fileSlot >= 0 ? operation.fileSlot : operation.fd;
    words[at + STAGE.id] = operation.id;
    words[at + STAGE.flags] = operation.flags;
    words[at + STAGE.mode] = operation.mode;
    setPosition(words, at, operation.position);
    if (region !== null) {
      const view = operation.view as Uint8Array;
      words[at + STAGE.region] = region.index;
      words[at + STAGE.offset] = view.byteOffset;
      words[at + STAGE.length] = view.byteLength;
      if (region.fixed && (opcode === OP.read || opcode === OP.write))
        words[at + STAGE.options] = FIXED_BUFFER;
      else if (operation.pollFirst) words[at + STAGE.options] = POLL_FIRST;
    }
    if (operation.vectors !== null) this.#stageVectors(operation, index, at);
    if (opcode === OP.openat || opcode === OP.statx) this.#stagePath(operation, index, at);
    if (operation.endpoint !== null) this.#stageEndpoint(operation.endpoint, index, at);
    if (opcode === OP.fallocate) {
      words[at + STAGE.region2] = operation.lengthBytes | 0;
      words[at + STAGE.offset2] = Math.floor(operation.lengthBytes / 2 ** 32);
    }
    this.#stagedCount++;
    if (this.#stagedCount === this.#stageRecords) this.#flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      process.nextTick(() => {
        this.#flushing = false;
        this.#flush();
      });
    }
  }

  operations(): Operation[] {
    return this.#table.filter((operation) => operation !== null);
  }

  cancel(operation: Operation): void {
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
    for (const operation of this.#table) if (operation !== null) this.cancel(operation);
    if (this.inFlight > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    this.#closed = true;
    this.sockets.close();
    this.#addon.closeRing(this.#ring);
  }

  #indexOf(id: number): number {
    return id & (this.capacity - 1); // capacity is a power of two
  }

  #prepareScratch(): void {
    if (this.#scratch !== null) return;
    const scratch = new Uint8Array(new SharedArrayBuffer(this.capacity * SCRATCH_BYTES));
    this.#regions.of(scratch);
    this.#scratch = scratch;
  }

  #stagePath(operation: Operation, index: number, at: number): void {
    const from = index * SCRATCH_BYTES;
    const scratch = this.#scratch as Uint8Array;
    const path = Buffer.from(operation.path);
    scratch.set(path.subarray(0, STATX_AT - 1), from);
    scratch[from + Math.min(path.length, STATX_AT - 1)] = 0;
    const words = this.#staged;
    const region = this.#regions.of(scratch).index;
    words[at + STAGE.region] = region;
    words[at + STAGE.offset] = from;
    if (operation.opcode === OP.openat) words[at + STAGE.fd] = AT_FDCWD;
    else {
      words[at + STAGE.region2] = region;
      words[at + STAGE.offset2] = from + STATX_AT;
      if (operation.path === '') words[at + STAGE.flags] = operation.flags | AT_EMPTY_PATH;
      else words[at + STAGE.fd] = AT_FDCWD;
    }
  }

  #stageEndpoint(endpoint: Endpoint, index: number, at: number): void {
    const from = index * SCRATCH_BYTES;
    const scratch = this.#scratch as Uint8Array;
    const words = this.#staged;
    words[at + STAGE.region] = this.#regions.of(scratch).index;
    words[at + STAGE.offset] = from;
    words[at + STAGE.length] = this.sockets.encode(endpoint, scratch.subarray(from, from + ADDRESS_BYTES));
  }

  #stageVectors(operation: Operation, index: number, at: number): void {
    const vectors = operation.vectors as readonly Uint8Array[];
    const from = index * SCRATCH_BYTES;
    const list = new Int32Array((this.#scratch as Uint8Array).buffer, from, vectors.length * 3);
    for (let part = 0; part < vectors.length; part++) {
      const view = vectors[part] as Uint8Array;
      list[part * 3] = this.#regions.of(view).index;
      list[part * 3 + 1] = view.byteOffset;
      list[part * 3 + 2] = view.byteLength;
    }
    const words = this.#staged;
    words[at + STAGE.length] = vectors.length;
    words[at + STAGE.region2] = this.#regions.of(this.#scratch as Uint8Array).index;
    words[at + STAGE.offset2] = from;
  }

  #flush(): void {
    while (this.#stagedCount > 0) {
      const taken = this.#addon.submit(this.#ring, this.#stagedCount);
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
      if (taken < 0) {
        const id = this.#staged[STAGE.id] as number;
        setImmediate(() => this.#complete(id, taken));
      }
      this.#staged.copyWithin(0, gone * STAGE_WORDS, this.#stagedCount * STAGE_WORDS);
      this.#stagedCount -= gone;
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

  /** Takes an operation that the kernel has not taken yet off the stage; it completes like any other. Whether it was there. */
  #withdraw(id: number): boolean {
    for (let record = 0; record < this.#stagedCount; record++) {
      const at = record * STAGE_WORDS;
      if (this.#staged[at + STAGE.id] !== id) continue;
      this.#staged.copyWithin(at, at + STAGE_WORDS, this.#stagedCount * STAGE_WORDS);
      this.#stagedCount--;
      setImmediate(() => this.#complete(id, ECANCELED));
      return true;
    }
    return false;
  }

  #complete(id: number, result: number): void {
    const index = this.#indexOf(id);
    const operation = this.#table[index];
    if (operation === null || operation === undefined || operation.id !== id) return;
    if (operation.opcode === OP.statx && result === 0)
      operation.status = readStatx((this.#scratch as Uint8Array).buffer, index * SCRATCH_BYTES + STATX_AT);
    this.#table[index] = null;
    operation.id = -1;
    this.#ids[index] = ((id + this.capacity) & 0x7fffffff) | 0;
    this.#free[this.#freeCount++] = index;
    operation.completion?.completed(operation, result);
    if (this.#freeCount === this.capacity) {
      if (!this.#closed) this.#addon.holdLoop(this.#ring, 0);
      this.#idle?.();
    }
    this.onRoom();
  }
}
