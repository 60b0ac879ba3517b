// What runs tasks on threads: the scheduler, a library, or a message port by hand.

export interface ContestantOptions {
  /** Workers, all of them from the start. */
  readonly threads: number;
  /** Tasks that are under way at once, at most. */
  readonly inFlight: number;
  /** Of the largest argument. */
  readonly payloadBytes: number;
}

/** One that is started. Every function submits one task; its promise is that of the task's result. */
export interface Contestant {
  double(n: number): Promise<number>;
  digest(payload: Uint8Array): Promise<string>;
  whoRuns(n: number): Promise<number>;
  holdWhile(path: string): Promise<number>;
  /** Memory that payloads are best made in; by default what `new Uint8Array` gives. */
  allocate?(bytes: number): Uint8Array;
  /** Tasks that may be under way before it loses some without a word. */
  readonly mostPending?: number;
  close(): Promise<unknown> | void;
}

/**
 * Begins to start one. Tasks may be submitted once it has resolved, whether workers are ready or not.
 * @throws NotMeasurableError where this machine, or this version of it, cannot
 */
export type StartContestant = (options: ContestantOptions) => Promise<Contestant> | Contestant;
