// An argument outside its range is told as @corelane/shared-memory tells it: one class, whichever package it comes from.
import type { TagScope } from './tag-scope.ts';

export { ArgumentRangeError } from '@corelane/shared-memory';

/** What every error of this package is: a `code` to switch on, and a message with what was found and what was expected. */
export class MemoryTrackerError extends Error {
  readonly code: string;
  override readonly name: string = 'MemoryTrackerError';

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A function that had to run without allocating allocated. */
export class AllocationError extends MemoryTrackerError {
  override readonly name = 'AllocationError';
  readonly bytesPerOperation: number;
  readonly maxBytes: number;

  /** @param beside bytes per operation that are not counted */
  constructor(
    bytesPerOperation: number,
    maxBytes: number,
    samples: number,
    operations: number,
    beside?: number,
  ) {
    super(
      'ERR_ALLOCATION',
      `allocates ${short(bytesPerOperation)} bytes per operation, expected at most ${maxBytes} ` +
        (beside === undefined ? '' : `beyond the ${short(beside)} of its baseline `) +
        `(median of ${samples} samples of ${operations} operations)`,
    );
    this.bytesPerOperation = bytesPerOperation;
    this.maxBytes = maxBytes;
  }
}

/** There is no figure to judge: every sample was disturbed by a collection, even with one operation a sample, or another measurement runs. */
export class AllocationUnmeasurableError extends MemoryTrackerError {
  override readonly name = 'AllocationUnmeasurableError';

  constructor(reason: string) {
    super('ERR_ALLOCATION_UNMEASURABLE', `no figure: ${reason}`);
  }
}

/** More bytes were to be released than are held: released twice, under another tag, or by a worker that they are not counted by. Nothing was changed. */
export class MemoryUnderflowError extends MemoryTrackerError {
  override readonly name = 'MemoryUnderflowError';
  readonly tag: string;
  readonly bytes: number;
  /** By the tag or, of a tag by worker, by this worker. */
  readonly currentBytes: number;

  constructor(tag: string, bytes: number, currentBytes: number, scope: TagScope) {
    super(
      'ERR_MEMORY_UNDERFLOW',
      `tag ${tag}: ${bytes} bytes deallocated, of ${currentBytes} bytes held${byWhom(scope)}`,
    );
    this.tag = tag;
    this.bytes = bytes;
    this.currentBytes = currentBytes;
  }
}

/** A tag, or a worker of a tag by worker, would hold more than its hard limit. Nothing was changed. */
export class MemoryBudgetError extends MemoryTrackerError {
  override readonly name = 'MemoryBudgetError';
  readonly tag: string;
  readonly bytes: number;
  readonly currentBytes: number;
  readonly hardBytes: number;

  constructor(tag: string, bytes: number, currentBytes: number, hardBytes: number, scope: TagScope) {
    super(
      'ERR_MEMORY_BUDGET',
      `tag ${tag}: ${bytes} bytes allocated on ${currentBytes} bytes held${byWhom(scope)}, expected at most ${hardBytes} in all`,
    );
    this.tag = tag;
    this.bytes = bytes;
    this.currentBytes = currentBytes;
    this.hardBytes = hardBytes;
  }
}

/** A tag is counted otherwise than was asked for: what it is counted by is settled by the first thread that uses it. */
export class TagScopeError extends MemoryTrackerError {
  override readonly name = 'TagScopeError';
  readonly tag: string;

  constructor(tag: string, found: TagScope, expected: TagScope) {
    super('ERR_TAG_SCOPE', `tag ${tag}: scope is ${found}, expected ${expected}`);
    this.tag = tag;
  }
}

/** A handle was used after it had been disposed, or transferred. */
export class TrackedReleasedError extends MemoryTrackerError {
  override readonly name = 'TrackedReleasedError';

  constructor(bytes: number) {
    super('ERR_TRACKED_RELEASED', `the handle is released: it held ${bytes} bytes`);
  }
}

/** A transfer was adopted of which nothing, or less, is in transit: it was adopted before. Nothing was changed. */
export class TransferError extends MemoryTrackerError {
  override readonly name = 'TransferError';

  constructor(tag: string, bytes: number, inTransitBytes: number) {
    super('ERR_TRANSFER', `tag ${tag}: ${bytes} bytes adopted, of ${inTransitBytes} bytes in transit`);
  }
}

/** A tag would hold more bytes than can be counted exactly. Nothing was changed. */
export class MemoryOverflowError extends MemoryTrackerError {
  override readonly name = 'MemoryOverflowError';
  readonly tag: string;
  readonly bytes: number;
  readonly currentBytes: number;

  constructor(tag: string, bytes: number, currentBytes: number) {
    super(
      'ERR_MEMORY_OVERFLOW',
      `tag ${tag}: ${bytes} bytes allocated on ${currentBytes} bytes held, expected less than 2^53 in all`,
    );
    this.tag = tag;
    this.bytes = bytes;
    this.currentBytes = currentBytes;
  }
}

/** All tags are taken. */
export class TagsExhaustedError extends MemoryTrackerError {
  override readonly name = 'TagsExhaustedError';
  readonly capacity: number;

  constructor(tag: string, capacity: number) {
    super(
      'ERR_TAGS_EXHAUSTED',
      `no room for tag ${JSON.stringify(tag)}: all ${capacity} tags are taken (option tags of MemoryTracker.create)`,
    );
    this.capacity = capacity;
  }
}

/** All workers are claimed: dispose trackers of threads that end, or reclaim those of threads that died. */
export class WorkersExhaustedError extends MemoryTrackerError {
  override readonly name = 'WorkersExhaustedError';
  readonly capacity: number;

  constructor(capacity: number, threadIds: readonly number[]) {
    super(
      'ERR_WORKERS_EXHAUSTED',
      `all ${capacity} workers are claimed, by threads ${threadIds.slice(0, 32).join(', ')}: reclaimThread() frees those of threads that have ended (option workers of MemoryTracker.create)`,
    );
    this.capacity = capacity;
  }
}

/** A tracker, or a recorder of one, was used after the tracker was disposed. Nothing was recorded. */
export class TrackerDisposedError extends MemoryTrackerError {
  override readonly name = 'TrackerDisposedError';

  constructor() {
    super('ERR_TRACKER_DISPOSED', 'the memory tracker is disposed: its worker is released');
  }
}

export function disposed(): never {
  throw new TrackerDisposedError();
}

/** A window of collections was disposed before it was stopped. */
export class GcTrackerDisposedError extends MemoryTrackerError {
  override readonly name = 'GcTrackerDisposedError';

  constructor() {
    super('ERR_GC_TRACKER_DISPOSED', 'the window is disposed: it was not stopped, so there is no summary');
  }
}

function byWhom(scope: TagScope): string {
  return scope === 'worker' ? ' by this worker' : '';
}

function short(bytes: number): number {
  return Number(bytes.toPrecision(4));
}
