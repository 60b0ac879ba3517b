import { Worker } from 'node:worker_threads';
import { AttachError } from '@corelane/shared-memory';
import { afterEach, describe, expect, test } from 'vitest';
import { Scheduler, type SchedulerOptions } from '../src/index.ts';
import { schedulerRoot, slowLaneRoot } from '../src/layout.ts';
import { tasks } from './tasks/basic.ts';
import { gated } from './tasks/gated.ts';
import { settings } from './tasks/settings.ts';
import { COUNTS, Words } from './tasks/words.ts';

const WITHIN = { timeout: 15_000 };

const slow = { lane: 'slow' } as const;

describe('workers of the slow lane', () => {
  test('come when something enters it, beyond those that there are, and take nothing else', async () => {
    await using scheduler = Scheduler.create({ threads: 1, slowLane: true });
    await scheduler.ready;
    expect(scheduler.threads).toBe(1);
    expect(scheduler.workers.map(({ isSlow, state }) => [isSlow, state])).toEqual([
      [false, 'ready'],
      [true, 'ended'],
    ]);
    expect(await scheduler.run(tasks.worker)).toBe(0);
    expect(await scheduler.run(tasks.worker, undefined, slow)).toBe(1);
    expect(await scheduler.run(tasks.worker)).toBe(0);
    expect(scheduler.stats().slowLane).toMatchObject({ queued: 0, entered: 1 });
    expect(scheduler.stats().workers[1]).toMatchObject({ isSlow: true, completed: 1 });
  });

  test('end when they have been idle, and come again', async () => {
    await using scheduler = Scheduler.create({
      minThreads: 1,
      maxThreads: 1,
      idleTimeoutMs: 20,
      slowLane: { workers: 2 },
    });
    for (let i = 0; i < 2; i++) {
      expect(await scheduler.run(tasks.worker, undefined, slow)).toBe(1);
      await expect
        .poll(() => scheduler.workers.filter(({ threadId }) => threadId >= 0).length, WITHIN)
        .toBe(1);
    }
    expect(scheduler.workers[0]?.state).toBe('ready');
  });

  test('are as many as tasks wait, up to the option', async () => {
    const words = new Words();
    await using scheduler = Scheduler.create({
      threads: 1,
      slowLane: { workers: 3 },
      workerData: words.view,
    });
    const held = Array.from({ length: 5 }, (_, i) => scheduler.run(gated.hold, i, slow));
    await words.arrived(3);
    expect(scheduler.stats().slowLane?.queued).toBe(2);
    expect(await scheduler.run(tasks.worker)).toBe(0);
    words.open();
    expect(await Promise.all(held)).toEqual([0, 1, 2, 3, 4]);
  });

  test('are none of a broadcast, and run what is pinned to them by their index', async () => {
    await using scheduler = Scheduler.create({ threads: 2, slowLane: true });
    expect(await scheduler.run(tasks.worker, undefined, slow)).toBe(2);
    expect(await scheduler.broadcast(tasks.worker)).toEqual([0, 1]);
    expect(await scheduler.run(tasks.worker, undefined, { pin: { worker: 2 } })).toBe(2);
  });

  test('come for what is pinned to them', async () => {
    await using scheduler = Scheduler.create({ threads: 1, slowLane: true });
    expect(await scheduler.run(tasks.worker, undefined, { pin: { worker: 1 } })).toBe(1);
  });

  test.runIf(process.platform === 'linux')('are nicer than the others', async () => {
    await using scheduler = Scheduler.create({ threads: 1, slowLane: { niceIncrement: 7 } });
    const [common, lane] = [
      await scheduler.run(settings.niceness),
      await scheduler.run(settings.niceness, undefined, slow),
    ];
    expect(lane.thread).toBe(Math.min(19, common.thread + 7));
  });

  test.each(['priority', 'fifo', 'roundRobin', 'workStealing', 'deadline'] as const)(
    'work under policy %s',
    async (policy) => {
      await using scheduler = Scheduler.create({ threads: 2, policy, slowLane: true });
      const run = (i: number): Promise<number> =>
        scheduler.run(tasks.double, i, i % 2 === 0 ? slow : undefined);
      const results = await Promise.all(Array.from({ length: 150 }, (_, i) => run(i)));
      expect(results).toEqual(Array.from({ length: 150 }, (_, i) => 2 * i));
      expect(scheduler.stats().slowLane?.entered).toBe(75);
    },
  );
});

