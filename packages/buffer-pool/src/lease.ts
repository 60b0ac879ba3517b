// A buffer in somebody's hands. Every access checks the generation, and allocates nothing.
//
// The check is a plain read of the high half of the lease word, where a kernel call would cost 10 ns. Every end of a lease moves it, and what
// this thread did or has learnt of is visible to a plain read; PROTOCOL.md, section 1.
//
// Tried and rejected: to look the view up in the pool's table at each access, for leases that are 8 bytes smaller: 2 ns.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { DoubleReleaseError, ForeignReleaseError, KernelHeldError } from './errors.ts';
import { bufferRecord, GENERATION_HALF, LEASE_ENDED, LEASE_STALE } from './layout.ts';
import type { PoolMemory } from './pool-memory.ts';
import { takeLate } from './reclaim.ts';
import { cancelLease, detachLease, endLease, giveLease, refusal, takeLease } from './transitions.ts';

/** Word indices in a record. */
const GENERATION = bufferRecord.word.word + GENERATION_HALF;
const LENGTH = bufferRecord.word.lengthBytes;

/** A look at a buffer that somebody leases, by its token. Ends with the lease. */
export class LeaseView {
  // `declare`, so that the first thing in a field is what stays in it: V8 then knows what it holds and checks nothing (0.4 ns of 1.75 that the
  // check cost; measured). And not `#`: those cost 1 ns.
  /** Which buffer of the pool: 0 to capacity - 1. */
  declare readonly index: number;
  declare protected readonly memory: PoolMemory;
  /** An i32; of a lease that was given away and taken back, the last one. */
  declare protected generation: number;
  /** The words of the buffer's own line, so that their indices are constants (0.3 ns). */
  declare private readonly record: Int32Array;
  declare private readonly view: Uint8Array;

  constructor(memory: PoolMemory, index: number, generation: number) {
    this.memory = memory;
    this.index = index;
    this.generation = generation;
    this.record = memory.recordOf(index);
    this.view = memory.bytesOf(index);
  }

  /** A positive i32 that names the lease on every thread: travels in a task's arguments, an `Int32Array` or a queue. */
  get token(): number {
    return this.memory.tokenOf(this.index, this.generation);
  }

  /**
   * The whole buffer, over the arena's `SharedArrayBuffer`; the same view each time. Check it by getting it again, not by keeping it.
   * @throws StaleLeaseError, KernelHeldError
   */
  get bytes(): Uint8Array {
    if (this.record[GENERATION] !== this.generation) this.#refuse('access');
    return this.view;
  }

  /** Bytes of the buffer. */
  get capacity(): number {
    return this.memory.bufferBytes;
  }

  /** Bytes that hold something, as the holder of the lease said; 0 at first. @throws StaleLeaseError, KernelHeldError */
  get length(): number {
    if (this.record[GENERATION] !== this.generation) this.#refuse('access');
    return this.record[LENGTH] as number;
  }

  /** Whether the buffer can't be used through this any more: the lease has ended, here or elsewhere, or the kernel has the buffer. */
  get ended(): boolean {
    return this.record[GENERATION] !== this.generation;
  }

  #refuse(action: string): never {
    throw refusal(action, this.memory, this.index, this.generation, -1, LEASE_STALE, 0);
  }
}

/** A buffer that is yours until you release it, or somebody adopts it. */
export class Lease extends LeaseView implements Disposable {
  readonly #owner: number;
  #endedHere = false;
  /** What the kernel has the buffer for, as far as this object knows. */
  #operation: number | undefined;

  constructor(memory: PoolMemory, index: number, generation: number, owner: number) {
    super(memory, index, generation);
    this.#owner = owner;
  }

  override get length(): number {
    return super.length;
  }

  /** @throws StaleLeaseError, KernelHeldError, ArgumentRangeError */
  override set length(lengthBytes: number) {
    if (!Number.isInteger(lengthBytes) || lengthBytes < 0 || lengthBytes > this.capacity)
      throw new ArgumentRangeError('length', lengthBytes, `an integer from 0 to ${this.capacity}`);
    void this.bytes; // throws where the lease has ended
    this.memory.recordOf(this.index)[LENGTH] = lengthBytes;
  }

