import { ArgumentRangeError, Arena, AttachError } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  ClaimStateError,
  FRAME_EMPTY,
  FRAME_FULL,
  FRAME_READ,
  FRAME_UNFINISHED,
  FRAME_WRITTEN,
  FrameCorruptError,
  FramedRing,
  NoFrameError,
  RoleReleasedError,
  RoleTakenError,
} from '../src/index.ts';
import { kernelBase64, type KernelExports } from '../src/kernel.generated.ts';
import { framedRingRoot, frameHeader } from '../src/layout.ts';

const create = (capacityBytes: number): { arena: Arena; ring: FramedRing } => {
  const arena = Arena.create({ bytes: 1 << 18 });
  return { arena, ring: FramedRing.create(arena, { capacityBytes }) };
};

/** `length` bytes that tell frame and place. */
const payload = (frame: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => frame * 31 + i * 7);

const headerOf = (ring: FramedRing, slot: number): number =>
  (ring.handle.at + framedRingRoot.bytes + slot * frameHeader.bytes) >> 2;

describe('FramedRing', () => {
  test('a payload that lies about its length writes into no other frame', () => {
    class Liar extends Uint8Array {
      override get length(): number {
        return 40;
      }
    }
    const { ring } = create(256);
    const producer = ring.producer();
    const consumer = ring.consumer();
    const frames = [0, 1, 2, 3].map((frame) => payload(frame, 64));
    for (const frame of frames) expect(producer.tryWrite(frame)).toBe(FRAME_WRITTEN);
    const out = new Uint8Array(64);
    expect(consumer.readInto(out)).toBe(64);
    expect(producer.tryWrite(new Liar(200).fill(0x78))).toBe(FRAME_WRITTEN);
    for (const frame of frames.slice(1)) {
      consumer.readInto(out);
      expect(out).toEqual(frame);
    }
    expect(consumer.readInto(out)).toBe(40);
  });

  test('records of all lengths come out as they went in, empty and largest included', () => {
    const { ring } = create(1024);
    const producer = ring.producer();
    const consumer = ring.consumer();
    const out = new Uint8Array(ring.maxPayloadBytes);
    expect(ring.maxPayloadBytes).toBe(512);
    for (let frame = 0; frame < 2000; frame++) {
      const length = (frame * 37) % 513;
      const wanted = payload(frame, length);
      expect(producer.tryWrite(wanted)).toBe(FRAME_WRITTEN);
      expect(consumer.readInto(out)).toBe(length);
      expect(Buffer.compare(out.subarray(0, length), wanted)).toBe(0);
    }
    for (const length of [0, 512, 0, 512]) {
      expect(producer.tryWrite(payload(1, length))).toBe(FRAME_WRITTEN);
      expect(consumer.readInto(out)).toBe(length);
    }
    expect(consumer.readInto(out)).toBe(FRAME_EMPTY);
    expect(ring.usedBytes).toBe(0);
  });

  test('the largest payload fits into an empty ring wherever it stands', () => {
    const { ring } = create(256);
    const producer = ring.producer();
    const consumer = ring.consumer();
    for (let round = 0; round < 8; round++) {
      expect(producer.tryWrite(payload(0, 128))).toBe(FRAME_WRITTEN);
      expect(consumer.peek()).toBeGreaterThanOrEqual(0);
      consumer.advance();
      expect(producer.tryWrite(payload(0, 1))).toBe(FRAME_WRITTEN);
      expect(consumer.peek()).toBeGreaterThanOrEqual(0);
      consumer.advance();
    }
  });

  test('full is a result and changes nothing', () => {
    const { ring } = create(256);
    const producer = ring.producer();
    const consumer = ring.consumer();
    for (let frame = 0; frame < 4; frame++) expect(producer.tryWrite(payload(frame, 64))).toBe(FRAME_WRITTEN);
    expect(producer.tryWrite(payload(4, 0))).toBe(FRAME_FULL);
    expect(producer.tryClaim(0)).toBe(FRAME_FULL);
    expect(ring.usedBytes).toBe(256);
    const firsts: number[] = [];
    expect(consumer.drain((bytes, at, length) => firsts.push(bytes[at] as number, length))).toBe(4);
    expect(firsts).toEqual([0, 64, 31, 64, 62, 64, 93, 64]);
    expect(producer.tryWrite(payload(4, 0))).toBe(FRAME_WRITTEN);
  });

  test.each([0x7ffffffe, 0x7fffffff, -2, -1])('positions wrap: 1 000 frames from %i on', (start) => {
    const { arena, ring } = create(512);
    arena.kernel<KernelExports>({ base64: kernelBase64 }).initializeFrames(ring.handle.at, 8, start);
    const producer = ring.producer();
    const consumer = ring.consumer();
    let written = 0;
    let read = 0;
    for (let drained = 0; drained < 1000;) {
      while (producer.tryWrite(payload(written, (written * 53) % 200)) === FRAME_WRITTEN) written++;
      drained += consumer.drain((bytes, at, length) => {
        expect(length).toBe((read * 53) % 200);
        expect(Buffer.compare(bytes.subarray(at, at + length), payload(read, length))).toBe(0);
        read++;
      }, 3);
    }
    consumer.drain(() => read++);
    expect(read).toBe(written);
    expect(ring.usedBytes).toBe(0);
  });

  test('a claim is written in place; the consumer waits before it until it is committed, and passes an aborted one by', () => {
    const { ring } = create(512);
    const first = ring.producer();
    const second = ring.producer();
    const consumer = ring.consumer();
    const at = first.tryClaim(3);
    expect(at % 64).toBe(0);
    first.bytes.set([1, 2, 3], at);
    expect(second.tryWrite(Uint8Array.of(9))).toBe(FRAME_WRITTEN);
    expect(consumer.tryRead(() => {})).toBe(FRAME_UNFINISHED);
    expect(consumer.blockedBy).toBeGreaterThanOrEqual(0);
    first.commit();
    expect(consumer.peek()).toBe(at);
    expect(consumer.length).toBe(3);
    expect([...consumer.bytes.subarray(at, at + 3)]).toEqual([1, 2, 3]);
    expect(consumer.peek()).toBe(at);
    consumer.advance();
    expect(first.tryClaim(100)).toBeGreaterThan(0);
    first.abort();
    first.tryClaim(5);
    first[Symbol.dispose](); // aborts
    first[Symbol.dispose]();
    expect(second.tryWrite(Uint8Array.of(8))).toBe(FRAME_WRITTEN);
    const values: number[] = [];
    expect(consumer.drain((bytes, begin) => values.push(bytes[begin] as number))).toBe(2);
    expect(values).toEqual([9, 8]);
    expect(consumer.blockedBy).toBe(-1);
    expect(() => first.tryClaim(1)).toThrow(RoleReleasedError);
  });

  test('misuse of claims and frames throws and changes nothing', () => {
    const { ring } = create(512);
    const producer = ring.producer();
    const consumer = ring.consumer();
    expect(() => producer.commit()).toThrow(ClaimStateError);
    expect(() => producer.abort()).toThrow(expect.objectContaining({ code: 'ERR_NO_CLAIM' }));
    producer.tryClaim(1);
    expect(() => producer.tryClaim(1)).toThrow(expect.objectContaining({ code: 'ERR_CLAIM_OPEN' }));
    expect(() => producer.tryWrite(payload(1, 1))).toThrow(ClaimStateError);
    producer.commit();
    expect(() => consumer.advance()).toThrow(NoFrameError);
    expect(() => consumer.length).toThrow(NoFrameError);
    consumer.peek();
    consumer.advance();
    expect(() => consumer.advance()).toThrow(NoFrameError);
    expect(() => producer.tryWrite(payload(1, 257))).toThrow('from 0 to 256');
    expect(() => producer.tryClaim(-1)).toThrow(ArgumentRangeError);
    expect(() => producer.tryWrite(payload(1, 4), 2, 3)).toThrow(ArgumentRangeError);
    producer.tryWrite(payload(1, 10));
    expect(() => consumer.readInto(new Uint8Array(9))).toThrow('room for the next payload, 10 bytes');
    expect(consumer.readInto(new Uint8Array(12), 2)).toBe(10);
  });

  test('a handler that throws has had its frame, in a batch, too', () => {
    const { ring } = create(512);
    const producer = ring.producer();
    const consumer = ring.consumer();
    for (let frame = 0; frame < 3; frame++) producer.tryWrite(payload(frame, 1));
    const fail = (): never => {
      throw new Error('no');
    };
    expect(() => consumer.tryRead(fail)).toThrow('no');
    expect(() => consumer.drain(fail)).toThrow('no');
    expect(ring.usedBytes).toBe(64);
    expect(consumer.tryRead((bytes, at) => expect(bytes[at]).toBe(62))).toBe(FRAME_READ);
  });

  test('there is one consumer; the next one goes on where it was', () => {
    const { ring } = create(512);
    const producer = ring.producer();
    const first = ring.consumer();
    const other = FramedRing.attach(structuredClone(ring.handle));
    expect(() => other.consumer()).toThrow(RoleTakenError);
    producer.tryWrite(Uint8Array.of(1));
    first.peek();
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    expect(() => first.peek()).toThrow(RoleReleasedError);
    using second = other.consumer();
    expect(second.tryRead((bytes, at) => expect(bytes[at]).toBe(1))).toBe(FRAME_READ);
  });

  describe('a header that was overwritten', () => {
    const WORDS = ['state', 'length', 'mirror'] as const;

    test.each(WORDS.flatMap((word) => [0, 1, 5, 31].map((bit) => [word, bit] as const)))(
      'one bit of %s, bit %i: an error, and what is behind it is read',
      (word, bit) => {
        const { arena, ring } = create(1024);
        const producer = ring.producer();
        const consumer = ring.consumer();
        for (const length of [100, 200, 10]) producer.tryWrite(payload(length, length));
        const at = headerOf(ring, 0) + frameHeader.word[word];
        arena.i32[at] = (arena.i32[at] as number) ^ (1 << bit);
        // Bits of the kind that still make one of the kinds are the case that the lengths have to give away.
        expect(() => consumer.peek()).toThrow(
          expect.objectContaining({ code: 'ERR_FRAME_CORRUPT', slot: 0, skippedBytes: 100 }),
        );
        const lengths: number[] = [];
        expect(consumer.drain((_, __, length) => lengths.push(length))).toBe(2);
        expect(lengths).toEqual([200, 10]);
        expect(producer.tryWrite(payload(1, 512))).toBe(FRAME_WRITTEN);
      },
    );

    test.each([-1, 101, 99, 0, 0x7fffffff, -0x80000000])(
      'a length of %i is an error, not a read',
      (length) => {
        const { arena, ring } = create(1024);
        ring.producer().tryWrite(payload(1, 100));
        arena.i32[headerOf(ring, 0) + frameHeader.word.length] = length;
        const consumer = ring.consumer();
        expect(() => consumer.drain(() => expect.fail('was read'))).toThrow(FrameCorruptError);
        expect(consumer.peek()).toBe(FRAME_EMPTY);
      },
    );

    test('with no two words that agree it stays, and is told again', () => {
      const { arena, ring } = create(1024);
      ring.producer().tryWrite(payload(1, 100));
      arena.i32[headerOf(ring, 0) + frameHeader.word.length] = 7;
      arena.i32[headerOf(ring, 0) + frameHeader.word.mirror] = 8;
      const consumer = ring.consumer();
      for (let time = 0; time < 2; time++)
        expect(() => consumer.peek()).toThrow(expect.objectContaining({ skippedBytes: -1, lengthBytes: 7 }));
    });
  });

  test.each([0, -1, 1.5, 2 ** 30 + 1, Number.NaN])('a capacity of %d bytes is refused', (capacityBytes) => {
    expect(() => create(capacityBytes)).toThrow(ArgumentRangeError);
  });

  test.each([3, 0, 2, 8, 2 ** 25])(
    'attaching refuses a root whose slots were overwritten with %i',
    (slots) => {
      const { arena, ring } = create(256);
      arena.i32[(ring.handle.at >> 2) + framedRingRoot.word.slots] = slots;
      expect(() => FramedRing.attach(ring.handle)).toThrow(AttachError);
    },
  );
});
