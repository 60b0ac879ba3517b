// One buffer whose address never changes: for what is handed to the system by address, or shared for the life of a service.
//
// It has no owners. Whichever thread has its current generation is its user; every hand-over moves that, so what others hold of it ends.
import { alignUp, ArgumentRangeError, Arena, AttachError, type ObjectHandle } from '@corelane/shared-memory';
import { backMemory, type Backing } from './backing.ts';
import {
  KernelHeldError,
  stateName,
  StaleLeaseError,
  WrongOperationError,
  type BufferPoolError,
  type FoundBuffer,
} from './errors.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import {
  GENERATION_HALF,
  LEASE_ENDED,
  LEASE_GIVEN,
  LEASE_MISMATCHED,
  LEASE_ORPHANED,
  LEASE_TAKEN,
  leaseWord,
  pinnedBufferRoot,
} from './layout.ts';
import { checkPlacement, type Placement, type PlacementOptions } from './placement.ts';
import { checkAlignment, checkRange } from './pool-memory.ts';
import type { MemorySink, Pinner, PinResult } from './ports.ts';
import { checkOperation } from './transitions.ts';

const WASM_PAGE_BYTES = 65536;

/** Plain data that travels through `workerData` and `postMessage`. */
export type PinnedBufferHandle = ObjectHandle<'buffer-pool/pinned-buffer'>;

export interface PinnedBufferPlacement extends PlacementOptions {
  /** A power of two up to 2 MiB, 4096 by default. */
  readonly alignBytes?: number;
  /** Where to put it; by default in an arena of its own. */
  readonly arena?: Arena;
  /** What the memory is called at the sink, `pinned-buffer` by default. */
  readonly tag?: string;
  readonly sink?: MemorySink;
  readonly pinner?: Pinner;
}

export interface PinnedBufferOptions extends PinnedBufferPlacement {
  /** Bytes, at least 1. */
  readonly capacity: number;
}

export class PinnedBuffer implements Disposable {
  readonly handle: PinnedBufferHandle;
  /** Bytes of the buffer. */
  readonly capacity: number;
  readonly alignBytes: number;
  /** Address of the first byte in the arena, whose base is page-aligned: a multiple of `alignBytes`. */
  readonly at: number;
  readonly #root: number;
  readonly #kernel: KernelExports;
  readonly #words: Int32Array;
  readonly #generationWord: number;
  readonly #view: Uint8Array;
  /** An i32: that in which this object's user may use the bytes; while the kernel has them, one less than the word's. */
  #generation = 0;
  /** Of the creator. */
  #backing: Backing | undefined;

  private constructor(arena: Arena, root: number) {
    const read = (word: number): number => arena.i32[(root >> 2) + word] as number;
    this.capacity = read(pinnedBufferRoot.word.capacity);
    this.alignBytes = read(pinnedBufferRoot.word.alignBytes);
    this.at = read(pinnedBufferRoot.word.data);
    this.handle = arena.objectHandle(pinnedBufferRoot.name as PinnedBufferHandle['kind'], root);
    this.#root = root;
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#words = arena.i32;
    this.#generationWord = (root >> 2) + pinnedBufferRoot.word.word + GENERATION_HALF;
    this.#view = arena.u8.subarray(this.at, this.at + this.capacity);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create(options: PinnedBufferOptions): PinnedBuffer {
    const { capacity, alignBytes = 4096, tag = 'pinned-buffer' } = options;
    checkRange('capacity', capacity, 1, 2 ** 30);
    checkAlignment(alignBytes);
    checkPlacement(options);
    // In one allocation, so that where it does not fit nothing was taken; and whole multiples of the alignment, so that pages are its own.
    const room = alignUp(capacity, alignBytes);
    const lengthBytes = lengthFor(room, alignBytes);
    const arena = options.arena ?? Arena.create({ bytes: lengthBytes + WASM_PAGE_BYTES });
    const root = arena.createObject(pinnedBufferRoot, lengthBytes);
    const data = alignUp(root + pinnedBufferRoot.bytes, alignBytes);
    arena.i32[(root >> 2) + pinnedBufferRoot.word.capacity] = capacity;
    arena.i32[(root >> 2) + pinnedBufferRoot.word.alignBytes] = alignBytes;
    arena.i32[(root >> 2) + pinnedBufferRoot.word.data] = data;
    const buffer = new PinnedBuffer(arena, root);
    buffer.#kernel.initializePinned(root);
    const pages = arena.u8.subarray(data, data + room);
    buffer.#backing = backMemory(options, { tag, bytes: capacity, first: pages, all: pages });
    return buffer;
  }

  /** A copy of the bytes, at an address that stays. @throws ArgumentRangeError where there are none */
  static from(bytes: Uint8Array, placement: PinnedBufferPlacement = {}): PinnedBuffer {
    if (!(bytes instanceof Uint8Array)) throw new ArgumentRangeError('bytes', bytes, 'a Uint8Array');
    const buffer = PinnedBuffer.create({ ...placement, capacity: bytes.byteLength });
    buffer.bytes.set(bytes);
    return buffer;
  }

