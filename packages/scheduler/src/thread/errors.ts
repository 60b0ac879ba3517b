// Errors of threads, each with what was found and what was expected.
import { SchedulerError } from '../errors.ts';

/** A thread has ended before its function: it crashed, ran out of memory, called `process.exit` or was terminated. `cause` is the uncaught error where there was one. */
export class ThreadLostError extends SchedulerError {
  override readonly name = 'ThreadLostError';
  readonly thread: string;
  readonly exitCode: number;

  constructor(thread: string, exitCode: number, why: string, cause?: unknown) {
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    super(
      'ERR_THREAD_LOST',
      `thread ${thread} ended with code ${exitCode}, ${why}, expected its function to end first${reason}`,
      cause === undefined ? undefined : { cause },
    );
    this.thread = thread;
    this.exitCode = exitCode;
  }
}

/** It was cancelled without a reason. */
export class ThreadCancelledError extends SchedulerError {
  override readonly name = 'ThreadCancelledError';
  readonly thread: string;

  constructor(thread: string) {
    super('ERR_THREAD_CANCELLED', `thread ${thread} was cancelled, expected it to run to its end`);
    this.thread = thread;
  }
}

/** It has no result yet. */
export class ThreadUnfinishedError extends SchedulerError {
  override readonly name = 'ThreadUnfinishedError';
  readonly thread: string;

  constructor(thread: string) {
    super('ERR_THREAD_UNFINISHED', `thread ${thread} is running, expected it to have ended`);
    this.thread = thread;
  }
}

/** Something that was asked for could not be had, and `strict` says that its function is not to run without it. */
export class ThreadPlacementError extends SchedulerError {
  override readonly name = 'ThreadPlacementError';
  readonly thread: string;
  readonly refusals: readonly string[];

  constructor(thread: string, refusals: readonly string[]) {
    super(
      'ERR_THREAD_PLACEMENT',
      `thread ${thread} could not be set up, expected all of its options (option strict): ${refusals.join('; ')}`,
    );
    this.thread = thread;
    this.refusals = refusals;
  }
}
