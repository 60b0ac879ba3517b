import {
  BUFFER_DETACHED,
  BUFFER_FREE,
  BUFFER_KERNEL,
  BUFFER_LEASED,
  BUFFER_ORPHAN,
  BUFFER_RESERVED,
} from './layout.ts';

/** What every error of this package is: a `code` to switch on, and a message with what was found and what was expected. */
export class BufferPoolError extends Error {
  readonly code: string;
  override readonly name: string = 'BufferPoolError';

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** `leased`: its user may read and write it. `reserved`: set aside until the pool grows. `kernel`: given for an operation; `orphan`: the same, and nobody waits for it any more. */
export type BufferState = 'free' | 'leased' | 'kernel' | 'orphan' | 'detached' | 'reserved';

/** What a buffer was found to be. */
export interface FoundBuffer {
  readonly index: number;
  readonly state: BufferState;
  /** Of the lease; where the buffer is not leased, who ended the last one, 0 for nobody. */
  readonly owner: number;
  readonly generation: number;
  /** What the kernel has it for; undefined where it has not. */
  readonly operation: number | undefined;
}

const STATES: Readonly<Record<number, BufferState>> = {
  [BUFFER_FREE]: 'free',
  [BUFFER_LEASED]: 'leased',
  [BUFFER_KERNEL]: 'kernel',
  [BUFFER_ORPHAN]: 'orphan',
  [BUFFER_DETACHED]: 'detached',
  [BUFFER_RESERVED]: 'reserved',
};

/** @throws PoolCorruptedError for what is no state */
export function stateName(state: number): BufferState {
  const name = STATES[state];
  if (name === undefined) throw new PoolCorruptedError(`a buffer is in state ${state}, which there is not`);
  return name;
}

/** A lease was used that has ended: released, detached, adopted by somebody else, or reclaimed. Nothing was changed. */
export class StaleLeaseError extends BufferPoolError {
  override readonly name: string = 'StaleLeaseError';
  readonly found: FoundBuffer;
  /** Generation of the lease that was used; of a token, its low bits. */
  readonly expectedGeneration: number;

  constructor(action: string, found: FoundBuffer, expectedGeneration: number, code = 'ERR_STALE_LEASE') {
    const { index, state, owner, generation } = found;
    super(
      code,
      `cannot ${action} buffer ${index}: its lease of generation ${expectedGeneration} has ended; found generation ${generation}, ${state}, owner ${owner}`,
    );
    this.found = found;
    this.expectedGeneration = expectedGeneration;
  }
}

/** A lease was released or detached that its holder had ended already. Nothing was changed. */
export class DoubleReleaseError extends StaleLeaseError {
  override readonly name = 'DoubleReleaseError';

  constructor(action: string, found: FoundBuffer, expectedGeneration: number) {
    super(action, found, expectedGeneration, 'ERR_DOUBLE_RELEASE');
  }
}

/** A lease was used whose buffer is the kernel's, for an operation that is not complete. Nothing was changed; `take` takes it back. */
export class KernelHeldError extends BufferPoolError {
  override readonly name = 'KernelHeldError';
  readonly found: FoundBuffer;

  constructor(action: string, found: FoundBuffer) {
    const orphan = found.state === 'orphan' ? ', which was cancelled' : '';
    super(
      'ERR_KERNEL_HELD',
      `cannot ${action} buffer ${found.index}: it is the kernel's for operation ${found.operation}${orphan}, since generation ${found.generation}`,
    );
    this.found = found;
  }
}

/** An operation was completed or cancelled that is not the one the kernel has the buffer for. Nothing was changed. */
export class WrongOperationError extends BufferPoolError {
  override readonly name = 'WrongOperationError';
  readonly found: FoundBuffer;
  readonly operation: number;

  constructor(action: string, found: FoundBuffer, operation: number) {
    super(
      'ERR_WRONG_OPERATION',
      `cannot ${action} buffer ${found.index} for operation ${operation}: it is the kernel's for operation ${found.operation}`,
    );
    this.found = found;
    this.operation = operation;
  }
}

/** A lease was released or detached by another owner than its own. Nothing was changed; `adopt` takes a lease over. */
export class ForeignReleaseError extends BufferPoolError {
  override readonly name = 'ForeignReleaseError';
  readonly found: FoundBuffer;
  readonly expectedOwner: number;

  constructor(action: string, found: FoundBuffer, owner: number) {
    super(
      'ERR_FOREIGN_RELEASE',
      `cannot ${action} buffer ${found.index}: it is leased to owner ${found.owner}, expected ${owner}`,
    );
    this.found = found;
    this.expectedOwner = owner;
  }
}

/** No buffer came free in time. */
export class AcquireTimeoutError extends BufferPoolError {
  override readonly name = 'AcquireTimeoutError';
  readonly timeoutMs: number;

  constructor(timeoutMs: number, capacity: number) {
    super('ERR_ACQUIRE_TIMEOUT', `none of ${capacity} buffers came free within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/** All slots for owners are taken: more threads at once than `maxOwners`, or threads that ended and were not reclaimed. */
export class OwnersExhaustedError extends BufferPoolError {
  override readonly name = 'OwnersExhaustedError';

  constructor(maxOwners: number) {
    super(
      'ERR_OWNERS_EXHAUSTED',
      `all ${maxOwners} owners are registered, expected at most ${maxOwners - 1} of them`,
    );
  }
}

/** An owner that is not registered, or no longer. */
export class UnknownOwnerError extends BufferPoolError {
  override readonly name = 'UnknownOwnerError';

  constructor(owner: number, found: string) {
    super('ERR_UNKNOWN_OWNER', `owner ${owner} is not registered: ${found}`);
  }
}

/** The pool was disposed of on this thread. */
export class PoolDisposedError extends BufferPoolError {
  override readonly name = 'PoolDisposedError';

  constructor() {
    super('ERR_POOL_DISPOSED', 'the pool was disposed of on this thread');
  }
}

/** A word of the pool holds what no kernel writes: somebody wrote beyond a buffer. */
export class PoolCorruptedError extends BufferPoolError {
  override readonly name = 'PoolCorruptedError';

  constructor(found = 'the free list holds a buffer that is not free') {
    super('ERR_POOL_CORRUPTED', `${found}: the memory of the pool was overwritten`);
  }
}
