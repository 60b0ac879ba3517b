import { OUTCOMES, type Outcome } from '@corelane/atomic-state';
import { ANSWER_NAMES, type AnswerName } from '../src/gateway/answer.ts';
import { KINDS, type Kind } from '../src/load/kinds.ts';
import type { Ledger } from '../src/report/ledger.ts';

/** The books of a run in which everything adds up. */
export function balancedLedger(): Ledger {
  const none = Object.fromEntries(ANSWER_NAMES.map((name) => [name, 0])) as Record<AnswerName, number>;
  const answers = {
    ...none,
    accepted: 90,
    bomb: 2,
    open: 5,
    upstreamFailed: 8,
    badSignature: 3,
    throttled: 1,
  };
  const noKind = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  const noOutcome = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  const latency = { count: 109, p50: 1.5, p90: 3, p99: null, p999: null, max: 12.25 };
  return {
    client: {
      sent: 109,
      answered: 109,
      lost: 0,
      answers,
      byKind: {
        ...noKind,
        webhook: 96,
        'compressed webhook': 6,
        'gzip bomb': 1,
        'zstd bomb': 1,
        'broken stream': 1,
        misdeclared: 1,
        'bad signature': 3,
      },
      overloaded: noKind,
      unexpected: {},
      withoutRetryAfter: 0,
      acceptedDigest: 123_456,
      cannonAnswers: 109,
      cannonByStatus: { 202: 90, 413: 2, 503: 13, 401: 3, 429: 1 },
      elapsedMs: 1000,
      latency: { all: latency, accepted: latency, refused: latency },
    },
    gateway: {
      answers: { ...answers },
      aborted: 0,
      calls: { delivered: 90, refused: 1, unreachable: 2, cut: 2, 'timed out': 3 },
      probes: 4,
      records: { counted: 90, tripped: 1, closed: 1, reopened: 1, stale: 5 },
      checks: { submitted: 106, finished: 106, verdicts: 106, abandoned: 0 },
      endpoints: {
        'github/push': { answers: { accepted: 60 }, delivered: 60 },
        'github/star': { answers: { accepted: 30 }, delivered: 30 },
      },
    },
    guard: {
      gzip: {
        outcomes: { ...noOutcome, passed: 4, 'too many bytes': 1, corrupt: 1, 'mismatched encoding': 1 },
        bytesIn: 60_000,
        bytesOut: 1_100_000,
        largestRatio: 21.5,
      },
      none: { outcomes: { ...noOutcome, plain: 96 }, bytesIn: 0, bytesOut: 0, largestRatio: 0 },
      zstd: {
        outcomes: { ...noOutcome, passed: 2, 'ratio too high': 1 },
        bytesIn: 3000,
        bytesOut: 200_000,
        largestRatio: 101.5,
      },
    },
    words: {
      trips: 1,
      reopens: 1,
      successes: 80,
      failures: 2,
      entered: { successes: 80, failures: 2 },
      compressionDetected: 8,
      bombsRefused: 2,
    },
    events: {
      buffer: { accepted: 100, taken: 100, refused: { throttled: 1, open: 3, probing: 1, full: 0 } },
      byPriority: {
        urgent: {
          accepted: 10,
          taken: 10,
          ended: { delivered: 9, failed: 1, refused: 0, withdrawn: 0, lost: 0 },
          waitMs: { count: 10, p50: 0.1, p99: 0.2, max: 0.3 },
          totalMs: { count: 10, p50: 1, p99: 2, max: 3 },
        },
        normal: {
          accepted: 90,
          taken: 90,
          ended: { delivered: 81, failed: 7, refused: 1, withdrawn: 1, lost: 0 },
          waitMs: { count: 90, p50: 1, p99: 2, max: 3 },
          totalMs: { count: 90, p50: 2, p99: 4, max: 6 },
        },
      },
      lost: 0,
      ids: { acceptedSum: 4950, takenSum: 4950, highest: 99 },
    },
    upstream: {
      received: 96,
      delivered: 90,
      failed: 1,
      cut: 2,
      hung: 2,
      abandoned: 1,
      distinct: 96,
      numbers: 96,
      deliveredUrgent: 9,
      deliveredDigest: 123_456,
      deliveredByEndpoint: { 'github/push': 60, 'github/star': 30 },
    },
    leak: { leaked: 7, leakedProbes: 3, inFlightAtTrip: 5, stampedTrips: 1 },
    pool: { capacity: 256, free: 256, bufferBytes: 65_536, acquired: 107, failures: 0 },
    memory: {
      arenaBytes: 33_554_432,
      arenaUsedBytes: 20_000_000,
      rssBytes: 150_000_000,
      bodies: { allocatedBytes: 1_000_000, freedBytes: 1_000_000, peakBytes: 65_536 },
    },
  };
}
