/** What a call that asks something of the machine answers. Only wrong input throws; what the machine will not do is an answer. */
import os from 'node:os';

/** It was done, and read back. `value` is what was read. */
export interface Verified<T> {
  readonly status: 'verified';
  readonly value: T;
}

/** This kernel or this process may not. */
export interface Refused {
  readonly status: 'refused';
  /** Name of the kernel's error, as `EPERM`. `null`: the call succeeded, but what was read back is not what was asked. */
  readonly errno: string | null;
  /** The call, what was asked and found, and what would be needed. */
  readonly reason: string;
}

/** There is no way to do it here: no addon, another operating system, an older kernel. */
export interface Unsupported {
  readonly status: 'unsupported';
  readonly reason: string;
}

export type Answer<T> = Verified<T> | Refused | Unsupported;

export function verified<T>(value: T): Verified<T> {
  return { status: 'verified', value };
}

export function unsupported(reason: string): Unsupported {
  return { status: 'unsupported', reason };
}

/** The call succeeded, and yet what was read back is something else. */
export function differs(reason: string): Refused {
  return { status: 'refused', errno: null, reason };
}

/**
 * The kernel said no. ENOSYS is `unsupported`: the kernel does not have the call.
 * @param call the call with its arguments, as `sched_setaffinity(4711, 0-3)`
 * @param result what the native function answered: -errno
 * @param hint what would be needed
 */
export function refused(call: string, result: number, hint?: string): Refused | Unsupported {
  const errno = errnoName(-result);
  const reason = `${call} answered ${errno}${hint === undefined ? '' : `: ${hint}`}`;
  return errno === 'ENOSYS' ? unsupported(reason) : { status: 'refused', errno, reason };
}

const NAMES = new Map(Object.entries(os.constants.errno).map(([name, number]) => [number, name]));

/** `EPERM` for 1. What Node has no name for is `E` and its number. */
export function errnoName(errno: number): string {
  // EWOULDBLOCK, ENOTSUP and the like share numbers with the names that Linux documents.
  if (errno === os.constants.errno.EAGAIN) return 'EAGAIN';
  if (errno === os.constants.errno.EOPNOTSUPP) return 'EOPNOTSUPP';
  return NAMES.get(errno) ?? `E${errno}`;
}
