// The ring as JavaScript sees it. The protocol is in kernel/spsc-ring.ts and PROTOCOL.md.
import { ArgumentRangeError, Arena, AttachError, type ObjectHandle } from '@corelane/shared-memory';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { RING_FULL, RING_PUSHED, spscRingRoot } from './layout.ts';
import { RingConsumer } from './ring-consumer.ts';
import type { RingElement, RingPlace } from './ring-end.ts';
import { RingProducer } from './ring-producer.ts';
import { deadThread } from './this-thread.ts';

export { RING_FULL, RING_PUSHED };

const MIN_CAPACITY = 2;
const MAX_CAPACITY = 2 ** 28;
const ELEMENT_BYTES = { i32: 4, u8: 1 } as const;

/** Plain data that travels through `workerData` and `postMessage`. `at` is what kernels of other packages take as `ring`. */
export type SpscRingHandle = ObjectHandle<'lock-free/spsc-ring'>;

export interface SpscRingOptions<E extends RingElement = RingElement> {
  /** Elements at most, 1 to 268 435 456; rounded up to a power of two, at least 2: see `ring.capacity`. */
  readonly capacity: number;
  /** What it holds: words (the default) or bytes. */
  readonly element?: E;
}

/**
 * A first-in, first-out ring of words or bytes for one producer and one consumer, on any two threads, that moves single values and
 * blocks. Never blocks, never allocates: full and empty are results.
 */
export class SpscRing<E extends RingElement = RingElement> {
  readonly handle: SpscRingHandle;
  /** Elements at most: a power of two. */
  readonly capacity: number;
  readonly element: E;
  readonly #place: RingPlace<E>;

  private constructor(arena: Arena, at: number, capacity: number, element: E) {
    const kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#place = { arena, kernel, at, capacity, element };
    this.capacity = capacity;
    this.element = element;
    this.handle = arena.objectHandle(spscRingRoot.name as SpscRingHandle['kind'], at);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create<E extends RingElement = 'i32'>(arena: Arena, options: SpscRingOptions<E>): SpscRing<E> {
    const { capacity: wanted, element = 'i32' as E } = options;
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_CAPACITY)
      throw new ArgumentRangeError('capacity', wanted, `an integer from 1 to ${MAX_CAPACITY}`);
    if (element !== 'i32' && element !== 'u8')
      throw new ArgumentRangeError('element', element, `'i32' or 'u8'`);
    const capacity = Math.max(MIN_CAPACITY, 2 ** Math.ceil(Math.log2(wanted)));
    const elementBytes = ELEMENT_BYTES[element];
    const at = arena.createObject(spscRingRoot, lengthFor(capacity, elementBytes));
    const ring = new SpscRing<E>(arena, at, capacity, element);
    ring.#place.kernel.initializeRing(at, capacity, elementBytes, 0);
    return ring;
  }

  /** @throws AttachError */
  static attach(handle: SpscRingHandle, arena: Arena = Arena.attach(handle?.arena)): SpscRing {
    const { at, lengthBytes } = arena.openObject(spscRingRoot, handle);
    const capacity = arena.i32[(at >> 2) + spscRingRoot.word.capacity] as number;
    const elementBytes = arena.i32[(at >> 2) + spscRingRoot.word.elementBytes] as number;
    if (capacity < MIN_CAPACITY || capacity > MAX_CAPACITY || (capacity & (capacity - 1)) !== 0)
      throw new AttachError(
        spscRingRoot.name,
        'capacity',
        capacity,
        `a power of two from ${MIN_CAPACITY} to ${MAX_CAPACITY}`,
      );
    if (elementBytes !== ELEMENT_BYTES.i32 && elementBytes !== ELEMENT_BYTES.u8)
      throw new AttachError(spscRingRoot.name, 'bytes of an element', elementBytes, '1 or 4');
    if (lengthBytes !== lengthFor(capacity, elementBytes))
      throw new AttachError(
        spscRingRoot.name,
        'length in bytes',
        lengthBytes,
        lengthFor(capacity, elementBytes),
      );
    return new SpscRing(arena, at, capacity, elementBytes === ELEMENT_BYTES.i32 ? 'i32' : 'u8');
  }

  /** Makes this thread the producer, until the result is disposed of. @throws RoleTakenError */
  producer(): RingProducer<E> {
    return new RingProducer(this.#place);
  }

  /** Makes this thread the consumer, until the result is disposed of. @throws RoleTakenError */
  consumer(): RingConsumer<E> {
    return new RingConsumer(this.#place);
  }

  /**
   * Frees the roles of a thread that has ended without disposing of them. What it had published stays in the ring; a block that it was
   * in the middle of writing was never in it.
   * @param threadId of a worker that has exited: read `worker.threadId` before it does
   * @returns roles that were freed: 0, 1 or 2
   * @throws ArgumentRangeError also for this thread
   */
  reclaim(threadId: number): number {
    const { kernel, at } = this.#place;
    const holder = deadThread(threadId);
    return (
      kernel.releaseRole(at + spscRingRoot.offset.producer, holder) +
      kernel.releaseRole(at + spscRingRoot.offset.consumer, holder)
    );
  }

  /** Elements in the ring: exact while nobody writes or reads, else a moment's estimate from 0 to `capacity`. */
  get size(): number {
    return this.#place.kernel.ringSize(this.#place.at);
  }
}

function lengthFor(capacity: number, elementBytes: number): number {
  return spscRingRoot.bytes + capacity * elementBytes;
}
