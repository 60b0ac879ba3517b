// What every policy keeps to, and what each promises beyond that, on real workers.
import { Worker } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test, vi } from 'vitest';
import {
  POLICIES,
  Scheduler,
  type Policy,
  type RunOptions,
  type SchedulerOptions,
  type SeatPlace,
  type Topology,
} from '../src/index.ts';
import { tableOptions } from '../src/options.ts';
import { deadlineWord } from '../src/policy.ts';
import { orderVictims, publishPlace } from '../src/seats.ts';
import { bytesFor, SchedulerTable } from '../src/table.ts';
import { tasks } from './tasks/basic.ts';
import type { ClientReport } from './tasks/client.ts';
import { gated } from './tasks/gated.ts';
import { COUNTS, GATE, Words } from './tasks/words.ts';

// Workers start often here, and machines are slow where others work, too.
vi.setConfig({ testTimeout: 30_000 });

const nowMs = (): number => performance.timeOrigin + performance.now();
/** Far away: what comes too late does not run at all. */
const later = (ms: number): RunOptions => ({ deadlineMs: nowMs() + 60_000 + ms });

/** A scheduler with one worker that is held up until all tasks are queued. @returns in which order they ran */
async function orderOf(
  options: SchedulerOptions,
  submit: (scheduler: Scheduler) => readonly Promise<number>[] | Promise<readonly Promise<number>[]>,
): Promise<number[]> {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view, ...options });
  const held = scheduler.run(gated.hold, 0, options.policy === 'deadline' ? later(0) : {});
  await words.arrived(1);
  const stamps = await submit(scheduler);
  words.open();
  await held;
  return Promise.all(stamps);
}

describe.each(POLICIES)('policy %s', (policy: Policy) => {
  /** Some have a deadline, some a priority: that changes the order alone. */
  const any = (i: number): RunOptions =>
    i % 3 === 0 ? {} : i % 3 === 1 ? later((i * 7919) % 1000) : { priority: i % 21 };

  test('every task runs once and returns its result, whatever its options; more than there are slots', async () => {
    const words = new Words(1);
    await using scheduler = Scheduler.create({ policy, threads: 2, slots: 64, workerData: words.view });
    const results = await Promise.all(
      Array.from({ length: 3000 }, (_, i) => scheduler.run(tasks.double, i, any(i))),
    );
    expect(results).toEqual(Array.from({ length: 3000 }, (_, i) => 2 * i));
    await Promise.all(Array.from({ length: 3000 }, (_, i) => scheduler.run(gated.count, COUNTS, any(i))));
    expect(words.view[COUNTS]).toBe(3000);
    const stats = scheduler.stats();
    expect(stats).toMatchObject({ completed: 6000, failed: 0, lost: 0, running: 0, slots: { used: 0 } });
  });

  test('errors arrive; aborted tasks never run, whatever waits behind them', async () => {
    const words = new Words(1);
    await using scheduler = Scheduler.create({ policy, threads: 1, workerData: words.view });
    await expect(scheduler.run(tasks.fail, 'too far', later(5))).rejects.toThrow(RangeError);
    const held = scheduler.run(gated.hold, 1);
    await words.arrived(1);
    const controller = new AbortController();
    const aborted = Array.from({ length: 100 }, (_, i) =>
      scheduler.run(gated.count, COUNTS, { ...any(i), signal: controller.signal }).catch(() => 'aborted'),
    );
    const counted = Array.from({ length: 100 }, (_, i) => scheduler.run(tasks.double, i, any(i)));
    controller.abort();
    words.open();
    expect(await Promise.all(aborted)).toEqual(Array.from({ length: 100 }, () => 'aborted'));
    expect(await Promise.all(counted)).toHaveLength(100);
    expect(await held).toBe(1);
    expect(words.view[COUNTS]).toBe(0);
    expect(scheduler.stats().slots.used).toBe(0);
  });

  test('a worker that ends loses one task; all others run once', async () => {
    const words = new Words(1);
    await using scheduler = Scheduler.create({ policy, threads: 2, workerData: words.view });
    await scheduler.ready;
    const counted = Array.from({ length: 1500 }, (_, i) => scheduler.run(gated.count, COUNTS, any(i)));
    const lost = scheduler.run(gated.exit, 3, any(1)).catch((error: { code: string }) => error.code);
    counted.push(...Array.from({ length: 1500 }, (_, i) => scheduler.run(gated.count, COUNTS, any(i))));
    const ends = await Promise.allSettled(counted);
    expect(await lost).toBe('ERR_WORKER_LOST');
    expect(ends.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(words.view[COUNTS]).toBe(3000);
  });

  test('two clients on threads of their own and this one: all run', async () => {
    const words = new Words(1000);
    await using scheduler = Scheduler.create({ policy, threads: 2, slots: 256, workerData: words.view });
    const reports = [0, 1].map((id) => {
      const client = new Worker(new URL('tasks/client.ts', import.meta.url), {
        workerData: { handle: scheduler.handle, first: id * 500, tasks: 500, inFlight: 50, mode: 'count' },
        execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
      });
      return new Promise<ClientReport>((resolve, reject) => {
        client.on('message', (report: ClientReport) => report.completed === undefined || resolve(report));
        client.on('error', reject);
      });
    });
    const results = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => scheduler.run(tasks.double, i, any(i))),
    );
    expect(results.at(-1)).toBe(1998);
    for (const report of reports)
      expect(await report).toMatchObject({ completed: 500, refused: 0, wrong: [] });
    expect([...words.view.subarray(COUNTS)]).toEqual(Array.from({ length: 1000 }, () => 1));
  });

  test('a pinned task runs on its worker alone, in order, others being idle, and after its worker has ended', async () => {
    const words = new Words(1);
    await using scheduler = Scheduler.create({ policy, threads: 3, workerData: words.view });
    for (const worker of [2, 0, 1]) {
      const seen = await Promise.all(
        Array.from({ length: 200 }, () => scheduler.run(tasks.worker, undefined, { pin: { worker } })),
      );
      expect(new Set(seen)).toEqual(new Set([worker]));
    }
    const held = scheduler
      .run(gated.exit, 1, { pin: { worker: 1 } })
      .catch((error: { code: string }) => error.code);
    const stamps = Array.from({ length: 100 }, () =>
      scheduler.run(gated.stamp, undefined, { pin: { worker: 1 } }),
    );
    const worker = scheduler.run(tasks.worker, undefined, { pin: { worker: 1 }, ...later(1) });
    expect(await held).toBe('ERR_WORKER_LOST');
    expect(await Promise.all(stamps)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(await worker).toBe(1);
    expect(scheduler.stats()).toMatchObject({ pinned: 0, slots: { used: 0 } });
  });

  test('a pinned task that is aborted never runs; destroying rejects those that wait', async () => {
    const words = new Words(1);
    const scheduler = Scheduler.create({ policy, threads: 2, workerData: words.view });
    const held = scheduler.run(gated.never, undefined, { pin: { worker: 0 } });
    await words.arrived(1);
    const controller = new AbortController();
    const pin = { pin: { worker: 0 } };
    const aborted = scheduler.run(gated.count, COUNTS, { ...pin, signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await expect(aborted).rejects.toThrow('changed my mind');
    const rest = Array.from({ length: 200 }, () => scheduler.run(gated.count, COUNTS, pin));
    expect(scheduler.stats().pinned).toBeGreaterThan(0);
    expect(await scheduler.run(tasks.double, 2)).toBe(4);
    const ends = Promise.allSettled([held, ...rest]);
    await scheduler.destroy();
    for (const end of await ends)
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'ERR_SCHEDULER_CLOSED' } });
    expect(words.view[COUNTS]).toBe(0);
  });
});

