// What a consumer hands over: one event, in an object that is used again and again.
import { type Priority, Priority as Priorities } from './event-outcome.ts';

/** An event. `dequeue` fills the same one again and again; it stays as it is until the next call that is given it. */
export class EventRecord {
  /** Of all accepted events of both priorities, from 0. */
  id = -1;
  /** Index of the endpoint that it was enqueued for. */
  endpoint = 0;
  priority: Priority = Priorities.Normal;
  /** What the endpoint admitted it with: for `machine.recordDelivery(endpoint, ok, admission)`. */
  admission = 0;
  /** Bytes of the payload. */
  length = 0;
  /** The payload is at `source[at]` to `source[at + length - 1]`: without a view, for whoever must not allocate. */
  source: Uint8Array;
  at = 0;
  #own: Uint8Array;
  #words: Int32Array;
  #view: Uint8Array;

  constructor() {
    this.#words = new Int32Array(0);
    this.#own = new Uint8Array(this.#words.buffer);
    this.#view = this.#own;
    this.source = this.#own;
  }

  /** The payload. Allocates where neither place nor length are those of the last time. */
  get bytes(): Uint8Array {
    const { source, at, length } = this;
    const view = this.#view;
    if (view.length === length && view.buffer === source.buffer && view.byteOffset === source.byteOffset + at)
      return view;
    this.#view = new Uint8Array(source.buffer, source.byteOffset + at, length);
    return this.#view;
  }

  /** Words of its own memory, at least so many bytes, which the payload is then in. For consumers. */
  ownWords(bytes: number): Int32Array {
    if (this.#own.length < bytes) {
      this.#words = new Int32Array((bytes + 3) >> 2);
      this.#own = new Uint8Array(this.#words.buffer);
    }
    this.source = this.#own;
    this.at = 0;
    return this.#words;
  }
}
