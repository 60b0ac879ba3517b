// What an event buffer has done: from its two position words, and the tallies of all seats.
import { readTally } from '@corelane/shared-memory';
import { EVENT_REFUSAL_CODES, type EventRefusalName } from './event-outcome.ts';
import type { EventPlace } from './event-place.ts';
import { EVENT_REFUSAL_BYTES, eventBufferRoot, eventPosition, eventSeat } from './layout.ts';

export interface EventMetrics {
  /** Events that got an id, modulo 2^44. */
  readonly accepted: number;
  /** Events that consumers took or passed by, modulo 2^44. */
  readonly taken: number;
  /** Accepted and not taken, by priority. */
  readonly depth: { readonly urgent: number; readonly normal: number };
  /** Calls of enqueue, single or batch, by why they were refused. */
  readonly refused: { readonly [Reason in EventRefusalName]: number };
  /** Events whose producer's thread ended before it published them, or whose payload turned out to be none; among `accepted` and, once passed by, `taken`. */
  readonly abandoned: number;
  /** Events whose consumer ended, or was disposed of, before it was done with them; among `taken`. */
  readonly lostWithConsumer: number;
  /** Compressed payloads that were inflated. */
  readonly compressionDetected: number;
  /** Of `tail` and `head`: a batch is one. */
  readonly casAttempts: number;
  readonly casSuccesses: number;
  /** Consumers that wait. */
  readonly waiting: number;
}

export function readEventMetrics(place: EventPlace): EventMetrics {
  const { kernel, at, arena, capacity, seats, seatsAt } = place;
  kernel.publishCases(); // those of the endpoints that this thread's producers asked: for machine.metrics()
  const atomic = (word: number): number => Atomics.load(arena.i32, (at >> 2) + word);
  const sum = (word: number): number => {
    let total = 0;
    for (let i = 0; i < seats; i++)
      total += readTally(arena.i32, ((seatsAt + i * eventSeat.bytes) >> 2) + word);
    return total;
  };
  // `head` before `tail`: what is taken meanwhile was accepted by then, so no depth is below 0.
  kernel.observeHead(at);
  const head = positions(kernel.low(), kernel.high());
  kernel.observeTail(at);
  const tail = positions(kernel.low(), kernel.high());
  const depth = (a: number, b: number): number => Math.min((a - b) & POSITION_MASK, capacity);
  const { claims, claimRetries, takes, takeRetries, inspected, refused } = eventSeat.word;
  const casSuccesses = sum(claims) + sum(takes);
  const refusals = Object.entries(EVENT_REFUSAL_CODES).map(([name, code]) => [
    name,
    sum(refused + (((-1 - code) * EVENT_REFUSAL_BYTES) >> 2)),
  ]);
  return {
    accepted: tail.total,
    taken: head.total,
    depth: { urgent: depth(tail.urgent, head.urgent), normal: depth(tail.normal, head.normal) },
    refused: Object.fromEntries(refusals) as EventMetrics['refused'],
    abandoned: atomic(eventBufferRoot.word.abandoned),
    lostWithConsumer: atomic(eventBufferRoot.word.lostWithConsumer),
    compressionDetected: sum(inspected),
    casAttempts: casSuccesses + sum(claimRetries) + sum(takeRetries),
    casSuccesses,
    waiting: atomic(eventBufferRoot.word.sleepers),
  };
}

const { totalHigh, urgent: URGENT } = eventPosition.field;
const POSITION_MASK = URGENT.mask;

function positions(low: number, high: number): { total: number; urgent: number; normal: number } {
  const urgent = high >>> URGENT.shift;
  return {
    total: (high & totalHigh.mask) * 2 ** 32 + (low >>> 0),
    urgent,
    normal: (low - urgent) & POSITION_MASK,
  };
}
