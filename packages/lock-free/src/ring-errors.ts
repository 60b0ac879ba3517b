import { LockFreeError } from './errors.ts';

/** Another thread, or another object on this one, has the role. Nothing was changed. */
export class RoleTakenError extends LockFreeError {
  override readonly name = 'RoleTakenError';
  readonly role: string;
  /** Who has it: `threadId` of `node:worker_threads`. */
  readonly threadId: number;

  constructor(role: string, threadId: number) {
    super(
      'ERR_ROLE_TAKEN',
      `the ${role} is thread ${threadId}, expected none: dispose of the other, or reclaim(${threadId}) once that thread has ended`,
    );
    this.role = role;
    this.threadId = threadId;
  }
}

/** A role was used after it was disposed of. Nothing was changed. */
export class RoleReleasedError extends LockFreeError {
  override readonly name = 'RoleReleasedError';

  constructor(role: string) {
    super('ERR_ROLE_RELEASED', `this ${role} was disposed of, expected one that is not`);
  }
}

/** `commit`, `abort` or `tryClaim` where an open claim was expected and there is none, or the other way round. Nothing was changed. */
export class ClaimStateError extends LockFreeError {
  override readonly name = 'ClaimStateError';
  declare readonly code: 'ERR_CLAIM_OPEN' | 'ERR_NO_CLAIM' | 'ERR_CLAIM_LOST';
}

/** `advance` without a frame that `peek` found. Nothing was changed. */
export class NoFrameError extends LockFreeError {
  override readonly name = 'NoFrameError';

  constructor() {
    super('ERR_NO_FRAME', 'no frame is peeked, expected peek() to have found one since the last advance()');
  }
}

/** The header of a frame contradicts itself: something wrote where it must not, or wrote only a part. */
export class FrameCorruptError extends LockFreeError {
  override readonly name = 'FrameCorruptError';
  /** Slot in which the frame begins. */
  readonly slot: number;
  /** What the header says the payload's length is. */
  readonly lengthBytes: number;
  /** The length by which the frame was passed by, or -1 where no two words of the header agree: the consumer stands before it still. */
  readonly skippedBytes: number;

  constructor(slot: number, lengthBytes: number, skippedBytes: number) {
    super(
      'ERR_FRAME_CORRUPT',
      `the frame in slot ${slot} says that its payload has ${lengthBytes} bytes, ${
        skippedBytes < 0
          ? 'and no two words of its header agree on a length: it was not passed by'
          : `its header, ${skippedBytes}: it was passed by`
      }`,
    );
    this.slot = slot;
    this.lengthBytes = lengthBytes;
    this.skippedBytes = skippedBytes;
  }
}
