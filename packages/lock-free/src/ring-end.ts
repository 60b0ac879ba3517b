// What both ends of an SpscRing have: the role, and where the elements lie.
import type { Arena } from '@corelane/shared-memory';
import { ArgumentRangeError } from '@corelane/shared-memory';
import { BlockCopy } from './block-copy.ts';
import type { KernelExports } from './kernel.generated.ts';
import { ringWord, spscRingRoot } from './layout.ts';
import { Role } from './role.ts';

/** `i32`: blocks are Int32Arrays; `u8`: Uint8Arrays, a Buffer included. */
export type RingElement = 'i32' | 'u8';
/** What a ring of such elements reads and writes. */
export type RingBlock<E extends RingElement> = E extends 'i32' ? Int32Array : Uint8Array;

/** Where a ring lies, for its ends. */
export interface RingPlace<E extends RingElement> {
  readonly arena: Arena;
  readonly kernel: KernelExports;
  readonly at: number;
  readonly capacity: number;
  readonly element: E;
}

export class RingEnd<E extends RingElement> {
  /** Elements at most. */
  readonly capacity: number;
  protected readonly kernel: KernelExports;
  protected readonly ring: number;
  protected readonly role: Role;
  protected readonly words: Int32Array;
  protected readonly bytes: Uint8Array;
  protected readonly isWords: boolean;
  protected readonly copy: BlockCopy;
  /** Byte address of the first element. */
  protected readonly data: number;

  protected constructor(place: RingPlace<E>, name: 'producer' | 'consumer') {
    this.capacity = place.capacity;
    this.kernel = place.kernel;
    this.ring = place.at;
    this.words = place.arena.i32;
    this.bytes = place.arena.u8;
    this.isWords = place.element === 'i32';
    this.data = place.at + spscRingRoot.bytes;
    this.copy = new BlockCopy(place.arena);
    this.role = new Role(place.kernel, name, place.at + spscRingRoot.offset[name]);
  }

  /** Ends the role: another thread may take it. A second time: does nothing. */
  [Symbol.dispose](): void {
    this.role.release();
  }

  /** Index in `words` of a ring of words. */
  protected wordAt(position: number): number {
    return (this.data >> 2) + (position & (this.capacity - 1)) * (ringWord.bytes >> 2) + ringWord.word.value;
  }

  /** Index in `bytes` of a ring of bytes. */
  protected byteAt(position: number): number {
    return this.data + (position & (this.capacity - 1));
  }

  protected checkBlock(block: Int32Array | Uint8Array): void {
    if (!(this.isWords ? block instanceof Int32Array : block instanceof Uint8Array))
      throw new ArgumentRangeError('block', typeof block, this.isWords ? 'an Int32Array' : 'a Uint8Array');
  }
}
