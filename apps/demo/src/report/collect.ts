// Everybody's books after a run, brought together. All parties have stopped: the load is drained, the gateway settled.
import type { Gateway } from '../gateway/gateway.ts';
import { ANSWER_NAMES, ANSWERS, type AnswerName } from '../gateway/answer.ts';
import { answerKey, KINDS, type Kind } from '../load/kinds.ts';
import type { LoadResult } from '../load/run.ts';
import type { UpstreamTotals } from '../upstream/arrivals.ts';
import { leakOf } from './leak.ts';
import type {
  ClientLedger,
  EndpointLedger,
  EventsLedger,
  GatewayLedger,
  LeakLedger,
  Ledger,
  UpstreamLedger,
  WordsLedger,
} from './ledger.ts';
import type { EndpointRow } from './report.ts';

export function collectLedger(gateway: Gateway, load: LoadResult, upstream: UpstreamTotals): Ledger {
  const books = gateway.books();
  const stats = gateway.pool.stats();
  const answers = books.answersByEndpoint();
  const gatewayLedger: GatewayLedger = {
    answers: books.answers(),
    aborted: books.aborted,
    calls: books.calls(),
    probes: books.probes,
    records: books.records(),
    checks: books.checks,
    endpoints: Object.fromEntries(
      Object.entries(answers).map(([name, of]): [string, EndpointLedger] => [
        name,
        { answers: of, delivered: of.accepted ?? 0 },
      ]),
    ),
  };
  return {
    client: clientLedger(load),
    gateway: gatewayLedger,
    guard: books.guard(),
    events: eventsLedger(gateway),
    words: wordsLedger(gateway),
    upstream: upstreamLedger(upstream),
    leak: leakLedger(gateway, upstream, books.late),
    pool: {
      capacity: stats.capacity,
      free: stats.available,
      bufferBytes: gateway.pool.bufferBytes,
      acquired: stats.acquires,
      failures: stats.failures,
    },
    memory: {
      arenaBytes: gateway.arena.bytes,
      arenaUsedBytes: gateway.arena.usedBytes,
      rssBytes: process.memoryUsage.rss(),
      bodies: gateway.bodies(),
    },
  };
}

export function endpointRows(gateway: Gateway): EndpointRow[] {
  const answers = gateway.books().answersByEndpoint();
  return gateway.endpoints().map(({ name, trips, reopens, state }) => ({
    endpoint: name,
    answers: answers[name] ?? {},
    trips,
    reopens,
    state,
  }));
}

function clientLedger(load: LoadResult): ClientLedger {
  const answered: Record<string, number> = {};
  for (const kind of KINDS)
    for (const [key, count] of Object.entries(load.answers[kind]))
      answered[key] = (answered[key] ?? 0) + count;
  const answers = Object.fromEntries(
    ANSWER_NAMES.map((name) => [name, answered[answerKey(ANSWERS[name].status, ANSWERS[name].reason)] ?? 0]),
  ) as Record<AnswerName, number>;
  return {
    sent: sum(load.sent),
    answered: sum(answered),
    lost: load.lost,
    answers,
    byKind: load.sent satisfies Record<Kind, number>,
    overloaded: overloadedByKind(load),
    unexpected: load.unexpected,
    withoutRetryAfter: load.withoutRetryAfter,
    acceptedDigest: load.acceptedDigest,
    cannonAnswers: load.autocannon.answers,
    cannonByStatus: load.autocannon.byStatus,
    elapsedMs: load.elapsedMs,
    latency: load.latency,
  };
}

function overloadedByKind({ answers }: LoadResult): Record<Kind, number> {
  const { status, reason } = ANSWERS.overloaded;
  const key = answerKey(status, reason);
  return Object.fromEntries(KINDS.map((kind) => [kind, answers[kind][key] ?? 0])) as Record<Kind, number>;
}

function eventsLedger(gateway: Gateway): EventsLedger {
  const books = gateway.books();
  const { accepted, taken, refused } = gateway.events.metrics();
  const { throttled, open, probing, full } = refused;
  return {
    buffer: { accepted, taken, refused: { throttled, open, probing, full } },
    byPriority: books.events.byPriority(),
    lost: books.events.lost,
    ids: books.events.ids,
  };
}

function wordsLedger(gateway: Gateway): WordsLedger {
  const { compressionDetected, bombsRefused } = gateway.machine.metrics();
  const total = {
    trips: 0,
    reopens: 0,
    successes: 0,
    failures: 0,
    entered: { successes: 0, failures: 0 },
    compressionDetected,
    bombsRefused,
  };
  for (const snapshot of gateway.endpoints()) {
    const entered = gateway.wordBook.expected(snapshot);
    total.trips += snapshot.trips;
    total.reopens += snapshot.reopens;
    total.successes += snapshot.successes;
    total.failures += snapshot.failures;
    total.entered.successes += entered.successes;
    total.entered.failures += entered.failures;
  }
  return total;
}

function upstreamLedger(totals: UpstreamTotals): UpstreamLedger {
  const { received, delivered, failed, cut, hung, abandoned, distinct, numbers } = totals;
  const { deliveredDigest, deliveredUrgent, byPath } = totals;
  const paths = Object.entries(byPath).filter(([, of]) => of.delivered > 0);
  return {
    received,
    delivered,
    failed,
    cut,
    hung,
    abandoned,
    distinct,
    deliveredDigest,
    deliveredUrgent,
    numbers,
    deliveredByEndpoint: Object.fromEntries(paths.map(([path, of]) => [path.slice(1), of.delivered])),
  };
}

function leakLedger(gateway: Gateway, upstream: UpstreamTotals, late: number): LeakLedger {
  const transitions = gateway.transitions.map((each) => ({
    ...each,
    endpoint: gateway.machine.nameOf(each.endpoint),
  }));
  const stampedTrips = transitions.filter(({ what }) => what === 'tripped').length;
  return { ...leakOf(upstream.dead, transitions), inFlightAtTrip: late, stampedTrips };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
