// Words of shared memory that cases without a package of ours count in.
import { LINE_BYTES, atomic, struct } from '@corelane/shared-memory';

/** What all threads add to, and has a line of its own. */
export const hammered = struct(
  'bench/counters/hammered',
  1,
  {
    count: atomic('i32', {
      doc: 'additions of all threads, modulo 2^32; suites/lock-free/ring-ends adds to the first word of what it is given',
      writer: 'each thread',
      reader: 'the main thread',
    }),
  },
  { alignBytes: LINE_BYTES },
);

/** What one thread adds to and takes from. */
export const balance = struct('bench/counters/balance', 1, {
  bytes: atomic('i32', { doc: 'what is allocated now', writer: 'the thread', reader: 'the thread' }),
  pairs: atomic('i32', {
    doc: 'allocations, all of them freed: written once a batch',
    writer: 'the thread',
    reader: 'the thread',
  }),
});
