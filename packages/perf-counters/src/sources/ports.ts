// What sources need from outside, as interfaces of a few lines.

/** CPU time of the calling thread: `ThreadClock` of `@corelane/platform` is one. Opened on the thread that uses it. */
export interface ThreadCpu {
  /** Nanoseconds since the thread began, or from any other start; NaN where it is not known. */
  readNs(): number;
}

/** Events that the processor or the kernel counts for the calling thread: `PerfEvents` of `@corelane/platform` is one. */
export interface HardwareEvents {
  readonly events: readonly string[];
  /** Counts since opening, in the order of `events`; NaN where a count is not known. Never goes back. */
  readInto(values: Float64Array): void;
  /** Tells why a count is not known. */
  read?(): Readonly<Record<string, { readonly value: number | null; readonly reason: string }>>;
}

/** Memory that threads share: `Arena` of `@corelane/shared-memory` is one. */
export interface ArenaUsage {
  readonly bytes: number;
  readonly usedBytes: number;
}

/** Where the time between samples comes from. */
export interface Timers {
  /** Calls `run` every `intervalMs` milliseconds, without keeping the process alive. @returns what stops it */
  every(intervalMs: number, run: () => void): () => void;
}

export const nodeTimers: Timers = {
  every: (intervalMs, run) => {
    const timer = setInterval(run, intervalMs).unref();
    return () => clearInterval(timer);
  },
};
