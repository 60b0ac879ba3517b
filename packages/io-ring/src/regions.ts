/** Memory that the kernel may be given: which registered region a view is in. */
import { IoMemoryError, IoArgumentError } from './errors.ts';

/** What the addon answers where its table of regions is full. */
const NO_ROOM = -28; // ENOSPC

/** MAX_RW_COUNT of Linux. */
const MAX_TRANSFER_BYTES = 0x7ffff000;

export interface Region {
  readonly index: number;
  /** The bytes of the region in its buffer. */
  readonly lengthBytes: number;
  /** Whether the kernel has it as a registered buffer. */
  fixed: boolean;
}

const BYTE = new Uint8Array(new SharedArrayBuffer(1));
const NONE: Region = { index: -1, lengthBytes: 0, fixed: false };

/** Adds a region and answers its index or -errno. */
export type AddRegion = (view: Uint8Array) => number;

export class Regions {
  readonly #byBuffer = new Map<ArrayBufferLike, Region>();
  readonly #add: AddRegion;
  /** The last one asked for: mostly that of the next as well. */
  #lastBuffer: ArrayBufferLike | null = null;
  #last: Region = NONE;

  constructor(add: AddRegion) {
    this.#add = add;
  }

  /** The region of a view; found at its first use. @throws IoMemoryError, IoArgumentError */
  of(view: Uint8Array): Region {
    const { buffer } = view;
    const end = view.byteOffset + view.byteLength;
    if (buffer === this.#lastBuffer && end <= this.#last.lengthBytes) return this.#last;
    const known = this.#byBuffer.get(buffer);
    const region = known !== undefined && end <= known.lengthBytes ? known : this.#register(buffer);
    this.#lastBuffer = buffer;
    this.#last = region;
    return region;
  }

  /** Those known so far. */
  all(): IterableIterator<Region> {
    return this.#byBuffer.values();
  }

  #register(buffer: ArrayBufferLike): Region {
    const bytes = new Uint8Array(buffer);
    if (bytes.byteLength > 2 ** 32 - 1)
      throw new IoMemoryError(`the memory has ${bytes.byteLength} bytes, a region at most ${2 ** 32 - 1}`);
    // Nothing of it is ever touched: a region has at least a byte. Not remembered, for it may grow.
    if (bytes.byteLength === 0) return { index: this.of(BYTE).index, lengthBytes: 0, fixed: false };
    const index = this.#add(bytes);
    if (index === NO_ROOM)
      throw new IoMemoryError('64 memories are in use already: share one arena or pool between buffers');
    if (index < 0) throw new IoMemoryError(`the memory could not be added: errno ${-index}`);
    const region = { index, lengthBytes: bytes.byteLength, fixed: false };
    this.#byBuffer.set(buffer, region);
    return region;
  }
}

/**
 * Shared memory cannot be detached or moved while the kernel writes to it; that of a plain ArrayBuffer can (`transfer`, `structuredClone`).
 * @throws IoArgumentError, IoMemoryError
 */
export function checkMemory(view: unknown, name: string): asserts view is Uint8Array {
  if (!(view instanceof Uint8Array)) throw new IoArgumentError(name, view, 'a Uint8Array on shared memory');
  if (!(view.buffer instanceof SharedArrayBuffer))
    throw new IoMemoryError(
      `${name} is on an ArrayBuffer, which could be transferred while the kernel writes to it; expected shared memory:` +
        ' a lease of a buffer-pool, a PinnedBuffer, or a view of a SharedArrayBuffer',
    );
  if (view.byteLength > MAX_TRANSFER_BYTES)
    throw new IoMemoryError(
      `${name} has ${view.byteLength} bytes, one operation takes at most ${MAX_TRANSFER_BYTES}`,
    );
}
