import { ArgumentRangeError, ParkingSpot } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  EndpointError,
  enqueueOutcomeName,
  type EventBuffer,
  EventRecord,
  EventRefusal,
  Priority,
  Recorded,
  Refusal,
} from '../src/index.ts';
import { eventBufferRoot, eventPosition } from '../src/layout.ts';
import { eventKernelFor } from '../src/event-kernel.ts';
import { bytesOf, textOf, make, drained } from './event-fixture.ts';

describe('one thread', () => {
  test('an event comes out as it went in, with id, endpoint, priority and admission', () => {
    const { machine, events } = make();
    const b = machine.endpoint('b');
    const producer = events.producer();
    const consumer = events.consumer();
    expect(producer.enqueue(b, bytesOf('hello'), Priority.Urgent)).toBe(0);
    const event = new EventRecord();
    expect(consumer.dequeue(event)).toBe(true);
    expect(event).toMatchObject({ id: 0, endpoint: b, priority: Priority.Urgent, length: 5 });
    expect(textOf(event)).toBe('hello');
    expect(machine.recordDelivery(event.endpoint, true, event.admission)).toBe(Recorded.Counted);
    expect(consumer.dequeue(event)).toBe(false);
  });

  test('an event of an endpoint with a capacity holds no permit, and its result counts all the same', () => {
    const { machine, events, endpoint } = make({}, { capacity: 1, failureThreshold: 2 });
    const call = machine.tryAcquire(endpoint);
    const producer = events.producer();
    const consumer = events.consumer();
    const event = new EventRecord();
    for (const outcome of [Recorded.Counted, Recorded.Tripped, Recorded.Stale]) {
      if (outcome !== Recorded.Stale) {
        expect(producer.enqueue(endpoint, bytesOf('hello'))).toBeGreaterThanOrEqual(0);
        consumer.dequeue(event);
      }
      expect(machine.recordDelivery(endpoint, false, event.admission)).toBe(outcome);
    }
    expect(machine.isCurrent(endpoint, event.admission)).toBe(false);
    expect(machine.snapshot(endpoint).inFlight).toBe(1);
    machine.recordDelivery(endpoint, true, call);
    expect(machine.snapshot(endpoint).inFlight).toBe(0);
  });

  test('urgent events come out first, each priority in its order, ids count both', () => {
    const { events, endpoint } = make();
    const producer = events.producer();
    const put = (text: string, priority: Priority): number =>
      producer.enqueue(endpoint, bytesOf(text), priority);
    expect([
      put('n1', Priority.Normal),
      put('u1', Priority.Urgent),
      put('n2', Priority.Normal),
      put('u2', Priority.Urgent),
    ]).toEqual([0, 1, 2, 3]);
    expect(drained(events)).toEqual(['1:u1', '3:u2', '0:n1', '2:n2']);
  });

  test.each([0, 1, 3, 4, 63, 64, 65, 99, 100])('a payload of %i bytes is intact', (length) => {
    const { events, endpoint } = make();
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + 3) & 255);
    const shifted = new Uint8Array(length + 3).subarray(3);
    shifted.set(bytes);
    const producer = events.producer();
    const consumer = events.consumer();
    const event = new EventRecord();
    for (const source of [bytes, shifted, Buffer.from(bytes)]) {
      producer.enqueue(endpoint, source);
      expect(consumer.dequeue(event)).toBe(true);
      expect(event.bytes).toEqual(bytes);
      producer.enqueue(endpoint, source);
      consumer.drain((found) => expect(found.bytes.slice()).toEqual(bytes));
    }
  });

  test('long payloads, aligned or not, are intact', () => {
    const { events, endpoint } = make({ maxEventBytes: 5000, capacity: 2 });
    const producer = events.producer();
    const consumer = events.consumer();
    const event = new EventRecord();
    for (const shift of [0, 1, 8]) {
      const bytes = new Uint8Array(5000 + shift).map((_, i) => (i * 31) & 255).subarray(shift);
      expect(producer.enqueue(endpoint, bytes)).toBeGreaterThanOrEqual(0);
      consumer.dequeue(event);
      expect(Buffer.compare(event.bytes, bytes)).toBe(0);
    }
  });

  test('a batch has ids that follow each other, or nothing of it goes in', () => {
    const { events, endpoint } = make();
    const producer = events.producer();
    expect(producer.enqueueBatch(endpoint, ['a', 'bc', ''].map(bytesOf))).toBe(0);
    expect(producer.enqueueBatch(endpoint, ['d', 'e'].map(bytesOf))).toBe(EventRefusal.Full);
    expect(producer.enqueueBatch(endpoint, ['u'].map(bytesOf), Priority.Urgent)).toBe(3);
    expect(producer.enqueue(endpoint, bytesOf('f'))).toBe(4);
    expect(drained(events)).toEqual(['3:u', '0:a', '1:bc', '2:', '4:f']);
  });

  test('a list that changes while it is read spends its ids, and stops nobody', () => {
    const { events, endpoint } = make();
    const producer = events.producer();
    let reads = 0;
    const list = [bytesOf('a'), bytesOf('b')];
    Object.defineProperty(list, 1, { get: () => (++reads === 1 ? bytesOf('b') : undefined) });
    expect(() => producer.enqueueBatch(endpoint, list)).toThrow(TypeError);
    expect(producer.enqueue(endpoint, bytesOf('c'))).toBe(2);
    expect(drained(events)).toEqual(['2:c']);
    expect(events.metrics()).toMatchObject({ accepted: 3, taken: 3, abandoned: 2 });
  });

  test('what only passes for a payload spends its ids, and stops nobody', () => {
    const { events, endpoint } = make({ maxEventBytes: 192, inspect: false });
    const producer = events.producer();
    const fake = (length: number): Uint8Array =>
      Object.create(Uint8Array.prototype, { length: { value: length } }) as Uint8Array;
    expect(() => producer.enqueue(endpoint, fake(150))).toThrow(TypeError);
    expect(() => producer.enqueuePacked(endpoint, fake(300), 2)).toThrow(TypeError);
    expect(() => producer.enqueuePacked(endpoint, fake(192), 1)).toThrow(TypeError);
    expect(drained(events)).toEqual([]);
    expect(producer.enqueue(endpoint, bytesOf('c'))).toBe(4);
    expect(drained(events)).toEqual(['4:c']);
    expect(events.metrics()).toMatchObject({ accepted: 5, taken: 5, abandoned: 4 });
  });

  test('who abandons a claim wakes those that wait for events behind it', async () => {
    const { arena, events, endpoint } = make();
    const producer = events.producer();
    const other = events.producer();
    const consumer = events.consumer();
    const spot = ParkingSpot.over(arena, events.handle.at + eventBufferRoot.offset.parker);
    const waiting = consumer.next();
    let reads = 0;
    let sequence = -1;
    const list = [bytesOf('a'), bytesOf('b')];
    Object.defineProperty(list, 1, {
      get: () => {
        if (++reads === 1) return bytesOf('b');
        // Behind the claim: whoever is woken for it finds nothing yet, and sleeps again.
        other.enqueue(endpoint, bytesOf('c'));
        sequence = spot.prepare();
        return undefined;
      },
    });
    expect(() => producer.enqueueBatch(endpoint, list)).toThrow(TypeError);
    expect(spot.prepare()).not.toBe(sequence);
    expect((await waiting)?.id).toBe(2);
  });

  test('a batch into something that is no record hands over nothing', () => {
    const { events, endpoint } = make();
    events.producer().enqueueBatch(endpoint, ['a', 'b', 'c'].map(bytesOf));
    const consumer = events.consumer();
    const records = [new EventRecord(), undefined as unknown as EventRecord, new EventRecord()];
    expect(() => consumer.dequeueBatch(records)).toThrow(TypeError);
    const event = new EventRecord();
    const out: string[] = [];
    while (consumer.dequeue(event)) out.push(textOf(event));
    expect(out).toEqual(['a', 'b', 'c']);
    expect(events.metrics()).toMatchObject({ accepted: 3, taken: 3, lostWithConsumer: 0 });
  });

  test('drain takes nothing for what is no function', () => {
    const { events, endpoint } = make();
    events.producer().enqueue(endpoint, bytesOf('a'));
    const consumer = events.consumer();
    expect(() => consumer.drain(undefined as never)).toThrow(ArgumentRangeError);
    expect(consumer.dequeue(new EventRecord())).toBe(true);
  });

  test('packed batches of any length go round the end of the ring', () => {
    for (const [maxEventBytes, length] of [
      [64, 64],
      [64, 5],
      [128, 128],
      [100, 0],
    ] as const) {
      const { events, endpoint } = make({ maxEventBytes });
      const producer = events.producer();
      for (let round = 0; round < 5; round++) {
        const packed = Uint8Array.from({ length: 3 * length }, (_, i) => (round * 50 + i) & 255);
        expect(producer.enqueuePacked(endpoint, packed, 3)).toBe(3 * round);
        const out: number[] = [];
        using consumer = events.consumer();
        expect(consumer.drain((event) => out.push(...event.bytes))).toBe(3);
        expect(out).toEqual([...packed]);
      }
    }
  });

  test('batches are taken as they come, and what was not asked for stays', () => {
    const { events, endpoint } = make();
    events.producer().enqueueBatch(endpoint, ['a', 'b', 'c', 'd'].map(bytesOf));
    const consumer = events.consumer();
    const records = [new EventRecord(), new EventRecord(), new EventRecord()];
    expect(consumer.dequeueBatch(records)).toBe(3);
    expect(records.map(textOf)).toEqual(['a', 'b', 'c']);
    expect(consumer.dequeueBatch(records, 2)).toBe(1);
    expect(textOf(records[0]!)).toBe('d');
    expect(consumer.dequeueBatch(records)).toBe(0);
  });

  test('a handler that throws has had its event; the next call goes on behind it', () => {
    const { events, endpoint } = make();
    events.producer().enqueueBatch(endpoint, ['a', 'b', 'c', 'd'].map(bytesOf));
    const consumer = events.consumer();
    const out: string[] = [];
    const failing = (event: EventRecord): void => {
      out.push(textOf(event));
      if (out.length === 2) throw new Error('no');
    };
    expect(() => consumer.drain(failing)).toThrow('no');
    const event = new EventRecord();
    expect(consumer.dequeue(event)).toBe(true);
    expect(textOf(event)).toBe('c');
    expect(consumer.drain((each) => out.push(textOf(each)))).toBe(1);
    expect(out).toEqual(['a', 'b', 'd']);
    expect(events.metrics().lostWithConsumer).toBe(0);
  });

  test('drain stops at its limit', () => {
    const { events, endpoint } = make();
    const consumer = events.consumer();
    events.producer().enqueueBatch(endpoint, ['a', 'b', 'c'].map(bytesOf));
    expect(consumer.drain(() => {}, 2)).toBe(2);
    expect(consumer.drain(() => {}, 0)).toBe(0);
    expect(consumer.drain(() => {})).toBe(1);
  });
});

