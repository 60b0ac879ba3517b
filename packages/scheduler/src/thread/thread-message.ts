// What passes between a thread and its handle: one message there, by the thread's own port, and the rest by a channel of theirs. The port of the thread is the user's then.
import type { MessagePort } from 'node:worker_threads';
import type { SchedulerHandle } from '../table.ts';
import type { Migration } from './thread-options.ts';

/** Where a thread is to be, and how nice. */
export interface ThreadPlace {
  readonly nice: number | undefined;
  readonly cpus: readonly number[] | undefined;
  readonly node: number | undefined;
  readonly migration: Migration;
  /** Module of the `ThreadPlatform`. */
  readonly platform: string | undefined;
}

export interface ThreadStart {
  readonly type: '@corelane/scheduler/thread';
  readonly port: MessagePort;
  readonly control: SharedArrayBuffer;
  readonly name: string;
  /** Of the task. */
  readonly module: string;
  readonly task: string;
  readonly args: unknown;
  readonly place: ThreadPlace;
  readonly strict: boolean;
  readonly profile: { readonly file: string; readonly intervalUs: number } | undefined;
  readonly scheduler: { readonly module: string; readonly handle: SchedulerHandle } | undefined;
}

/** Something that was asked for, and whether it was had. */
export interface ThreadSetting {
  readonly option: 'nice' | 'affinity' | 'profile';
  /** `refused` by the system, or not to be had there at all. */
  readonly status: 'done' | 'refused' | 'unsupported';
  /** Niceness, or CPUs; what was read back. */
  readonly value?: number | readonly number[];
  readonly reason?: string;
}

/** From the thread. */
export type ThreadReport =
  | { readonly type: 'started'; readonly settings: readonly ThreadSetting[] }
  | { readonly type: 'profiled'; readonly reason: string | undefined }
  | { readonly type: 'returned'; readonly value: unknown }
  /** What it threw: an error as its record, else the value. */
  | { readonly type: 'threw'; readonly error: Uint8Array | undefined; readonly value: unknown };
