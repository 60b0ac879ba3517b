/**
 * Buffers of a ring's own, for streams and copies that are given no pool. They come in slabs, each twice as large as the one before, since a ring
 * knows of no more than 64 memories; a slab stays with its ring. Free ones are reused last in first out, while they are in the cache.
 */
import { IoMemoryError } from '../errors.ts';
import type { IoRing } from '../io-ring.ts';
import type { BufferSource, PooledBuffer } from '../ports.ts';

/** Bytes of each. Measured (test/stream-cost.ts): long enough that promises and the waking of threads are a small share, short enough for the cache. */
const OWN_BUFFER_BYTES = 512 * 1024;
const FIRST_SLAB_BUFFERS = 8;

const byRing = new WeakMap<IoRing, OwnBuffers>();

/** The buffers of a ring. */
export function ownBuffersOf(ring: IoRing): BufferSource {
  let own = byRing.get(ring);
  if (own === undefined) {
    own = new OwnBuffers();
    byRing.set(ring, own);
  }
  return own;
}

class OwnBuffers implements BufferSource {
  readonly bufferBytes = OWN_BUFFER_BYTES;
  readonly #free: Uint8Array[] = [];
  #slabBuffers = FIRST_SLAB_BUFFERS;

  tryAcquire(): PooledBuffer {
    if (this.#free.length === 0) this.#grow();
    return new OwnBuffer(this.#free.pop() as Uint8Array, this.#free);
  }

  async acquire(): Promise<PooledBuffer> {
    return this.tryAcquire();
  }

  #grow(): void {
    const bytes = this.#slabBuffers * OWN_BUFFER_BYTES;
    const slab = new SharedArrayBuffer(bytes, { maxByteLength: bytes }); // this form is page-aligned, which O_DIRECT needs
    for (let at = bytes - OWN_BUFFER_BYTES; at >= 0; at -= OWN_BUFFER_BYTES)
      this.#free.push(new Uint8Array(slab, at, OWN_BUFFER_BYTES));
    this.#slabBuffers *= 2;
  }
}

/** Numbers of operations are positive. */
const NOBODY = -1;

class OwnBuffer implements PooledBuffer {
  length = 0;
  readonly capacity = OWN_BUFFER_BYTES;
  readonly #view: Uint8Array;
  readonly #home: Uint8Array[];
  #operation = NOBODY;
  #ended = false;

  constructor(view: Uint8Array, home: Uint8Array[]) {
    this.#view = view;
    this.#home = home;
  }

  get bytes(): Uint8Array {
    this.#check();
    return this.#view;
  }

  give(operation: number): void {
    this.#check();
    this.#operation = operation;
  }

  take(operation: number): boolean {
    if (this.#operation !== operation)
      throw new IoMemoryError(`the buffer is with operation ${this.#operation}, not with ${operation}`);
    this.#operation = NOBODY;
    if (this.#ended) this.#home.push(this.#view);
    return !this.#ended;
  }

  release(): void {
    this.#check();
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#operation === NOBODY) this.#home.push(this.#view); // else `take` does it
  }

  #check(): void {
    if (this.#ended) throw new IoMemoryError('the buffer was released');
    if (this.#operation !== NOBODY) throw new IoMemoryError('the kernel has the buffer');
  }
}
