import { ArgumentRangeError } from '@corelane/shared-memory';
import { EndpointError } from './errors.ts';
import { EventRefusal, Priority } from './event-outcome.ts';
import type { EventPlace } from './event-place.ts';
import { roleIsOver, roleWasReclaimed, takeSeat } from './event-seat.ts';
import { PayloadCopy } from './payload-copy.ts';
import { looksCompressed } from './payload-magic.ts';
import { type InspectionOptions, type PayloadInspector, verdictOf } from './payload-inspector.ts';
import { THIS_THREAD } from './this-thread.ts';
import {
  EVENT_LENGTHS_WRITTEN,
  EVENT_LOST,
  EVENT_REFUSED_COMPRESSED,
  eventHeader,
  eventMeta,
  eventSeat,
  REFUSED_UNDEFINED,
} from './layout.ts';

const LENGTH = eventHeader.word.lengthBytes;
const ID_LOW = eventSeat.word.claimIdLow;
const META = eventSeat.word.claimMeta;
const ID_HIGH_MASK = eventMeta.field.idHigh.mask;
const TWO_32 = 2 ** 32;

export interface InspectedOptions extends InspectionOptions {
  readonly priority?: Priority;
}

/**
 * Puts events in. Any number of threads have one, and one thread may have several. Never blocks; allocates nothing but where it says so.
 * Dispose of it to give its place to another.
 */
export class EventProducer implements Disposable {
  readonly #place: EventPlace;
  readonly #copy: PayloadCopy;
  readonly #inspector: PayloadInspector;
  readonly #at: number;
  // Constants and functions in fields of their own: 1 to 2 ns a call each.
  readonly #endpoints: number;
  readonly #maxBytes: number;
  readonly #inspect: boolean;
  readonly #payloads: number;
  readonly #strideBytes: number;
  readonly #i32: Int32Array;
  readonly #claim: EventPlace['kernel']['claimEvents'];
  readonly #publish: EventPlace['kernel']['publishEvents'];
  #seat: number;

  /** Use `events.producer()`. @throws EventRolesExhaustedError */
  constructor(place: EventPlace, inspector: PayloadInspector) {
    this.#place = place;
    this.#inspector = inspector;
    this.#copy = new PayloadCopy(place.arena);
    this.#at = place.at;
    this.#endpoints = place.machine.capacity;
    this.#maxBytes = place.maxEventBytes;
    this.#inspect = place.inspect;
    this.#payloads = place.payloads;
    this.#strideBytes = place.strideBytes;
    this.#i32 = place.arena.i32;
    this.#claim = place.kernel.claimEvents;
    this.#publish = place.kernel.publishEvents;
    this.#seat = takeSeat(place);
  }