describe('refusals have no side effect', () => {
  test('full: no id, no token', () => {
    const { machine, events, endpoint } = make({}, { refillPerSecond: 0.001, burst: 10 });
    const producer = events.producer();
    for (let id = 0; id < 4; id++) expect(producer.enqueue(endpoint, bytesOf('x'))).toBe(id);
    const { tokens } = machine.snapshot(endpoint);
    expect(tokens).toBe(6);
    expect(producer.enqueue(endpoint, bytesOf('x'))).toBe(EventRefusal.Full);
    expect(machine.snapshot(endpoint).tokens).toBe(tokens);
    expect(producer.enqueue(endpoint, bytesOf('x'), Priority.Urgent)).toBe(4);
    expect(events.metrics()).toMatchObject({
      accepted: 5,
      depth: { normal: 4, urgent: 1 },
      refused: { full: 1 },
    });
  });

  test('throttled: a batch takes all its tokens or none', () => {
    const { machine, events, endpoint } = make({}, { refillPerSecond: 0.001, burst: 3 });
    const producer = events.producer();
    expect(producer.enqueueBatch(endpoint, ['a', 'b'].map(bytesOf))).toBe(0);
    expect(producer.enqueueBatch(endpoint, ['c', 'd'].map(bytesOf))).toBe(Refusal.Throttled);
    expect(machine.snapshot(endpoint).tokens).toBe(1);
    expect(producer.enqueue(endpoint, bytesOf('e'))).toBe(2);
    expect(producer.enqueue(endpoint, bytesOf('f'))).toBe(Refusal.Throttled);
    expect(drained(events)).toEqual(['0:a', '1:b', '2:e']);
    expect(events.metrics()).toMatchObject({ accepted: 3, taken: 3, refused: { throttled: 2 } });
  });

  test('open and isolated: by the breaker of that endpoint alone', () => {
    const { machine, events, endpoint } = make({}, { failureThreshold: 1 });
    const other = machine.endpoint('other');
    const producer = events.producer();
    machine.recordDelivery(endpoint, false);
    expect(producer.enqueue(endpoint, bytesOf('x'))).toBe(Refusal.Open);
    machine.isolate(endpoint);
    expect(producer.enqueue(endpoint, bytesOf('x'))).toBe(Refusal.Isolated);
    expect(producer.enqueue(other, bytesOf('x'))).toBe(0);
    expect(events.metrics()).toMatchObject({ accepted: 1, refused: { open: 1, isolated: 1 } });
  });

  test('half open: one event is the probe, its result closes the breaker; a batch is refused', async () => {
    const { machine, events, endpoint } = make(
      {},
      { failureThreshold: 1, resetTimeout: 1, halfOpenProbes: 1 },
    );
    machine.recordDelivery(endpoint, false);
    await expect
      .poll(() => events.producer().enqueueBatch(endpoint, ['a', 'b'].map(bytesOf)))
      .toBe(Refusal.Probing);
    const producer = events.producer();
    expect(producer.enqueue(endpoint, bytesOf('probe'))).toBe(0);
    expect(producer.enqueue(endpoint, bytesOf('second'))).toBe(Refusal.Probing);
    const event = new EventRecord();
    events.consumer().dequeue(event);
    expect(machine.recordDelivery(endpoint, true, event.admission)).toBe(Recorded.Closed);
    expect(producer.enqueue(endpoint, bytesOf('next'))).toBe(1);
  });

  test.each([
    ['endpoint', EndpointError, (p: ReturnType<EventBuffer['producer']>) => p.enqueue(3, bytesOf('x'))],
    ['endpoint', EndpointError, (p) => p.enqueue(-1, bytesOf('x'))],
    ['endpoint', EndpointError, (p) => p.enqueue(0.5, bytesOf('x'))],
    ['priority', ArgumentRangeError, (p) => p.enqueue(0, bytesOf('x'), 2 as Priority)],
    ['101', ArgumentRangeError, (p) => p.enqueue(0, new Uint8Array(101))],
    ['Uint8Array', ArgumentRangeError, (p) => p.enqueue(0, 'text' as never)],
    ['list.length is 0', ArgumentRangeError, (p) => p.enqueueBatch(0, [])],
    [
      'list.length is 5',
      ArgumentRangeError,
      (p) =>
        p.enqueueBatch(
          0,
          Array.from({ length: 5 }, () => bytesOf('x')),
        ),
    ],
    [
      String.raw`list\[1\]`,
      ArgumentRangeError,
      (p) => p.enqueueBatch(0, [bytesOf('x'), new Uint8Array(101)]),
    ],
    ['2 times', ArgumentRangeError, (p) => p.enqueuePacked(0, bytesOf('xyz'), 2)],
    ['count', ArgumentRangeError, (p) => p.enqueuePacked(0, bytesOf('xyz'), 0)],
    ['count', ArgumentRangeError, (p) => p.enqueuePacked(0, bytesOf('xyz'), 1.5)],
  ] as readonly [string, new (...a: never[]) => Error, (p: ReturnType<EventBuffer['producer']>) => number][])(
    'misuse is a typed error that says what was found: %s',
    (text, type, call) => {
      const { events } = make();
      const producer = events.producer();
      expect(() => call(producer)).toThrow(type);
      expect(() => call(producer)).toThrow(new RegExp(text));
      expect(events.metrics().accepted).toBe(0);
      expect(producer.enqueue(0, bytesOf('fine'))).toBe(0);
    },
  );
});

