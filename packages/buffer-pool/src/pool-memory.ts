// Where everything of a pool lies, and the kernel bound to it. One for each `BufferPool` object.
import {
  alignUp,
  ArgumentRangeError,
  AttachError,
  type Arena,
  type ObjectHandle,
} from '@corelane/shared-memory';
import type { LeakDetector } from './leak-detector.ts';
import { stateName, type FoundBuffer } from './errors.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import {
  BUFFER_LEASED,
  bufferPoolRoot,
  bufferRecord,
  FROM_ALL,
  FROM_FREE,
  GENERATION_HALF,
  leaseWord,
  ownerSlot,
  ownerWord,
} from './layout.ts';

/** Plain data that travels through `workerData` and `postMessage`. */
export type BufferPoolHandle = ObjectHandle<'buffer-pool/pool'>;

/** Of layouts that are looked at on every access. */
const RECORD_WORDS = bufferRecord.bytes >> 2;
const STATE_MASK = leaseWord.field.state.mask;
export const MAX_BUFFERS = 2 ** 20;
const MAX_OWNERS = ownerWord.field.slot.mask + 1;
const MAX_ALIGN_BYTES = 2 ** 21;
/** More would let few threads hoard a pool; the batch is walked link by link. */
const MAX_CACHE_BUFFERS = 256;

/** What a token of a pool looks like: an i32 from 0 to 2^31 - 1. */
export interface TokenForm {
  /** Low bits that are index and generation. */
  readonly bits: number;
  /** The bits above, the same in every token. */
  readonly base: number;
}

/** Of a pool by itself: a token is a positive i32, index below, generation above. */
export const OWN_TOKENS: TokenForm = { bits: 31, base: 0 };

/** Of one of several pools: which one it is comes first. */
export function tokensOfClass(index: number, classes: number): TokenForm {
  const bits = OWN_TOKENS.bits - Math.ceil(Math.log2(classes));
  return { bits, base: index * 2 ** bits };
}

export interface PoolShape {
  /** At first, and with the reserve. */
  readonly buffers: number;
  readonly maxBuffers: number;
  /** FROM_ALL where the pool grows by itself, else FROM_FREE. */
  readonly growth: number;
  /** Where pressure begins and ends. */
  readonly highPermille: number;
  readonly lowPermille: number;
  readonly bufferBytes: number;
  readonly alignBytes: number;
  readonly maxOwners: number;
  /** Buffers that an owner may keep to itself. */
  readonly cacheBuffers: number;
  /** Byte to fill returned buffers with, -1 for none. */
  readonly fill: number;
  readonly tokens: TokenForm;
}

export class PoolMemory {
  // `declare` and no `#`, as in lease.ts: V8 knows what a field holds. 1.4 of the 36 ns of a lease by token and its release.
  declare readonly arena: Arena;
  /** Byte address of the root: what the kernel takes as `pool`. */
  declare readonly at: number;
  declare readonly kernel: KernelExports;
  /** Buffers that there are, with the reserve. */
  declare readonly buffers: number;
  declare readonly growth: number;
  declare readonly highPermille: number;
  declare readonly bufferBytes: number;
  declare readonly alignBytes: number;
  declare readonly strideBytes: number;
  declare readonly owners: number;
  declare readonly cacheBuffers: number;
  declare readonly fill: number;
  declare readonly data: number;
  declare readonly indexBits: number;
  /** Bits of a token that are the index. */
  declare readonly indexMask: number;
  /** Bits of a generation that a token has room for. */
  declare readonly tokenMask: number;
  /** Bits above index and generation: the same in every token of this pool. */
  declare private readonly tokenBase: number;
  declare private readonly tokenBaseMask: number;
  /** Of the `BufferPool` object whose memory this is, where it traces leases. */
  leaks: LeakDetector | undefined = undefined;
  /** Whether the `BufferPool` object whose memory this is was disposed of: its number may be another's by now. */
  disposed = false;
  declare private readonly records: number;
  declare private readonly words: Int32Array;
  /** Word index of the generation of buffer 0. */
  declare private readonly generationWord: number;
  declare private readonly recordViews: (Int32Array | undefined)[];
  declare private readonly views: (Uint8Array | undefined)[];

