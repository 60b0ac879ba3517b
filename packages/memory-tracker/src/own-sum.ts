// What all workers hold under a tag that each counts for itself: a sum of words that different threads write.
import type { Arena } from '@corelane/shared-memory';
import type { TagScope } from './tag-scope.ts';
import { readBytes, type SlotFigures } from './slot-words.ts';

/** Guessed: looks at all workers before it gives up on a moment at which none of them records. */
const MAX_LOOKS = 4;

export interface OwnSum {
  readonly slots: readonly SlotFigures[];
  /** Held by all. */
  readonly bytes: number;
  /**
   * Whether all of it was held at one moment: two looks in a row have found the same. Bytes allocated and bytes freed only go up, so
   * nothing was recorded between the end of the first look and the start of the second.
   */
  readonly isOfOneMoment: boolean;
}

export function readSum(arena: Arena, slotsAt: readonly number[], scope: TagScope): OwnSum {
  let slots = slotsAt.map((at) => readBytes(arena, at, scope));
  let isOfOneMoment = false;
  const looks = scope === 'worker' ? MAX_LOOKS : 1;
  for (let look = 1; look < looks && !isOfOneMoment; look++) {
    const again = slotsAt.map((at) => readBytes(arena, at, scope));
    isOfOneMoment = again.every(
      ({ allocatedBytes, freedBytes }, i) =>
        allocatedBytes === slots[i]?.allocatedBytes && freedBytes === slots[i]?.freedBytes,
    );
    slots = again;
  }
  return { slots, bytes: slots.reduce((sum, { netBytes }) => sum + netBytes, 0), isOfOneMoment };
}
