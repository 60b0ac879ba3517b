// Properties of the pool that stands in for piscina's.
// Longer than other files: it goes through piscina's own documentation, chapter by chapter.
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MessageChannel, threadId } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import {
  isWorkerThread,
  move,
  Piscina,
  queueOptionsSymbol,
  type Options,
  type PiscinaTask,
  type Task,
  type TaskQueue,
} from '../../src/piscina/index.ts';

const jobs = fileURLToPath(new URL('./files/jobs.cjs', import.meta.url));
const moves = fileURLToPath(new URL('./files/moves.ts', import.meta.url));
const pools: Piscina[] = [];

function open(options: Options = {}): Piscina {
  const pool = new Piscina({ filename: jobs, maxThreads: 1, ...options });
  pools.push(pool);
  return pool;
}

function word(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4));
}

function letGo(held: Int32Array): void {
  Atomics.store(held, 0, 2);
  Atomics.notify(held, 0);
}

/** What a promise rejects with: asked for at once, awaited later. */
function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.destroy();
});

describe('what runs', () => {
  it('is what a file exports under a name, a promise of it, or its default; each call may name another', async () => {
    const pool = open({ name: 'double' });
    expect(await pool.run(21)).toBe(42);
    expect(await pool.run('whole', { name: 'default' })).toBe('whole');
    expect(await pool.run(0, { name: 'late' })).toBe('came later');
    expect(await pool.run(0, { filename: moves, name: 'keptBytes' })).toBeUndefined();
    await expect(pool.run(0, { name: 'missing' })).rejects.toThrow('No handler function exported from');
  });

  it('gets its argument alone', async () => {
    expect(await open().run(0, { name: 'argumentCount' })).toBe(1);
  });

  it('rejects with what it threw', async () => {
    const failure = open().run('broken', { name: 'fail' });
    await expect(failure).rejects.toBeInstanceOf(RangeError);
    await expect(failure).rejects.toMatchObject({ message: 'broken', code: 'ERR_OF_JOB' });
  });

  it('knows that its thread is a worker of a pool, and what that was given', async () => {
    const pool = open({ filename: moves, name: 'where', workerData: { shard: 3 } });
    expect(await pool.run(undefined)).toEqual({ isWorkerThread: true, workerData: { shard: 3 } });
    expect(isWorkerThread).toBe(false);
  });

  it('has the async context of its call where its result is awaited, and one async resource', async () => {
    const storage = new AsyncLocalStorage<string>();
    const pool = open();
    const seen = await storage.run('of the call', async () => {
      await pool.run(1);
      return storage.getStore();
    });
    expect(seen).toBe('of the call');
  });
});

describe('values', () => {
  it('shares memory that nobody has named, though the calling thread blocks at once', async () => {
    const pool = open();
    await pool.run(0);
    const held = word();
    const result = pool.run(held, { name: 'hold' });
    expect(Atomics.wait(held, 0, 0, 10_000)).not.toBe('timed-out');
    letGo(held);
    expect(await result).not.toBe(threadId);
  });

  it('transfers what is in the list, and what was moved, both ways', async () => {
    const pool = open({ filename: moves });
    const listed = new ArrayBuffer(1 << 17);
    await pool.run({ listed }, { name: 'keptBytes', transferList: [listed] });
    expect(listed.byteLength).toBe(0);
    const bytes = new Uint8Array(100);
    await pool.run(move(bytes), { name: 'keptBytes' });
    expect(bytes.byteLength).toBe(0);
    expect(await pool.run(64)).toBeInstanceOf(ArrayBuffer);
    expect(await pool.run(0, { name: 'keptBytes' })).toBe(0);
    expect(await pool.run(32, { name: 'own' })).toEqual({ data: new ArrayBuffer(32) });
    expect(await pool.run(0, { name: 'keptBytes' })).toBe(0);
  });

  it('carries message ports', async () => {
    const { port1, port2 } = new MessageChannel();
    const message = once(port1, 'message');
    await open().run(port2, { name: 'port', transferList: [port2] });
    expect((await message)[0]).toBe('through the port');
    port1.close();
  });

  it('have no largest size', async () => {
    const pool = open();
    const text = 'y'.repeat(6_000_000);
    expect(await pool.run(text)).toBe(text);
    expect(await pool.run(6_000_000, { name: 'big' })).toHaveLength(6_000_000);
  });

  it('that can not be cloned reject with DataCloneError, and the worker stays', async () => {
    const pool = open();
    await expect(pool.run(() => {})).rejects.toMatchObject({ name: 'DataCloneError' });
    const before = pool.threads[0];
    await expect(pool.run(0, { name: 'unclonable' })).rejects.toThrow('could not be cloned');
    expect(pool.threads[0]).toBe(before);
  });
});

