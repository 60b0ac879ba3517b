// Tasks that a worker moves to the slow lane. Workers are this thread: it claims, moves and ends tasks as a worker does, step by step.
import { afterEach, expect, test } from 'vitest';
import {
  jsonCodec,
  Scheduler,
  type RunOptions,
  type SchedulerOptions,
  type SlowLaneOptions,
} from '../src/index.ts';
import {
  DELIVERED,
  ENDED_FINE,
  ENDED_MOVED,
  MOVED_STATE,
  MOVED_STAYS,
  MOVED_UNBEGUN,
  NO_TASK,
  PHASE_CLOSING,
  slotHead,
  WITHDRAWN,
} from '../src/layout.ts';
import { readValue, writeResult, writeThrown } from '../src/payload.ts';
import { markMoved, movedIn, WorkerMoves } from '../src/slow-lane/worker-moves.ts';
import { slowNowMs } from '../src/slow-lane/slow-lane.ts';
import type { SchedulerTable } from '../src/table.ts';
import { tasks } from './tasks/basic.ts';

const WITHIN = { timeout: 15_000 };

const COMMON = 1;
const SLOW = 2;

let scheduler: Scheduler;
let table: SchedulerTable;

function create(slowLane: SlowLaneOptions = {}, options: SchedulerOptions = {}): void {
  scheduler = Scheduler.create({ threads: 1, growth: 'manual', slowLane, ...options });
  table = scheduler.table;
  for (const worker of [COMMON, SLOW]) table.kernel.beginWork(table.at, worker);
}

afterEach(async () => {
  await scheduler.destroy();
});

const claim = (): number => table.kernel.claimTask(table.at, COMMON, 0);
const claimSlow = (): number => table.kernel.claimSlow(table.at, SLOW, 0, slowNowMs());
const waiting = (): number | undefined => scheduler.stats().slowLane?.queued;

/** Ends a task as moved. */
function move(slot: number, state?: { readonly is: unknown }): void {
  if (state === undefined) markMoved(table, slot, MOVED_UNBEGUN);
  else {
    writeResult(table, slot, state.is, 'task');
    markMoved(table, slot, MOVED_STATE);
  }
  expect(table.kernel.finishSlot(table.at, slot, COMMON, ENDED_MOVED)).toBe(DELIVERED);
}

function finish(slot: number, worker: number, result: unknown): void {
  writeResult(table, slot, result, 'task');
  table.kernel.finishSlot(table.at, slot, worker, ENDED_FINE);
}

/** Claims a task, and moves it at once. */
async function moved(state?: { readonly is: unknown }): Promise<number> {
  const slot = claim();
  move(slot, state);
  scheduler.client.collect();
  return claimSlow();
}

test.each([
  ['a number', 17.5],
  ['text', 'what there is'],
  ['nothing', undefined],
  ['an object', { at: 3, left: [1, 2, { deep: 'er' }] }],
  ['a record of numbers', { from: 1, to: 2 }],
  ['numbers', [1, 2, 3.5]],
  ['bytes', new Uint8Array([1, 2, 3])],
  ['a map', new Map([['a', new Date(5)]])],
  ['a long text', 'x'.repeat(10_000)],
])(
  'a state that is %s is what the task goes on from, and who waits for it gets its result',
  async (_, state) => {
    create();
    const result = scheduler.run(tasks.echo, 'first');
    const slot = await moved({ is: state });
    expect(slot).not.toBe(NO_TASK);
    expect(readValue(table, slot)).toEqual(state);
    expect(waiting()).toBe(0);
    finish(slot, SLOW, 'done');
    expect(await result).toBe('done');
    expect(scheduler.counts()).toMatchObject({ moved: 1 });
    expect(scheduler.inFlight).toBe(0);
  },
);

