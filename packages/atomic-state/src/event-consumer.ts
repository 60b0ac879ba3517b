import { ArgumentRangeError } from '@corelane/shared-memory';
import { EventRoleError } from './event-errors.ts';
import { Priority } from './event-outcome.ts';
import type { EventPlace } from './event-place.ts';
import { EventRecord } from './event-record.ts';
import { roleIsOver, roleWasReclaimed, takeSeat } from './event-seat.ts';
import { EventWait, type EventWaitOptions } from './event-wait.ts';
import {
  admission as admissionBits,
  EVENT_LOST,
  eventHeader,
  eventJournal,
  eventMeta,
  eventSeat,
  MAX_EVENT_BATCH,
} from './layout.ts';
import { PayloadCopy } from './payload-copy.ts';
import { THIS_THREAD } from './this-thread.ts';

const { idLow: ID_LOW, meta: META, lengthBytes: LENGTH } = eventHeader.word;
const TAKE = eventSeat.word.take;
const LEFT_SHIFT = eventJournal.field.left.shift;
// Numbers, not fields: properties of an object would be loaded for each event.
const HEADER_WORDS = eventHeader.bytes >> 2;
const ID_HIGH_MASK = eventMeta.field.idHigh.mask;
const { shift: ENDPOINT_SHIFT, mask: ENDPOINT_MASK } = eventMeta.field.endpoint;
/** Tells its result from that of a call, which gives a permit back. */
const QUEUED = 1 << admissionBits.field.queued.shift;
const { shift: ADMISSION_SHIFT, mask: ADMISSION_MASK } = eventMeta.field.admission;
const TWO_32 = 2 ** 32;
/** Events that `drain` takes by one CAS, and a quarter of a ring at most: producers need room meanwhile. Guessed. */
const DRAIN_EVENTS = 64;

/** Sees an event in place, until it returns: `event.bytes` is memory of the buffer. Must not use the consumer. */
export type EventHandler = (event: EventRecord) => void;

/**
 * Takes events out: each goes to one consumer, urgent ones first. Any number of threads have one. Dispose of it to give its place to
 * another; what it took and did not hand over is then lost, and counted.
 */
export class EventConsumer implements AsyncIterable<EventRecord>, Disposable {
  readonly #place: EventPlace;
  readonly #copy: PayloadCopy;
  readonly #wait: EventWait;
  readonly #inPlace = new EventRecord();
  // Constants and functions in fields of their own: 1 to 2 ns a call each.
  readonly #at: number;
  readonly #capacity: number;
  readonly #drainEvents: number;
  readonly #headers: number;
  readonly #payloads: number;
  readonly #strideBytes: number;
  readonly #i32: Int32Array;
  readonly #take: EventPlace['kernel']['takeEvents'];
  readonly #release: EventPlace['kernel']['releaseEvents'];
  #seat: number;
  /** Events that are taken and not handed over, and the slot of the first. */
  #left = 0;
  #slot = 0;
  #isBusy = false;

  /** Use `events.consumer()`. @throws EventRolesExhaustedError */
  constructor(place: EventPlace) {
    this.#place = place;
    this.#copy = new PayloadCopy(place.arena);
    this.#at = place.at;
    this.#capacity = place.capacity;
    this.#drainEvents = Math.max(1, Math.min(DRAIN_EVENTS, place.capacity >> 2));
    this.#headers = place.headers;
    this.#payloads = place.payloads;
    this.#strideBytes = place.strideBytes;
    this.#i32 = place.arena.i32;
    this.#take = place.kernel.takeEvents;
    this.#release = place.kernel.releaseEvents;
    this.#seat = takeSeat(place);
    this.#wait = new EventWait(place, this.#seat);
  }

