// What happens to an event between the worker that accepts its webhook and the upstream: by the event buffer's own counts, by those of the
// workers that put events in and take them out, and by the upstream's.
import { EVENT_ENDS } from '../gateway/event-books.ts';
import { callsMade } from './conservation.ts';
import { atMost, equal, type Equation } from './equation.ts';
import type { Ledger } from './ledger.ts';

/** Those about events on their way through the buffer, from whoever accepted them to whoever delivered them. */
export function eventEquationsOf(ledger: Ledger): Equation[] {
  const { events, gateway, upstream } = ledger;
  const { buffer, byPriority, ids, lost } = events;
  const { urgent, normal } = byPriority;
  const accepted = urgent.accepted + normal.accepted;
  const taken = urgent.taken + normal.taken;
  const ended = (end: (typeof EVENT_ENDS)[number]): number => urgent.ended[end] + normal.ended[end];
  const { open, probing, throttled } = gateway.answers;
  return [
    equal('every event is taken out', ['buffer: accepted', buffer.accepted], ['buffer: taken', buffer.taken]),
    equal(
      '…as those who sent it count',
      ['gateway: accepted', accepted],
      ['buffer: accepted', buffer.accepted],
    ),
    equal('…as those who took it count', ['gateway: taken', taken], ['buffer: taken', buffer.taken]),
    equal(
      'every event ends in one way',
      ['gateway: taken', taken],
      [
        'delivered + failed + refused + withdrawn + lost',
        EVENT_ENDS.reduce((total, end) => total + ended(end), lost),
      ],
    ),
    equal('ids have no gap', ['highest id + 1', ids.highest + 1], ['buffer: accepted', buffer.accepted]),
    equal(
      '…and none is given twice',
      ['sum of ids given', ids.acceptedSum],
      ['0 + 1 + … + accepted − 1', (buffer.accepted * (buffer.accepted - 1)) / 2],
    ),
    equal('…nor taken twice', ['sum of ids taken', ids.takenSum], ['sum of ids given', ids.acceptedSum]),
    equal(
      '…nor delivered twice',
      ['upstream: received', upstream.received],
      ['upstream: numbers', upstream.numbers],
    ),
    equal(
      'events delivered',
      ['gateway: events', ended('delivered')],
      ['gateway: calls', gateway.calls.delivered],
    ),
    equal(
      'events that failed',
      ['gateway: events', ended('failed')],
      ['gateway: calls not delivered', callsMade(ledger) - gateway.calls.delivered],
    ),
    equal(
      'urgent events delivered',
      ['gateway', urgent.ended.delivered],
      ['upstream', upstream.deliveredUrgent],
    ),
    equal(
      'what breakers refuse',
      ['gateway: open + probing', open + probing],
      ['at the buffer + after it', buffer.refused.open + buffer.refused.probing + ended('refused')],
    ),
    equal(
      'what rate limits refuse',
      ['gateway: throttled', throttled],
      ['buffer: throttled', buffer.refused.throttled],
    ),
  ];
}

/** Where the upstream was too slow for the load: urgent events did not wait with the others. */
export function priorityEquationsOf({ events: { byPriority } }: Ledger): Equation[] {
  const { urgent, normal } = byPriority;
  return [
    atMost(
      'urgent events overtake',
      ['99 % of urgent waited, µs', Math.round((urgent.waitMs.p99 ?? 0) * 1000)],
      ['99 % of normal waited, µs', Math.round((normal.waitMs.p99 ?? 0) * 1000)],
    ),
  ];
}
