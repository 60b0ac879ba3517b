// What the supervisor and an HTTP worker tell each other.
import type { EventBufferHandle, StateMachineHandle } from '@corelane/atomic-state';
import type { BufferPoolHandle } from '@corelane/buffer-pool';
import type { MemoryTrackerHandle } from '@corelane/memory-tracker';
import type { RegistryHandle } from '@corelane/perf-counters';
import type { SchedulerHandle } from '@corelane/scheduler';
import type { Transition } from './guard.ts';
import type { Settings } from './options.ts';
import type { TicketsHandle } from './tickets.ts';
import type { WordBookHandle } from './word-book.ts';

/** `workerData` of an HTTP worker. */
export interface HttpWorkerData {
  readonly settings: Settings;
  readonly machine: StateMachineHandle;
  readonly pool: BufferPoolHandle;
  /** The number that this worker leases buffers under: the supervisor reclaims it when the thread has died. */
  readonly owner: number;
  readonly registry: RegistryHandle;
  readonly memory: MemoryTrackerHandle;
  readonly scheduler: SchedulerHandle;
  readonly wordBook: WordBookHandle;
  readonly events: EventBufferHandle;
  readonly tickets: TicketsHandle;
  /** The number of this worker. */
  readonly seat: number;
  readonly port: number;
  readonly reusePort: boolean;
}

export type FromWorker =
  | { readonly listening: { readonly port: number } }
  | { readonly transition: Transition };

/** Drain and end. */
export interface ToWorker {
  readonly close: true;
}
