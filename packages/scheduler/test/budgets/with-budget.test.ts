import { ArgumentRangeError } from '@corelane/shared-memory';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Budget, TaskHooks } from '../../src/budgets/index.ts';
import { LoopBudgets, threadBudgets, withBudget } from '../../src/budgets/index.ts';

// Time goes by where a test says so, whatever the machine does meanwhile: but for CPU time, see there.
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** Keeps the thread busy. */
const spin = (ms: number): void => void vi.advanceTimersByTime(ms);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** Time goes by while the loop turns. */
async function sleep(ms: number): Promise<void> {
  await turn();
  spin(ms);
  await turn();
}

/** How many turns the loop has had, until it is stopped. */
function countTurns(): { turns: number; stop(): Promise<void> } {
  const state = { turns: 0, isOver: false };
  const counting = (async (): Promise<void> => {
    for (; !state.isOver; state.turns++) await turn();
  })();
  return Object.assign(state, {
    stop: async (): Promise<void> => {
      state.isOver = true;
      await counting;
    },
  });
}

const undo: (() => void)[] = [];
afterEach(() => {
  for (const each of undo.splice(0)) each();
});

/** What a channel tells, from now until the end of the test. */
function heard(name: string): any[] {
  const events: any[] = [];
  const listen = (event: unknown): void => void events.push(event);
  subscribe(`corelane:scheduler:${name}`, listen);
  undo.push(() => void unsubscribe(`corelane:scheduler:${name}`, listen));
  return events;
}

describe('a function under a budget', () => {
  test('returns what it returns, and throws what it throws', async () => {
    const budgets = new LoopBudgets();
    expect(await withBudget(() => 1, { budgets })).toBe(1);
    expect(await withBudget(async () => 'two', { budgets })).toBe('two');
    const error = new Error('three');
    await expect(withBudget(() => Promise.reject(error), { budgets })).rejects.toBe(error);
    const thrower = (): never => {
      throw error;
    };
    await expect(withBudget(thrower, { budgets })).rejects.toBe(error);
    expect(budgets.stats()).toMatchObject({ polls: 4, active: 0, yields: 0 });
  });

  test('goes on at once while units are left, and makes way for the event loop when none are', async () => {
    const budgets = new LoopBudgets({ budgets: { pollBudget: 100 } });
    const loop = countTurns();
    const seen: number[] = [];
    await budgets.run(
      async (budget) => {
        for (let i = 0; i < 250; i++) {
          expect(budget.consume()).toBe(true);
          if (i === 99 || i === 199) expect([budget.remaining, budget.isSpent]).toEqual([0, true]);
          await budget.yieldIfSpent();
          seen.push(loop.turns);
        }
        expect(budget.remaining).toBe(50);
      },
      { sliceMs: Infinity },
    );
    await loop.stop();
    // Two turns at least, and only there.
    expect(new Set(seen.slice(0, 99)).size).toBe(1);
    expect(seen[99]).toBeGreaterThan(seen[98] as number);
    expect(new Set(seen.slice(99, 199)).size).toBe(1);
    expect(seen[199]).toBeGreaterThan(seen[198] as number);
    expect(budgets.stats()).toMatchObject({ polls: 3, yields: 2, violations: { budget: 2, cpu: 0 } });
  });

  test('makes way when its slice is over, though units are left', async () => {
    const budgets = new LoopBudgets();
    const yields = heard('yield');
    await budgets.run(
      async (budget) => {
        spin(2);
        await budget.yieldIfSpent();
      },
      { name: 'sliced', sliceMs: 1 },
    );
    expect(yields).toEqual([{ task: 'sliced', worker: -1, tier: 'monitor', why: 'budget' }]);
  });

  test('is told that it was aborted where it makes way, and does not begin where it was before', async () => {
    const budgets = new LoopBudgets();
    const reason = new Error('enough');
    const controller = new AbortController();
    let passes = 0;
    const run = async (budget: Budget): Promise<void> => {
      for (;;) {
        passes++;
        if (passes === 3) controller.abort(reason);
        await budget.yieldIfSpent();
      }
    };
    await expect(budgets.run(run, { signal: controller.signal })).rejects.toBe(reason);
    expect(passes).toBe(3);
    await expect(budgets.run(run, { signal: controller.signal })).rejects.toBe(reason);
    expect(passes).toBe(3);
  });

  test('is aborted while it makes way', async () => {
    const budgets = new LoopBudgets();
    const controller = new AbortController();
    const run = async (budget: Budget): Promise<void> => {
      budget.consume(1e9);
      const yielded = budget.yieldIfSpent();
      controller.abort('now');
      await yielded;
    };
    await expect(budgets.run(run, { signal: controller.signal })).rejects.toBe('now');
    expect(budgets.stats().active).toBe(0);
  });

  test('is seen to be slow, by itself and within others that are not', async () => {
    const budgets = new LoopBudgets({ budgets: { slowPollMs: 50 } });
    const [slow, violations] = [heard('slow-poll'), heard('violation')];
    for (let i = 0; i < 25; i++) await budgets.run(() => undefined, { name: 'quick' });
    await budgets.run(() => spin(55), { name: 'hog' });
    expect(slow).toHaveLength(1);
    expect(slow[0]).toMatchObject({ task: 'hog', worker: -1, tier: 'monitor' });
    expect(slow[0].durationMs).toBe(55);
    expect(violations).toMatchObject([{ task: 'hog', causes: ['slow'] }]);
    expect(budgets.stats().violations.slow).toBe(1);
  });

  test('is not blamed for the time in which it awaits something else, nor for what others do meanwhile', async () => {
    const budgets = new LoopBudgets({ budgets: { slowPollMs: 50 } });
    const others = (async (): Promise<void> => {
      await turn();
      spin(70);
    })();
    await budgets.run(
      async (budget) => {
        await sleep(70);
        await budget.yieldIfSpent();
      },
      { name: 'waits' },
    );
    await others;
    expect(budgets.stats()).toMatchObject({
      polls: 2,
      yields: 0,
      violations: { slow: 0, cpu: 0, budget: 0 },
    });
  });

  test('is watched again after it has awaited something else', async () => {
    const budgets = new LoopBudgets({ budgets: { slowPollMs: 50 } });
    await budgets.run(async (budget) => {
      await sleep(5);
      await budget.yieldIfSpent();
      spin(55);
    });
    expect(budgets.stats().violations.slow).toBe(1);
  });

  test('that hogs the loop rises to the last tier, then makes way more often, and has to wait for longer', async () => {
    // As always, but in a shorter time.
    const tiers = { monitor: {}, warn: {}, yield: { minMs: 0 }, isolate: { minMs: 0 } };
    const budgets = new LoopBudgets({ budgets: { promotionHysteresisMs: 0, pollBudget: 1000, tiers } });
    const events = heard('tier');
    for (let i = 0; i < 40 && budgets.tierOf('hog') < 3; i++)
      await budgets.run(() => spin(11), { name: 'hog' });
    expect(events.map(({ from, to }) => [from, to])).toEqual([
      ['monitor', 'warn'],
      ['warn', 'yield'],
      ['yield', 'isolate'],
    ]);
    expect(budgets.stats().names).toEqual({ monitor: 0, warn: 0, yield: 0, isolate: 1 });
    const yields = heard('yield');
    const loop = countTurns();
    await budgets.run(
      async (budget) => {
        expect(budget.tier).toBe(3);
        budget.consume(249);
        expect(budget.isSpent).toBe(false);
        budget.consume(1);
        expect(budget.isSpent).toBe(true); // a quarter
        const before = loop.turns;
        await budget.yieldIfSpent();
        expect(loop.turns - before).toBeGreaterThanOrEqual(3);
        expect(budget.isSpent).toBe(false);
      },
      { name: 'hog', sliceMs: Infinity },
    );
    await loop.stop();
    expect(yields).toEqual([{ task: 'hog', worker: -1, tier: 'isolate', why: 'tier' }]);
    expect(budgets.tierOf('other')).toBe(0);
  });
});

