/** Records of operations that wait to be handed over, in the view that the addon reads, and the scratch memory that some of them point to. */
import { readStatx, type FileStatus } from './file-status.ts';
import {
  ADDRESS_BYTES,
  AT_FDCWD,
  FIXED_BUFFER,
  OP,
  POLL_FIRST,
  SQE,
  STAGE,
  STAGE_WORDS,
  setPosition,
  VECTOR,
  VECTOR_WORDS,
} from './layout.ts';
import type { Operation } from './operation.ts';
import type { Region, Regions } from './regions.ts';
import type { Endpoint } from './socket/endpoint.ts';

/** Scratch of each operation: a path or a list of vectors, and what `statx` fills in. */
const SCRATCH_BYTES = 4096 + 256;
const STATX_AT = 4096;
/** statx takes an empty path for the descriptor itself. */
const AT_EMPTY_PATH = 0x1000;

/** Makes addresses of the kernel. */
export interface Addresses {
  /** How many bytes. */
  encode(endpoint: Endpoint, into: Uint8Array): number;
}

export class Stage {
  readonly words: Int32Array;
  /** Records at most. */
  readonly capacity: number;
  /** Records staged. */
  count = 0;
  readonly #regions: Regions;
  readonly #operations: number;
  readonly #addresses: Addresses;
  #scratch: Uint8Array | null = null;

  /** @param operations in flight at most: each has scratch memory of its own */
  constructor(capacity: number, operations: number, regions: Regions, addresses: Addresses) {
    this.#addresses = addresses;
    this.capacity = capacity;
    this.words = new Int32Array(new SharedArrayBuffer(capacity * STAGE_WORDS * 4));
    this.#operations = operations;
    this.#regions = regions;
  }

  /** Whatever of an operation's memory can be refused is refused here, before anything has changed. @throws IoMemoryError */
  prepare({ opcode, view, vectors, endpoint }: Operation): void {
    if (view !== null) this.#regions.of(view);
    if (vectors !== null) for (const part of vectors) this.#regions.of(part);
    if (vectors !== null || endpoint !== null || opcode === OP.openat || opcode === OP.statx)
      this.#prepareScratch();
  }

  /** Stages an operation, which is the `index`th of those in flight and has that id. Needs room, and `prepare` before. Throws before anything has changed. */
  put(operation: Operation, index: number, id: number, linked: boolean): void {
    const { opcode, view } = operation;
    const at = this.count * STAGE_WORDS;
    const words = this.words;
    words.fill(0, at, at + STAGE_WORDS);
    words[at + STAGE.opcode] = opcode;
    words[at + STAGE.sqeFlags] =
      (operation.fileSlot >= 0 ? SQE.fixedFile : 0) |
      (operation.offload ? SQE.async : 0) |
      (linked ? SQE.link : 0);
    words[at + STAGE.fd] = operation.fileSlot >= 0 ? operation.fileSlot : operation.fd;
    words[at + STAGE.id] = id;
    words[at + STAGE.flags] = operation.flags;
    words[at + STAGE.mode] = operation.mode;
    setPosition(words, at, operation.position);
    if (view !== null) this.#putView(operation, view, this.#regions.of(view), at);
    if (operation.endpoint !== null) this.#putEndpoint(operation.endpoint, index, at);
    if (operation.vectors !== null) this.#putVectors(operation.vectors, index, at);
    if (opcode === OP.openat || opcode === OP.statx) this.#putPath(operation, index, at);
    if (opcode === OP.fadvise) words[at + STAGE.length] = operation.lengthBytes | 0;
    if (opcode === OP.fallocate) {
      words[at + STAGE.region2] = operation.lengthBytes | 0;
      words[at + STAGE.offset2] = Math.floor(operation.lengthBytes / 2 ** 32);
    }
    this.count++;
  }

  idAt(record: number): number {
    return this.words[record * STAGE_WORDS + STAGE.id] as number;
  }

  /** Where the record of an operation is, or -1. */
  find(id: number): number {
    for (let record = 0; record < this.count; record++) if (this.idAt(record) === id) return record;
    return -1;
  }

  /** The end of the chain that a record is in: behind its last one. */
  endOfChain(record: number): number {
    let last = record;
    while (last < this.count - 1 && this.#isLinked(last)) last++;
    return last + 1;
  }

  /** Takes records away. What was before them is no longer linked to any. */
  remove(first: number, end: number): void {
    if (first > 0) this.words[(first - 1) * STAGE_WORDS + STAGE.sqeFlags]! &= ~SQE.link;
    this.words.copyWithin(first * STAGE_WORDS, end * STAGE_WORDS, this.count * STAGE_WORDS);
    this.count -= end - first;
  }

  /** What `statx` has found for the `index`th operation. */
  statusOf(index: number): FileStatus {
    return readStatx((this.#scratch as Uint8Array).buffer, index * SCRATCH_BYTES + STATX_AT);
  }

  #isLinked(record: number): boolean {
    return ((this.words[record * STAGE_WORDS + STAGE.sqeFlags] as number) & SQE.link) !== 0;
  }

  #prepareScratch(): void {
    if (this.#scratch !== null) return;
    const scratch = new Uint8Array(new SharedArrayBuffer(this.#operations * SCRATCH_BYTES));
    this.#regions.of(scratch);
    this.#scratch = scratch;
  }

  #putView({ opcode, pollFirst }: Operation, view: Uint8Array, region: Region, at: number): void {
    const words = this.words;
    words[at + STAGE.region] = region.index;
    words[at + STAGE.offset] = view.byteOffset;
    words[at + STAGE.length] = view.byteLength;
    if (region.fixed && (opcode === OP.read || opcode === OP.write)) words[at + STAGE.options] = FIXED_BUFFER;
    else if (pollFirst) words[at + STAGE.options] = POLL_FIRST;
  }

  #putEndpoint(endpoint: Endpoint, index: number, at: number): void {
    const from = index * SCRATCH_BYTES;
    const scratch = this.#scratch as Uint8Array;
    const words = this.words;
    words[at + STAGE.region] = this.#regions.of(scratch).index;
    words[at + STAGE.offset] = from;
    words[at + STAGE.length] = this.#addresses.encode(endpoint, scratch.subarray(from, from + ADDRESS_BYTES));
  }

  #putPath(operation: Operation, index: number, at: number): void {
    const from = index * SCRATCH_BYTES;
    const scratch = this.#scratch as Uint8Array;
    const path = Buffer.from(operation.path);
    scratch.set(path.subarray(0, STATX_AT - 1), from);
    scratch[from + Math.min(path.length, STATX_AT - 1)] = 0;
    const words = this.words;
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

  #putVectors(vectors: readonly Uint8Array[], index: number, at: number): void {
    const from = index * SCRATCH_BYTES;
    const scratch = this.#scratch as Uint8Array;
    const list = new Int32Array(scratch.buffer, from, vectors.length * VECTOR_WORDS);
    for (let part = 0; part < vectors.length; part++) {
      const view = vectors[part] as Uint8Array;
      const entry = part * VECTOR_WORDS;
      list[entry + VECTOR.region] = this.#regions.of(view).index;
      list[entry + VECTOR.offset] = view.byteOffset;
      list[entry + VECTOR.length] = view.byteLength;
    }
    const words = this.words;
    words[at + STAGE.length] = vectors.length;
    words[at + STAGE.region2] = this.#regions.of(scratch).index;
    words[at + STAGE.offset2] = from;
  }
}
