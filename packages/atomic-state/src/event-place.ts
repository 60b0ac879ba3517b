// Where the parts of an event buffer lie: read from its root once, and checked, because handles come from strangers.
import { addTally, alignUp, type Arena, AttachError, ParkingSpot } from '@corelane/shared-memory';
import type { EventKernel } from './event-kernel.ts';
import { eventBufferRoot, eventHeader, eventSeat, MAX_EVENT_BATCH, MAX_EVENT_CAPACITY } from './layout.ts';
import type { StateMachine } from './state-machine.ts';

export const MAX_EVENT_BYTES = 1 << 20;
export const MAX_EVENT_ROLES = 4096;
const STRIDE_BYTES = 64;

export interface EventSizes {
  /** Slots of each ring. */
  readonly capacity: number;
  readonly maxEventBytes: number;
  readonly seats: number;
}

/** Offsets from the root: headers, seats and payloads follow it. */
export function eventPartsOf({ capacity, maxEventBytes, seats }: EventSizes): {
  readonly strideBytes: number;
  readonly seatsOffset: number;
  readonly payloadsOffset: number;
  readonly lengthBytes: number;
} {
  const strideBytes = alignUp(maxEventBytes, STRIDE_BYTES);
  const seatsOffset = alignUp(eventBufferRoot.bytes + 2 * capacity * eventHeader.bytes, eventSeat.alignBytes);
  const payloadsOffset = seatsOffset + seats * eventSeat.bytes;
  return {
    strideBytes,
    seatsOffset,
    payloadsOffset,
    lengthBytes: payloadsOffset + 2 * capacity * strideBytes,
  };
}

export class EventPlace {
  readonly arena: Arena;
  readonly kernel: EventKernel;
  readonly machine: StateMachine;
  readonly spot: ParkingSpot;
  /** Byte address of the root. */
  readonly at: number;
  readonly capacity: number;
  readonly maxEventBytes: number;
  readonly maxBatch: number;
  readonly strideBytes: number;
  readonly seats: number;
  readonly seatsAt: number;
  readonly payloads: number;
  readonly inspect: boolean;
  /** Word index of the first header. */
  readonly headers: number;

  constructor(arena: Arena, kernel: EventKernel, machine: StateMachine, at: number) {
    const { word } = eventBufferRoot;
    const read = (index: number): number => arena.i32[(at >> 2) + index] as number;
    this.arena = arena;
    this.kernel = kernel;
    this.machine = machine;
    this.at = at;
    this.spot = ParkingSpot.over(arena, at + eventBufferRoot.offset.parker);
    this.capacity = read(word.capacity);
    this.maxEventBytes = read(word.maxEventBytes);
    this.maxBatch = Math.min(this.capacity, MAX_EVENT_BATCH);
    this.strideBytes = read(word.strideBytes);
    this.seats = read(word.seats);
    this.seatsAt = read(word.seatsAt);
    this.payloads = read(word.payloads);
    this.inspect = read(word.inspect) !== 0;
    this.headers = (at + eventBufferRoot.bytes) >> 2;
  }

  /** Is this what `create` wrote? @throws AttachError */
  check(lengthBytes: number, cells: number): void {
    const { capacity, maxEventBytes, seats, at, arena } = this;
    const isPower = capacity >= 2 && capacity <= MAX_EVENT_CAPACITY && (capacity & (capacity - 1)) === 0;
    expectAt('capacity', capacity, isPower, `a power of two from 2 to ${MAX_EVENT_CAPACITY}`);
    const isLength = maxEventBytes >= 1 && maxEventBytes <= MAX_EVENT_BYTES;
    expectAt('maxEventBytes', maxEventBytes, isLength, `1 to ${MAX_EVENT_BYTES}`);
    expectAt('seats', seats, seats >= 1 && seats <= MAX_EVENT_ROLES, `1 to ${MAX_EVENT_ROLES}`);
    const parts = eventPartsOf({ capacity, maxEventBytes, seats });
    const equals = (what: string, found: number, expected: number): void =>
      expectAt(what, found, found === expected, expected);
    equals('length in bytes', lengthBytes, parts.lengthBytes);
    equals('strideBytes', this.strideBytes, parts.strideBytes);
    equals('seatsAt', this.seatsAt, at + parts.seatsOffset);
    equals('payloads', this.payloads, at + parts.payloadsOffset);
    const read = (index: number): number => arena.i32[(at >> 2) + index] as number;
    equals('cells', read(eventBufferRoot.word.cells), cells);
    equals('clock', read(eventBufferRoot.word.clock), this.machine.clock.addressOfNow);
  }

  /** Byte address of a payload. */
  payloadOf(slot: number): number {
    return this.payloads + slot * this.strideBytes;
  }

  /** Word index of a header. */
  headerOf(slot: number): number {
    return this.headers + ((slot * eventHeader.bytes) >> 2);
  }

  /** Adds one to a tally of a seat that this thread has. */
  count(seat: number, tally: number): void {
    addTally(this.arena.i32, (seat >> 2) + tally, 1);
  }
}

function expectAt(what: string, found: number, holds: boolean, expected: unknown): void {
  if (!holds) throw new AttachError(eventBufferRoot.name, what, found, expected);
}