describe('workers', () => {
  it('are as many as tasks need at once, within the limits', async () => {
    const pool = open({ minThreads: 1, maxThreads: 3 });
    expect(pool.threads).toHaveLength(1);
    const held = [word(), word(), word(), word()];
    const results = held.map((each) => pool.run(each, { name: 'hold' }));
    expect(pool.threads).toHaveLength(3);
    expect(pool.queueSize).toBe(1);
    for (const each of held) {
      await waitUntilHeld(each);
      letGo(each);
    }
    expect(new Set(await Promise.all(results)).size).toBeLessThanOrEqual(3);
  });

  it('beyond the least number end when they are idle for so long', async () => {
    const pool = open({ minThreads: 0, idleTimeout: 20 });
    expect(pool.threads).toHaveLength(0);
    await pool.run(1);
    const [worker] = pool.threads;
    await once(worker as unknown as EventEmitter, 'exit');
    expect(pool.threads).toHaveLength(0);
    expect(await pool.run(2)).toBe(2);
  });

  it('that end by themselves fail their task with how, and others take their place', async () => {
    const pool = open();
    await expect(pool.run(7, { name: 'exit' })).rejects.toThrow('worker exited with code: 7');
    expect(await pool.run(1)).toBe(1);
  });

  it('whose file can not be loaded fail the tasks that wait, and are not started for ever', async () => {
    const pool = open({ filename: `${jobs}.missing` });
    pool.on('error', () => {});
    await expect(pool.run(1)).rejects.toThrow('missing');
  });

  it('post messages, and are told of as they come and go', async () => {
    const pool = new Piscina({ filename: jobs, maxThreads: 1 });
    const events: string[] = [];
    for (const name of ['workerCreate', 'message', 'workerDestroy', 'close'])
      pool.on(name, (value: unknown) => events.push(typeof value === 'string' ? `${name} ${value}` : name));
    await Promise.all([once(pool, 'message'), pool.run('hello', { name: 'post' })]);
    await pool.close();
    expect(events).toEqual(['workerCreate', 'message hello', 'workerDestroy', 'close']);
  });

  it('run several tasks at once where they may', async () => {
    const pool = open({ concurrentTasksPerWorker: 3 });
    const [first, ...others] = await Promise.all([
      pool.run(30, { name: 'sleep' }),
      pool.run(30, { name: 'sleep' }),
      pool.run(30, { name: 'sleep' }),
    ]);
    expect(others).toEqual([first, first]);
  });
});

describe('signals', () => {
  it('that have aborted reject with the reason as the cause', async () => {
    const reason = new Error('no more');
    const failure = open().run(1, { signal: AbortSignal.abort(reason) });
    await expect(failure).rejects.toMatchObject({ name: 'AbortError', cause: reason });
  });

  it('take a waiting task from the queue', async () => {
    const pool = open();
    const held = word();
    const first = pool.run(held, { name: 'hold' });
    const emitter = new EventEmitter();
    const second = pool.run(1, { signal: emitter });
    expect(pool.queueSize).toBe(1);
    emitter.emit('abort');
    expect(pool.queueSize).toBe(0);
    await expect(second).rejects.toThrow('The task has been aborted');
    await waitUntilHeld(held);
    letGo(held);
    await first;
    expect(emitter.listenerCount('abort')).toBe(0);
  });

  it('end the worker of a running task, and no other', async () => {
    const pool = open({ minThreads: 2, maxThreads: 2 });
    const controller = new AbortController();
    const [stuck, other] = [word(), word()];
    const first = pool.run(stuck, { name: 'hold', signal: controller.signal });
    const second = pool.run(other, { name: 'hold' });
    await Promise.all([waitUntilHeld(stuck), waitUntilHeld(other)]);
    controller.abort();
    await expect(first).rejects.toThrow('The task has been aborted');
    letGo(other);
    expect(typeof (await second)).toBe('number');
    expect(await pool.run(1)).toBe(1);
  });
});