test('fifo: in the order of submission, priorities or not', async () => {
  const order = await orderOf({ policy: 'fifo' }, (scheduler) =>
    Array.from({ length: 100 }, (_, i) => scheduler.run(gated.stamp, undefined, { priority: (i * 5) % 21 })),
  );
  expect(order).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test('fifo: of two clients in turn as they submit, also behind tasks that were cancelled', async () => {
  const order = await orderOf({ policy: 'fifo' }, (scheduler) => {
    const client = Scheduler.attach(scheduler.handle);
    const controller = new AbortController();
    const clients = [client, scheduler, scheduler, client, client, client, scheduler];
    const stamps = Array.from({ length: 70 }, (_, i) => {
      const by = clients[i % 7] as Scheduler;
      by.run(gated.stamp, undefined, { signal: controller.signal }).catch(() => {});
      return by.run(gated.stamp);
    });
    controller.abort();
    return stamps;
  });
  expect(order).toEqual(Array.from({ length: 70 }, (_, i) => i));
});

test('roundRobin: clients in turn, one task each, however many one of them has', async () => {
  const order = await orderOf({ policy: 'roundRobin' }, (scheduler) => {
    const clients = [Scheduler.attach(scheduler.handle), Scheduler.attach(scheduler.handle)];
    const many = Array.from({ length: 50 }, () => scheduler.run(gated.stamp));
    const few = clients.flatMap((client) => [1, 2, 3].map(() => client.run(gated.stamp)));
    return [...few, ...many];
  });
  // Three rounds of three clients.
  expect(Math.max(...order.slice(0, 6))).toBeLessThan(9);
});

test('deadline: the earliest first, however they were submitted; none comes last, by priority', async () => {
  const deadlines = Array.from({ length: 50 }, (_, i) => (i * 7919) % 1009);
  const start = nowMs() + 60_000;
  const order = await orderOf({ policy: 'deadline' }, (scheduler) => [
    scheduler.run(gated.stamp, undefined, { priority: 'low' }),
    scheduler.run(gated.stamp),
    scheduler.run(gated.stamp, undefined, { priority: 'critical' }),
    ...deadlines.map((ms) => scheduler.run(gated.stamp, undefined, { deadlineMs: start + ms })),
  ]);
  const sorted = deadlines.toSorted((a, b) => a - b);
  expect(order).toEqual([52, 51, 50, ...deadlines.map((ms) => sorted.indexOf(ms))]);
});

test('deadline: of equal ones the first that was submitted; an aborted one is in nobody’s way', async () => {
  const deadlineMs = nowMs() + 60_000;
  const order = await orderOf({ policy: 'deadline' }, (scheduler) => {
    const controller = new AbortController();
    for (let i = 0; i < 20; i++)
      scheduler
        .run(gated.stamp, undefined, { deadlineMs: deadlineMs - 1000, signal: controller.signal })
        .catch(() => {});
    controller.abort();
    return Array.from({ length: 50 }, () => scheduler.run(gated.stamp, undefined, { deadlineMs }));
  });
  expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i));
});

