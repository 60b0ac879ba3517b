// What this package needs from outside, as interfaces of a few lines. Leases, pinned buffers and pools of `@corelane/buffer-pool` satisfy them.

/**
 * Memory that knows in whose hands it is: a `Lease` or a `PinnedBuffer`. While the kernel has it, its user can't read, write or release it.
 */
export interface LeasedBuffer {
  /** All of it, on shared memory. Throws where it is not its user's. */
  readonly bytes: Uint8Array;
  /** Bytes that hold something, from the first on. Where there is no such property: all of them do. */
  length?: number;
  /** To the kernel, for an operation with this number, an i32. Throws where it is not its user's. */
  give(operation: number): unknown;
  /** The operation is complete. `false`: nobody waits for the buffer any more, and it has gone back to where it is from. */
  take(operation: number): unknown;
}

/** A buffer that goes back to where it is from: a `Lease`. */
export interface PooledBuffer extends LeasedBuffer, Disposable {
  length: number;
  /** Bytes of the buffer. */
  readonly capacity: number;
  /** Gives it back. Throws where its user has done so, or has it no more. */
  release(): void;
  /** Gives it back, unless that has happened; where the kernel has it, as soon as the kernel lets go. */
  [Symbol.dispose](): void;
}

/** Where buffers come from: a `BufferPool`. */
export interface BufferSource<Kind extends PooledBuffer = PooledBuffer> {
  /** Bytes of each. */
  readonly bufferBytes: number;
  /** A buffer, or undefined where none is free. */
  tryAcquire(): Kind | undefined;
  /** A buffer; waits until one is free. Rejects with `signal.reason`. */
  acquire(options?: { signal?: AbortSignal | undefined; timeoutMs?: number | undefined }): Promise<Kind>;
}
