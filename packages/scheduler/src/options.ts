// Options, checked once, with their defaults.
import type { Transferable } from 'node:worker_threads';
import { ArgumentRangeError, type Arena } from '@corelane/shared-memory';
import type { WorkerSetup } from './boot.ts';
import type { OnFull } from './back-pressure.ts';
import { overtakingPlan, type CheckpointOptions } from './checkpoints/options.ts';
import type { OvertakingPlan } from './checkpoints/task-checkpoints.ts';
import type { Codec } from './codec.ts';
import { PROFILES, type Profile } from './completion-watch.ts';
import { MAX_CLIENTS } from './layout.ts';
import { policyPlan, type PolicyOptions, type PolicyPlan } from './policy.ts';
import type { Recorder } from './ports.ts';
import { DEFAULT_LEVEL, levelOf, PRIORITIES, type Priority } from './priority.ts';
import { blockBytes, classFor } from './slab.ts';
import type { Pin } from './seats.ts';
import type { TimingRecorders } from './task-times.ts';
import type { TierChoice, TierPlan } from './budgets/tier-table.ts';
import { hasBudgets, watchOptions } from './monitor/watch-options.ts';
import { moduleUrl, type Task } from './tasks.ts';
import type { WatchdogOptions } from './watchdog/options.ts';
import {
  hasTiers,
  slowLanePlan,
  type SlowLaneChoice,
  type SlowLanePlan,
} from './slow-lane/slow-lane-options.ts';
import { checkMaxTasks, crewSize, type WorkerSettings } from './worker-settings.ts';

/** Times from `run()` to the result, in milliseconds, of tasks that were not aborted or timed out; by priority. */
export type LatencyRecorders = Readonly<Partial<Record<Priority, Recorder>>>;

export interface ClientOptions {
  readonly latency?: LatencyRecorders;
  /** How long this client's tasks wait and run. Of an attached client: its scheduler must be one with `recordTiming`. */
  readonly timing?: TimingRecorders;
  /** Tasks of this client that wait for a slot at most, beyond those that have one; by default there is no limit. 0: a task is refused where no slot is free. */
  readonly maxQueue?: number;
  /**
   * What becomes of a task where `maxQueue` wait: `reject` (the default): it rejects with QueueFullError. `wait`: it waits all the same, and `needsDrain` says that producers
   * should. `shedLowest`: the newest of the lowest priority among those that wait and this one rejects with TaskShedError.
   */
  readonly onFull?: OnFull;
  /** Of tasks that have none of their own: as of `run`; 1000 by default. */
  readonly graceMs?: number;
  /** How this thread waits for results: `balanced` by default. */
  readonly profile?: Profile;
  /** For objects, of tasks that have none of their own; the same on all threads. `jsonCodec`, `cloneCodec`, or one of `defineCodec`. */
  readonly codec?: Codec;
  /** Shared memory beside the arena that all threads know, in the same order on each: views of it are passed, not copied. */
  readonly memory?: readonly SharedArrayBuffer[];
}

