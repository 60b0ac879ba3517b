/**
 * One operation on its way: what is asked, in the terms of io_uring whichever engine runs it, and who waits for it.
 * Its memory belongs to the kernel from `start` until it has completed, whatever happens to the promise.
 */
import type { FileStatus } from './file-status.ts';
import type { Opcode } from './layout.ts';
import type { LeasedBuffer } from './ports.ts';
import type { Endpoint } from './socket/endpoint.ts';

/** Who is told. */
export interface Completion {
  /** Called once with the result (>= 0) or -errno. */
  completed(operation: Operation, result: number): void;
}

/** Who must know what is under way on a descriptor: from the call to the end of the promise. */
export interface Use {
  /** It is in line, or in flight. Not called for one that is refused. */
  enter(operation: Operation): void;
  /** It is over, and its promise about to settle. `transferredBytes` is what was transferred, whatever became of it. */
  leave(operation: Operation): void;
}

export class Operation {
  readonly opcode: Opcode;
  /** For errors: `read`, `open` … */
  readonly syscall: string;
  /** A descriptor of the process. */
  fd = -1;
  /** The file that it is on, for errors; `null` for what is not on an open file. */
  file: { readonly path: string; readonly direct: boolean } | null = null;
  /** Who must not close it before this is over. */
  use: Use | null = null;
  /** Slot of the ring's table of files, or -1. */
  fileSlot = -1;
  /** What is read into or written from. */
  view: Uint8Array | null = null;
  vectors: readonly Uint8Array[] | null = null;
  /** What `view` is of, where that is lent to the kernel; or, by index, what `vectors` are of. */
  lease: LeasedBuffer | null = null;
  leases: readonly (LeasedBuffer | null)[] | null = null;
  /** The first byte of the lease that is filled; -1 where what it holds is written. */
  leaseFilledFrom = -1;
  /** The number that leases were lent under, or -1. */
  loan = -1;
  /** Byte position in the file; `CURRENT_POSITION` for where the descriptor is. */
  position = 0;
  /** Flags of this kind of operation: O_*, RWF_*, IORING_FSYNC_*. */
  flags = 0;
  /** Mode of `openat` and `fallocate`, mask of `statx`. */
  mode = 0;
  /** Bytes, for `fallocate`. */
  lengthBytes = 0;
  path = '';
  /** A short transfer is continued. */
  inFull = false;
  /** A thread of the kernel does it, even where it could be done at once on this one. */
  offload = false;

  /** Where `connect` goes. */
  endpoint: Endpoint | null = null;
  /** Nothing is likely to be there yet: wait before the first try. */
  pollFirst = false;

  /** Bytes of earlier steps; once it has settled, of all. */
  transferredBytes = 0;
  /** What `statx` found, once it has completed. */
  status: FileStatus | null = null;

  /** The steps of a chain, in order: this one only stands for them. */
  steps: readonly Operation[] | null = null;
  /** What a step is one of. */
  chain: Operation | null = null;

  /** Number of an operation in flight, or -1. */
  id = -1;
  /** Whom to tell. */
  completion: Completion | null = null;
  /** Neighbours in the line of those that wait for room. */
  previous: Operation | null = null;
  next: Operation | null = null;
  /** Asked to be cancelled, and why. */
  cancelled = false;
  cancelReason: unknown = undefined;

  resolve: ((result: number) => void) | null = null;
  reject: ((reason: unknown) => void) | null = null;
  signal: AbortSignal | null = null;
  onAbort: (() => void) | null = null;
  timer: NodeJS.Timeout | null = null;

  constructor(opcode: Opcode, syscall: string) {
    this.opcode = opcode;
    this.syscall = syscall;
  }

  /** For the next of the same kind: only once it has completed, uncancelled, and nobody looks at it any more. */
  reuse(): void {
    this.lease = null;
    this.leaseFilledFrom = -1;
    this.flags = 0;
    this.inFull = false;
    this.transferredBytes = 0;
    this.signal = null;
    this.onAbort = null;
    this.timer = null;
    this.resolve = null;
    this.reject = null;
  }
}

/** How many operations of an engine it takes. */
export function weightOf({ steps }: Operation): number {
  return steps === null ? 1 : steps.length;
}

/** What a transfer is in full; 0 for what transfers nothing. */
export function bytesOf({ view, vectors }: Operation): number {
  if (view !== null) return view.byteLength;
  return vectors === null ? 0 : vectors.reduce((sum, part) => sum + part.byteLength, 0);
}
