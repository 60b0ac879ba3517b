import type { Operation } from './operation.ts';
import type { Sockets } from './socket/sockets.ts';

/** What runs the operations of a ring. */
export interface Backend {
  readonly kind: 'io_uring' | 'fs';
  /** Which, how it is set up, and for `fs` why there is no ring. */
  readonly reason: string;
}

/** What became of memory that was made known. */
export interface Registration {
  /** The kernel keeps its pages mapped. */
  readonly fixed: boolean;
  /** Why, or why not. */
  readonly reason: string;
}

/** The seam between what a ring offers and what the machine has. Called on one thread. */
export interface Engine {
  readonly backend: Backend;
  /** Operations in flight at most. */
  readonly capacity: number;
  readonly inFlight: number;
  /** What sockets need besides operations. */
  readonly sockets: Sockets;
  /** Those in flight that can be cancelled; of a chain its steps. */
  operations(): Operation[];
  /** Steps of a chain at most. */
  readonly longestChain: number;
  /** Whether so many operations would be started at once. */
  roomFor(count: number): boolean;
  /** Starts an operation, or the steps of a chain, each of which completes. Needs room. */
  start(operation: Operation): void;
  /** Asks for an end: the operation, or each step, still completes, with -ECANCELED or, where it was too late, its result. */
  cancel(operation: Operation): void;
  /** Puts a descriptor into the table of files: its slot, or -1 where there is no room. */
  addFile(fd: number): number;
  removeFile(slot: number): void;
  /** Closes what an operation has opened, without room and also after `close`. 0, or -errno. */
  closeDescriptor(fd: number): Promise<number>;
  /** Makes memory known ahead of its first use. */
  register(view: Uint8Array): Registration;
  /** Called when an operation has completed and there may be room for another. */
  onRoom: () => void;
  /** Cancels everything, waits for it, and lets go of the memory. */
  close(): Promise<void>;
}
