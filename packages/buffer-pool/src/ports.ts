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

export interface PlaceResult {
  /** Whether the pages are, or will be when first touched, as asked. */
  readonly placed: boolean;
  /** Why not. */
  readonly reason?: string;
}

/**
 * Keeps pages in memory, and where they are told to be. It is given views over the shared memory that cover the buffers, whole pages
 * where their alignment is one. What it leaves out is not done, and said to be.
 */
export interface Pinner {
  pin(bytes: Uint8Array): PinResult;
  unpin(bytes: Uint8Array): void;
  /** Puts pages on a NUMA node. Asked before the first of them is touched. */
  bind?(bytes: Uint8Array, node: number): PlaceResult;
  /** Asks for huge pages. Asked before the first of them is touched. */
  hugePages?(bytes: Uint8Array): PlaceResult;
  /** Gives the pages back to the system: they read as zeros, and cost nothing until they are written again. */
  release?(bytes: Uint8Array): unknown;
}

export const noMemorySink: MemorySink = { alloc: () => {}, dealloc: () => {} };

export const noPinner: Pinner = {
  pin: () => ({ pinned: false, reason: 'no pinner was given' }),
  unpin: () => {},
};
