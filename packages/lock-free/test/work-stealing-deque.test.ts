import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expectZeroAllocation } from '@corelane/memory-tracker';
import { ArgumentRangeError, Arena, assertNoFalseSharing, AttachError } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  DEQUE_EMPTY,
  DEQUE_FULL,
  DEQUE_PUSHED,
  DEQUE_RETRY,
  RoleReleasedError,
  RoleTakenError,
  WorkStealingDeque,
  type DequeOrder,
  type WorkStealingDequeHandle,
} from '../src/index.ts';
import { kernelBase64, type KernelExports } from '../src/kernel.generated.ts';
import { dequeRoot } from '../src/layout.ts';

function create(capacity: number, order: DequeOrder = 'lifo'): { arena: Arena; deque: WorkStealingDeque } {
  const arena = Arena.create({ bytes: 1 << 16 });
  return { arena, deque: WorkStealingDeque.create(arena, { capacity, order }) };
}

describe('WorkStealingDeque', () => {
  test('the owner takes the newest, or in order `fifo` the oldest; thieves take the oldest', () => {
    for (const [order, popped] of [
      ['lifo', [4, 3]],
      ['fifo', [2, 3]],
    ] as const) {
      const { deque } = create(8, order);
      using owner = deque.owner();
      for (const value of [1, 2, 3, 4]) expect(owner.tryPush(value)).toBe(DEQUE_PUSHED);
      expect(deque.steal()).toBe(1);
      expect([owner.tryPop(), owner.tryPop()]).toEqual(popped);
      expect(deque.size).toBe(1);
    }
  });

  test('full and empty are results, and change nothing', () => {
    for (const order of ['lifo', 'fifo'] as const) {
      const { deque } = create(2, order);
      using owner = deque.owner();
      expect([owner.tryPop(), deque.steal()]).toEqual([DEQUE_EMPTY, DEQUE_EMPTY]);
      expect([7, 8, 9].map((value) => owner.tryPush(value))).toEqual([
        DEQUE_PUSHED,
        DEQUE_PUSHED,
        DEQUE_FULL,
      ]);
      expect(deque.size).toBe(2);
      expect([owner.tryPop(), owner.tryPop(), owner.tryPop()]).toEqual(
        order === 'lifo' ? [8, 7, DEQUE_EMPTY] : [7, 8, DEQUE_EMPTY],
      );
    }
  });

  test('carries every i32 but two, and refuses those', () => {
    const { deque } = create(8);
    using owner = deque.owner();
    const values = [0, -1, 0x7fffffff, -0x7ffffffe];
    for (const value of values) expect(owner.tryPush(value)).toBe(DEQUE_PUSHED);
    expect(values.map(() => deque.steal())).toEqual(values);
    for (const wrong of [DEQUE_EMPTY, DEQUE_RETRY, 2 ** 31, 0.5, Number.NaN, '1', undefined])
      expect(() => owner.tryPush(wrong as number)).toThrow(ArgumentRangeError);
    expect(deque.size).toBe(0);
  });

  test('half of what another one has is moved, rounded up, in order', () => {
    for (const order of ['lifo', 'fifo'] as const) {
      const arena = Arena.create({ bytes: 1 << 16 });
      const [rich, poor] = [8, 4].map((capacity) => WorkStealingDeque.create(arena, { capacity, order }));
      using owner = (rich as WorkStealingDeque).owner();
      using other = (poor as WorkStealingDeque).owner();
      for (let value = 1; value <= 7; value++) owner.tryPush(value);
      expect(other.stealFrom(rich as WorkStealingDeque, 3)).toBe(3);
      expect(other.stealFrom(rich as WorkStealingDeque)).toBe(1); // half of four is two, and there is room for one
      expect(other.stealFrom(rich as WorkStealingDeque)).toBe(0);
      expect(Array.from({ length: 4 }, () => poor?.steal())).toEqual([1, 2, 3, 4]);
      expect(rich?.size).toBe(3);
      expect(owner.stealFrom(poor as WorkStealingDeque)).toBe(0);
    }
  });

  test('a deque of another arena, itself and an impossible number are refused', () => {
    const { arena, deque } = create(4);
    using owner = deque.owner();
    const other = WorkStealingDeque.create(arena, { capacity: 4 });
    expect(() => owner.stealFrom(create(4).deque)).toThrow('another deque of the same arena');
    expect(() => owner.stealFrom(deque)).toThrow(ArgumentRangeError);
    for (const most of [0, -1, 0.5, Number.NaN])
      expect(() => owner.stealFrom(other, most)).toThrow(ArgumentRangeError);
  });

  test.each([0x7ffffffd, -3, 0])('positions wrap: laps of a deque that starts at %i', (start) => {
    const { arena, deque } = create(4);
    arena.kernel<KernelExports>({ base64: kernelBase64 }).initializeDeque(deque.handle.at, 4, 0, start);
    using owner = deque.owner();
    for (let lap = 0; lap < 20; lap++) {
      for (let value = 0; value < 4; value++) expect(owner.tryPush(4 * lap + value)).toBe(DEQUE_PUSHED);
      expect(owner.tryPush(0)).toBe(DEQUE_FULL);
      expect([deque.steal(), owner.tryPop(), deque.steal(), owner.tryPop(), owner.tryPop()]).toEqual(
        [0, 3, 1, 2].map((value) => 4 * lap + value).concat(DEQUE_EMPTY),
      );
    }
  });

  test('there is one owner at a time', () => {
    const { deque } = create(4);
    const owner = deque.owner();
    expect(() => deque.owner()).toThrow(RoleTakenError);
    owner.tryPush(1);
    owner[Symbol.dispose]();
    owner[Symbol.dispose]();
    expect(owner.active).toBe(false);
    for (const use of [() => owner.tryPush(2), () => owner.tryPop(), () => owner.stealFrom(deque)])
      expect(use).toThrow(RoleReleasedError);
    expect(deque.owner().tryPop()).toBe(1);
  });

  test('an owner that has ended is reclaimed, with what it had pushed', async () => {
    const { deque } = create(4);
    const worker = new Worker(new URL('./worker/deque-owner-worker.ts', import.meta.url), {
      workerData: deque.handle,
      execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
    });
    const { threadId } = worker;
    await once(worker, 'exit');
    expect(() => deque.owner()).toThrow(RoleTakenError);
    expect(() => deque.reclaim(0)).toThrow(ArgumentRangeError);
    expect(deque.reclaim(threadId)).toBe(true);
    expect(deque.reclaim(threadId)).toBe(false);
    expect([deque.owner().tryPop(), deque.steal(), deque.steal()]).toEqual([12, 11, DEQUE_EMPTY]);
  });

  test('whoever becomes the owner after a pop that did not end finds an empty deque that takes values', () => {
    const { arena, deque } = create(2);
    Atomics.sub(arena.i32, (deque.handle.at >> 2) + dequeRoot.word.bottom, 1);
    expect(deque.size).toBe(0);
    using owner = deque.owner();
    expect(owner.tryPush(5)).toBe(DEQUE_PUSHED);
    expect(deque.steal()).toBe(5);
  });

  test('attaching checks what the handle says', () => {
    const { arena, deque } = create(4, 'fifo');
    const same = WorkStealingDeque.attach(deque.handle);
    expect([same.capacity, same.order]).toEqual([4, 'fifo']);
    const word = (name: 'capacity' | 'order'): number => (deque.handle.at >> 2) + dequeRoot.word[name];
    for (const [name, wrong] of [
      ['capacity', 3],
      ['capacity', 8],
      ['capacity', 2 ** 30],
      ['order', 2],
    ] as const) {
      const right = arena.i32[word(name)] as number;
      arena.i32[word(name)] = wrong;
      expect(() => WorkStealingDeque.attach(deque.handle)).toThrow(AttachError);
      arena.i32[word(name)] = right;
    }
    const other = { ...deque.handle, kind: 'lock-free/spsc-ring' } as unknown as WorkStealingDequeHandle;
    expect(() => WorkStealingDeque.attach(other)).toThrow(AttachError);
  });

  test('options out of range are refused', () => {
    const arena = Arena.create({ bytes: 1 << 16 });
    for (const capacity of [0, -1, 0.5, 2 ** 24 + 1, Number.NaN])
      expect(() => WorkStealingDeque.create(arena, { capacity })).toThrow(ArgumentRangeError);
    expect(() => WorkStealingDeque.create(arena, { capacity: 2, order: 'random' as 'lifo' })).toThrow(
      "'lifo' or 'fifo'",
    );
    expect(WorkStealingDeque.create(arena, { capacity: 1 }).capacity).toBe(2);
    expect(WorkStealingDeque.create(arena, { capacity: 5 }).capacity).toBe(8);
  });

  test('its ends have lines of their own', () => {
    expect(() => assertNoFalseSharing(dequeRoot)).not.toThrow();
    expect(dequeRoot.bytes % 128).toBe(0);
  });

  test.each(['lifo', 'fifo'] as const)('no operation allocates, order %s', (order) => {
    const arena = Arena.create({ bytes: 1 << 16 });
    const deque = WorkStealingDeque.create(arena, { capacity: 16, order });
    const other = WorkStealingDeque.create(arena, { capacity: 16, order });
    const owner = deque.owner();
    const thief = other.owner();
    let sum = 0;
    const operation = (): void => {
      for (let value = 0; value < 17; value++) owner.tryPush(value * 0x0707_0707);
      thief.stealFrom(deque, 4);
      sum = (sum + deque.steal() + other.steal() + deque.size) | 0;
      while (owner.tryPop() !== DEQUE_EMPTY);
      while (thief.tryPop() !== DEQUE_EMPTY);
    };
    expect(expectZeroAllocation(operation, { iterations: 2000 })).toBeLessThan(0.1);
    expect(sum).toBe(sum | 0);
  });
});
