// The queue as JavaScript sees it: one Wasm call an operation. The protocol is in kernel/bounded-queue.ts and PROTOCOL.md.
import { ArgumentRangeError, Arena, AttachError, type ObjectHandle } from '@corelane/shared-memory';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { boundedQueueRoot, QUEUE_EMPTY, QUEUE_FULL, QUEUE_PUSHED, queueCell } from './layout.ts';

export { QUEUE_EMPTY, QUEUE_FULL, QUEUE_PUSHED };

const MIN_CAPACITY = 2;
const MAX_CAPACITY = 2 ** 24;

/** Plain data that travels through `workerData` and `postMessage`. `at` is what kernels of other packages take as `queue`. */
export type BoundedQueueHandle = ObjectHandle<'lock-free/bounded-queue'>;

export interface BoundedQueueOptions {
  /** Values at most, 1 to 16 777 216; rounded up to a power of two, at least 2: see `queue.capacity`. */
  readonly capacity: number;
}

/**
 * A first-in, first-out queue of i32 values, for any number of producers and consumers on any threads.
 * Never blocks, never allocates: full and empty are results.
 */
export class BoundedQueue {
  readonly handle: BoundedQueueHandle;
  /** Values at most: a power of two. */
  readonly capacity: number;
  readonly #kernel: KernelExports;
  readonly #queue: number;

  private constructor(arena: Arena, at: number, capacity: number) {
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#queue = at;
    this.capacity = capacity;
    this.handle = arena.objectHandle(boundedQueueRoot.name as BoundedQueueHandle['kind'], at);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: BoundedQueueOptions): BoundedQueue {
    const { capacity: wanted } = options;
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_CAPACITY)
      throw new ArgumentRangeError('capacity', wanted, `an integer from 1 to ${MAX_CAPACITY}`);
    const capacity = Math.max(MIN_CAPACITY, 2 ** Math.ceil(Math.log2(wanted)));
    const at = arena.createObject(boundedQueueRoot, lengthFor(capacity));
    const queue = new BoundedQueue(arena, at, capacity);
    queue.#kernel.initializeQueue(at, capacity, 0);
    return queue;
  }

  /** @throws AttachError */
  static attach(handle: BoundedQueueHandle, arena: Arena = Arena.attach(handle?.arena)): BoundedQueue {
    const { at, lengthBytes } = arena.openObject(boundedQueueRoot, handle);
    const capacity = arena.i32[(at >> 2) + boundedQueueRoot.word.capacity] as number;
    if (capacity < MIN_CAPACITY || capacity > MAX_CAPACITY || (capacity & (capacity - 1)) !== 0)
      throw new AttachError(
        boundedQueueRoot.name,
        'capacity',
        capacity,
        `a power of two from ${MIN_CAPACITY} to ${MAX_CAPACITY}`,
      );
    if (lengthBytes !== lengthFor(capacity))
      throw new AttachError(boundedQueueRoot.name, 'length in bytes', lengthBytes, lengthFor(capacity));
    return new BoundedQueue(arena, at, capacity);
  }

  /**
   * @param value an i32 but QUEUE_EMPTY
   * @returns QUEUE_PUSHED, or QUEUE_FULL where nothing was changed
   * @throws ArgumentRangeError
   */
  tryPush(value: number): typeof QUEUE_PUSHED | typeof QUEUE_FULL {
    if (value !== (value | 0) || value === QUEUE_EMPTY)
      throw new ArgumentRangeError(
        'value',
        value,
        `a 32-bit integer other than QUEUE_EMPTY (${QUEUE_EMPTY})`,
      );
    return this.#kernel.pushQueue(this.#queue, value) as typeof QUEUE_PUSHED | typeof QUEUE_FULL;
  }

  /** @returns the oldest value, or QUEUE_EMPTY where nothing was changed */
  tryPop(): number {
    return this.#kernel.popQueue(this.#queue);
  }

  /** Values in the queue: exact while nobody pushes or pops, else a moment's estimate from 0 to `capacity`. */
  get size(): number {
    return this.#kernel.queueSize(this.#queue);
  }
}

function lengthFor(capacity: number): number {
  return boundedQueueRoot.bytes + capacity * queueCell.bytes;
}
