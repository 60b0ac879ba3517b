// What means nothing is refused by a typed error, and nothing has changed afterwards.
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { defineTasks, Scheduler } from '../src/index.ts';
import { tasks } from './tasks/basic.ts';

/** Of any type, as from a program without types. */
const odd = (value: unknown): never => value as never;
const bare: unknown = Object.create(null);
const NOT_OPTIONS = [null, 1, 'x', () => 1, Symbol('x')];
const REFUSED = { code: 'ERR_ARGUMENT_RANGE' };

test.each([
  { arena: {} },
  { arena: 1 },
  { preload: 'file:///x.js' },
  { preload: null },
  { affinity: /x/ },
  { execArgv: 'x' },
  { argv: 1 },
  { env: 1 },
  { resourceLimits: 'x' },
  { memory: 'x' },
  { memory: 1 },
  { latency: 1 },
  { timing: 'x' },
  { policy: bare },
  { policy: 'roundRobin', sliceMs: Symbol('x') },
  { maxThreads: 1, idleTimeoutMs: [] },
  { closeTimeoutMs: bare },
  { graceMs: '' },
])('create(%o)', (options) => {
  expect(() => Scheduler.create(odd({ minThreads: 0, ...options }))).toThrow(
    expect.objectContaining(REFUSED),
  );
});

test('options that are no object', async () => {
  await using scheduler = Scheduler.create({ threads: 1, slots: 2 });
  for (const none of NOT_OPTIONS) {
    const options = odd(none);
    expect(() => Scheduler.create(options)).toThrow(expect.objectContaining(REFUSED));
    expect(() => Scheduler.attach(scheduler.handle, options)).toThrow(expect.objectContaining(REFUSED));
    for (const call of [
      async () => scheduler.run(tasks.double, 1, options),
      async () => scheduler.runMany(tasks.double, [1], options),
      async () => scheduler.broadcast(tasks.nothing, undefined, options),
      async () => scheduler.map(tasks.double, [1], options).next(),
      async () => scheduler.close(options),
    ])
      await expect(call()).rejects.toMatchObject(REFUSED);
    expect(scheduler.inFlight).toBe(0);
  }
  expect(scheduler.stats().clients).toHaveLength(1);
  expect(await scheduler.run(tasks.double, 2)).toBe(4);
});

test.each([
  { pin: 1 },
  { pin: null },
  { pin: { cpu: Symbol('x') } },
  { pin: { node: bare } },
  { priority: bare },
  { priority: 'toString' },
  { signal: {} },
  { signal: { addEventListener() {} } },
  { deadlineMs: [] },
  { deadlineMs: 10n },
  { idempotent: 1 },
  { transferList: {} },
])('run(task, args, %o)', async (options) => {
  await using scheduler = Scheduler.create({ threads: 1, slots: 2 });
  await expect(scheduler.run(tasks.double, 1, odd(options))).rejects.toMatchObject(REFUSED);
  expect(scheduler.inFlight).toBe(0);
  expect(await scheduler.run(tasks.double, 2)).toBe(4);
});

test('clients that there can not be are not reclaimed: the owner’s place stays its', async () => {
  await using scheduler = Scheduler.create({ threads: 1, maxClients: 2 });
  for (const id of [null, '', '0', -1, 0, 2, NaN, 0.5, undefined])
    expect(() => scheduler.reclaimClient(odd(id))).toThrow(expect.objectContaining(REFUSED));
  for (const worker of [null, undefined, {}, 1])
    expect(() => scheduler.reclaimOnExit(odd(worker))).toThrow(expect.objectContaining(REFUSED));
  expect(await scheduler.run(tasks.double, 2)).toBe(4);
});

test('options of workers that are refused take nothing of the arena', async () => {
  const options = { threads: 1, slots: 2 };
  const arena = Arena.create({ bytes: Scheduler.bytesFor(options) + 4096 });
  for (const wrong of [
    { preload: 1 },
    { niceIncrement: 20 },
    { maxTasksPerWorker: 0 },
    { closeTimeoutMs: 0 },
    { affinity: 'x' },
    { maxQueue: -1 },
  ])
    expect(() => Scheduler.create(odd({ ...options, ...wrong, arena }))).toThrow(
      expect.objectContaining(REFUSED),
    );
  await using scheduler = Scheduler.create({ ...options, arena });
  expect(await scheduler.run(tasks.double, 2)).toBe(4);
});

test('functions and options that are no object are no tasks', () => {
  for (const none of NOT_OPTIONS) {
    expect(() => defineTasks(import.meta.url, odd(none))).toThrow(expect.objectContaining(REFUSED));
    expect(() => defineTasks(import.meta.url, {}, odd(none))).toThrow(expect.objectContaining(REFUSED));
  }
});

test('nothing is no task, before any other was submitted as well', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  await expect(scheduler.run(undefined as never)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_RANGE' });
});