export interface SchedulerOptions extends ClientOptions, PolicyOptions, SlowLaneChoice, WorkerSettings {
  /**
   * Tasks in the scheduler at most: queued, running, or finished and not yet collected by their client; 4096 by default.
   * Each has a slot of `inlineBytes` in shared memory, of which the system gives pages when they are first touched.
   */
  readonly slots?: number;
  /** Bytes of arguments, and of a result, at most; 4 MiB by default. Views of shared memory have no limit. */
  readonly payloadBytes?: number;
  /** Bytes of arguments, or of a result, that lie in the task's slot, from 224 on, which is the default. Larger ones take a block of `payloadMemoryBytes`. */
  readonly inlineBytes?: number;
  /**
   * Bytes of all payloads together that are larger than a slot, at least twice those of the largest; by default twice what all slots can have, but 32 MiB at most. The system gives pages when
   * they are first touched. Tasks wait where nothing is free.
   */
  readonly payloadMemoryBytes?: number;
  /** Clients attached at once at most, this one included; 64 by default. */
  readonly maxClients?: number;
  /** Different task functions at most; 256 by default. */
  readonly maxTasks?: number;
  /** Tasks that a worker has begun and not ended at most, 1 by default: more than one where they wait for something other than the CPU. */
  readonly concurrentTasksPerWorker?: number;
  /** Under the policy roundRobin: milliseconds after which a generator task makes way for others at its next `yield`; 10 by default. */
  readonly sliceMs?: number;
  /** Whether workers note when they begin and end each task, for option `timing` of clients: some 80 ns a task. By default where this client has that option. */
  readonly recordTiming?: boolean;
  /** What workers do at checkpoints of tasks, which `@corelane/scheduler-checkpoints` puts into loops, beyond ending those that nobody waits for. */
  readonly checkpoints?: CheckpointOptions;
  /**
   * Watches how long tasks run at a stretch, and what CPU time they use; those that take more than their share are told of, made to yield, and isolated: true, a profile, or what a poll may take. By default
   * nobody looks, and it costs nothing. docs/budgets.md.
   */
  readonly budgets?: TierChoice | false;
  /** Of a worker's time, how much generators have that are isolated, where others have something to do: above 0, at most 1; 0.25 by default. */
  readonly isolatedShare?: number;
  /** URL of a module whose default export is TaskHooks, called around polls on each worker. With option `budgets`. `scheduler.setHooks` exchanges them. */
  readonly hooks?: string | URL;
  /** Memory to lie in; by default an arena of its own. `Scheduler.bytesFor(options)` says how much it takes. */
  readonly arena?: Arena;
  /** Tasks whose modules each worker imports before it takes its first task, or URLs of such modules. */
  readonly preload?: readonly (Task<never, unknown> | string | URL)[];
  /** URL of a module whose default export is an `Affinity`: each worker calls it before it takes tasks. */
  readonly affinity?: string | URL;
  /** How long `close` waits for tasks, where it is not told; after that what is left is destroyed. By default it waits for ever. */
  readonly closeTimeoutMs?: number;
  /** URL of a module whose default export is an `Interrupt`: so workers can be parked. Each worker registers before it takes tasks. */
  readonly interrupt?: string | URL;
  /** Looks for tasks that keep their worker for too long: `true`, or how. None by default. */
  readonly watchdog?: boolean | WatchdogOptions;
  /** `manual`: workers are started and ended one by one, by the package's own entry points alone. @internal */
  readonly growth?: 'auto' | 'manual';
  /** What another entry point of the package does in a worker before that takes tasks. @internal */
  readonly setup?: (worker: number) => WorkerSetup;
}

export interface TableOptions extends PolicyPlan {
  /** Those of the slow lane included. */
  readonly threads: number;
  /** Without them. */
  readonly common: number;
  /** Undefined where there is no slow lane. */
  readonly slow: SlowLanePlan | undefined;
  /** Of names. */
  readonly hasTiers: boolean;
  readonly slots: number;
  readonly payloadBytes: number;
  readonly inlineBytes: number;
  /** 0 where no payload is larger than a slot. */
  readonly payloadMemoryBytes: number;
  readonly maxClients: number;
  readonly maxTasks: number;
  readonly recordTiming: boolean;
  /** Whether polls are watched. */
  readonly isWatched: boolean;
}

/** How the loop of a worker runs tasks. Plain data. */
export interface LoopOptions {
  /** Tasks that it has begun and not ended at most. */
  readonly concurrentTasks: number;
  /** How long a generator task runs before it makes way for others; Infinity: it runs on. */
  readonly sliceMs: number;
  readonly overtaking: OvertakingPlan;
  /** Tasks that it runs at most, before another one takes its place; 0: there is no limit. */
  readonly maxTasks: number;
  /** Whether it takes tasks of the slow lane. */
  readonly isSlow: boolean;
  /** Whether a watchdog asks whether its event loop turns. */
  readonly isWatched: boolean;
  /** Undefined: nobody watches polls. */
  readonly budgets: TierPlan | undefined;
  /** Of its time, for generators that are isolated. */
  readonly isolatedShare: number;
}

export interface RunOptions {
  /** A name, or 0 to 20, the last the most urgent: critical is 20, high 15, normal (the default) 10, low 5. */
  readonly priority?: Priority | number;
  /** Aborts: a queued task never runs; a running one is told, its result is dropped, and see `graceMs`. Rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
  /**
   * Runs it on this worker alone, or on one that is placed there: before other tasks, in the order of submission. Its priority counts for nothing.
   * Should the worker end before, its successor runs it.
   */
  readonly pin?: Pin;
  /** `slow`: it runs on the workers of option `slowLane`, whatever its task has shown. Rejects with SlowLaneFullError, SourceThrottledError where there is no room. */
  readonly lane?: 'slow';
  /** From now to the result at most: then it ends as one that is aborted, and rejects with TaskTimeoutError. */
  readonly timeoutMs?: number;
  /**
   * The same as a time: milliseconds since the epoch, by `performance.timeOrigin + performance.now()`, or `Date.now()`. A task whose deadline has passed never begins; it rejects with
   * TaskDeadlineError. Under policy `deadline` the task with the earliest comes first, before those that have none.
   */
  readonly deadlineMs?: number;
  /**
   * How long a task that is aborted or late while it runs has for ending by itself, which `context.cancelled()` tells it to. After that its worker is terminated and replaced. 0: at once;
   * Infinity: never. By default that of the client. Its promise rejects at once in any case.
   */
  readonly graceMs?: number;
  /** Whether it may run twice: then it runs again where its worker was lost, with its arguments read anew. */
  readonly idempotent?: boolean;
  /** How often it does at most; 3 by default where it is idempotent. */
  readonly retries?: number;
  /** What of the arguments is transferred instead of copied, as of `postMessage`: array buffers, message ports and their like. */
  readonly transferList?: readonly Transferable[];
}

