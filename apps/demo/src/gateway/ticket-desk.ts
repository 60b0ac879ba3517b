// The tickets of one worker, as the origin of their events: which are free, and who waits for which.
import { outcomeOf, type EventOutcome } from './event-outcome.ts';
import type { Ticket, Tickets } from './tickets.ts';

interface Pending {
  readonly ticket: Ticket;
  readonly resolve: (outcome: EventOutcome | 'withdrawn') => void;
}

export class TicketDesk {
  readonly #tickets: Tickets;
  readonly #seat: number;
  readonly #free: number[];
  /** In the order in which they were opened. */
  readonly #pending = new Map<number, Pending>();

  /** @param seat of this worker, whose tickets nobody else opens */
  constructor(tickets: Tickets, seat: number) {
    this.#tickets = tickets;
    this.#seat = seat;
    const first = seat * tickets.perSeat;
    this.#free = Array.from({ length: tickets.perSeat }, (_, i) => first + tickets.perSeat - 1 - i);
  }

  /** Tickets that wait for their outcome. */
  get pending(): number {
    return this.#pending.size;
  }

  /** A ticket for an event that is about to be enqueued; undefined where all are in use. */
  open(): Ticket | undefined {
    const number = this.#free.pop();
    return number === undefined ? undefined : this.#tickets.open(number);
  }

  /** Resolves with the outcome, or 'withdrawn' where `withdraw` came first. */
  outcomeOf(ticket: Ticket): Promise<EventOutcome | 'withdrawn'> {
    const { promise, resolve } = Promise.withResolvers<EventOutcome | 'withdrawn'>();
    this.#pending.set(ticket.number, { ticket, resolve });
    return promise;
  }

  /** Takes back an event that nobody delivers yet, or that was not enqueued after all. @returns false where it is too late */
  withdraw(ticket: Ticket): boolean {
    if (!this.#tickets.withdraw(ticket)) return false;
    this.#close(ticket.number, 'withdrawn');
    return true;
  }

  /** Hands out the outcomes that are there. */
  collect(): void {
    for (const number of this.#pending.keys()) this.#look(number);
  }

  /** For a ticket that this worker has filled in itself. */
  look(ticket: Ticket): void {
    if (this.#tickets.seatOf(ticket.number) === this.#seat) this.#look(ticket.number);
  }

  #look(number: number): void {
    const code = this.#tickets.collect(number);
    if (code >= 0) this.#close(number, outcomeOf(code));
  }

  #close(number: number, outcome: EventOutcome | 'withdrawn'): void {
    this.#free.push(number);
    const pending = this.#pending.get(number);
    this.#pending.delete(number);
    pending?.resolve(outcome);
  }
}
