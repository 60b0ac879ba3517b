// The deque as JavaScript sees it: one Wasm call an operation. The protocol is in kernel/deque.ts and PROTOCOL.md.
import { ArgumentRangeError, Arena, AttachError, type ObjectHandle } from '@corelane/shared-memory';
import { DequeOwner } from './deque-owner.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import {
  DEQUE_EMPTY,
  DEQUE_FIFO,
  DEQUE_FULL,
  DEQUE_LIFO,
  DEQUE_PUSHED,
  DEQUE_RETRY,
  dequeRoot,
  dequeSlot,
} from './layout.ts';
import { deadThread } from './this-thread.ts';

export { DEQUE_EMPTY, DEQUE_FULL, DEQUE_PUSHED, DEQUE_RETRY };

const MIN_CAPACITY = 2;
const MAX_CAPACITY = 2 ** 24;
const ORDERS = { lifo: DEQUE_LIFO, fifo: DEQUE_FIFO } as const;

/** Which end the owner takes from: the newest value or the oldest. Thieves always take the oldest. */
export type DequeOrder = keyof typeof ORDERS;

/** Plain data that travels through `workerData` and `postMessage`. `at` is what kernels of other packages take as `deque`. */
export type WorkStealingDequeHandle = ObjectHandle<'lock-free/deque'>;

export interface WorkStealingDequeOptions {
  /** Values at most, 1 to 16 777 216; rounded up to a power of two, at least 2: see `deque.capacity`. */
  readonly capacity: number;
  /** `lifo` (the default) or `fifo`. */
  readonly order?: DequeOrder;
}

/**
 * Values (i32) of one owner, who pushes and pops them at one end, and of whom any number of thieves take the oldest.
 * Never blocks, never allocates: full, empty and a lost race are results.
 */
export class WorkStealingDeque {
  readonly handle: WorkStealingDequeHandle;
  /** Values at most: a power of two. */
  readonly capacity: number;
  readonly order: DequeOrder;
  readonly #arena: Arena;
  readonly #kernel: KernelExports;
  readonly #deque: number;

  private constructor(arena: Arena, at: number, capacity: number, order: DequeOrder) {
    this.#arena = arena;
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#deque = at;
    this.capacity = capacity;
    this.order = order;
    this.handle = arena.objectHandle(dequeRoot.name as WorkStealingDequeHandle['kind'], at);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: WorkStealingDequeOptions): WorkStealingDeque {
    const { capacity: wanted, order = 'lifo' } = options;
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_CAPACITY)
      throw new ArgumentRangeError('capacity', wanted, `an integer from 1 to ${MAX_CAPACITY}`);
    if (!Object.hasOwn(ORDERS, order)) throw new ArgumentRangeError('order', order, `'lifo' or 'fifo'`);
    const capacity = Math.max(MIN_CAPACITY, 2 ** Math.ceil(Math.log2(wanted)));
    const at = arena.createObject(dequeRoot, lengthFor(capacity));
    const deque = new WorkStealingDeque(arena, at, capacity, order);
    deque.#kernel.initializeDeque(at, capacity, ORDERS[order], 0);
    return deque;
  }

  /** @throws AttachError */
  static attach(
    handle: WorkStealingDequeHandle,
    arena: Arena = Arena.attach(handle?.arena),
  ): WorkStealingDeque {
    const { at, lengthBytes } = arena.openObject(dequeRoot, handle);
    const capacity = arena.i32[(at >> 2) + dequeRoot.word.capacity] as number;
    const order = arena.i32[(at >> 2) + dequeRoot.word.order] as number;
    if (capacity < MIN_CAPACITY || capacity > MAX_CAPACITY || (capacity & (capacity - 1)) !== 0)
      throw new AttachError(
        dequeRoot.name,
        'capacity',
        capacity,
        `a power of two from ${MIN_CAPACITY} to ${MAX_CAPACITY}`,
      );
    if (order !== DEQUE_LIFO && order !== DEQUE_FIFO)
      throw new AttachError(dequeRoot.name, 'order', order, `${DEQUE_LIFO} or ${DEQUE_FIFO}`);
    if (lengthBytes !== lengthFor(capacity))
      throw new AttachError(dequeRoot.name, 'length in bytes', lengthBytes, lengthFor(capacity));
    return new WorkStealingDeque(arena, at, capacity, order === DEQUE_LIFO ? 'lifo' : 'fifo');
  }

  /** Makes this thread the owner, until the result is disposed of. @throws RoleTakenError */
  owner(): DequeOwner {
    return new DequeOwner({
      arena: this.#arena,
      kernel: this.#kernel,
      at: this.#deque,
      capacity: this.capacity,
      order: this.order,
    });
  }

  /**
   * Takes the oldest value. Any thread, the owner's included.
   * @returns it, DEQUE_EMPTY, or DEQUE_RETRY where somebody else took it meanwhile: ask again, or somebody else
   */
  steal(): number {
    return this.#kernel.stealDeque(this.#deque);
  }

  /**
   * Frees the role of an owner that has ended without disposing of it. What it had pushed stays in the deque; what it had popped is gone with it.
   * @param threadId of a worker that has exited: read `worker.threadId` before it does
   * @returns whether it was the owner
   * @throws ArgumentRangeError also for this thread
   */
  reclaim(threadId: number): boolean {
    const holder = deadThread(threadId);
    return this.#kernel.releaseRole(this.#deque + dequeRoot.offset.owner, holder) === 1;
  }

  /** Values in the deque: exact while nobody pushes or takes, else a moment's estimate from 0 to `capacity`. */
  get size(): number {
    return this.#kernel.dequeSize(this.#deque);
  }
}

function lengthFor(capacity: number): number {
  return dequeRoot.bytes + capacity * dequeSlot.bytes;
}
