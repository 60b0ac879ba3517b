// Options of fibres and of their schedulers, checked once, with their defaults.
import { ArgumentRangeError } from '@corelane/shared-memory';
import type { CpuClock } from '../budgets/cpu-clock.ts';
import { checkHooks } from '../budgets/hook-slot.ts';
import type { TaskHooks } from '../budgets/hooks.ts';
import { checkNames } from '../budgets/known-options.ts';
import type { TierChoice, TierPlan } from '../budgets/tier-table.ts';
import { hasBudgets, watchOptions } from '../monitor/watch-options.ts';
import { DEFAULT_LEVEL, levelOf, PRIORITIES, type Priority } from '../priority.ts';
import { FIBRE_POLICIES, type FibrePolicy } from './ready-queue.ts';
import type { Fibre } from './fibre.ts';

export interface FibreSchedulerOptions {
  /** Which fibre goes on next; `priority` by default, which is round robin where all are equal. */
  readonly policy?: FibrePolicy;
  /** Milliseconds after which a fibre makes way for others at its next `yield`; 10 by default. 0: at each. Not of `fifo`, which has no slices. */
  readonly sliceMs?: number;
  /** Longest time between two turns of the event loop while there are fibres that can go on, in milliseconds; 10 by default. */
  readonly turnEveryMs?: number;
  /** Of `priority`: one that has waited for so long has a slice whatever its priority; 100 by default. Infinity: never. */
  readonly ageingMs?: number;
  /** Fibres that have not ended, at most; 1,000,000 by default. */
  readonly maxFibres?: number;
  /** What a switch may take on average, in nanoseconds: `stats().switches.isTargetMet`; 500 by default. */
  readonly switchTargetNs?: number;
  /** One in so many switches is timed, for two readings of the clock; 128 by default. 0: none. */
  readonly timeEvery?: number;
  /**
   * Watches how long each run of a fibre takes, and its budget: it rises and falls in tiers, as tasks of a pool do. From tier `yield` on it makes way at every yield, at `isolate` it has
   * `isolatedShare`. Off by default, and free then; else a look at the clock for each run.
   */
  readonly budgets?: TierChoice | false;
  /** Of `budgets`: isolated fibres have one turn in so many, as a share of all, where others could go on; 0.25 by default, 0.5 at most. 1: they are as others. */
  readonly isolatedShare?: number;
  /** Of `budgets`: what is called around runs, see `setHooks`. */
  readonly hooks?: TaskHooks;
  /** Of `budgets`: the clock of CPU time; that of Node by default, where it has one. */
  readonly clock?: CpuClock;
  /** Called where a fibre has failed and nobody has asked how it ends. By default that is an unhandled rejection. */
  readonly onError?: (error: unknown, fibre: Fibre) => void;
}

export interface FibreOptions {
  /** What it is called in errors and statistics; `fibre <id>` by default, or the function's name. */
  readonly name?: string;
  /** Of policy `priority`: a name, or 0 to 20, the last the most urgent: critical is 20, high 15, normal (the default) 10, low 5. */
  readonly priority?: Priority | number;
  /** Its own; by default that of the scheduler. */
  readonly sliceMs?: number;
  /** Of policy `deadline`: milliseconds since the epoch, by `performance.timeOrigin + performance.now()`, or `Date.now()`. Orders fibres, and ends none. */
  readonly deadlineMs?: number;
  /** Cancels it; `join` rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
}

export interface FibrePlan {
  readonly policy: FibrePolicy;
  readonly sliceMs: number;
  readonly turnEveryMs: number;
  readonly ageingMs: number;
  readonly maxFibres: number;
  readonly switchTargetNs: number;
  readonly timeEvery: number;
  readonly onError: ((error: unknown, fibre: Fibre) => void) | undefined;
  /** undefined: nothing is watched. */
  readonly budgets: TierPlan | undefined;
  readonly isolatedShare: number;
  readonly hooks: TaskHooks | undefined;
  readonly cpuClock: CpuClock | undefined;
}

/** As of `sliceMs` of a pool. Guessed. */
const SLICE_MS = 10;
/** As of the workers of a pool. Guessed. */
const TURN_EVERY_MS = 10;
const AGEING_MS = 100;
const MAX_FIBRES = 1_000_000;
/** What the reference systems aim at for a context switch. */
const SWITCH_TARGET_NS = 500;
/** Two readings of the clock in 128 switches: less than a nanosecond each. */
const TIME_EVERY = 128;
const MAX_MS = 2 ** 31 - 1;

