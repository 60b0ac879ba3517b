// The deliverer's side of events: takes them out of the buffer, urgent ones first, whoever put them in; delivers so many at a time;
// and says in their tickets how it ended.
//
// Every HTTP worker is one. Threads for delivery alone were rejected: calling an upstream is waiting, which an event loop does for nothing,
// and a thread more would cost each event two changes of thread. A worker takes events when it has put one in and when it is done
// with one, so that mostly nobody must be woken; only where it has no room for what is left does it wake one that has.
import { EventRecord, Priority, type EventConsumer } from '@corelane/atomic-state';
import { StaleLeaseError, type BufferPool, type Lease } from '@corelane/buffer-pool';
import type { CoarseClock } from '@corelane/shared-memory';
import type { Books } from './books.ts';
import { readEnvelope } from './envelope.ts';
import type { EventOutcome } from './event-outcome.ts';
import { EventRecordCodec, type QueuedEvent } from './event-record.ts';
import type { Guard } from './guard.ts';
import type { TicketDesk } from './ticket-desk.ts';
import type { Tickets } from './tickets.ts';

export interface CourierParts {
  readonly consumer: EventConsumer;
  readonly tickets: Tickets;
  /** The number of this worker. */
  readonly seat: number;
  /** Of this worker: who delivers for himself needs no bell. */
  readonly desk: TicketDesk;
  readonly pool: BufferPool;
  readonly guard: Guard;
  readonly books: Books;
  readonly clock: CoarseClock;
  /** Deliveries at a time. */
  readonly limit: number;
  /** An endpoint's name: `source/event`. */
  readonly nameOf: (endpoint: number) => string;
  readonly onDefect: (error: unknown) => void;
}

interface Delivery extends QueuedEvent {
  readonly id: number;
  readonly endpoint: number;
  readonly admission: number;
  readonly priority: Priority;
  readonly lease: Lease;
}

export class Courier {
  readonly #parts: CourierParts;
  readonly #codec = new EventRecordCodec();
  readonly #event = new EventRecord();
  readonly #stop = new AbortController();
  #inFlight = 0;
  /** Somebody waits for a delivery to end. */
  #onEnd: (() => void) | undefined;

  constructor(parts: CourierParts) {
    this.#parts = parts;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get isFull(): boolean {
    return this.#inFlight >= this.#parts.limit;
  }

  /** Takes what there is and what there is room for; where there is no room left, others are told. */
  fetch(): void {
    this.#take();
    if (this.isFull) this.#parts.tickets.room.unpark();
  }

  /** Takes events for others whenever there is room, until `close`. */
  async serve(): Promise<void> {
    const { room } = this.#parts.tickets;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const sequence = room.prepare();
      this.#take();
      if (this.isFull) {
        // It may have become so while it was parked, and then a call that was meant for others has come here.
        room.unpark();
        await this.#ended();
      } else await room.parkAsync(sequence, { signal }).catch(() => undefined);
    }
  }

  /** Takes no more, and resolves when everything that it has taken is delivered. */
  async close(): Promise<void> {
    this.#stop.abort();
    while (this.#inFlight > 0) await this.#ended();
  }

  #take(): void {
    const { consumer } = this.#parts;
    while (!this.#stop.signal.aborted && !this.isFull && consumer.dequeue(this.#event)) {
      const delivery = this.#accept();
      if (delivery !== undefined) void this.#deliver(delivery);
    }
  }

  /** Makes the dequeued event this worker's; undefined where nobody wants it sent any more. */
  #accept(): Delivery | undefined {
    const { tickets, seat, pool, books, clock } = this.#parts;
    const { id, endpoint, admission, priority } = this.#event;
    const queued = this.#codec.decode(this.#event.bytes);
    books.events.taken(priority, id, clock.elapsedMs() - queued.enqueuedMs);
    if (!tickets.take(queued.ticket, seat)) {
      books.events.ended(priority, 'withdrawn');
      return undefined;
    }
    try {
      return { ...queued, id, endpoint, admission, priority, lease: pool.adopt(queued.token) };
    } catch (error) {
      // Its origin has died since, and the buffer has been taken back.
      if (!(error instanceof StaleLeaseError)) throw error;
      books.events.ended(priority, 'withdrawn');
      tickets.settle(queued.ticket, seat, 'lost');
      return undefined;
    }
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { tickets, seat, desk, books } = this.#parts;
    const { lease, priority, ticket } = delivery;
    books.events.deliveries.set(++this.#inFlight);
    let outcome: EventOutcome = 'lost';
    try {
      outcome = await this.#send(delivery);
    } catch (error) {
      this.#parts.onDefect(error);
    }
    // In this order: whoever has its answer finds the buffer free and the books up to date.
    lease.release();
    books.events.ended(priority, outcome);
    books.events.deliveries.set(--this.#inFlight);
    tickets.settle(ticket, seat, outcome);
    desk.look(ticket);
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    onEnd?.();
    this.fetch();
  }

  async #send({
    endpoint,
    admission,
    lease,
    bodyBytes,
    id,
    priority,
    encoding,
  }: Delivery): Promise<EventOutcome> {
    const { guard, nameOf } = this.#parts;
    const { bytes } = lease;
    const { deliveryId, signature, repository } = readEnvelope(bytes);
    return await guard.send(endpoint, admission, {
      path: `/${nameOf(endpoint)}`,
      body: bytes.subarray(0, bodyBytes),
      headers: {
        'content-type': 'application/json',
        'x-event-id': deliveryId,
        'x-event-number': String(id),
        'x-event-priority': priority === Priority.Urgent ? 'urgent' : 'normal',
        'x-hub-signature-256': signature,
        ...(encoding !== undefined && { 'content-encoding': encoding }),
        ...(repository !== undefined && { 'x-repository': repository }),
      },
    });
  }

  #ended(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#onEnd;
    this.#onEnd = () => {
      before?.();
      resolve();
    };
    return promise;
  }
}
