// A thread runs one function, and whoever has its handle learns how that has ended.
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import { MessageChannel, type Worker } from 'node:worker_threads';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Scheduler, TaskNotFoundError } from '../../src/index.ts';
import {
  fileTask,
  ThreadBuilder,
  ThreadCancelledError,
  ThreadLostError,
  ThreadUnfinishedError,
} from '../../src/thread/index.ts';
import { JoinHandle } from '../../src/thread/join-handle.ts';
import { threadControl } from '../../src/thread/layout.ts';
import { Broken, threads } from '../tasks/threads.ts';

vi.setConfig({ testTimeout: 30_000 });

const builder = new ThreadBuilder({ name: 'test' });

test('join gives what the function returns, whatever kind of function it is', async () => {
  const handle = builder.spawn(threads.double, 21);
  expect(handle.isFinished).toBe(false);
  expect(() => handle.result).toThrow(ThreadUnfinishedError);
  expect(handle.error).toBeUndefined();
  const results = await Promise.all([
    handle.join(),
    builder.spawn(threads.later, 'text').join(),
    builder.spawn(threads.count, 100_000).join(),
    builder.spawn(threads.countSlowly, 3).join(),
  ]);
  expect(results).toEqual([42, 'TEXT', 100_000, 3]);
  expect(handle.isFinished).toBe(true);
  expect(handle.result).toBe(42);
  expect(handle.threadId).toBeGreaterThan(0);
});

test('what the function throws is what join rejects with: its class, code and cause', async () => {
  const handle = builder.spawn(threads.fail, 'no');
  const error = await handle.join().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Broken);
  expect(error).toMatchObject({
    message: 'no',
    code: 'ERR_BROKEN',
    cause: { name: 'RangeError', message: 'deep' },
  });
  expect(handle.error).toBe(error);
  expect(() => handle.result).toThrow(Broken);
  await expect(builder.spawn(threads.throwValue, { a: 1 }).join()).rejects.toEqual({ a: 1 });
  await expect(builder.spawn(threads.notCloneable).join()).rejects.toThrow(/could not be cloned/);
});

test('a thread that ends without an end of its function is lost: why is in the error', async () => {
  await expect(builder.spawn(threads.exit, 7).join()).rejects.toMatchObject({
    code: 'ERR_THREAD_LOST',
    exitCode: 7,
  });
  const crashed = await builder
    .spawn(threads.crash)
    .join()
    .catch((error: unknown) => error);
  expect(crashed).toBeInstanceOf(ThreadLostError);
  expect(crashed).toMatchObject({ exitCode: 1, cause: { message: 'uncaught' } });
  const spinning = builder.spawn(threads.spin);
  await spinning.started;
  await spinning.terminate();
  await expect(spinning.join()).rejects.toThrow(/terminated or by process.exit/);
});

test('what a function leaves behind does not keep its thread, and what it has printed is not lost', async () => {
  expect(await builder.spawn(threads.leaveBehind).join()).toBe('done');
  const handle = new ThreadBuilder({ stdout: true }).spawn(threads.print, 'line');
  const [printed] = await Promise.all([text(handle.worker.stdout), handle.join()]);
  expect(printed).toBe('line\n'.repeat(100));
});

test('a module, a task or a file that is not there is an error of the thread', async () => {
  await expect(builder.spawn({ module: 'file:///none.js', name: 'x' }).join()).rejects.toThrow(/none\.js/);
  const other = { module: threads.double.module, name: 'none' };
  await expect(builder.spawn(other).join()).rejects.toThrow(TaskNotFoundError);
  const file = new URL('../tasks/files/esm.ts', import.meta.url);
  expect(await builder.spawn(fileTask<(n: number) => number>(file), 4).join()).toBe(8);
  expect(await builder.spawn({ filename: file }, 5).join()).toBe(10);
  await expect(builder.spawn({ filename: file, name: 'none' }).join()).rejects.toThrow(
    /expected a function as none/,
  );
});

test('arguments and results are moved where they are marked', async () => {
  const bytes = new Uint8Array(1000).fill(1);
  expect(await builder.spawn(threads.sum, bytes, { transferList: [bytes.buffer] }).join()).toBe(1000);
  expect(bytes.length).toBe(0);
  const result = await builder.spawn(threads.bytes, 10).join();
  expect(result).toEqual(new Uint8Array(10).fill(7));
  expect(() => builder.spawn(threads.double, (() => {}) as never)).toThrow(/could not be cloned/);
});