describe.runIf(new LoopBudgets().clock.source === 'thread')('CPU time', () => {
  beforeEach(() => void vi.useRealTimers());

  const word = new Int32Array(new SharedArrayBuffer(4));
  const block = (ms: number): void => void Atomics.wait(word, 0, 0, ms);
  function burn(ms: number): void {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs);
  }
  /** All polls are measured. */
  const measured = { tiers: { monitor: { checkEvery: 1 } } };

  test('of a poll that sleeps is none, and of one that spins is as much as it lasts', async () => {
    const budgets = new LoopBudgets({ budgets: { ...measured, cpuBudgetMs: 12, slowPollMs: 12 } });
    const violations = heard('violation');
    await budgets.run(() => block(30), { name: 'sleeps' });
    expect(violations).toMatchObject([{ task: 'sleeps', causes: ['slow'] }]);
    expect(violations[0].cpuMs).toBeLessThan(12);
    // On a busy machine a thread does not have its processor all the time: until it has had it for long enough.
    for (let i = 0; i < 20 && budgets.stats().violations.cpu === 0; i++)
      await budgets.run(() => burn(60), { name: 'spins' });
    expect(budgets.stats().violations).toMatchObject({ cpu: 1 });
    expect(violations.at(-1).causes).toEqual(['cpu', 'slow']);
  });
});

