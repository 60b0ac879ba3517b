// The only place with offsets in this package.
import { atomic, guarded, immutable, ownerOnly, root, struct } from './struct.ts';

/** First word of every object in an arena: "CLn1". */
export const OBJECT_MAGIC = 0x316e4c43;

/** At address 0 of every arena. */
export const arenaRoot = root('shared-memory/arena', 1, {
  totalBytes: immutable('i32', { doc: 'size of the whole memory' }),
  identity: immutable('i64', {
    doc: 'random: tells two arenas apart, where every thread has its own Memory object',
  }),
  top: atomic('i32', {
    line: true,
    hot: 'top',
    doc: 'first free byte; only grows',
    writer: 'any thread that allocates',
    reader: 'any thread',
  }),
});

/** A bounded set of names that all threads share: a list of records, newest first. */
export const nameTableRoot = root('shared-memory/name-table', 1, {
  capacity: immutable('i32', { doc: 'names at most' }),
  maxNameBytes: immutable('i32', { doc: 'bytes of UTF-8 a name may have' }),
  records: immutable('i32', { doc: 'records in the table: capacity and spares for lost races' }),
  head: atomic('i32', {
    line: true,
    doc: 'address of the newest record, 0 where there is none; publishes the record',
    writer: 'the thread that links a record',
    reader: 'any thread',
  }),
  claimed: atomic('i32', { doc: 'records handed out', writer: 'any thread', reader: 'any thread' }),
});

/** Followed by `maxNameBytes` bytes of the name, padded with zeros to whole words. */
export const nameRecord = struct('shared-memory/name-record', 1, {
  next: guarded('the owner until head publishes it, then immutable', 'i32', {
    doc: 'address of the next older record',
  }),
  index: guarded('the owner until head publishes it, then immutable', 'i32', { doc: '0-based, dense' }),
  hash: guarded('the owner until head publishes it, then immutable', 'i32', { doc: 'FNV-1a of the name' }),
  lengthBytes: guarded('the owner until head publishes it, then immutable', 'i32', {
    doc: 'of the name in UTF-8',
  }),
});

/** A millisecond clock that one ticker advances. */
export const coarseClockRoot = root('shared-memory/coarse-clock', 1, {
  startMs: immutable('i32', { doc: 'what the clock showed when it was created' }),
  originMs: immutable('f64', { doc: 'process.hrtime() when it was created, in milliseconds' }),
  now: atomic('i32', {
    line: true,
    hot: 'now',
    doc: 'milliseconds, wrapping; only goes forward',
    writer: 'the ticker, and any thread that calls tick()',
    reader: 'any thread',
  }),
  ticker: atomic('i32', {
    line: true,
    hot: 'ticker',
    doc: 'token of the ticker, 0 where there is none; a ticker thread parks on it',
    writer: 'the thread that starts or ends a ticker',
    reader: 'the ticker',
  }),
  serial: atomic('i32', {
    doc: 'tokens handed out',
    writer: 'the thread that starts a ticker',
    reader: 'the same',
  }),
});

/** What a thread parks on. Other objects embed it: see ParkingSpot. */
export const parkerWords = struct('shared-memory/parker-words', 1, {
  sequence: atomic('i32', {
    hot: 'parker',
    doc: 'bumped by every unpark; threads wait on it',
    writer: 'any thread that unparks',
    reader: 'any thread that parks',
  }),
  waiters: atomic('i32', {
    hot: 'parker',
    doc: 'threads that are parked or about to be',
    writer: 'any thread that parks',
    reader: 'any thread that unparks',
  }),
});

export const parkerRoot = root('shared-memory/parker', 1, {
  words: atomic(parkerWords.bytes, { line: true, hot: 'parker', doc: 'parkerWords' }),
});

/**
 * A count of 63 bits that one thread writes and any thread reads, in two words that are each written whole: see tally.ts.
 * `low` has bits 0 to 31, `high` bits 31 to 62: bit 31 is in both, and tells a reader whether they belong together.
 */
export const tally = struct('shared-memory/tally', 1, {
  low: ownerOnly('i32', { doc: 'bits 0 to 31', writer: 'the writer', reader: 'any thread, atomically' }),
  high: ownerOnly('i32', { doc: 'bits 31 to 62', writer: 'the writer', reader: 'any thread, atomically' }),
});

/** A sum of amounts: a tally of what is below 2^31 of each, and how many times 2^31 was added beside it. */
export const amount = struct('shared-memory/amount', 1, {
  low: ownerOnly('i32', { doc: 'as in tally', writer: 'the writer', reader: 'any thread, atomically' }),
  high: ownerOnly('i32', { doc: 'as in tally', writer: 'the writer', reader: 'any thread, atomically' }),
  large: ownerOnly('i32', {
    doc: 'multiples of 2^31',
    writer: 'the writer',
    reader: 'any thread, atomically',
  }),
});
