// What this package needs from outside, as interfaces of a few lines. `platform` and `perf-counters` happen to satisfy them.

/** Takes values: a timer or histogram of perf-counters is one. */
export interface Recorder {
  record(value: number): void;
}

export const noRecorder: Recorder = { record: () => {} };

export interface WorkerSeat {
  /** 0 to threads - 1; a worker that takes the place of a lost one has its index. */
  readonly worker: number;
  readonly threads: number;
}

/** Where a worker is: what tasks are pinned to, and what says whom it steals from first. What is not known may be missing. */
export interface SeatPlace {
  readonly cpu?: number;
  /** NUMA node. */
  readonly node?: number;
  /** Any number for the last-level cache, the same for CPUs that share it. */
  readonly cache?: number;
}

/** Places the calling thread: on a CPU, a node, with a priority. Called by each worker before it takes tasks. */
export interface Affinity {
  /** May say where that is. */
  place(seat: WorkerSeat): SeatPlace | void | Promise<SeatPlace | void>;
}

export const noAffinity: Affinity = { place: () => {} };

/**
 * Bytes that somebody has leased: a `Lease` or a `PinnedBuffer` of buffer-pool is one. As arguments or a result it stands for those of its bytes that hold something, which are
 * passed where they lie. Whoever has the lease keeps it until the task has ended.
 */
export interface PayloadSource {
  readonly bytes: Uint8Array;
  /** Bytes that hold something, from the first on; all where there is no such property. */
  readonly length?: number;
  /** What tells it from plain data. Not called. */
  give(operation: number): unknown;
}

/** A worker that stands still. */
export interface ParkedThread {
  /** It goes on. Harmless where it does already. @returns how long it stood, in milliseconds; undefined where that is not known */
  resume(): number | undefined;
}

/** Makes a worker stand still in the middle of its JavaScript. `interrupt` of `@corelane/platform/experimental` is one. */
export interface Interrupt {
  /** Of a worker, before it takes tasks. @returns what names it to `park`, plain data. @throws where it can not be parked, with the reason */
  register(): unknown;
  /** Of the owner's thread. Rejects, with the reason, where the worker does not stand still soon. It goes on by itself after `maxMs`. */
  park(ticket: unknown, options: { readonly maxMs: number }): Promise<ParkedThread>;
}
