import { gzipSync } from 'node:zlib';
import {
  Arena,
  ArgumentRangeError,
  ArenaExhaustedError,
  AttachError,
  ParkingSpot,
} from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  EndpointError,
  enqueueOutcomeName,
  EventBuffer,
  type EventBufferOptions,
  EventReclaimedError,
  EventRecord,
  EventRefusal,
  EventRoleError,
  EventRolesExhaustedError,
  formatOf,
  Priority,
  Recorded,
  Refusal,
  StateMachine,
  type EndpointOptions,
  type PayloadInspector,
} from '../src/index.ts';
import { kernelBase64, type KernelExports } from '../src/kernel.generated.ts';
import { eventBufferRoot, eventPosition, eventSeat } from '../src/layout.ts';
import { THIS_THREAD } from '../src/this-thread.ts';
import { looksCompressed } from '../src/payload-magic.ts';
import { eventKernelFor } from '../src/event-kernel.ts';
import { implementation } from './implementation.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const bytesOf = (text: string): Uint8Array => encoder.encode(text);
const textOf = (event: EventRecord): string => decoder.decode(event.bytes);

function make(
  options: Partial<EventBufferOptions> = {},
  endpoint: EndpointOptions = {},
): { arena: Arena; machine: StateMachine; events: EventBuffer; endpoint: number } {
  const arena = Arena.create({ bytes: 1 << 21 });
  const machine = StateMachine.create(arena, { endpoints: 4, implementation: implementation() });
  const events = EventBuffer.create(arena, { machine, capacity: 4, maxEventBytes: 100, ...options });
  return { arena, machine, events, endpoint: machine.endpoint('a', endpoint) };
}

/** Everything that is in it, as text. */
function drained(events: EventBuffer): string[] {
  using consumer = events.consumer();
  const out: string[] = [];
  consumer.drain((event) => out.push(`${event.id}:${textOf(event)}`));
  return out;
}

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