  private constructor(arena: Arena, at: number) {
    const read = (word: number): number => arena.i32[(at >> 2) + word] as number;
    const { word } = bufferPoolRoot;
    this.arena = arena;
    this.at = at;
    this.kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.buffers = read(word.buffers);
    this.growth = read(word.growth);
    this.highPermille = read(word.highPermille);
    this.bufferBytes = read(word.bufferBytes);
    this.alignBytes = read(word.alignBytes);
    this.strideBytes = read(word.strideBytes);
    this.owners = read(word.owners);
    this.cacheBuffers = read(word.cacheBuffers);
    this.fill = read(word.fill);
    this.data = read(word.data);
    this.indexBits = read(word.indexBits);
    this.indexMask = 2 ** this.indexBits - 1;
    const varying = read(word.tokenMask);
    this.tokenMask = varying >>> this.indexBits;
    this.tokenBase = read(word.tokenBase);
    this.tokenBaseMask = ~varying;
    this.records = read(word.records);
    this.words = arena.i32;
    this.generationWord = (this.records >> 2) + bufferRecord.word.word + GENERATION_HALF;
    const length = Math.max(0, Math.min(this.buffers, MAX_BUFFERS));
    this.views = Array.from({ length });
    this.recordViews = Array.from({ length });
  }

  /** Bytes that a pool takes of its arena. @throws ArgumentRangeError */
  static bytesFor(shape: PoolShape): number {
    const { buffers, maxBuffers, bufferBytes, alignBytes, maxOwners, cacheBuffers } = shape;
    checkRange('buffers', buffers, 1, MAX_BUFFERS);
    checkRange('maxBuffers', maxBuffers, buffers, MAX_BUFFERS);
    checkRange('bufferBytes', bufferBytes, 1, 2 ** 30);
    checkRange('maxOwners', maxOwners, 1, MAX_OWNERS);
    checkRange('cacheBuffers', cacheBuffers, 0, MAX_CACHE_BUFFERS);
    checkAlignment(alignBytes);
    return lengthFor(maxBuffers, maxOwners, alignUp(bufferBytes, alignBytes), alignBytes);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, shape: PoolShape): PoolMemory {
    const { buffers, maxBuffers, bufferBytes, alignBytes, maxOwners, cacheBuffers, fill } = shape;
    const strideBytes = alignUp(bufferBytes, alignBytes);
    // All in one allocation: where it does not fit, nothing was taken of the arena.
    const at = arena.createObject(bufferPoolRoot, PoolMemory.bytesFor(shape));
    const { word } = bufferPoolRoot;
    const write = (index: number, value: number): void => {
      arena.i32[(at >> 2) + index] = value;
    };
    write(word.buffers, maxBuffers);
    write(word.growth, shape.growth);
    write(word.highPermille, shape.highPermille);
    write(word.lowPermille, shape.lowPermille);
    write(word.bufferBytes, bufferBytes);
    write(word.alignBytes, alignBytes);
    write(word.strideBytes, strideBytes);
    write(word.owners, maxOwners);
    write(word.cacheBuffers, cacheBuffers);
    write(word.cacheBatch, batchFor(cacheBuffers));
    write(word.records, at + bufferPoolRoot.bytes + maxOwners * ownerSlot.bytes);
    write(word.data, dataFor(at, maxBuffers, maxOwners, alignBytes));
    write(word.indexBits, bitsFor(maxBuffers));
    write(word.tokenMask, 2 ** shape.tokens.bits - 1);
    write(word.tokenBase, shape.tokens.base);
    write(word.fill, fill);
    const memory = new PoolMemory(arena, at);
    memory.kernel.initializeFree(at, buffers);
    return memory;
  }

