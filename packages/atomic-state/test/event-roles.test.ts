// Waiting for events, and the places of producers and consumers: taken, given back, taken back.
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
  EventBuffer,
  EventReclaimedError,
  EventRecord,
  EventRoleError,
  EventRolesExhaustedError,
  Priority,
  StateMachine,
} from '../src/index.ts';
import { kernelBase64, type KernelExports } from '../src/kernel.generated.ts';
import { eventBufferRoot, eventSeat } from '../src/layout.ts';
import { THIS_THREAD } from '../src/this-thread.ts';
import { eventKernelFor } from '../src/event-kernel.ts';
import { implementation } from './implementation.ts';
import { bytesOf, textOf, make, drained } from './event-fixture.ts';

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
