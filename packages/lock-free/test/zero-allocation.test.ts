import { expectZeroAllocation } from '@corelane/memory-tracker';
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { BoundedQueue, IndexStack } from '../src/index.ts';

describe('allocates nothing', () => {
  const arena = Arena.create({ bytes: 1 << 16 });
  const stack = IndexStack.create(arena, { capacity: 8 });
  const queue = BoundedQueue.create(arena, { capacity: 8 });
  const out = new Int32Array(4);

  test.each<[string, () => void]>([
    ['pop and push of the stack', () => stack.push(stack.pop())],
    [
      'popMany and pushMany',
      () => {
        stack.popMany(out);
        stack.pushMany(out);
      },
    ],
    [
      'push and pop of the queue, full and empty included',
      () => {
        for (let i = 0; i < 9; i++) queue.tryPush(i);
        for (let i = 0; i < 9; i++) queue.tryPop();
      },
    ],
    [
      'both sizes',
      () => {
        if (stack.size + queue.size !== 8) throw new Error('wrong size');
      },
    ],
  ])('%s', (_, operation) => {
    expect(expectZeroAllocation(operation)).toBeLessThan(0.1);
  });
});