test('a task that has not begun goes there with its arguments, whatever they are', async () => {
  create();
  for (const args of [4, 'text', { a: [1] }, new Uint8Array(2000)]) {
    const result = scheduler.run(tasks.echo, args);
    const slot = await moved();
    expect(readValue(table, slot)).toEqual(args);
    finish(slot, SLOW, args);
    expect(await result).toEqual(args);
  }
});

test('a task moves again and again', async () => {
  create();
  const result = scheduler.run(tasks.double, 1);
  let slot = await moved({ is: 2 });
  for (let state = 3; state < 100; state++) {
    expect(readValue(table, slot)).toBe(state - 1);
    writeResult(table, slot, state, 'task');
    markMoved(table, slot, MOVED_STATE);
    table.kernel.finishSlot(table.at, slot, SLOW, ENDED_MOVED);
    scheduler.client.collect();
    slot = claimSlow();
  }
  finish(slot, SLOW, 'end');
  expect(await result).toBe('end');
});

test('the task keeps its priority there', async () => {
  create({ boostMs: 1_000_000 });
  const all = (['low', 'normal', 'high', 'critical'] as const).map((priority) =>
    scheduler.run(tasks.echo, priority, { priority }),
  );
  const slots = all.map(() => claim());
  for (const slot of slots.toReversed()) move(slot); // the least urgent one enters first
  scheduler.client.collect();
  const order: unknown[] = [];
  for (let i = 0; i < all.length; i++) {
    const slot = claimSlow();
    order.push(readValue(table, slot));
    finish(slot, SLOW, i);
  }
  expect(order).toEqual(['critical', 'high', 'normal', 'low']);
  await Promise.all(all);
});

test.each<[string, SlowLaneOptions]>([
  ['full', { capacity: 1 }],
  ['throttled', { perSource: 1 }],
])('where it is %s, the task goes back to its lane, and stays there for a while', async (why, options) => {
  create(options);
  const first = scheduler.run(tasks.echo, 1);
  const second = scheduler.run(tasks.echo, 2);
  const [a, b] = [claim(), claim()];
  move(a);
  move(b, { is: 'state' });
  scheduler.client.collect();
  expect(scheduler.stats().slowLane).toMatchObject({ queued: 1, [why]: 1 });
  const again = claim();
  expect(again).toBe(b);
  expect(movedIn(table, b)).toBe(MOVED_STAYS);
  expect(readValue(table, b)).toBe('state');
  const moves = WorkerMoves.of(table, false);
  expect(moves?.movableFrom(b, 100)).toBe(1100);
  finish(b, COMMON, 'b');
  finish(claimSlow(), SLOW, 'a');
  expect(await Promise.all([first, second])).toEqual(['a', 'b']);
});

test('a number that stays is a number', async () => {
  create({ capacity: 1 });
  const results = [scheduler.run(tasks.double, 1), scheduler.run(tasks.double, 2)];
  const slots = [claim(), claim()];
  for (const slot of slots) move(slot);
  scheduler.client.collect();
  const stayed = claim();
  expect(readValue(table, stayed)).toBe(2);
  finish(stayed, COMMON, 4);
  finish(claimSlow(), SLOW, 2);
  expect(await Promise.all(results)).toEqual([2, 4]);
});

test('where neither has room the task waits with its client, and comes there as soon as there is some', async () => {
  create({ capacity: 1 }, { slots: 4 });
  const results = Array.from({ length: 4 }, (_, i) => scheduler.run(tasks.echo, i));
  const slots = results.map(() => claim());
  for (const slot of slots) move(slot);
  const { laneRoom } = table;
  expect(laneRoom).toBe(4); // one enters the slow lane, and the others their lane again
  scheduler.client.collect();
  const rest = [claim(), claim(), claim()];
  expect(rest).not.toContain(NO_TASK);
  for (const slot of rest) finish(slot, COMMON, 'stayed');
  finish(claimSlow(), SLOW, 'moved');
  expect((await Promise.all(results)).map(String).toSorted((a, b) => a.localeCompare(b))).toEqual([
    'moved',
    'stayed',
    'stayed',
    'stayed',
  ]);
});