describe('what the slow lane refuses', () => {
  let words: Words;
  let scheduler: Scheduler;

  const create = (options: SchedulerOptions): void => {
    words = new Words(2);
    scheduler = Scheduler.create({ threads: 1, workerData: words.view, ...options });
  };

  afterEach(async () => {
    words.open();
    await scheduler.close();
  });

  test('more tasks than capacity says', async () => {
    create({ slowLane: { capacity: 2 } });
    const held = scheduler.run(gated.hold, 1, slow);
    await words.arrived(1);
    const waiting = [scheduler.run(gated.count, COUNTS, slow), scheduler.run(tasks.double, 2, slow)];
    await expect(scheduler.run(tasks.echo, 3, slow)).rejects.toMatchObject({
      code: 'ERR_SLOW_LANE_FULL',
      task: 'echo',
      capacity: 2,
    });
    words.open();
    await Promise.all([held, ...waiting]);
    expect(scheduler.stats().slowLane).toMatchObject({ queued: 0, full: 1 });
    expect(await scheduler.run(tasks.echo, 3, slow)).toBe(3);
  });

  test('more tasks of one name than perSource says, and none of another', async () => {
    create({ slowLane: { perSource: 1 } });
    const held = scheduler.run(gated.hold, 1, slow);
    await words.arrived(1);
    const waiting = [scheduler.run(tasks.double, 1, slow)];
    await expect(scheduler.run(tasks.double, 2, slow)).rejects.toMatchObject({
      code: 'ERR_SOURCE_THROTTLED',
      task: 'double',
      perSource: 1,
    });
    waiting.push(scheduler.run(tasks.echo, 3, slow) as Promise<number>);
    words.open();
    await held;
    expect(await Promise.all(waiting)).toEqual([2, 3]);
  });

  test('a cancelled task makes room, for another one of its name, too', async () => {
    create({ slowLane: { capacity: 2, perSource: 1 } });
    const held = scheduler.run(gated.hold, 1, slow);
    await words.arrived(1);
    for (let i = 0; i < 100; i++) {
      const abort = new AbortController();
      const result = scheduler.run(tasks.double, i, { ...slow, signal: abort.signal });
      abort.abort(new Error('enough'));
      await expect(result).rejects.toThrow('enough');
    }
    expect(scheduler.stats().slowLane).toMatchObject({ queued: 0, full: 0, throttled: 0 });
    words.open();
    await held;
  });

  test('a task where there is none, or a lane of another name, or a pin beside it', async () => {
    create({});
    const code = 'ERR_ARGUMENT_RANGE';
    await expect(scheduler.run(tasks.double, 1, slow)).rejects.toMatchObject({ code });
    expect(scheduler.stats().slowLane).toBeUndefined();
    await expect(scheduler.run(tasks.double, 1, { lane: 'fast' as 'slow' })).rejects.toMatchObject({ code });
    await using other = Scheduler.create({ threads: 1, slowLane: true });
    await expect(other.run(tasks.double, 1, { ...slow, pin: { worker: 0 } })).rejects.toMatchObject({ code });
  });

  test.each([
    [{ slowLane: 1 }, 'slowLane'],
    [{ slowLane: null }, 'slowLane'],
    [{ slowLane: { worker: 1 } }, 'slowLane'],
    [{ slowLane: { workers: 0 } }, 'slowLane.workers'],
    [{ slowLane: { workers: 1.5 } }, 'slowLane.workers'],
    [{ slowLane: { workers: 1022 } }, 'slowLane.workers'],
    [{ slowLane: { niceIncrement: 20 } }, 'slowLane.niceIncrement'],
    [{ slowLane: { capacity: 5000 } }, 'slowLane.capacity'],
    [{ slowLane: { capacity: 10, perSource: 11 } }, 'slowLane.perSource'],
    [{ slowLane: { weights: { critical: 256 } } }, 'slowLane.weights.critical'],
    [{ slowLane: { weights: { urgent: 1 } } }, 'slowLane.weights'],
    [{ slowLane: { weights: 4 } }, 'slowLane.weights'],
    [{ slowLane: { boostMs: -1 } }, 'slowLane.boostMs'],
  ])('the option %j', (given, name) => {
    create({});
    expect(() => Scheduler.create({ threads: 1, ...(given as SchedulerOptions) })).toThrow(name);
  });
});