export interface CloseOptions {
  /** After that, what is left is destroyed; by default it waits for ever. */
  readonly timeoutMs?: number;
}

export const MAX_SLOTS: number = 2 ** 20;
/** An error fits, whatever becomes of its text. */
const MIN_INLINE_BYTES = 224;
const MAX_INLINE_BYTES = 2 ** 20;
const MAX_PAYLOAD_BYTES = 2 ** 28;
const PAYLOAD_BYTES = 2 ** 22;
const MAX_MEMORY_BYTES = 2 ** 31 - 2 ** 24;
/** With lanes and slots less than 64 MiB: more outside the heap makes V8 collect at once, in each thread that attaches; that doubles the time of a start. Measured. */
const MEMORY_BYTES = 2 ** 25;
/** Guessed. */
const SLICE_MS = 10;
const GRACE_MS = 1000;
export const MAX_RETRIES = 1000;
/** What a timer of Node can wait. */
const MAX_TIMEOUT_MS: number = 2 ** 31 - 1;

/** @throws ArgumentRangeError */
export function checkObject(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw new ArgumentRangeError(name, value, 'an object');
}

/** @throws ArgumentRangeError */
export function tableOptions(options: SchedulerOptions): TableOptions {
  checkObject('options', options);
  const slots = integer('slots', options.slots, 4096, MAX_SLOTS);
  const common = crewSize(options).maxThreads;
  const slow = slowLanePlan(options, slots, common);
  return {
    slots,
    threads: common + (slow?.workers ?? 0),
    common,
    slow,
    hasTiers: hasTiers(options),
    ...policyPlan(options),
    ...payloadOptions(options, slots),
    maxClients: integer('maxClients', options.maxClients, 64, MAX_CLIENTS),
    maxTasks: integer('maxTasks', options.maxTasks, 256, 65_536),
    recordTiming: checkRecordTiming(options),
    isWatched: hasBudgets(options.budgets),
  };
}

function checkRecordTiming({ timing, recordTiming = timing !== undefined }: SchedulerOptions): boolean {
  if (typeof recordTiming !== 'boolean')
    throw new ArgumentRangeError('recordTiming', recordTiming, 'true or false');
  return recordTiming;
}

/** @throws ArgumentRangeError */
export function loopOptions(options: SchedulerOptions): LoopOptions {
  const { policy = 'priority', sliceMs = SLICE_MS } = options;
  if (policy !== 'roundRobin' && options.sliceMs !== undefined)
    throw new ArgumentRangeError('sliceMs', sliceMs, `none, where policy is ${policy} and not roundRobin`);
  if (typeof sliceMs !== 'number' || !(sliceMs > 0) || sliceMs > MAX_TIMEOUT_MS)
    throw new ArgumentRangeError('sliceMs', sliceMs, `more than 0, at most ${MAX_TIMEOUT_MS}`);
  return {
    concurrentTasks: integer('concurrentTasksPerWorker', options.concurrentTasksPerWorker, 1, MAX_SLOTS),
    sliceMs: policy === 'roundRobin' ? sliceMs : Infinity,
    overtaking: overtakingPlan(options.checkpoints, policy, sliceMs),
    maxTasks: checkMaxTasks(options.maxTasksPerWorker),
    isSlow: false,
    isWatched: options.watchdog !== undefined && options.watchdog !== false,
    ...watchOptions(options),
  };
}

/** How many tasks may wait for a slot. @throws ArgumentRangeError */
export function checkMaxQueue(maxQueue: number = Infinity): number {
  if (maxQueue === Infinity || (Number.isInteger(maxQueue) && maxQueue >= 0)) return maxQueue;
  throw new ArgumentRangeError('maxQueue', maxQueue, 'a whole number from 0 on, or Infinity');
}

/** What recorders there can be. */
const RECORDERS = { latency: PRIORITIES, timing: ['wait', 'run'] } as const;

