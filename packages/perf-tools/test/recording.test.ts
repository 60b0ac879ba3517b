import { spawnSync } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import {
  callTree,
  profileThread,
  profileWorker,
  startProfile,
  type CallTree,
  type ProfileOptions,
  type ThreadProfile,
} from '../src/profiles/index.ts';

const execArgv = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];
const running: Worker[] = [];

async function spinner(): Promise<{ readonly worker: Worker; readonly flag: Int32Array }> {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('worker/spinner.ts', import.meta.url), {
    execArgv,
    workerData: flag.buffer,
  });
  running.push(worker);
  await once(worker, 'message');
  return { worker, flag };
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.terminate()));
});

/** Microseconds of a function, wherever it was called. */
function timeOf(tree: CallTree, functionName: string): number {
  if (tree.functionName === functionName) return tree.totalUs;
  return tree.children.reduce((sum, child) => sum + timeOf(child, functionName), 0);
}

/** Of the time from the first sample on: what comes before it, which is long on a busy machine, V8 counts as the root's. */
function shareOf(recorded: ThreadProfile, functionName: string): number {
  const tree = callTree(recorded);
  return timeOf(tree, functionName) / tree.children.reduce((sum, { totalUs }) => sum + totalUs, 0);
}

describe('a profile of a worker that never yields', () => {
  test('shows its hot function by name, by its Worker and by its thread id', async () => {
    const { worker } = await spinner();
    const { threadId } = worker;
    const byWorker = await profileWorker(worker, { durationMs: 10 });
    expect(byWorker).toMatchObject({ name: `worker ${threadId}`, threadId, by: 'inspector' });
    const byId = await profileThread(threadId, { durationMs: 10, name: 'the spinner' });
    expect(byId).toMatchObject({ name: 'the spinner', threadId, by: 'inspector' });
    // Its start may be in the first of them still: on a busy machine it takes some of its time.
    for (const target of [worker, threadId]) {
      const share = async (): Promise<number> => {
        const again = { durationMs: 30 };
        const recorded = await (typeof target === 'number'
          ? profileThread(target, again)
          : profileWorker(target, again));
        return shareOf(recorded, 'hotInTheWorker');
      };
      await expect.poll(share).toBeGreaterThan(0.8);
    }
  });

  test('is recorded from its very beginning, and its end then is told as such', async () => {
    const turns = new Int32Array(new SharedArrayBuffer(4));
    const code = `
      const turns = new Int32Array(require('node:worker_threads').workerData);
      function early() { for (;;) for (turns[0]++, i = 0; i < 1e5; i++) Math.sqrt(i); }
      let i; early();`;
    const starting = new Worker(code, { eval: true, workerData: turns.buffer });
    running.push(starting);
    const startMs = performance.now();
    const recording = await startProfile(starting);
    await expect.poll(() => Atomics.load(turns, 0)).toBeGreaterThan(0);
    await delay(Math.max(100, performance.now() - startMs)); // as long as its start took
    expect(shareOf(await recording.stop(), 'early')).toBeGreaterThan(0.2);
    const ending = new Worker('', { eval: true });
    await expect(profileWorker(ending, { durationMs: 60_000 })).rejects.toMatchObject({
      code: 'ERR_THREAD_ENDED',
    });
  });

  test('keeps its optimised code where that is asked for, and time is then counted all the same', async () => {
    const { worker } = await spinner();
    const recorded = await profileWorker(worker, { durationMs: 50, deoptimize: false });
    const { totalUs, children } = callTree(recorded);
    expect(totalUs).toBeGreaterThan(0);
    expect(children.length).toBeGreaterThan(0);
  });

  test('takes samples at the interval that is asked for', async () => {
    const { worker } = await spinner();
    const perMs: number[] = [];
    const record = async (): Promise<number> => {
      const { profile } = await profileWorker(worker, { durationMs: 50, intervalUs: 100 });
      perMs.push((1000 * profile.samples.length) / (profile.endTime - profile.startTime));
      return perMs.at(-1) as number;
    };
    // While others have the processor some are left out; by V8's own millisecond there is one at most.
    await expect.poll(record).toBeGreaterThan(2);
    expect(Math.max(...perMs)).toBeLessThan(20);
  });

  test('is recorded twice at a time, and until it is stopped', async () => {
    const { worker } = await spinner();
    const [first, second] = await Promise.all([startProfile(worker), startProfile(worker.threadId)]);
    const profiles = await Promise.all([first.stop(), second.stop()]);
    expect(await first.stop()).toBe(profiles[0]);
    for (const { profile } of profiles) expect(profile.endTime).toBeGreaterThan(profile.startTime);
  });

  test('leaves nothing behind: no listener on the worker or the signal', async () => {
    const { worker } = await spinner();
    const before = worker.listenerCount('exit');
    const { signal } = new AbortController();
    await (await startProfile(worker, { signal })).stop();
    const discarded = await startProfile(worker, { signal });
    await discarded[Symbol.asyncDispose]();
    await expect(discarded.stop()).rejects.toMatchObject({ code: 'ERR_PROFILER_UNAVAILABLE' });
    expect(worker.listenerCount('exit')).toBe(before);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('where the inspector is forbidden', () => {
  const hasOther = typeof Worker.prototype.startCpuProfile === 'function';
  const permitted = ['--permission', '--allow-worker', '--allow-fs-read=*', '--no-warnings', ...execArgv];
  const run = (options: string): string => {
    const file = fileURLToPath(new URL('worker/without-inspector.ts', import.meta.url));
    const { stdout, stderr } = spawnSync(process.execPath, [...permitted, file, options], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout;
  };

  test.runIf(hasOther)('a Worker profiles itself by what Node has for it', () => {
    expect(run('{}')).toBe('worker.startCpuProfile\n');
  });

  test('an interval is refused, for nothing else could set it', () => {
    expect(run('{"intervalUs":500}')).toMatch(/^ERR_PROFILER_UNAVAILABLE no CPU profile: .*restricted/);
  });
});

test('a worker profiles the main thread', async () => {
  const worker = new Worker(new URL('worker/profiler-of-main.ts', import.meta.url), { execArgv });
  running.push(worker);
  const answers: ThreadProfile[] = [];
  worker.on('message', (value: ThreadProfile) => answers.push(value));
  while (answers.length === 0) {
    spinOnMain();
    // oxlint-disable-next-line no-await-in-loop -- the answer comes between two spins
    await new Promise(setImmediate);
  }
  const [recorded] = answers as [ThreadProfile];
  expect(recorded).toMatchObject({ name: 'main', threadId: 0, by: 'inspector' });
  // vitest runs this file in a thread or a process of its own; its main thread spins only where it is that process's.
  expect(callTree(recorded).totalUs).toBeGreaterThan(0);
  // The recording before had one each 100 µs; these may come late, not early.
  const deltas = recorded.profile.timeDeltas.slice(1).toSorted((a, b) => a - b);
  expect(deltas[deltas.length >> 1]).toBeGreaterThan(500);
});

function spinOnMain(): number {
  let x = 0;
  for (let i = 0; i < 1e6; i++) x = (Math.imul(x, 31) + i) | 0;
  return x;
}

test('a thread profiles itself', async () => {
  const recording = await startProfile(0, { intervalUs: 200 });
  const end = performance.now() + 50;
  while (performance.now() < end) spinOnMain();
  const recorded = await recording.stop();
  expect(timeOf(callTree(recorded), 'spinOnMain')).toBeGreaterThan(0);
});

describe('what cannot be recorded is an error that says why:', () => {
  test.each([
    ['durationMs', { durationMs: 0 }],
    ['durationMs', { durationMs: 1.5 }],
    ['intervalUs', { durationMs: 1, intervalUs: 49 }],
    ['timeoutMs', { durationMs: 1, timeoutMs: -1 }],
    ['option duration of a profile', { durationMs: 1, duration: 2 }],
    ['options of a profile', undefined],
  ])('%s', async (argument, options) => {
    await expect(profileThread(0, options as ProfileOptions)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_RANGE',
      argument,
    });
  });

  test('no such thread, or one that has ended', async () => {
    const code = 'ERR_THREAD_ENDED';
    await expect(profileThread(987_654_321, { durationMs: 1 })).rejects.toMatchObject({
      code,
      threadId: 987_654_321,
    });
    const { worker } = await spinner();
    await worker.terminate();
    await expect(profileWorker(worker, { durationMs: 1 })).rejects.toMatchObject({ code });
  });

  test.each([undefined, 1000])('a thread that ends meanwhile (interval %s)', async (intervalUs) => {
    const { worker, flag } = await spinner();
    const recording = await startProfile(worker, intervalUs === undefined ? {} : { intervalUs });
    const profile = profileWorker(worker, {
      durationMs: 600_000,
      ...(intervalUs === undefined ? {} : { intervalUs }),
    });
    Atomics.store(flag, 0, 1);
    await expect(profile).rejects.toMatchObject({ code: 'ERR_THREAD_ENDED', threadId: recording.threadId });
    await recording.ended;
    await expect(recording.stop()).rejects.toMatchObject({ code: 'ERR_THREAD_ENDED' });
  });

  test('an aborted signal, before and in the middle', async () => {
    const reason = new Error('enough');
    await expect(profileThread(0, { durationMs: 1, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const { worker } = await spinner();
    const profile = profileWorker(worker, { durationMs: 600_000, signal: controller.signal });
    const recording = await startProfile(worker, { signal: controller.signal });
    controller.abort(reason);
    await expect(profile).rejects.toBe(reason);
    await expect(recording.stop()).rejects.toBe(reason);
  });

  test('a thread that is late', async () => {
    const word = new Int32Array(new SharedArrayBuffer(4));
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      parentPort.on('message', () => {});
      parentPort.postMessage('blocks');
      Atomics.wait(new Int32Array(workerData), 0, 0);`;
    const worker = new Worker(code, { eval: true, workerData: word.buffer });
    running.push(worker);
    await once(worker, 'message');
    let late: unknown;
    // It has told before it blocks: there it answers still.
    while (late === undefined)
      late = await startProfile(worker, { timeoutMs: 20 }).then(
        (recording) => recording[Symbol.asyncDispose](),
        (error: unknown) => error,
      );
    expect(late).toMatchObject({ code: 'ERR_THREAD_SILENT' });
    Atomics.store(word, 0, 1);
    Atomics.notify(word, 0);
    // It is none the worse for it.
    await (await startProfile(worker)).stop();
  });
});