describe('what ends', () => {
  test('a worker of the slow lane is replaced, and what waits runs once', { timeout: 60_000 }, async () => {
    const count = 600;
    const words = new Words(count);
    await using scheduler = Scheduler.create({
      threads: 1,
      slots: 4096,
      slowLane: { workers: 2, perSource: 4096 },
      workerData: words.view,
    });
    const ends = Array.from({ length: count }, (_, i) => {
      if (i % 100 === 50) scheduler.run(gated.exit, 0, slow).catch(() => {});
      return scheduler.run(gated.count, COUNTS + i, slow).then(
        () => 'ran',
        (error: unknown) => (error as { code?: string }).code ?? String(error),
      );
    });
    for (const [i, end] of (await Promise.all(ends)).entries()) {
      expect(['ran', 'ERR_WORKER_LOST']).toContain(end);
      if (end === 'ran') expect(words.view[COUNTS + i]).toBe(1);
    }
    await expect.poll(() => scheduler.stats().slots.used, WITHIN).toBe(0);
    expect(scheduler.stats().slowLane?.queued).toBe(0);
  });

  test('a client: what it had in the slow lane never runs, and is counted no more', async () => {
    const words = new Words(2);
    await using scheduler = Scheduler.create({
      threads: 1,
      slowLane: { perSource: 5 },
      workerData: words.view,
    });
    const held = scheduler.run(gated.hold, 1, slow);
    await words.arrived(1);
    const worker = new Worker(new URL('tasks/slow-client.ts', import.meta.url), {
      workerData: { handle: scheduler.handle, word: COUNTS },
      execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
    });
    scheduler.reclaimOnExit(worker);
    await expect.poll(() => scheduler.stats().slowLane?.queued, WITHIN).toBe(5);
    await worker.terminate();
    await expect.poll(() => scheduler.stats().slowLane?.queued, WITHIN).toBe(0);
    words.open();
    await held;
    expect(await scheduler.run(gated.count, COUNTS + 1, slow)).toBe(COUNTS + 1);
    expect(words.view[COUNTS]).toBe(0);
  });

  test('the scheduler: it waits for what is in the slow lane where it closes, and rejects it where it is destroyed', async () => {
    const closing = Scheduler.create({ threads: 1, slowLane: true });
    const all = Array.from({ length: 20 }, (_, i) => closing.run(tasks.double, i, slow));
    await closing.close();
    expect(await Promise.all(all)).toHaveLength(20);
    const words = new Words();
    const destroyed = Scheduler.create({ threads: 1, slowLane: true, workerData: words.view });
    const never = [destroyed.run(gated.hold, 1, slow), destroyed.run(tasks.double, 1, slow)];
    const settled = Promise.allSettled(never);
    await words.arrived(1);
    await destroyed.destroy();
    for (const each of await settled)
      expect(each).toMatchObject({ status: 'rejected', reason: { code: 'ERR_SCHEDULER_CLOSED' } });
  });
});

test.each([
  ['capacity', 0],
  ['capacity', 1_000_000],
  ['sources', 3],
  ['slots', 17],
  ['lanesAt', 128],
  ['laneShift', 30],
] as const)('who attaches finds a slow lane whose %s was overwritten with %i', async (field, value) => {
  await using scheduler = Scheduler.create({ threads: 1, slots: 64, slowLane: true });
  const { i32, at } = scheduler.table;
  const word = ((i32[(at >> 2) + schedulerRoot.word.slowAt] as number) >> 2) + slowLaneRoot.word[field];
  const was = i32[word] as number;
  i32[word] = value;
  expect(() => Scheduler.attach(scheduler.handle)).toThrow(AttachError);
  i32[word] = was;
  const client = Scheduler.attach(scheduler.handle);
  expect(await client.run(tasks.double, 2, slow)).toBe(4);
  await client.close();
});