describe('cancellation', () => {
  test('is seen by a synchronous loop; join rejects with the reason when the thread has ended', async () => {
    const handle = builder.spawn(threads.untilCancelled);
    await once(handle.worker, 'message');
    expect(handle.cancel('why')).toBe(true);
    expect(handle.cancel()).toBe(false);
    await expect(handle.join()).rejects.toBe('why');
    expect(handle.isFinished).toBe(true);
  });

  test('is an event on the signal; an AbortSignal of the caller does it, too', async () => {
    const controller = new AbortController();
    const handle = builder.spawn(threads.untilAborted, undefined, { signal: controller.signal });
    await once(handle.worker, 'message');
    controller.abort(new Error('caller'));
    await expect(handle.join()).rejects.toThrow('caller');
    const patient = builder.with({ graceMs: Infinity });
    const never = patient.spawn(threads.spin, undefined, { signal: AbortSignal.abort('before') });
    await expect(never.join()).rejects.toBe('before');
  });

  test('runs the finally of a generator; what does not end is terminated after its grace', async () => {
    const words = new Int32Array(new SharedArrayBuffer(4));
    {
      await using handle = builder.spawn(threads.cleanUp, words);
      await Atomics.waitAsync(words, 0, 0).value;
      expect(handle.isFinished).toBe(false);
    }
    expect(words[0]).toBe(2);
    const stuck = builder.with({ graceMs: 10 }).spawn(threads.spin);
    await stuck.started;
    stuck.cancel();
    await expect(stuck.join()).rejects.toThrow(ThreadCancelledError);
  });
});

describe('who ends a thread', () => {
  const unhandled = vi.fn<(error: unknown) => void>();
  beforeAll(() => void process.on('unhandledRejection', unhandled));
  afterAll(() => void process.off('unhandledRejection', unhandled));

  test('need not join it, and what it had returned before is not lost', async () => {
    const cancelled = builder.spawn(threads.untilCancelled);
    const terminated = builder.spawn(threads.spin);
    const controller = new AbortController();
    const aborted = builder.spawn(threads.untilAborted, undefined, { signal: controller.signal });
    await Promise.all([cancelled.started, terminated.started, aborted.started]);
    cancelled.cancel();
    void terminated.terminate();
    controller.abort();
    await expect
      .poll(() => [cancelled, terminated, aborted].every(({ isFinished }) => isFinished))
      .toBe(true);
    await immediate();
    expect(unhandled).not.toHaveBeenCalled();
  });

  test('does not lose what its function had returned before', async () => {
    const { port1, port2 } = new MessageChannel();
    const worker = Object.assign(new EventEmitter(), { threadId: 7 }) as unknown as Worker;
    const control = new SharedArrayBuffer(threadControl.bytes);
    const handle = new JoinHandle({
      worker,
      port: port1,
      control,
      name: 'done',
      graceMs: 0,
      signal: undefined,
      errors: [],
    });
    const heard = once(port1, 'message');
    port1.ref();
    port2.postMessage({ type: 'returned', value: 8 });
    await heard;
    expect(handle.isFinished).toBe(false);
    expect(handle.cancel()).toBe(false);
    worker.emit('exit', 0);
    expect(await handle.join()).toBe(8);
  });
});

