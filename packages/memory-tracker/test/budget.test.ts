// Limits of tags: what they refuse, whom they call, and who else sees it.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  ArgumentRangeError,
  BUDGET_CHANNEL,
  expectZeroAllocation,
  MemoryBudgetError,
  MemoryReader,
  MemoryTracker,
  TrackerDisposedError,
  type BudgetEvent,
} from '../src/index.ts';
import type { FillData } from './worker/fill.ts';

const create = (workers = 3): MemoryTracker =>
  MemoryTracker.create(Arena.create({ bytes: 1 << 18 }), { tags: 4, workers });
const budgetOf = (tracker: MemoryTracker): unknown => tracker.read().tags[0]!.budget;

describe.each(['shared', 'worker'] as const)('a hard limit (%s)', (scope) => {
  test('refuses what would pass it, with numbers, and records nothing', () => {
    const tracker = create();
    const pool = tracker.tag('pool', { scope });
    tracker.budget('pool', { hardBytes: 100 });
    pool.alloc(60);
    const before = tracker.read().tags[0]!;
    expect(() => pool.alloc(41)).toThrow(MemoryBudgetError);
    expect(() => pool.alloc(2 ** 40)).toThrow(
      /tag pool: 1099511627776 bytes allocated on 60 bytes held.*, expected at most 100 in all/,
    );
    expect({ ...tracker.read().tags[0], budget: before.budget }).toEqual(before);
    expect(budgetOf(tracker)).toMatchObject({ hardBytes: 100, softBytes: null, refusals: 2 });
    pool.alloc(40);
  });

  test('asks who can free something, and tries again once', () => {
    const tracker = create();
    const pool = tracker.tag('pool', { scope });
    const asked: BudgetEvent[] = [];
    tracker.budget('pool', {
      hardBytes: 100,
      onHard: (event) => {
        asked.push(event);
        if (tracker.currentBytes('pool') > 0) pool.dealloc(50);
        return true;
      },
    });
    pool.alloc(100);
    pool.alloc(30);
    expect(tracker.currentBytes('pool')).toBe(80);
    expect(asked).toMatchObject([
      {
        kind: 'refused',
        tag: 'pool',
        scope,
        currentBytes: 100,
        limitBytes: 100,
        requestedBytes: 30,
        worker: 0,
      },
    ]);
    expect(() => pool.alloc(99)).toThrow(MemoryBudgetError);
    expect([asked.length, tracker.currentBytes('pool')]).toEqual([2, 30]);
  });

  test('asks all, of whom one that has freed something is enough', () => {
    const tracker = create();
    const pool = tracker.tag('pool', { scope });
    pool.alloc(10);
    let asked = 0;
    const frees = (): boolean => {
      asked++;
      pool.dealloc(5);
      return true;
    };
    tracker.budget('pool', { hardBytes: 10, onHard: frees });
    tracker.budget('pool', { onHard: () => void asked++ });
    pool.alloc(5);
    expect([asked, tracker.currentBytes('pool')]).toEqual([2, 10]);
  });

  test('is not asked about by what asks', () => {
    const tracker = create();
    const pool = tracker.tag('pool', { scope });
    let asked = 0;
    tracker.budget('pool', {
      hardBytes: 10,
      onHard: () => {
        asked++;
        expect(() => pool.alloc(11)).toThrow(MemoryBudgetError);
      },
    });
    expect(() => pool.alloc(11)).toThrow(MemoryBudgetError);
    expect(asked).toBe(1);
  });

  test('is changed at run time by any thread, and lifted', () => {
    const tracker = create();
    const other = MemoryTracker.attach(tracker.handle);
    const pool = tracker.tag('pool', { scope });
    pool.alloc(50);
    const budget = other.budget('pool', { hardBytes: 40 });
    expect(() => pool.alloc(1)).toThrow(MemoryBudgetError);
    pool.dealloc(20);
    pool.alloc(10);
    budget.update({ hardBytes: Infinity });
    expect(tracker.budget('pool', {}).limits).toEqual({
      softBytes: Infinity,
      recoverBytes: 0,
      hardBytes: Infinity,
    });
    pool.alloc(2 ** 33);
  });
});