  /** The buffer as it is now: in the hands of its users, of whom this is one, or of the kernel, whose operation can be completed here. @throws AttachError */
  static attach(handle: PinnedBufferHandle, arena: Arena = Arena.attach(handle?.arena)): PinnedBuffer {
    const { at, lengthBytes } = arena.openObject(pinnedBufferRoot, handle);
    const buffer = new PinnedBuffer(arena, at);
    const { capacity, alignBytes } = buffer;
    check('capacity', capacity, capacity >= 1 && capacity <= 2 ** 30, `1 to ${2 ** 30}`);
    const aligned = alignBytes >= 1 && alignBytes <= 2 ** 21 && (alignBytes & (alignBytes - 1)) === 0;
    check('alignBytes', alignBytes, aligned, `a power of two up to ${2 ** 21}`);
    const length = lengthFor(alignUp(capacity, alignBytes), alignBytes);
    check('length in bytes', lengthBytes, lengthBytes === length, length);
    const data = alignUp(at + pinnedBufferRoot.bytes, alignBytes);
    check('data', buffer.at, buffer.at === data, data);
    const { state, generation } = buffer.#describe();
    buffer.#generation = state === 'leased' ? generation | 0 : (generation - 1) | 0;
    return buffer;
  }

  /** All bytes, over a `SharedArrayBuffer`; zeros at first. Get it anew rather than keep it. @throws StaleLeaseError, KernelHeldError */
  get bytes(): Uint8Array {
    if (this.#words[this.#generationWord] !== this.#generation) this.#refuse('access');
    return this.#view;
  }

  /** Moves with every hand-over: to the kernel, back, and from user to user. Of what this object knows. */
  get generation(): number {
    return this.#generation >>> 0;
  }

  /** Whether the bytes can't be used through this object: somebody else took them over, or the kernel has them. */
  get ended(): boolean {
    return this.#words[this.#generationWord] !== this.#generation;
  }

  /** What the creator's pinner said. */
  get pinning(): PinResult {
    return this.#backing?.pinning ?? { pinned: false, reason: 'known to the creator only' };
  }

  /** What the creator's pinner said of node and huge pages, where they were asked for. */
  get placement(): Placement {
    return this.#backing?.placement ?? {};
  }

  /**
   * Gives the buffer to another user: this object and all others attached so far end.
   * @returns what to attach it by
   * @throws StaleLeaseError, KernelHeldError
   */
  handOver(): PinnedBufferHandle {
    if (this.#kernel.handOverPinned(this.#root, this.#generation) !== LEASE_ENDED) this.#refuse('hand over');
    return this.handle;
  }

  /** As `lease.give`: until `take`, here or where it is attached then, nobody can use the bytes. @throws StaleLeaseError, KernelHeldError, ArgumentRangeError */
  give(operation: number): void {
    checkOperation(operation);
    if (this.#kernel.givePinned(this.#root, this.#generation, operation) !== LEASE_GIVEN)
      this.#refuse('give');
  }

  /**
   * The operation is complete, cancelled before or not: the bytes are this object's user's.
   * @throws WrongOperationError, StaleLeaseError, ArgumentRangeError
   */
  take(operation: number): void {
    checkOperation(operation);
    const outcome = this.#kernel.takePinned(this.#root, (this.#generation + 1) | 0, operation);
    if (outcome !== LEASE_TAKEN && outcome !== LEASE_ENDED) this.#refuse('take', outcome, operation);
    this.#generation = (this.#generation + 2) | 0;
  }

  /** The operation was cancelled: the buffer is an orphan until it is complete. @throws WrongOperationError, StaleLeaseError, ArgumentRangeError */
  cancel(operation: number): void {
    checkOperation(operation);
    const outcome = this.#kernel.orphanPinned(this.#root, (this.#generation + 1) | 0, operation);
    if (outcome !== LEASE_ORPHANED) this.#refuse('cancel', outcome, operation);
  }

  /** Tells sink and pinner of the creator. The memory stays the arena's, and valid. */
  [Symbol.dispose](): void {
    this.#backing?.release();
  }

  #describe(): FoundBuffer {
    const { shift, mask } = leaseWord.field.state;
    const state = stateName((this.#kernel.pinnedHolder(this.#root) >>> shift) & mask);
    const given = state === 'kernel' || state === 'orphan';
    return {
      index: 0,
      state,
      owner: 0,
      generation: this.#kernel.pinnedGeneration(this.#root) >>> 0,
      operation: given ? this.#kernel.pinnedOperation(this.#root) : undefined,
    };
  }

  #refuse(action: string, outcome = 0, operation = 0): never {
    throw this.#refusal(action, outcome, operation);
  }

  #refusal(action: string, outcome: number, operation: number): BufferPoolError {
    const found = this.#describe();
    if (outcome === LEASE_MISMATCHED) return new WrongOperationError(action, found, operation);
    const passed = (found.generation - this.#generation) | 0;
    if (found.operation !== undefined && passed === 1) return new KernelHeldError(action, found);
    return new StaleLeaseError(action, found, this.generation);
  }
}

function lengthFor(room: number, alignBytes: number): number {
  return pinnedBufferRoot.bytes + Math.max(0, alignBytes - pinnedBufferRoot.alignBytes) + room;
}

function check(what: string, found: number, good: boolean, expected: number | string): void {
  if (!good) throw new AttachError(pinnedBufferRoot.name, what, found, expected);
}
