// What a source is: figures of one kind, read now and then, never per task.
import type { SourceMetrics } from './source-metrics.ts';

/** `thread`: figures of the calling thread, so each thread reads its own. `process`: of the whole process, read by one thread. */
export type SourceScope = 'thread' | 'process';

/** A metric that a source would have, elsewhere or with more. */
export interface Missing {
  readonly metric: string;
  readonly reason: string;
}

/** A source that is being read. */
export interface OpenSource {
  /** Reads and records. A promise where the last part comes later; until then it is not called again. */
  sample(): void | Promise<void>;
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
  /** The last sample threw. It is tried again. */
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
  /** Milliseconds, of all samples. */
  readonly totalMs: number;
  /** Of the longest. */
  readonly maxMs: number;
}
