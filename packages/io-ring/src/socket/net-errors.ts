/** Errors of node:net as the kernel's numbers. */
import os from 'node:os';
import { errnoName } from '../errno.ts';
import { OperationError } from '../errors.ts';
import { showEndpoint, type Endpoint } from './endpoint.ts';

/** The number of an error of node:net, as the kernel's. */
export function errnoOf(error: unknown): number {
  const { errno, code } = error as NodeJS.ErrnoException;
  if (typeof errno === 'number' && errno < 0) return errno;
  const { EPIPE, ECANCELED, EIO } = os.constants.errno;
  if (code === 'EPIPE' || code === 'ERR_STREAM_WRITE_AFTER_END') return -EPIPE;
  return code === 'ERR_STREAM_DESTROYED' || code === 'ABORT_ERR' ? -ECANCELED : -EIO;
}

export function listenError(error: unknown, at: Endpoint): OperationError {
  const { syscall = 'listen' } = error as NodeJS.ErrnoException;
  const errno = errnoOf(error);
  return new OperationError(errnoName(-errno), errno, syscall, { path: showEndpoint(at) });
}
