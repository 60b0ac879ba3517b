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

/** Places the calling thread: on a CPU, a node, with a priority. Called by each worker before it takes tasks. */
export interface Affinity {
  place(seat: WorkerSeat): void | Promise<void>;
}

export const noAffinity: Affinity = { place: () => {} };
