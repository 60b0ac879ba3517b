// The only place with offsets and bit positions in this package. The kernel's constants are generated from here. Longer than other
// files: it has the layouts of endpoints, of their standard twin and of event buffers, because kernels take their constants from one file.
import { mutexWords } from '@corelane/lock-free';
import {
  atomic,
  bits,
  guarded,
  immutable,
  ownerOnly,
  parkerWords,
  root,
  struct,
  tally,
} from '@corelane/shared-memory';

/** The state word of an endpoint, from the lowest bit. A field of the high half counts since the breaker changed state. */
export const word = bits('endpoint word', 64, {
  version: 8,
  flags: 8,
  compressionRatio: 8,
  tokens: 8,
  successes: 16,
  failures: 16,
});

/** Bits of `word.flags`. The upper three number the eras of the breaker: one more with every trip, modulo 8. */
export const CIRCUIT_OPEN = 1;
export const HALF_OPEN = 2;
export const THROTTLED = 4;
export const MONITORED = 8;
export const COMPRESSED = 16;
export const ERA_SHIFT = 5;
export const ERA_MASK = 7;

/** Beside the word: when the era began and how many probes it has admitted. Valid while its era is that of the word. */
export const ledger = bits('probe ledger', 64, { admitted: 16, era: 16, timeMs: 32 });

/** Up to when tokens have been paid out, and the fraction of a token, in millionths, that was left over then. */
export const refill = bits('refill', 64, { fractionMicro: 32, timeMs: 32 });

/** A recorded failure: its time, in 29 bits of milliseconds, and its era. 0 is none. */
export const failure = bits('failure', 32, { era: 3, timeMs: 29 });

/** Results of a tenth of the rolling window, of one era. `tag` is the number of the window's lap; all counts are halved when `calls` is full. */
export const bucket = bits('rolling bucket', 64, {
  calls: 14,
  failures: 14,
  era: 3,
  spare: 1,
  slow: 14,
  tag: 18,
});

/** A permit of an endpoint with a `capacity`. Owner 0: free. The generation tells a result that comes twice. */
export const permit = bits('permit', 32, { owner: 20, generation: 12 });

/** What `tryAcquire` answers when it admits. `permit` is an index + 1, 0 for none. `queued`: of an event, which has none in any case. */
export const admission = bits('admission', 32, {
  probe: 1,
  era: 3,
  any: 1,
  permit: 10,
  generation: 12,
  queued: 1,
  unused: 4,
});

/** Parts of the rolling window. */
export const BUCKETS = 10;

/** Calls in flight that an endpoint can be limited to: the permits are searched one by one. */
export const MAX_CAPACITY = 1000;

/** A percentage is kept in hundredths. */
export const BASIS_POINTS = 10_000;

/** Where the next failure of an era goes in the ring. */
export const ticket = bits('failure ticket', 32, { era: 3, place: 29 });

/** Failures that a window can hold: the ring of their times is part of the cell. */
export const MAX_FAILURE_THRESHOLD = 96;

export const MICRO_PER_TOKEN = 1_000_000;

/** A clock may be this far behind another thread's, in milliseconds; further back means that 32 bits have wrapped. */
export const MAX_SKEW_MS = 60_000;

// What `tryAcquire` answers when it refuses.
export const REFUSED_THROTTLED = -1;
export const REFUSED_OPEN = -2;
export const REFUSED_PROBING = -3;
export const REFUSED_UNDEFINED = -4;
/** From `recordDelivery`: the admission is none that `tryAcquire` gives. */
export const REFUSED_ADMISSION = -5;
/** Without a permit: as many calls are in flight as there may be. */
export const REFUSED_BUSY = -6;
/** Opened by hand, until it is closed by hand. */
export const REFUSED_ISOLATED = -7;
/** In place of an admission: the caller does not know which call the result belongs to. */
export const ANY_ADMISSION = 16;

// What `recordDelivery` answers.
export const RECORD_COUNTED = 0;
export const RECORD_TRIPPED = 1;
export const RECORD_CLOSED = 2;
export const RECORD_REOPENED = 3;
export const RECORD_STALE = 4;