const SCHEDULER_OPTIONS = [
  'policy',
  'sliceMs',
  'turnEveryMs',
  'ageingMs',
  'maxFibres',
  'switchTargetNs',
  'timeEvery',
  'onError',
  'budgets',
  'isolatedShare',
  'hooks',
  'clock',
];
const OPTIONS = ['name', 'priority', 'sliceMs', 'deadlineMs', 'signal'];

/** @throws ArgumentRangeError */
export function fibrePlan(options: FibreSchedulerOptions): FibrePlan {
  checkNames('options', options, SCHEDULER_OPTIONS);
  const { policy = 'priority', onError, sliceMs = SLICE_MS, turnEveryMs = TURN_EVERY_MS } = options;
  const {
    timeEvery = TIME_EVERY,
    ageingMs = AGEING_MS,
    maxFibres = MAX_FIBRES,
    switchTargetNs = SWITCH_TARGET_NS,
  } = options;
  if (!FIBRE_POLICIES.includes(policy))
    throw new ArgumentRangeError('policy', policy, `one of ${FIBRE_POLICIES.join(', ')}`);
  if (policy === 'fifo' && options.sliceMs !== undefined)
    throw new ArgumentRangeError('sliceMs', options.sliceMs, 'none, where policy is fifo');
  if (policy !== 'priority' && options.ageingMs !== undefined)
    throw new ArgumentRangeError(
      'ageingMs',
      options.ageingMs,
      `none, where policy is ${policy} and not priority`,
    );
  if (onError !== undefined && typeof onError !== 'function')
    throw new ArgumentRangeError('onError', onError, 'a function');
  return {
    policy,
    sliceMs: policy === 'fifo' ? Infinity : checkMs('sliceMs', sliceMs),
    turnEveryMs: checkMs('turnEveryMs', turnEveryMs),
    ageingMs: ageingMs === Infinity ? Infinity : checkMs('ageingMs', ageingMs, 1),
    maxFibres: checkCount('maxFibres', maxFibres, 1),
    switchTargetNs: checkCount('switchTargetNs', switchTargetNs, 1),
    timeEvery: checkCount('timeEvery', timeEvery, 0),
    onError,
    ...watchOptions({ budgets: options.budgets, isolatedShare: options.isolatedShare }),
    ...watchParts(options),
  };
}

/** @throws ArgumentRangeError */
export function checkFibre(options: FibreOptions, policy: FibrePolicy): void {
  checkNames('options', options, OPTIONS);
  const { name, sliceMs, deadlineMs, signal } = options;
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    throw new ArgumentRangeError('name', name, 'text');
  if (sliceMs !== undefined) {
    if (policy === 'fifo') throw new ArgumentRangeError('sliceMs', sliceMs, 'none, where policy is fifo');
    checkMs('sliceMs', sliceMs);
  }
  if (deadlineMs !== undefined) {
    if (policy !== 'deadline')
      throw new ArgumentRangeError(
        'deadlineMs',
        deadlineMs,
        `none, where policy is ${policy} and not deadline`,
      );
    if (typeof deadlineMs !== 'number' || Number.isNaN(deadlineMs))
      throw new ArgumentRangeError('deadlineMs', deadlineMs, 'milliseconds since the epoch');
  }
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new ArgumentRangeError('signal', signal, 'an AbortSignal');
}

/** @throws ArgumentRangeError */
export function levelIn({ priority }: FibreOptions): number {
  if (priority === undefined) return DEFAULT_LEVEL;
  const level = levelOf(priority);
  if (level >= 0) return level;
  throw new ArgumentRangeError('priority', priority, `0 to 20, or one of ${PRIORITIES.join(', ')}`);
}

function watchParts({ budgets, hooks, clock }: FibreSchedulerOptions): Pick<FibrePlan, 'hooks' | 'cpuClock'> {
  for (const [option, value] of Object.entries({ hooks, clock }))
    if (value !== undefined && !hasBudgets(budgets))
      throw new ArgumentRangeError(option, value, 'none without option budgets');
  if (hooks !== undefined) checkHooks(hooks);
  if (clock !== undefined && typeof (clock as Partial<CpuClock> | null)?.nowMs !== 'function')
    throw new ArgumentRangeError('clock', clock, 'a CpuClock, with nowMs()');
  return { hooks, cpuClock: clock };
}

function checkMs(name: string, ms: number, least = 0): number {
  if (typeof ms === 'number' && ms >= least && ms <= MAX_MS) return ms;
  throw new ArgumentRangeError(name, ms, `${least} to ${MAX_MS}`);
}

function checkCount(name: string, count: number, least: number): number {
  if (Number.isInteger(count) && count >= least && count <= MAX_MS) return count;
  throw new ArgumentRangeError(name, count, `an integer from ${least} to ${MAX_MS}`);
}