test.each<[string, (abort: AbortController) => RunOptions]>([
  ['signal', ({ signal }) => ({ signal })],
  ['time-out', () => ({ timeoutMs: 20 })],
  ['deadline', () => ({ deadlineMs: Date.now() + 20 })],
])('its %s ends it on its way, and its slot is free', async (kind, optionsOf) => {
  create();
  const abort = new AbortController();
  const result = scheduler.run(tasks.echo, 1, optionsOf(abort));
  move(claim(), { is: 2 });
  // Its slot is in the list, and this thread does not look into it.
  if (kind === 'signal') abort.abort(new Error('enough'));
  const startMs = performance.now();
  while (performance.now() - startMs < 30);
  await expect(result).rejects.toThrow(kind === 'signal' ? 'enough' : /task echo/);
  scheduler.client.collect();
  expect(claimSlow()).toBe(NO_TASK);
  await expect.poll(() => scheduler.stats().slots.used, WITHIN).toBe(0);
  expect(scheduler.inFlight).toBe(0);
});

test('its signal ends it where it waits, and the counts are right', async () => {
  create({ perSource: 1 });
  const abort = new AbortController();
  const result = scheduler.run(tasks.echo, 1, { signal: abort.signal });
  move(claim());
  scheduler.client.collect();
  expect(waiting()).toBe(1);
  abort.abort(new Error('enough'));
  await expect(result).rejects.toThrow('enough');
  expect(waiting()).toBe(0);
  const next = scheduler.run(tasks.echo, 2, { lane: 'slow' });
  finish(claimSlow(), SLOW, 'next');
  expect(await next).toBe('next');
});

test('what a list has taken back does not go on', async () => {
  create();
  const list = scheduler.runMany(tasks.failFrom, [1, 20], { chunk: 1 });
  list.catch(() => {});
  const [a, b] = [claim(), claim()];
  writeThrown(table, b, new RangeError('20 is too much'), 'task');
  table.kernel.finishSlot(table.at, b, COMMON, 1);
  move(a);
  scheduler.client.collect(); // the failure first: then the other one is on its way
  await expect(list).rejects.toThrow('20 is too much');
  expect(claimSlow()).toBe(NO_TASK);
  await expect.poll(() => scheduler.stats().slots.used, WITHIN).toBe(0);
});

test('an idempotent task whose worker was lost begins again from its last state', async () => {
  create();
  const result = scheduler.run(tasks.echo, { at: 0 }, { idempotent: true });
  const slot = await moved({ is: { at: 5 } });
  // Its worker is gone.
  table.kernel.recoverSlot(table.at, slot, SLOW);
  const { WorkerLostError } = await import('../src/index.ts');
  writeThrown(table, slot, new WorkerLostError('echo', SLOW - 1, 1), 'echo');
  table.kernel.deliverSlot(table.at, slot, 1, SLOW);
  scheduler.client.collect();
  const again = claim();
  expect(readValue(table, again)).toEqual({ at: 5 });
  finish(again, COMMON, 'done');
  expect(await result).toBe('done');
});

test('a scheduler that closes waits for a task that is on its way', async () => {
  create();
  const result = scheduler.run(tasks.echo, 1);
  const slot = claim();
  const closed = scheduler.close();
  await Promise.resolve();
  move(slot, { is: 2 });
  scheduler.client.collect();
  finish(claimSlow(), SLOW, 'done');
  expect(await result).toBe('done');
  await closed;
});