  /** @throws AttachError */
  static open(arena: Arena, handle: BufferPoolHandle): PoolMemory {
    const { at, lengthBytes } = arena.openObject(bufferPoolRoot, handle);
    const memory = new PoolMemory(arena, at);
    const { buffers, owners, strideBytes, alignBytes, bufferBytes, data } = memory;
    expect('buffers', buffers, buffers >= 1 && buffers <= MAX_BUFFERS, `1 to ${MAX_BUFFERS}`);
    expect('owners', owners, owners >= 1 && owners <= MAX_OWNERS, `1 to ${MAX_OWNERS}`);
    const aligned = alignBytes >= 1 && alignBytes <= MAX_ALIGN_BYTES && (alignBytes & (alignBytes - 1)) === 0;
    expect('alignBytes', alignBytes, aligned, `a power of two up to ${MAX_ALIGN_BYTES}`);
    expect('bufferBytes', bufferBytes, bufferBytes >= 1 && bufferBytes <= 2 ** 30, `1 to ${2 ** 30}`);
    const stride = alignUp(bufferBytes, alignBytes);
    expect('strideBytes', strideBytes, strideBytes === stride, stride);
    const length = lengthFor(buffers, owners, strideBytes, alignBytes);
    expect('length in bytes', lengthBytes, lengthBytes === length, length);
    const dataAt = dataFor(at, buffers, owners, alignBytes);
    expect('data', data, data === dataAt, dataAt);
    const records = at + bufferPoolRoot.bytes + owners * ownerSlot.bytes;
    expect('records', memory.records, memory.records === records, records);
    expect('indexBits', memory.indexBits, memory.indexBits === bitsFor(buffers), bitsFor(buffers));
    const varying = memory.#read(bufferPoolRoot.word.tokenMask);
    const masks = varying > 0 && (varying & (varying + 1)) === 0 && memory.tokenMask > 0;
    expect('tokenMask', varying, masks, `ones, more than ${memory.indexBits}`);
    const base = memory.tokenBase;
    expect('tokenBase', base, base >= 0 && (base & varying) === 0, `none of the bits ${varying}`);
    const { cacheBuffers } = memory;
    const caches = cacheBuffers >= 0 && cacheBuffers <= MAX_CACHE_BUFFERS;
    expect('cacheBuffers', cacheBuffers, caches, `0 to ${MAX_CACHE_BUFFERS}`);
    const batch = memory.#read(bufferPoolRoot.word.cacheBatch);
    expect('cacheBatch', batch, batch === batchFor(cacheBuffers), batchFor(cacheBuffers));
    const { growth, highPermille } = memory;
    expect('growth', growth, growth === FROM_FREE || growth === FROM_ALL, `${FROM_FREE} or ${FROM_ALL}`);
    const low = memory.#read(bufferPoolRoot.word.lowPermille);
    const marks = low >= 0 && low < highPermille && highPermille <= 1000;
    expect('highPermille', highPermille, marks, `above ${low}, up to 1000`);
    return memory;
  }

  get pinned(): boolean {
    return this.#read(bufferPoolRoot.word.pinned) === 1;
  }

  /** Once, before the handle is given away. */
  set pinned(pinned: boolean) {
    this.arena.i32[(this.at >> 2) + bufferPoolRoot.word.pinned] = pinned ? 1 : 0;
  }

  /** Word index, in the arena's i32 view, of the word that waiting threads park on. */
  get sequenceWord(): number {
    return (this.at >> 2) + bufferPoolRoot.word.sequence;
  }

  /** Word index of the number of threads that wait. */
  get waitersWord(): number {
    return (this.at >> 2) + bufferPoolRoot.word.waiters;
  }

  /** Buffers that are not set aside. */
  get capacity(): number {
    return Atomics.load(this.arena.i32, (this.at >> 2) + bufferPoolRoot.word.capacity);
  }

  /** Word index of what listeners for pressure park on. */
  get pressureWord(): number {
    return (this.at >> 2) + bufferPoolRoot.word.pressure;
  }

  /** Word index of the number of slots that were ever used. */
  get ownersSeenWord(): number {
    return (this.at >> 2) + bufferPoolRoot.word.ownersSeen;
  }

  /** Word index of the slot of an owner. */
  slotWord(slot: number): number {
    return (this.at + bufferPoolRoot.bytes + slot * ownerSlot.bytes) >> 2;
  }

  /** The words of a buffer's own line, one view for each buffer and `BufferPool` object. */
  recordOf(index: number): Int32Array {
    const first = (this.records >> 2) + index * RECORD_WORDS;
    return (this.recordViews[index] ??= this.words.subarray(first, first + RECORD_WORDS));
  }

