// Everything that was counted in a run, by whom it was counted. The report prints it; the conservation check compares it.
import type { AnswerName } from '../gateway/answer.ts';
import type { EventFigures, PriorityName } from '../gateway/event-books.ts';
import type { DeliveryResult } from '../gateway/delivery.ts';
import type { GuardFormatFigures } from '../gateway/guard-book.ts';
import type { Latency } from '../load/answers.ts';
import type { Kind } from '../load/kinds.ts';

export type RecordName = 'counted' | 'tripped' | 'closed' | 'reopened' | 'stale';

/** Counted by the load process. */
export interface ClientLedger {
  readonly sent: number;
  readonly answered: number;
  /** Requests whose connection ended before an answer. */
  readonly lost: number;
  readonly answers: Readonly<Record<AnswerName, number>>;
  readonly byKind: Readonly<Record<Kind, number>>;
  /** Answers 503 `overloaded`, by kind of request. */
  readonly overloaded: Readonly<Record<Kind, number>>;
  /** Answers that are none of the gateway's, or not right for the kind of request: what, and how many. */
  readonly unexpected: Readonly<Record<string, number>>;
  readonly withoutRetryAfter: number;
  /** Sum of the digests of the delivery ids that were answered 202. */
  readonly acceptedDigest: number;
  /** What autocannon itself counted. */
  readonly cannonAnswers: number;
  readonly cannonByStatus: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  readonly latency: Readonly<Record<'all' | 'accepted' | 'refused', Latency>>;
}

/** Counted by the gateway's threads, in shared counters. */
export interface GatewayLedger {
  readonly answers: Readonly<Record<AnswerName, number>>;
  /** Requests whose client went away before its answer. */
  readonly aborted: number;
  readonly calls: Readonly<Record<DeliveryResult, number>>;
  readonly probes: number;
  readonly records: Readonly<Record<RecordName, number>>;
  readonly checks: {
    readonly submitted: number;
    readonly finished: number;
    readonly verdicts: number;
    /** Given up for time, or with their thread: they may have been made all the same. */
    readonly abandoned: number;
  };
  readonly endpoints: Readonly<Record<string, EndpointLedger>>;
}

/** Events on their way through the buffer. */
export interface EventsLedger {
  /** Counted by the event buffer itself. */
  readonly buffer: {
    readonly accepted: number;
    readonly taken: number;
    readonly refused: {
      readonly throttled: number;
      readonly open: number;
      readonly probing: number;
      readonly full: number;
    };
  };
  /** Counted by the workers that put them in and those that took them out. */
  readonly byPriority: Readonly<Record<PriorityName, EventFigures>>;
  /** Events whose deliverers died. */
  readonly lost: number;
  /** Sums over the ids that were given and that were taken out again, and the highest; ids begin at 0. */
  readonly ids: { readonly acceptedSum: number; readonly takenSum: number; readonly highest: number };
}

export interface EndpointLedger {
  readonly answers: Readonly<Partial<Record<AnswerName, number>>>;
  readonly delivered: number;
}

/** Read from the state words. */
export interface WordsLedger {
  readonly trips: number;
  readonly reopens: number;
  readonly successes: number;
  readonly failures: number;
  /** The same successes and failures as their recorders entered them. */
  readonly entered: { readonly successes: number; readonly failures: number };
  /** Compressed bodies that were let through, and bombs; and of those the bombs. */
  readonly compressionDetected: number;
  readonly bombsRefused: number;
}

/** Counted by the upstream process. */
export interface UpstreamLedger {
  readonly received: number;
  readonly delivered: number;
  readonly failed: number;
  readonly cut: number;
  readonly hung: number;
  readonly abandoned: number;
  readonly distinct: number;
  readonly deliveredDigest: number;
  readonly deliveredUrgent: number;
  /** Distinct numbers of events. */
  readonly numbers: number;
  readonly deliveredByEndpoint: Readonly<Record<string, number>>;
}

/** Calls that reached the dead upstream although the breaker of their endpoint had opened. */
export interface LeakLedger {
  /** Stamped by the upstream after the gateway's stamp of the trip. */
  readonly leaked: number;
  /** Of those, half-open probes. */
  readonly leakedProbes: number;
  /** Trips that a worker has reported with their time: one that is not would hide its leak. */
  readonly stampedTrips: number;
  /** Calls that were out when a breaker opened: their results came back stale. */
  readonly inFlightAtTrip: number;
}

export interface PoolLedger {
  readonly capacity: number;
  readonly free: number;
  readonly bufferBytes: number;
  readonly acquired: number;
  readonly failures: number;
}

export interface MemoryLedger {
  readonly arenaBytes: number;
  readonly arenaUsedBytes: number;
  readonly rssBytes: number;
  readonly bodies: {
    readonly allocatedBytes: number;
    readonly freedBytes: number;
    readonly peakBytes: number;
  };
}

export interface Ledger {
  readonly client: ClientLedger;
  readonly gateway: GatewayLedger;
  /** Counted by the check threads, by format; `none`: not compressed. */
  readonly guard: Readonly<Record<string, GuardFormatFigures>>;
  readonly events: EventsLedger;
  readonly words: WordsLedger;
  readonly upstream: UpstreamLedger;
  readonly leak: LeakLedger;
  readonly pool: PoolLedger;
  readonly memory: MemoryLedger;
}
