import { Arena } from '@corelane/shared-memory';
import { expect, test, vi } from 'vitest';
import { IndexStack, STACK_EMPTY } from '../src/index.ts';
import { Crew } from '../../../tools/testing/crew.ts';
import type { StackReport, StackStation } from './worker/stack-worker.ts';

vi.setConfig({ testTimeout: 60_000 });

const WORKER = new URL('./worker/stack-worker.ts', import.meta.url);

function station(capacity: number, times: number): { stack: IndexStack; each: StackStation } {
  const stack = IndexStack.create(Arena.create({ bytes: 1 << 16 }), { capacity });
  const marks = new Int32Array(new SharedArrayBuffer(4 * capacity));
  return { stack, each: { handle: stack.handle, marks, times } };
}

function drain(stack: IndexStack): number[] {
  const found: number[] = [];
  for (let index = stack.pop(); index !== STACK_EMPTY; index = stack.pop()) found.push(index);
  return found.toSorted((a, b) => a - b);
}

const all = (capacity: number): number[] => Array.from({ length: capacity }, (_, index) => index);

test.each([3, 16, 200])(
  'four workers never hold one of %i indices at once, and lose none',
  async (capacity) => {
    const { stack, each } = station(capacity, 100_000);
    await using crew = new Crew(WORKER, [each, each, each, each]);
    await crew.go();
    const reports = await crew.reports<StackReport>();
    expect(reports.flatMap((report) => report.wrong)).toEqual([]);
    expect(reports.every((report) => report.taken >= 100_000)).toBe(true);
    expect(stack.size).toBe(capacity);
    expect(drain(stack)).toEqual(all(capacity));
  },
);

test('workers terminated at any point leave a stack that works, short only of what they held', async () => {
  const capacity = 64;
  for (let round = 0; round < 6; round++) {
    const { stack, each } = station(capacity, Infinity);
    await using crew = new Crew(WORKER, [each, each]);
    await crew.go();
    await Promise.all(crew.workers.map((worker) => worker.terminate()));
    const left = drain(stack);
    expect(new Set(left).size).toBe(left.length);
    expect(left.length).toBeGreaterThanOrEqual(capacity - 2 * 5);
    stack.pushMany(left);
    expect(stack.size).toBeGreaterThanOrEqual(left.length);
    expect(drain(stack)).toEqual(left);
  }
});