describe.each(['shared', 'worker'] as const)('a soft limit (%s)', (scope) => {
  test('is told of once a crossing, and once more when it is recovered from', () => {
    const tracker = create();
    const pool = tracker.tag('pool', { scope });
    const told: string[] = [];
    const tell = ({ kind, currentBytes, limitBytes }: BudgetEvent): void =>
      void told.push(`${kind} ${currentBytes} ${limitBytes}`);
    const budget = tracker.budget('pool', { softBytes: 100, onSoft: tell, onRecover: tell });
    expect(budget.limits.recoverBytes).toBe(90);
    pool.alloc(100);
    expect(told).toEqual([]);
    pool.alloc(1);
    pool.alloc(1);
    pool.dealloc(11);
    pool.alloc(20);
    expect(told).toEqual(['soft 101 100']);
    expect(budgetOf(tracker)).toMatchObject({ isAboveSoft: true, softCrossings: 1 });
    pool.dealloc(21);
    pool.alloc(9);
    expect(told).toEqual(['soft 101 100', 'recovered 90 90']);
    expect(budgetOf(tracker)).toMatchObject({ isAboveSoft: false, softCrossings: 1 });
    budget[Symbol.dispose]();
    pool.alloc(50);
    expect(told.length).toBe(2);
    expect(budgetOf(tracker)).toMatchObject({ softBytes: 100, softCrossings: 2 });
  });

  test('that is set below what is held is crossed at once', () => {
    const tracker = create();
    const pool = tracker.tag('pool', { scope });
    pool.alloc(50);
    const told: string[] = [];
    const budget = tracker.budget('pool', {
      softBytes: 40,
      recoverBytes: 5,
      onSoft: () => void told.push('soft'),
      onRecover: () => void told.push('recovered'),
    });
    budget.update({ softBytes: 60 });
    expect(told).toEqual(['soft', 'recovered']);
    expect(budget.limits).toEqual({ softBytes: 60, recoverBytes: 54, hardBytes: Infinity });
  });
});

test('a limit of a tag by worker is one of each worker', () => {
  const tracker = create();
  const other = MemoryTracker.attach(tracker.handle);
  const [mine, theirs] = [tracker.tag('pool', { scope: 'worker' }), other.tag('pool')];
  tracker.budget('pool', { hardBytes: 10, softBytes: 5 });
  mine.alloc(10);
  theirs.alloc(10);
  expect(() => theirs.alloc(1)).toThrow('1 bytes allocated on 10 bytes held by this worker');
  expect(budgetOf(tracker)).toMatchObject({ isAboveSoft: true, softCrossings: 2, refusals: 1 });
});