test('deadline: tasks without one do not starve', async () => {
  const order = await orderOf({ policy: 'deadline' }, (scheduler) => [
    scheduler.run(gated.stamp),
    ...Array.from({ length: 300 }, () => scheduler.run(gated.stamp, undefined, later(1000))),
  ]);
  expect(order[0]).toBeLessThan(192);
});

test('workStealing: what one worker has taken for itself runs on others while it is busy', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({
    policy: 'workStealing',
    threads: 2,
    localQueue: 16,
    stealBatch: 2,
    workerData: words.view,
  });
  await scheduler.ready;
  const held = scheduler.run(gated.hold, 7);
  await words.arrived(1);
  const results = await Promise.all(Array.from({ length: 1000 }, (_, i) => scheduler.run(tasks.double, i)));
  expect(results).toHaveLength(1000);
  words.open();
  expect(await held).toBe(7);
});

test('workStealing: the nearest is stolen from first, as the topology says, or where workers are', async () => {
  const distance = (a: number, b: number): number => Math.abs(a - b);
  await using scheduler = Scheduler.create({ policy: 'workStealing', threads: 4, topology: { distance } });
  expect(await scheduler.run(tasks.double, 4)).toBe(8);
});

test('workers that say where they are: tasks are pinned to a CPU or a node, or refused where nobody is', async () => {
  await using scheduler = Scheduler.create({
    threads: 3,
    affinity: new URL('tasks/seats.ts', import.meta.url),
  });
  await scheduler.ready;
  const workers = async (pin: RunOptions['pin'] & object): Promise<Set<number>> =>
    new Set(
      await Promise.all(Array.from({ length: 30 }, () => scheduler.run(tasks.worker, undefined, { pin }))),
    );
  expect(await workers({ cpu: 4 })).toEqual(new Set([2]));
  expect(await workers({ node: 0 })).toEqual(new Set([0, 1]));
  expect(await workers({ node: 1 })).toEqual(new Set([2]));
  await expect(scheduler.run(tasks.worker, undefined, { pin: { cpu: 1 } })).rejects.toMatchObject({
    code: 'ERR_NO_SEAT',
    message: 'no worker is placed on cpu 1, expected one of 0, 2, 4',
    known: [0, 2, 4],
  });
});

test('options that mean nothing are refused', async () => {
  expect(() => Scheduler.create({ policy: 'lottery' as Policy })).toThrow(/policy is "lottery"/);
  expect(() => Scheduler.create({ localQueue: 64 })).toThrow(/localQueue is 64/);
  expect(() => Scheduler.create({ policy: 'workStealing', localQueue: 1 })).toThrow(/localQueue is 1/);
  expect(() => Scheduler.create({ policy: 'workStealing', stealBatch: 0 })).toThrow(/stealBatch is 0/);
  expect(() => Scheduler.create({ policy: 'workStealing', topology: {} as never })).toThrow(/topology/);
  await using scheduler = Scheduler.create({ threads: 1 });
  const run = (options: RunOptions): Promise<unknown> => scheduler.run(tasks.nothing, undefined, options);
  await expect(run({ pin: { worker: 1 } })).rejects.toThrow(/pin.worker is 1/);
  await expect(run({ pin: {} as never })).rejects.toThrow(/pin is/);
  await expect(run({ pin: { worker: 0, cpu: 1 } })).rejects.toThrow(/pin is .*one of them/);
  await expect(run({ deadlineMs: Number.NaN })).rejects.toThrow(/deadlineMs is NaN/);
  await expect(run({ pin: { node: 0 } })).rejects.toThrow(/expected an option affinity/);
});