// What `endRestore` leaves behind.
export const RESTORE_CLOSED = 0;
export const RESTORE_OPEN = 1;
export const RESTORE_ISOLATED = 2;

/** How an endpoint behaves: written once, never changed, found through the cell. */
export const policy = struct('atomic-state/policy', 1, {
  failureThreshold: immutable('i32', {
    doc: 'failures inside the window that open the breaker; 0: however many',
  }),
  failureWindowMs: immutable('i32'),
  openDurationMs: immutable('i32', { doc: 'also how long a probe may stay unanswered' }),
  halfOpenProbes: immutable('i32'),
  closeSuccesses: immutable('i32', { doc: 'probes that must succeed: ceil(closeRatio * halfOpenProbes)' }),
  burst: immutable('i32', { doc: 'tokens at most' }),
  refillMicroPerMs: immutable('i32', { doc: 'millionths of a token a millisecond; 0: not limited' }),
  fullMs: immutable('i32', { doc: 'milliseconds after which an empty bucket is full' }),
  volumeThreshold: immutable('i32', { doc: 'calls in the rolling window below which no percentage counts' }),
  errorBasisPoints: immutable('i32', {
    doc: 'of failed calls, above which the breaker opens; -1: however many',
  }),
  slowBasisPoints: immutable('i32', {
    doc: 'of slow calls, above which the breaker opens; -1: however many',
  }),
  slowCallDurationMs: immutable('i32', { doc: 'a call that took longer is slow' }),
  bucketMs: immutable('i32', { doc: 'a tenth of the rolling window; 0: results are not kept in one' }),
  permits: immutable('i32', { doc: 'calls in flight at most; 0: any number' }),
  permitTable: immutable('i32', { doc: 'address of the permits, a word each' }),
  limited: immutable('i32', { doc: '1 where tokens or permits limit admission' }),
});

/** One endpoint: its word and what belongs to it on a line of their own, then the ring of failure times. */
export const cell = struct(
  'atomic-state/cell',
  1,
  {
    word: atomic('i64', {
      line: true,
      hot: 'endpoint',
      doc: 'the state word; every change is one CAS that bumps the version',
      writer: 'any thread',
      reader: 'any thread',
    }),
    ledger: atomic('i64', {
      hot: 'endpoint',
      doc: 'probe ledger',
      writer: 'any thread',
      reader: 'any thread',
    }),
    refill: atomic('i64', { hot: 'endpoint', doc: 'refill', writer: 'any thread', reader: 'any thread' }),
    proposed: atomic('i32', {
      hot: 'endpoint',
      doc: 'address of the policy that the first definer proposed',
      writer: 'the first definer',
      reader: 'other definers',
    }),
    policy: atomic('i32', {
      hot: 'endpoint',
      doc: 'the same address once the words are initialised; 0 before; publishes them',
      writer: 'every definer, the same value',
      reader: 'any thread',
    }),
    trips: atomic('i32', {
      hot: 'endpoint',
      doc: 'Closed to Open',
      writer: 'the CAS winner',
      reader: 'any thread',
    }),
    reopens: atomic('i32', {
      hot: 'endpoint',
      doc: 'HalfOpen to Open',
      writer: 'the CAS winner',
      reader: 'any thread',
    }),
    failureTicket: atomic('i32', {
      hot: 'endpoint',
      doc: 'next place in the ring, and of which era: a ticket',
      writer: 'any thread',
      reader: 'any thread',
    }),
    forced: atomic('i32', {
      hot: 'endpoint',
      doc: 'openings by hand',
      writer: 'the CAS winner',
      reader: 'any thread',
    }),
    compressionDetected: atomic('i32', {
      hot: 'endpoint',
      doc: 'compressed payloads, refused ones among them',
      writer: 'any thread',
      reader: 'any thread',
    }),
    bombsRefused: atomic('i32', {
      hot: 'endpoint',
      doc: 'compressed payloads that were refused',
      writer: 'any thread',
      reader: 'any thread',
    }),
    permitHint: atomic('i32', {
      hot: 'endpoint',
      doc: 'where the search for a free permit begins',
      writer: 'whoever gave one back',
      reader: 'any thread; any value is right',
    }),
    failures: atomic(4 * MAX_FAILURE_THRESHOLD, {
      line: true,
      hot: 'endpoint',
      doc: 'ring of the last failures',
      writer: 'any thread',
      reader: 'any thread',
    }),
    buckets: atomic(8 * BUCKETS, {
      line: true,
      hot: 'endpoint',
      doc: 'the rolling window',
      writer: 'any thread',
      reader: 'any thread',
    }),
  },
  { alignBytes: 128 },
);

