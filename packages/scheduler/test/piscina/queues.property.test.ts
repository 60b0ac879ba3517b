// The queues against an array, and the marks of `move`.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FixedQueue } from '../../src/piscina/fixed-queue.ts';
import { isMovable, isTransferable, markMovable, move } from '../../src/piscina/move.ts';
import { queueOptionsSymbol, transferableSymbol, valueSymbol } from '../../src/piscina/symbols.ts';
import { ArrayTaskQueue, isTaskQueue, type Task } from '../../src/piscina/task-queue.ts';

const tasks: readonly Task[] = Array.from({ length: 40 }, () => ({ [queueOptionsSymbol]: null }));
const step = fc.oneof(
  fc.record({ does: fc.constantFrom('push', 'unshift', 'remove'), task: fc.nat(tasks.length - 1) }),
  fc.record({ does: fc.constant('shift'), task: fc.constant(0) }),
);

describe.each([FixedQueue, ArrayTaskQueue])('%o', (Queue) => {
  it('gives back what an array would, whatever is done to it', () => {
    expect(isTaskQueue(new Queue())).toBe(true);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new Queue();
        const array: Task[] = [];
        for (const { does, task: index } of steps) {
          const task = tasks[index] as Task;
          if (does === 'shift') expect(queue.shift()).toBe(array.shift() ?? null);
          else if (does === 'remove') {
            queue.remove(task);
            if (array.includes(task)) array.splice(array.indexOf(task), 1);
          } else if (does === 'push') {
            queue.push(task);
            array.push(task);
          } else {
            queue.unshift(task);
            array.unshift(task);
          }
          expect(queue.size).toBe(array.length);
        }
        for (const task of array) expect(queue.shift()).toBe(task);
      }),
    );
  });
});

describe('move', () => {
  it('marks what it is given, or what stands for it, and leaves what is no object', () => {
    for (const plain of [null, undefined, 1, 'text', true]) expect(move(plain)).toBe(plain);
    const bytes = new Uint8Array(4);
    const moved = move(bytes);
    expect(isMovable(moved)).toBe(true);
    expect(moved[valueSymbol]).toBe(bytes);
    expect(moved[transferableSymbol]).toBe(bytes.buffer);
    const own = { [transferableSymbol]: bytes.buffer, [valueSymbol]: bytes };
    expect([isTransferable(own), isMovable(own)]).toEqual([true, false]);
    expect(move(own)).toBe(own);
    expect(isMovable(own)).toBe(true);
    const other = { ...own };
    markMovable(other);
    expect(isMovable(other)).toBe(true);
    expect(Object.keys(own)).toEqual([]);
  });
});
