// One buffer whose address never changes: for what is handed to the system by address, or shared for the life of a service.
import { Arena, AttachError, type ObjectHandle } from '@corelane/shared-memory';
import { pinnedBufferRoot } from './layout.ts';
import { checkAlignment, checkRange } from './pool-memory.ts';
import { noMemorySink, noPinner, type MemorySink, type Pinner, type PinResult } from './ports.ts';

const PAGE_BYTES = 65536;

/** Plain data that travels through `workerData` and `postMessage`. */
export type PinnedBufferHandle = ObjectHandle<'buffer-pool/pinned-buffer'>;

export interface PinnedBufferPlacement {
  /** A power of two up to 2 MiB, 4096 by default. */
  readonly alignBytes?: number;
  /** Where to put it; by default in an arena of its own. */
  readonly arena?: Arena;
  /** What the memory is called at the sink, `pinned-buffer` by default. */
  readonly tag?: string;
  readonly sink?: MemorySink;
  readonly pinner?: Pinner;
}

export interface PinnedBufferOptions extends PinnedBufferPlacement {
  /** Bytes, at least 1. */
  readonly capacity: number;
}

export class PinnedBuffer implements Disposable {
  readonly handle: PinnedBufferHandle;
  /** Bytes of the buffer. */
  readonly capacity: number;
  readonly alignBytes: number;
  /** Address of the first byte in the arena, whose base is page-aligned: a multiple of `alignBytes`. */
  readonly at: number;
  /** All bytes, over a `SharedArrayBuffer`; zeros at first. */
  readonly bytes: Uint8Array;
  #pinning: PinResult = { pinned: false, reason: 'known to the creator only' };
  #onDispose: (() => void) | undefined;

  private constructor(arena: Arena, root: number) {
    const read = (word: number): number => arena.i32[(root >> 2) + word] as number;
    this.capacity = read(pinnedBufferRoot.word.capacity);
    this.alignBytes = read(pinnedBufferRoot.word.alignBytes);
    this.at = read(pinnedBufferRoot.word.data);
    this.bytes = arena.u8.subarray(this.at, this.at + this.capacity);
    this.handle = arena.objectHandle(pinnedBufferRoot.name as PinnedBufferHandle['kind'], root);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create(options: PinnedBufferOptions): PinnedBuffer {
    const {
      capacity,
      alignBytes = 4096,
      tag = 'pinned-buffer',
      sink = noMemorySink,
      pinner = noPinner,
    } = options;
    checkRange('capacity', capacity, 1, 2 ** 30);
    checkAlignment(alignBytes);
    const arena = options.arena ?? Arena.create({ bytes: capacity + alignBytes + PAGE_BYTES });
    const root = arena.createObject(pinnedBufferRoot);
    const data = arena.allocate(capacity, Math.max(alignBytes, 4));
    arena.i32[(root >> 2) + pinnedBufferRoot.word.capacity] = capacity;
    arena.i32[(root >> 2) + pinnedBufferRoot.word.alignBytes] = alignBytes;
    arena.i32[(root >> 2) + pinnedBufferRoot.word.data] = data;
    const buffer = new PinnedBuffer(arena, root);
    sink.alloc(tag, capacity);
    const pinning = pinner.pin(buffer.bytes);
    buffer.#pinning = pinning;
    buffer.#onDispose = () => {
      if (pinning.pinned) pinner.unpin(buffer.bytes);
      sink.dealloc(tag, capacity);
    };
    return buffer;
  }

  /** A copy of the bytes, at an address that stays. @throws ArgumentRangeError where there are none */
  static from(bytes: Uint8Array, placement: PinnedBufferPlacement = {}): PinnedBuffer {
    const buffer = PinnedBuffer.create({ ...placement, capacity: bytes.byteLength });
    buffer.bytes.set(bytes);
    return buffer;
  }

  /** @throws AttachError */
  static attach(handle: PinnedBufferHandle, arena: Arena = Arena.attach(handle?.arena)): PinnedBuffer {
    const { at } = arena.openObject(pinnedBufferRoot, handle);
    const buffer = new PinnedBuffer(arena, at);
    const last = arena.usedBytes - buffer.capacity;
    if (buffer.capacity < 1)
      throw new AttachError(pinnedBufferRoot.name, 'capacity', buffer.capacity, 'at least 1');
    if (buffer.at < at + pinnedBufferRoot.bytes || buffer.at > last)
      throw new AttachError(
        pinnedBufferRoot.name,
        'data',
        buffer.at,
        `${at + pinnedBufferRoot.bytes} to ${last}`,
      );
    return buffer;
  }

  /** What the creator's pinner said. */
  get pinning(): PinResult {
    return this.#pinning;
  }

  /** Tells sink and pinner of the creator. The memory stays the arena's, and valid. */
  [Symbol.dispose](): void {
    this.#onDispose?.();
    this.#onDispose = undefined;
  }
}
