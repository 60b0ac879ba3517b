// Errors of a pool, with the texts that users of piscina match, and codes beside them.
import type { AbortSignalAny } from './abort.ts';

export class PoolError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Its signal aborted before the task had ended; `cause` is the reason of the signal. */
export class AbortError extends PoolError {
  override readonly name = 'AbortError';

  constructor(reason?: unknown) {
    super('ABORT_ERR', 'The task has been aborted', { cause: reason });
  }
}

export function abortedBy(signal: AbortSignalAny): AbortError {
  return new AbortError((signal as { reason?: unknown }).reason);
}

export function threadTerminated(): PoolError {
  return new PoolError('ERR_THREAD_TERMINATED', 'Terminating worker thread');
}

export function filenameMissing(): PoolError {
  return new PoolError('ERR_FILENAME_MISSING', 'filename must be provided to run() or in options object');
}

export function queueAtLimit(): PoolError {
  return new PoolError('ERR_QUEUE_FULL', 'Task queue is at limit');
}

export function noQueue(): PoolError {
  return new PoolError('ERR_QUEUE_FULL', 'No task queue available and all Workers are busy');
}

export function closeTimedOut(): PoolError {
  return new PoolError('ERR_CLOSE_TIMEOUT', 'Close operation timed out');
}

export function workerExited(exitCode: number): PoolError {
  return new PoolError('ERR_WORKER_EXITED', `worker exited with code: ${exitCode}`);
}
