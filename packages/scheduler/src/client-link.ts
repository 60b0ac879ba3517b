// A client's side of the link: keeps arguments until the worker that has claimed their task asks for them, and results until they are taken.
import {
  MessageChannel,
  receiveMessageOnPort,
  type MessagePort,
  type Transferable,
} from 'node:worker_threads';
import { addressOf, visitOf } from './client-places.ts';
import { openDoor, shutDoor } from './link-door.ts';
import { lentFrom } from './shared-memories.ts';
import type { SchedulerTable } from './table.ts';
import {
  ANSWER,
  ASK,
  BORROW,
  LEND,
  OPEN,
  RESULT,
  threadOfTicket,
  VOID,
  type Kept,
  type Letter,
  type LinkMessage,
  type ValueLink,
} from './value-link.ts';

export class ClientLink implements ValueLink {
  readonly #address: string;
  /** By ticket: a port in which the arguments lie. */
  readonly #parcels = new Map<number, MessagePort>();
  /** By slot. */
  readonly #tickets: (number | undefined)[] = [];
  #count = 0;
  /** By thread of the worker. */
  readonly #lines = new Map<number, MessagePort>();
  /** By slot: shared memory that its task may need. Without that it could be collected before a worker asks for it. */
  readonly #lent: (SharedArrayBuffer | undefined)[] = [];
  readonly #numbers = new WeakMap<SharedArrayBuffer, number>();
  #nextNumber: number;
  /** Results that have come and are not taken. */
  readonly #arrived = new Map<number, Letter>();

  constructor(table: SchedulerTable, party: number) {
    this.#address = addressOf(table, party);
    this.#nextNumber = lentFrom(party, visitOf(table, party));
    openDoor(this.#address, (port, thread) => this.#open(port, thread));
  }

  /** Arguments that nobody has asked for, results that nobody has taken, slots that memory was lent for. */
  get size(): number {
    return this.#parcels.size + this.#arrived.size + this.#lent.length;
  }

  lend(memory: SharedArrayBuffer, slot: number): number {
    this.#lent[slot] = memory;
    const known = this.#numbers.get(memory);
    if (known !== undefined) return known;
    const number = this.#nextNumber++;
    this.#numbers.set(memory, number);
    return number;
  }

  send(letter: Letter, transfers: readonly Transferable[], slot: number, kept: Kept = {}): number {
    const waiting = kept.parcel as MessagePort | undefined;
    if (waiting !== undefined) this.#release(waiting);
    this.forget(slot);
    const parcel = waiting ?? wrap(letter, transfers);
    kept.parcel = parcel;
    const ticket = ++this.#count;
    this.#parcels.set(ticket, parcel);
    this.#tickets[slot] = ticket;
    return ticket;
  }

  take(ticket: number): Letter {
    // The worker has posted it before it finished the slot, so it is here: in the queue, where the event loop has not come to it yet.
    const line = this.#lines.get(threadOfTicket(ticket));
    if (line !== undefined && !this.#arrived.has(ticket)) this.#hearUntil(line, ticket);
    const letter = this.#arrived.get(ticket);
    if (letter === undefined) throw new TypeError(`nothing came under number ${ticket}`);
    this.#arrived.delete(ticket);
    return letter;
  }

  /** Arguments of this slot are wanted no more. Harmless where there are none. */
  forget(slot: number): void {
    if (slot < this.#lent.length) this.#lent[slot] = undefined;
    const ticket = this.#tickets[slot];
    if (ticket === undefined) return;
    this.#tickets[slot] = undefined;
    this.#parcels.get(ticket)?.close();
    this.#parcels.delete(ticket);
  }

  /** The task did not enter: what becomes of the slot that it was written to means nothing to the parcel any more. */
  #release(parcel: MessagePort): void {
    for (const [ticket, each] of this.#parcels) if (each === parcel) this.#parcels.delete(ticket);
  }

  /** Nothing is in flight: what was not asked for, and what has come and was not taken, nobody wants. */
  settle(): void {
    for (const parcel of this.#parcels.values()) parcel.close();
    this.#parcels.clear();
    this.#arrived.clear();
    this.#lent.length = 0;
  }

  close(): void {
    shutDoor(this.#address);
    this.settle();
    for (const line of this.#lines.values()) line.close();
    this.#lines.clear();
  }

  #open(port: MessagePort, thread: number): void {
    this.#lines.get(thread)?.close();
    this.#lines.set(thread, port);
    port.on('message', (message: LinkMessage) => this.#hear(port, message));
    port.on('close', () => {
      if (this.#lines.get(thread) === port) this.#lines.delete(thread);
    });
    port.unref(); // what keeps the thread alive are tasks in flight
    port.postMessage([OPEN] satisfies LinkMessage);
  }

  #hearUntil(line: MessagePort, ticket: number): void {
    for (let got = receiveMessageOnPort(line); got !== undefined; got = receiveMessageOnPort(line)) {
      this.#hear(line, got.message as LinkMessage);
      if (this.#arrived.has(ticket)) return;
    }
  }

  #hear(line: MessagePort, message: LinkMessage): void {
    switch (message[0]) {
      case ASK: {
        const parcel = this.#parcels.get(message[1]);
        this.#parcels.delete(message[1]);
        const answer = [ANSWER, message[1], parcel] satisfies LinkMessage;
        line.postMessage(answer, parcel === undefined ? [] : [parcel]);
        break;
      }
      case RESULT: {
        const [, ticket, form, detail, value] = message;
        this.#arrived.set(ticket, { form, detail, value });
        break;
      }
      case VOID:
        this.#arrived.delete(message[1]);
        break;
      case BORROW: {
        const memory = this.#lent.find(
          (each) => each !== undefined && this.#numbers.get(each) === message[1],
        );
        line.postMessage([LEND, message[1], memory] satisfies LinkMessage);
        break;
      }
      case LEND:
      case OPEN:
      case ANSWER:
        break; // never to a client
    }
  }
}

/** Posts a value to a port that travels later: what is cloned and transferred now is what arrives. */
function wrap({ form, detail, value }: Letter, transfers: readonly Transferable[]): MessagePort {
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage([form, detail, value], transfers);
  } catch (error) {
    port2.close();
    throw error;
  } finally {
    port1.close(); // what was posted stays in the other one
  }
  return port2;
}
