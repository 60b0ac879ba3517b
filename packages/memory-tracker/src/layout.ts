// The only place with offsets in this package.
//
// tracker root | worker records, one line each | tag cells, one line each | per worker, on lines of its own: one slot per tag
import {
  amount,
  atomic,
  immutable,
  ownerOnly,
  parkerWords,
  root,
  struct,
  tally,
} from '@corelane/shared-memory';

/** Outcomes of the kernel. */
export const TRACK_DONE = 0;
/** More bytes were to be released than there are. Nothing was changed. */
export const TRACK_UNDERFLOW = 1;
/** The tag would hold more than its hard limit. Nothing was changed. */
export const TRACK_REFUSED = 2;
/** Done, and the alarm of the tag has to be settled. */
export const TRACK_UNSETTLED = 3;
/** Done, and the slot is stale: limits or resets have changed. The alarm may have to be settled too. */
export const TRACK_STALE = 4;

export const ALARM_SETTLED = 0;
/** This call has raised it: the tag is above its soft limit. */
export const ALARM_RAISED = 1;
/** This call has ended it. */
export const ALARM_RECOVERED = 2;

/** Of a word of bytes with an epoch: bytes are the lower 53 bits, so 21 of the high half; the epoch is above them, modulo 2^11. */
export const BYTES_HIGH_MASK = 0x1fffff;
export const EPOCH_SHIFT = 21;
export const EPOCH_ONE = 0x200000;
export const EPOCH_MASK = 0x7ff;

export const FRESH = 0;
/** Negative: recorders find it by its sign. */
export const STALE = -1;

/** Whom a tag is counted by. It has none before the first thread uses it. */
export const SCOPE_NONE = 0;
/** All workers together, in one word. */
export const SCOPE_SHARED = 1;
/** Each worker by itself. */
export const SCOPE_WORKER = 2;

export const trackerRoot = root('memory-tracker/tracker', 2, {
  tags: immutable('i32', { doc: 'tags at most' }),
  workers: immutable('i32', { doc: 'workers at most' }),
  namesAt: immutable('i32', { doc: 'address of the name table of tags' }),
  budgetSpot: atomic(parkerWords.bytes, {
    doc: 'where threads wait for the alarm of any tag, or a refusal',
    writer: 'any thread',
    reader: 'any thread',
    hot: 'budgets',
    line: true,
  }),
});

export const WORKER_FREE = 0;
export const WORKER_CLAIMED = 1;

/** One worker: what one thread at a time records with. */
export const workerRecord = struct(
  'memory-tracker/worker',
  1,
  {
    state: atomic('i32', {
      doc: 'WORKER_*; claiming it takes over all slots of the worker, freeing it hands them over',
      writer: 'the claimer, then the holder, or who reclaims a dead one',
      reader: 'any thread',
      hot: 'worker',
    }),
    threadId: atomic('i32', {
      doc: 'of the holder; its complement once it has left',
      writer: 'the holder, or who reclaims a dead one',
      reader: 'any thread',
      hot: 'worker',
    }),
    claims: atomic('i32', {
      doc: 'times it was claimed',
      writer: 'the holder',
      reader: 'any thread',
      hot: 'worker',
    }),
  },
  { alignBytes: 128 },
);

/** What all workers together hold under one tag, and what they may. */
export const tagCell = struct(
  'memory-tracker/tag',
  2,
  {
    current: atomic('i64', {
      doc: 'bytes held, 0 to 2^53 - 1, with the epoch of the peak; of a tag by worker: the epoch, and no bytes',
      writer: 'any worker',
      reader: 'any thread',
      hot: 'tag',
    }),
    peak: atomic('i64', {
      doc: 'the most bytes held in the epoch it has; of a tag by worker: the largest sum that a reader saw',
      writer: 'any worker, or a reader',
      reader: 'any thread',
      hot: 'tag',
    }),
    hard: atomic('i64', {
      doc: 'the most bytes that may be held, by a tag or by each worker of it; 2^53 - 1: no limit',
      writer: 'any thread',
      reader: 'any worker',
      hot: 'tag',
    }),
    soft: atomic('i64', {
      doc: 'bytes above which the alarm is raised; 2^53 - 1: never',
      writer: 'any thread',
      reader: 'any worker',
      hot: 'tag',
    }),
    recover: atomic('i64', {
      doc: 'bytes at which, or below, the alarm ends',
      writer: 'any thread',
      reader: 'any worker',
      hot: 'tag',
    }),
    inTransit: atomic('i64', {
      doc: 'of a tag by worker: bytes that one worker has sent and none has adopted',
      writer: 'any worker',
      reader: 'any thread',
      hot: 'tag',
    }),
    alarm: atomic('i32', {
      doc: 'times that the soft limit was crossed, either way; odd while above. Of a tag by worker: twice the times of all upwards',
      writer: 'any worker',
      reader: 'any thread',
      hot: 'tag',
    }),
    recoveries: atomic('i32', {
      doc: 'of a tag by worker: alarms of workers that have ended',
      writer: 'any worker',
      reader: 'any thread',
      hot: 'tag',
    }),
    refusals: atomic('i32', {
      doc: 'allocations that the hard limit refused',
      writer: 'any worker',
      reader: 'any thread',
      hot: 'tag',
    }),
    resets: atomic('i32', {
      doc: 'resets of the peaks: the epoch of the peaks of workers, modulo 2^11',
      writer: 'any thread',
      reader: 'any thread',
      hot: 'tag',
    }),
    scope: atomic('i32', {
      doc: 'SCOPE_*; set once',
      writer: 'the first thread that uses the tag',
      reader: 'any thread',
      hot: 'tag',
    }),
  },
  { alignBytes: 128 },
);

/** What one worker has recorded under one tag. */
export const workerSlot = struct('memory-tracker/slot', 2, {
  peak: atomic('i64', {
    doc: 'the most that allocated minus freed was when something was freed, with the resets at that time above the bytes',
    writer: 'the worker',
    reader: 'any thread',
  }),
  allocated: ownerOnly(amount.bytes, { doc: 'an amount: bytes' }),
  freed: ownerOnly(amount.bytes, { doc: 'an amount: bytes' }),
  allocations: ownerOnly(tally.bytes, { doc: 'a tally' }),
  deallocations: ownerOnly(tally.bytes, { doc: 'a tally' }),
  stale: atomic('i32', {
    doc: 'FRESH or STALE: limits or resets of the tag have changed. Read plainly: an aligned word, seen late by nanoseconds',
    writer: 'any thread that changes them; the worker, which looks at them then',
    reader: 'the worker',
  }),
  net: ownerOnly('i32', {
    doc: 'of a tag by worker: allocated minus freed, modulo 2^32, of one moment; the amounts say the rest',
    reader: 'any thread',
  }),
});
