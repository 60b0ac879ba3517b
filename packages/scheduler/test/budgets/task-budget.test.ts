import { Worker } from 'node:worker_threads';
import { ArgumentRangeError, AttachError } from '@corelane/shared-memory';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BudgetReader, TaskBudget } from '../../src/budgets/index.ts';
import { taskBudget } from '../../src/budgets/layout.ts';

test('takes 16 bytes', () => {
  expect(taskBudget.bytes).toBe(16);
});

test('what is consumed is never more than there was, and what is left never below 0', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 10_000 }),
      fc.array(
        fc.oneof(fc.integer({ min: 0, max: 4000 }), fc.constantFrom(1e9, 2 ** 31, 2 ** 32, Infinity, 0.5)),
      ),
      (pollBudget, takes) => {
        const budget = TaskBudget.create({ pollBudget });
        let left = pollBudget;
        for (const units of takes) {
          const wholly = Math.ceil(units); // a part of a unit counts as one
          expect(budget.consume(units)).toBe(wholly <= left);
          left = Math.max(0, left - wholly);
          expect([budget.remaining, budget.isSpent]).toEqual([left, left === 0]);
        }
      },
    ),
  );
});

test('a budget that is spent stays so through a million more, and for ever', () => {
  const budget = TaskBudget.create();
  for (let i = 0; i < 2000; i++) expect(budget.consume()).toBe(true);
  let enough = 0;
  for (let i = 0; i < 1e6; i++) if (budget.consume()) enough++;
  expect([enough, budget.remaining, budget.isSpent]).toEqual([0, 0, true]);
});

test('is full again after a reset, and counts these', () => {
  const budget = TaskBudget.create({ pollBudget: 100 });
  budget.consume(1000);
  budget.reset();
  expect([budget.remaining, budget.isSpent, budget.generation]).toEqual([100, false, 1]);
  expect(budget.resetIfNeeded(0)).toBe(false);
  expect(budget.generation).toBe(1);
  budget.consume(100);
  expect(budget.resetIfNeeded(0)).toBe(true);
  expect([budget.remaining, budget.generation]).toEqual([100, 2]);
});

test('counts resets beyond what a word holds', () => {
  const words = new Int32Array(4);
  const budget = new TaskBudget(words, 0);
  words[taskBudget.word.generation] = -1;
  expect(budget.generation).toBe(2 ** 32 - 1);
  budget.reset();
  expect(budget.generation).toBe(0);
});

test('has a deadline until it is reset, on a clock that wraps', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e12, max: 1e12, noNaN: true }),
      fc.integer({ min: 1, max: 1e9 }),
      (nowMs, afterMs) => {
        const budget = TaskBudget.create();
        expect(budget.isPast(nowMs)).toBe(false);
        budget.setDeadline(nowMs + afterMs, nowMs);
        expect(budget.isPast(nowMs)).toBe(false);
        expect(budget.isPast(nowMs + afterMs - 1)).toBe(false);
        expect(budget.isPast(nowMs + afterMs + 2)).toBe(true);
        expect(budget.resetIfNeeded(nowMs + afterMs + 2)).toBe(true);
        expect(budget.isPast(nowMs + afterMs + 2)).toBe(false);
        budget.setDeadline(nowMs - 1e15, nowMs);
        expect(budget.isPast(nowMs)).toBe(true);
        budget.setDeadline(undefined, nowMs);
        expect(budget.isPast(nowMs)).toBe(false);
      },
    ),
  );
});

test('rises by one tier at a time, to the last one', () => {
  const budget = TaskBudget.create();
  expect([budget.tier, budget.escalate(), budget.escalate(), budget.escalate(), budget.escalate()]).toEqual([
    0, 1, 2, 3, 3,
  ]);
  budget.reset();
  expect(budget.tier).toBe(3);
  budget.setTier(1);
  expect(budget.tier).toBe(1);
});

test('is read by other threads while its own writes it', async () => {
  const buffer = new SharedArrayBuffer(64);
  const budget = new TaskBudget(new Int32Array(buffer, 16), 4, { pollBudget: 500 });
  expect(budget.handle.byteOffset).toBe(32);
  const source = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { BudgetReader } from ${JSON.stringify(new URL('../../src/budgets/index.ts', import.meta.url).href)};
    const reader = BudgetReader.attach(workerData);
    parentPort.on('message', () => parentPort.postMessage(reader.read()));
    parentPort.postMessage('ready');`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: budget.handle,
    execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
  });
  try {
    const next = (): Promise<unknown> =>
      new Promise((resolve, reject) => void worker.once('message', resolve).once('error', reject));
    expect(await next()).toBe('ready');
    budget.consume(100);
    budget.escalate();
    budget.setDeadline(1000, 0);
    worker.postMessage('read');
    expect(await next()).toEqual({ remaining: 400, tier: 1, generation: 0, hasDeadline: true });
    budget.reset();
    worker.postMessage('read');
    expect(await next()).toEqual({ remaining: 500, tier: 1, generation: 1, hasDeadline: false });
  } finally {
    await worker.terminate();
  }
});

test('refuses what it can not be, with what was found', () => {
  for (const pollBudget of [99, 10_001, 100.5, NaN, '200'])
    expect(() => TaskBudget.create({ pollBudget: pollBudget as number })).toThrow(ArgumentRangeError);
  expect(() => TaskBudget.create({ budget: 200 } as never)).toThrow(/options\.budget is 200/);
  for (const word of [-1, 1, 0.5])
    expect(() => new TaskBudget(new Int32Array(4), word)).toThrow(ArgumentRangeError);
  const budget = TaskBudget.create();
  for (const units of [-1, NaN, -Infinity]) expect(() => budget.consume(units)).toThrow(ArgumentRangeError);
  expect(budget.remaining).toBe(2000);
  for (const tier of [-1, 4, 0.5]) expect(() => budget.setTier(tier)).toThrow(ArgumentRangeError);
  for (const at of [NaN, -Infinity]) expect(() => budget.setDeadline(at, 0)).toThrow(ArgumentRangeError);
  expect(() => new TaskBudget(new Int32Array(4), 0).handle).toThrow(ArgumentRangeError);
});

test('a handle from a stranger is checked', () => {
  const buffer = new SharedArrayBuffer(32);
  for (const handle of [
    { buffer: new ArrayBuffer(32), byteOffset: 0 },
    { buffer, byteOffset: 20 },
    { buffer, byteOffset: 2 },
    { buffer, byteOffset: -4 },
    { buffer, byteOffset: NaN },
    {},
    null,
  ])
    expect(() => BudgetReader.attach(handle as never)).toThrow(AttachError);
  expect(BudgetReader.attach({ buffer, byteOffset: 16 }).read().remaining).toBe(0);
});
