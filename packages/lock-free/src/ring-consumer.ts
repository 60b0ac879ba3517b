import { checkPart } from './block-copy.ts';
import { spscRingRoot } from './layout.ts';
import { RingEnd, type RingBlock, type RingElement, type RingPlace } from './ring-end.ts';

/** `tryPop` found nothing. No i32: each of those may be a value. */
export const RING_EMPTY = 0x8000_0000;

/** The one end of an SpscRing that reads. Never blocks, never allocates. Dispose of it to let another thread have the role. */
export class RingConsumer<E extends RingElement = RingElement> extends RingEnd<E> {
  /** Position of the next read: what `head` holds, which nobody else writes. */
  #head: number;
  readonly #popped: number;

  /** Use `ring.consumer()`. @throws RoleTakenError */
  constructor(place: RingPlace<E>) {
    super(place, 'consumer');
    this.#head = Atomics.load(place.arena.i32, (place.at >> 2) + spscRingRoot.word.head);
    this.#popped = (place.at >> 2) + spscRingRoot.word.popped;
  }

  /** @returns the oldest value, or RING_EMPTY where nothing was changed @throws RoleReleasedError */
  tryPop(): number {
    this.role.check();
    if (this.isWords) {
      if (this.kernel.popRing(this.ring) === 0) return RING_EMPTY;
      this.#head = (this.#head + 1) | 0;
      return this.words[this.#popped] as number;
    }
    if (this.kernel.readyElements(this.ring, 1) < 1) return RING_EMPTY;
    const value = this.bytes[this.byteAt(this.#head)] as number;
    this.#release(1);
    return value;
  }

  /**
   * Takes as many of the oldest elements as there are, at most `length`.
   * @returns how many: `block[offset]` is the oldest; 0 where the ring is empty
   * @throws ArgumentRangeError, RoleReleasedError
   */
  read(block: RingBlock<E>, offset = 0, length: number = block.length - offset): number {
    this.role.check();
    this.checkBlock(block);
    checkPart(block, offset, length);
    const ready = this.kernel.readyElements(this.ring, length);
    const count = ready < length ? ready : length;
    if (count === 0) return 0;
    const toEnd = this.capacity - (this.#head & (this.capacity - 1));
    const first = count < toEnd ? count : toEnd;
    if (this.isWords) {
      const bytes = this.copy.bytesOf(block as Int32Array);
      this.copy.out(this.wordAt(this.#head) << 2, bytes, offset << 2, first << 2);
      if (first < count) this.copy.out(this.data, bytes, (offset + first) << 2, (count - first) << 2);
    } else {
      this.copy.out(this.byteAt(this.#head), block as Uint8Array, offset, first);
      if (first < count) this.copy.out(this.data, block as Uint8Array, offset + first, count - first);
    }
    this.#release(count);
    return count;
  }

  /** Elements that may be read now: at least so many until the next read. */
  get ready(): number {
    this.role.check();
    return this.kernel.readyElements(this.ring, this.capacity);
  }

  #release(count: number): void {
    this.#head = (this.#head + count) | 0;
    this.kernel.releaseElements(this.ring, count);
  }
}