  /**
   * Takes the next event. Does not wait.
   * @param event filled: a copy of the payload, which stays until the next call that is given the same record
   * @returns false where there is none
   * @throws EventRoleError, EventReclaimedError
   */
  dequeue(event: EventRecord): boolean {
    if (this.#left === 0 && this.#takeSome(1) === 0) return false;
    this.#fill(event, this.#slot);
    this.#slot = this.#next(this.#slot);
    this.#released(1);
    return true;
  }

  /**
   * Fills as many records as there are events of one priority, by one CAS.
   * @param most at most so many; as many as there are records by default
   * @returns how many
   * @throws as `dequeue`, ArgumentRangeError
   */
  dequeueBatch(events: readonly EventRecord[], most: number = events.length): number {
    if (!Number.isInteger(most) || most < 0 || most > events.length)
      throw new ArgumentRangeError('most', most, `an integer from 0 to ${events.length}`);
    if (most === 0) return 0;
    if (this.#left === 0 && this.#takeSome(Math.min(most, MAX_EVENT_BATCH)) === 0) return 0;
    const count = Math.min(this.#left, most);
    let slot = this.#slot;
    for (let i = 0; i < count; i++) {
      this.#fill(events[i] as EventRecord, slot);
      slot = this.#next(slot);
    }
    // Not with each: where one of the records is none, all of them are still to be handed over.
    this.#slot = slot;
    this.#released(count);
    return count;
  }

  /**
   * Hands events to `handler` in place, one after the other, until there are none or `limit` is reached. The fastest way: no copies, a CAS
   * for up to 64. An event counts as handed over where `handler` throws; those behind it come with the next call.
   * @returns how many
   * @throws as `dequeue`, and what `handler` throws
   */
  drain(handler: EventHandler, limit = Infinity): number {
    if (limit !== Infinity && (!Number.isInteger(limit) || limit < 0))
      throw new ArgumentRangeError('limit', limit, 'an integer from 0, or Infinity');
    if (typeof handler !== 'function') throw new ArgumentRangeError('handler', handler, 'a function');
    if (this.#isBusy) throw isBusy();
    const event = this.#inPlace;
    let done = 0;
    while (done < limit) {
      if (this.#left === 0 && this.#takeSome(Math.min(this.#drainEvents, limit - done)) === 0) break;
      const count = Math.min(this.#left, limit - done);
      let handed = 0;
      this.#isBusy = true;
      try {
        while (handed < count) {
          const slot = this.#slot;
          this.#describe(event, slot);
          event.source = this.#place.arena.u8;
          event.at = this.#payloads + slot * this.#strideBytes;
          this.#slot = this.#next(slot);
          handed++;
          handler(event);
        }
      } finally {
        this.#isBusy = false;
        this.#released(handed);
      }
      done += count;
    }
    return done;
  }

  /**
   * Waits for an event without blocking the event loop, which stays alive meanwhile.
   * @param options.event the record to fill; a new one by default
   * @returns undefined where the time is over, or the consumer was disposed of; rejects with `signal.reason` where it is aborted
   * @throws as `dequeue`, ArgumentRangeError
   */
  async next(
    options: EventWaitOptions & { readonly event?: EventRecord } = {},
  ): Promise<EventRecord | undefined> {
    const { event = new EventRecord() } = options;
    options.signal?.throwIfAborted();
    const isTaken = this.dequeue(event) || (await this.#wait.forEvent(() => this.#tryTake(event), options));
    return isTaken ? event : undefined;
  }

  /**
   * Waits for an event and blocks the thread, with its event loop: for threads that do nothing else.
   * @param timeoutMs for ever by default
   * @returns false where the time is over
   * @throws as `dequeue`, ArgumentRangeError
   */
  waitDequeue(event: EventRecord, timeoutMs = Infinity): boolean {
    return this.dequeue(event) || this.#wait.blocking(() => this.dequeue(event), timeoutMs);
  }

  /** Events as they come, each in a record of its own, until the consumer is disposed of. Throws `signal.reason` where it is aborted. */
  async *events(
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<EventRecord, void, undefined> {
    while (this.#seat !== 0) {
      const event = await this.next(options);
      if (event === undefined) return;
      yield event;
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<EventRecord, void, undefined> {
    return this.events();
  }

  /** Ends waits, too. A second time: does nothing. */
  [Symbol.dispose](): void {
    const seat = this.#seat;
    if (seat === 0) return;
    if (this.#isBusy) throw isBusy();
    const { kernel } = this.#place;
    this.#seat = 0;
    this.#left = 0;
    if (kernel.seatOwner(seat) !== THIS_THREAD) {
      // Reclaimed while it was alive: the seat may be another's by now.
      this.#wait.forget();
      this.#place.spot.unpark(Infinity);
      return;
    }
    kernel.dropTaken(this.#at, seat);
    this.#wait.end();
    kernel.freeSeat(seat);
  }

  #tryTake(event: EventRecord): boolean {
    return this.#seat !== 0 && this.dequeue(event);
  }

  /** @returns how many were taken */
  #takeSome(most: number): number {
    if (this.#seat === 0) throw roleIsOver('consumer');
    if (this.#isBusy) throw isBusy();
    const slot = this.#take(this.#at, this.#seat, most, THIS_THREAD);
    if (slot < 0) {
      if (slot === EVENT_LOST) this.#wasReclaimed();
      return 0;
    }
    this.#slot = slot;
    this.#left = (this.#i32[(this.#seat >> 2) + TAKE] as number) >>> LEFT_SHIFT;
    return this.#left;
  }

  #fill(event: EventRecord, slot: number): void {
    if (this.#isBusy) throw isBusy();
    this.#describe(event, slot);
    const { length } = event;
    const words = event.ownWords(this.#strideBytes);
    this.#copy.out(this.#payloads + slot * this.#strideBytes, event.source, words, length);
  }

  #describe(event: EventRecord, slot: number): void {
    const header = this.#headers + slot * HEADER_WORDS;
    const i32 = this.#i32;
    const idLow = i32[header + ID_LOW] as number;
    const meta = i32[header + META] as number;
    event.id = (meta & ID_HIGH_MASK) * TWO_32 + (idLow >>> 0);
    event.endpoint = (meta >>> ENDPOINT_SHIFT) & ENDPOINT_MASK;
    event.admission = ((meta >>> ADMISSION_SHIFT) & ADMISSION_MASK) | QUEUED;
    event.length = i32[header + LENGTH] as number;
    event.priority = slot < this.#capacity ? Priority.Urgent : Priority.Normal;
  }

  #next(slot: number): number {
    return ((slot + 1) & (this.#capacity - 1)) | (slot & this.#capacity);
  }

  #released(count: number): void {
    this.#left -= count;
    if (this.#release(this.#at, this.#seat, count) === EVENT_LOST) this.#wasReclaimed();
  }

  #wasReclaimed(): never {
    this.#seat = 0;
    this.#left = 0;
    this.#wait.forget();
    throw roleWasReclaimed('consumer');
  }
}

function isBusy(): EventRoleError {
  return new EventRoleError(
    'ERR_EVENT_CONSUMER_BUSY',
    'the consumer is used within its own drain, expected its handler to leave it alone',
  );
}
