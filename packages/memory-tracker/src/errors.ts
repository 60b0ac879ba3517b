// An argument outside its range is told as @corelane/shared-memory tells it: one class, whichever package it comes from.
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

  constructor(bytesPerOperation: number, maxBytes: number, samples: number, operations: number) {
    super(
      'ERR_ALLOCATION',
      `allocates ${Number(bytesPerOperation.toFixed(2))} bytes per operation, expected at most ${maxBytes} ` +
        `(median of ${samples} samples of ${operations} operations)`,
    );
    this.bytesPerOperation = bytesPerOperation;
    this.maxBytes = maxBytes;
  }
}

/** Every sample was disturbed by a collection, even with one operation a sample: there is no figure to judge. */
export class AllocationUnmeasurableError extends MemoryTrackerError {
  override readonly name = 'AllocationUnmeasurableError';

  constructor(samples: number) {
    super(
      'ERR_ALLOCATION_UNMEASURABLE',
      `no figure: all of ${samples} samples of 1 operation caused collections`,
    );
  }
}

/** More bytes were to be released than the tag holds: released twice, or under another tag. Nothing was changed. */
export class MemoryUnderflowError extends MemoryTrackerError {
  override readonly name = 'MemoryUnderflowError';
  readonly tag: string;
  readonly bytes: number;
  readonly currentBytes: number;

  constructor(tag: string, bytes: number, currentBytes: number) {
    super('ERR_MEMORY_UNDERFLOW', `tag ${tag}: ${bytes} bytes deallocated, of ${currentBytes} bytes held`);
    this.tag = tag;
    this.bytes = bytes;
    this.currentBytes = currentBytes;
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
    super('ERR_TAGS_EXHAUSTED', `no room for tag ${JSON.stringify(tag)}: all ${capacity} tags are taken`);
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
      `all ${capacity} workers are claimed, by threads ${threadIds.slice(0, 32).join(', ')}`,
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
