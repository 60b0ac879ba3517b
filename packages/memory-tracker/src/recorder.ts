// One tag on one thread: records what is allocated and freed under it.
import { ArgumentRangeError } from './errors.ts';
import type { TagScope } from './tag-scope.ts';
import type { Tracked } from './tracked.ts';

/** Get it from `tracker.tag`, once, and keep it. Recording never blocks and allocates nothing. */
export interface TagRecorder {
  readonly tag: string;
  readonly scope: TagScope;

  /**
   * Records that `bytes` were allocated: an integer from 0 to 2^53 - 1.
   * @throws ArgumentRangeError; MemoryBudgetError where the tag would hold more than its hard limit; MemoryOverflowError where it would
   *   hold 2^53 or more; TrackerDisposedError
   */
  alloc(bytes: number): void;

  /**
   * Records that `bytes` were freed: of a shared tag, on whichever thread they were allocated; of a tag by worker, on that thread.
   * @throws MemoryUnderflowError where less is held, by all workers or, of a tag by worker, by this one: nothing is changed;
   *   ArgumentRangeError; TrackerDisposedError
   */
  dealloc(bytes: number): void;

  /** `using held = pool.track(4096);` records an allocation now and its end with the scope. */
  track(bytes: number): Tracked;
}

/** What a tracker and its handles know of a recorder. @internal */
export interface OpenRecorder extends TagRecorder {
  /** Changes the size of something that is held, by its difference: no allocation, no deallocation. */
  adjust(bytes: number): void;
  /** Takes bytes from this worker that another one is to adopt. */
  send(bytes: number): void;
  /** @throws TransferError where less is in transit */
  adopt(bytes: number): void;
  /** Brings the alarm of the soft limit in line with what is held. */
  settle(): void;
  /** From now on every use throws. */
  close(): void;
}

export function checkBytes(bytes: number): void {
  if ((bytes | 0) === bytes ? bytes < 0 : !Number.isSafeInteger(bytes) || bytes < 0)
    throw new ArgumentRangeError('bytes', bytes, 'an integer from 0 to 2^53 - 1');
}
