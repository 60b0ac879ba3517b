// The only place with offsets of the demo.
import { atomic, bits, guarded, immutable, root, struct } from '@corelane/shared-memory';

/** Eras of a breaker as its word numbers them. */
export const ERAS = 8;
/** Results that a word counts apart: calls while closed and probes while half open, each failed or delivered. */
export const COUNTS_PER_ERA = 4;

/** Followed by a page for each endpoint. */
export const wordBookRoot = root('demo/word-book', 1, {
  endpoints: immutable('i32', { doc: 'pages' }),
});

export const wordBookPage = struct(
  'demo/word-book-page',
  1,
  {
    counts: atomic(4 * ERAS * COUNTS_PER_ERA, {
      hot: 'endpoint',
      doc: 'results by era, by phase (closed, probes), by result (failed, delivered)',
      writer: 'the HTTP worker that recorded a result',
      reader: 'the supervisor, for the conservation check',
    }),
  },
  { alignBytes: 128 },
);

// --- Events on their way ---------------------------------------------------------------------------------------------------------

/** What has become of an event, for the worker that answers its sender. Moved by CAS only: PROTOCOL.md. */
export const ticketWord = bits('demo/ticket', 32, { state: 2, taker: 7, outcome: 5, generation: 18 });
/** Nobody's; its origin may take it for the next event. */
export const TICKET_FREE = 0;
/** Its event is in the buffer, or on its way there. */
export const TICKET_QUEUED = 1;
/** A worker delivers its event. */
export const TICKET_TAKEN = 2;
/** The outcome is there. */
export const TICKET_DONE = 3;

/** Followed by a seat for each worker, then the words of all tickets, seat by seat. */
export const ticketsRoot = root('demo/tickets', 1, {
  seats: immutable('i32', { doc: 'workers' }),
  perSeat: immutable('i32', { doc: 'tickets of each' }),
  room: immutable('i32', { doc: 'address of the parker of workers that could deliver more' }),
});

export const ticketSeat = struct('demo/ticket-seat', 1, {
  bell: immutable('i32', { doc: 'address of the parker that is rung when a ticket of the seat is done' }),
});

export const ticketCell = struct('demo/ticket-cell', 1, {
  word: atomic('i32', {
    doc: 'ticketWord',
    writer: 'the origin (free, queued), the deliverer (taken, done), the supervisor after a death',
    reader: 'the same',
  }),
});

/** What travels through the event buffer. The first word is no magic number of a compressed format. */
export const eventRecord = struct('demo/event-record', 1, {
  mark: immutable('i32', { doc: 'EVENT_MARK' }),
  ticket: immutable('i32', { doc: 'number of the ticket' }),
  generation: immutable('i32', { doc: 'of the ticket, when the event was enqueued' }),
  token: immutable('i32', { doc: 'of the lease that body and envelope lie in' }),
  bodyBytes: immutable('i32', { doc: 'length of the body' }),
  encoding: immutable('i32', { doc: 'index in ENCODINGS, or -1' }),
  enqueuedMs: immutable('f64', { doc: "on the machine's clock, with fractions" }),
});
/** "EVNT" in little endian. */
export const EVENT_MARK = 0x544e5645;

/** Bytes of the names in an envelope: a delivery id, a signature and a repository have 336 at most. */
const NAMES_BYTES = 372;

/** Behind the body's room in each pooled buffer: what the upstream is told beside the body. */
export const envelope = struct('demo/envelope', 1, {
  idBytes: guarded('the lease', 'i32', { doc: 'length of the delivery id, the first of the names' }),
  signatureBytes: guarded('the lease', 'i32', { doc: 'length of the signature, behind it' }),
  repositoryBytes: guarded('the lease', 'i32', { doc: 'length of the repository, the last; 0: none' }),
  names: guarded('the lease', NAMES_BYTES, { doc: 'Latin-1' }),
});