  /** Returns the buffer to the pool. @throws DoubleReleaseError, StaleLeaseError, ForeignReleaseError, KernelHeldError */
  release(): void {
    const { memory, index, generation } = this;
    const outcome = memory.disposed ? LEASE_STALE : endLease(memory, index, generation, -1, this.#owner);
    if (outcome !== LEASE_ENDED) throw this.#refusal('release', outcome);
    this.#endedHere = true;
  }

  /**
   * Takes the buffer out of the pool for ever: its bytes are yours, at the same address, and no lease will have them again.
   * @throws DoubleReleaseError, StaleLeaseError, ForeignReleaseError, KernelHeldError
   */
  detach(): Uint8Array {
    if (this.#endedHere) throw this.#refusal('detach', LEASE_STALE);
    detachLease(this.memory, this.index, this.generation, -1, this.#owner);
    this.#endedHere = true;
    return this.memory.bytesOf(this.index);
  }

  /**
   * Gives the buffer to the kernel, before an operation on it is submitted: until `take` it can't be read, released, adopted or given
   * again, and it is not reused even where this thread ends.
   * @param operation an i32 of yours that no other operation in flight on this pool has
   * @returns the token to complete or cancel the operation by, on any thread
   * @throws StaleLeaseError, ForeignReleaseError, KernelHeldError, ArgumentRangeError
   */
  give(operation: number): number {
    if (this.#endedHere) throw this.#refusal('give', LEASE_STALE);
    giveLease(this.memory, this.index, this.generation, -1, operation, this.#owner);
    this.#operation = operation;
    return this.memory.tokenOf(this.index, (this.generation + 1) | 0);
  }

  /**
   * The operation is complete. The buffer is yours again through this lease, with another token; or, if the operation was cancelled, or
   * the pool disposed of on this thread meanwhile, the pool's.
   * @returns whether it is yours
   * @throws WrongOperationError, StaleLeaseError, ArgumentRangeError; OwnersExhaustedError after disposal, where all owners are taken:
   * the buffer stays an orphan, and `settle` returns it
   */
  take(operation: number): boolean {
    const { memory, index } = this;
    const given = (this.generation + 1) | 0;
    const mine = memory.disposed
      ? this.#takeLate(operation)
      : takeLease(memory, index, given, -1, operation, this.#owner);
    this.#operation = undefined;
    if (mine) this.generation = (this.generation + 2) | 0;
    else this.#endedHere = true;
    return mine;
  }

  /**
   * The operation was cancelled: the lease ends, and its buffer goes back to the pool once `take` says that the operation is complete.
   * @throws WrongOperationError, StaleLeaseError, ArgumentRangeError
   */
  cancel(operation: number): void {
    cancelLease(this.memory, this.index, (this.generation + 1) | 0, -1, operation, this.#owner);
  }

  /** Where the pool traces this lease with its touches: says that it came by here. */
  touch(hint = 'touch'): void {
    this.memory.leaks?.touch(this.index, this.generation, hint);
  }

  /** Releases the buffer, or cancels the operation that the kernel has it for; unless the lease has ended already, here or elsewhere. */
  [Symbol.dispose](): void {
    if (this.#endedHere || this.memory.disposed) return; // the pool has returned, or orphaned, all that was leased
    const { memory, index, generation } = this;
    if (this.#operation === undefined) {
      endLease(memory, index, generation, -1, this.#owner);
      this.#endedHere = true;
    } else
      memory.kernel.orphanLease(memory.at, index, (generation + 1) | 0, -1, this.#operation, this.#owner);
  }

  /** Apart from `take`, which allocates nothing: a closure costs it 64 bytes. */
  #takeLate(operation: number): boolean {
    const { memory, index } = this;
    const given = (this.generation + 1) | 0;
    takeLate(memory, (owner) => takeLease(memory, index, given, -1, operation, owner));
    return false;
  }

  #refusal(action: string, outcome: number): Error {
    const { memory, index, generation } = this;
    const error = refusal(action, memory, index, generation, -1, outcome, this.#owner);
    const ended = !(error instanceof ForeignReleaseError || error instanceof KernelHeldError);
    if (this.#endedHere && ended && action !== 'give')
      return new DoubleReleaseError(action, memory.describe(index), generation >>> 0);
    return error;
  }
}
