// Tasks of a bundle with checkpoints, on workers of a scheduler.
import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { threadId } from 'node:worker_threads';
import { Scheduler, type SchedulerOptions } from '@corelane/scheduler';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkpoints } from '../src/esbuild.ts';
import type * as TasksModule from './tasks.ts';

// Where packages of this repository are found, beside its source.
const folder = fileURLToPath(
  new URL(`../node_modules/.cache/bundle-${process.pid}-${threadId}`, import.meta.url),
);
const FINALLY = 2;

let tasks: typeof TasksModule.tasks;
/** The same without checkpoints. */
let plain: typeof TasksModule.tasks;

async function bundle(
  name: string,
  plugins: ReturnType<typeof checkpoints>[],
): Promise<typeof TasksModule.tasks> {
  const outfile = `${folder}/${name}.mjs`;
  await build({
    entryPoints: [fileURLToPath(new URL('./tasks.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile,
    external: ['@corelane/*'],
    plugins,
  });
  return ((await import(pathToFileURL(outfile).href)) as typeof TasksModule).tasks;
}

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  tasks = await bundle('changed', [checkpoints({ exclude: [] })]);
  plain = await bundle('plain', []);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function create(options: SchedulerOptions = {}): {
  scheduler: Scheduler;
  words: Int32Array<SharedArrayBuffer>;
} {
  const words = new Int32Array(new SharedArrayBuffer(16));
  return {
    words,
    scheduler: Scheduler.create({ threads: 1, workerData: words, graceMs: 20_000, ...options }),
  };
}

async function arrived(words: Int32Array<SharedArrayBuffer>): Promise<void> {
  const { async, value } = Atomics.waitAsync(words, 0, 0, 20_000);
  if (async) await value;
  expect(words[0]).toBe(1);
}

test.each(['tight', 'calling', 'nested', 'recursive'] as const)(
  'a plain function that would run for ever ends when nobody waits for it, and its worker stays: %s',
  async (name) => {
    const { scheduler, words } = create();
    const [worker] = scheduler.workers;
    await scheduler.ready;
    const abort = new AbortController();
    const run = scheduler.run(tasks[name], undefined, { signal: abort.signal });
    await arrived(words);
    abort.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
    expect(await scheduler.run(tasks.double, 21)).toBe(42);
    expect(words[FINALLY]).toBe(name === 'tight' || name === 'calling' ? 1 : 0);
    expect(scheduler.workers[0]?.threadId).toBe(worker?.threadId);
    expect(scheduler.stats()).toMatchObject({ lost: 0 });
    await scheduler.close();
  },
);

test('without checkpoints it costs its worker', async () => {
  const { scheduler, words } = create({ graceMs: 50 });
  await scheduler.ready;
  const before = scheduler.workers[0]?.threadId;
  const abort = new AbortController();
  const run = scheduler.run(plain.tight, undefined, { signal: abort.signal });
  await arrived(words);
  abort.abort(new Error('enough'));
  await expect(run).rejects.toThrow('enough');
  expect(await scheduler.run(plain.double, 21)).toBe(42);
  expect(words[FINALLY]).toBe(0);
  expect(scheduler.workers[0]?.threadId).not.toBe(before);
  await scheduler.close();
});

test('urgent tasks overtake a long sort on the only worker, and the sort is right', async () => {
  const { scheduler, words } = create({ checkpoints: { overtake: true } });
  const long = scheduler.run(tasks.sortUntilOpen, 20_000, { priority: 'low' });
  await arrived(words);
  for (let i = 0; i < 50; i++) expect(await scheduler.run(tasks.double, i, { priority: 'high' })).toBe(2 * i);
  await scheduler.run(tasks.openGate, undefined, { priority: 'critical' });
  const { sorts, right } = await long;
  expect(sorts).toBeGreaterThan(0);
  expect(right).toBe(true);
  await scheduler.close();
});

test('under roundRobin long sorts are sliced, within each other, and all are right', async () => {
  const { scheduler, words } = create({ policy: 'roundRobin', sliceMs: 2, checkpoints: { overtake: true } });
  const all = [5000, 9000, 20_000].map((length) => scheduler.run(tasks.sortUntilOpen, length));
  await arrived(words).catch(() => {});
  for (let i = 0; i < 20; i++) expect(await scheduler.run(tasks.double, i)).toBe(2 * i);
  await scheduler.run(tasks.openGate);
  for (const { right } of await Promise.all(all)) expect(right).toBe(true);
  await scheduler.close();
});

test('a parser of npm does what it does elsewhere', async () => {
  const { scheduler } = create();
  const text = '{a: [1, .5, +0x1F, Infinity], /* b */ "c": \'d\', }';
  expect(await scheduler.run(tasks.parse, text)).toEqual(await scheduler.run(plain.parse, text));
  await expect(scheduler.run(tasks.parse, '{a: ')).rejects.toThrow(/JSON5: invalid end of input at 1:5/);
  await scheduler.close();
});
