// What passes between the owner and the thread of a worker beside shared memory: one message each way.
import type { MessagePort, Transferable } from 'node:worker_threads';
import type { HooksMessage } from './monitor/hook-post.ts';
import type { WatchMessage } from './monitor/event-post.ts';
import type { LoopOptions } from './options.ts';
import type { SchedulerHandle, SchedulerTable } from './table.ts';

/** A module that a worker imports before it takes tasks. It exports `setup(data, place)`, which the worker waits for. */
export interface WorkerSetup {
  readonly module: string;
  readonly data: unknown;
  readonly transferList: readonly Transferable[];
}

/** What a set-up is told beside its data. */
export interface WorkerPlace {
  readonly table: SchedulerTable;
  /** 0 to threads - 1. */
  readonly worker: number;
}

/** What a worker has of hooks when it starts. */
export interface HooksBoot {
  /** URL of their module. */
  readonly module: string | undefined;
  readonly version: number;
  /** On which it is told of others. */
  readonly port: MessagePort;
}

export interface BootMessage {
  readonly type: '@corelane/scheduler/boot';
  readonly handle: SchedulerHandle;
  /** 0 to threads - 1. */
  readonly worker: number;
  readonly preload: readonly string[];
  readonly affinity: string | undefined;
  /** Module of the `Interrupt`. */
  readonly interrupt: string | undefined;
  /** Module of the codec, or a name of one that is built in. */
  readonly codec: string | undefined;
  readonly memory: readonly SharedArrayBuffer[];
  readonly niceIncrement: number;
  readonly loop: LoopOptions;
  /** Where polls are watched. */
  readonly hooks: HooksBoot | undefined;
  readonly setup: Omit<WorkerSetup, 'transferList'> | undefined;
}

/** From the worker. */
export type WorkerMessage =
  | { readonly type: '@corelane/scheduler/ready' }
  | { readonly type: '@corelane/scheduler/warning'; readonly text: string }
  | { readonly type: '@corelane/scheduler/parkable'; readonly ticket: unknown }
  | HooksMessage
  | WatchMessage;

const TYPES: readonly WorkerMessage['type'][] = [
  '@corelane/scheduler/ready',
  '@corelane/scheduler/warning',
  '@corelane/scheduler/hooks',
  '@corelane/scheduler/watch',
  '@corelane/scheduler/parkable',
];

/** Else it is what a task has sent. */
export function isOfScheduler(message: unknown): message is WorkerMessage {
  const type = (message as Partial<WorkerMessage> | null | undefined)?.type;
  return type !== undefined && TYPES.includes(type);
}

/** Beside this module, as source and as built: tsup has an entry for it. */
export function workerUrl(): URL {
  return new URL(`./worker.${isSource() ? 'ts' : 'cjs'}`, import.meta.url);
}

/** The same of the watchdog's thread. */
export function watchdogUrl(): URL {
  return new URL(isSource() ? './watchdog/thread.ts' : './watchdog.js', import.meta.url);
}

/** Packages are imported from source under this condition alone; a thread does not inherit it where vitest gives it. */
export function sourceExecArgv(given: readonly string[] | undefined): string[] | undefined {
  const inherited = given ?? process.execArgv;
  if (!isSource() || inherited.some((each) => each.includes(SOURCE_CONDITION))) return given?.slice();
  return [...(given ?? []), `--conditions=${SOURCE_CONDITION}`, '--disable-warning=ExperimentalWarning'];
}

const SOURCE_CONDITION = '@corelane/source';

function isSource(): boolean {
  return import.meta.url.endsWith('.ts');
}
