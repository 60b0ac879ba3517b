/**
 * One operation on its way: what is asked, in the terms of io_uring whichever engine runs it, and what becomes of it.
 * Its memory belongs to the kernel from `start` until `complete`, whatever happens to the promise.
 */
import type { FileStatus } from './file-status.ts';
import type { Opcode } from './layout.ts';

/** A list of views, for `readv` and `writev`. */
export type Vectors = readonly Uint8Array[];

export class Operation {
  readonly opcode: Opcode;
  /** A descriptor of the process. */
  fd = -1;
  /** Slot of the ring's table of files, or -1. */
  fileSlot = -1;
  /** What is read into or written from. */
  view: Uint8Array | null = null;
  vectors: Vectors | null = null;
  /** Byte position in the file; `CURRENT_POSITION` for where the descriptor is. */
  position = 0;
  /** Flags of this kind of operation: O_*, RWF_*, MSG_*, IORING_FSYNC_*. */
  flags = 0;
  /** Mode of `openat` and `fallocate`, mask of `statx`, how of `shutdown`. */
  mode = 0;
  /** Bytes, for `fallocate`. */
  lengthBytes = 0;
  path = '';
  /** The next operation starts when this one has succeeded in full (IOSQE_IO_LINK). */
  linked = false;

  /** What `statx` found, once it has completed. */
  status: FileStatus | null = null;

  /** Index in the table of operations in flight, or -1. */
  id = -1;
  /** The next in the line of those that wait for room. */
  next: Operation | null = null;
  /** Asked to be cancelled. */
  cancelled = false;
  /** Called once, with the result (>= 0) or -errno, and the flags of the completion. */
  readonly complete: (result: number, flags: number, operation: Operation) => void;

  constructor(opcode: Opcode, complete: (result: number, flags: number, operation: Operation) => void) {
    this.opcode = opcode;
    this.complete = complete;
  }
}
