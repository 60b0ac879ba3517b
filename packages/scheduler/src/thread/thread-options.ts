// Options of threads, checked once, as plain data.
import type { ResourceLimits, SHARE_ENV, Transferable } from 'node:worker_threads';
import { ArgumentRangeError } from '@corelane/shared-memory';
import { checkInteger, checkNames } from '../budgets/known-options.ts';
import { moduleUrl } from '../module-url.ts';
import type { SchedulerHandle } from '../table.ts';
import { workerOptions } from '../worker-settings.ts';

/**
 * - `any`: wherever it may run.
 * - `node`: to the CPUs of its NUMA node alone.
 * - `never`: it stays on one CPU.
 */
export type Migration = 'any' | 'node' | 'never';

export interface ThreadProfile {
  /** Where the CPU profile is written to when the function has ended: a path or URL, as of Chrome's developer tools (`.cpuprofile`). */
  readonly file: string | URL;
  /** Time between two samples, in microseconds; 1000 by default. */
  readonly intervalUs?: number;
}

export interface ThreadOptions {
  /** What the thread is called where the system shows it, and in errors; `thread` by default. */
  readonly name?: string;
  /** Niceness, -20 (gets most) to 19 (makes way for all others); by default that of the process. Of threads on Linux alone; below that of the process it takes privileges. */
  readonly nice?: number;
  /** Of its stack, 1 to 256; 4 by default. */
  readonly stackSizeMb?: number;
  /** CPUs on which it may run, by the kernel's numbers. */
  readonly cpus?: readonly number[];
  /** NUMA node on whose CPUs it may run; memory that it touches first comes from there. */
  readonly node?: number;
  /** Where the system may move it; `any` by default. */
  readonly migration?: Migration;
  /** Module that exports a `ThreadPlatform`, as `import.meta.resolve('@corelane/platform')` does: for `cpus`, `node` and `migration`. */
  readonly platform?: string | URL;
  /** Whether the function does not run where something of that could not be had: ThreadPlacementError. By default it does, and `started` says so. */
  readonly strict?: boolean;
  /** Records what it spends CPU time on. */
  readonly profile?: ThreadProfile;
  /** A scheduler, or the handle of one: the thread is a client of it, `threadOf(context).scheduler`. Of a handle, its owner has to see to `reclaimOnExit`. */
  readonly scheduler?: SchedulerHandle | SchedulerOwner;
  /** How long a thread that is cancelled has for ending by itself, in milliseconds; 1000 by default. 0: none. Infinity: it is never terminated. */
  readonly graceMs?: number;
  /** As of `new Worker()`. */
  readonly workerData?: unknown;
  /** As of `new Worker()`. */
  readonly argv?: readonly unknown[];
  /** As of `new Worker()`. */
  readonly execArgv?: readonly string[];
  /** As of `new Worker()`. */
  readonly env?: NodeJS.ProcessEnv | typeof SHARE_ENV;
  /** As of `new Worker()`; the stack is `stackSizeMb`. */
  readonly resourceLimits?: Omit<ResourceLimits, 'stackSizeMb'>;
  /** As of `new Worker()`: the stream is that of `handle.worker`. */
  readonly stdin?: boolean;
  /** As of `new Worker()`: the stream is that of `handle.worker`. */
  readonly stdout?: boolean;
  /** As of `new Worker()`: the stream is that of `handle.worker`. */
  readonly stderr?: boolean;
  /** As of `new Worker()`. */
  readonly trackUnmanagedFds?: boolean;
}

/** A `Scheduler`. */
export interface SchedulerOwner {
  readonly handle: SchedulerHandle;
  reclaimOnExit(worker: unknown): void;
}

export interface SpawnOptions {
  /** Cancels it; `join` rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** What of the arguments is transferred, as of `postMessage`. */
  readonly transferList?: readonly Transferable[];
}

