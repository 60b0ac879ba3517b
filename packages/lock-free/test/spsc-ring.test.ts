import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ArgumentRangeError, Arena, AttachError } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  RING_EMPTY,
  RING_FULL,
  RING_PUSHED,
  RoleReleasedError,
  RoleTakenError,
  SpscRing,
  type SpscRingHandle,
} from '../src/index.ts';
import { kernelBase64, type KernelExports } from '../src/kernel.generated.ts';
import { spscRingRoot } from '../src/layout.ts';

const create = (capacity: number): { arena: Arena; ring: SpscRing<'i32'> } => {
  const arena = Arena.create({ bytes: 1 << 16 });
  return { arena, ring: SpscRing.create(arena, { capacity }) };
};

describe('SpscRing', () => {
  test('carries every i32, in order', () => {
    const { ring } = create(8);
    const producer = ring.producer();
    const consumer = ring.consumer();
    const values = [0, -1, 1, 0x7fffffff, -0x80000000, 42];
    for (const value of values) expect(producer.tryPush(value)).toBe(RING_PUSHED);
    expect(ring.size).toBe(values.length);
    expect(values.map(() => consumer.tryPop())).toEqual(values);
    expect(consumer.tryPop()).toBe(RING_EMPTY);
    expect(RING_EMPTY | 0).not.toBe(RING_EMPTY);
  });

  test('full and empty are results, and change nothing', () => {
    const { ring } = create(2);
    const producer = ring.producer();
    const consumer = ring.consumer();
    expect([1, 2, 3, 4].map((value) => producer.tryPush(value))).toEqual([
      RING_PUSHED,
      RING_PUSHED,
      RING_FULL,
      RING_FULL,
    ]);
    expect(producer.room).toBe(0);
    expect(consumer.ready).toBe(2);
    expect([1, 2, 3].map(() => consumer.tryPop())).toEqual([1, 2, RING_EMPTY]);
    expect(producer.room).toBe(2);
  });

  test('a block is written as far as there is room and read as far as there is something', () => {
    const { ring } = create(8);
    const producer = ring.producer();
    const consumer = ring.consumer();
    const out = new Int32Array(8);
    expect(producer.write(Int32Array.of(1, 2, 3, 4, 5))).toBe(5);
    expect(producer.write(Int32Array.of(6, 7, 8, 9, 10))).toBe(3);
    expect(producer.write(Int32Array.of(11))).toBe(0);
    expect(consumer.read(out, 1, 6)).toBe(6);
    expect([...out]).toEqual([0, 1, 2, 3, 4, 5, 6, 0]);
    expect(producer.write(Int32Array.of(9, 10, 11), 1, 2)).toBe(2);
    expect(consumer.read(out)).toBe(4);
    expect([...out.subarray(0, 4)]).toEqual([7, 8, 10, 11]);
    expect(consumer.read(out)).toBe(0);
    expect(producer.write(new Int32Array())).toBe(0);
  });

  test('tryWrite writes all or nothing', () => {
    const { ring } = create(4);
    const producer = ring.producer();
    const consumer = ring.consumer();
    expect(producer.tryWrite(Int32Array.of(1, 2, 3))).toBe(RING_PUSHED);
    expect(producer.tryWrite(Int32Array.of(4, 5))).toBe(RING_FULL);
    expect(ring.size).toBe(3);
    expect(consumer.tryPop()).toBe(1);
    expect(producer.tryWrite(Int32Array.of(4, 5))).toBe(RING_PUSHED);
    expect(() => producer.tryWrite(new Int32Array(5))).toThrow('at most the capacity, 4');
  });

  test.each([0x7ffffffd, 0x7fffffff, -3, -1, 0])(
    'positions wrap: blocks of all lengths through a ring that starts at %i',
    (start) => {
      const { arena, ring } = create(128);
      arena
        .kernel<KernelExports>({ base64: kernelBase64 })
        .initializeRing(ring.handle.at, ring.capacity, 4, start);
      const producer = ring.producer();
      const consumer = ring.consumer();
      const out = new Int32Array(200);
      let next = 0;
      let expected = 0;
      for (let length = 0; length < 200; length = (length + 7) % 201) {
        const block = Int32Array.from({ length }, (_, i) => next + i);
        next += producer.write(block);
        expect(ring.size).toBe(next - expected);
        const count = consumer.read(out, 0, (length * 3) % 150);
        for (let i = 0; i < count; i++) expect(out[i]).toBe(expected++);
        if (next > 5000) break;
      }
      while (consumer.tryPop() !== RING_EMPTY) expected++;
      expect(next).toBe(expected);
      expect(next).toBeGreaterThan(5000);
    },
  );

  test('a ring of bytes carries bytes, at any alignment, over the wrap', () => {
    const arena = Arena.create({ bytes: 1 << 16 });
    const ring = SpscRing.create(arena, { capacity: 100, element: 'u8' });
    expect(ring.capacity).toBe(128);
    const producer = ring.producer();
    const consumer = ring.consumer();
    const source = Uint8Array.from({ length: 300 }, (_, i) => i * 7);
    const out = Buffer.alloc(300);
    for (let round = 0; round < 200; round++) {
      const offset = round % 11;
      const length = (round * 13) % 128;
      expect(producer.write(source, offset, length)).toBe(length);
      expect(consumer.read(out, round % 5)).toBe(length);
      expect(
        Buffer.compare(
          out.subarray(round % 5, (round % 5) + length),
          source.subarray(offset, offset + length),
        ),
      ).toBe(0);
    }
    expect(producer.tryPush(255)).toBe(RING_PUSHED);
    expect(producer.tryPush(0)).toBe(RING_PUSHED);
    expect([consumer.tryPop(), consumer.tryPop(), consumer.tryPop()]).toEqual([255, 0, RING_EMPTY]);
    expect(() => producer.tryPush(256)).toThrow(ArgumentRangeError);
    expect(() => producer.tryPush(-1)).toThrow(ArgumentRangeError);
  });

  test('a second producer and a second consumer are refused, until the first is disposed of', () => {
    const { ring } = create(4);
    const first = ring.producer();
    first.tryPush(1);
    const other = SpscRing.attach(structuredClone(ring.handle));
    expect(() => other.producer()).toThrow(RoleTakenError);
    expect(() => other.producer()).toThrow(
      expect.objectContaining({ code: 'ERR_ROLE_TAKEN', role: 'producer' }),
    );
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    const second = other.producer() as unknown as ReturnType<typeof ring.producer>;
    second.tryPush(2);
    expect(() => first.tryPush(3)).toThrow(RoleReleasedError);
    expect(() => first.write(Int32Array.of(3))).toThrow(RoleReleasedError);
    first[Symbol.dispose]();
    expect(() => ring.producer()).toThrow(RoleTakenError);
    const consumer = ring.consumer();
    expect(() => ring.consumer()).toThrow('the consumer is thread');
    expect([consumer.tryPop(), consumer.tryPop(), consumer.tryPop()]).toEqual([1, 2, RING_EMPTY]);
    consumer[Symbol.dispose]();
    expect(() => consumer.tryPop()).toThrow(RoleReleasedError);
  });

  test('the roles of a worker that ended are reclaimed, and its values are there', async () => {
    const { ring } = create(4);
    const source = `
      const { workerData } = require('node:worker_threads');
      import(${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)}).then(({ SpscRing }) => {
        const ring = SpscRing.attach(workerData);
        ring.producer().tryPush(7);
        ring.consumer();
      });`;
    const worker = new Worker(source, {
      eval: true,
      workerData: ring.handle,
      execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
    });
    const { threadId } = worker;
    await once(worker, 'exit');
    expect(() => ring.producer()).toThrow(expect.objectContaining({ threadId }));
    expect(ring.reclaim(threadId + 1000)).toBe(0);
    expect(ring.reclaim(threadId)).toBe(2);
    expect(ring.reclaim(threadId)).toBe(0);
    ring.producer().tryPush(8);
    const consumer = ring.consumer();
    expect([consumer.tryPop(), consumer.tryPop()]).toEqual([7, 8]);
  });

  test.each([-1, 1.5, Number.NaN])('reclaiming thread %d is refused', (threadId) => {
    expect(() => create(4).ring.reclaim(threadId)).toThrow(ArgumentRangeError);
  });

  test.each([0x80000000, 1.5, Number.NaN])('value %d is refused and changes nothing', (value) => {
    const { ring } = create(4);
    expect(() => ring.producer().tryPush(value)).toThrow(ArgumentRangeError);
    expect(ring.size).toBe(0);
  });

  test('parts outside their block, and blocks of another element, are refused', () => {
    const { ring } = create(4);
    const producer = ring.producer();
    const block = new Int32Array(3);
    expect(() => producer.write(block, 4)).toThrow(ArgumentRangeError);
    expect(() => producer.write(block, 1, 3)).toThrow(ArgumentRangeError);
    expect(() => producer.write(block, -1, 1)).toThrow(ArgumentRangeError);
    expect(() => producer.write(new Uint8Array(3) as unknown as Int32Array)).toThrow('an Int32Array');
    expect(ring.size).toBe(0);
  });

  test.each([0, -1, 1.5, 2 ** 28 + 1, Number.NaN])('capacity %d is refused', (capacity) => {
    expect(() => create(capacity)).toThrow(ArgumentRangeError);
  });

  test.each([
    ['capacity', 3],
    ['capacity', 0],
    ['capacity', 8],
    ['elementBytes', 2],
    ['elementBytes', 1],
  ] as const)('attaching refuses a root whose %s was overwritten with %i', (word, value) => {
    const { arena, ring } = create(4);
    arena.i32[(ring.handle.at >> 2) + spscRingRoot.word[word]] = value;
    expect(() => SpscRing.attach(ring.handle)).toThrow(AttachError);
  });

  test('attaching refuses the handle of something else', () => {
    const { ring } = create(4);
    const stranger = { ...ring.handle, kind: 'lock-free/bounded-queue' } as unknown as SpscRingHandle;
    expect(() => SpscRing.attach(stranger)).toThrow('lock-free/spsc-ring');
  });
});
