/** What every error of this package is: a `code` to switch on, and a message with what was found and what was expected. */
export class LockFreeError extends Error {
  readonly code: string;
  override readonly name: string = 'LockFreeError';

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** An index was pushed that is in the stack already: some holder gave it back twice. Nothing was changed. */
export class IndexPresentError extends LockFreeError {
  override readonly name = 'IndexPresentError';
  readonly index: number;

  constructor(index: number) {
    super(
      'ERR_INDEX_PRESENT',
      `index ${index} is in the stack already, expected one that was popped and not yet pushed`,
    );
    this.index = index;
  }
}

/** A thread took a lock that it has already: it would wait for itself, for ever. Nothing was changed. */
export class RelockError extends LockFreeError {
  override readonly name = 'RelockError';
  readonly threadId: number;

  constructor(threadId: number, wanted: string, has: string) {
    super('ERR_RELOCK', `thread ${threadId} asks for ${wanted} and has ${has}: it would wait for itself`);
    this.threadId = threadId;
  }
}

/** A thread gave back a lock that it does not have. Nothing was changed. */
export class NotOwnerError extends LockFreeError {
  override readonly name = 'NotOwnerError';
  readonly threadId: number;
  /** Of the thread that has it; undefined where nobody has. */
  readonly ownerThreadId: number | undefined;

  constructor(threadId: number, ownerThreadId: number | undefined) {
    const owner = ownerThreadId === undefined ? 'no thread' : `thread ${ownerThreadId}`;
    super('ERR_NOT_OWNER', `thread ${threadId} gives back what ${owner} has, expected thread ${threadId}`);
    this.threadId = threadId;
    this.ownerThreadId = ownerThreadId;
  }
}

/** A thread that reads asks to write: it would wait for itself. It must give back its read lock before. Nothing was changed. */
export class UpgradeError extends LockFreeError {
  override readonly name = 'UpgradeError';
  readonly threadId: number;
  /** Read locks that it has. */
  readonly reads: number;

  constructor(threadId: number, reads: number) {
    super(
      'ERR_UPGRADE',
      `thread ${threadId} asks for the write lock and has ${reads} read locks, expected 0`,
    );
    this.threadId = threadId;
    this.reads = reads;
  }
}

/** More threads read than there are slots. Nothing was changed. */
export class ReadersExhaustedError extends LockFreeError {
  override readonly name = 'ReadersExhaustedError';
  readonly maxReaders: number;

  constructor(threadId: number, maxReaders: number) {
    super(
      'ERR_READERS_EXHAUSTED',
      `thread ${threadId} is one too many: ${maxReaders} of ${maxReaders} threads that may read have registered`,
    );
    this.maxReaders = maxReaders;
  }
}

/** A thread that reads asks for what has to wait for its reading to end. It must end it before. Nothing was changed. */
export class StillReadingError extends LockFreeError {
  override readonly name = 'StillReadingError';
  readonly threadId: number;
  /** Read sections that it is in, one in another. */
  readonly reads: number;

  constructor(threadId: number, wanted: string, reads: number) {
    super('ERR_STILL_READING', `thread ${threadId} asks to ${wanted} and reads ${reads} times, expected 0`);
    this.threadId = threadId;
    this.reads = reads;
  }
}

/** A read section was used after its end: what it showed may be written by now. */
export class SectionEndedError extends LockFreeError {
  override readonly name = 'SectionEndedError';

  constructor() {
    super('ERR_SECTION_ENDED', 'the read section has ended, expected one that has not');
  }
}
