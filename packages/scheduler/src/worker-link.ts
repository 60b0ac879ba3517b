// A worker's side of the link: asks clients for arguments, and posts them results.
import {
  MessageChannel,
  receiveMessageOnPort,
  threadId,
  type MessagePort,
  type Transferable,
} from 'node:worker_threads';
import { addressOf, threadOf, visitOf } from './client-places.ts';
import { ValueLostError } from './errors.ts';
import { payloadKind, slotHead } from './layout.ts';
import { knock } from './link-door.ts';
import { memoryOf } from './payload-bytes.ts';
import { SHARED } from './payload-kind.ts';
import { NO_LINE_YET } from './payload-letter.ts';
import { placeOf } from './payload-place.ts';
import { valueIn } from './payload-read.ts';
import { readValue, writeResult } from './payload.ts';
import { clientIn, type SchedulerTable } from './table.ts';
import {
  ANSWER,
  ASK,
  BORROW,
  LEND,
  NO_LINE,
  OPEN,
  RESULT,
  resultTicket,
  VOID,
  type Letter,
  type LinkMessage,
  type ValueLink,
} from './value-link.ts';

type Answer = MessagePort | SharedArrayBuffer;

/** To one client. */
interface Line {
  /** Of the client's place. */
  readonly visit: number;
  readonly port: MessagePort;
  /** The client has let it in. */
  isOpen: boolean;
  isClosed: boolean;
  /** Settles when it is open, or closed. */
  readonly settled: PromiseWithResolvers<void>;
  /** What is asked for, by ticket or number of a memory: that of which tasks may ask for at the same time. */
  readonly asked: Map<number, ((answer: Answer | undefined) => void)[]>;
}

/** A line may be closed because the client before that one had the place. */
const ATTEMPTS = 2;

export class WorkerLink implements ValueLink {
  readonly #table: SchedulerTable;
  /** By party of the client. */
  readonly #lines = new Map<number, Line>();
  /** Results that were sent for slots that are not finished. */
  readonly #sent = new Map<number, { readonly line: Line; readonly ticket: number }>();
  #count = 0;

  constructor(table: SchedulerTable) {
    this.#table = table;
  }

  /** Of a slot that this worker runs. Where nobody wants its result any more, nothing is sent. */
  send(letter: Letter, transfers: readonly Transferable[], slot: number): number {
    const client = this.#clientOf(slot);
    const line = this.#lines.get(client);
    if (line?.isOpen !== true || line.isClosed || line.visit !== visitOf(this.#table, client)) return NO_LINE;
    const ticket = resultTicket(threadId, ++this.#count);
    const message = [RESULT, ticket, letter.form, letter.detail, letter.value] satisfies LinkMessage;
    line.port.postMessage(message, transfers);
    this.#sent.set(slot, { line, ticket });
    return ticket;
  }

  /** Clients take; a worker receives. */
  take(ticket: number): never {
    throw new TypeError(`number ${ticket} is of a result, expected arguments`);
  }

  /** Arguments of a task that came without them. @throws ValueLostError where the client is gone, or wants the result no more */
  async argumentsOf(slot: number): Promise<unknown> {
    const table = this.#table;
    const word = table.slotWord(slot);
    const form = (table.i32[word + slotHead.word.kind] as number) & payloadKind.field.form.mask;
    if (form === SHARED) {
      const number = memoryOf(table, slot);
      table.payloads.memories.borrow(number, (await this.#ask(slot, BORROW, number)) as SharedArrayBuffer);
      return readValue(table, slot);
    }
    const ticket = table.f64[placeOf(table, slot) >> 3] as number;
    const task = table.i32[word + slotHead.word.task] as number;
    const { ahead } = table.payloads;
    if (ticket < 0 && ahead !== undefined) return valueIn(table, task, ahead(ticket));
    return valueIn(table, task, unwrap((await this.#ask(slot, ASK, ticket)) as MessagePort));
  }

  /**
   * Writes a result, by way of shared memory or of the link.
   * @returns what to wait for where there must be a line to the client first. Throws, or rejects, as `writeResult` of payload.ts
   */
  writeResult(slot: number, value: unknown, task: string): Promise<void> | undefined {
    try {
      writeResult(this.#table, slot, value, task);
      return undefined;
    } catch (error) {
      if (error !== NO_LINE_YET) throw error;
    }
    return this.#lineOf(slot).then(() => writeResult(this.#table, slot, value, task));
  }

  /** Asks the client of a slot, and waits for the answer. */
  async #ask(slot: number, kind: typeof ASK | typeof BORROW, number: number): Promise<Answer> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const line = await this.#lineOf(slot);
      const answer = await new Promise<Answer | undefined>((resolve) => {
        const asked = line.asked.get(number) ?? [];
        asked.push(resolve);
        line.asked.set(number, asked);
        line.port.postMessage([kind, number] satisfies LinkMessage);
        if (line.isClosed) resolve(undefined);
      });
      if (answer !== undefined) return answer;
      if (!line.isClosed) break; // it has it no more
    }
    throw new ValueLostError(slot);
  }

  /** What was sent for a slot: whether somebody will take it. */
  finished(slot: number, isDelivered: boolean): void {
    const sent = this.#sent.size === 0 ? undefined : this.#sent.get(slot);
    if (sent === undefined) return;
    this.#sent.delete(slot);
    if (!isDelivered) sent.line.port.postMessage([VOID, sent.ticket] satisfies LinkMessage);
  }

  #clientOf(slot: number): number {
    return clientIn(this.#table.stateOf(slot));
  }

  async #lineOf(slot: number): Promise<Line> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const client = this.#clientOf(slot);
      const thread = client === 0 ? -1 : threadOf(this.#table, client);
      if (thread < 0) break;
      const line = this.#known(client, thread);
      await line.settled.promise;
      if (!line.isClosed) return line;
    }
    throw new ValueLostError(slot);
  }

  #known(client: number, thread: number): Line {
    const visit = visitOf(this.#table, client);
    const known = this.#lines.get(client);
    if (known !== undefined && !known.isClosed && known.visit === visit) return known;
    known?.port.close();
    const { port1: port, port2 } = new MessageChannel();
    const settled = Promise.withResolvers<void>();
    const line: Line = { visit, port, isOpen: false, isClosed: false, settled, asked: new Map() };
    this.#lines.set(client, line);
    port.on('message', (message: LinkMessage) => hear(line, message));
    port.on('close', () => close(line));
    port.unref(); // between tasks it must not seem as if this worker had something to do
    knock(thread, addressOf(this.#table, client), port2).catch(() => {
      port.close();
      close(line);
    });
    return line;
  }
}

function hear(line: Line, message: LinkMessage): void {
  if (message[0] === ANSWER || message[0] === LEND) {
    const [, number, answer] = message;
    const asked = line.asked.get(number) ?? [];
    const resolve = asked.shift(); // each is answered
    if (asked.length === 0) line.asked.delete(number);
    resolve?.(answer);
  } else if (message[0] === OPEN) {
    line.isOpen = true;
    line.settled.resolve();
  }
}

function close(line: Line): void {
  line.isClosed = true;
  line.settled.resolve();
  for (const asked of line.asked.values()) for (const resolve of asked) resolve(undefined);
}

function unwrap(parcel: MessagePort): Letter {
  const received = receiveMessageOnPort(parcel);
  parcel.close();
  if (received === undefined) throw new TypeError('the port with the arguments is empty');
  const [form, detail, value] = received.message as [number, number, unknown];
  return { form, detail, value };
}
