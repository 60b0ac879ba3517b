// What passes between the owner and the thread of a worker beside shared memory: one message each way.
import type { Transferable } from 'node:worker_threads';
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

export interface BootMessage {
  readonly type: '@corelane/scheduler/boot';
  readonly handle: SchedulerHandle;
  /** 0 to threads - 1. */
  readonly worker: number;
  readonly preload: readonly string[];
  readonly affinity: string | undefined;
  /** Module of the codec, or a name of one that is built in. */
  readonly codec: string | undefined;
  readonly memory: readonly SharedArrayBuffer[];
  readonly niceIncrement: number;
  readonly loop: LoopOptions;
  readonly setup: Omit<WorkerSetup, 'transferList'> | undefined;
}

/** From the worker. */
export type WorkerMessage =
  | { readonly type: '@corelane/scheduler/ready' }
  | { readonly type: '@corelane/scheduler/warning'; readonly text: string };

/** Else it is what a task has sent. */
export function isOfScheduler(message: unknown): message is WorkerMessage {
  const type = (message as Partial<WorkerMessage> | null | undefined)?.type;
  return type === '@corelane/scheduler/ready' || type === '@corelane/scheduler/warning';
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
