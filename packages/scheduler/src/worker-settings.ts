// How many workers there are, and what they are started with: options checked once, with their defaults.
import { availableParallelism } from 'node:os';
import { SHARE_ENV, type ResourceLimits, type WorkerOptions } from 'node:worker_threads';
import { ArgumentRangeError } from '@corelane/shared-memory';
import { sourceExecArgv } from './boot.ts';
import { MAX_THREADS } from './layout.ts';
import { SLOW_NICE, type SlowLaneChoice } from './slow-lane/slow-lane-options.ts';

export interface WorkerSettings {
  /** Workers, no more and no less: `minThreads` and `maxThreads` in one. By default the parallelism available to the process. */
  readonly threads?: number;
  /** Workers that are there from the start, and stay; 0: they come with the first task. By default `maxThreads`, but no more than the parallelism available. */
  readonly minThreads?: number;
  /** Workers at most; they come where tasks wait and no worker is idle. By default `minThreads`, but no less than the parallelism available. */
  readonly maxThreads?: number;
  /** How long a worker beyond `minThreads` is idle before it ends, in milliseconds; 10,000 by default, Infinity: it stays. */
  readonly idleTimeoutMs?: number;
  /** Tasks that a worker runs before another one takes its place; by default there is no limit. */
  readonly maxTasksPerWorker?: number;
  /** What workers are called where the system shows it, followed by their index; `scheduler` by default. */
  readonly name?: string;
  /** As of `new Worker()`: what `import { workerData } from 'node:worker_threads'` is in workers. */
  readonly workerData?: unknown;
  /** As of `new Worker()`: what follows in `process.argv` of workers. */
  readonly argv?: readonly unknown[];
  /** As of `new Worker()`. */
  readonly execArgv?: readonly string[];
  /** As of `new Worker()`: `process.env` of workers, or `SHARE_ENV` for that of this thread. */
  readonly env?: NodeJS.ProcessEnv | typeof SHARE_ENV;
  /** As of `new Worker()`. */
  readonly resourceLimits?: ResourceLimits;
  /** As of `new Worker()`: `worker.stdin` of `scheduler.workers` can be written to. */
  readonly stdin?: boolean;
  /** As of `new Worker()`: what workers print is not copied to this process' stdout; `worker.stdout` of `scheduler.workers` has it. */
  readonly stdout?: boolean;
  /** As of `new Worker()`. */
  readonly stderr?: boolean;
  /** As of `new Worker()`. */
  readonly trackUnmanagedFds?: boolean;
  /** Added to the niceness of workers, 1 to 19: how much they make way for others where all cores are busy. Of threads, on Linux alone: elsewhere, and where the system refuses, event `warning` says so. */
  readonly niceIncrement?: number;
}

/** How many workers there are. */
export interface CrewSize {
  readonly minThreads: number;
  readonly maxThreads: number;
  readonly idleTimeoutMs: number;
}

const IDLE_TIMEOUT_MS = 10_000;
const MAX_NICE = 19;
/** What a timer of Node can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const MAX_TASKS = 2 ** 31 - 1;

/** @throws ArgumentRangeError */
export function crewSize({ threads, minThreads, maxThreads, idleTimeoutMs }: WorkerSettings): CrewSize {
  const usual = Math.min(availableParallelism(), MAX_THREADS);
  if (threads !== undefined && (minThreads !== undefined || maxThreads !== undefined))
    throw new ArgumentRangeError('threads', threads, 'none beside minThreads or maxThreads');
  if (threads !== undefined && idleTimeoutMs !== undefined)
    throw new ArgumentRangeError('idleTimeoutMs', idleTimeoutMs, 'none beside threads: all of them stay');
  const idle = checkIdleTimeout(idleTimeoutMs);
  if (threads !== undefined) {
    const count = integer('threads', threads, usual, 1, MAX_THREADS);
    return { minThreads: count, maxThreads: count, idleTimeoutMs: idle };
  }
  const least = integer('minThreads', minThreads, 0, 0, MAX_THREADS);
  const most = integer('maxThreads', maxThreads, Math.max(usual, least), Math.max(1, least), MAX_THREADS);
  return { minThreads: minThreads ?? Math.min(most, usual), maxThreads: most, idleTimeoutMs: idle };
}

function checkIdleTimeout(idleTimeoutMs: number = IDLE_TIMEOUT_MS): number {
  if (
    typeof idleTimeoutMs === 'number' &&
    idleTimeoutMs >= 0 &&
    (idleTimeoutMs <= MAX_TIMEOUT_MS || idleTimeoutMs === Infinity)
  )
    return idleTimeoutMs;
  throw new ArgumentRangeError('idleTimeoutMs', idleTimeoutMs, `0 to ${MAX_TIMEOUT_MS}, or Infinity`);
}

/** Tasks that a worker runs before it ends, 0 for no limit. @throws ArgumentRangeError */
export function checkMaxTasks(maxTasks: number = Infinity): number {
  return maxTasks === Infinity ? 0 : integer('maxTasksPerWorker', maxTasks, 0, 1, MAX_TASKS);
}

/** @throws ArgumentRangeError */
export function checkNice(niceIncrement: number = 0): number {
  return integer('niceIncrement', niceIncrement, 0, 0, MAX_NICE);
}

/** Of workers of the slow lane: their own beside that of all. @throws ArgumentRangeError */
export function niceOfSlow(options: WorkerSettings & SlowLaneChoice): number {
  const { slowLane } = options;
  const given = typeof slowLane === 'object' && slowLane !== null ? slowLane.niceIncrement : undefined;
  return Math.min(MAX_NICE, checkNice(options.niceIncrement) + (given ?? SLOW_NICE));
}

/** What all workers are started with, but for their names. @throws ArgumentRangeError */
export function workerOptions(settings: WorkerSettings): WorkerOptions {
  const { argv, env, resourceLimits, stdin, stdout, stderr, trackUnmanagedFds } = settings;
  for (const [name, value] of Object.entries({ argv, execArgv: settings.execArgv }))
    if (value !== undefined && !Array.isArray(value)) throw new ArgumentRangeError(name, value, 'an array');
  if (resourceLimits !== undefined && (typeof resourceLimits !== 'object' || resourceLimits === null))
    throw new ArgumentRangeError('resourceLimits', resourceLimits, 'an object');
  if (env !== undefined && env !== SHARE_ENV && (typeof env !== 'object' || env === null))
    throw new ArgumentRangeError('env', env, 'an object, or SHARE_ENV');
  const execArgv = sourceExecArgv(settings.execArgv);
  if (settings.name !== undefined && typeof settings.name !== 'string')
    throw new ArgumentRangeError('name', settings.name, 'text');
  for (const [name, value] of Object.entries({ stdin, stdout, stderr, trackUnmanagedFds }))
    if (value !== undefined && typeof value !== 'boolean')
      throw new ArgumentRangeError(name, value, 'true or false');
  return {
    workerData: settings.workerData,
    ...(argv && { argv: [...argv] }),
    ...(execArgv && { execArgv }),
    ...(env && { env }),
    ...(resourceLimits && { resourceLimits }),
    ...(stdin && { stdin }),
    ...(stdout && { stdout }),
    ...(stderr && { stderr }),
    ...(trackUnmanagedFds !== undefined && { trackUnmanagedFds }),
  };
}

function integer(
  name: string,
  given: number | undefined,
  usual: number,
  least: number,
  most: number,
): number {
  const value = given ?? usual;
  if (!Number.isInteger(value) || value < least || value > most)
    throw new ArgumentRangeError(name, value, `an integer from ${least} to ${most}`);
  return value;
}
