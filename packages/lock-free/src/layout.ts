// The only place with offsets in this package, and with the numbers that JavaScript and kernels share. Longer than other
// files: it has the layouts of all structures, because kernels take their constants from this one file.
import { atomic, bits, guarded, immutable, root, struct } from '@corelane/shared-memory';

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

/** `pushDeque` found no free slot and changed nothing. */
export const DEQUE_FULL = 0;
/** `pushDeque` handed the value over. */
export const DEQUE_PUSHED = 1;
/** `popDeque` and `stealDeque` found nothing to take. No value of a deque. */
export const DEQUE_EMPTY = -0x80000000;
/** `stealDeque` lost a race for the oldest value, and changed nothing. No value of a deque. */
export const DEQUE_RETRY = -0x7fffffff;
/** The owner takes the newest value. */
export const DEQUE_LIFO = 0;
/** The owner takes the oldest value, as thieves do. */
export const DEQUE_FIFO = 1;

/** Followed by `capacity` slots. */
export const dequeRoot = root('lock-free/deque', 1, {
  capacity: immutable('i32', { doc: 'slots: a power of two, at least 2' }),
  order: immutable('i32', { doc: 'DEQUE_LIFO or DEQUE_FIFO: which end the owner takes from' }),
  owner: atomic('i32', {
    line: true,
    hot: 'owner',
    doc: 'thread id + 1 of who is the owner, 0 for nobody. Publishes `topSeen`',
    writer: 'whoever becomes, ceases to be or reclaims the owner',
    reader: 'the same',
  }),
  bottom: atomic('i32', {
    hot: 'owner',
    doc: 'position of the next push; runs freely and wraps. Publishes the slots before it. Lowered by a pop (LIFO) before it looks at `top`',
    writer: 'the owner',
    reader: 'thieves',
  }),
  topSeen: guarded('being the owner', 'i32', {
    hot: 'owner',
    doc: '`top` when the owner looked last: never more than it',
  }),
  top: atomic('i32', {
    line: true,
    hot: 'top',
    doc: 'position of the oldest value; runs freely and wraps. Its CAS takes values',
    writer:
      'whoever takes the oldest: thieves, and the owner where it is the last one (LIFO) or always (FIFO)',
    reader: 'any thread',
  }),
});

/** Position `p` uses slot `p mod capacity`. */
export const dequeSlot = struct('lock-free/deque-slot', 1, {
  value: atomic('i32', {
    doc: 'any i32 but DEQUE_EMPTY and DEQUE_RETRY. Atomic, because a thief that is late may still read it',
    writer: 'the owner, while the position is free',
    reader: 'the owner and thieves; a late one throws away what it read',
  }),
});

/** `freeElements` has no room for one value. */
export const RING_FULL = 0;
/** `pushRing` handed the value over. */
export const RING_PUSHED = 1;

/** Followed by `capacity` elements. */
export const spscRingRoot = root('lock-free/spsc-ring', 1, {
  capacity: immutable('i32', { doc: 'elements: a power of two, at least 2' }),
  elementBytes: immutable('i32', { doc: '4: words; 1: bytes' }),
  producer: atomic('i32', {
    line: true,
    hot: 'producer',
    doc: 'thread id + 1 of who is the producer, 0 for nobody. Publishes `headSeen`',
    writer: 'whoever becomes, ceases to be or reclaims the producer',
    reader: 'the same',
  }),
  tail: atomic('i32', {
    hot: 'producer',
    doc: 'position of the next write; runs freely and wraps. Publishes the elements before it',
    writer: 'the producer',
    reader: 'the consumer, when it has read all it knows of',
  }),
  headSeen: guarded('being the producer', 'i32', {
    hot: 'producer',
    doc: '`head` when the producer looked last',
  }),
  consumer: atomic('i32', {
    line: true,
    hot: 'consumer',
    doc: 'thread id + 1 of who is the consumer, 0 for nobody. Publishes `tailSeen`',
    writer: 'whoever becomes, ceases to be or reclaims the consumer',
    reader: 'the same',
  }),
  head: atomic('i32', {
    hot: 'consumer',
    doc: 'position of the next read; runs freely and wraps. Publishes that what lies before it may be written over',
    writer: 'the consumer',
    reader: 'the producer, when it has filled all it knows to be free',
  }),
  tailSeen: guarded('being the consumer', 'i32', {
    hot: 'consumer',
    doc: '`tail` when the consumer looked last',
  }),
  popped: guarded('being the consumer', 'i32', {
    hot: 'consumer',
    doc: 'what `popRing` took last: a Wasm call returns one i32, and each i32 may be a value',
  }),
});

