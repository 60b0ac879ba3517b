// The pool as JavaScript sees it. Leases are in lease.ts, those who wait in waiting-line.ts, who leases in owners.ts; PROTOCOL.md.
import { addTally, ArgumentRangeError, Arena } from '@corelane/shared-memory';
import { backMemory, type Backing } from './backing.ts';
import { PoolCorruptedError, PoolDisposedError } from './errors.ts';
import { bufferPoolRoot, LEASE_BROKEN, LEASE_ENDED, LEASE_STALE, LEASE_VALID, NO_LEASE } from './layout.ts';
import { Lease, LeaseView } from './lease.ts';
import { LeakDetector, type LeakDetection, type LeakReport } from './leak-detector.ts';
import { Owners } from './owners.ts';
import type { Placement } from './placement.ts';
import { checkRange, OWN_TOKENS, PoolMemory, type BufferPoolHandle, type TokenForm } from './pool-memory.ts';
import { PoolResize } from './pool-resize.ts';
import { reclaimInPlace, reclaimOwner, settleOwner } from './reclaim.ts';
import { readStats, type BufferPoolStats } from './pool-stats.ts';
import { poolShape, type BufferPoolOptions } from './pool-options.ts';
import { PressureWatch, type PressureListener } from './pressure-watch.ts';
import { noPinner, type PinResult } from './ports.ts';
import { adoptLease, cancelLease, endLease, giveLease, refusal, takeLease } from './transitions.ts';
import { checkOptions, WaitingLine, type AcquireOptions } from './waiting-line.ts';

export { NO_LEASE };

export interface BufferPoolAttachOptions {
  /** The number that this thread leases under, from `register()` on another thread. By default it registers itself. */
  readonly owner?: number;
  /** Leases of this thread that are traced, to find those that are not returned: none by default. */
  readonly leakDetection?: LeakDetection;
}

/** One of several pools, whose tokens say which one it is. For what is built on pools in this package. */
export let createClass: (arena: Arena, options: BufferPoolOptions, tokens: TokenForm) => BufferPool;

/** As `tryAcquire`, counting no failure: for who goes on to wait. */
export let takeUncounted: (pool: BufferPool) => Lease | undefined;

export class BufferPool implements Disposable {
  static {
    takeUncounted = (pool) => pool.#take();
    createClass = (arena, options, tokens) => BufferPool.#create(arena, options, tokens);
  }

  readonly handle: BufferPoolHandle;
  /** Buffers that the pool may grow to. */
  readonly maxBuffers: number;
  /** Bytes of each. */
  readonly bufferBytes: number;
  readonly alignBytes: number;
  readonly #memory: PoolMemory;
  readonly #owners: Owners;
  readonly #line: WaitingLine;
  readonly #watch: PressureWatch;
  /** Of the creator. */
  #backing: Backing | undefined;
  /** 0 until first needed. */
  #owner = 0;
  /** Word index of the tally of this owner. */
  #failures = 0;
  #disposed = false;

