import { ArgumentRangeError } from '@corelane/shared-memory';
import { BlockCopy } from './block-copy.ts';
import type { FramePlace } from './frame-place.ts';
import {
  FRAME_CORRUPT,
  type FRAME_EMPTY,
  type FRAME_UNFINISHED,
  frameHeader,
  framedRingRoot,
} from './layout.ts';
import { FrameCorruptError, NoFrameError } from './ring-errors.ts';
import { Role } from './role.ts';
import { deadThread } from './this-thread.ts';

/** `tryRead` handed a frame to its handler. */
export const FRAME_READ = 1;

const NO_FRAME = -1;

/** Sees a payload in place: `bytes[at]` to `bytes[at + length - 1]`, until it returns. Must not use the consumer. */
export type FrameHandler = (bytes: Uint8Array, at: number, length: number) => void;

/** The one that reads frames, in the order of their claims. Never blocks, never allocates. Dispose of it to let another thread have the role. */
export class FrameConsumer {
  /** The arena: a peeked payload is at `bytes[at]` to `bytes[at + length - 1]`. */
  readonly bytes: Uint8Array;
  readonly #place: FramePlace;
  readonly #copy: BlockCopy;
  readonly #role: Role;
  /** Index of the word in which the kernel leaves the length. */
  readonly #peeked: number;
  /** Frames of a batch take at most so many slots until they are handed on, so that producers need not wait for its end. */
  readonly #batchSlots: number;
  #at = NO_FRAME;

  /** Use `ring.consumer()`. @throws RoleTakenError */
  constructor(place: FramePlace) {
    this.#place = place;
    this.#copy = new BlockCopy(place.arena);
    this.#role = new Role(place.kernel, 'consumer', place.at + framedRingRoot.offset.consumer);
    this.#peeked = (place.at >> 2) + framedRingRoot.word.peeked;
    this.#batchSlots = place.slots >> 2;
    this.bytes = place.arena.u8;
    place.kernel.releaseFrames(place.at); // what a consumer that ended in the middle of a batch was done with
  }

  /**
   * Looks at the next frame, which stays until `advance`.
   * @returns the index in `bytes` where its payload begins, a multiple of 64; FRAME_EMPTY; or FRAME_UNFINISHED, where its producer has
   * claimed it and not committed
   * @throws FrameCorruptError, RoleReleasedError
   */
  peek(): number {
    this.#role.check();
    const { kernel, at } = this.#place;
    const slot = kernel.peekFrame(at);
    if (slot >= 0) return (this.#at = this.#place.payloadOf(slot));
    this.#at = NO_FRAME;
    if (slot === FRAME_CORRUPT) throw this.#passCorrupt();
    return slot;
  }

  /** Bytes of the peeked payload. @throws NoFrameError */
  get length(): number {
    if (this.#at === NO_FRAME) throw new NoFrameError();
    return this.#place.arena.i32[this.#peeked] as number;
  }

  /** Is done with the peeked frame: its room may be claimed anew. @throws NoFrameError, RoleReleasedError */
  advance(): void {
    this.#pass();
    this.#place.kernel.releaseFrames(this.#place.at);
  }

  /**
   * Hands the next frame to `handler`, and is done with it even where that throws.
   * @returns FRAME_READ, FRAME_EMPTY or FRAME_UNFINISHED
   * @throws FrameCorruptError, RoleReleasedError, and what `handler` throws
   */
  tryRead(handler: FrameHandler): typeof FRAME_READ | typeof FRAME_EMPTY | typeof FRAME_UNFINISHED {
    const at = this.peek();
    if (at < 0) return at as typeof FRAME_EMPTY | typeof FRAME_UNFINISHED;
    try {
      handler(this.bytes, at, this.length);
    } finally {
      this.advance();
    }
    return FRAME_READ;
  }

  /**
   * Hands up to `limit` frames to `handler`, one after the other. Cheaper than as many `tryRead`: their room is handed on in larger parts.
   * @returns how many
   * @throws FrameCorruptError, RoleReleasedError, and what `handler` throws; the frames before were read
   */
  drain(handler: FrameHandler, limit = Infinity): number {
    const { kernel, at: ring } = this.#place;
    let count = 0;
    let bytes = 0;
    try {
      while (count < limit) {
        const at = this.peek();
        if (at < 0) break;
        const { length } = this;
        count++;
        bytes += length + frameHeader.bytes;
        try {
          handler(this.bytes, at, length);
        } finally {
          this.#pass();
        }
        if (bytes >> 6 >= this.#batchSlots) {
          bytes = 0;
          kernel.releaseFrames(ring);
        }
      }
    } finally {
      if (count > 0) kernel.releaseFrames(ring);
    }
    return count;
  }

  /**
   * Copies the next payload into `target`.
   * @returns its length; FRAME_EMPTY; or FRAME_UNFINISHED
   * @throws ArgumentRangeError where it does not fit: the frame stays; FrameCorruptError, RoleReleasedError
   */
  readInto(target: Uint8Array, offset = 0): number {
    if (offset !== (offset | 0) || offset < 0 || offset > target.length)
      throw new ArgumentRangeError('offset', offset, `an integer from 0 to ${target.length}`);
    const at = this.peek();
    if (at < 0) return at;
    const { length } = this;
    if (length > target.length - offset)
      throw new ArgumentRangeError(
        'target',
        `of ${target.length - offset} bytes`,
        `room for the next payload, ${length} bytes`,
      );
    this.#copy.out(at, target, offset, length);
    this.advance();
    return length;
  }

  /** Who claimed the frame that this waits for and has not committed it: a thread id, or -1 where it waits for none that is known. */
  get blockedBy(): number {
    this.#role.check();
    return this.#place.kernel.blockingOwner(this.#place.at) - 1;
  }

  /**
   * Turns the claims of a producer's thread that has ended into nothing, so that what is behind them can be read.
   * @param threadId of a worker that has exited: read `worker.threadId` before it does
   * @returns claims
   * @throws ArgumentRangeError also for this thread; RoleReleasedError
   */
  reclaim(threadId: number): number {
    this.#role.check();
    return this.#place.kernel.reclaimFrames(this.#place.at, deadThread(threadId));
  }

  /** Ends the role: another thread may take it. A peeked frame stays unread. A second time: does nothing. */
  [Symbol.dispose](): void {
    this.#at = NO_FRAME;
    this.#role.release();
  }

  #pass(): void {
    this.#role.check();
    if (this.#at === NO_FRAME) throw new NoFrameError();
    this.#at = NO_FRAME;
    this.#place.kernel.advanceFrame(this.#place.at);
  }

  #passCorrupt(): FrameCorruptError {
    const { arena, kernel, at, slots } = this.#place;
    const slot = (arena.i32[(at >> 2) + framedRingRoot.word.read] as number) & (slots - 1);
    const lengthBytes = arena.i32[this.#place.headerOf(slot) + frameHeader.word.length] as number;
    return new FrameCorruptError(slot, lengthBytes, kernel.skipFrame(at));
  }
}
