// One word for each event on its way, in memory that all workers share: who has it, and how it ended. The origin of an event waits on
// its ticket, the deliverer fills it in, and after a death the supervisor says so in the tickets of the dead. PROTOCOL.md.
//
// Tried and rejected: a message to the origin. A MessagePort for each pair of workers has to be made anew after every death, and neither a
// port nor a ring tells whether the worker that has the event is still alive.
import { Arena, AttachError, Parker, type ObjectHandle } from '@corelane/shared-memory';
import { outcomeCode, type EventOutcome } from './event-outcome.ts';
import {
  TICKET_DONE,
  TICKET_FREE,
  TICKET_QUEUED,
  TICKET_TAKEN,
  ticketCell,
  ticketSeat,
  ticketsRoot,
  ticketWord,
} from './layout.ts';

export type TicketsHandle = ObjectHandle<'demo/tickets'>;

/** A ticket in one of its uses. */
export interface Ticket {
  /** Of all tickets. */
  readonly number: number;
  readonly generation: number;
}

const { state: STATE, taker: TAKER, outcome: OUTCOME, generation: GENERATION } = ticketWord.field;

/** Seats that a word can name, 0 being nobody. */
const MAX_SEATS: number = TAKER.mask;

export class Tickets {
  readonly handle: TicketsHandle;
  readonly seats: number;
  readonly perSeat: number;
  /** Workers park here that could deliver more than they find in the buffer. */
  readonly room: Parker;
  readonly #bells: readonly Parker[];
  readonly #i32: Int32Array;
  /** Word index of the first ticket. */
  readonly #first: number;

  private constructor(arena: Arena, at: number, seats: number, perSeat: number) {
    const parkerAt = (address: number): Parker =>
      Parker.attach(arena.objectHandle('shared-memory/parker', arena.i32[address >> 2] as number), arena);
    const seatAt = (seat: number): number => at + ticketsRoot.bytes + seat * ticketSeat.bytes;
    this.handle = arena.objectHandle(ticketsRoot.name as TicketsHandle['kind'], at);
    this.seats = seats;
    this.perSeat = perSeat;
    this.room = parkerAt(at + ticketsRoot.offset.room);
    this.#bells = Array.from({ length: seats }, (_, seat) => parkerAt(seatAt(seat) + ticketSeat.offset.bell));
    this.#i32 = arena.i32;
    this.#first = (seatAt(seats) + ticketCell.offset.word) >> 2;
  }

  static create(arena: Arena, options: { readonly seats: number; readonly perSeat: number }): Tickets {
    const { seats, perSeat } = options;
    if (seats > MAX_SEATS) throw new RangeError(`seats ${seats}: expected at most ${MAX_SEATS}`);
    const at = arena.createObject(ticketsRoot, lengthFor(seats, perSeat));
    const { word } = ticketsRoot;
    arena.i32[(at >> 2) + word.seats] = seats;
    arena.i32[(at >> 2) + word.perSeat] = perSeat;
    arena.i32[(at >> 2) + word.room] = Parker.create(arena).handle.at;
    for (let seat = 0; seat < seats; seat++) {
      const seatAt = at + ticketsRoot.bytes + seat * ticketSeat.bytes;
      arena.i32[(seatAt >> 2) + ticketSeat.word.bell] = Parker.create(arena).handle.at;
    }
    return new Tickets(arena, at, seats, perSeat);
  }

  /** @throws AttachError */
  static attach(handle: TicketsHandle, arena: Arena = Arena.attach(handle.arena)): Tickets {
    const { at, lengthBytes } = arena.openObject(ticketsRoot, handle);
    const seats = arena.i32[(at >> 2) + ticketsRoot.word.seats] as number;
    const perSeat = arena.i32[(at >> 2) + ticketsRoot.word.perSeat] as number;
    if (seats < 1 || seats > MAX_SEATS)
      throw new AttachError(ticketsRoot.name, 'seats', seats, `1 to ${MAX_SEATS}`);
    const expected = lengthFor(seats, perSeat);
    if (lengthBytes !== expected)
      throw new AttachError(ticketsRoot.name, 'length in bytes', lengthBytes, expected);
    return new Tickets(arena, at, seats, perSeat);
  }

  /** Rung when a ticket of this seat is done. */
  bellOf(seat: number): Parker {
    return this.#bells[seat] as Parker;
  }

  seatOf(ticket: number): number {
    return Math.floor(ticket / this.perSeat);
  }

