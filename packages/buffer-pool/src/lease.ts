// A buffer in somebody's hands. Every access checks the generation: one Wasm call, no allocation.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { DoubleReleaseError, ForeignReleaseError, StaleLeaseError } from './errors.ts';
import { LEASE_ENDED, LEASE_FOREIGN, LEASE_VALID } from './layout.ts';
import type { PoolMemory } from './pool-memory.ts';

/** A look at a buffer that somebody leases, by its token. Ends with the lease. */
export class LeaseView {
  /** Which buffer of the pool: 0 to capacity - 1. */
  readonly index: number;
  protected readonly memory: PoolMemory;
  /** An i32. */
  protected readonly generation: number;

  constructor(memory: PoolMemory, index: number, generation: number) {
    this.memory = memory;
    this.index = index;
    this.generation = generation;
  }

  /** A positive i32 that names the lease on every thread: travels in a task's arguments, an `Int32Array` or a queue. */
  get token(): number {
    return this.memory.tokenOf(this.index, this.generation);
  }

  /**
   * The whole buffer, over the arena's `SharedArrayBuffer`; the same view each time. Check it by getting it again, not by keeping it.
   * @throws StaleLeaseError
   */
  get bytes(): Uint8Array {
    this.#check('access');
    return this.memory.bytesOf(this.index);
  }

  /** Bytes of the buffer. */
  get capacity(): number {
    return this.memory.bufferBytes;
  }

  /** Bytes that hold something, as the holder of the lease said; 0 at first. @throws StaleLeaseError */
  get length(): number {
    this.#check('access');
    return this.memory.arena.i32[this.memory.lengthWord(this.index)] as number;
  }

  /** Whether the lease has ended, here or elsewhere. */
  get ended(): boolean {
    const { kernel, at } = this.memory;
    return kernel.checkLease(at, this.index, this.generation, -1) !== LEASE_VALID;
  }

  #check(action: string): void {
    const { kernel, at } = this.memory;
    if (kernel.checkLease(at, this.index, this.generation, -1) !== LEASE_VALID)
      throw new StaleLeaseError(action, this.memory.describe(this.index), this.generation >>> 0);
  }
}

/** A buffer that is yours until you release it, or somebody adopts it. */
export class Lease extends LeaseView implements Disposable {
  readonly #owner: number;
  #endedHere = false;

  constructor(memory: PoolMemory, index: number, generation: number, owner: number) {
    super(memory, index, generation);
    this.#owner = owner;
  }

  override get length(): number {
    return super.length;
  }

  /** @throws StaleLeaseError, ArgumentRangeError */
  override set length(lengthBytes: number) {
    if (!Number.isInteger(lengthBytes) || lengthBytes < 0 || lengthBytes > this.capacity)
      throw new ArgumentRangeError('length', lengthBytes, `an integer from 0 to ${this.capacity}`);
    void this.bytes; // throws where the lease has ended
    this.memory.arena.i32[this.memory.lengthWord(this.index)] = lengthBytes;
  }

  /** Returns the buffer to the pool. @throws DoubleReleaseError, StaleLeaseError, ForeignReleaseError */
  release(): void {
    const outcome = endLease(this.memory, this.index, this.generation, -1, this.#owner);
    if (outcome !== LEASE_ENDED) this.#refuse('release', outcome);
    this.#endedHere = true;
  }

  /**
   * Takes the buffer out of the pool for ever: its bytes are yours, at the same address, and no lease will have them again.
   * @throws DoubleReleaseError, StaleLeaseError, ForeignReleaseError
   */
  detach(): Uint8Array {
    const { kernel, at } = this.memory;
    const outcome = kernel.detachLease(at, this.index, this.generation, -1, this.#owner);
    if (outcome !== LEASE_ENDED) this.#refuse('detach', outcome);
    this.#endedHere = true;
    return this.memory.bytesOf(this.index);
  }

  /** Releases the buffer, unless the lease has ended already, here or elsewhere. */
  [Symbol.dispose](): void {
    if (this.#endedHere) return;
    endLease(this.memory, this.index, this.generation, -1, this.#owner);
    this.#endedHere = true;
  }

  #refuse(action: string, outcome: number): never {
    const found = this.memory.describe(this.index);
    if (outcome === LEASE_FOREIGN) throw new ForeignReleaseError(action, found, this.#owner);
    if (this.#endedHere) throw new DoubleReleaseError(action, found, this.generation >>> 0);
    throw new StaleLeaseError(action, found, this.generation >>> 0);
  }
}

/** Ends a lease and returns its buffer, filled as the pool wants it. @returns LEASE_ENDED, LEASE_STALE or LEASE_FOREIGN */
export function endLease(
  memory: PoolMemory,
  index: number,
  generation: number,
  mask: number,
  owner: number,
): number {
  const { kernel, at, fill } = memory;
  if (fill < 0) return kernel.releaseLease(at, index, generation, mask, owner);
  const outcome = kernel.endLease(at, index, generation, mask, owner);
  if (outcome === LEASE_ENDED) {
    memory.bytesOf(index).fill(fill); // still ours: not yet in the free list
    kernel.returnBuffer(at, index, owner);
  }
  return outcome;
}