test('a task that is pinned to a seat without a worker starts one, also after that has left', async () => {
  await using scheduler = Scheduler.create({ minThreads: 0, maxThreads: 3, idleTimeoutMs: 20 });
  const left: number[] = [];
  scheduler.on('workerDestroy', ({ worker }) => left.push(worker));
  for (let round = 1; round <= 2; round++) {
    const seen = await Promise.all(
      Array.from({ length: 20 }, () => scheduler.run(tasks.worker, undefined, { pin: { worker: 2 } })),
    );
    expect(new Set(seen)).toEqual(new Set([2]));
    await expect.poll(() => left.filter((worker) => worker === 2).length, { timeout: 20_000 }).toBe(round);
  }
});

describe('whom a worker steals from first', () => {
  const rowsOf = (topology: Topology | undefined, places: readonly SeatPlace[] = []): number[][] => {
    const plan = tableOptions({ threads: 4, policy: 'workStealing', slots: 16 });
    const table = SchedulerTable.create(Arena.create({ bytes: bytesFor(plan) }), plan);
    for (const [worker, place] of places.entries()) publishPlace(table, worker, place);
    orderVictims(table, topology);
    return [0, 1, 2, 3].map((worker) =>
      [0, 1, 2].map((i) => (table.i32[table.victimWord(worker, i)] as number) - 1),
    );
  };

  test('the next ones, where nothing is known', () => {
    expect(rowsOf(undefined)).toEqual([
      [1, 2, 3],
      [2, 3, 0],
      [3, 0, 1],
      [0, 1, 2],
    ]);
  });

  test('those with the same cache, then those on the same node', () => {
    const places = [
      { node: 0, cache: 0 },
      { node: 1, cache: 2 },
      { node: 0, cache: 1 },
      { node: 0, cache: 0 },
    ];
    expect(rowsOf(undefined, places)).toEqual([
      [3, 2, 1],
      [2, 3, 0],
      [3, 0, 1],
      [0, 2, 1],
    ]);
  });

  test('as a topology says', () => {
    const distance = (a: number, b: number): number => (a ^ b) % 4;
    expect(rowsOf({ distance })).toEqual([
      [1, 2, 3],
      [0, 3, 2],
      [3, 0, 1],
      [2, 1, 0],
    ]);
  });

  test('a place that is none is refused', () => {
    expect(() => rowsOf(undefined, [{ cpu: -1 }])).toThrow(/place\(\)\.cpu is -1/);
    expect(() => rowsOf(undefined, [{ node: 1.5 }])).toThrow(/place\(\)\.node is 1.5/);
  });
});

test('deadlines in slots: in order, never none, also far away and after 25 days', () => {
  const startMs = nowMs() - 1000;
  const soon = deadlineWord(nowMs() + 10, startMs);
  expect(soon).toBeGreaterThan(900);
  expect(deadlineWord(nowMs() + 20, startMs)).toBeGreaterThan(soon);
  expect(deadlineWord(startMs, startMs)).toBe(1);
  expect(deadlineWord(nowMs() - 5000, startMs)).toBeLessThan(0);
  expect((deadlineWord(1e300, startMs) - soon) | 0).toBeGreaterThan(0);
  expect((deadlineWord(-1e300, startMs) - soon) | 0).toBeLessThan(0);
  // The words wrap: what counts is the difference.
  const longAgoMs = nowMs() - 2 ** 31;
  const before = deadlineWord(nowMs() - 5, longAgoMs);
  const after = deadlineWord(nowMs() + 60_000, longAgoMs);
  expect(after).toBeLessThan(0);
  expect((after - before) | 0).toBeGreaterThan(60_000);
});

test.each(POLICIES)(
  '%s: a pinned task is no other worker’s, whatever hints its slot has had',
  async (policy) => {
    const words = new Words(1);
    await using scheduler = Scheduler.create({ policy, threads: 2, workerData: words.view });
    await scheduler.ready;
    const held = [0, 1].map((worker) => scheduler.run(gated.hold, worker, { pin: { worker } }));
    await words.arrived(2);
    for (let n = 0; n < 256; n++) {
      const controller = new AbortController();
      const aborted = scheduler.run(gated.count, COUNTS, { signal: controller.signal });
      controller.abort('mine');
      await expect(aborted).rejects.toBe('mine');
    }
    // Its generation is that of the first of them.
    const pinned = scheduler.run(tasks.worker, undefined, { pin: { worker: 1 } });
    Atomics.notify(words.view, GATE, 1); // one of the two goes on
    const first = await Promise.race(held);
    if (first === 0) expect(await scheduler.run(tasks.worker)).toBe(0);
    words.open();
    expect(await pinned).toBe(1);
    await Promise.all(held);
  },
);