/** Cells whose word is changed by CAS. */
export const ATOMIC = 0;
/** Cells whose fields a mutex guards. */
export const STANDARD = 1;

// The standard twin: the same endpoint in plain fields that a mutex guards. Nobody needs a word that fits a CAS, so each is what it is.

/** `standardCell.state`, 0 until the endpoint is defined. Monitored: closed, and more is done with a result than to count it. */
export const STANDARD_CLOSED = 1;
export const STANDARD_MONITORED = 2;
export const STANDARD_OPEN = 3;
export const STANDARD_HALF_OPEN = 4;
export const STANDARD_ISOLATED = 5;

const MUTEX = 'the mutex of the endpoint';

/** A tenth of the rolling window. */
export const standardBucket = struct('atomic-state/standard-bucket', 1, {
  tick: guarded(MUTEX, 'i32', { doc: 'time by the length of a bucket' }),
  calls: guarded(MUTEX, 'i32', { doc: '0: empty, and the rest says nothing' }),
  failures: guarded(MUTEX, 'i32'),
  slow: guarded(MUTEX, 'i32'),
});

/** One endpoint: the mutex and what most operations touch in 64 bytes, the rest in the next 64, then the windows. */
export const standardCell = struct(
  'atomic-state/standard-cell',
  1,
  {
    mutex: atomic(mutexWords.bytes, {
      line: true,
      hot: 'endpoint',
      doc: 'mutexWords of lock-free; its release publishes the fields',
      writer: 'any thread',
      reader: 'any thread',
    }),
    policy: atomic('i32', {
      hot: 'endpoint',
      doc: 'address of the policy, 0 until the endpoint is defined; publishes it',
      writer: 'the first definer',
      reader: 'any thread',
    }),
    state: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: 'one of STANDARD_…' }),
    era: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: 'openings, modulo 8' }),
    transitions: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: 'modulo 2^32; its low byte is the version' }),
    successes: guarded(MUTEX, 'i32', { hot: 'endpoint' }),
    failures: guarded(MUTEX, 'i32', { hot: 'endpoint' }),
    tokens: guarded(MUTEX, 'i32', { hot: 'endpoint' }),
    refillMs: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: 'up to when tokens have been paid out' }),
    refillFraction: guarded(MUTEX, 'i32', {
      hot: 'endpoint',
      doc: 'of a token, in millionths, left over then',
    }),
    permitHint: guarded(MUTEX, 'i32', {
      hot: 'endpoint',
      doc: 'where the search for a free permit begins; the permits are with the policy',
    }),
    sinceMs: guarded(MUTEX, 'i32', {
      hot: 'endpoint',
      doc: 'when the breaker opened, or admitted its last probe',
    }),
    admitted: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: 'probes of this era' }),
    ringPlace: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: 'where the next failure goes' }),
    ringCount: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: 'failures in the ring' }),
    trips: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: 'Closed to Open, by results' }),
    reopens: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: 'HalfOpen to Open' }),
    forced: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: 'openings by hand' }),
    compressed: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: '1 once a compressed payload was recorded' }),
    compressionRatio: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: 'of the last one' }),
    compressionDetected: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: 'compressed payloads' }),
    bombsRefused: guarded(MUTEX, 'i32', { hot: 'endpoint', doc: 'those of them that were refused' }),
    ring: guarded(MUTEX, 4 * MAX_FAILURE_THRESHOLD, {
      line: true,
      hot: 'endpoint',
      doc: 'times of the last failures in milliseconds',
    }),
    buckets: guarded(MUTEX, standardBucket.bytes * BUCKETS, {
      line: true,
      hot: 'endpoint',
      doc: 'standardBucket each: the rolling window',
    }),
  },
  { alignBytes: 128 },
);

