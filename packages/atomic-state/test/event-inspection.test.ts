// Compressed payloads on their way into an event buffer.
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { EventRecord, EventRefusal, formatOf, Priority, type PayloadInspector } from '../src/index.ts';
import { looksCompressed } from '../src/payload-magic.ts';
import { bytesOf, textOf, make, drained } from './event-fixture.ts';

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
