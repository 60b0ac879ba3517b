// Options of a pool: piscina's names, defaults and complaints. What is inherited from a prototype is not an option.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ResourceLimits, WorkerOptions } from 'node:worker_threads';
import type { AbortSignalAny } from './abort.ts';
import type { PiscinaLoadBalancer } from './balancer.ts';
import { FixedQueue } from './fixed-queue.ts';
import type { TransferListItem } from './move.ts';
import { isTaskQueue, type TaskQueue } from './task-queue.ts';

export type EnvSpecifier = WorkerOptions['env'];

export interface Options {
  /** Module of the tasks: an absolute path or a `file:` URL. `run` may name another. */
  filename?: string | null;
  /** What it exports the task as. */
  name?: string;
  minThreads?: number;
  maxThreads?: number;
  /** Milliseconds after which a worker beyond `minThreads` that has nothing to do ends; 0 at once, Infinity never. */
  idleTimeout?: number;
  /** Tasks that may wait for a worker; `auto` is the square of `maxThreads`. */
  maxQueue?: number | 'auto';
  concurrentTasksPerWorker?: number;
  /** Accepted for piscina's sake: workers let their event loop run whenever it has something to do, whatever this says. */
  atomics?: 'sync' | 'async' | 'disabled';
  resourceLimits?: ResourceLimits;
  argv?: string[];
  execArgv?: string[];
  env?: EnvSpecifier;
  workerData?: unknown;
  taskQueue?: TaskQueue;
  /** Added to the niceness of each worker (Linux). */
  niceIncrement?: number;
  trackUnmanagedFds?: boolean;
  /** Milliseconds that `close` waits for running tasks. */
  closeTimeout?: number;
  /** Whether `histogram` and `utilization` are kept. */
  recordTiming?: boolean;
  /** A task that a load balancer found no worker for goes back to the front of the queue, not to its end. */
  stricterFIFO?: boolean;
  loadBalancer?: PiscinaLoadBalancer;
  /** Whether load balancers see a histogram of each worker. */
  workerHistogram?: boolean;
}

export interface FilledOptions extends Options {
  filename: string | null;
  name: string;
  minThreads: number;
  maxThreads: number;
  idleTimeout: number;
  maxQueue: number;
  concurrentTasksPerWorker: number;
  taskQueue: TaskQueue;
  niceIncrement: number;
  closeTimeout: number;
  recordTiming: boolean;
  stricterFIFO: boolean;
  workerHistogram: boolean;
}

export interface RunOptions {
  /** What of the argument is transferred, not copied. */
  transferList?: readonly TransferListItem[];
  filename?: string | null;
  name?: string | null;
  /** Aborts: a waiting task never runs; the worker of a running one is terminated. */
  signal?: AbortSignalAny | null;
}

export interface CloseOptions {
  /** Tasks that wait are rejected. */
  force?: boolean;
}

type Rule = readonly [key: keyof Options, isFine: (value: never) => boolean, wanted: string];

const from =
  (least: number) =>
  (value: unknown): boolean =>
    typeof value === 'number' && value >= least;
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isText = (value: unknown): boolean => typeof value === 'string' || value === null;
const isWindows = process.platform === 'win32';

const RULES: readonly Rule[] = [
  ['filename', isText, 'must be a string or null'],
  ['name', isText, 'must be a string or null'],
  ['minThreads', from(0), 'must be a non-negative integer'],
  ['maxThreads', from(1), 'must be a positive integer'],
  ['idleTimeout', from(0), 'must be a non-negative integer'],
  ['maxQueue', (value) => value === 'auto' || from(0)(value), 'must be a non-negative integer'],
  ['concurrentTasksPerWorker', from(1), 'must be a positive integer'],
  [
    'atomics',
    (value) => value === null || ['sync', 'async', 'disabled'].includes(value),
    'should be a value of sync, sync or disabled.',
  ],
  ['resourceLimits', (value) => typeof value === 'object' && value !== null, 'must be an object'],
  ['taskQueue', isTaskQueue, 'must be a TaskQueue object'],
  [
    'niceIncrement',
    (value) => from(isWindows ? -Infinity : 0)(value),
    'must be a non-negative integer on Unix systems',
  ],
  ['trackUnmanagedFds', isBoolean, 'must be a boolean value'],
  ['closeTimeout', from(0), 'must be a non-negative integer'],
  [
    'loadBalancer',
    (value) => typeof value === 'function' && (value as PiscinaLoadBalancer).length >= 1,
    'must be a function with at least two args',
  ],
  ['workerHistogram', isBoolean, 'must be a boolean'],
  ['stricterFIFO', isBoolean, 'must be a boolean'],
];

/** @throws TypeError, RangeError */
export function fillOptions(given: Options): FilledOptions {
  const options = ownOf(given);
  for (const [key, isFine, wanted] of RULES) {
    const value = options[key];
    if (value !== undefined && !isFine(value as never)) throw new TypeError(`options.${key} ${wanted}`);
  }
  const parallelism = availableParallelism();
  let { minThreads = Math.max(Math.floor(parallelism / 2), 1), maxThreads = parallelism * 1.5 } = options;
  if (options.minThreads !== undefined && options.maxThreads !== undefined && minThreads > maxThreads)
    throw new RangeError('options.minThreads and options.maxThreads must not conflict');
  if (options.maxThreads !== undefined) minThreads = Math.min(minThreads, maxThreads);
  if (options.minThreads !== undefined) maxThreads = Math.max(minThreads, maxThreads);
  const { filename, maxQueue = Infinity } = options;
  const filled: FilledOptions = {
    ...options,
    filename: typeof filename === 'string' && filename !== '' ? pathOf(filename) : null,
    name: options.name ?? 'default',
    minThreads,
    maxThreads,
    idleTimeout: options.idleTimeout ?? 0,
    maxQueue: maxQueue === 'auto' ? maxThreads ** 2 : maxQueue,
    concurrentTasksPerWorker: options.concurrentTasksPerWorker ?? 1,
    atomics: options.atomics ?? 'sync',
    taskQueue: options.taskQueue ?? new FixedQueue(),
    niceIncrement: options.niceIncrement ?? 0,
    trackUnmanagedFds: options.trackUnmanagedFds ?? true,
    closeTimeout: options.closeTimeout ?? 30_000,
    recordTiming: options.recordTiming ?? true,
    stricterFIFO: options.stricterFIFO ?? false,
    workerHistogram: options.workerHistogram ?? false,
  };
  return ownOf(filled);
}

/** A copy without a prototype. */
export function ownOf<T extends object>(source: T): T {
  return Object.assign(Object.create(null), source) as T;
}

/** `file:` URLs as paths. */
export function pathOf(filename: string): string {
  return filename.startsWith('file:') ? fileURLToPath(filename) : filename;
}

/** What is wrong with the options of a call of `run`, or undefined. */
export function complaint({ transferList, filename, name, signal }: RunOptions): TypeError | undefined {
  if (transferList !== undefined && !Array.isArray(transferList))
    return new TypeError('transferList argument must be an Array');
  if (typeof (filename ?? '') !== 'string') return new TypeError('filename argument must be a string');
  if (typeof (name ?? '') !== 'string') return new TypeError('name argument must be a string');
  if (typeof (signal ?? null) !== 'object') return new TypeError('signal argument must be an object');
  return undefined;
}