/** Elements of a ring of words. */
export const ringWord = struct('lock-free/spsc-ring-word', 1, {
  value: guarded('`tail` and `head`', 'i32', { doc: 'any i32' }),
});

/** Bytes of a slot of a framed ring. Guessed: one cache line, so that payloads of two frames never share one. */
export const FRAME_SLOT_BYTES = 64;

/** `claimFrame`: not so many free slots. Nothing was changed. */
export const FRAME_FULL = -1;
/** `peekFrame`: nothing was claimed beyond what was read. */
export const FRAME_EMPTY = -1;
/** `peekFrame`: the next frame was claimed and is not committed yet. */
export const FRAME_UNFINISHED = -2;
/** `peekFrame`: the header of the next frame contradicts itself. Nothing was changed. */
export const FRAME_CORRUPT = -3;

/** `settleFrame` did it. */
export const FRAME_SETTLED = 1;
/** `settleFrame`: the claim is no longer the caller's. Nothing was changed. */
export const FRAME_LOST = 0;

/** Of the low two bits of `state`. */
export const FRAME_CLAIMED = 1;
export const FRAME_READY = 2;
export const FRAME_PADDING = 3;

/** Of words that are the length in disguise: no common value of a stray write. */
export const FRAME_MAGIC = 0x2f6d_c3a5;

/** Followed by `slots` headers and `slots` slots of FRAME_SLOT_BYTES. */
export const framedRingRoot = root('lock-free/framed-ring', 1, {
  slots: immutable('i32', { doc: 'slots: a power of two, at least 4' }),
  tail: atomic('i32', {
    line: true,
    hot: 'producers',
    doc: 'slot position of the next claim; runs freely and wraps. Its CAS claims slots, publishes nothing',
    writer: 'any producer',
    reader: 'any thread',
  }),
  headSeen: atomic('i32', {
    hot: 'producers',
    doc: '`head` when a producer looked last; may be older than that',
    writer: 'any producer',
    reader: 'any producer',
  }),
  consumer: atomic('i32', {
    line: true,
    hot: 'consumer',
    doc: 'thread id + 1 of who is the consumer, 0 for nobody. Publishes `read`',
    writer: 'whoever becomes, ceases to be or reclaims the consumer',
    reader: 'the same',
  }),
  head: atomic('i32', {
    hot: 'consumer',
    doc: 'slot position up to which slots may be claimed anew; runs freely and wraps. Publishes that their headers are clear',
    writer: 'the consumer',
    reader: 'any producer',
  }),
  read: guarded('being the consumer', 'i32', {
    hot: 'consumer',
    doc: 'slot position of the next frame to read: `head`, or beyond it in the middle of a batch',
  }),
  peeked: guarded('being the consumer', 'i32', {
    hot: 'consumer',
    doc: 'bytes of the payload that `peekFrame` found last',
  }),
});

/** One for each slot; in use where a frame begins in it. */
export const frameHeader = struct('lock-free/frame-header', 1, {
  state: atomic('i32', {
    doc: '0: no frame begins here. Else FRAME_CLAIMED, _READY or _PADDING in 2 bits and the length ^ slot ^ kind << 24 ^ FRAME_MAGIC in 30. Publishes header and payload',
    writer: 'who claimed the slot; the consumer clears it plainly before `head` hands the slot on',
    reader: 'the consumer',
  }),
  length: guarded('the claim, then `state`', 'i32', {
    doc: 'bytes of the payload; of padding: of its slots',
  }),
  mirror: guarded('the claim, then `state`', 'i32', { doc: 'length ^ position ^ FRAME_MAGIC' }),
  owner: guarded('the claim, then `state`', 'i32', { doc: 'thread id + 1 of who claimed it' }),
});

