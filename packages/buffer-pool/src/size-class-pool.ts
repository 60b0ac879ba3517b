// Pools of several sizes as one: a request is served from the smallest class that it fits, or a larger one where that has none free.
import {
  alignUp,
  ArenaExhaustedError,
  ArgumentRangeError,
  Arena,
  AttachError,
  type ObjectHandle,
} from '@corelane/shared-memory';
import { BufferPool, createClass, NO_LEASE, takeUncounted } from './buffer-pool.ts';
import { poolShape, type BufferPoolOptions } from './pool-options.ts';
import { PoolDisposedError } from './errors.ts';
import { bufferPoolRoot, sizeClass, sizeClassRoot } from './layout.ts';
import type { LeakDetection } from './leak-detector.ts';
import type { Lease, LeaseView } from './lease.ts';
import { Owners } from './owners.ts';
import { checkRange, PoolMemory, tokensOfClass, type BufferPoolHandle } from './pool-memory.ts';
import type { BufferPoolStats } from './pool-stats.ts';
import { classSizes, type SizeClassShape } from './size-classes.ts';
import { firstLease } from './waiting-race.ts';
import { checkOptions, type AcquireOptions } from './waiting-line.ts';

/** Plain data that travels through `workerData` and `postMessage`. */
export type SizeClassPoolHandle = ObjectHandle<'buffer-pool/size-classes'>;

/** A number to lease under in each class. Plain data. */
export type SizeClassOwner = readonly number[];

export interface SizeClassPoolOptions
  extends SizeClassShape, Omit<BufferPoolOptions, 'buffers' | 'maxBuffers' | 'growth' | 'bufferBytes'> {
  /**
   * How many larger classes may serve a request that finds its own empty: 1 by default, the next one; 0 refuses (or waits for its own);
   * Infinity for all.
   */
  readonly overflowClasses?: number;
}

export interface SizeClassAttachOptions {
  /** The numbers that this thread leases under, from `register()` on another thread. By default it registers itself. */
  readonly owner?: SizeClassOwner;
  /** Leases of this thread that are traced, in each class: none by default. */
  readonly leakDetection?: LeakDetection;
}

export interface SizeClassStats extends BufferPoolStats {
  readonly bufferBytes: number;
  /** Requests for this class that a larger one served, modulo 2^32. */
  readonly overflows: number;
}

export class SizeClassPool implements Disposable {
  readonly handle: SizeClassPoolHandle;
  /** The pool of each class, the smallest buffers first. Whatever a pool can do can be done to one. */
  readonly classes: readonly BufferPool[];
  /** Larger classes that a request may be served from. */
  readonly overflowClasses: number;
  readonly #arena: Arena;
  /** Word index of the first element. */
  readonly #elements: number;
  /** Bits of a token below its class. */
  readonly #tokenBits: number;
  #disposed = false;

