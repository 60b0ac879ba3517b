// One arena = one shared Wasm memory that never grows. Its base is page-aligned (a plain SharedArrayBuffer is only 16-byte
// aligned), so alignment inside it is real. Objects are allocated and never freed: what comes and goes belongs in a pool.
//
// Tried and rejected: a free list. Every structure here lives as long as its service; a bump pointer cannot fragment or leak,
// and two threads allocate at once with one CAS.
import { ArenaExhaustedError, ArgumentRangeError, AttachError } from './errors.ts';
import { instantiateKernel, type KernelSource, type SharedWasmMemory } from './kernel.ts';
import { arenaRoot, OBJECT_MAGIC } from './layout.ts';
import { alignUp, LINE_BYTES, type Struct } from './struct.ts';

const PAGE_BYTES = 65536;
/** i32 addresses: the upper half of a 4 GiB memory would be negative in a kernel. */
const MAX_BYTES = 0x7fff0000;

/** Plain data that travels through `workerData` and `postMessage`; the other thread calls `Arena.attach`. */
export interface ArenaHandle {
  readonly kind: 'shared-memory/arena';
  readonly memory: SharedWasmMemory;
}

/** Where an object lies: what the handles of all shared objects hold. */
export interface ObjectHandle<Kind extends string = string> {
  readonly kind: Kind;
  readonly arena: ArenaHandle;
  /** Byte address of its root. */
  readonly at: number;
}

export interface ArenaOptions {
  /** Size in bytes; rounded up to 64 KiB pages. The system gives pages when they are first touched. */
  readonly bytes: number;
}

export class Arena {
  readonly handle: ArenaHandle;
  /** The whole memory in views, indexed by address (u8), address >> 2 (i32), address >> 3 (f64). */
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly #kernels = new Map<string, unknown>();

  private constructor(handle: ArenaHandle) {
    this.handle = handle;
    const { buffer } = handle.memory;
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }

  /** @throws ArgumentRangeError */
  static create(options: ArenaOptions): Arena {
    const { bytes } = options;
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > MAX_BYTES)
      throw new ArgumentRangeError('bytes', bytes, `an integer from 1 to ${MAX_BYTES}`);
    const pages = Math.ceil(bytes / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const arena = new Arena({ kind: 'shared-memory/arena', memory });
    arena.#writeHeader(arenaRoot, 0, arena.bytes);
    arena.i32[arenaRoot.word.totalBytes] = arena.bytes;
    // Tells arenas of a process apart, and keeps nothing secret: loading `crypto` for it takes 10 ms.
    arena.i32.set([Math.random() * 2 ** 32, Math.random() * 2 ** 32], arenaRoot.word.identity);
    Atomics.store(arena.i32, arenaRoot.word.top, arenaRoot.bytes);
    return arena;
  }

  /** @throws AttachError where the handle is not one of an arena of this layout */
  static attach(handle: ArenaHandle): Arena {
    const kind = arenaRoot.name;
    if (typeof handle !== 'object' || handle === null)
      throw new AttachError(kind, 'handle', handle, 'the handle of an arena, or of an object in one');
    if (handle.kind !== kind) throw new AttachError(kind, 'handle.kind', handle.kind, kind);
    const { memory } = handle;
    if (!(memory instanceof WebAssembly.Memory) || !(memory.buffer instanceof SharedArrayBuffer))
      throw new AttachError(kind, 'handle.memory', memory, 'a shared WebAssembly.Memory');
    const arena = new Arena(handle);
    arena.#checkHeader(arenaRoot, 0, arena.bytes);
    const total = arena.i32[arenaRoot.word.totalBytes];
    if (total !== arena.bytes) throw new AttachError(kind, 'totalBytes', total, arena.bytes);
    return arena;
  }

  /** Size in bytes. */
  get bytes(): number {
    return this.u8.byteLength;
  }

  /** Bytes allocated so far, with padding. */
  get usedBytes(): number {
    return Atomics.load(this.i32, arenaRoot.word.top);
  }

  /**
   * Takes zeroed bytes that stay where they are for the life of the arena. Any thread may call it; it never blocks.
   * @returns the address of the first byte, a multiple of `alignBytes` (a power of two, 128 by default)
   * @throws ArenaExhaustedError, ArgumentRangeError
   */
  allocate(bytes: number, alignBytes: number = LINE_BYTES): number {
    if (!Number.isSafeInteger(bytes) || bytes < 0)
      throw new ArgumentRangeError('bytes', bytes, 'an integer of at least 0');
    if (
      !Number.isInteger(alignBytes) ||
      alignBytes < 4 ||
      alignBytes > MAX_BYTES ||
      (alignBytes & (alignBytes - 1)) !== 0
    )
      throw new ArgumentRangeError('alignBytes', alignBytes, 'a power of two of at least 4');
    while (true) {
      const top = Atomics.load(this.i32, arenaRoot.word.top);
      const at = alignUp(top, alignBytes);
      if (at + bytes > this.bytes) throw new ArenaExhaustedError(bytes, this.bytes - top, this.bytes);
      // publish: pairs with the same CAS on another thread; whoever wins owns [at, at + bytes).
      if (Atomics.compareExchange(this.i32, arenaRoot.word.top, top, at + bytes) === top) return at;
    }
  }

