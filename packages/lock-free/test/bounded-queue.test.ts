import { ArgumentRangeError, Arena, AttachError } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  BoundedQueue,
  QUEUE_EMPTY,
  QUEUE_FULL,
  QUEUE_PUSHED,
  type BoundedQueueHandle,
} from '../src/index.ts';
import { kernelBase64, type KernelExports } from '../src/kernel.generated.ts';
import { boundedQueueRoot } from '../src/layout.ts';

const create = (capacity: number): { arena: Arena; queue: BoundedQueue } => {
  const arena = Arena.create({ bytes: 1 << 16 });
  return { arena, queue: BoundedQueue.create(arena, { capacity }) };
};

describe('BoundedQueue', () => {
  test('hands values out in the order in which they went in, and carries every i32 but QUEUE_EMPTY', () => {
    const { queue } = create(8);
    const values = [0, -1, 1, 0x7fffffff, -0x7fffffff, 42];
    for (const value of values) expect(queue.tryPush(value)).toBe(QUEUE_PUSHED);
    expect(queue.size).toBe(values.length);
    expect(values.map(() => queue.tryPop())).toEqual(values);
    expect(queue.tryPop()).toBe(QUEUE_EMPTY);
    expect(queue.size).toBe(0);
  });

  test('is full after `capacity` pushes, says so and changes nothing', () => {
    const { queue } = create(4);
    for (let i = 0; i < queue.capacity; i++) expect(queue.tryPush(i)).toBe(QUEUE_PUSHED);
    expect(queue.tryPush(99)).toBe(QUEUE_FULL);
    expect(queue.tryPush(99)).toBe(QUEUE_FULL);
    expect(queue.size).toBe(4);
    expect([0, 1, 2, 3].map(() => queue.tryPop())).toEqual([0, 1, 2, 3]);
    expect(queue.tryPop()).toBe(QUEUE_EMPTY);
  });

  test.each([
    [1, 2],
    [2, 2],
    [3, 4],
    [64, 64],
    [65, 128],
  ])('capacity %i is rounded up to %i', (wanted, capacity) => {
    const { queue } = create(wanted);
    expect(queue.capacity).toBe(capacity);
    for (let i = 0; i < capacity; i++) queue.tryPush(i);
    expect(queue.tryPush(0)).toBe(QUEUE_FULL);
  });

  test.each([0x7ffffffd, 0x7fffffff, -3, -1])(
    'positions wrap: 1 000 values through a queue that starts at %i',
    (start) => {
      const { arena, queue } = create(4);
      arena
        .kernel<KernelExports>({ base64: kernelBase64 })
        .initializeQueue(queue.handle.at, queue.capacity, start);
      expect(queue.tryPop()).toBe(QUEUE_EMPTY);
      let next = 0;
      let expected = 0;
      while (expected < 1000) {
        while (next < 1000 && queue.tryPush(next) === QUEUE_PUSHED) next++;
        expect(queue.size).toBe(next - expected);
        for (let i = 0; i < 3 && expected < next; i++) expect(queue.tryPop()).toBe(expected++);
      }
      expect(queue.tryPop()).toBe(QUEUE_EMPTY);
      expect(queue.size).toBe(0);
    },
  );

  test('an attached queue is the same queue', () => {
    const { queue } = create(4);
    const other = BoundedQueue.attach(structuredClone(queue.handle));
    queue.tryPush(7);
    expect(other.capacity).toBe(4);
    expect(other.tryPop()).toBe(7);
    expect(queue.tryPop()).toBe(QUEUE_EMPTY);
  });

  test.each([QUEUE_EMPTY, 0x80000000, 1.5, Number.NaN, Infinity])(
    'value %d is refused and changes nothing',
    (value) => {
      const { queue } = create(4);
      expect(() => queue.tryPush(value)).toThrow(ArgumentRangeError);
      expect(() => queue.tryPush(value)).toThrow(`value is ${value}`);
      expect(queue.size).toBe(0);
    },
  );

  test.each([0, -1, 1.5, 2 ** 24 + 1, Number.NaN])('capacity %d is refused', (capacity) => {
    expect(() => create(capacity)).toThrow(ArgumentRangeError);
  });

  test.each([3, 0, -8, 2 ** 25, 8])(
    'attaching refuses a root whose capacity was overwritten with %i',
    (capacity) => {
      const { arena, queue } = create(4);
      arena.i32[(queue.handle.at >> 2) + boundedQueueRoot.word.capacity] = capacity;
      expect(() => BoundedQueue.attach(queue.handle)).toThrow(AttachError);
    },
  );

  test('attaching refuses the handle of something else', () => {
    const { queue } = create(4);
    const stranger = { ...queue.handle, kind: 'lock-free/index-stack' } as unknown as BoundedQueueHandle;
    expect(() => BoundedQueue.attach(stranger)).toThrow('lock-free/bounded-queue');
    expect(() => BoundedQueue.attach({ ...queue.handle, at: queue.handle.at + 4 })).toThrow(AttachError);
  });
});