  private constructor(arena: Arena, at: number, classes: readonly BufferPool[]) {
    this.#arena = arena;
    this.#elements = (at + sizeClassRoot.bytes) >> 2;
    this.classes = classes;
    this.#tokenBits = tokensOfClass(0, classes.length).bits;
    this.overflowClasses = arena.i32[(at >> 2) + sizeClassRoot.word.overflowClasses] as number;
    this.handle = arena.objectHandle(sizeClassRoot.name as SizeClassPoolHandle['kind'], at);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: SizeClassPoolOptions): SizeClassPool {
    const { overflowClasses = 1, tag = 'buffer-pool' } = options;
    const sizes = classSizes(options);
    const last = sizes.length - 1;
    if (overflowClasses !== Infinity) checkRange('overflowClasses', overflowClasses, 0, 2 ** 30);
    const each = sizes.map(({ bufferBytes, buffers }): BufferPoolOptions => ({
      alignBytes: Math.min(4096, 2 ** Math.floor(Math.log2(bufferBytes))),
      ...options,
      bufferBytes,
      buffers,
      tag: `${tag}/${bufferBytes}`,
    }));
    const lengthBytes = sizeClassRoot.bytes + sizes.length * sizeClass.bytes;
    // First whether all of it fits: a pool of some classes would be of no use, and what it took not be given back.
    const needed = each.reduce(
      (sum, one) => alignUp(sum, bufferPoolRoot.alignBytes) + PoolMemory.bytesFor(poolShape(one)),
      alignUp(lengthBytes, bufferPoolRoot.alignBytes) + bufferPoolRoot.alignBytes,
    );
    const free = arena.bytes - arena.usedBytes;
    if (needed > free) throw new ArenaExhaustedError(needed, free, arena.bytes);
    const at = arena.createObject(sizeClassRoot, lengthBytes);
    arena.i32[(at >> 2) + sizeClassRoot.word.classes] = sizes.length;
    arena.i32[(at >> 2) + sizeClassRoot.word.overflowClasses] = Math.min(overflowClasses, last);
    const pools = each.map((one, i) => createClass(arena, one, tokensOfClass(i, each.length)));
    const pool = new SizeClassPool(arena, at, pools);
    for (const [i, { handle }] of pools.entries())
      arena.i32[pool.#element(i) + sizeClass.word.pool] = handle.at;
    return pool;
  }

  /** @throws AttachError, UnknownOwnerError, ArgumentRangeError */
  static attach(
    handle: SizeClassPoolHandle,
    arena: Arena = Arena.attach(handle?.arena),
    options: SizeClassAttachOptions = {},
  ): SizeClassPool {
    const { at, lengthBytes } = arena.openObject(sizeClassRoot, handle);
    const { owner, leakDetection } = options;
    const count = arena.i32[(at >> 2) + sizeClassRoot.word.classes] as number;
    const expected = sizeClassRoot.bytes + count * sizeClass.bytes;
    if (count < 1 || lengthBytes !== expected)
      throw new AttachError(sizeClassRoot.name, 'length in bytes', lengthBytes, expected);
    if (owner !== undefined && owner.length !== count)
      throw new ArgumentRangeError('owner.length', owner.length, `${count}, one for each class`);
    const pools = Array.from({ length: count }, (_, i) => {
      const element = (at + sizeClassRoot.bytes + i * sizeClass.bytes) >> 2;
      const poolAt = arena.i32[element + sizeClass.word.pool] as number;
      const poolHandle: BufferPoolHandle = { kind: 'buffer-pool/pool', arena: arena.handle, at: poolAt };
      return BufferPool.attach(poolHandle, arena, {
        ...(owner === undefined ? {} : { owner: owner[i] as number }),
        ...(leakDetection === undefined ? {} : { leakDetection }),
      });
    });
    for (const [i, each] of pools.entries()) checkTokens(arena, each.handle.at, i, count);
    for (const [i, { bufferBytes }] of pools.entries())
      if (i > 0 && bufferBytes <= (pools[i - 1] as BufferPool).bufferBytes)
        throw new AttachError(sizeClassRoot.name, `bytes of class ${i}`, bufferBytes, 'more than before');
    const pool = new SizeClassPool(arena, at, pools);
    const most = count - 1;
    if (pool.overflowClasses < 0 || pool.overflowClasses > most)
      throw new AttachError(sizeClassRoot.name, 'overflowClasses', pool.overflowClasses, `0 to ${most}`);
    return pool;
  }

  /** Bytes of the largest buffers. */
  get maxBytes(): number {
    return (this.classes.at(-1) as BufferPool).bufferBytes;
  }

  /** The numbers that this thread leases under. */
  get owner(): SizeClassOwner {
    return this.classes.map((pool) => pool.owner);
  }

  /** Numbers for another thread: `attach(handle, arena, { owner })`. @throws OwnersExhaustedError */
  register(): SizeClassOwner {
    const owner: number[] = [];
    try {
      for (const pool of this.classes) owner.push(pool.register());
    } catch (error) {
      for (const [i, number] of owner.entries()) (this.classes[i] as BufferPool).reclaim(number);
      throw error;
    }
    return owner;
  }

  /** As `BufferPool.reclaim`, in all classes. @returns how many buffers @throws ArgumentRangeError */
  reclaim(owner: SizeClassOwner): number {
    return this.#sum(owner, (pool, number) => pool.reclaim(number));
  }

  /** As `BufferPool.settle`, in all classes. @returns how many buffers @throws ArgumentRangeError */
  settle(owner: SizeClassOwner): number {
    return this.#sum(owner, (pool, number) => pool.settle(number));
  }

  /** A buffer of at least so many bytes, or undefined where none is free. Never blocks. @throws ArgumentRangeError */
  tryAcquire(bytes: number): Lease | undefined {
    const first = this.#classOf(bytes);
    const last = this.#lastFor(first);
    for (let i = first; i <= last; i++) {
      const lease = (this.classes[i] as BufferPool).tryAcquire();
      if (lease === undefined) continue;
      if (i !== first) this.#countOverflow(first);
      return lease;
    }
    return undefined;
  }

  /**
   * As `tryAcquire`, without an object for the lease.
   * @returns a token of this pool, a positive i32 as `lease.token` is, or NO_LEASE
   * @throws ArgumentRangeError
   */
  tryAcquireFast(bytes: number): number {
    const first = this.#classOf(bytes);
    const last = this.#lastFor(first);
    for (let i = first; i <= last; i++) {
      const token = (this.classes[i] as BufferPool).tryAcquireFast();
      if (token === NO_LEASE) continue;
      if (i !== first) this.#countOverflow(first);
      return token;
    }
    return NO_LEASE;
  }

  /**
   * A buffer of at least so many bytes; waits until one is released in any of the classes that may serve. First come, first served on one
   * thread and class.
   * Rejects with `signal.reason`, AcquireTimeoutError, PoolDisposedError, ArgumentRangeError.
   */
  async acquire(bytes: number, options: AcquireOptions = {}): Promise<Lease> {
    if (this.#disposed) throw new PoolDisposedError();
    const first = this.#classOf(bytes);
    const pools = this.classes.slice(first, this.#lastFor(first) + 1);
    checkOptions(options);
    options.signal?.throwIfAborted();
    let lease: Lease | undefined;
    for (const pool of pools) if (pool.waiting === 0) lease ??= takeUncounted(pool);
    lease ??= await firstLease(pools, options);
    if (lease.capacity !== (pools[0] as BufferPool).bufferBytes) this.#countOverflow(first);
    return lease;
  }

  /** As of BufferPool: tokens of all classes are positive i32 that say which one they are of. `lease.token` is one. */
  release(token: number): void {
    this.#pool(token).release(token);
  }

  /** As of BufferPool. */
  bytesOf(token: number): Uint8Array {
    return this.#pool(token).bytesOf(token);
  }

  /** As of BufferPool. */
  open(token: number): LeaseView {
    return this.#pool(token).open(token);
  }

  /** As of BufferPool. */
  adopt(token: number): Lease {
    return this.#pool(token).adopt(token);
  }

  /** As of BufferPool. */
  give(token: number, operation: number): number {
    return this.#pool(token).give(token, operation);
  }

  /** As of BufferPool. */
  take(token: number, operation: number): Lease | undefined {
    return this.#pool(token).take(token, operation);
  }

  /** As of BufferPool. */
  takeToken(token: number, operation: number): number {
    return this.#pool(token).takeToken(token, operation);
  }

  /** As of BufferPool. */
  cancel(token: number, operation: number): void {
    this.#pool(token).cancel(token, operation);
  }

  /** `lease.token`. @throws ArgumentRangeError for a lease of another pool */
  tokenOf(lease: LeaseView): number {
    const { token, capacity } = lease;
    if (this.#pool(token).bufferBytes !== capacity)
      throw new ArgumentRangeError('lease.capacity', capacity, 'that of its class');
    return token;
  }

  /** Of each class, the smallest buffers first. */
  stats(): SizeClassStats[] {
    return this.classes.map((pool, i) => ({
      bufferBytes: pool.bufferBytes,
      overflows: Atomics.load(this.#arena.i32, this.#overflowsWord(i)) >>> 0,
      ...pool.stats(),
    }));
  }

  /** As BufferPool's, of all classes. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const pool of this.classes) pool[Symbol.dispose]();
  }

  /** Index of the smallest class that a request fits. */
  #classOf(bytes: number): number {
    const { classes } = this;
    if (typeof bytes === 'number' && bytes >= 1 && Number.isInteger(bytes))
      for (let i = 0; i < classes.length; i++) if (bytes <= (classes[i] as BufferPool).bufferBytes) return i;
    throw new ArgumentRangeError('bytes', bytes, `an integer from 1 to ${this.maxBytes}`);
  }

  #lastFor(first: number): number {
    return Math.min(this.classes.length - 1, first + this.overflowClasses);
  }

  #countOverflow(wanted: number): void {
    Atomics.add(this.#arena.i32, this.#overflowsWord(wanted), 1);
  }

  #pool(token: number): BufferPool {
    // What is no i32 is refused by the pool that it leads to, or leads to none.
    const pool = typeof token === 'number' ? this.classes[token >> this.#tokenBits] : undefined;
    if (pool === undefined)
      throw new ArgumentRangeError('token', token, `a token of a pool of ${this.classes.length} classes`);
    return pool;
  }

  #sum(owner: SizeClassOwner, each: (pool: BufferPool, number: number) => number): number {
    if (owner.length !== this.classes.length)
      throw new ArgumentRangeError('owner.length', owner.length, `${this.classes.length}`);
    // First whether all are numbers of owners: none is done where one is not.
    for (const [i, { handle }] of this.classes.entries())
      new Owners(PoolMemory.open(this.#arena, handle)).checkNumber(owner[i] as number);
    return this.classes.reduce((sum, pool, i) => sum + each(pool, owner[i] as number), 0);
  }

  #element(index: number): number {
    return this.#elements + index * (sizeClass.bytes >> 2);
  }

  #overflowsWord(index: number): number {
    return this.#element(index) + sizeClass.word.overflows;
  }
}

/** Do the tokens of a pool say that it is this class? @throws AttachError */
function checkTokens(arena: Arena, poolAt: number, index: number, classes: number): void {
  const { tokenMask, tokenBase } = bufferPoolRoot.word;
  const { bits, base } = tokensOfClass(index, classes);
  const found = [tokenMask, tokenBase].map((word) => arena.i32[(poolAt >> 2) + word]).join();
  const expected = [2 ** bits - 1, base].join();
  if (found !== expected)
    throw new AttachError(sizeClassRoot.name, `tokens of class ${index}`, found, expected);
}
