// What a worker that is stopped again and again shares with the thread that stops it.

/** Words of 32 bits. */
export const STOP_BLOCK = {
  /** Rounds of its loop, wrapping. Written by the worker. */
  rounds: 0,
  /** 1: the worker is asked to stop by itself. Written by the main thread. */
  asked: 1,
  /** 1: it has stopped by itself. Written by the worker. */
  stopped: 2,
} as const;
export const STOP_BLOCK_BYTES = 12;

/** workerData. */
export interface StoppedData {
  readonly block: SharedArrayBuffer;
  /** Register for being parked. */
  readonly parkable: boolean;
}
