// The JSON document of a run. report.schema.json beside the package describes the same shape.
import type { ClaimResult } from './claims.ts';
import type { ClockCost } from './clock.ts';
import type { Environment } from './environment.ts';
import type { Failure } from './group-report.ts';
import type { Profile } from './profile.ts';
import type { RoundLog } from './rounds.ts';
import type { Summary } from './statistics.ts';
import type { Role } from './suite.ts';

export const SCHEMA = 'corelane-bench/1';

export interface SeriesReport extends Summary {
  readonly unit: string;
  readonly samples: readonly number[];
}

export interface CaseReport {
  readonly name: string;
  readonly role: Role;
  readonly note: string | null;
  /** Why this machine cannot run the case, or null where it can. */
  readonly unavailable: string | null;
  readonly operations: number;
  readonly operationsPerBatch: number;
  readonly metrics: Readonly<Record<string, SeriesReport>>;
}

/** Time per operation of a case by that of the `ours` that it is compared with, paired by round: above 1 where ours is faster. */
export interface RatioReport {
  readonly of: string;
  readonly against: string;
  readonly median: number;
  readonly interval: readonly [low: number, high: number];
}

/** A figure that others have published, and the same measured here; null where it was not. */
export interface PublishedReport {
  readonly what: string;
  readonly published: string;
  readonly measured: number | null;
  readonly unit: string;
}

export interface GroupReport {
  readonly name: string;
  readonly title: string;
  readonly note: string | null;
  readonly kind: 'batch' | 'scenario';
  readonly cases: readonly CaseReport[];
  readonly ratios: readonly RatioReport[];
  readonly claims: readonly ClaimResult[];
  readonly publication: { readonly source: string; readonly figures: readonly PublishedReport[] } | null;
  readonly failures: readonly Failure[];
  readonly rounds: readonly RoundLog[];
  readonly conclusive: boolean;
  readonly clock: ClockCost | null;
}

export interface SuiteReport {
  readonly name: string;
  readonly title: string;
  readonly groups: readonly GroupReport[];
}

export interface Verdict {
  readonly exitCode: 0 | 1 | 3;
  readonly reasons: readonly string[];
}

export interface BenchDocument {
  readonly schema: typeof SCHEMA;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly environment: Environment;
  readonly profile: Profile & { readonly strict: boolean };
  readonly suites: readonly SuiteReport[];
  readonly verdict: Verdict;
}