const OPTIONS: readonly (keyof ThreadOptions)[] = [
  'name',
  'nice',
  'stackSizeMb',
  'cpus',
  'node',
  'migration',
  'platform',
  'strict',
  'profile',
  'scheduler',
  'graceMs',
  'workerData',
  'argv',
  'execArgv',
  'env',
  'resourceLimits',
  'stdin',
  'stdout',
  'stderr',
  'trackUnmanagedFds',
];
const MIGRATIONS: readonly Migration[] = ['any', 'node', 'never'];
const LOWEST_NICE = -20;
const HIGHEST_NICE = 19;
const MAX_STACK_MB = 256;
const MAX_CPU = 16_383;
const MAX_MS = 2 ** 31 - 1;

/** @throws ArgumentRangeError */
export function checkThreadOptions(options: ThreadOptions): void {
  checkNames('options', options, OPTIONS);
  const { name, nice, stackSizeMb, strict, graceMs, resourceLimits } = options;
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    throw new ArgumentRangeError('name', name, 'text');
  if (nice !== undefined) checkInteger('nice', nice, LOWEST_NICE, HIGHEST_NICE);
  if (
    stackSizeMb !== undefined &&
    !(typeof stackSizeMb === 'number' && stackSizeMb >= 1 && stackSizeMb <= MAX_STACK_MB)
  )
    throw new ArgumentRangeError('stackSizeMb', stackSizeMb, `a number from 1 to ${MAX_STACK_MB}`);
  if (resourceLimits !== undefined && Object.hasOwn(Object(resourceLimits) as object, 'stackSizeMb'))
    throw new ArgumentRangeError('resourceLimits.stackSizeMb', 'given', 'none: there is option stackSizeMb');
  if (
    graceMs !== undefined &&
    graceMs !== Infinity &&
    !(typeof graceMs === 'number' && graceMs >= 0 && graceMs <= MAX_MS)
  )
    throw new ArgumentRangeError('graceMs', graceMs, `0 to ${MAX_MS}, or Infinity`);
  if (strict !== undefined && typeof strict !== 'boolean')
    throw new ArgumentRangeError('strict', strict, 'true or false');
  checkPlace(options);
  checkProfile(options.profile);
  checkScheduler(options.scheduler);
  workerOptions(options);
}

function checkPlace({ cpus, node, migration, platform }: ThreadOptions): void {
  if (migration !== undefined && !MIGRATIONS.includes(migration))
    throw new ArgumentRangeError('migration', migration, `one of ${MIGRATIONS.join(', ')}`);
  if (node !== undefined) checkInteger('node', node, 0, MAX_CPU);
  if (cpus !== undefined && (!Array.isArray(cpus) || cpus.length === 0))
    throw new ArgumentRangeError('cpus', cpus, 'an array of at least one CPU');
  for (const cpu of cpus ?? []) checkInteger('cpus', cpu, 0, MAX_CPU);
  if (platform !== undefined) return void moduleUrl(platform);
  for (const [option, value] of Object.entries({ cpus, node, migration }))
    if (value !== undefined && value !== 'any')
      throw new ArgumentRangeError(option, value, 'none without option platform, the module that does it');
}

function checkProfile(profile: ThreadProfile | undefined): void {
  if (profile === undefined) return;
  checkNames('profile', profile, ['file', 'intervalUs']);
  moduleUrl(profile.file);
  if (profile.intervalUs !== undefined) checkInteger('profile.intervalUs', profile.intervalUs, 50, 1_000_000);
}

function checkScheduler(scheduler: ThreadOptions['scheduler']): void {
  if (scheduler === undefined) return;
  const handle: unknown = isOwner(scheduler) ? scheduler.handle : scheduler;
  const kind = (handle as { kind?: unknown } | null | undefined)?.kind;
  if (typeof kind !== 'string')
    throw new ArgumentRangeError('scheduler', scheduler, 'a Scheduler, or its handle');
}

export function isOwner(scheduler: unknown): scheduler is SchedulerOwner {
  return typeof (scheduler as Partial<SchedulerOwner> | null | undefined)?.reclaimOnExit === 'function';
}

/** @throws ArgumentRangeError */
export function checkSpawn(options: SpawnOptions): void {
  checkNames('options', options, ['signal', 'transferList']);
  const { signal, transferList } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new ArgumentRangeError('signal', signal, 'an AbortSignal');
  if (transferList !== undefined && !Array.isArray(transferList))
    throw new ArgumentRangeError('transferList', transferList, 'an array');
}
