// What options and the policy make of a task of a client: its lane, its terms, what is measured of it.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { LEVELS, POLICY_DEADLINE } from './layout.ts';
import {
  checkGrace,
  levelIn,
  checkRecorders,
  type ClientOptions,
  type LatencyRecorders,
  type RunOptions,
} from './options.ts';
import { deadlineWord, ignoresPriorities } from './policy.ts';
import { DEFAULT_LEVEL, priorityAt } from './priority.ts';
import { PinnedLanes } from './seats.ts';
import { sharedNowMs } from './shared-clock.ts';
import type { SchedulerTable } from './table.ts';
import { termsOf, type TaskTerms } from './task-terms.ts';
import type { TimingRecorders } from './task-times.ts';
import type { Settle } from './tickets.ts';

const MOST_URGENT: number = LEVELS - 1;

export class TaskRules {
  /** Whether a task has terms though it has no options. */
  readonly areTimed: boolean;
  /** Slots have a record of times. */
  readonly hasTimes: boolean;
  readonly #table: SchedulerTable;
  readonly #pinned: PinnedLanes;
  /** Tasks have one level, whatever their priority. */
  readonly #isLevel: boolean;
  readonly #hasDeadlines: boolean;
  readonly #graceMs: number;
  readonly #latency: LatencyRecorders | undefined;
  readonly #timing: TimingRecorders | undefined;

  /** @throws ArgumentRangeError */
  constructor(table: SchedulerTable, options: ClientOptions) {
    const { latency, timing, graceMs } = options;
    checkRecorders(options);
    if (timing !== undefined && table.times === undefined)
      throw new ArgumentRangeError('timing', timing, 'none, of a scheduler without recordTiming');
    this.#table = table;
    this.#pinned = new PinnedLanes(table);
    this.#isLevel = ignoresPriorities(table.policy);
    this.#graceMs = checkGrace(graceMs);
    this.#latency = latency;
    this.#timing = timing;
    this.areTimed = latency !== undefined || timing !== undefined;
    this.hasTimes = timing !== undefined;
    this.#hasDeadlines = table.policy === POLICY_DEADLINE;
  }

  /** @throws ArgumentRangeError, NoSeatError */
  laneOf(options: RunOptions): number {
    const level = levelIn(options);
    if (options.lane !== undefined) return this.#slowLane(options, level);
    if (options.pin !== undefined) return this.#pinned.laneOf(options.pin);
    if (this.#hasDeadlines && options.deadlineMs !== undefined) return MOST_URGENT; // in line before those without one
    return this.#isLevel ? DEFAULT_LEVEL : level;
  }

  #slowLane({ lane, pin }: RunOptions, level: number): number {
    if (lane !== 'slow') throw new ArgumentRangeError('lane', lane, "'slow', or undefined");
    if (this.#table.slow === undefined)
      throw new ArgumentRangeError('lane', lane, 'none, of a scheduler without option slowLane');
    if (pin !== undefined) throw new ArgumentRangeError('lane', lane, 'none beside pin');
    return LEVELS + this.#table.threads + level;
  }

  /** @returns undefined where it has none. @throws ArgumentRangeError, TaskDeadlineError */
  termsOf(
    task: string,
    id: number,
    lane: number,
    args: unknown,
    resolve: Settle,
    reject: Settle,
    options: RunOptions | undefined,
  ): TaskTerms | undefined {
    const recorder = this.#latency?.[priorityAt(options === undefined ? DEFAULT_LEVEL : levelIn(options))];
    const isTimed = recorder !== undefined || this.hasTimes;
    const startMs = isTimed ? sharedNowMs() : undefined;
    return termsOf(task, id, lane, args, resolve, reject, options, this.#graceMs, recorder, startMs);
  }

  /** @throws ArgumentRangeError */
  graceOf(graceMs: number | undefined): number {
    return checkGrace(graceMs, this.#graceMs);
  }

  /** What its slot holds: 0 for none. */
  deadlineOf(terms: TaskTerms): number {
    return terms.deadlineMs === undefined ? 0 : deadlineWord(terms.deadlineMs, this.#table.startMs);
  }

  /** It has ended, in a slot that is not used again yet. */
  record(slot: number, terms: TaskTerms): void {
    terms.recorder?.record(sharedNowMs() - terms.startMs);
    if (this.#timing !== undefined) this.#table.times?.record(this.#timing, slot, terms.startMs);
  }
}
