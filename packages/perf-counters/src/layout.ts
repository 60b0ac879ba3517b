// The only place with offsets in this package.
//
// registry root | writer records, one line each | directories, one per writer: a word per series, the address of its slot or 0
// Slots lie elsewhere in the arena, in chunks that belong to one writer each: no two writers ever write to one line.
import { amount, atomic, bits, guarded, immutable, ownerOnly, root, struct } from '@corelane/shared-memory';

export const registryRoot = root('perf-counters/registry', 2, {
  createdAtMs: immutable('f64', { doc: 'when it was made, milliseconds since 1970: every count was 0 then' }),
  enabled: immutable('i32', { doc: '1; 0 where nothing is recorded, and no writer claimed' }),
  series: immutable('i32', { doc: 'series at most' }),
  writers: immutable('i32', { doc: 'writers at most' }),
  definitionsAt: immutable('i32', { doc: 'address of the name table of definitions' }),
  seriesAt: immutable('i32', { doc: 'address of the name table of series' }),
  directoryBytes: immutable('i32', { doc: 'bytes of one directory, a multiple of 128' }),
  processClaim: atomic('i32', {
    doc: 'a processClaim: who publishes the figures of the whole process; 0 where nobody does',
    writer: 'the claimer, then the holder',
    reader: 'any thread',
  }),
});

/** A claim on the figures of the process. */
export const processClaim = bits('perf-counters/process-claim', 32, {
  /** Of the writer, from 1; 0 in a word without a claim. */
  number: 11,
  /** Low bits of the times that the writer was claimed. */
  claims: 21,
});

export const WRITER_FREE = 0;
export const WRITER_CLAIMED = 1;
export const WRITER_RECLAIMING = 2;

/** One writer: what one thread at a time writes with. */
export const writerRecord = struct(
  'perf-counters/writer',
  1,
  {
    state: atomic('i32', {
      doc: 'WRITER_*; claiming it takes over all slots of the writer, releasing it hands them over',
      writer: 'the claimer, then the holder; the reclaimer of a dead holder',
      reader: 'any thread',
      hot: 'writer',
    }),
    threadId: atomic('i32', {
      doc: 'threadId of the holder; its complement once it has left',
      writer: 'the holder; the reclaimer of a dead holder',
      reader: 'any thread',
      hot: 'writer',
    }),
    claims: atomic('i32', {
      doc: 'times it was claimed',
      writer: 'the holder',
      reader: 'any thread',
      hot: 'writer',
    }),
    chunkNext: guarded('state', 'i32', { doc: 'address of the first free byte of the current chunk' }),
    chunkEnd: guarded('state', 'i32', { doc: 'address of the end of the current chunk' }),
  },
  { alignBytes: 128 },
);

/** One word of a directory. */
export const directoryEntry = struct('perf-counters/directory-entry', 1, {
  slot: atomic('i32', {
    doc: 'address of the slot of this series, 0 where the writer has none; publishes the initialised slot',
    writer: 'the holder of the writer',
    reader: 'any thread',
  }),
});

/** Slot of an up-down counter: its value is `up - down`. */
export const upDownSlot = struct('perf-counters/up-down', 1, {
  up: ownerOnly(amount.bytes, { doc: 'an amount' }),
  down: ownerOnly(amount.bytes, { doc: 'an amount' }),
});

/** Slot of a gauge. */
export const gaugeSlot = struct('perf-counters/gauge', 1, {
  value: atomic('i64', { doc: 'bits of a float', writer: 'the writer', reader: 'any thread' }),
  isSet: atomic('i32', {
    doc: '1 once the writer has set a value, 0 again when it is released',
    writer: 'the writer, or who reclaims it',
    reader: 'any thread',
  }),
});

/** Slot of a histogram, followed by a tally per bucket. */
export const histogramSlot = struct('perf-counters/histogram', 1, {
  min: atomic('i64', {
    doc: 'bits of a float: Infinity before the first value',
    writer: 'the writer',
    reader: 'any thread',
  }),
  max: atomic('i64', {
    doc: 'bits of a float: -Infinity before the first value',
    writer: 'the writer',
    reader: 'any thread',
  }),
  sum: ownerOnly(amount.bytes, { doc: 'an amount' }),
});
