// What a spinning worker and the main thread share.

/** Words of a spinner's block. Each is one bigint. */
export const SPIN_BLOCK = {
  /** The worker spins while it is odd. Written by the main thread. */
  phase: 0,
  /** The last phase of which the worker has seen the end. Written by the worker. */
  rested: 1,
  /** Rounds of the loop so far. Written by the worker. */
  rounds: 2,
} as const;
export const SPIN_BLOCK_BYTES = 24;

/** workerData. */
export interface SpinnerData {
  readonly block: SharedArrayBuffer;
}

/** What the worker says when it is ready: its thread id, or why there is none. */
export type SpinnerReady = { readonly tid: number } | { readonly lacking: string };
