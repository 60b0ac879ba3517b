// An event buffer in the model memory: where it lies, what threads do with it, what must hold at the end.
import { peek, poke, type Scenario } from '@corelane/interleave';
import {
  EVENT_LOST,
  EVENT_URGENT,
  cell,
  eventBufferRoot,
  eventHeader,
  eventJournal,
  eventMeta,
  eventPosition,
  eventSeat,
} from '../src/layout.ts';
import { CELL, CLOCK, start, word, type Start } from './model.ts';
import * as payload from './kernel/payload.ts';

export type Events = typeof import('./kernel/events.ts');

export const BUFFER: number = Math.ceil((CELL + cell.bytes) / 128) * 128;
export const URGENT = EVENT_URGENT;
export const NORMAL = 0;

export interface Shape {
  readonly capacity?: number;
  /** Accepted and taken before: the last position before all of them wrap, and the last id, by default. */
  readonly startLow?: number;
  readonly startHigh?: number;
  readonly endpoint?: Start;
  readonly seats?: number;
}

/** The next position of each ring is its last, and the next id the last but one. */
const WRAPPING = { low: -2, high: -1 };

export class Place {
  readonly capacity: number;
  readonly seats: number;
  readonly seatsAt: number;
  readonly payloads: number;
  readonly bytes: number;
  readonly shape: Shape;

  constructor(shape: Shape = {}) {
    this.shape = shape;
    this.capacity = shape.capacity ?? 2;
    this.seats = shape.seats ?? 3;
    this.seatsAt =
      Math.ceil((BUFFER + eventBufferRoot.bytes + 2 * this.capacity * eventHeader.bytes) / 128) * 128;
    this.payloads = this.seatsAt + this.seats * eventSeat.bytes;
    this.bytes = this.payloads + 2 * this.capacity * 8;
  }

  setup(k: Events): void {
    start(this.shape.endpoint);
    const write = (offset: number, value: number): void => poke(BUFFER + offset, value);
    write(eventBufferRoot.offset.capacity, this.capacity);
    write(eventBufferRoot.offset.cells, CELL);
    write(eventBufferRoot.offset.clock, CLOCK);
    k.initializeEvents(BUFFER, this.shape.startLow ?? WRAPPING.low, this.shape.startHigh ?? WRAPPING.high);
    for (let i = 0; i < this.seats; i++) poke(this.seat(i) + eventSeat.offset.owner, i + 1);
  }

  seat(index: number): number {
    return this.seatsAt + index * eventSeat.bytes;
  }

  payloadOf(slot: number): number {
    return this.payloads + slot * 8;
  }

  get names(): Record<number, string> {
    const named = (prefix: string, at: number, fields: readonly { name: string; offsetBytes: number }[]) =>
      fields.map((field) => [at + field.offsetBytes, prefix + field.name]);
    return Object.fromEntries([
      ...named('', CELL, cell.fields.slice(0, 5)),
      ...named('', BUFFER, eventBufferRoot.fields),
      ...Array.from({ length: 2 * this.capacity }, (_, i) =>
        named(`slot${i}.`, BUFFER + eventBufferRoot.bytes + i * eventHeader.bytes, eventHeader.fields),
      ).flat(),
      ...Array.from({ length: 2 * this.capacity }, (_, i) => [this.payloadOf(i), `payload${i}`]),
      ...Array.from({ length: this.seats }, (_, i) =>
        named(`seat${i}.`, this.seat(i), eventSeat.fields),
      ).flat(),
    ]) as Record<number, string>;
  }

  /** Tries once to put events with these values in. @returns `id:value` of each, or the refusal */
  put(k: Events, seat: number, urgent: number, values: readonly number[]): Put {
    const first = k.claimEvents(BUFFER, this.seat(seat), 0, values.length, urgent, seat + 1);
    if (first < 0) return { refused: first, accepted: [] };
    const id = this.claimedId(seat);
    const slots = values.map((_, i) => ((first + i) & (this.capacity - 1)) | (first & this.capacity));
    for (const [i, value] of values.entries()) payload.write(this.payloadOf(slots[i]!), value);
    const done = k.publishEvents(BUFFER, this.seat(seat), values.length, 4);
    if (done === EVENT_LOST) return { refused: EVENT_LOST, accepted: [] };
    return { refused: 0, accepted: values.map((value, i) => say((id + i) % 2 ** 44, urgent, value)) };
  }

  /** Claims, and ends. @returns the ids that are spent */
  claim(k: Events, seat: number, urgent: number, count: number): number[] {
    const first = k.claimEvents(BUFFER, this.seat(seat), 0, count, urgent, seat + 1);
    if (first < 0) return [];
    const id = this.claimedId(seat);
    return Array.from({ length: count }, (_, i) => (id + i) % 2 ** 44);
  }

  claimedId(seat: number): number {
    const low = payload.read(this.seat(seat) + eventSeat.offset.claimIdLow);
    const meta = payload.read(this.seat(seat) + eventSeat.offset.claimMeta);
    return (meta & eventMeta.field.idHigh.mask) * 2 ** 32 + (low >>> 0);
  }

