// The number that the name of a task has on all threads.
import { NamesExhaustedError, type NameTable } from '@corelane/shared-memory';
import { TooManyTasksError } from './errors.ts';

/** @param full URL of the module, # and the name. @throws TooManyTasksError, ArgumentRangeError where it is too long */
export function taskIndex(names: NameTable, full: string): number {
  try {
    return names.intern(full);
  } catch (error) {
    if (!(error instanceof NamesExhaustedError)) throw error;
    throw new TooManyTasksError(full.slice(full.lastIndexOf('#') + 1), error.capacity, error);
  }
}
