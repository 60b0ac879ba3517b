import { ArgumentRangeError } from '@corelane/shared-memory';
import { BlockCopy, checkPart } from './block-copy.ts';
import type { FramePlace } from './frame-place.ts';
import { FRAME_FULL, FRAME_LOST, FRAME_PADDING, FRAME_READY } from './layout.ts';
import { ClaimStateError, RoleReleasedError } from './ring-errors.ts';
import { THIS_THREAD } from './this-thread.ts';

/** `tryWrite` handed the frame over. */
export const FRAME_WRITTEN = 1;

const NO_CLAIM = -1;

/**
 * Writes frames. Any number of threads have one, and one thread may have several; each has at most one claim open. Never blocks, never
 * allocates.
 */
export class FrameProducer {
  /** The arena: a claimed payload is at `bytes[at]` to `bytes[at + length - 1]`. */
  readonly bytes: Uint8Array;
  readonly maxPayloadBytes: number;
  readonly #place: FramePlace;
  readonly #copy: BlockCopy;
  /** Slot of the open claim. */
  #slot = NO_CLAIM;
  #length = 0;
  #disposed = false;

  /** Use `ring.producer()`. */
  constructor(place: FramePlace) {
    this.#place = place;
    this.#copy = new BlockCopy(place.arena);
    this.bytes = place.arena.u8;
    this.maxPayloadBytes = place.maxPayloadBytes;
  }

  /**
   * Claims room for a payload that is written in place, into `bytes`, and then committed. The consumer waits before it meanwhile.
   * @param length in bytes, 0 to `maxPayloadBytes`
   * @returns the index in `bytes` where the payload begins, a multiple of 64; or FRAME_FULL where nothing was changed
   * @throws ArgumentRangeError, ClaimStateError where a claim is open, RoleReleasedError
   */
  tryClaim(length: number): number {
    if (this.#disposed) throw new RoleReleasedError('producer');
    if (this.#slot !== NO_CLAIM)
      throw new ClaimStateError(
        'ERR_CLAIM_OPEN',
        `a claim of ${this.#length} bytes is open, expected commit() or abort() first`,
      );
    if (length !== (length | 0) || length < 0 || length > this.maxPayloadBytes)
      throw new ArgumentRangeError('length', length, `an integer from 0 to ${this.maxPayloadBytes}`);
    const slot = this.#place.kernel.claimFrame(this.#place.at, THIS_THREAD, length);
    if (slot === FRAME_FULL) return FRAME_FULL;
    this.#slot = slot;
    this.#length = length;
    return this.#place.payloadOf(slot);
  }

  /**
   * Hands the claimed frame over.
   * @throws ClaimStateError where no claim is open, or where a consumer reclaimed it because it took this thread for one that has ended
   */
  commit(): void {
    this.#settle(FRAME_READY);
  }

  /** Gives the claim up: the consumer passes it by. @throws ClaimStateError */
  abort(): void {
    this.#settle(FRAME_PADDING);
  }

  /**
   * Claims, copies and commits.
   * @returns FRAME_WRITTEN, or FRAME_FULL where nothing was changed
   * @throws ArgumentRangeError, ClaimStateError where a claim is open, RoleReleasedError
   */
  tryWrite(
    payload: Uint8Array,
    offset = 0,
    length: number = payload.length - offset,
  ): typeof FRAME_WRITTEN | typeof FRAME_FULL {
    checkPart(payload, offset, length);
    const at = this.tryClaim(length);
    if (at === FRAME_FULL) return FRAME_FULL;
    this.#copy.into(at, payload, offset, length);
    this.#settle(FRAME_READY);
    return FRAME_WRITTEN;
  }

  /** Aborts an open claim. A second time: does nothing. */
  [Symbol.dispose](): void {
    if (this.#slot !== NO_CLAIM) this.abort();
    this.#disposed = true;
  }

  #settle(kind: number): void {
    const slot = this.#slot;
    if (slot === NO_CLAIM)
      throw new ClaimStateError('ERR_NO_CLAIM', 'no claim is open, expected one of tryClaim()');
    this.#slot = NO_CLAIM;
    const { kernel, at } = this.#place;
    if (kernel.settleFrame(at, slot, this.#length, kind) === FRAME_LOST)
      throw new ClaimStateError(
        'ERR_CLAIM_LOST',
        `the claim of ${this.#length} bytes is void, expected nobody to reclaim(${THIS_THREAD - 1}) while this thread lives`,
      );
  }
}