test('so does it where the slow lane has no room for it', async () => {
  create({ capacity: 1 });
  const results = [scheduler.run(tasks.echo, 1), scheduler.run(tasks.echo, 2)];
  const slots = [claim(), claim()];
  const closed = scheduler.close();
  await expect.poll(() => table.phase, WITHIN).toBe(PHASE_CLOSING);
  for (const slot of slots) move(slot);
  scheduler.client.collect();
  finish(claim(), COMMON, 'stayed');
  finish(claimSlow(), SLOW, 'moved');
  expect(await Promise.all(results)).toEqual(['moved', 'stayed']);
  await closed;
});

test('a scheduler that is destroyed rejects a task that is on its way, and one that waits', async () => {
  create();
  const results = [scheduler.run(tasks.echo, 1), scheduler.run(tasks.echo, 2)];
  const settled = Promise.allSettled(results);
  move(claim());
  scheduler.client.collect();
  move(claim());
  await scheduler.destroy();
  for (const each of await settled)
    expect(each).toMatchObject({ status: 'rejected', reason: { code: 'ERR_SCHEDULER_CLOSED' } });
});

test('the state of a task with a codec of its own is not touched on its way', async () => {
  create({}, { codec: jsonCodec });
  const result = scheduler.run(tasks.echo, { a: 1 });
  const slot = await moved({ is: { b: [1, 2] } });
  expect(readValue(table, slot)).toEqual({ b: [1, 2] });
  finish(slot, SLOW, 1);
  await result;
});

test('a task whose name is isolated is submitted to the slow lane, and one that was submitted before is moved there', async () => {
  create();
  const id = (slot: number): number => table.i32[table.slotWord(slot) + slotHead.word.task] as number;
  const before = scheduler.run(tasks.echo, 'before');
  const pinned = scheduler.run(tasks.echo, 'pinned', { pin: { worker: 0 } });
  const slots = [claim(), claim()];
  const name = id(slots[0] as number);
  isolate(name);
  const moves = WorkerMoves.of(table, false);
  expect(slots.map((slot) => moves?.isRerouted(slot, name))).toEqual([false, true]); // pinned tasks come first
  expect(WorkerMoves.of(table, true)).toBeUndefined();
  move(slots[1] as number);
  scheduler.client.collect();
  const after = scheduler.run(tasks.echo, 'after');
  expect(claim()).toBe(NO_TASK);
  expect(waiting()).toBe(2);
  for (let slot = claimSlow(); slot !== NO_TASK; slot = claimSlow())
    finish(slot, SLOW, readValue(table, slot));
  finish(slots[0] as number, COMMON, 'pinned');
  expect(await Promise.all([before, pinned, after])).toEqual(['before', 'pinned', 'after']);
});

test('a task of an isolated name waits with the others where the slow lane has no room', async () => {
  create({ perSource: 1 });
  const first = scheduler.run(tasks.echo, 0);
  const slot = claim();
  isolate(table.i32[table.slotWord(slot) + slotHead.word.task] as number);
  finish(slot, COMMON, 0);
  await first;
  const results = [scheduler.run(tasks.echo, 1), scheduler.run(tasks.echo, 2)];
  const left = claim();
  expect(left).not.toBe(NO_TASK);
  expect(WorkerMoves.of(table, false)?.isRerouted(left, 0)).toBe(false);
  finish(left, COMMON, 2);
  finish(claimSlow(), SLOW, 1);
  expect(await Promise.all(results)).toEqual([1, 2]);
});

test('a waiting task that is moved is cancelled as any other', async () => {
  create();
  const result = scheduler.run(tasks.echo, 1);
  result.catch(() => {});
  const slot = claim();
  move(slot);
  scheduler.client.collect();
  expect(table.kernel.cancelSlot(table.at, slot, 1)).toBe(WITHDRAWN);
  expect(waiting()).toBe(0);
});

/** As a worker does that has seen enough. */
function isolate(name: number): void {
  const { tiers } = table;
  if (tiers === undefined) throw new Error('no tiers');
  const cell = tiers.cellAt(name);
  expect(table.kernel.takeTier(cell, COMMON)).toBe(1);
  table.kernel.giveTier(cell, 3);
}
