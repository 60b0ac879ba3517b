// The stack as JavaScript sees it: one Wasm call an operation. The protocol is in kernel/index-stack.ts and PROTOCOL.md.
import { ArgumentRangeError, Arena, AttachError, type ObjectHandle } from '@corelane/shared-memory';
import { IndexPresentError } from './errors.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { INDEX_PRESENT, indexStackRoot, LINK_OUT, STACK_EMPTY, stackLink } from './layout.ts';

export { STACK_EMPTY };

const MAX_CAPACITY = 2 ** 24;

/** Plain data that travels through `workerData` and `postMessage`. `at` is what kernels of other packages take as `stack`. */
export type IndexStackHandle = ObjectHandle<'lock-free/index-stack'>;

export interface IndexStackOptions {
  /** Indices are 0 to capacity - 1; 1 to 16 777 216. */
  readonly capacity: number;
  /** Whether the stack starts with every index, 0 on top, or with none (default true). */
  readonly filled?: boolean;
}

/**
 * A stack of the indices 0 to capacity - 1, each in it at most once, for any number of threads: a free list.
 * Never blocks, never allocates; empty is a result, and pushing what is in it already an error.
 */
export class IndexStack {
  readonly handle: IndexStackHandle;
  readonly capacity: number;
  readonly #arena: Arena;
  readonly #kernel: KernelExports;
  readonly #stack: number;

  private constructor(arena: Arena, at: number, capacity: number) {
    this.#arena = arena;
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#stack = at;
    this.capacity = capacity;
    this.handle = arena.objectHandle(indexStackRoot.name as IndexStackHandle['kind'], at);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: IndexStackOptions): IndexStack {
    const { capacity, filled = true } = options;
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_CAPACITY)
      throw new ArgumentRangeError('capacity', capacity, `an integer from 1 to ${MAX_CAPACITY}`);
    const at = arena.createObject(indexStackRoot, lengthFor(capacity));
    const stack = new IndexStack(arena, at, capacity);
    stack.#kernel.initializeStack(at, capacity, filled ? 1 : 0);
    return stack;
  }

  /** @throws AttachError */
  static attach(handle: IndexStackHandle, arena: Arena = Arena.attach(handle?.arena)): IndexStack {
    const { at, lengthBytes } = arena.openObject(indexStackRoot, handle);
    const capacity = arena.i32[(at >> 2) + indexStackRoot.word.capacity] as number;
    if (capacity < 1 || capacity > MAX_CAPACITY)
      throw new AttachError(indexStackRoot.name, 'capacity', capacity, `1 to ${MAX_CAPACITY}`);
    if (lengthBytes !== lengthFor(capacity))
      throw new AttachError(indexStackRoot.name, 'length in bytes', lengthBytes, lengthFor(capacity));
    return new IndexStack(arena, at, capacity);
  }

  /**
   * Puts an index on top.
   * @throws ArgumentRangeError where it is outside 0 to capacity - 1, IndexPresentError where it is in the stack already
   */
  push(index: number): void {
    this.#check(index);
    if (this.#kernel.pushIndex(this.#stack, index) === INDEX_PRESENT) throw new IndexPresentError(index);
  }

  /** @returns the top index, or STACK_EMPTY (-1) */
  pop(): number {
    return this.#kernel.popIndex(this.#stack);
  }

  /**
   * Puts indices on top at once, the first one uppermost: no thread ever sees only some of them. All or nothing.
   * @throws ArgumentRangeError, IndexPresentError (also where one comes twice); nothing was pushed
   */
  pushMany(indices: Int32Array | readonly number[]): void {
    const { length } = indices;
    if (length === 0) return;
    for (let i = 0; i < length; i++) this.#check(indices[i] as number);
    for (let i = 0; i < length; i++) {
      if (this.#kernel.claimIndex(this.#stack, indices[i] as number) === INDEX_PRESENT) {
        for (let claimed = 0; claimed < i; claimed++)
          this.#kernel.unlinkIndex(this.#stack, indices[claimed] as number);
        throw new IndexPresentError(indices[i] as number);
      }
    }
    for (let i = 0; i + 1 < length; i++)
      this.#kernel.linkIndex(this.#stack, indices[i] as number, indices[i + 1] as number);
    this.#kernel.pushChain(this.#stack, indices[0] as number, indices[length - 1] as number);
  }

  /**
   * Takes the upper indices at once, at most as many as `out` has room for.
   * @returns how many: `out[0]` was the top
   */
  popMany(out: Int32Array): number {
    const { length } = out;
    if (length === 0) return 0;
    let index = this.#kernel.popChain(this.#stack, length);
    let count = 0;
    while (index !== STACK_EMPTY) {
      out[count++] = index;
      const below = this.#kernel.unlinkIndex(this.#stack, index);
      if (count === length) break;
      index = below;
    }
    return count;
  }

  /** Indices in the stack, counted one by one: exact while nobody pushes or pops, else from 0 to `capacity`. */
  get size(): number {
    const links = (this.#stack + indexStackRoot.bytes) >> 2;
    let size = 0;
    for (let index = 0; index < this.capacity; index++) {
      const word = links + index * (stackLink.bytes >> 2) + stackLink.word.next;
      if (Atomics.load(this.#arena.i32, word) !== LINK_OUT) size++;
    }
    return size;
  }

  #check(index: number): void {
    if (index !== (index | 0) || index < 0 || index >= this.capacity)
      throw new ArgumentRangeError('index', index, `an integer from 0 to ${this.capacity - 1}`);
  }
}

function lengthFor(capacity: number): number {
  return indexStackRoot.bytes + capacity * stackLink.bytes;
}
