// What this package needs from outside, as interfaces of a few lines. `platform` and `memory-tracker` happen to satisfy them.

/** Counts memory by tag: what a pool or a pinned buffer takes of its arena, and when it is disposed of. */
export interface MemorySink {
  alloc(tag: string, bytes: number): void;
  dealloc(tag: string, bytes: number): void;
}

export interface PinResult {
  /** Whether the pages can not be moved or swapped out any more. */
  readonly pinned: boolean;
  /** Why not. */
  readonly reason?: string;
}

/** Keeps pages in memory. It is given a view over the shared memory that covers the buffers. */
export interface Pinner {
  pin(bytes: Uint8Array): PinResult;
  unpin(bytes: Uint8Array): void;
  /** Gives the pages back to the system: they read as zeros, and cost nothing until they are written again. */
  release?(bytes: Uint8Array): unknown;
}

export const noMemorySink: MemorySink = { alloc: () => {}, dealloc: () => {} };

export const noPinner: Pinner = {
  pin: () => ({ pinned: false, reason: 'no pinner was given' }),
  unpin: () => {},
};