  /**
   * Puts an event in. All or nothing: a refused one costs neither an id nor a token.
   * @param bytes the payload, 0 to `maxEventBytes` long; copied
   * @returns its id, from 0 up; below 0: one of `Refusal` or `EventRefusal`
   * @throws ArgumentRangeError, EndpointError, EventRoleError, EventReclaimedError
   */
  enqueue(endpoint: number, bytes: Uint8Array, priority: Priority = Priority.Normal): number {
    if (!(bytes instanceof Uint8Array) || bytes.length > this.#maxBytes) this.#badPayload('bytes', bytes);
    if (this.#inspect && looksCompressed(bytes, 0, bytes.length))
      return this.#refuse(endpoint, priority, EVENT_REFUSED_COMPRESSED);
    return this.#put(endpoint, bytes, priority);
  }

  /**
   * Puts all of a list in, with ids that follow each other, by one CAS, or nothing.
   * @param list payloads, 1 to `maxBatch` of the buffer
   * @returns the id of the first, or a refusal
   * @throws as `enqueue`
   */
  enqueueBatch(endpoint: number, list: readonly Uint8Array[], priority: Priority = Priority.Normal): number {
    const { capacity } = this.#place;
    const count = list.length;
    this.#checkCount('list.length', count);
    let isCompressed = false;
    for (let i = 0; i < count; i++) {
      const bytes = list[i] as Uint8Array;
      if (!(bytes instanceof Uint8Array) || bytes.length > this.#maxBytes)
        this.#badPayload(`list[${i}]`, bytes);
      if (this.#inspect && looksCompressed(bytes, 0, bytes.length)) isCompressed = true;
    }
    if (isCompressed) return this.#refuse(endpoint, priority, EVENT_REFUSED_COMPRESSED);
    const first = this.#claimed(endpoint, count, priority);
    if (first < 0) return first;
    const ring = first & capacity;
    try {
      for (let i = 0; i < count; i++) {
        const bytes = list[i] as Uint8Array;
        const { length } = bytes;
        // A list may be a proxy, or a payload have been resized: what was checked need not be what is read now.
        if (length > this.#maxBytes) this.#badPayload(`list[${i}]`, bytes);
        const slot = ((first + i) & (capacity - 1)) | ring;
        this.#copy.into(this.#payloads + slot * this.#strideBytes, bytes, 0, length);
        this.#i32[this.#place.headerOf(slot) + LENGTH] = length;
      }
    } catch (error) {
      this.#abandon();
      throw error;
    }
    return this.#published(count, EVENT_LENGTHS_WRITTEN);
  }

  /**
   * As `enqueueBatch`, of `count` payloads of equal length that lie one behind the other: the fastest way. Fastest where their length
   * is a multiple of 64 and the buffer's `maxEventBytes`: then they are copied in one piece.
   * @throws as `enqueue`
   */
  enqueuePacked(
    endpoint: number,
    bytes: Uint8Array,
    count: number,
    priority: Priority = Priority.Normal,
  ): number {
    const { capacity } = this.#place;
    if (!(bytes instanceof Uint8Array)) this.#badPayload('bytes', bytes);
    this.#checkCount('count', count);
    const length = bytes.length / count;
    if (!Number.isInteger(length) || length > this.#maxBytes)
      throw new ArgumentRangeError(
        'bytes.length',
        bytes.length,
        `${count} times an integer from 0 to ${this.#maxBytes}`,
      );
    if (this.#inspect)
      for (let i = 0; i < count; i++)
        if (looksCompressed(bytes, i * length, length))
          return this.#refuse(endpoint, priority, EVENT_REFUSED_COMPRESSED);
    const first = this.#claimed(endpoint, count, priority);
    if (first < 0) return first;
    const ring = first & capacity;
    const inRing = first & (capacity - 1);
    try {
      if (length === this.#strideBytes) {
        const before = Math.min(count, capacity - inRing);
        this.#copy.into(this.#payloads + first * length, bytes, 0, before * length);
        if (before < count)
          this.#copy.into(this.#payloads + ring * length, bytes, before * length, (count - before) * length);
      } else {
        for (let i = 0; i < count; i++) {
          const slot = ((inRing + i) & (capacity - 1)) | ring;
          this.#copy.into(this.#payloads + slot * this.#strideBytes, bytes, i * length, length);
        }
      }
    } catch (error) {
      this.#abandon(); // as in #put
      throw error;
    }
    return this.#published(count, length);
  }

  /**
   * Has the inspector inflate what looks compressed, and puts the payload in as it came where it is no bomb. Takes a copy of `bytes`
   * first, so they may change meanwhile.
   * @returns as `enqueue`; `EventRefusal.Bomb` or `.Unreadable`; rejects with `signal.reason` where it is aborted
   * @throws as `enqueue`
   */
  async enqueueInspected(
    endpoint: number,
    bytes: Uint8Array,
    options: InspectedOptions = {},
  ): Promise<number> {
    const { priority = Priority.Normal, ...inspect } = options;
    if (!(bytes instanceof Uint8Array) || bytes.length > this.#maxBytes) this.#badPayload('bytes', bytes);
    this.#checkTarget(endpoint, priority);
    // Not `slice`: that of a Buffer is no copy.
    const held = new Uint8Array(bytes);
    if (held.length > this.#maxBytes) this.#badPayload('bytes', held);
    const { outcome, ratio } = await this.#inspector.inspect(held, inspect);
    const verdict = verdictOf(outcome);
    if (this.#seat === 0) throw roleIsOver('producer');
    if (verdict === 'plain') return this.#put(endpoint, held, priority);
    const { machine } = this.#place;
    if (verdict === 'uninspected') return this.#counted(EventRefusal.Uninspected);
    if (this.#place.kernel.seatOwner(this.#seat) !== THIS_THREAD) this.#wasReclaimed();
    this.#place.count(this.#seat, eventSeat.word.inspected);
    switch (verdict) {
      case 'passed':
        machine.recordCompression(endpoint, ratio);
        return this.#put(endpoint, held, priority);
      case 'bomb':
        machine.recordBomb(endpoint, ratio);
        return this.#counted(EventRefusal.Bomb);
      case 'unreadable':
        return this.#counted(EventRefusal.Unreadable);
    }
  }

  /** A second time: does nothing. */
  [Symbol.dispose](): void {
    const seat = this.#seat;
    if (seat === 0) return;
    const { kernel } = this.#place;
    this.#seat = 0;
    kernel.publishCases();
    // Reclaimed while it was alive: the seat may be another's by now.
    if (kernel.seatOwner(seat) === THIS_THREAD) kernel.freeSeat(seat);
  }

  #put(endpoint: number, bytes: Uint8Array, priority: Priority): number {
    const slot = this.#claimed(endpoint, 1, priority);
    if (slot < 0) return slot;
    const { length } = bytes;
    try {
      this.#copy.into(this.#payloads + slot * this.#strideBytes, bytes, 0, length);
    } catch (error) {
      this.#abandon(); // it passed for a Uint8Array, and was none
      throw error;
    }
    return this.#published(1, length);
  }

  #claimed(endpoint: number, count: number, priority: Priority): number {
    if (endpoint >>> 0 !== endpoint || endpoint >= this.#endpoints || (priority & 1) !== priority)
      this.#checkTarget(endpoint, priority);
    if (this.#seat === 0) throw roleIsOver('producer');
    const slot = this.#claim(this.#at, this.#seat, endpoint, count, priority, THIS_THREAD);
    if (slot === REFUSED_UNDEFINED) this.#place.machine.nameOf(endpoint); // throws EndpointError
    if (slot === EVENT_LOST) this.#wasReclaimed();
    return slot;
  }

  /** @returns the id of the first of the claim */
  #published(count: number, length: number): number {
    const seat = this.#seat >> 2;
    const idLow = this.#i32[seat + ID_LOW] as number;
    const id = ((this.#i32[seat + META] as number) & ID_HIGH_MASK) * TWO_32 + (idLow >>> 0);
    if (this.#publish(this.#at, this.#seat, count, length) === EVENT_LOST) this.#wasReclaimed();
    return id;
  }

  /** What is claimed cannot be published: consumers pass it by. Those that wait are woken, for events behind it. */
  #abandon(): void {
    const { kernel } = this.#place;
    kernel.abandonClaim(this.#at, this.#seat);
    kernel.forgetSleeper(this.#at, this.#seat);
  }

  #wasReclaimed(): never {
    this.#seat = 0;
    throw roleWasReclaimed('producer');
  }

  #refuse(endpoint: number, priority: Priority, code: number): number {
    this.#checkTarget(endpoint, priority);
    if (this.#seat === 0) throw roleIsOver('producer');
    return this.#counted(code);
  }

  /** Counts a refusal, in a seat that is still its own. */
  #counted(code: number): number {
    const { kernel } = this.#place;
    if (kernel.seatOwner(this.#seat) !== THIS_THREAD) this.#wasReclaimed();
    return kernel.refused(this.#seat, code);
  }

  #checkTarget(endpoint: number, priority: Priority): void {
    if (priority !== Priority.Normal && priority !== Priority.Urgent)
      throw new ArgumentRangeError('priority', priority, 'Priority.Normal, 0, or Priority.Urgent, 1');
    const { machine } = this.#place;
    if (endpoint >>> 0 !== endpoint || endpoint >= this.#endpoints)
      throw new EndpointError(endpoint, machine.endpoints().length);
    machine.nameOf(endpoint);
  }

  #checkCount(argument: string, count: number): void {
    const { maxBatch } = this.#place;
    if (!Number.isInteger(count) || count < 1 || count > maxBatch)
      throw new ArgumentRangeError(argument, count, `1 to ${maxBatch} events`);
  }

  #badPayload(argument: string, found: unknown): never {
    const expected = `a Uint8Array of 0 to ${this.#maxBytes} bytes`;
    if (found instanceof Uint8Array)
      throw new ArgumentRangeError(`${argument}.length`, found.length, `0 to ${this.#maxBytes} bytes`);
    throw new ArgumentRangeError(argument, found, expected);
  }
}
