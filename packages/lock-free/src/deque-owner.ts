import { ArgumentRangeError, type Arena } from '@corelane/shared-memory';
import type { KernelExports } from './kernel.generated.ts';
import { DEQUE_EMPTY, type DEQUE_FULL, type DEQUE_PUSHED, DEQUE_RETRY, dequeRoot } from './layout.ts';
import { Role } from './role.ts';
import type { DequeOrder, WorkStealingDeque } from './work-stealing-deque.ts';

/** Where a deque lies, for its owner. */
export interface DequePlace {
  readonly arena: Arena;
  readonly kernel: KernelExports;
  readonly at: number;
  readonly capacity: number;
  readonly order: DequeOrder;
}

/** The one end of a WorkStealingDeque that pushes. Never blocks, never allocates. Dispose of it to let another thread have the role. */
export class DequeOwner implements Disposable {
  readonly #arena: Arena;
  readonly #kernel: KernelExports;
  readonly #deque: number;
  readonly #capacity: number;
  readonly #newest: boolean;
  readonly #role: Role;

  /** Use `deque.owner()`. @throws RoleTakenError */
  constructor({ arena, kernel, at, capacity, order }: DequePlace) {
    this.#arena = arena;
    this.#kernel = kernel;
    this.#deque = at;
    this.#capacity = capacity;
    this.#newest = order === 'lifo';
    this.#role = new Role(kernel, 'owner', at + dequeRoot.offset.owner);
    kernel.adoptDeque(at);
  }

  /**
   * @param value an i32 but DEQUE_EMPTY and DEQUE_RETRY
   * @returns DEQUE_PUSHED, or DEQUE_FULL where nothing was changed
   * @throws ArgumentRangeError, RoleReleasedError
   */
  tryPush(value: number): typeof DEQUE_PUSHED | typeof DEQUE_FULL {
    this.#role.check();
    if (value !== (value | 0) || value <= DEQUE_RETRY)
      throw new ArgumentRangeError(
        'value',
        value,
        `a 32-bit integer other than DEQUE_EMPTY (${DEQUE_EMPTY}) and DEQUE_RETRY (${DEQUE_RETRY})`,
      );
    return this.#kernel.pushDeque(this.#deque, value) as typeof DEQUE_PUSHED | typeof DEQUE_FULL;
  }

  /** @returns the newest value, or the oldest where the order is `fifo`; DEQUE_EMPTY where there is none @throws RoleReleasedError */
  tryPop(): number {
    this.#role.check();
    if (this.#newest) return this.#kernel.popDeque(this.#deque);
    let value = this.#kernel.stealDeque(this.#deque);
    while (value === DEQUE_RETRY) value = this.#kernel.stealDeque(this.#deque); // whoever was faster has it
    return value;
  }

  /**
   * Moves the older half of another deque to this one, rounded up: at most `most`, and what there is room for. In one step where the other's
   * order is `fifo`, else one value after the other.
   * @returns how many: 0 where there was nothing to take or no room; DEQUE_RETRY where somebody else was faster
   * @throws ArgumentRangeError where the other is this one, or in another arena; RoleReleasedError
   */
  stealFrom(victim: WorkStealingDeque, most: number = this.#capacity): number {
    this.#role.check();
    const { at, arena } = victim.handle;
    if (at === this.#deque || arena.memory !== this.#arena.handle.memory)
      throw new ArgumentRangeError('victim', at, 'another deque of the same arena');
    if (!Number.isInteger(most) || most < 1)
      throw new ArgumentRangeError('most', most, 'an integer of at least 1');
    return this.#kernel.stealManyDeque(at, this.#deque, Math.min(most, this.#capacity));
  }

  /** Whether the role is still had. */
  get active(): boolean {
    return this.#role.held;
  }

  /** Ends the role: another thread may take it. Values stay. A second time: does nothing. */
  [Symbol.dispose](): void {
    this.#role.release();
  }
}