  /** The origin puts a free ticket of its own to use. */
  open(ticket: number): Ticket {
    const at = this.#first + ticket;
    const generation = (generationOf(Atomics.load(this.#i32, at)) + 1) & GENERATION.mask;
    // Published to the deliverer by the event buffer, which the event comes through.
    Atomics.store(this.#i32, at, wordOf(TICKET_QUEUED, 0, 0, generation));
    return { number: ticket, generation };
  }

  /** The origin takes its event back. @returns false where it is with a deliverer already, or done */
  withdraw(ticket: Ticket): boolean {
    return this.#move(
      ticket,
      wordOf(TICKET_QUEUED, 0, 0, ticket.generation),
      wordOf(TICKET_FREE, 0, 0, ticket.generation),
    );
  }

  /** Whoever takes an event out of the buffer asks for it here. @returns false where its origin does not want it sent any more */
  take(ticket: Ticket, seat: number): boolean {
    const { generation } = ticket;
    return this.#move(
      ticket,
      wordOf(TICKET_QUEUED, 0, 0, generation),
      wordOf(TICKET_TAKEN, seat + 1, 0, generation),
    );
  }

  /** The deliverer says how it ended, and rings the origin's bell. @returns false where the origin is dead */
  settle(ticket: Ticket, seat: number, outcome: EventOutcome): boolean {
    const { generation, number } = ticket;
    const settled = this.#move(
      ticket,
      wordOf(TICKET_TAKEN, seat + 1, 0, generation),
      wordOf(TICKET_DONE, 0, outcomeCode(outcome), generation),
    );
    const origin = this.seatOf(number);
    // A worker that is its own deliverer looks by itself.
    if (settled && origin !== seat) this.bellOf(origin).unpark();
    return settled;
  }

  /** The origin looks. @returns the code of the outcome, once, after which the ticket is free; -1 where there is none yet */
  collect(ticket: number): number {
    const at = this.#first + ticket;
    const word = Atomics.load(this.#i32, at); // observe: pairs with settle and buryTaker
    if (stateOf(word) !== TICKET_DONE) return -1;
    // Only its origin moves a ticket that is done.
    Atomics.store(this.#i32, at, wordOf(TICKET_FREE, 0, 0, generationOf(word)));
    return (word >>> OUTCOME.shift) & OUTCOME.mask;
  }

  /** The worker of a seat is dead: its events are not wanted any more, whoever has them. @returns how many it was delivering itself */
  buryOrigin(seat: number): number {
    let lost = 0;
    for (let ticket = seat * this.perSeat; ticket < (seat + 1) * this.perSeat; ticket++) {
      const at = this.#first + ticket;
      const word = Atomics.load(this.#i32, at);
      const own = wordOf(TICKET_TAKEN, seat + 1, 0, generationOf(word));
      if (word === own) lost++;
      // Whatever a deliverer does meanwhile is of the generation before.
      const generation = (generationOf(word) + 1) & GENERATION.mask;
      Atomics.store(this.#i32, at, wordOf(TICKET_FREE, 0, 0, generation));
    }
    return lost;
  }

  /** The worker of a seat is dead: the events that it delivered are lost, and their origins are told. @returns how many */
  buryTaker(seat: number): number {
    let lost = 0;
    for (let ticket = 0; ticket < this.seats * this.perSeat; ticket++) {
      const word = Atomics.load(this.#i32, this.#first + ticket);
      const generation = generationOf(word);
      if (word !== wordOf(TICKET_TAKEN, seat + 1, 0, generation)) continue;
      if (!this.settle({ number: ticket, generation }, seat, 'lost')) continue;
      lost++;
    }
    return lost;
  }

  /** Events that are being delivered: for whom, by whom. For figures, old when it is returned. */
  deliveries(): { readonly origin: number; readonly taker: number }[] {
    const found: { origin: number; taker: number }[] = [];
    for (let ticket = 0; ticket < this.seats * this.perSeat; ticket++) {
      const word = Atomics.load(this.#i32, this.#first + ticket);
      if (stateOf(word) !== TICKET_TAKEN) continue;
      found.push({ origin: this.seatOf(ticket), taker: ((word >>> TAKER.shift) & TAKER.mask) - 1 });
    }
    return found;
  }

  #move({ number }: Ticket, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#i32, this.#first + number, from, to) === from;
  }
}

function stateOf(word: number): number {
  return (word >>> STATE.shift) & STATE.mask;
}

function generationOf(word: number): number {
  return (word >>> GENERATION.shift) & GENERATION.mask;
}

function wordOf(state: number, taker: number, outcome: number, generation: number): number {
  return (
    (state << STATE.shift) |
    (taker << TAKER.shift) |
    (outcome << OUTCOME.shift) |
    (generation << GENERATION.shift) |
    0
  );
}

function lengthFor(seats: number, perSeat: number): number {
  return ticketsRoot.bytes + seats * ticketSeat.bytes + seats * perSeat * ticketCell.bytes;
}