  /** Is it leased, in a generation with these bits? A plain look, as of `lease.bytes`. */
  isLeased(index: number, generation: number): boolean {
    const words = this.words;
    const word = this.generationWord + index * RECORD_WORDS;
    return (
      (((words[word] as number) ^ generation) & this.tokenMask) === 0 &&
      ((words[word - GENERATION_HALF] as number) & STATE_MASK) === BUFFER_LEASED
    );
  }

  /** The whole buffer, unchecked. One view for each buffer and `BufferPool` object. */
  bytesOf(index: number): Uint8Array {
    return (this.views[index] ??= this.arena.u8.subarray(
      this.data + index * this.strideBytes,
      this.data + index * this.strideBytes + this.bufferBytes,
    ));
  }

  /** The first `buffers` buffers, and the padding between them. */
  firstBytes(buffers: number): Uint8Array {
    return this.arena.u8.subarray(this.data, this.data + buffers * this.strideBytes);
  }

  /** A buffer with the padding after it. */
  strideOf(index: number): Uint8Array {
    const at = this.data + index * this.strideBytes;
    return this.arena.u8.subarray(at, at + this.strideBytes);
  }

  tokenOf(index: number, generation: number): number {
    return ((generation & this.tokenMask) << this.indexBits) | index | this.tokenBase;
  }

  /** @throws ArgumentRangeError where it can't be a token of this pool */
  indexOf(token: number): number {
    const known =
      typeof token === 'number' && token === (token | 0) && (token & this.tokenBaseMask) === this.tokenBase;
    const index = known ? token & this.indexMask : this.buffers;
    if (index >= this.buffers)
      throw new ArgumentRangeError('token', token, `a token of this pool of ${this.buffers} buffers`);
    return index;
  }

  /** What a buffer is now, for messages and figures: a moment's look. */
  describe(index: number): FoundBuffer {
    const holder = this.kernel.leaseHolder(this.at, index);
    const { state, owner } = leaseWord.field;
    const name = stateName((holder >>> state.shift) & state.mask);
    const given = name === 'kernel' || name === 'orphan';
    return {
      index,
      state: name,
      owner: (holder >>> owner.shift) & owner.mask,
      generation: this.kernel.leaseGeneration(this.at, index) >>> 0,
      operation: given ? this.kernel.leaseOperation(this.at, index) : undefined,
    };
  }

  #read(word: number): number {
    return this.arena.i32[(this.at >> 2) + word] as number;
  }
}

function expect(what: string, found: number, good: boolean, expected: number | string): void {
  if (!good) throw new AttachError(bufferPoolRoot.name, what, found, expected);
}

/** @throws ArgumentRangeError */
export function checkAlignment(alignBytes: number): void {
  if (
    !Number.isInteger(alignBytes) ||
    alignBytes < 1 ||
    alignBytes > MAX_ALIGN_BYTES ||
    (alignBytes & (alignBytes - 1)) !== 0
  )
    throw new ArgumentRangeError('alignBytes', alignBytes, `a power of two from 1 to ${MAX_ALIGN_BYTES}`);
}

/** @throws ArgumentRangeError */
export function checkRange(argument: string, found: number, least: number, most: number): void {
  if (!Number.isInteger(found) || found < least || found > most)
    throw new ArgumentRangeError(argument, found, `an integer from ${least} to ${most}`);
}

function bitsFor(buffers: number): number {
  return Math.max(1, Math.ceil(Math.log2(buffers)));
}

/** Half of a cache: a thread that takes and returns in turn then goes to the shared list once in so many. */
function batchFor(cacheBuffers: number): number {
  return Math.max(1, Math.ceil(cacheBuffers / 2));
}

function lengthFor(buffers: number, owners: number, strideBytes: number, alignBytes: number): number {
  const padding = Math.max(0, alignBytes - bufferPoolRoot.alignBytes); // at most, wherever the object comes to lie
  return wordsFor(buffers, owners) + padding + buffers * strideBytes;
}

function dataFor(at: number, buffers: number, owners: number, alignBytes: number): number {
  return alignUp(at + wordsFor(buffers, owners), alignBytes);
}

/** Bytes of everything but the buffers. */
function wordsFor(buffers: number, owners: number): number {
  return bufferPoolRoot.bytes + owners * ownerSlot.bytes + buffers * bufferRecord.bytes;
}