/** Followed by the cells. */
export const machineRoot = root('atomic-state/machine', 1, {
  endpoints: immutable('i32', { doc: 'cells' }),
  cells: immutable('i32', { doc: 'address of the first cell' }),
  names: immutable('i32', { doc: 'address of the name table' }),
  clock: immutable('i32', { doc: 'address of the clock' }),
  defaultPolicy: immutable('i32', { doc: 'address of the policy of endpoints defined without options' }),
  implementation: immutable('i32', { doc: 'what the cells are: ATOMIC or STANDARD' }),
  casSuccesses: atomic('i64', {
    line: true,
    hot: 'metrics',
    doc: 'transitions, as far as their threads have published them',
    writer: 'any thread, in bulk',
    reader: 'any thread',
  }),
  casFailures: atomic('i64', {
    hot: 'metrics',
    doc: 'CASes of words that lost a race, likewise',
    writer: 'any thread, in bulk',
    reader: 'any thread',
  }),
});

// --- Event buffer ---------------------------------------------------------------------------------------------------------------

/** Of `tail` and `head` of an event buffer: events accepted, or taken, modulo 2^44, and how many of them were urgent, modulo 2^20. */
export const eventPosition = bits('event position', 64, { totalLow: 32, totalHigh: 12, urgent: 20 });

/** Positions of a ring, modulo 2^20, are compared by their difference: a ring has at most a quarter of them. */
export const MAX_EVENT_CAPACITY = 1 << 18;

/** Of a slot: the position that it is for, and what has become of it. */
export const eventState = bits('event state', 32, { kind: 2, position: 20, unused: 10 });
/** Free for its position, or claimed and not yet published: `tail` says which. */
export const EVENT_FREE = 0;
/** Holds an event. */
export const EVENT_READY = 1;
/** Its producer's thread ended before it published: to be passed by. */
export const EVENT_ABANDONED = 2;

export const eventMeta = bits('event meta', 32, { idHigh: 12, endpoint: 16, admission: 4 });

/** The urgent ring; 0 is the normal one. */
export const EVENT_URGENT = 1;

// What the kernel answers where there is no slot; beside these, REFUSED_….
export const EVENT_REFUSED_FULL = -9;
export const EVENT_REFUSED_COMPRESSED = -10;
export const EVENT_REFUSED_BOMB = -11;
export const EVENT_REFUSED_UNREADABLE = -12;
export const EVENT_REFUSED_UNINSPECTED = -13;
/** Refusals that a seat counts: of code -1 to -16. */
export const EVENT_REFUSALS = 16;
/** Of the tally of one code. */
export const EVENT_REFUSAL_BYTES = tally.bytes;
/** Nothing to take. */
export const EVENT_NONE = -1;
/** The seat, or what it held, was taken from its role: somebody took this thread for one that has ended. */
export const EVENT_LOST = -14;
/** In place of a length: each header has its own already. */
export const EVENT_LENGTHS_WRITTEN = -1;

/**
 * Positions that a role holds: the first one, in which ring, how many. One word, so that whoever reads it while it is being written, because
 * it takes a living thread for a dead one, still reads something that was true.
 */
export const eventJournal = bits('event journal', 32, { position: 20, urgent: 1, left: 11 });

/** Events of a batch at most. */
export const MAX_EVENT_BATCH = 1024;

/** One for each slot, first those of the urgent ring. Apart from the payloads, so that a batch finds eight in two lines. */
export const eventHeader = struct('atomic-state/event-header', 1, {
  state: atomic('i32', {
    doc: 'eventState; READY publishes the rest and the payload, FREE hands the slot to the next lap',
    writer: 'who claimed the position, then who took it; reclaim',
    reader: 'any thread',
  }),
  idLow: guarded('state', 'i32', { doc: 'low half of the id' }),
  meta: guarded('state', 'i32', { doc: 'eventMeta' }),
  lengthBytes: guarded('state', 'i32', { doc: 'of the payload' }),
});

/**
 * What one producer or consumer writes alone: which slots it holds, for whoever reclaims them after its thread's end, and its
 * counts. At every point where V8 can stop a thread, the journal says exactly which claims are not published and which events are
 * taken and not released.
 */