/** Followed by `stripes` stripes. */
export const stripedCounterRoot = root('lock-free/striped-counter', 1, {
  stripes: immutable('i32', { doc: 'stripes: a power of two' }),
  next: atomic('i32', {
    line: true,
    hot: 'next',
    doc: 'objects that took a stripe so far; runs freely and wraps',
    writer: 'any thread that creates or attaches',
    reader: 'the same',
  }),
});

export const counterStripe = struct('lock-free/counter-stripe', 1, {
  count: atomic('i64', {
    line: true,
    hot: 'stripe',
    doc: 'part of the sum, modulo 2^64. Publishes nothing',
    writer: 'any thread with this stripe, and who resets',
    reader: 'any thread',
  }),
});

/** Somebody else has it, and nothing was changed. */
export const LOCK_BUSY = 0;
/** The caller has it. */
export const LOCK_TAKEN = 1;
/** The caller has it, and a thread that had it died: what it guards may be half written until somebody marks it consistent. */
export const LOCK_RECOVERED = 2;
/** The time is over, and the caller does not have it. */
export const LOCK_TIMED_OUT = 3;
/** The caller had it already. Of kernels: JavaScript throws. */
export const LOCK_RELOCK = 4;
/** The caller gave it back. */
export const UNLOCKED = 1;
/** The caller did not have it, and nothing was changed. Of kernels: JavaScript throws. */
export const NOT_OWNER = 0;

/** The word of a mutex. Never negative. */
export const mutexState = bits('lock-free/mutex-state', 32, {
  owner: 28, // number of the thread that has it, 0 where it is free
  poisoned: 1, // an owner died, and nobody has marked the data consistent since
  deferred: 1, // continuations may wait on `turn`
  parked: 1, // threads may be parked on `state`
  unused: 1,
});

/** Embedded beside the data that it guards: the whole of it is one object's, so it may share its line. Starts as zeros. */
export const mutexWords = struct('lock-free/mutex-words', 1, {
  state: atomic('i32', {
    hot: 'mutex',
    doc: 'mutexState. Publishes the guarded data; threads park on it',
    writer: 'any thread that takes, waits or gives back',
    reader: 'the same',
  }),
  contended: atomic('i32', {
    hot: 'mutex',
    doc: 'acquisitions that had to wait, spinning or parked, modulo 2^32',
    writer: 'the thread that has just taken it',
    reader: 'any thread',
  }),
  waitedUs: atomic('i64', {
    hot: 'mutex',
    doc: 'microseconds that threads were parked and continuations waited',
    writer: 'a thread that has waited',
    reader: 'any thread',
  }),
  turn: atomic('i32', {
    hot: 'mutex',
    doc: 'bumped when continuations are to look again; they wait on it',
    writer: 'the thread that gives back',
    reader: 'threads that wait without blocking',
  }),
});

export const mutexRoot = root('lock-free/mutex', 1, {
  words: atomic(mutexWords.bytes, { line: true, hot: 'mutex', doc: 'mutexWords' }),
});

/** Of a slot's `thread`: the thread has died, and somebody clears up after it. */
export const SLOT_RECOVERING = -1;
/** `leaveSlot` found the thread inside and changed nothing. */
export const SLOT_IN_USE = 0;
/** The slot is the thread's no more, or has a user of this thread less. */
export const SLOT_LEFT = 1;

/** What a thread that reads has for itself, on a line of its own. */
export const readerSlot = struct('lock-free/reader-slot', 1, {
  thread: atomic('i32', {
    line: true,
    hot: 'reader',
    doc: 'number of the thread, 0 where the slot is free, or SLOT_RECOVERING. Hands over the words below',
    writer: 'its thread; whoever recovers it',
    reader: 'any thread',
  }),
  epoch: atomic('i32', {
    hot: 'reader',
    doc: 'of an RCU cell: the epoch in which its thread began to read, 0 where it does not read',
    writer: 'its thread; whoever recovers it',
    reader: 'threads that wait for readers',
  }),
  users: guarded('being its thread, or recovering it', 'i32', {
    doc: 'objects of its thread that use the slot',
  }),
  depth: guarded('being its thread, or recovering it', 'i32', {
    doc: 'read sections of its thread, one in another',
  }),
  isWaiting: guarded('being its thread, or recovering it', 'i32', {
    doc: 'of a read-write lock: 1 while its thread is one of the readers that wait',
  }),
  phase: guarded('being its thread, or recovering it', 'i32', { doc: 'and since which phase' }),
});

