// What runs tasks on threads: the scheduler, a library, or a message port by hand.

export interface ContestantOptions {
  /** Workers, all of them from the start. */
  readonly threads: number;
  /** Tasks that are under way at once, at most. */
  readonly inFlight: number;
  /** Of the largest argument. */
  readonly payloadBytes: number;
}

/** One that is started. Every function but `doubleMany` submits one task; its promise is that of the task's result. */
export interface Contestant {
  readonly double: (n: number) => Promise<number>;
  /** The same for a list at once, where it has such a thing. */
  readonly doubleMany?: (list: readonly number[]) => Promise<readonly number[]>;
  /** The same without a promise. */
  readonly doubleThen?: (
    n: number,
    onResult: (result: number) => void,
    onError: (error: unknown) => void,
  ) => void;
  readonly digest: (payload: Uint8Array) => Promise<string>;
  readonly whoRuns: (n: number) => Promise<number>;
  readonly holdWhile: (path: string) => Promise<number>;
  /** Memory that payloads are best made in; by default what `new Uint8Array` gives. */
  readonly allocate?: (bytes: number) => Uint8Array;
  /** Tasks that may be under way before it loses some without a word. */
  readonly mostPending?: number;
  readonly close: () => Promise<unknown> | void;
}

/**
 * Begins to start one. Tasks may be submitted at once, whether workers are ready or not.
 * @throws NotMeasurableError where this machine, or this version of it, cannot
 */
export type StartContestant = (options: ContestantOptions) => Contestant;