describe('queues', () => {
  it('have a limit, beyond which a task is refused', async () => {
    const pool = open({ maxQueue: 1 });
    const held = word();
    const first = pool.run(held, { name: 'hold' });
    const second = pool.run(2);
    await expect(pool.run(3)).rejects.toThrow('Task queue is at limit');
    await waitUntilHeld(held);
    letGo(held);
    await first;
    expect(await second).toBe(2);
    expect(pool.completed).toBe(2);
  });

  it('may be none at all: then a task is refused, and does not run later', async () => {
    const pool = open({ maxQueue: 0 });
    const held = word();
    const first = pool.run(held, { name: 'hold' });
    await expect(pool.run(3)).rejects.toThrow('No task queue available');
    expect(pool.queueSize).toBe(0);
    await waitUntilHeld(held);
    letGo(held);
    await first;
    expect(pool.completed).toBe(1);
  });

  it('of the user decide on the order, by what the argument says', async () => {
    class MostUrgent implements TaskQueue {
      readonly tasks: Task[] = [];
      get size(): number {
        return this.tasks.length;
      }
      push(task: Task): void {
        this.tasks.push(task);
        this.tasks.sort((a, b) => urgency(b) - urgency(a));
      }
      shift(): Task | null {
        return this.tasks.shift() ?? null;
      }
      remove(task: Task): void {
        this.tasks.splice(this.tasks.indexOf(task), 1);
      }
    }
    const urgency = (task: Task): number =>
      (task[queueOptionsSymbol] as { urgency: number } | null)?.urgency ?? 0;
    const pool = open({ taskQueue: new MostUrgent() });
    const order: number[] = [];
    const run = async (value: number): Promise<void> => {
      await pool.run({ [queueOptionsSymbol]: { urgency: value } });
      order.push(value);
    };
    await Promise.all([run(9), run(1), run(3), run(2)]);
    expect(order).toEqual([9, 3, 2, 1]);
  });

  it('keep the order of submission', async () => {
    const pool = open();
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => pool.run(i).then((value: number) => order.push(value))),
    );
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('fill and empty: needsDrain, then drain once', async () => {
    const pool = open();
    const events: string[] = [];
    pool.once('needsDrain', () => events.push(`needs ${pool.needsDrain}`));
    pool.on('drain', () => events.push(`drain ${pool.needsDrain}`));
    await Promise.all([pool.run(1), pool.run(2)]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual(['needs true', 'drain false']);
  });
});

describe('while all workers have enough to do', () => {
  const all = (pool: Piscina, count: number, name = 'default'): Promise<unknown>[] =>
    Array.from({ length: count }, (_, i) => pool.run(name === 'sleep' ? 1 : i, { name }));

  it('each task runs once, and the counts are those of tasks that wait and run', async () => {
    const pool = open({ minThreads: 2, maxThreads: 2 });
    const held = [word(), word()];
    const blocked = held.map((each) => pool.run(each, { name: 'hold' }));
    await Promise.all(held.map(waitUntilHeld));
    const results = all(pool, 5000);
    expect(pool.queueSize).toBe(5000);
    expect(pool.idleThreads).toBe(0);
    expect(pool.needsDrain).toBe(true);
    for (const each of held) letGo(each);
    await Promise.all(blocked);
    expect(await Promise.all(results)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
    expect(pool.completed).toBe(5002);
    expect(pool.queueSize).toBe(0);
    expect(pool.idleThreads).toBe(2);
  });

  it('a task with a signal has a worker to itself, in its turn, and ends with that worker', async () => {
    const pool = open();
    const before = all(pool, 20, 'sleep');
    const controller = new AbortController();
    const held = word();
    const abortable = pool.run(held, { name: 'hold', signal: controller.signal });
    const after = all(pool, 20);
    await waitUntilHeld(held);
    expect(await Promise.all(before)).toHaveLength(20);
    controller.abort();
    await expect(abortable).rejects.toThrow('The task has been aborted');
    expect(await Promise.all(after)).toHaveLength(20);
  });

  it('a worker that ends takes one task with it, and the others run', async () => {
    const pool = open({ minThreads: 2, maxThreads: 2 });
    const held = [word(), word()];
    const blocked = held.map((each) => pool.run(each, { name: 'hold' }));
    const exits = rejection(pool.run(3, { name: 'exit' }));
    const others = all(pool, 100);
    await Promise.all(held.map(waitUntilHeld));
    for (const each of held) letGo(each);
    await Promise.all(blocked);
    expect(await exits).toMatchObject({ message: expect.stringContaining('worker exited with code: 3') });
    expect(await Promise.all(others)).toHaveLength(100);
  });

  it('the limit of the queue is that of tasks that wait', async () => {
    const pool = open({ maxQueue: 3 });
    const held = word();
    const blocked = pool.run(held, { name: 'hold' });
    const waiting = all(pool, 3);
    await expect(pool.run(1)).rejects.toThrow('Task queue is at limit');
    await waitUntilHeld(held);
    letGo(held);
    await blocked;
    expect(await Promise.all(waiting)).toEqual([0, 1, 2]);
  });

  it('to destroy the pool rejects all at once', async () => {
    const pool = open();
    const held = word();
    const blocked = pool.run(held, { name: 'hold' });
    const outcomes = Promise.allSettled([blocked, ...all(pool, 50)]);
    await waitUntilHeld(held);
    await pool.destroy();
    const messages = (await outcomes).map((each) => (each as PromiseRejectedResult).reason as Error);
    expect(new Set(messages.map(({ message }) => message))).toEqual(new Set(['Terminating worker thread']));
  });
});

describe('load balancers', () => {
  it('choose the worker, or let a task wait', async () => {
    const asked: PiscinaTask[] = [];
    const pool = open({
      minThreads: 2,
      maxThreads: 2,
      loadBalancer: (task, workers) => {
        asked.push(task);
        const last = workers.at(-1) as (typeof workers)[number];
        return last.currentUsage === 0 ? last : null;
      },
    });
    const last = pool.threads[1]?.threadId;
    expect(await Promise.all([0, 0].map((ms) => pool.run(ms, { name: 'sleep' })))).toEqual([last, last]);
    expect(asked[0]).toMatchObject({ filename: jobs, name: 'sleep', isAbortable: false });
  });

  it('see histograms of workers where they are kept', async () => {
    let max: number | undefined;
    const pool = open({
      workerHistogram: true,
      loadBalancer: (_task, [worker]) => {
        max = worker?.histogram?.max;
        return worker ?? null;
      },
    });
    await pool.run(0);
    await pool.run(0);
    expect(max).toBeGreaterThan(0);
  });
});

describe('times', () => {
  it('are recorded, told in milliseconds, and can be forgotten', async () => {
    const pool = open();
    await pool.run(20, { name: 'sleep' });
    const { histogram } = pool;
    expect(histogram.runTime.max).toBeGreaterThan(10);
    expect(histogram.waitTime.max).toBeGreaterThan(0);
    expect(pool.utilization).toBeGreaterThan(0);
    expect(pool.utilization).toBeLessThan(1);
    histogram.resetRunTime();
    expect(histogram.runTime.mean).toBeNaN();
    expect(pool.utilization).toBe(0);
  });

  it('are not kept where nobody wants them', async () => {
    const pool = open({ recordTiming: false });
    await pool.run(1);
    expect(pool.histogram.runTime).toBeUndefined();
  });
});

describe('the end', () => {
  it('close waits for what there is, and refuses more', async () => {
    const pool = new Piscina({ filename: jobs, maxThreads: 1 });
    const tasks = [pool.run(20, { name: 'sleep' }), pool.run(20, { name: 'sleep' })];
    const closed = pool.close();
    await expect(pool.run(1)).rejects.toMatchObject({
      name: 'AbortError',
      cause: 'queue is being terminated',
    });
    await Promise.all(tasks);
    await closed;
    expect(pool.threads).toHaveLength(0);
  });

  it('close({ force }) rejects what waits', async () => {
    const pool = new Piscina({ filename: jobs, maxThreads: 1 });
    const tasks = [pool.run(20, { name: 'sleep' }), pool.run(20, { name: 'sleep' })];
    const closed = pool.close({ force: true });
    await expect(tasks[1]).rejects.toMatchObject({ cause: 'pool is closed' });
    await tasks[0];
    await closed;
  });

  it('close gives up after closeTimeout, with an error', async () => {
    const pool = new Piscina({ filename: jobs, maxThreads: 1, closeTimeout: 5 });
    const error = once(pool, 'error');
    const task = pool.run(word(), { name: 'hold' });
    const closed = pool.close();
    await expect(task).rejects.toThrow('Terminating worker thread');
    expect((await error)[0]).toMatchObject({ message: 'Close operation timed out' });
    await closed;
  });
});

async function waitUntilHeld(held: Int32Array<SharedArrayBuffer>): Promise<void> {
  const { async, value } = Atomics.waitAsync(held, 0, 0, 20_000);
  if (async) await value;
}