/** The word of a read-write lock. */
export const readWriteState = bits('lock-free/read-write-state', 64, {
  active: 14, // threads that read
  waiting: 14, // threads that wait for the end of this phase, to read
  writer: 1, // a writer is inside, or waits for the last reader
  poisoned: 1, // a writer died inside, and nobody has marked the data consistent since
  unused: 2,
  phase: 32, // writers that have come and gone, modulo 2^32
});

/** Followed by `maxReaders` reader slots. */
export const readWriteRoot = root('lock-free/read-write-lock', 1, {
  maxReaders: immutable('i32', { doc: 'threads that may read: slots' }),
  state: atomic('i64', {
    line: true,
    hot: 'state',
    doc: 'readWriteState. Publishes the guarded data',
    writer: 'any thread that reads, or has the mutex of the writers',
    reader: 'any thread',
  }),
  admitted: atomic('i32', {
    hot: 'state',
    doc: 'bumped when readers that waited are inside; they park on it',
    writer: 'the writer that leaves',
    reader: 'readers that wait',
  }),
  drained: atomic('i32', {
    hot: 'state',
    doc: 'bumped when the last reader before a writer has left; the writer parks on it',
    writer: 'that reader',
    reader: 'the writer that waits',
  }),
  contendedReads: atomic('i32', {
    hot: 'state',
    doc: 'readers that had to wait, modulo 2^32',
    writer: 'such a reader',
    reader: 'any thread',
  }),
  contendedWrites: atomic('i32', {
    hot: 'state',
    doc: 'writers that had to wait for readers, modulo 2^32',
    writer: 'such a writer',
    reader: 'any thread',
  }),
  writers: atomic(mutexWords.bytes, {
    line: true,
    hot: 'writers',
    doc: 'mutexWords: writers take it first',
  }),
});

/** Of `pickVersion`: readers may still be in every version but the current one. */
export const RCU_NO_VERSION = -1;
/** The first epoch of an RCU cell; epochs are odd, so that none is 0. */
export const RCU_FIRST_EPOCH = 1;

/** Followed by `maxReaders` reader slots, `versions` version records, and `versions` payloads of `strideBytes`. */
export const rcuRoot = root('lock-free/rcu-cell', 1, {
  maxReaders: immutable('i32', { doc: 'threads that may read: slots' }),
  versions: immutable('i32', { doc: 'payloads, the current one included: at least 2' }),
  payloadBytes: immutable('i32', { doc: 'of a version, a multiple of 8' }),
  strideBytes: immutable('i32', { doc: 'from one payload to the next, whole lines' }),
  current: atomic('i32', {
    line: true,
    hot: 'current',
    doc: 'index of the version that readers get. Publishes its payload',
    writer: 'the updater that has the mutex',
    reader: 'any thread',
  }),
  epoch: atomic('i32', {
    hot: 'current',
    doc: 'odd; bumped by 2 after each publication and by who waits for readers; wraps. On the line of `current`: readers load both',
    writer: 'updaters, and threads that wait for readers',
    reader: 'any thread',
  }),
  waiters: atomic('i32', {
    hot: 'current',
    doc: 'threads that wait for readers, or died doing so. Readers load it when they end',
    writer: 'threads that wait for readers',
    reader: 'readers',
  }),
  ended: atomic('i32', {
    line: true,
    hot: 'ended',
    doc: 'bumped by a reader that ends while somebody waits for readers; they park on it',
    writer: 'readers',
    reader: 'threads that wait for readers',
  }),
  updaters: atomic(mutexWords.bytes, {
    line: true,
    hot: 'updaters',
    doc: 'mutexWords: updaters take it first',
  }),
});

export const rcuVersion = struct('lock-free/rcu-version', 1, {
  retiredAt: guarded('the mutex of the updaters', 'i32', {
    doc: 'the epoch from which on readers do not have it; free once all that read began then or later',
  }),
});
