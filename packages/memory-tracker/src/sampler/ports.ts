// What the sampler takes from outside.

/** Something whose memory is sampled. Its figures become series named `name.figure`. */
export interface MemorySource {
  readonly name: string;
  /** Bytes by figure, now: figures that are not to be had are left out. Synchronous; what it throws makes the sample a gap. */
  read(): Readonly<Record<string, number>>;
}

/** Time and its passing. */
export interface SamplerClock {
  /** Milliseconds that never go back. */
  now(): number;
  /** Calls back every so many milliseconds. @returns what stops that */
  every(intervalMs: number, callback: () => void): () => void;
}

/** `performance` and a timer that does not keep the process alive. */
export const systemClock: SamplerClock = {
  now: () => performance.now(),
  every(intervalMs, callback) {
    const timer = setInterval(callback, intervalMs).unref();
    return () => clearInterval(timer);
  },
};

/** The part of an `Arena` of @corelane/shared-memory that is sampled. */
export interface SampledArena {
  readonly bytes: number;
  readonly usedBytes: number;
}

/** The part of a `BufferPool` of @corelane/buffer-pool that is sampled. */
export interface SampledPool {
  stats(): { readonly bytes: number; readonly capacity: number; readonly inUse: number };
}

/** The part of a `MemoryReader`, or a `MemoryTracker`, that is sampled. */
export interface SampledTracker {
  read(): {
    readonly tags: readonly { readonly tag: string; readonly currentBytes: number }[];
    readonly totals: { readonly currentBytes: number };
  };
}
