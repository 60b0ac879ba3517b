// The only place with offsets in this package, and with the numbers that JavaScript and kernels share.
import { atomic, guarded, immutable, root, struct } from '@corelane/shared-memory';

/** `pushQueue` found no free cell and changed nothing. */
export const QUEUE_FULL = 0;
/** `pushQueue` handed the value over. */
export const QUEUE_PUSHED = 1;
/** `popQueue` found nothing to take. The one i32 that a queue can't carry. */
export const QUEUE_EMPTY = -0x80000000;

/** Followed by `capacity` cells. */
export const boundedQueueRoot = root('lock-free/bounded-queue', 1, {
  capacity: immutable('i32', { doc: 'cells: a power of two, at least 2' }),
  tail: atomic('i32', {
    line: true,
    hot: 'tail',
    doc: 'position of the next push; runs freely and wraps. Its CAS claims a cell, publishes nothing',
    writer: 'any thread that pushes',
    reader: 'any thread',
  }),
  head: atomic('i32', {
    line: true,
    hot: 'head',
    doc: 'position of the next pop; runs freely and wraps. Its CAS claims a cell, publishes nothing',
    writer: 'any thread that pops',
    reader: 'any thread',
  }),
});

/** Position `p` uses cell `p mod capacity`. */
export const queueCell = struct('lock-free/bounded-queue-cell', 1, {
  sequence: atomic('i32', {
    doc: 'p: free for the push at p; p + 1: holds the value of p; p + capacity: free for the next lap. Publishes `value`, and its release',
    writer: 'whoever claimed position p',
    reader: 'any thread',
  }),
  value: guarded('the claim of its position', 'i32', { doc: 'any i32 but QUEUE_EMPTY' }),
});

/** `popStack` found nothing to take. */
export const STACK_EMPTY = -1;
/** `pushIndex` handed the index over. */
export const INDEX_PUSHED = 1;
/** `claimIndex` and `pushIndex` found the index in the stack already and changed nothing. */
export const INDEX_PRESENT = 0;
/** Of a `next` word: no index below this one. */
export const LINK_END = 0;
/** Of a `next` word: the index is not in the stack. Only where indices go in and out through `pushIndex` and `popIndex`. */
export const LINK_OUT = -1;

/** Followed by `capacity` links. */
export const indexStackRoot = root('lock-free/index-stack', 1, {
  capacity: immutable('i32', { doc: 'indices are 0 to capacity - 1' }),
  head: atomic('i64', {
    line: true,
    hot: 'head',
    doc: 'low half: top index + 1, 0 where empty; high half: tag, pops so far modulo 2^32. Publishes the links below the top',
    writer: 'any thread',
    reader: 'any thread',
  }),
});

/** One for each index. */
export const stackLink = struct('lock-free/index-stack-link', 1, {
  next: atomic('i32', {
    doc: 'index below + 1, LINK_END or LINK_OUT. Atomic, because a thread that is late with its pop may still read it',
    writer: 'whoever holds the index',
    reader: 'any thread that pops; a late one throws away what it read',
  }),
});