describe('compressed payloads', () => {
  const gzip = gzipSync('x'.repeat(20));
  const bomb = gzipSync(Buffer.alloc(4_000_000));

  test('enqueue does not take what begins like a compressed file, unless told to', () => {
    const { events, endpoint } = make();
    const producer = events.producer();
    expect(producer.enqueue(endpoint, gzip)).toBe(EventRefusal.Compressed);
    expect(producer.enqueueBatch(endpoint, [bytesOf('a'), gzip])).toBe(EventRefusal.Compressed);
    expect(producer.enqueuePacked(endpoint, Buffer.concat([gzip, gzip]), 2)).toBe(EventRefusal.Compressed);
    expect(events.metrics()).toMatchObject({ accepted: 0, refused: { compressed: 3 } });
    const open = make({ inspect: false });
    expect(open.events.producer().enqueue(open.endpoint, gzip)).toBe(0);
  });

  test('the magic numbers are those of the guard', () => {
    const samples = [
      [0x1f, 0x8b, 8, 0, 0, 0],
      [0x1f, 0x8b, 7, 0, 0, 0],
      [0x50, 0x4b, 3, 4, 0, 0],
      [0x50, 0x4b, 5, 6, 0, 0],
      [0x50, 0x4b, 7, 8, 0, 0],
      [0x50, 0x4b, 3, 3, 0, 0],
      [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0],
      [0xfd, 0x37, 0x7a, 0x58, 0x5a, 1],
      [0x28, 0xb5, 0x2f, 0xfd, 0, 0],
      [0x28, 0xb5, 0x2f, 0xfe, 0, 0],
      [0x50, 0x2a, 0x4d, 0x18, 0, 0],
      [0x5f, 0x2a, 0x4d, 0x18, 0, 0],
      [0x60, 0x2a, 0x4d, 0x18, 0, 0],
      [0x5b, 0x22, 0x61, 0x22, 0x5d, 0],
    ];
    for (const sample of samples)
      for (let length = 0; length <= 6; length++) {
        const bytes = Uint8Array.from(sample.slice(0, length));
        expect([bytes.join(), looksCompressed(bytes, 0, length)]).toEqual([
          bytes.join(),
          formatOf(bytes) !== undefined,
        ]);
        const within = Uint8Array.from([9, ...sample]);
        expect(looksCompressed(within, 1, length)).toBe(formatOf(bytes) !== undefined);
      }
  });

  test('what inflates to little goes in as it came, and its ratio is in the endpoint’s word', async () => {
    const { machine, events, endpoint } = make();
    const producer = events.producer();
    expect(await producer.enqueueInspected(endpoint, gzip)).toBe(0);
    expect(await producer.enqueueInspected(endpoint, bytesOf('plain'), { priority: Priority.Urgent })).toBe(
      1,
    );
    const consumer = events.consumer();
    const event = new EventRecord();
    consumer.dequeue(event);
    expect(textOf(event)).toBe('plain');
    consumer.dequeue(event);
    expect(Buffer.from(event.bytes).equals(gzip)).toBe(true);
    expect(machine.snapshot(endpoint).compressionRatio).toBeGreaterThan(0);
    expect(events.metrics()).toMatchObject({ compressionDetected: 1 });
  });

  test('a bomb is refused, and so is what cannot be read to its end', async () => {
    const { machine, events, endpoint } = make({ maxEventBytes: 8192 });
    const producer = events.producer();
    expect(await producer.enqueueInspected(endpoint, bomb)).toBe(EventRefusal.Bomb);
    expect(await producer.enqueueInspected(endpoint, gzip.subarray(0, 12))).toBe(EventRefusal.Unreadable);
    expect(events.metrics()).toMatchObject({ accepted: 0, refused: { bomb: 1, unreadable: 1 } });
    expect(machine.metrics().bombsRefused).toBe(1);
  });

  test.each([
    ['a Uint8Array', bytesOf('before')],
    // Whose `slice` is a view.
    ['a Buffer', Buffer.from('before')],
  ])('%s: the payload that is inspected is the one that goes in', async (_, bytes) => {
    const { events, endpoint } = make();
    let finish = (): void => {};
    const inspector: PayloadInspector = {
      inspect: () =>
        new Promise((resolve) => {
          finish = () => resolve({ outcome: 'plain', ratio: 0 });
        }),
    };
    const producer = events.producer({ inspector });
    const done = producer.enqueueInspected(endpoint, bytes);
    bytes.set(bytesOf('after!'));
    finish();
    expect(await done).toBe(0);
    expect(drained(events)).toEqual(['0:before']);
  });

  test('an inspector that cannot inspect is refused when the producer is made, and takes no place', () => {
    const { events } = make({ roles: 1 });
    expect(() => events.producer({ inspector: {} as PayloadInspector })).toThrow(
      'inspector is [object Object], expected an object with a method inspect',
    );
    expect(() => events.producer()).not.toThrow();
  });

  test('an inspector that has no time, and a signal that is aborted', async () => {
    const { events, endpoint } = make();
    const busy: PayloadInspector = { inspect: () => Promise.resolve({ outcome: 'busy', ratio: 0 }) };
    expect(await events.producer({ inspector: busy }).enqueueInspected(endpoint, gzip)).toBe(
      EventRefusal.Uninspected,
    );
    const reason = new Error('enough');
    await expect(
      events.producer().enqueueInspected(endpoint, gzip, { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
    expect(events.metrics().accepted).toBe(0);
  });
});

describe('waiting', () => {
  test('next waits for an event, and a producer wakes it', async () => {
    const { events, endpoint } = make();
    const consumer = events.consumer();
    const waiting = consumer.next();
    await expect.poll(() => events.metrics().waiting).toBe(1);
    const producer = events.producer();
    producer.enqueue(endpoint, bytesOf('x'));
    const event = await waiting;
    expect(event && textOf(event)).toBe('x');
    expect(events.metrics().waiting).toBe(0);
    producer.enqueue(endpoint, bytesOf('y'));
    expect(textOf((await consumer.next({ event: event as EventRecord })) as EventRecord)).toBe('y');
  });

  test('next ends at its time, with the reason of its signal, or with its consumer', async () => {
    const { events } = make();
    const consumer = events.consumer();
    expect(await consumer.next({ timeoutMs: 1 })).toBeUndefined();
    const reason = new Error('enough');
    const controller = new AbortController();
    const aborted = consumer.next({ signal: controller.signal });
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await expect(consumer.next({ signal: controller.signal })).rejects.toBe(reason);
    const ended = consumer.next();
    consumer[Symbol.dispose]();
    expect(await ended).toBeUndefined();
    expect(events.metrics().waiting).toBe(0);
    await expect(events.consumer().next({ timeoutMs: -1 })).rejects.toThrow(ArgumentRangeError);
  });

  test('waitDequeue blocks for its time at most', () => {
    const { events, endpoint } = make();
    const consumer = events.consumer();
    const event = new EventRecord();
    const start = performance.now();
    expect(consumer.waitDequeue(event, 5)).toBe(false);
    expect(performance.now() - start).toBeGreaterThanOrEqual(4);
    events.producer().enqueue(endpoint, bytesOf('x'));
    expect(consumer.waitDequeue(event)).toBe(true);
  });

  test('iteration hands over events as they come, until the consumer is disposed of', async () => {
    const { events, endpoint } = make();
    const consumer = events.consumer();
    const producer = events.producer();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of consumer) {
        seen.push(textOf(event));
        if (seen.length === 3) consumer[Symbol.dispose]();
      }
    })();
    producer.enqueue(endpoint, bytesOf('a'));
    await new Promise(setImmediate);
    producer.enqueueBatch(endpoint, ['b', 'c'].map(bytesOf));
    await reading;
    expect(seen).toEqual(['a', 'b', 'c']);
  });
});

