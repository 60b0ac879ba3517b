// The books must balance: what one party counted, another must have counted too. Every party has stopped and been drained when this
// is computed, so there is no tolerance in any equation.
import { ANSWER_NAMES, ANSWERS, type AnswerName } from '../gateway/answer.ts';
import { atMost, equal, type Equation } from './equation.ts';
import type { Ledger } from './ledger.ts';

/** One for each answer that the gateway can give. */
export function answerEquationsOf({ client, gateway }: Ledger): Equation[] {
  return ANSWER_NAMES.map((name) =>
    equal(answerTitle(name), ['client', client.answers[name]], ['gateway counters', gateway.answers[name]]),
  );
}

/** Those between client, gateway and upstream. */
export function flowEquationsOf(ledger: Ledger): Equation[] {
  const { client, gateway, upstream, pool, memory } = ledger;
  const { calls } = gateway;
  const made = callsMade(ledger);
  return [
    equal('every request is answered', ['client: sent', client.sent], ['client: answered', client.answered]),
    equal('no connection breaks', ['client: lost', client.lost], ['', 0]),
    equal(
      "the client's two books agree",
      ['client: answered', client.answered],
      ['autocannon: answers', client.cannonAnswers],
    ),
    equal(
      '…status by status',
      ['statuses on which client and autocannon differ', differingStatuses(ledger)],
      ['', 0],
    ),
    equal('every answer is right for its request', ['client: unexpected', sum(client.unexpected)], ['', 0]),
    equal(
      'every 429 and 503 says when to come back',
      ['client: without Retry-After', client.withoutRetryAfter],
      ['', 0],
    ),
    equal(
      'what is accepted was delivered',
      ['client: 202', client.answers.accepted],
      ['upstream: delivered', upstream.delivered],
    ),
    equal(
      '…the same events',
      ['client: digest of ids', client.acceptedDigest],
      ['upstream: digest of ids', upstream.deliveredDigest],
    ),
    equal(
      'nothing is delivered twice',
      ['upstream: received', upstream.received],
      ['upstream: distinct ids', upstream.distinct],
    ),
    equal(
      'every call arrives',
      ['gateway: calls − unreachable', made - calls.unreachable],
      ['upstream: received', upstream.received],
    ),
    equal(
      'every arrival ends in one way',
      ['upstream: received', upstream.received],
      [
        'delivered + failed + cut + hung + abandoned',
        upstream.delivered + upstream.failed + upstream.cut + upstream.hung + upstream.abandoned,
      ],
    ),
    equal('calls delivered', ['gateway', calls.delivered], ['upstream', upstream.delivered]),
    equal('calls refused', ['gateway', calls.refused], ['upstream', upstream.failed]),
    equal(
      'calls without an answer',
      ['gateway: cut + timed out', calls.cut + calls['timed out']],
      ['upstream: cut + hung + abandoned', upstream.cut + upstream.hung + upstream.abandoned],
    ),
    equal(
      'deliveries of each endpoint',
      ['endpoints on which gateway and upstream differ', differingEndpoints(ledger)],
      ['', 0],
    ),
    equal(
      'a failed call is answered 503',
      ['gateway: calls not delivered', made - calls.delivered],
      ['client: upstream failed', client.answers.upstreamFailed],
    ),
    equal('every check ends', ['submitted', gateway.checks.submitted], ['finished', gateway.checks.finished]),
    equal('no client went away', ['gateway: aborted', gateway.aborted], ['client: lost', client.lost]),
    equal('buffers are all back', ['pool: free', pool.free], ['pool: capacity', pool.capacity]),
    equal(
      'memory is all back',
      ['bytes leased', memory.bodies.allocatedBytes],
      ['bytes returned', memory.bodies.freedBytes],
    ),
  ];
}

/** Those about the state words that all workers share. */
export function wordEquationsOf(ledger: Ledger): Equation[] {
  const { gateway, words, leak } = ledger;
  const { records } = gateway;
  const made = callsMade(ledger);
  return [
    equal('every call is recorded once', ['gateway: calls', made], ['records', sum(records)]),
    equal('trips', ['state words', words.trips], ['records: tripped', records.tripped]),
    equal(
      'every trip is stamped',
      ['state words', words.trips],
      ['gateway: trips with their time', leak.stampedTrips],
    ),
    equal('reopened', ['state words', words.reopens], ['records: reopened', records.reopened]),
    equal('successes in the words', ['state words', words.successes], ['entered', words.entered.successes]),
    equal('failures in the words', ['state words', words.failures], ['entered', words.entered.failures]),
    atMost(
      'calls to the dead upstream after a trip',
      ['upstream: arrivals but probes', leak.leaked - leak.leakedProbes],
      ['gateway: in flight at a trip', leak.inFlightAtTrip],
    ),
    atMost(
      'probes to the dead upstream',
      ['upstream: arrivals of probes', leak.leakedProbes],
      ['gateway: probes admitted', gateway.probes],
    ),
  ];
}

/** Calls to the upstream, whatever came of them. */
export function callsMade({ gateway: { calls } }: Ledger): number {
  return calls.delivered + calls.refused + calls.unreachable + calls.cut + calls['timed out'];
}

function differingStatuses({ client }: Ledger): number {
  const counts: Record<string, number> = {};
  for (const name of ANSWER_NAMES) {
    const { status } = ANSWERS[name];
    counts[status] = (counts[status] ?? 0) + client.answers[name];
  }
  return differences(counts, client.cannonByStatus);
}

function differingEndpoints({ gateway, upstream }: Ledger): number {
  const delivered = Object.entries(gateway.endpoints).map(([name, of]) => [name, of.delivered]);
  return differences(Object.fromEntries(delivered) as Record<string, number>, upstream.deliveredByEndpoint);
}

/** Names whose counts are not the same on both sides; one that is missing counts 0. */
function differences(
  left: Readonly<Record<string, number>>,
  right: Readonly<Record<string, number>>,
): number {
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].filter((name) => (left[name] ?? 0) !== (right[name] ?? 0)).length;
}

function answerTitle(name: AnswerName): string {
  const { status, reason } = ANSWERS[name];
  return `${status} ${reason === '' ? 'accepted' : reason}`;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
