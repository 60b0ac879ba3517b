import { ArgumentRangeError } from '@corelane/shared-memory';
import { expect, test, vi } from 'vitest';
import { HookSlot, type PolledTask, type TaskHooks } from '../../src/budgets/index.ts';

const task: PolledTask = { name: 'a', worker: 3, tier: 1 };

/** What whoever runs a poll does. */
function poll(slot: HookSlot, within = (): void => {}): void {
  const hooks = slot.current;
  if (hooks !== undefined) hooks.beforePoll(task);
  within();
  if (hooks !== undefined) hooks.afterPoll('done', 5, task);
}

test('where no hooks are set there is nothing to call', () => {
  const slot = new HookSlot();
  expect(slot.current).toBeUndefined();
  slot.set({ onYield: () => {} });
  expect(slot.current).toBeDefined();
  slot.set(undefined);
  expect(slot.current).toBeUndefined();
});

test('each hook is called as a method of its object, with what it is for; those that are missing are not', () => {
  const calls: unknown[] = [];
  class Listing implements TaskHooks {
    readonly polls: string[] = [];
    beforePoll(of: PolledTask): void {
      this.polls.push(of.name);
      calls.push([this.polls.length, 'before', of]);
    }
    afterPoll(result: string, durationNs: number, of: PolledTask): void {
      calls.push([this.polls.length, result, durationNs, of]);
    }
  }
  const slot = new HookSlot();
  slot.set(new Listing());
  poll(slot);
  slot.current?.onYield(task);
  slot.current?.onCompletion('failed', task);
  expect(calls).toEqual([
    [1, 'before', task],
    [1, 'done', 5, task],
  ]);
});

test('of a million polls with an exchange in every third one none is lost, and none goes to two', () => {
  const slot = new HookSlot();
  const counts = [0, 1].map(() => ({ before: 0, after: 0, open: false, crooked: 0 }));
  const sets = counts.map((count): TaskHooks => ({
    beforePoll: () => {
      if (count.open) count.crooked++;
      count.open = true;
      count.before++;
    },
    afterPoll: () => {
      if (!count.open) count.crooked++;
      count.open = false;
      count.after++;
    },
  }));
  let which = 0;
  slot.set(sets[which]);
  const exchange = (): void => slot.set(sets[(which ^= 1)]);
  for (let i = 0; i < 1e6; i++) poll(slot, i % 3 === 0 ? exchange : undefined);
  const sum = (of: (count: (typeof counts)[0]) => number): number =>
    counts.reduce((all, each) => all + of(each), 0);
  expect([sum(({ before }) => before), sum(({ after }) => after), sum(({ crooked }) => crooked)]).toEqual([
    1e6, 1e6, 0,
  ]);
  expect(Math.min(...counts.map(({ before }) => before))).toBeGreaterThan(1e5);
});

test('a hook that throws disturbs nobody: it is told once, and counted', () => {
  const told: unknown[][] = [];
  const slot = new HookSlot((error, hook) => told.push([error, hook]));
  const error = new Error('mine');
  const hooks: TaskHooks = {
    beforePoll: () => {
      throw error;
    },
    afterPoll: () => {
      throw error;
    },
    onYield: () => {
      throw error;
    },
    onCompletion: () => {
      throw error;
    },
  };
  slot.set(hooks);
  for (let i = 0; i < 3; i++) poll(slot);
  slot.current?.onYield(task);
  slot.current?.onCompletion('done', task);
  expect(told).toEqual([[error, 'beforePoll']]);
  expect(slot.failures).toBe(8);
  slot.set(hooks);
  poll(slot);
  expect(told).toHaveLength(2);
});

test('by default it is a warning of the process', () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  try {
    const slot = new HookSlot();
    slot.set({
      beforePoll: () => {
        throw new Error('mine');
      },
    });
    poll(slot);
    poll(slot);
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.calls[0]?.[0]).toContain('hook beforePoll threw');
  } finally {
    warn.mockRestore();
  }
});

test('what are no hooks is refused', () => {
  const slot = new HookSlot();
  for (const hooks of [null, 1, {}, { beforePoll: 1 }, { before: () => {} }, { beforePoll: undefined }])
    expect(() => slot.set(hooks as never)).toThrow(ArgumentRangeError);
  expect(slot.current).toBeUndefined();
});