describe('places and roles', () => {
  test('as many roles as there is room for; a disposed one makes room', () => {
    const { events, endpoint } = make({ roles: 2 });
    const producer = events.producer();
    const consumer = events.consumer();
    expect(() => events.consumer()).toThrow(EventRolesExhaustedError);
    producer[Symbol.dispose]();
    producer[Symbol.dispose]();
    expect(() => producer.enqueue(endpoint, bytesOf('x'))).toThrow(EventRoleError);
    expect(events.producer().enqueue(endpoint, bytesOf('x'))).toBe(0);
    expect(consumer.dequeue(new EventRecord())).toBe(true);
    consumer[Symbol.dispose]();
    expect(() => consumer.dequeue(new EventRecord())).toThrow(EventRoleError);
  });

  test('what a consumer has taken and not handed over is lost with it, and counted', () => {
    const { events, endpoint } = make({ capacity: 16 });
    events.producer().enqueueBatch(endpoint, ['a', 'b', 'c', 'd'].map(bytesOf));
    const consumer = events.consumer();
    expect(() =>
      consumer.drain(() => {
        throw new Error('no');
      }),
    ).toThrow('no');
    consumer[Symbol.dispose]();
    expect(events.metrics()).toMatchObject({ taken: 4, lostWithConsumer: 3 });
    expect(drained(events)).toEqual([]);
  });

  test('roles of a living thread that somebody reclaimed learn it, and harm nobody', async () => {
    const { arena, events, endpoint } = make();
    const kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    const producer = events.producer();
    const consumer = events.consumer();
    const waiting = consumer.next();
    const seats = arena.i32[(events.handle.at >> 2) + eventBufferRoot.word.seatsAt] as number;
    for (let i = 0; i < 2; i++) {
      const seat = seats + i * eventSeat.bytes;
      expect(kernel.passSeat(seat, THIS_THREAD, 999)).toBe(1);
      kernel.forgetSleeper(events.handle.at, seat);
      kernel.freeSeat(seat);
    }
    expect(() => producer.enqueue(endpoint, bytesOf('x'))).toThrow(EventReclaimedError);
    expect(() => producer.enqueue(endpoint, bytesOf('x'))).toThrow(EventRoleError);
    events.producer().enqueue(endpoint, bytesOf('y'));
    expect(() => consumer.dequeue(new EventRecord())).toThrow(EventReclaimedError);
    consumer[Symbol.dispose]();
    expect(drained(events)).toEqual(['0:y']);
    expect(events.metrics().waiting).toBe(0);
    const spot = ParkingSpot.over(arena, events.handle.at + eventBufferRoot.offset.parker);
    spot.unpark(Infinity);
    expect(await waiting).toBeUndefined();
    expect(events.metrics().waiting).toBe(0);
  });

  test.each(['a wait that is aborted', 'a disposal'])(
    'the seat of a living thread that was reclaimed is another’s by now: %s leaves it alone',
    async (how) => {
      const { arena, machine, events, endpoint } = make({ roles: 2 });
      const kernel = eventKernelFor(arena, machine.handle.at);
      const buffer = events.handle.at;
      const producer = events.producer();
      const consumer = events.consumer();
      const abort = new AbortController();
      const waiting = consumer.next({ signal: abort.signal });
      const seats = arena.i32[(buffer >> 2) + eventBufferRoot.word.seatsAt] as number;
      const OTHER = 999;
      for (let i = 0; i < 2; i++) {
        const seat = seats + i * eventSeat.bytes;
        kernel.passSeat(seat, THIS_THREAD, OTHER);
        kernel.forgetSleeper(buffer, seat);
      }
      // Another thread has both now, and sleeps with one, with a claim of the other.
      kernel.sleepAtEvents(buffer, seats + eventSeat.bytes);
      expect(kernel.claimEvents(buffer, seats, endpoint, 1, Priority.Normal, OTHER)).toBeGreaterThanOrEqual(
        0,
      );
      if (how === 'a disposal') {
        consumer[Symbol.dispose]();
        producer[Symbol.dispose]();
        expect(await waiting).toBeUndefined();
      } else {
        abort.abort(new Error('enough'));
        await expect(waiting).rejects.toThrow('enough');
        await expect(producer.enqueueInspected(endpoint, gzipSync(Buffer.alloc(1 << 10)))).rejects.toThrow(
          EventReclaimedError,
        );
      }
      expect(events.metrics()).toMatchObject({ waiting: 1, lostWithConsumer: 0, compressionDetected: 0 });
      expect(kernel.seatOwner(seats)).toBe(OTHER);
      expect(kernel.seatOwner(seats + eventSeat.bytes)).toBe(OTHER);
      expect(kernel.publishEvents(buffer, seats, 1, 0)).toBe(1);
    },
  );

  test('a consumer is not used within its own drain', () => {
    const { events, endpoint } = make();
    events.producer().enqueueBatch(endpoint, ['a', 'b'].map(bytesOf));
    const consumer = events.consumer();
    let caught = 0;
    consumer.drain(() => {
      expect(() => consumer.dequeue(new EventRecord())).toThrow(EventRoleError);
      expect(() => consumer.drain(() => {})).toThrow(EventRoleError);
      expect(() => consumer[Symbol.dispose]()).toThrow(EventRoleError);
      caught++;
    });
    expect(caught).toBe(2);
  });

  test('a buffer is found by its handle, and a stranger’s handle is refused', () => {
    const { arena, machine, events, endpoint } = make();
    const other = EventBuffer.attach(events.handle);
    expect(other.capacity).toBe(4);
    expect(other.machine.capacity).toBe(machine.capacity);
    other.producer().enqueue(endpoint, bytesOf('x'));
    expect(drained(events)).toEqual(['0:x']);
    const spoil = (word: number, value: number, text: string): void => {
      const at = (events.handle.at >> 2) + word;
      const before = arena.i32[at] as number;
      arena.i32[at] = value;
      expect(() => EventBuffer.attach(events.handle, arena)).toThrow(AttachError);
      expect(() => EventBuffer.attach(events.handle, arena)).toThrow(new RegExp(text));
      arena.i32[at] = before;
    };
    const { word } = eventBufferRoot;
    spoil(word.capacity, 3, 'capacity is 3');
    spoil(word.capacity, 8, 'length in bytes');
    spoil(word.maxEventBytes, 0, 'maxEventBytes');
    spoil(word.strideBytes, 64, 'strideBytes');
    spoil(word.seats, 0, 'seats');
    spoil(word.seatsAt, 128, 'seatsAt');
    spoil(word.payloads, 128, 'payloads');
    spoil(word.cells, 128, 'cells');
    spoil(word.clock, 128, 'clock');
    spoil(word.machine, 128, 'machine');
    expect(() => EventBuffer.attach({ ...events.handle, at: 128 }, arena)).toThrow(AttachError);
  });

  test.each([
    [{ capacity: 0 }, ArgumentRangeError],
    [{ capacity: 2 ** 18 + 1 }, ArgumentRangeError],
    [{ maxEventBytes: 0 }, ArgumentRangeError],
    [{ roles: 0 }, ArgumentRangeError],
    [{ capacity: 2 ** 18 }, ArenaExhaustedError],
  ] as const)('%j cannot be created', (options, type) => {
    expect(() => make(options)).toThrow(type);
  });

  test('an option that is none is refused', () => {
    expect(() => make({ rolse: 4 } as never)).toThrow(
      'option is "rolse", expected one of machine, capacity, ',
    );
  });

  test('a machine of another arena is refused', () => {
    const arena = Arena.create({ bytes: 1 << 20 });
    using machine = StateMachine.create(Arena.create({ bytes: 1 << 18 }), {
      endpoints: 1,
      implementation: implementation(),
    });
    expect(() => EventBuffer.create(arena, { machine, capacity: 4, maxEventBytes: 64 })).toThrow(AttachError);
  });

  test('capacities are rounded up to a power of two', () => {
    expect(make({ capacity: 1 }).events.capacity).toBe(2);
    expect(make({ capacity: 5 }).events).toMatchObject({ capacity: 8, maxBatch: 8 });
  });
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
