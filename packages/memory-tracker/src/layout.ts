// The only place with offsets in this package.
//
// tracker root | worker records, one line each | tag cells, one line each | per worker, on lines of its own: one slot per tag
import { amount, atomic, immutable, ownerOnly, root, struct, tally } from '@corelane/shared-memory';

/** Outcomes of the kernel. */
export const TRACK_DONE = 0;
/** More bytes were to be released than the tag holds. Nothing was changed. */
export const TRACK_UNDERFLOW = 1;
/** The tag would hold 2^53 bytes or more. Nothing was changed. */
export const TRACK_OVERFLOW = 2;

/** The high half of 2^53. */
export const HIGH_LIMIT = 0x200000;

export const trackerRoot = root('memory-tracker/tracker', 1, {
  tags: immutable('i32', { doc: 'tags at most' }),
  workers: immutable('i32', { doc: 'workers at most' }),
  namesAt: immutable('i32', { doc: 'address of the name table of tags' }),
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
      doc: 'of the last holder',
      writer: 'the holder',
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

/** What all workers together hold under one tag. */
export const tagCell = struct(
  'memory-tracker/tag',
  1,
  {
    current: atomic('i64', {
      doc: 'bytes held; 0 to 2^53 - 1',
      writer: 'any worker',
      reader: 'any thread',
      hot: 'tag',
    }),
    peak: atomic('i64', {
      doc: 'the most bytes that were ever held',
      writer: 'any worker',
      reader: 'any thread',
      hot: 'tag',
    }),
  },
  { alignBytes: 128 },
);

/** What one worker has recorded under one tag. */
export const workerSlot = struct('memory-tracker/slot', 1, {
  peak: atomic('i64', {
    doc: 'the most that allocated minus freed has been',
    writer: 'the worker',
    reader: 'any thread',
  }),
  allocated: ownerOnly(amount.bytes, { doc: 'an amount: bytes' }),
  freed: ownerOnly(amount.bytes, { doc: 'an amount: bytes' }),
  allocations: ownerOnly(tally.bytes, { doc: 'a tally' }),
  deallocations: ownerOnly(tally.bytes, { doc: 'a tally' }),
});
