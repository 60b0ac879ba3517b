// The origin's side of an event: into the event buffer, which asks the endpoint's word, and then a wait for its outcome, on a ticket.
import { type EventProducer, EventRefusal, Priority, Refusal } from '@corelane/atomic-state';
import type { CoarseClock } from '@corelane/shared-memory';
import type { Encoding } from '../checks/encoding.ts';
import type { Books } from './books.ts';
import type { Courier } from './courier.ts';
import type { EventOutcome } from './event-outcome.ts';
import { EventRecordCodec } from './event-record.ts';
import type { TicketDesk } from './ticket-desk.ts';
import type { Ticket } from './tickets.ts';

/** `throttled`, `open`, `probing`: the endpoint's word refused; `overloaded`: no room, or it waited too long; `gone`: so did its sender. */
export type SendOutcome = EventOutcome | 'throttled' | 'overloaded' | 'gone';

export interface OutgoingEvent {
  readonly endpoint: number;
  readonly urgent: boolean;
  /** Of the lease that body and envelope lie in. From now until the outcome is there, it may be another worker's. */
  readonly token: number;
  readonly bodyBytes: number;
  readonly encoding: Encoding | undefined;
}

export interface Sending {
  readonly outcome: Promise<SendOutcome>;
  /** The sender has gone: the event is not delivered any more, unless somebody is at it. */
  readonly giveUp: () => void;
}

export interface OutboxParts {
  readonly producer: EventProducer;
  readonly desk: TicketDesk;
  /** Of this worker: what it can deliver itself, it does. */
  readonly courier: Courier;
  readonly books: Books;
  readonly clock: CoarseClock;
  /** Milliseconds that an event may wait for a deliverer. */
  readonly queueTimeoutMs: number;
}

interface Waiting {
  readonly ticket: Ticket;
  readonly untilMs: number;
  expired: boolean;
}

const REFUSED: Sending['giveUp'] = () => undefined;

export class Outbox implements Disposable {
  readonly #parts: OutboxParts;
  readonly #codec = new EventRecordCodec();
  /** In the order of their ends, which is that of their beginnings. */
  readonly #waiting = new Set<Waiting>();
  readonly #timer: NodeJS.Timeout;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    // One timer for all: it is late by an eighth at most, and allocates nothing for an event.
    this.#timer = setInterval(() => this.#expire(), Math.max(10, parts.queueTimeoutMs / 8)).unref();
  }

  send(event: OutgoingEvent): Sending {
    const { desk, courier, books, clock, queueTimeoutMs } = this.#parts;
    const ticket = desk.open();
    if (ticket === undefined) return { outcome: Promise.resolve('overloaded'), giveUp: REFUSED };
    const enqueuedMs = clock.elapsedMs();
    const { endpoint, urgent, token, bodyBytes, encoding } = event;
    const record = this.#codec.encode({ ticket, token, bodyBytes, encoding, enqueuedMs });
    const priority = urgent ? Priority.Urgent : Priority.Normal;
    const id = this.#enqueue(ticket, endpoint, record, priority);
    if (id < 0) {
      return { outcome: Promise.resolve(refusalName(id)), giveUp: REFUSED };
    }
    books.events.accepted(priority, id);
    const waiting: Waiting = { ticket, untilMs: enqueuedMs + queueTimeoutMs, expired: false };
    this.#waiting.add(waiting);
    const outcome = this.#outcome(waiting, priority, enqueuedMs);
    courier.fetch();
    return { outcome, giveUp: () => void desk.withdraw(ticket) };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** The ticket stays open only where the event is in the buffer. */
  #enqueue(ticket: Ticket, endpoint: number, record: Uint8Array, priority: Priority): number {
    const { producer, desk } = this.#parts;
    let id = -1;
    try {
      // Pairs with `take` by whichever worker dequeues: from here on the ticket may move.
      id = producer.enqueue(endpoint, record, priority);
    } finally {
      if (id < 0) desk.withdraw(ticket);
    }
    return id;
  }

  async #outcome(waiting: Waiting, priority: Priority, enqueuedMs: number): Promise<SendOutcome> {
    const { desk, books, clock } = this.#parts;
    const outcome = await desk.outcomeOf(waiting.ticket);
    this.#waiting.delete(waiting);
    books.events.time(priority, clock.elapsedMs() - enqueuedMs);
    if (outcome === 'withdrawn') return waiting.expired ? 'overloaded' : 'gone';
    return outcome;
  }

  /** Takes back what has waited too long, for whatever reason: a queue in front of a slow upstream only makes its failures late. */
  #expire(): void {
    const nowMs = this.#parts.clock.elapsedMs();
    for (const waiting of this.#waiting) {
      if (waiting.untilMs > nowMs) return;
      waiting.expired = true;
      // Where somebody delivers it, its outcome will come.
      if (!this.#parts.desk.withdraw(waiting.ticket)) this.#waiting.delete(waiting);
    }
  }
}

function refusalName(refusal: number): 'throttled' | 'open' | 'probing' | 'overloaded' {
  switch (refusal) {
    case Refusal.Throttled:
      return 'throttled';
    case Refusal.Probing:
      return 'probing';
    case Refusal.Open:
    // Isolated by hand is open to whoever asks.
    case Refusal.Isolated:
      return 'open';
    case EventRefusal.Full:
      return 'overloaded';
    default:
      throw new RangeError(`refusal ${refusal} of the event buffer: expected one of an endpoint's, or full`);
  }
}
