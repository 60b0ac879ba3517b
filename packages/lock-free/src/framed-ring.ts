// The ring as JavaScript sees it. The protocol is in kernel/framed-ring.ts and PROTOCOL.md.
import { ArgumentRangeError, Arena, AttachError, type ObjectHandle } from '@corelane/shared-memory';
import { FrameConsumer } from './frame-consumer.ts';
import { FramePlace, framedRingBytes } from './frame-place.ts';
import { FrameProducer } from './frame-producer.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { FRAME_EMPTY, FRAME_FULL, FRAME_SLOT_BYTES, FRAME_UNFINISHED, framedRingRoot } from './layout.ts';
import { deadThread } from './this-thread.ts';

export { FRAME_EMPTY, FRAME_FULL, FRAME_UNFINISHED };

const MIN_SLOTS = 4;
const MAX_SLOTS = 2 ** 24;
const MAX_CAPACITY_BYTES = MAX_SLOTS * FRAME_SLOT_BYTES;

/** Plain data that travels through `workerData` and `postMessage`. `at` is what kernels of other packages take as `ring`. */
export type FramedRingHandle = ObjectHandle<'lock-free/framed-ring'>;

export interface FramedRingOptions {
  /**
   * Room for payloads in bytes, 1 to 1 073 741 824, each taking a multiple of 64; rounded up to a power of two, at least 256: see
   * `ring.capacityBytes`. Headers take a quarter more.
   */
  readonly capacityBytes: number;
}

/**
 * A first-in, first-out ring of records of variable length, for any number of producers and one consumer, on any threads. Records are
 * written and read in place, or copied. Never blocks, never allocates: full and empty are results.
 */
export class FramedRing {
  readonly handle: FramedRingHandle;
  /** Room for payloads: a power of two. */
  readonly capacityBytes: number;
  /** Largest payload: half of the capacity, so that it fits into an empty ring wherever that stands. */
  readonly maxPayloadBytes: number;
  readonly #place: FramePlace;

  private constructor(arena: Arena, at: number, slots: number) {
    const kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#place = new FramePlace(arena, kernel, at, slots);
    this.capacityBytes = slots * FRAME_SLOT_BYTES;
    this.maxPayloadBytes = this.#place.maxPayloadBytes;
    this.handle = arena.objectHandle(framedRingRoot.name as FramedRingHandle['kind'], at);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: FramedRingOptions): FramedRing {
    const { capacityBytes: wanted } = options;
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_CAPACITY_BYTES)
      throw new ArgumentRangeError('capacityBytes', wanted, `an integer from 1 to ${MAX_CAPACITY_BYTES}`);
    const slots = Math.max(MIN_SLOTS, 2 ** Math.ceil(Math.log2(wanted / FRAME_SLOT_BYTES)));
    const at = arena.createObject(framedRingRoot, framedRingBytes(slots));
    const ring = new FramedRing(arena, at, slots);
    ring.#place.kernel.initializeFrames(at, slots, 0);
    return ring;
  }

  /** @throws AttachError */
  static attach(handle: FramedRingHandle, arena: Arena = Arena.attach(handle?.arena)): FramedRing {
    const { at, lengthBytes } = arena.openObject(framedRingRoot, handle);
    const slots = arena.i32[(at >> 2) + framedRingRoot.word.slots] as number;
    if (slots < MIN_SLOTS || slots > MAX_SLOTS || (slots & (slots - 1)) !== 0)
      throw new AttachError(
        framedRingRoot.name,
        'slots',
        slots,
        `a power of two from ${MIN_SLOTS} to ${MAX_SLOTS}`,
      );
    if (lengthBytes !== framedRingBytes(slots))
      throw new AttachError(framedRingRoot.name, 'length in bytes', lengthBytes, framedRingBytes(slots));
    return new FramedRing(arena, at, slots);
  }

  /** One more producer: any thread may have any number. */
  producer(): FrameProducer {
    return new FrameProducer(this.#place);
  }

  /** Makes this thread the consumer, until the result is disposed of. @throws RoleTakenError */
  consumer(): FrameConsumer {
    return new FrameConsumer(this.#place);
  }

  /**
   * Frees the role of a consumer's thread that has ended without disposing of it. The next consumer begins with the frame that it was
   * reading. (Of a producer's thread that has ended: `consumer.reclaim`.)
   * @param threadId of a worker that has exited: read `worker.threadId` before it does
   * @returns roles that were freed: 0 or 1
   * @throws ArgumentRangeError also for this thread
   */
  reclaim(threadId: number): number {
    const { kernel, at } = this.#place;
    return kernel.releaseRole(at + framedRingRoot.offset.consumer, deadThread(threadId));
  }

  /**
   * Bytes of all slots that are claimed and not yet handed on, padding included: exact while nobody writes or reads, else a moment's estimate
   * from 0 to `capacityBytes`.
   */
  get usedBytes(): number {
    return this.#place.kernel.usedSlots(this.#place.at) * FRAME_SLOT_BYTES;
  }
}
