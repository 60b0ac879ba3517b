// Arguments that bytes in shared memory can not carry: what is transferred, ports, memory that the worker does not know. They are sent by a port of the worker's before their task is
// handed over, so that they are there when it is claimed: whoever runs a task may block its thread at once, and wait for what the task does.
import { receiveMessageOnPort, type MessagePort, type Transferable } from 'node:worker_threads';
import type { Kept, Letter, ValueLink } from '../value-link.ts';

interface Sent {
  readonly ticket: number;
  readonly letter: Letter;
}

/** Of the pool. What it sends goes to the worker that `target` says; results come as they do without it. */
export class AheadLink implements ValueLink {
  target: MessagePort | undefined;
  readonly #link: ValueLink;
  /** From -2 downwards: those of other links are positive, and -1 says that there is none. */
  #tickets = -1;

  constructor(link: ValueLink) {
    this.#link = link;
  }

  /** @throws DataCloneError */
  send(letter: Letter, transfers: readonly Transferable[], slot: number, kept?: Kept): number {
    // Its lane was full when it was sent: it is there.
    if (typeof kept?.parcel === 'number') return kept.parcel;
    if (this.target === undefined) return this.#link.send(letter, transfers, slot, kept);
    const ticket = --this.#tickets;
    this.target.postMessage({ ticket, letter } satisfies Sent, transfers);
    if (kept !== undefined) kept.parcel = ticket;
    return ticket;
  }

  take(ticket: number): Letter {
    return this.#link.take(ticket);
  }
}

/** Of a worker. */
export class AheadInbox {
  readonly #port: MessagePort;
  /** Came before others that were asked for first. */
  readonly #early = new Map<number, Letter>();

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** What was sent under this number, once. @throws TypeError where there is nothing */
  take(ticket: number): Letter {
    const known = this.#early.get(ticket);
    if (known !== undefined) {
      this.#early.delete(ticket);
      return known;
    }
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) throw new TypeError(`no arguments came under number ${ticket}`);
      const message = received.message as Sent;
      if (message.ticket === ticket) return message.letter;
      this.#early.set(message.ticket, message.letter);
    }
  }
}
