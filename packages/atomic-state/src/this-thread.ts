// The number of a thread in shared words: 0 means nobody.
import { threadId } from 'node:worker_threads';
import { ArgumentRangeError } from '@corelane/shared-memory';
import { permit } from './layout.ts';

/** Numbers go round after a million threads. */
const NUMBERS = permit.field.owner.mask;

export const THIS_THREAD: number = numberOf(threadId);

/** The number of a thread that has ended. @throws ArgumentRangeError where it is not a thread's, or that of the caller */
export function deadThread(ended: number): number {
  if (!Number.isInteger(ended) || ended < 0)
    throw new ArgumentRangeError(
      'threadId',
      ended,
      'an integer from 0: worker.threadId is -1 after the exit, keep it before',
    );
  if (ended === threadId) throw new ArgumentRangeError('threadId', ended, 'that of a thread that has ended');
  return numberOf(ended);
}

function numberOf(id: number): number {
  return 1 + (id % NUMBERS);
}
