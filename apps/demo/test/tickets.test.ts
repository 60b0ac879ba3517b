import { Arena } from '@corelane/shared-memory';
import { describe, expect, it } from 'vitest';
import { readEnvelope, writeEnvelope, ENVELOPE_BYTES } from '../src/gateway/envelope.ts';
import { EventRecordCodec } from '../src/gateway/event-record.ts';
import { eventRecord, ticketsRoot } from '../src/gateway/layout.ts';
import { TicketDesk } from '../src/gateway/ticket-desk.ts';
import { Tickets, type Ticket } from '../src/gateway/tickets.ts';

function make(perSeat = 4): { tickets: Tickets; other: Tickets; desk: TicketDesk } {
  const arena = Arena.create({ bytes: 1 << 16 });
  const tickets = Tickets.create(arena, { seats: 3, perSeat });
  return { tickets, other: Tickets.attach(tickets.handle, arena), desk: new TicketDesk(tickets, 1) };
}

describe('a ticket', () => {
  it('brings the outcome from whoever delivers to whoever waits', async () => {
    const { other, desk } = make();
    const ticket = desk.open() as Ticket;
    const outcome = desk.outcomeOf(ticket);
    expect(other.take(ticket, 2)).toBe(true);
    expect(other.deliveries()).toEqual([{ origin: 1, taker: 2 }]);
    expect(other.settle(ticket, 2, 'timed out')).toBe(true);
    desk.collect();
    expect(await outcome).toBe('timed out');
    expect(desk.pending).toBe(0);
  });

  it('goes to one of those who ask for it, and to none once it is withdrawn', async () => {
    const { tickets, other, desk } = make();
    const first = desk.open() as Ticket;
    expect(tickets.take(first, 0)).toBe(true);
    expect(other.take(first, 2)).toBe(false);
    expect(desk.withdraw(first)).toBe(false);
    const second = desk.open() as Ticket;
    const outcome = desk.outcomeOf(second);
    expect(desk.withdraw(second)).toBe(true);
    expect(await outcome).toBe('withdrawn');
    expect(other.take(second, 2)).toBe(false);
  });

  it('of an earlier use is nobody’s: a late deliverer does not touch its successor', () => {
    const { other, desk } = make(1);
    const first = desk.open() as Ticket;
    desk.withdraw(first);
    const second = desk.open() as Ticket;
    expect(second.number).toBe(first.number);
    expect(other.take(first, 2)).toBe(false);
    expect(other.take(second, 2)).toBe(true);
    expect(other.settle(first, 2, 'delivered')).toBe(false);
    expect(other.settle(second, 0, 'delivered')).toBe(false);
    expect(other.settle(second, 2, 'delivered')).toBe(true);
  });

  it('runs out, and comes back', () => {
    const { desk } = make(2);
    const [first] = [desk.open() as Ticket, desk.open()];
    expect(desk.open()).toBeUndefined();
    desk.withdraw(first);
    expect(desk.open()).toBeDefined();
  });

  it('of a dead origin is void, whoever has its event', () => {
    const { tickets, other, desk } = make();
    const [queued, taken, own] = [desk.open() as Ticket, desk.open() as Ticket, desk.open() as Ticket];
    other.take(taken, 2);
    other.take(own, 1);
    expect(tickets.buryOrigin(1)).toBe(1);
    expect(other.take(queued, 2)).toBe(false);
    expect(other.settle(taken, 2, 'delivered')).toBe(false);
    expect(tickets.deliveries()).toEqual([]);
  });

  it('with a dead deliverer is lost, and its origin hears of it', async () => {
    const { tickets, other, desk } = make();
    const [lost, living] = [desk.open() as Ticket, desk.open() as Ticket];
    const outcome = desk.outcomeOf(lost);
    other.take(lost, 2);
    other.take(living, 0);
    const sequence = tickets.bellOf(1).prepare();
    expect(tickets.buryTaker(2)).toBe(1);
    expect(tickets.bellOf(1).park(sequence, 0)).toBe('changed');
    desk.collect();
    expect(await outcome).toBe('lost');
    expect(tickets.deliveries()).toEqual([{ origin: 1, taker: 0 }]);
  });
});

it('a handle that leads to nonsense is refused', () => {
  const arena = Arena.create({ bytes: 1 << 16 });
  const { handle } = Tickets.create(arena, { seats: 2, perSeat: 8 });
  arena.i32[(handle.at >> 2) + ticketsRoot.word.perSeat] = 7;
  expect(() => Tickets.attach(handle, arena)).toThrow('length in bytes');
  arena.i32[(handle.at >> 2) + ticketsRoot.word.seats] = 1000;
  expect(() => Tickets.attach(handle, arena)).toThrow('seats is 1000, expected "1 to 127"');
});

describe('what travels', () => {
  it('an event fits into 64 bytes, and does not look like a compressed file', () => {
    const codec = new EventRecordCodec();
    const event = {
      ticket: { number: 77, generation: 262_143 },
      token: 0x8b1f,
      bodyBytes: 65_536,
      encoding: 'br' as const,
      enqueuedMs: 12_345.678,
    };
    const bytes = codec.encode(event);
    expect(eventRecord.bytes).toBeLessThanOrEqual(64);
    expect(Buffer.from(bytes.subarray(0, 4)).toString()).toBe('EVNT');
    expect(new EventRecordCodec().decode(bytes.slice())).toEqual(event);
    expect(codec.decode(codec.encode({ ...event, encoding: undefined })).encoding).toBeUndefined();
    expect(() => codec.decode(new Uint8Array(eventRecord.bytes))).toThrow('with the mark 0');
    expect(() => codec.decode(new Uint8Array(3))).toThrow('of 3 bytes: expected 32');
  });

  it('an envelope holds the longest names that are let through, behind the largest body', () => {
    const buffer = new Uint8Array(new SharedArrayBuffer(4096 + ENVELOPE_BYTES)).fill(7);
    const longest = {
      deliveryId: 'd'.repeat(64),
      signature: `sha256=${'f'.repeat(64)}`,
      repository: `${'o'.repeat(100)}/${'r'.repeat(100)}`,
    };
    writeEnvelope(buffer, longest);
    expect(readEnvelope(buffer)).toEqual(longest);
    writeEnvelope(buffer, { ...longest, repository: undefined });
    expect(readEnvelope(buffer)).toEqual({ ...longest, repository: undefined });
    expect(buffer.subarray(0, 4096).every((byte) => byte === 7)).toBe(true);
    const tooLong = { ...longest, signature: 's'.repeat(200) };
    expect(() => writeEnvelope(buffer, tooLong)).toThrow('an envelope of 465 bytes: expected at most');
  });
});