test('what is called and throws is an uncaught exception, and what was recorded stays', async () => {
  const tracker = create();
  tracker.budget('pool', {
    softBytes: 1,
    onSoft: () => {
      throw new Error('of the callback');
    },
  });
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  try {
    const thrown = once(process, 'uncaughtException');
    tracker.alloc('pool', 2);
    expect(tracker.currentBytes('pool')).toBe(2);
    expect(await thrown).toMatchObject([{ message: 'of the callback' }, 'uncaughtException']);
  } finally {
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
});

test('crossings are published on a diagnostics channel of their thread', () => {
  const tracker = create();
  const heard: unknown[] = [];
  const listen = (event: unknown): void => void heard.push(event);
  subscribe(BUDGET_CHANNEL, listen);
  try {
    tracker.budget('pool', { softBytes: 1 });
    tracker.alloc('pool', 2);
  } finally {
    unsubscribe(BUDGET_CHANNEL, listen);
  }
  expect(heard).toMatchObject([{ kind: 'soft', tag: 'pool', currentBytes: 2, limitBytes: 1 }]);
});

test.each(['shared', 'worker'] as const)(
  'other threads wait for crossings without a message, until they are told to stop (%s)',
  async (scope) => {
    const tracker = create();
    tracker.tag('pool', { scope });
    const stop = new AbortController();
    const changes = MemoryReader.attach(tracker.handle).watchBudgets({ signal: stop.signal, ref: true });
    tracker.alloc('before', 3);
    tracker.budget('pool', { softBytes: 5, hardBytes: 10 });
    tracker.alloc('pool', 6);
    expect(() => tracker.alloc('pool', 5)).toThrow(MemoryBudgetError);
    // What has happened before the first element is asked for is in it.
    const first = await changes.next();
    expect(first.value).toMatchObject({ tag: 'pool', softCrossings: 1, budget: { isAboveSoft: true } });
    // The refusal was told with it, or is told now: an alarm that ends makes sure that there is something.
    tracker.dealloc('pool', 6);
    expect((await changes.next()).value).toMatchObject({
      tag: 'pool',
      budget: { isAboveSoft: false, refusals: 1 },
    });
    const last = changes.next();
    stop.abort(new Error('enough'));
    await expect(last).rejects.toThrow('enough');
  },
);

test.each(['shared', 'worker'] as const)(
  'who waits for crossings is told of each one once, when it happens (%s)',
  async (scope) => {
    const tracker = create();
    const pool = tracker.tag('pool', { scope });
    tracker.budget('pool', { softBytes: 5, hardBytes: 10 });
    const stop = new AbortController();
    const changes = tracker.watchBudgets({ signal: stop.signal, ref: true });
    const next = async (change: () => void): Promise<unknown> => {
      const told = changes.next();
      // It waits by then.
      await new Promise((resolve) => setImmediate(resolve));
      change();
      return (await told).value;
    };
    const counts = { softCrossings: 0, refusals: 0 };
    const none = { isAboveSoft: false };
    expect(await next(() => pool.alloc(6))).toMatchObject({ ...counts, currentBytes: 6, softCrossings: 1 });
    const refused = (): void => expect(() => pool.alloc(5)).toThrow(MemoryBudgetError);
    expect(await next(refused)).toMatchObject({ ...counts, refusals: 1, budget: { isAboveSoft: true } });
    expect(await next(() => pool.dealloc(6))).toMatchObject({ ...counts, currentBytes: 0, budget: none });
    expect(await next(() => pool.alloc(7))).toMatchObject({ ...counts, softCrossings: 1 });
    const last = next(() => stop.abort(new Error('enough')));
    await expect(last).rejects.toThrow('enough');
  },
);

test.each(['shared', 'worker'] as const)('a tracker that is disposed changes no limits (%s)', (scope) => {
  const tracker = create();
  const other = MemoryTracker.attach(tracker.handle);
  other.tag('pool', { scope });
  const budget = other.budget('pool', { hardBytes: 10 });
  other[Symbol.dispose]();
  expect(() => budget.update({ hardBytes: 20 })).toThrow(TrackerDisposedError);
  expect(budgetOf(tracker)).toMatchObject({ hardBytes: 10 });
  budget[Symbol.dispose]();
});

test('limits that make no sense are refused', () => {
  const tracker = create();
  const bad = [
    { hardBytes: -1 },
    { softBytes: 1.5 },
    { softBytes: NaN },
    { softBytes: 11, hardBytes: 10 },
    { softBytes: 10, recoverBytes: 11 },
    { onSoft: 5 as never },
    { hardLimit: 5 } as never,
  ];
  for (const options of bad) expect(() => tracker.budget('pool', options)).toThrow(ArgumentRangeError);
  expect(budgetOf(tracker)).toBeNull();
  const budget = tracker.budget('pool', { softBytes: 100, recoverBytes: 20 });
  expect(() => budget.update({ softByte: 5 } as never)).toThrow('softByte');
  budget.update({ hardBytes: 500 });
  expect(budget.limits).toEqual({ softBytes: 100, recoverBytes: 20, hardBytes: 500 });
  // The limit of recovery goes with the soft one.
  budget.update({ softBytes: 120 });
  expect(budget.limits.recoverBytes).toBe(108);
});

test('recording below limits allocates nothing', () => {
  const tracker = create();
  const [all, own] = [tracker.tag('all'), tracker.tag('own', { scope: 'worker' })];
  for (const tag of ['all', 'own']) tracker.budget(tag, { softBytes: 5000, hardBytes: 10_000 });
  const bytes = expectZeroAllocation(() => {
    all.alloc(4096);
    own.alloc(4096);
    all.dealloc(4096);
    own.dealloc(4096);
  });
  expect(bytes).toBeLessThan(0.1);
});

test('recording above a soft limit allocates nothing', () => {
  const tracker = create();
  const [all, own] = [tracker.tag('all'), tracker.tag('own', { scope: 'worker' })];
  for (const recorder of [all, own]) {
    recorder.alloc(10_000);
    tracker.budget(recorder.tag, { softBytes: 5000 });
  }
  const bytes = expectZeroAllocation(() => {
    all.alloc(4096);
    own.alloc(4096);
    all.dealloc(4096);
    own.dealloc(4096);
  });
  expect(bytes).toBeLessThan(0.1);
});

test('a hard limit is exact, and each crossing told once, when several threads allocate at it', async () => {
  const workers = 2;
  const tracker = create(workers + 1);
  tracker.budget('pool', { softBytes: 60, recoverBytes: 20, hardBytes: 100 });
  const go = new Int32Array(new SharedArrayBuffer(4));
  const threads = Array.from(
    { length: workers },
    () =>
      new Worker(new URL('./worker/fill.ts', import.meta.url), {
        workerData: { handle: tracker.handle, go, rounds: 5000 } satisfies FillData,
        execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
      }),
  );
  await Promise.all(threads.map((thread) => once(thread, 'message')));
  const answers = Promise.all(threads.map((thread) => once(thread, 'message')));
  Atomics.store(go, 0, 1);
  Atomics.notify(go, 0);
  const sums = { soft: 0, recovered: 0, refused: 0 };
  for (const [each] of (await answers) as [typeof sums][]) {
    sums.soft += each.soft;
    sums.recovered += each.recovered;
    sums.refused += each.refused;
  }
  const [pool] = tracker.read().tags;
  expect(pool!.peakBytes).toBeLessThanOrEqual(100);
  expect(pool).toMatchObject({
    currentBytes: 0,
    budget: { softCrossings: sums.soft, refusals: sums.refused, isAboveSoft: false },
  });
  expect(sums.recovered).toBe(sums.soft);
  expect(sums.soft).toBeGreaterThan(0);
  expect(sums.refused).toBeGreaterThan(0);
});