describe('hooks', () => {
  test('see polls in pairs, what makes way, and the end', async () => {
    const calls: string[] = [];
    const durations: number[] = [];
    const hooks: TaskHooks = {
      beforePoll: ({ name, worker, tier }) => void calls.push(`before ${name} ${worker} ${tier}`),
      afterPoll: (result, durationNs) => {
        calls.push(`after ${result}`);
        durations.push(durationNs);
      },
      onYield: () => void calls.push('yield'),
      onCompletion: (result) => void calls.push(`completion ${result}`),
    };
    const budgets = new LoopBudgets({ hooks });
    await budgets.run(
      async (budget) => {
        spin(1);
        budget.consume(2000);
        await budget.yieldIfSpent();
      },
      { name: 'a', sliceMs: Infinity },
    );
    await expect(budgets.run(() => Promise.reject(new Error('no')), { name: 'b' })).rejects.toThrow('no');
    expect(calls).toEqual([
      'before a -1 0',
      'after pending',
      'yield',
      'before a -1 0',
      'after done',
      'completion done',
      'before b -1 0',
      'after failed',
      'completion failed',
    ]);
    expect(durations[0]).toBe(1e6);
  });

  test('that are exchanged within a poll see it to its end, and those that come see the next one', async () => {
    const budgets = new LoopBudgets();
    const counting = (): { hooks: TaskHooks; before: number; after: number } => {
      const counts = { before: 0, after: 0 };
      return Object.assign(counts, {
        hooks: { beforePoll: () => void counts.before++, afterPoll: () => void counts.after++ },
      });
    };
    const [first, second] = [counting(), counting()];
    budgets.hooks.set(first.hooks);
    await budgets.run(
      async (budget) => {
        budgets.hooks.set(second.hooks);
        budget.consume(2000);
        await budget.yieldIfSpent();
        budgets.hooks.set(undefined);
      },
      { sliceMs: Infinity },
    );
    await budgets.run(() => undefined);
    expect([first.before, first.after, second.before, second.after]).toEqual([1, 1, 1, 1]);
  });
});

test('who does not wait for making way, asks twice, or asks after the end, disturbs no count', async () => {
  const calls: string[] = [];
  const budgets = new LoopBudgets({
    hooks: {
      beforePoll: () => void calls.push('before'),
      afterPoll: (result) => void calls.push(`after ${result}`),
      onYield: () => void calls.push('yield'),
      onCompletion: (result) => void calls.push(`completion ${result}`),
    },
  });
  let kept: Budget | undefined;
  await budgets.run(
    async (budget) => {
      kept = budget;
      budget.consume(2000);
      const ways = [budget.yieldIfSpent(), budget.yieldIfSpent()];
      expect(ways[0]).toBe(ways[1]);
      await Promise.all(ways);
      budget.consume(2000);
      void budget.yieldIfSpent();
    },
    { sliceMs: Infinity },
  );
  const expected = [
    'before',
    'after pending',
    'yield',
    'before',
    'after pending',
    'yield',
    'completion done',
  ];
  expect(calls).toEqual(expected);
  await turn();
  await turn();
  kept?.consume(1e9);
  await kept?.yieldIfSpent();
  expect(calls).toEqual(expected);
  expect(budgets.stats()).toMatchObject({ polls: 2, yields: 2, active: 0 });
});

test('histories of names that nobody uses any more make room for others, those that matter last', async () => {
  const budgets = new LoopBudgets({ maxNames: 2, budgets: { tiers: { monitor: { slowPolls: 1 } } } });
  await budgets.run(() => spin(11), { name: 'warned' });
  for (let i = 0; i < 10; i++) await budgets.run(() => undefined, { name: `once ${i}` });
  expect(budgets.stats().names).toMatchObject({ monitor: 1, warn: 1 });
  expect(budgets.tierOf('warned')).toBe(1);
});

test('what a thread has in common is made once', async () => {
  const { polls } = threadBudgets().stats();
  await withBudget(function named(budget) {
    expect(budget.name).toBe('named');
  });
  await withBudget((budget) => expect(budget.name).toBe('anonymous'));
  expect(threadBudgets()).toBe(threadBudgets());
  expect(threadBudgets().stats().polls).toBe(polls + 2);
});

test('what is no option, or out of its range, is refused with what was found', async () => {
  const run = (): void => {};
  const budgets = new LoopBudgets();
  for (const options of [
    { nane: 'x' },
    { name: '' },
    { name: 1 },
    { priority: 21 },
    { priority: 'urgent' },
    { sliceMs: 0 },
    { sliceMs: NaN },
    { signal: {} },
    { budgets: {} },
  ])
    await expect(withBudget(run, { budgets, ...(options as object) })).rejects.toThrow(ArgumentRangeError);
  await expect(withBudget(null as never, { budgets })).rejects.toThrow(ArgumentRangeError);
  await expect(withBudget(run, null as never)).rejects.toThrow(ArgumentRangeError);
  for (const options of [
    { clock: {} },
    { clock: null },
    { hooks: {} },
    { hooks: { before: run } },
    { maxNames: 0 },
    { clok: 1 },
  ])
    expect(() => new LoopBudgets(options as never)).toThrow(ArgumentRangeError);
  expect(budgets.stats()).toMatchObject({ polls: 0, active: 0 });
});