describe('parking', () => {
  test('every unpark wakes a park, as one that was before it does; hand-offs are timed, apart from switches of fibres', async () => {
    const handle = builder.spawn(threads.park, 200);
    handle.unpark();
    handle.unpark();
    expect(handle.handOffs).toMatchObject({ kind: 'thread hand-off', samples: 0, isTargetMet: false });
    let seen = 0;
    handle.worker.on('message', (i: number) => {
      expect(i).toBe(seen++);
      // The first one was given before; two are one.
      if (i > 0) handle.unpark();
    });
    expect(await handle.join()).toBe(200);
    expect(seen).toBe(200);
    const { samples, averageNs = 0, fastestNs = 0, slowestNs = 0 } = handle.handOffs;
    expect(samples).toBeLessThan(200);
    expect(fastestNs).toBeGreaterThan(0);
    expect(averageNs).toBeGreaterThanOrEqual(fastestNs);
    expect(slowestNs).toBeGreaterThanOrEqual(averageNs);
  });

  test('no token is lost however the two meet', async () => {
    const words = new Int32Array(new SharedArrayBuffer(4));
    const rounds = 3000;
    const handle = builder.spawn(threads.pingPong, { words, rounds });
    await handle.started;
    for (let i = 0; i < rounds; i++) {
      Atomics.store(words, 0, 2 * i + 1);
      handle.unpark();
      // Not a sleep: without the token the thread stays parked, and this never ends.
      while (Atomics.load(words, 0) !== 2 * i + 2);
    }
    await handle.join();
    expect(handle.handOffs.samples).toBeGreaterThan(0);
  });

  test('ends after its time-out, and by a cancellation', async () => {
    expect(await builder.spawn(threads.parkFor, 1).join()).toBe(false);
    await expect(builder.spawn(threads.parkFor, -1).join()).rejects.toThrow(/timeoutMs is -1/);
    const handle = builder.with({ graceMs: Infinity }).spawn(threads.parkUntilCancelled);
    await once(handle.worker, 'message');
    handle.cancel('enough');
    await expect(handle.join()).rejects.toBe('enough');
  });
});

describe('what a thread is given', () => {
  test('its name, data, arguments, environment and limits', async () => {
    const who = await builder
      .with({
        name: 'named',
        workerData: { a: 1 },
        argv: ['x'],
        env: { ...process.env, CORELANE_TEST: 'yes' },
        resourceLimits: { maxOldGenerationSizeMb: 64 },
        stackSizeMb: 8,
      })
      .spawn(threads.whoAmI)
      .join();
    expect(who).toMatchObject({ name: 'named', data: { a: 1 }, argv: ['x'], env: 'yes', worker: -1 });
    expect(who.threadId).toBe(who.realId);
    expect(who.limits).toMatchObject({ maxOldGenerationSizeMb: 64, stackSizeMb: 8 });
    expect(who.heapLimitMb).toBeLessThan(200);
  });

  test('a stack that is as deep as it is large', async () => {
    const [small, large] = await Promise.all([
      builder.with({ stackSizeMb: 1 }).spawn(threads.depth).join(),
      builder.with({ stackSizeMb: 16 }).spawn(threads.depth).join(),
    ]);
    expect(large).toBeGreaterThan(8 * small);
  });

  test('a client of a scheduler, whose place is free again when the thread has ended', async () => {
    await using scheduler = Scheduler.create({ threads: 1, maxClients: 2 });
    for (let i = 0; i < 3; i++)
      expect(await builder.with({ scheduler }).spawn(threads.viaPool, i).join()).toBe(2 * i);
    expect(await builder.with({ scheduler: scheduler.handle }).spawn(threads.viaPool, 9).join()).toBe(18);
    expect(scheduler.stats().clients).toHaveLength(1);
  });

  test('an event loop of its own, on which fibres run as they do on a worker of a pool', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const sums = [builder.spawn(threads.fibres, 100).join(), scheduler.run(threads.fibres, 100)];
    expect(await Promise.all(sums)).toEqual([4950, 4950]);
  });

  test('a profile of its CPU time, written when it has ended', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'profile-')), 'thread.cpuprofile');
    const handle = builder.with({ profile: { file, intervalUs: 200 } }).spawn(threads.burn, 50);
    expect(await handle.started).toContainEqual({ option: 'profile', status: 'done' });
    await handle.join();
    const { nodes } = JSON.parse(readFileSync(file, 'utf8')) as {
      nodes: { callFrame: { functionName: string } }[];
    };
    expect(nodes.map(({ callFrame }) => callFrame.functionName)).toContain('burn');
  });
});

describe('warnings', () => {
  const warnings: Error[] = [];
  const note = (warning: Error): unknown => warnings.push(warning);
  beforeAll(() => void process.on('warning', note));
  afterAll(() => void process.off('warning', note));

  test('a profile that can not be written is one, and harms nothing else', async () => {
    const handle = builder.with({ profile: { file: '/none/here/x.cpuprofile' } }).spawn(threads.double, 2);
    expect(await handle.join()).toBe(4);
    await expect.poll(() => warnings.map(String).join()).toMatch(/thread test: profile: ENOENT/);
  });
});
