// What must hold whatever tasks do to who runs them, with budgets, hooks, the slow lane and the watchdog.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Scheduler, TaskStuckError } from '../src/index.ts';
import { hogs } from './tasks/hogs.ts';
import { odd } from './tasks/odd.ts';
import { Words } from './tasks/words.ts';

test('what throws when it is looked at whether it is a promise, or another step, is the error of its task, and its worker stays', async () => {
  await using scheduler = Scheduler.create({ threads: 1, concurrentTasksPerWorker: 4 });
  const before = await scheduler.run(odd.threadId);
  const waiting = scheduler.run(odd.waits, 50);
  for (const left of [0, 1, 5])
    await expect(scheduler.run(odd.refusesThen, left)).rejects.toThrow(new RangeError('then'));
  await expect(scheduler.run(odd.refusesIn)).rejects.toThrow(new RangeError('in'));
  expect(await waiting).toBe(50);
  expect(await scheduler.run(odd.threadId)).toBe(before);
  expect(scheduler.stats().lost).toBe(0);
});

test('what is thrown, is no error and can not be cloned is a NotCloneableError, from the first task on', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  for (let i = 0; i < 3; i++)
    await expect(scheduler.run(odd.throwsSymbol)).rejects.toMatchObject({
      code: 'ERR_NOT_CLONEABLE',
      message: expect.stringContaining('throwsSymbol') as string,
    });
});

test.each(['microtasks', 'ticks', 'patched'] as const)(
  'a task that keeps its worker by %s is stopped, and others go on',
  async (name) => {
    await using scheduler = Scheduler.create({
      threads: 2,
      watchdog: { slowMs: 50, killMs: 400, sampleMs: 10 },
    });
    const stuck = scheduler.run(odd[name]).then(
      () => 'no error',
      (error: unknown) => error,
    );
    expect(await scheduler.run(odd.waits, 1)).toBe(1);
    expect(await stuck).toBeInstanceOf(TaskStuckError);
    expect(await Promise.all([1, 2, 3].map((ms) => scheduler.run(odd.waits, ms)))).toEqual([1, 2, 3]);
  },
);

test('tasks that wait are active until they have ended, and not after that', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({
    threads: 1,
    budgets: true,
    concurrentTasksPerWorker: 4,
    workerData: words.view,
  });
  const active = (): number | undefined => scheduler.stats().budgets?.active;
  const all = [1, 2, 3].map((n) => scheduler.run(hogs.waits, n));
  await expect.poll(active).toBe(3);
  words.open();
  await Promise.all(all);
  await expect.poll(active).toBe(0);
});

test('of many exchanges of hooks at once each settles, and every poll is told to one set alone', async () => {
  const hooks = new URL('./tasks/pairing-hooks.ts', import.meta.url);
  await using scheduler = Scheduler.create({ threads: 2, budgets: true, slowLane: false });
  const over = { is: false };
  const exchanges = Promise.all(
    Array.from({ length: 60 }, (_, i) => scheduler.setHooks(i % 2 === 0 ? hooks : undefined)),
  ).then(() => (over.is = true));
  const runs = Array.from({ length: 4 }, async () => {
    while (!over.is) await scheduler.run(odd.threadId);
  });
  await Promise.all([exchanges, ...runs]);
  expect(scheduler.stats().budgets?.hookFailures).toBe(0);
});

test.each(['no-hooks', 'asynchronous-hooks'])(
  'an exchange of hooks that has failed (%s) changes nothing, for workers that come later neither',
  async (name) => {
    const hooksIn = (file: string): URL => new URL(`./tasks/${file}.ts`, import.meta.url);
    await using scheduler = Scheduler.create({ threads: 1, budgets: true, slowLane: false });
    await scheduler.ready;
    await scheduler.setHooks(hooksIn('pairing-hooks'));
    const failure = scheduler.setHooks(hooksIn(name));
    await expect(failure).rejects.toMatchObject({ code: 'ERR_HOOKS', module: hooksIn(name).href });
    const before = await scheduler.run(odd.threadId);
    scheduler.endWorker(0);
    expect(await scheduler.run(odd.threadId)).not.toBe(before);
    expect(await scheduler.run(odd.waits, 1)).toBe(1);
    expect(scheduler.stats().budgets?.hookFailures).toBe(0);
    await scheduler.setHooks(undefined);
  },
);

test('a worker that is started while hooks are exchanged has the new ones when that has settled', async () => {
  const hooks = new URL('./tasks/hooks-a.ts', import.meta.url);
  const words = new Int32Array(new SharedArrayBuffer(4096));
  await using scheduler = Scheduler.create({ threads: 2, budgets: true, slowLane: false, workerData: words });
  await scheduler.ready;
  const exchange = scheduler.setHooks(hooks);
  scheduler.endWorker(0);
  await exchange;
  await scheduler.run(odd.threadId, undefined, { pin: { worker: 0 }, idempotent: true });
  await expect.poll(() => words.some((count) => count > 0)).toBe(true);
});

test.each([
  ['0', {}, 'worker'],
  [0, { maxMS: 5 }, 'options.maxMS'],
  [0, null, 'options'],
])('parkWorker(%j, %j) is refused', async (worker, options, argument) => {
  await using scheduler = Scheduler.create({ threads: 1 });
  await expect(scheduler.parkWorker(worker as never, options as never)).rejects.toMatchObject({
    code: 'ERR_ARGUMENT_RANGE',
    argument,
  });
});

test('a process with all of it ends by itself when nothing is under way', async () => {
  const program = fileURLToPath(new URL('./tasks/with-everything.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@corelane/source', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect([code, text]).toEqual([0, '3 4\n']);
});
