// What a suite is. A suite has no side effects when imported: everything is created in `setup` and freed in `teardown`.

/**
 * - `ours`: a case of this repository; the first one of a group is what the table's ratios refer to.
 * - `peer`: the best version of an alternative.
 * - `limit`: what the machine can do at all.
 * - `empty`: the loop around nothing. Its time per operation is subtracted from every other case of the group.
 */
export type Role = 'ours' | 'peer' | 'limit' | 'empty';

export interface BatchResult {
  /** Operations that succeeded. Fewer than were asked for is an error rate above 0, which fails the run. */
  readonly successful: number;
  /** Nanoseconds that the operations took, where the case knows better than the runner's clock around `batch`. */
  readonly elapsedNs?: number;
  /** Further figures of this batch, printed below the table. */
  readonly metrics?: Readonly<Record<string, Metric>>;
}

export interface Metric {
  readonly value: number;
  /** Printed after the value: `ns`, `B`, `requests/s`, … */
  readonly unit: string;
}

interface Totals {
  /** Successful operations of all batches since `setup`: warm-up, calibration, dropped rounds and counted ones. */
  readonly operations: number;
}

/** A function that is cheap enough to be timed only in batches. */
export interface BatchCase {
  readonly name: string;
  readonly role: Role;
  /** One line below the table: what differs, which options, why it is fair. */
  readonly note?: string;
  /** Batches hold a multiple of this many operations; the multiple is calibrated. Default 1. */
  readonly opsPerBatch?: number;
  /** Of a quick run, where so many are for the figures alone. */
  readonly quickOpsPerBatch?: number;
  /** Measure the bytes of JS heap allocated per operation, in a process of its own. */
  readonly allocation?: boolean;
  /** The case of ours that the table's ratio refers to. Default: the first of the group. */
  readonly against?: string;
  /** Its loop is not the one of the empty case, and costs next to nothing (C): nothing is subtracted from its time. */
  readonly bare?: boolean;
  /** Throws a NotMeasurableError where this machine cannot run the case. */
  setup?(): void | Promise<void>;
  /** Does `operations` operations and returns how many succeeded. */
  batch(operations: number): number | BatchResult | Promise<number | BatchResult>;
  /** What is wrong with the final state, or undefined where it is right. Runs once, before `teardown`. */
  check(totals: Totals): string | undefined | Promise<string | undefined>;
  teardown?(): void | Promise<void>;
}

interface ScenarioContext {
  /** A quick run: as short as the check allows. */
  readonly quick: boolean;
  readonly seed: number;
}

/** Something that runs whole processes for seconds and yields figures of its own. */
export interface Scenario {
  readonly name: string;
  readonly role: Exclude<Role, 'empty'>;
  readonly note?: string;
  /** Throws a NotMeasurableError where this machine cannot run it. */
  setup?(): void | Promise<void>;
  run(context: ScenarioContext): Promise<Readonly<Record<string, Metric>>>;
  /** What is wrong with the state that this run left, or undefined. Runs after every `run`. */
  check(metrics: Readonly<Record<string, Metric>>): string | undefined | Promise<string | undefined>;
  teardown?(): void | Promise<void>;
}

/**
 * A target on a figure of the case `of`, or, with `against`, on its ratio to the same figure of another case in the same round:
 * `{ of: 'ours', against: 'limit', atMost: 1.6 }`, `{ of: 'opossum', against: 'ours', atLeast: 15 }`.
 */
export type Claim = {
  readonly of: string;
  readonly against?: string;
  /** Default `NS_PER_OP`. */
  readonly metric?: string;
} & (
  | { readonly atMost: number; readonly atLeast?: never }
  | { readonly atLeast: number; readonly atMost?: never }
);

/**
 * A figure that others have published, printed beside what is measured here. `measured` says how: million operations a second by a
 * case's time, a metric of it, or its time by that of `against` in percent.
 */
export interface PublishedFigure {
  readonly what: string;
  /** As it was published: `2.1`. */
  readonly published: string;
  readonly unit: 'M ops/s' | 'ns' | '%';
  readonly of: string;
  /** With unit `ns`. */
  readonly metric?: string;
  /** With unit `%`: 100 is as fast as this case. */
  readonly against?: string;
}

/** Where published figures are from. */
export interface Publication {
  readonly source: string;
  readonly figures: readonly PublishedFigure[];
}

interface GroupBase {
  readonly name: string;
  readonly title: string;
  /** What one operation is, and what the comparison leaves out. */
  readonly note?: string;
  readonly claims?: readonly Claim[];
  /** Printed below the table, never as a target. */
  readonly publication?: Publication;
  /** The group's process is killed, and the run fails, after this long. Default 300. */
  readonly timeoutSeconds?: number;
}

export interface BatchGroup extends GroupBase {
  readonly kind: 'batch';
  readonly cases: readonly BatchCase[];
}

export interface ScenarioGroup extends GroupBase {
  readonly kind: 'scenario';
  readonly scenarios: readonly Scenario[];
  /** Rounds of a full run; a quick one does 1. */
  readonly rounds: number;
}

/** Cases that are compared with each other: one process, interleaved in random order per round. */
export type Group = BatchGroup | ScenarioGroup;

export interface Suite {
  readonly name: string;
  readonly title: string;
  readonly groups: readonly Group[];
}

/** A line of the registry. Suites load on demand: one that is broken does not stop the others. */
export interface SuiteEntry {
  readonly name: string;
  readonly title: string;
  load(): Promise<Suite>;
}

export const NS_PER_OP = 'nsPerOp';
export const BYTES_PER_OP = 'bytesPerOp';

export function subjectsOf(group: Group): readonly (BatchCase | Scenario)[] {
  return group.kind === 'batch' ? group.cases : group.scenarios;
}
