// What the process of a group sends back: raw samples and what went wrong. Plain data.
import type { ClockCost } from './clock.ts';
import type { RoundLog } from './rounds.ts';

export interface RawSeries {
  readonly unit: string;
  /** One a counted round, or one an allocation sample. */
  readonly samples: readonly number[];
}

export interface RawCase {
  readonly name: string;
  /** Successful operations of all batches, or runs of a scenario. */
  readonly operations: number;
  /** Calibrated size of a batch; 1 for a scenario. */
  readonly operationsPerBatch: number;
  readonly series: Readonly<Record<string, RawSeries>>;
  /** Why this machine cannot run the case, or null where it can. */
  readonly unavailable: string | null;
}

export interface Failure {
  /** The case that failed, or null where the whole group did. */
  readonly case: string | null;
  readonly reason: string;
}

export interface RawGroup {
  readonly cases: readonly RawCase[];
  readonly failures: readonly Failure[];
  readonly rounds: readonly RoundLog[];
  readonly conclusive: boolean;
  readonly clock: ClockCost | null;
}
