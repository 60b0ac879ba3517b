// An event as it travels through the event buffer: 32 bytes, whatever the size of its body.
import { ENCODINGS, type Encoding } from '../checks/encoding.ts';
import { EVENT_MARK, eventRecord } from './layout.ts';
import type { Ticket } from './tickets.ts';

export interface QueuedEvent {
  readonly ticket: Ticket;
  /** Of the lease. */
  readonly token: number;
  readonly bodyBytes: number;
  readonly encoding: Encoding | undefined;
  /** Milliseconds, on the machine's clock. */
  readonly enqueuedMs: number;
}

/** One for each thread: it writes and reads in memory of its own, which is used again and again. */
export class EventRecordCodec {
  readonly #i32 = new Int32Array(eventRecord.bytes >> 2);
  readonly #f64 = new Float64Array(this.#i32.buffer);
  readonly #u8 = new Uint8Array(this.#i32.buffer);

  /** @returns bytes that stay as they are until the next call */
  encode({ ticket, token, bodyBytes, encoding, enqueuedMs }: QueuedEvent): Uint8Array {
    const { word, offset } = eventRecord;
    this.#i32[word.mark] = EVENT_MARK;
    this.#i32[word.ticket] = ticket.number;
    this.#i32[word.generation] = ticket.generation;
    this.#i32[word.token] = token;
    this.#i32[word.bodyBytes] = bodyBytes;
    this.#i32[word.encoding] = encoding === undefined ? -1 : ENCODINGS.indexOf(encoding);
    this.#f64[offset.enqueuedMs >> 3] = enqueuedMs;
    return this.#u8;
  }

  /** @throws RangeError for bytes that `encode` has not written */
  decode(bytes: Uint8Array): QueuedEvent {
    if (bytes.length !== eventRecord.bytes)
      throw new RangeError(`an event of ${bytes.length} bytes: expected ${eventRecord.bytes}`);
    this.#u8.set(bytes);
    const { word, offset } = eventRecord;
    if (this.#i32[word.mark] !== EVENT_MARK)
      throw new RangeError(`an event with the mark ${this.#i32[word.mark]}: expected ${EVENT_MARK}`);
    const at = (index: number): number => this.#i32[index] as number;
    return {
      ticket: { number: at(word.ticket), generation: at(word.generation) },
      token: at(word.token),
      bodyBytes: at(word.bodyBytes),
      encoding: ENCODINGS[at(word.encoding)],
      enqueuedMs: this.#f64[offset.enqueuedMs >> 3] as number,
    };
  }
}
