import { ArgumentRangeError } from '@corelane/shared-memory';
import { checkPart } from './block-copy.ts';
import { RING_FULL, RING_PUSHED, spscRingRoot } from './layout.ts';
import { RingEnd, type RingBlock, type RingElement, type RingPlace } from './ring-end.ts';

/** The one end of an SpscRing that writes. Never blocks, never allocates. Dispose of it to let another thread have the role. */
export class RingProducer<E extends RingElement = RingElement> extends RingEnd<E> {
  /** Position of the next write: what `tail` holds, which nobody else writes. */
  #tail: number;

  /** Use `ring.producer()`. @throws RoleTakenError */
  constructor(place: RingPlace<E>) {
    super(place, 'producer');
    this.#tail = Atomics.load(place.arena.i32, (place.at >> 2) + spscRingRoot.word.tail);
  }

  /**
   * @param value an i32, or 0 to 255 in a ring of bytes
   * @returns RING_PUSHED, or RING_FULL where nothing was changed
   * @throws ArgumentRangeError, RoleReleasedError
   */
  tryPush(value: number): typeof RING_PUSHED | typeof RING_FULL {
    this.role.check();
    if (this.isWords) {
      if (value !== (value | 0)) throw new ArgumentRangeError('value', value, 'a 32-bit integer');
      if (this.kernel.pushRing(this.ring, value) === RING_FULL) return RING_FULL;
      this.#tail = (this.#tail + 1) | 0;
      return RING_PUSHED;
    }
    if (value !== (value & 255)) throw new ArgumentRangeError('value', value, 'an integer from 0 to 255');
    if (this.kernel.freeElements(this.ring, 1) < 1) return RING_FULL;
    this.bytes[this.byteAt(this.#tail)] = value;
    this.#publish(1);
    return RING_PUSHED;
  }

  /**
   * Writes as much of a block as there is room for: the consumer sees all of that at once.
   * @returns how many elements, from the first on: 0 where the ring is full
   * @throws ArgumentRangeError, RoleReleasedError
   */
  write(block: RingBlock<E>, offset = 0, length: number = block.length - offset): number {
    const free = this.#free(block, offset, length);
    const count = free < length ? free : length;
    if (count > 0) this.#put(block, offset, count);
    return count;
  }

  /**
   * Writes a block whole or not at all.
   * @returns RING_PUSHED, or RING_FULL where nothing was changed
   * @throws ArgumentRangeError also where it is larger than the ring; RoleReleasedError
   */
  tryWrite(
    block: RingBlock<E>,
    offset = 0,
    length: number = block.length - offset,
  ): typeof RING_PUSHED | typeof RING_FULL {
    if (length > this.capacity)
      throw new ArgumentRangeError('length', length, `at most the capacity, ${this.capacity}`);
    if (this.#free(block, offset, length) < length) return RING_FULL;
    if (length > 0) this.#put(block, offset, length);
    return RING_PUSHED;
  }

  /** Elements that may be written now: at least so many until the next write. */
  get room(): number {
    this.role.check();
    return this.kernel.freeElements(this.ring, this.capacity);
  }

  #free(block: RingBlock<E>, offset: number, length: number): number {
    this.role.check();
    this.checkBlock(block);
    checkPart(block, offset, length);
    return this.kernel.freeElements(this.ring, length);
  }

  #put(block: RingBlock<E>, offset: number, count: number): void {
    const toEnd = this.capacity - (this.#tail & (this.capacity - 1));
    const first = count < toEnd ? count : toEnd;
    if (this.isWords) {
      const bytes = this.copy.bytesOf(block as Int32Array);
      this.copy.into(this.wordAt(this.#tail) << 2, bytes, offset << 2, first << 2);
      if (first < count) this.copy.into(this.data, bytes, (offset + first) << 2, (count - first) << 2);
    } else {
      this.copy.into(this.byteAt(this.#tail), block as Uint8Array, offset, first);
      if (first < count) this.copy.into(this.data, block as Uint8Array, offset + first, count - first);
    }
    this.#publish(count);
  }

  #publish(count: number): void {
    this.#tail = (this.#tail + count) | 0;
    this.kernel.publishElements(this.ring, count);
  }
}
