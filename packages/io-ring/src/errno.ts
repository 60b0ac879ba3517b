import os from 'node:os';
import { getSystemErrorMap } from 'node:util';

const NAMES = new Map(Object.entries(os.constants.errno).map(([name, number]) => [number, name]));

/** `EPERM` for 1. What Node has no name for is `E` and its number. */
export function errnoName(errno: number): string {
  // EWOULDBLOCK, ENOTSUP and the like share numbers with the names that Linux documents.
  if (errno === os.constants.errno.EAGAIN) return 'EAGAIN';
  if (errno === os.constants.errno.EOPNOTSUPP) return 'EOPNOTSUPP';
  // libuv's own numbers, where the system is not one of POSIX.
  return NAMES.get(errno) ?? getSystemErrorMap().get(-errno)?.[0] ?? `E${errno}`;
}