  private constructor(memory: PoolMemory, leakDetection: LeakDetection | undefined) {
    this.#memory = memory;
    memory.leaks = LeakDetector.for(memory, leakDetection);
    this.#owners = new Owners(memory);
    this.#line = new WaitingLine(memory, {
      owner: () => this.owner,
      take: () => this.#take(),
      fail: () => this.#count(this.#failures),
    });
    this.maxBuffers = memory.buffers;
    this.#watch = new PressureWatch(memory);
    this.bufferBytes = memory.bufferBytes;
    this.alignBytes = memory.alignBytes;
    this.handle = memory.arena.objectHandle(bufferPoolRoot.name as BufferPoolHandle['kind'], memory.at);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: BufferPoolOptions): BufferPool {
    return BufferPool.#create(arena, options, OWN_TOKENS);
  }

  static #create(arena: Arena, options: BufferPoolOptions, tokens: TokenForm): BufferPool {
    const memory = PoolMemory.create(arena, poolShape(options, tokens));
    const all = memory.firstBytes(memory.buffers);
    const backing = backMemory(options, {
      tag: options.tag ?? 'buffer-pool',
      bytes: all.byteLength,
      first: memory.firstBytes(options.buffers),
      all,
    });
    memory.pinned = backing.pinning.pinned;
    const pool = new BufferPool(memory, options.leakDetection);
    pool.#backing = backing;
    return pool;
  }

  /** @throws AttachError, UnknownOwnerError */
  static attach(
    handle: BufferPoolHandle,
    arena: Arena = Arena.attach(handle?.arena),
    options: BufferPoolAttachOptions = {},
  ): BufferPool {
    const pool = new BufferPool(PoolMemory.open(arena, handle), options.leakDetection);
    const { owner } = options;
    if (owner === undefined) return pool;
    pool.#owners.checkLive(owner);
    pool.#leaseAs(owner);
    return pool;
  }

  /** Whether the creator's pinner pinned the buffers; the reason why not is known to the creator only. */
  get pinning(): PinResult {
    return this.#backing?.pinning ?? { pinned: this.#memory.pinned };
  }

  /** What the pinner said of node and huge pages, where they were asked for; known to the creator only. */
  get placement(): Placement {
    return this.#backing?.placement ?? {};
  }

  /** Buffers of the pool now. */
  get capacity(): number {
    return this.#memory.capacity;
  }

  /** How many wait for a buffer on this thread. */
  get waiting(): number {
    return this.#line.size;
  }

  /** The number that this thread leases under. */
  get owner(): number {
    if (this.#owner === 0) {
      if (this.#disposed) throw new PoolDisposedError();
      this.#leaseAs(this.#owners.register());
    }
    return this.#owner;
  }

  /**
   * A number for another thread to lease under: `attach(handle, arena, { owner })`. One thread at a time. When that thread has ended,
   * `reclaim` it.
   * @throws OwnersExhaustedError, PoolDisposedError
   */
  register(): number {
    if (this.#disposed) throw new PoolDisposedError();
    return this.#owners.register();
  }

  /**
   * Returns everything that a thread held which has ended (the worker's `exit` event has come), each buffer once, whatever others do
   * meanwhile; and makes its number invalid. What it had given to the kernel is not reused yet: it is an orphan until its operation
   * is complete (`take`), or its ring gone (`settle`). Of an owner already reclaimed: does nothing. Works where all owners are taken.
   * @returns how many buffers, with orphans
   * @throws ArgumentRangeError for what is no owner's number, or this pool's own: dispose of it instead; PoolDisposedError
   */
  reclaim(owner: number): number {
    if (owner === this.#owner)
      throw new ArgumentRangeError('owner', owner, 'an owner other than this thread');
    if (!this.#owners.isLive(owner)) return 0;
    if (this.#disposed) throw new PoolDisposedError();
    if (this.#owner === 0) {
      const mine = this.#owners.tryRegister();
      if (mine === 0) return reclaimInPlace(this.#memory, this.#owners, owner);
      this.#leaseAs(mine);
    }
    return reclaimOwner(this.#memory, this.#owners, owner, this.#owner);
  }

  /** A buffer, or undefined where none is free. Never blocks. */
  tryAcquire(): Lease | undefined {
    const lease = this.#take();
    if (lease === undefined) this.#count(this.#failures);
    return lease;
  }

  /**
   * A buffer; waits until one is released, on any thread. First come, first served on one thread; between threads there is no order.
   * Rejects with `signal.reason`, AcquireTimeoutError, PoolDisposedError.
   */
  async acquire(options: AcquireOptions = {}): Promise<Lease> {
    checkOptions(options);
    options.signal?.throwIfAborted();
    const lease = this.#line.size === 0 ? this.#take() : undefined;
    return lease ?? this.#line.join(options);
  }

  /** As `tryAcquire`, allocating nothing: the token of a lease, or NO_LEASE (-1). See `bytesOf` and `release`. */
  tryAcquireFast(): number {
    const owner = this.#owner === 0 ? this.owner : this.#owner;
    const token = this.#memory.kernel.acquireLease(this.#memory.at, owner, this.#memory.growth);
    if (token >= 0) {
      this.#memory.leaks?.takenToken(token, owner);
      return token;
    }
    if (token === LEASE_BROKEN) throw new PoolCorruptedError();
    this.#count(this.#failures);
    return NO_LEASE;
  }

  /** Releases a lease of this thread by its token. @throws DoubleReleaseError, StaleLeaseError, ForeignReleaseError, KernelHeldError, ArgumentRangeError */
  release(token: number): void {
    const memory = this.#memory;
    const index = memory.indexOf(token);
    const generation = token >> memory.indexBits;
    const outcome = endLease(memory, index, generation, memory.tokenMask, this.owner);
    if (outcome !== LEASE_ENDED)
      throw refusal('release', memory, index, generation, memory.tokenMask, outcome, this.owner);
  }

  /**
   * As `lease.give`, by the token of a lease of this thread.
   * @returns the token to complete or cancel the operation by
   * @throws StaleLeaseError, ForeignReleaseError, KernelHeldError, ArgumentRangeError
   */
  give(token: number, operation: number): number {
    const memory = this.#memory;
    const index = memory.indexOf(token);
    const generation = token >> memory.indexBits;
    giveLease(memory, index, generation, memory.tokenMask, operation, this.owner);
    return memory.tokenOf(index, generation + 1);
  }

  /**
   * An operation is complete, whoever submitted it: the buffer is this thread's, or, where it is an orphan, the pool's.
   * @param token what `give` returned
   * @returns the lease; undefined where the buffer went back to the pool
   * @throws WrongOperationError, StaleLeaseError, ArgumentRangeError
   */
  take(token: number, operation: number): Lease | undefined {
    if (this.takeToken(token, operation) === NO_LEASE) return undefined;
    const index = this.#memory.indexOf(token);
    const generation = this.#generationOf(index);
    const lease = new Lease(this.#memory, index, generation, this.owner);
    this.#memory.leaks?.takenBack(index, generation, this.owner, lease);
    return lease;
  }

  /** As `take`, allocating nothing: the token of the lease, or NO_LEASE where the buffer went back to the pool. */
  takeToken(token: number, operation: number): number {
    const memory = this.#memory;
    const index = memory.indexOf(token);
    const generation = token >> memory.indexBits;
    if (!takeLease(memory, index, generation, memory.tokenMask, operation, this.owner)) return NO_LEASE;
    return memory.tokenOf(index, generation + 1);
  }

  /**
   * An operation of this thread was cancelled: its buffer is an orphan until the operation is complete.
   * @throws WrongOperationError, StaleLeaseError, ForeignReleaseError, ArgumentRangeError
   */
  cancel(token: number, operation: number): void {
    const memory = this.#memory;
    const index = memory.indexOf(token);
    cancelLease(memory, index, token >> memory.indexBits, memory.tokenMask, operation, this.owner);
  }

  /**
   * The kernel has nothing of this owner any more: its ring is gone, and every operation with it. What it had given comes back to the
   * pool, and a completion that is told after all is stale.
   * @param owner a number, live or reclaimed, or this pool's own
   * @returns how many buffers
   * @throws ArgumentRangeError
   */
  settle(owner: number): number {
    this.#owners.checkNumber(owner);
    return settleOwner(this.#memory, owner, this.owner);
  }

  /** The whole buffer of a lease, of this thread or another, by its token; the same view each time. @throws StaleLeaseError, ArgumentRangeError */
  bytesOf(token: number): Uint8Array {
    const memory = this.#memory;
    const index = memory.indexOf(token);
    if (!memory.isLeased(index, token >> memory.indexBits)) this.#checkToken('access', token);
    return memory.bytesOf(index);
  }

  /** A look at a buffer that another thread leases, without taking it over. @throws StaleLeaseError, KernelHeldError, ArgumentRangeError */
  open(token: number): LeaseView {
    const memory = this.#memory;
    const index = memory.indexOf(token);
    // First the whole generation, then the check: if the token is good now, it was of this generation.
    const generation = memory.kernel.leaseGeneration(memory.at, index);
    this.#checkToken('open', token);
    const view = new LeaseView(memory, index, generation);
    if (view.token !== token)
      throw refusal('open', memory, index, token >> memory.indexBits, memory.tokenMask, LEASE_STALE, 0);
    return view;
  }

  /**
   * Takes a lease over from whoever has it: theirs ends, and the token with it; the buffer and its length stay.
   * @throws StaleLeaseError, KernelHeldError, ArgumentRangeError
   */
  adopt(token: number): Lease {
    const memory = this.#memory;
    const index = memory.indexOf(token);
    const { owner } = this;
    adoptLease(memory, index, token >> memory.indexBits, memory.tokenMask, owner);
    return this.#lease(index, owner);
  }

  /**
   * Grows the pool out of its reserve, or sets free buffers aside, up to `buffers` in all. What is in use is never touched: where too few are
   * free to set aside, the pool stays larger; ask again. On the thread that created the pool, pages of what is set aside are unpinned
   * and released, and pinned again when it grows, where the pinner can and buffers are whole pages. One thread at a time. Counts as leases.
   * @returns buffers of the pool now
   * @throws ArgumentRangeError
   */
  resize(buffers: number): number {
    checkRange('buffers', buffers, 0, this.maxBuffers);
    const { owner } = this;
    const shift = new PoolResize(this.#memory, owner, this.#backing?.pinner ?? noPinner);
    while (this.capacity < buffers && shift.grow());
    while (this.capacity > buffers && shift.shrink());
    this.#memory.kernel.lookForPressure(this.#memory.at, owner);
    return this.capacity;
  }

  /**
   * Calls back on this thread when pressure begins and when it ends, whichever thread makes it: once an episode. Noticed an eighth of the
   * pool late at most, and exactly in small pools or without caches. Does not keep the thread alive.
   * @returns what ends it
   * @throws ArgumentRangeError, PoolDisposedError
   */
  onPressure(listener: PressureListener): Disposable {
    if (this.#disposed) throw new PoolDisposedError();
    return this.#watch.listen(listener);
  }

  /**
   * Traced leases of this thread that have not ended, the oldest first: those in use, and those that were lost. Empty without
   * `leakDetection`.
   */
  leaks(): LeakReport[] {
    return this.#memory.leaks?.leaks() ?? [];
  }

  /** Looks at every buffer: for figures, not for decisions on the way. */
  stats(): BufferPoolStats {
    return readStats(this.#memory, this.#owners);
  }

  /**
   * Returns what this thread leases, makes orphans of what it had given to the kernel, rejects those who wait on it with PoolDisposedError and
   * gives its number back; on the thread that created the pool also tells sink and pinner. Other threads go on. The memory stays the
   * arena's.
   */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#line.dismiss(new PoolDisposedError());
    this.#watch.dismiss();
    this.#memory.leaks?.dispose();
    const owner = this.#owner;
    if (owner !== 0 && this.#owners.isLive(owner)) reclaimOwner(this.#memory, this.#owners, owner, owner);
    this.#owner = 0;
    this.#memory.disposed = true;
    this.#backing?.release();
  }

  #leaseAs(owner: number): void {
    this.#owner = owner;
    this.#failures = this.#owners.counter(owner, 'failures');
  }

  #count(statistic: number): void {
    addTally(this.#memory.arena.i32, statistic, 1); // only this thread writes it
  }

  #take(): Lease | undefined {
    const { owner } = this;
    const { kernel, at, growth } = this.#memory;
    const token = kernel.acquireLease(at, owner, growth);
    if (token < 0) {
      if (token === LEASE_BROKEN) throw new PoolCorruptedError();
      return undefined;
    }
    return this.#lease(this.#memory.indexOf(token), owner);
  }

  /** A lease that this thread has just come by. */
  #lease(index: number, owner: number): Lease {
    const generation = this.#generationOf(index);
    const lease = new Lease(this.#memory, index, generation, owner);
    this.#memory.leaks?.taken(index, generation, owner, lease);
    return lease;
  }

  #generationOf(index: number): number {
    return this.#memory.kernel.leaseGeneration(this.#memory.at, index);
  }

  #checkToken(action: string, token: number): void {
    const memory = this.#memory;
    const index = memory.indexOf(token);
    const generation = token >> memory.indexBits;
    if (memory.kernel.checkLease(memory.at, index, generation, memory.tokenMask) !== LEASE_VALID)
      throw refusal(action, memory, index, generation, memory.tokenMask, LEASE_STALE, 0);
  }
}