test('ids go on from 0 after 2^44, positions after 2^20, and nothing is lost there', () => {
  const { arena, machine, events, endpoint } = make();
  const kernel = eventKernelFor(arena, machine.handle.at);
  const urgentShift = eventPosition.field.urgent.shift;
  kernel.initializeEvents(events.handle.at, -3, (0xffffd << urgentShift) | 0xfff);
  using producer = events.producer();
  const ids: number[] = [];
  const seen: string[] = [];
  using consumer = events.consumer();
  for (let i = 0; i < 8; i++) {
    ids.push(producer.enqueue(endpoint, bytesOf(`${i}`), i % 2 === 0 ? Priority.Urgent : Priority.Normal));
    if (i % 2 === 1) consumer.drain((event) => seen.push(`${event.id}:${textOf(event)}`));
  }
  expect(ids).toEqual([2 ** 44 - 3, 2 ** 44 - 2, 2 ** 44 - 1, 0, 1, 2, 3, 4]);
  expect(seen).toEqual(ids.map((id, i) => `${id}:${i}`));
  expect(events.metrics()).toMatchObject({ accepted: 5, taken: 5, depth: { urgent: 0, normal: 0 } });
});

test('a payload that lies about its length writes no further than it says', () => {
  class Liar extends Uint8Array {
    override get length(): number {
      return 3;
    }
  }
  const { events, endpoint } = make({ maxEventBytes: 64 });
  const producer = events.producer();
  const consumer = events.consumer();
  for (const text of ['a', 'b', 'c', 'd']) producer.enqueue(endpoint, bytesOf(text));
  consumer.dequeue(new EventRecord());
  consumer[Symbol.dispose]();
  expect(producer.enqueue(endpoint, new Liar(200).fill(0x78))).toBe(4);
  expect(drained(events)).toEqual(['1:b', '2:c', '3:d', '4:xxx']);
});

test('every outcome of enqueue has a name, and nothing else has', () => {
  expect(enqueueOutcomeName(0)).toBe('accepted');
  const { Busy, ...endpoint } = Refusal;
  const names = Object.values({ ...endpoint, ...EventRefusal }).map(enqueueOutcomeName);
  expect(new Set(names).size).toBe(names.length);
  expect(enqueueOutcomeName(EventRefusal.Full)).toBe('full');
  // No event waits for a permit.
  for (const outcome of [Busy, -4, -100, Number.NaN])
    expect(() => enqueueOutcomeName(outcome)).toThrow(ArgumentRangeError);
  expect(Object.keys(make().events.metrics().refused).toSorted()).toEqual(names.toSorted());
});

test('attempts and successes are counted, a batch as one', () => {
  const { events, endpoint } = make({ capacity: 16 });
  const producer = events.producer();
  producer.enqueueBatch(endpoint, ['a', 'b'].map(bytesOf));
  producer.enqueue(endpoint, bytesOf('c'));
  drained(events);
  expect(events.metrics()).toMatchObject({ casAttempts: 3, casSuccesses: 3 });
});
