// What this package offers to packages that must not import it: they declare the same few lines.

/** Counts memory by tag: a `MemoryTracker` is one. */
export interface MemorySink {
  alloc(tag: string, bytes: number): void;
  dealloc(tag: string, bytes: number): void;
}

export const noMemorySink: MemorySink = { alloc: () => {}, dealloc: () => {} };