  /** Takes up to `most` events once. @returns `id:value` of each */
  take(k: Events, seat: number, most = 1): string[] {
    const first = k.takeEvents(BUFFER, this.seat(seat), most, seat + 1);
    if (first < 0) return [];
    const count = payload.read(this.seat(seat) + eventSeat.offset.take) >>> eventJournal.field.left.shift;
    const taken = this.read(first, count);
    return k.releaseEvents(BUFFER, this.seat(seat), count) === EVENT_LOST ? [] : taken;
  }

  read(first: number, count: number): string[] {
    return Array.from({ length: count }, (_, i) => {
      const slot = ((first + i) & (this.capacity - 1)) | (first & this.capacity);
      const header = BUFFER + eventBufferRoot.bytes + slot * eventHeader.bytes;
      const low = payload.read(header + eventHeader.offset.idLow);
      const meta = payload.read(header + eventHeader.offset.meta);
      const length = payload.read(header + eventHeader.offset.lengthBytes);
      const id = (meta & eventMeta.field.idHigh.mask) * 2 ** 32 + (low >>> 0);
      const value = payload.read(this.payloadOf(slot));
      return length === 4 ? say(id, slot < this.capacity ? URGENT : NORMAL, value) : `length ${length}`;
    });
  }

  /** What is left, taken one by one after the end. */
  drain(k: Events): string[] {
    const out: string[] = [];
    for (let more = this.take(k, 0); more.length > 0 && out.length < 20; more = this.take(k, 0))
      out.push(...more);
    return out;
  }

  scenario(
    k: Events,
    name: string,
    threads: Scenario['threads'],
    check: (results: readonly any[]) => string | undefined,
    more: Partial<Scenario> = {},
  ): Scenario {
    return {
      name,
      bytes: this.bytes,
      names: this.names,
      setup: () => this.setup(k),
      threads,
      check,
      maxSteps: 400,
      invariant: () => this.invariant(),
      ...more,
    };
  }

  /** In every state: no ring holds more than it can. */
  invariant(): string | undefined {
    const tail = halves(eventBufferRoot.offset.tail);
    const head = halves(eventBufferRoot.offset.head);
    for (const ring of ['urgent', 'normal'] as const) {
      const held = (tail[ring] - head[ring]) & 0xfffff;
      if (held > this.capacity) return `${held} in the ${ring} ring of ${this.capacity}`;
    }
    return undefined;
  }

  get tokens(): number {
    return word().tokens;
  }
}

export interface Put {
  readonly refused: number;
  readonly accepted: readonly string[];
}

export const say = (id: number, urgent: number, value: number): string =>
  `${id}${urgent === URGENT ? 'u' : 'n'}=${value}`;
export const idOf = (text: string): number => Number.parseInt(text, 10);

export function halves(offset: number): { total: number; urgent: number; normal: number } {
  const low = peek(BUFFER + offset);
  const high = peek(BUFFER + offset + 4);
  const urgent = high >>> eventPosition.field.urgent.shift;
  return { total: (high & 0xfff) * 2 ** 32 + (low >>> 0), urgent, normal: (low - urgent) & 0xfffff };
}

/** The n-th id of a scenario, from 0: they wrap. */
export const nth = (n: number): number => (2 ** 44 - 2 + n) % 2 ** 44;
/** The n of an id. */
export const order = (id: number): number => (id + 2) % 2 ** 44;

/** What came out, then what is left: each accepted event once, whole, those of one producer and priority in order, no id missing. */
export function conserved(
  k: Events,
  place: Place,
  puts: readonly Put[],
  out: readonly string[],
  spent: readonly number[] = [],
): string | undefined {
  poke(place.seat(0) + eventSeat.offset.owner, 1); // it may have been reclaimed
  const all = [...out, ...place.drain(k)];
  const accepted = puts.flatMap((put) => put.accepted);
  if (all.toSorted().join() !== accepted.toSorted().join())
    return `accepted ${accepted.join()}, came out ${all.join()}`;
  const ids = [...accepted.map(idOf), ...spent].map(order).toSorted((a, b) => a - b);
  const total = order(halves(eventBufferRoot.offset.tail).total);
  if (ids.join() !== Array.from({ length: total }, (_, i) => i).join())
    return `ids ${ids.join()} of ${total}, expected no gap`;
  for (let seat = 0; seat < place.seats; seat++)
    for (const journal of ['claim', 'take'] as const)
      if (
        spent.length === 0 &&
        peek(place.seat(seat) + eventSeat.offset[journal]) >>> eventJournal.field.left.shift !== 0
      )
        return `the ${journal} of seat ${seat} is open`;
  const again = place.put(k, 0, NORMAL, [91, 92]);
  return again.accepted.length === 2 && place.drain(k).length === 2
    ? undefined
    : `drained, a batch is refused with ${again.refused}`;
}