/** @throws ArgumentRangeError */
export function checkRecorders({ latency, timing }: ClientOptions): void {
  for (const [option, recorders] of Object.entries({ latency, timing })) {
    if (recorders !== undefined) checkObject(option, recorders);
    const known: readonly string[] = RECORDERS[option as keyof typeof RECORDERS];
    for (const [name, recorder] of Object.entries({ ...recorders })) {
      if (!known.includes(name))
        throw new ArgumentRangeError(option, name, `recorders by the names ${known.join(', ')}`);
      if (recorder !== undefined && typeof (recorder as Partial<Recorder> | null)?.record !== 'function')
        throw new ArgumentRangeError(`${option}.${name}`, recorder, "an object with a function 'record'");
    }
  }
}

/** @throws ArgumentRangeError */
export function checkProfile(profile: Profile = 'balanced'): Profile {
  if (PROFILES.includes(profile)) return profile;
  throw new ArgumentRangeError('profile', profile, `one of ${PROFILES.join(', ')}`);
}

function payloadOptions(
  options: SchedulerOptions,
  slots: number,
): Pick<TableOptions, 'inlineBytes' | 'payloadBytes' | 'payloadMemoryBytes'> {
  const inlineBytes = integer(
    'inlineBytes',
    options.inlineBytes,
    MIN_INLINE_BYTES,
    MAX_INLINE_BYTES,
    MIN_INLINE_BYTES,
  );
  const payloadBytes = integer(
    'payloadBytes',
    options.payloadBytes,
    Math.max(PAYLOAD_BYTES, inlineBytes),
    MAX_PAYLOAD_BYTES,
    inlineBytes,
  );
  // So much that there can be a block of each size.
  const leastMemoryBytes = 2 * blockBytes(classFor(payloadBytes));
  const usualMemoryBytes = Math.min(Math.max(MEMORY_BYTES, leastMemoryBytes), slots * leastMemoryBytes);
  if (payloadBytes === inlineBytes && options.payloadMemoryBytes !== undefined)
    throw new ArgumentRangeError(
      'payloadMemoryBytes',
      options.payloadMemoryBytes,
      `none, where payloadBytes and inlineBytes both are ${inlineBytes}`,
    );
  return {
    inlineBytes,
    payloadBytes,
    payloadMemoryBytes:
      payloadBytes === inlineBytes
        ? 0
        : integer(
            'payloadMemoryBytes',
            options.payloadMemoryBytes,
            usualMemoryBytes,
            MAX_MEMORY_BYTES,
            leastMemoryBytes,
          ),
  };
}

export function preloadUrls(preload: SchedulerOptions['preload'] = []): string[] {
  if (!Array.isArray(preload)) throw new ArgumentRangeError('preload', preload, 'an array');
  return [
    ...new Set(
      preload.map((each) => moduleUrl(typeof each === 'object' && 'module' in each ? each.module : each)),
    ),
  ];
}

/** A time-out in milliseconds, or undefined. @throws ArgumentRangeError */
export function checkTimeout(timeoutMs: number | undefined, name = 'timeoutMs'): number | undefined {
  if (timeoutMs === undefined) return undefined;
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0) || timeoutMs > MAX_TIMEOUT_MS)
    throw new ArgumentRangeError(name, timeoutMs, `more than 0, at most ${MAX_TIMEOUT_MS}`);
  return timeoutMs;
}

/** A time of grace in milliseconds. @throws ArgumentRangeError */
export function checkGrace(graceMs: number | undefined, usual: number = GRACE_MS): number {
  if (graceMs === undefined) return usual;
  if (graceMs === Infinity) return graceMs;
  if (typeof graceMs === 'number' && graceMs >= 0 && graceMs <= MAX_TIMEOUT_MS) return graceMs;
  throw new ArgumentRangeError('graceMs', graceMs, `0 to ${MAX_TIMEOUT_MS}, or Infinity`);
}

/** @throws ArgumentRangeError */
export function levelIn({ priority }: RunOptions): number {
  if (priority === undefined) return DEFAULT_LEVEL;
  const level = levelOf(priority);
  if (level >= 0) return level;
  throw new ArgumentRangeError('priority', priority, `0 to 20, or one of ${PRIORITIES.join(', ')}`);
}

function integer(name: string, given: number | undefined, usual: number, most: number, least = 1): number {
  const value = given ?? usual;
  if (!Number.isInteger(value) || value < least || value > most)
    throw new ArgumentRangeError(name, value, `an integer from ${least} to ${most}`);
  return value;
}