  /**
   * Allocates an object: its root struct, and what follows it.
   * @param lengthBytes of the whole object, at least `layout.bytes`
   * @returns the address of its root
   */
  createObject(layout: Struct, lengthBytes: number = layout.bytes): number {
    if (!layout.root) throw new ArgumentRangeError('layout', layout.name, 'a root()');
    if (!Number.isSafeInteger(lengthBytes) || lengthBytes < layout.bytes)
      throw new ArgumentRangeError('lengthBytes', lengthBytes, `at least ${layout.bytes}`);
    const at = this.allocate(lengthBytes, layout.alignBytes);
    this.#writeHeader(layout, at, lengthBytes);
    return at;
  }

  /** The handle of an object that `createObject` made. */
  objectHandle<Kind extends string>(kind: Kind, at: number): ObjectHandle<Kind> {
    return { kind, arena: this.handle, at };
  }

  /**
   * Checks that a handle leads to an object of this layout in this arena: kind, arena, address, magic, version, layout hash and
   * length.
   * @returns the address of its root and the length of the object in bytes
   * @throws AttachError
   */
  openObject(layout: Struct, handle: ObjectHandle): { at: number; lengthBytes: number } {
    if (typeof handle !== 'object' || handle === null)
      throw new AttachError(layout.name, 'handle', handle, 'an object');
    if (handle.kind !== layout.name)
      throw new AttachError(layout.name, 'handle.kind', handle.kind, layout.name);
    if (handle.arena !== this.handle && !this.#isMemoryOf(handle.arena))
      throw new AttachError(layout.name, 'handle.arena', 'another arena', 'the arena to open it in');
    const { at } = handle;
    const used = this.usedBytes;
    const last = used - layout.bytes;
    if (!Number.isInteger(at) || at < 0 || at > last || at % layout.alignBytes !== 0)
      throw new AttachError(
        layout.name,
        'handle.at',
        at,
        `a multiple of ${layout.alignBytes} from 0 to ${last}`,
      );
    return { at, lengthBytes: this.#checkHeader(layout, at, used - at) };
  }

  /** The exports of a kernel bound to this memory; instantiated once. */
  kernel<Exports>(source: KernelSource<Exports>): Exports {
    let exports = this.#kernels.get(source.base64) as Exports | undefined;
    if (exports === undefined) {
      exports = instantiateKernel(source, this.handle.memory);
      this.#kernels.set(source.base64, exports);
    }
    return exports;
  }

  /** The same, instantiated anew: for a kernel whose globals are somebody's state. */
  ownKernel<Exports>(source: KernelSource<Exports>): Exports {
    return instantiateKernel(source, this.handle.memory);
  }

  #writeHeader(layout: Struct, at: number, lengthBytes: number): void {
    const word = (at >> 2) + arenaRoot.word.magic;
    this.i32[word] = OBJECT_MAGIC;
    this.i32[(at >> 2) + arenaRoot.word.layoutHash] = layout.hash;
    this.i32[(at >> 2) + arenaRoot.word.layoutVersion] = layout.version;
    this.i32[(at >> 2) + arenaRoot.word.lengthBytes] = lengthBytes;
  }

  /** Is this a handle of the same memory? Each structured clone is another object, so objects cannot be compared. */
  #isMemoryOf(other: ArenaHandle): boolean {
    const found = Arena.attach(other).i32;
    const word = arenaRoot.word.identity;
    return found[word] === this.i32[word] && found[word + 1] === this.i32[word + 1];
  }

  #checkHeader(layout: Struct, at: number, mostBytes: number): number {
    const read = (word: number): number => this.i32[(at >> 2) + word] as number;
    const magic = read(arenaRoot.word.magic);
    if (magic !== OBJECT_MAGIC) throw new AttachError(layout.name, 'magic', hex(magic), hex(OBJECT_MAGIC));
    const version = read(arenaRoot.word.layoutVersion);
    if (version !== layout.version)
      throw new AttachError(layout.name, 'layout version', version, layout.version);
    const hash = read(arenaRoot.word.layoutHash);
    if (hash !== layout.hash) throw new AttachError(layout.name, 'layout hash', hex(hash), hex(layout.hash));
    const length = read(arenaRoot.word.lengthBytes);
    if (length < layout.bytes || length > mostBytes)
      throw new AttachError(layout.name, 'length in bytes', length, `${layout.bytes} to ${mostBytes}`);
    return length;
  }
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}
