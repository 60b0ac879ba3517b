// The number of this thread in shared words: 0 means nobody, and the main thread's id is 0.
import { threadId } from 'node:worker_threads';
import { ArgumentRangeError } from '@corelane/shared-memory';
import { mutexState } from './layout.ts';

/** What the owner bits of a mutex hold. */
const MAX_NUMBER = mutexState.field.owner.mask;

/** `threadId + 1`. */
export const THIS_THREAD: number = threadId + 1;

/** The number of a thread that has ended. @throws ArgumentRangeError where it is not a thread's, or that of the caller */
export function deadThread(ended: number): number {
  if (!Number.isInteger(ended) || ended < 0 || ended >= MAX_NUMBER)
    throw new ArgumentRangeError(
      'threadId',
      ended,
      `an integer from 0 to ${MAX_NUMBER - 1}: worker.threadId is -1 after the exit, keep it before`,
    );
  if (ended === threadId) throw new ArgumentRangeError('threadId', ended, 'that of a thread that has ended');
  return ended + 1;
}

/** The id of the thread of that number; undefined for 0. */
export function threadIdOf(number: number): number | undefined {
  return number === 0 ? undefined : number - 1;
}