export const eventSeat = struct(
  'atomic-state/event-seat',
  1,
  {
    owner: atomic('i32', {
      line: true,
      hot: 'seat',
      doc: 'thread id + 1; 0 where the seat is free; hands over the rest',
      writer: 'who takes or frees the seat; reclaim',
      reader: 'any thread',
    }),
    claim: guarded('owner', 'i32', { doc: 'eventJournal: claimed and not published' }),
    claimIdLow: guarded('owner', 'i32', { doc: 'id of the first of them, low half' }),
    claimMeta: guarded('owner', 'i32', { doc: 'eventMeta of the first of them' }),
    take: guarded('owner', 'i32', { doc: 'eventJournal: taken and not released' }),
    asleep: guarded('owner', 'i32', { doc: 'how often the seat is counted in `sleepers`' }),
    claims: ownerOnly(tally.bytes, { line: true, hot: 'seat', doc: 'tally: CASes of tail that succeeded' }),
    claimRetries: ownerOnly(tally.bytes, { doc: 'tally: CASes of tail that failed' }),
    takes: ownerOnly(tally.bytes, { doc: 'tally: CASes of head that succeeded' }),
    takeRetries: ownerOnly(tally.bytes, { doc: 'tally: CASes of head that failed' }),
    inspected: ownerOnly(tally.bytes, { doc: 'tally: compressed payloads that were inflated' }),
    refused: ownerOnly(EVENT_REFUSAL_BYTES * EVENT_REFUSALS, { doc: 'tallies: refusals by code, -1 first' }),
  },
  { alignBytes: 128 },
);

/** Followed by the headers, the seats and the payloads. */
export const eventBufferRoot = root('atomic-state/event-buffer', 1, {
  capacity: immutable('i32', { doc: 'slots of each ring, a power of two' }),
  strideBytes: immutable('i32', { doc: 'bytes from payload to payload, a multiple of 64' }),
  maxEventBytes: immutable('i32', { doc: 'bytes of a payload at most' }),
  inspect: immutable('i32', { doc: '1 where enqueue looks for magic numbers of compressed payloads' }),
  seats: immutable('i32', { doc: 'producers and consumers at most' }),
  seatsAt: immutable('i32', { doc: 'address of the first seat' }),
  payloads: immutable('i32', { doc: 'address of the first payload' }),
  machine: immutable('i32', { doc: 'address of the state machine whose endpoints are asked' }),
  cells: immutable('i32', { doc: 'address of its first cell' }),
  clock: immutable('i32', { doc: 'address of the word of its clock' }),
  tail: atomic('i64', {
    line: true,
    hot: 'tail',
    doc: 'eventPosition: what is claimed; one CAS claims positions of one ring, and ids',
    writer: 'any producer',
    reader: 'any thread',
  }),
  head: atomic('i64', {
    line: true,
    hot: 'head',
    doc: 'eventPosition: what is taken; one CAS takes events of one ring',
    writer: 'any consumer',
    reader: 'any thread',
  }),
  standardMutex: atomic(mutexWords.bytes, {
    line: true,
    hot: 'standard',
    doc: 'mutexWords of lock-free: of a standard buffer, which has no use for tail and head',
    writer: 'any thread',
    reader: 'any thread',
  }),
  standardTail: guarded('standardMutex', 'i64', { hot: 'standard', doc: 'eventPosition: what is claimed' }),
  standardHead: guarded('standardMutex', 'i64', { hot: 'standard', doc: 'eventPosition: what is taken' }),
  sleepers: atomic('i32', {
    line: true,
    hot: 'sleepers',
    doc: 'consumers that wait, or are about to; producers unpark only where it is not 0',
    writer: 'any consumer that waits; reclaim',
    reader: 'any producer',
  }),
  parker: atomic(parkerWords.bytes, { hot: 'sleepers', doc: 'parkerWords: where they wait' }),
  abandoned: atomic('i32', {
    line: true,
    hot: 'reclaimed',
    doc: 'events whose producer ended before it published them',
    writer: 'reclaim',
    reader: 'any thread',
  }),
  lostWithConsumer: atomic('i32', {
    hot: 'reclaimed',
    doc: 'events whose consumer ended, or was disposed of, before it released them',
    writer: 'reclaim, disposal',
    reader: 'any thread',
  }),
});
