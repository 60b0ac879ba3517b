// What a source is: figures of one kind, read now and then, never per task.
import type { SourceMetrics } from './source-metrics.ts';

/** `thread`: figures of the calling thread, so each thread reads its own. `process`: of the whole process, read by one thread. */
export type SourceScope = 'thread' | 'process';

/** A metric that a source would have, elsewhere or with more. */
export interface Missing {
  readonly metric: string;
  readonly reason: string;
}

export interface SampleContext {
  /** Aborts when the sample is given up: it is late, or the sources are disposed. */
  readonly signal: AbortSignal;
}

/** Records what a promise was waited for: called at once, or never where the sample was given up meanwhile. */
export type LateRecord = () => void;

/** A source that is being read. */
export interface OpenSource {
  /**
   * Reads and records. A promise where the last part comes later; until it has settled, this is not called again. What it records by
   * itself when it was given up stands: the function that the promise may give does not, nor does who looks at the signal.
   */
  sample(context: SampleContext): void | Promise<void | LateRecord>;
  /** What of it this machine has not. */
  missing?(): readonly Missing[];
  /** Lets go of observers and timers. */
  close?(): void;
}

/** Nothing of the source is to be had. */
export interface Absent {
  readonly absent: string;
}

export interface Source {
  readonly name: string;
  readonly scope: SourceScope;
  /** Reading it takes long where there is much to count: it has the slower interval. */
  readonly isSlow?: boolean;
  /** Begins, with its metrics defined; of a source of the process again and again, on whichever thread publishes it. */
  open(metrics: SourceMetrics): OpenSource | Absent;
}

export type SourceStatus =
  /** Read at each interval. */
  | 'active'
  /** Not to be had here, or nothing was given to read it from. */
  | 'absent'
  /** Of the process, and another thread publishes it, or this one was told not to. */
  | 'elsewhere'
  /** The last sample threw or was late. It is tried again, once it has ended. */
  | 'failing';

/** Plain data. */
export interface SourceCapability {
  /** Of the source. */
  readonly name: string;
  readonly scope: SourceScope;
  readonly status: SourceStatus;
  /** Null where it is active. */
  readonly reason: string | null;
  /** Names of the metrics that it has. */
  readonly metrics: readonly string[];
  /** Of an active source: what it has not. */
  readonly missing: readonly Missing[];
}

/** What reading a source has taken on this thread. Plain data. */
export interface SourceCost {
  /** Of the source. */
  readonly name: string;
  readonly samples: number;
  /** How often it threw, was late, or had still not ended when its turn came again. */
  readonly failures: number;
  /** Milliseconds, of all samples: what it keeps this thread from, not what it waits for. */
  readonly totalMs: number;
  /** Of the longest. */
  readonly maxMs: number;
}
