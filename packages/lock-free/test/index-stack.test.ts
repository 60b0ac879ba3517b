import { ArgumentRangeError, Arena, AttachError } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { IndexPresentError, IndexStack, STACK_EMPTY, type IndexStackHandle } from '../src/index.ts';
import { indexStackRoot } from '../src/layout.ts';

const create = (capacity: number, filled?: boolean): { arena: Arena; stack: IndexStack } => {
  const arena = Arena.create({ bytes: 1 << 16 });
  return {
    arena,
    stack: IndexStack.create(arena, filled === undefined ? { capacity } : { capacity, filled }),
  };
};
const drain = (stack: IndexStack): number[] => {
  const found: number[] = [];
  for (let index = stack.pop(); index !== STACK_EMPTY; index = stack.pop()) found.push(index);
  return found;
};

describe('IndexStack', () => {
  test('starts with every index, 0 on top, and gives each out once', () => {
    const { stack } = create(5);
    expect(stack.size).toBe(5);
    expect(drain(stack)).toEqual([0, 1, 2, 3, 4]);
    expect(stack.size).toBe(0);
    expect(stack.pop()).toBe(STACK_EMPTY);
  });

  test('starts empty where asked to, and takes every index', () => {
    const { stack } = create(3, false);
    expect(stack.pop()).toBe(STACK_EMPTY);
    for (const index of [1, 2, 0]) stack.push(index);
    expect(stack.size).toBe(3);
    expect(drain(stack)).toEqual([0, 2, 1]);
  });

  test('gives out last what came last', () => {
    const { stack } = create(4);
    const [a, b] = [stack.pop(), stack.pop()];
    stack.push(a);
    stack.push(b);
    expect(drain(stack)).toEqual([b, a, 2, 3]);
  });

  test.each([
    ['the top', 0],
    ['one in the middle', 1],
    ['the last', 2],
  ])('refuses %s a second time, and stays as it was', (_, index) => {
    const { stack } = create(3);
    expect(() => stack.push(index)).toThrow(IndexPresentError);
    expect(() => stack.push(index)).toThrow(`index ${index} is in the stack already`);
    expect(drain(stack)).toEqual([0, 1, 2]);
    stack.push(index);
    expect(() => stack.push(index)).toThrow(expect.objectContaining({ code: 'ERR_INDEX_PRESENT', index }));
    expect(drain(stack)).toEqual([index]);
  });

  test.each([-1, 3, 1.5, Number.NaN, 2 ** 32])('refuses index %d, and stays as it was', (index) => {
    const { stack } = create(3);
    stack.pop();
    expect(() => stack.push(index)).toThrow(ArgumentRangeError);
    expect(() => stack.push(index)).toThrow(`index is ${index}, expected an integer from 0 to 2`);
    expect(() => stack.pushMany([0, index])).toThrow(ArgumentRangeError);
    expect(drain(stack)).toEqual([1, 2]);
  });

  test('popMany takes the upper ones in order, and all where there are fewer', () => {
    const { stack } = create(5);
    const out = new Int32Array(3);
    expect(stack.popMany(out)).toBe(3);
    expect([...out]).toEqual([0, 1, 2]);
    expect(stack.size).toBe(2);
    expect(stack.popMany(out)).toBe(2);
    expect([...out]).toEqual([3, 4, 2]);
    expect(stack.popMany(out)).toBe(0);
    expect(stack.popMany(new Int32Array(0))).toBe(0);
  });

  test('pushMany puts the first one uppermost, on what was there', () => {
    const { stack } = create(6);
    const out = new Int32Array(4);
    stack.popMany(out);
    stack.pushMany(Int32Array.of(3, 1, 2));
    stack.pushMany([]);
    expect(stack.size).toBe(5);
    expect(drain(stack)).toEqual([3, 1, 2, 4, 5]);
  });

  test('pushMany is all or nothing: with one present, or one twice, none goes in and all can go in later', () => {
    const { stack } = create(6);
    const out = new Int32Array(4);
    stack.popMany(out);
    expect(() => stack.pushMany([0, 1, 4, 2])).toThrow(expect.objectContaining({ index: 4 }));
    expect(() => stack.pushMany([0, 1, 0])).toThrow(expect.objectContaining({ index: 0 }));
    expect(stack.size).toBe(2);
    stack.pushMany([0, 1, 2, 3]);
    expect(drain(stack)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('an attached stack is the same stack', () => {
    const { stack } = create(4);
    const other = IndexStack.attach(structuredClone(stack.handle));
    expect(other.capacity).toBe(4);
    expect(other.pop()).toBe(0);
    expect(stack.pop()).toBe(1);
    stack.push(0);
    expect(other.size).toBe(3);
  });

  test.each([0, -1, 1.5, 2 ** 24 + 1, Number.NaN])('capacity %d is refused', (capacity) => {
    expect(() => create(capacity)).toThrow(ArgumentRangeError);
  });

  test.each([0, -8, 2 ** 25, 5])(
    'attaching refuses a root whose capacity was overwritten with %i',
    (capacity) => {
      const { arena, stack } = create(4);
      arena.i32[(stack.handle.at >> 2) + indexStackRoot.word.capacity] = capacity;
      expect(() => IndexStack.attach(stack.handle)).toThrow(AttachError);
    },
  );

  test('attaching refuses the handle of something else', () => {
    const { stack } = create(4);
    const stranger = { ...stack.handle, kind: 'lock-free/bounded-queue' } as unknown as IndexStackHandle;
    expect(() => IndexStack.attach(stranger)).toThrow('lock-free/index-stack');
    expect(() => IndexStack.attach({ ...stack.handle, at: stack.handle.at + 128 })).toThrow(AttachError);
  });
});
