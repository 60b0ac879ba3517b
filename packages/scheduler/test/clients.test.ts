// Several threads submit to the workers of one.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Scheduler } from '../src/index.ts';
import type { ClientData, ClientReport } from './tasks/client.ts';
import { gated } from './tasks/gated.ts';
import { tasks } from './tasks/basic.ts';
import { COUNTS, Words } from './tasks/words.ts';

function clientThread(data: ClientData): Worker {
  return new Worker(new URL('./tasks/client.ts', import.meta.url), {
    workerData: data,
    execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
  });
}

async function message<T>(worker: Worker): Promise<T> {
  const [value] = (await once(worker, 'message')) as [T];
  return value;
}

function codeOf(run: Promise<unknown>): Promise<string | undefined> {
  return run.then(
    () => undefined,
    (error: { code?: string }) => error.code,
  );
}

test.each([
  [2, 1, 1, 2000],
  [2, 2, 64, 20_000],
  [3, 2, 512, 20_000],
])(
  '%i clients on %i workers with %i in flight each: every task runs once and its client gets its result',
  async (clients, threads, inFlight, each) => {
    const words = new Words(clients * each);
    await using scheduler = Scheduler.create({ threads, workerData: words.view, slots: 2048 });
    const workers = Array.from({ length: clients }, (_, n) =>
      clientThread({ handle: scheduler.handle, first: n * each, tasks: each, inFlight, mode: 'count' }),
    );
    const reports = await Promise.all(
      workers.map(async (worker) => {
        await message(worker);
        const exit = once(worker, 'exit');
        const report = await message<ClientReport>(worker);
        await exit;
        return report;
      }),
    );
    expect(reports.flatMap((report) => report.wrong)).toEqual([]);
    expect(reports.map(({ completed, refused }) => [completed, refused])).toEqual(
      reports.map(() => [each, 0]),
    );
    expect(words.view.subarray(8).every((count) => count === 1)).toBe(true);
    expect(scheduler.stats()).toMatchObject({
      completed: clients * each,
      slots: { used: 0 },
      clients: [{ id: 0 }],
    });
  },
);

test('a client thread that is terminated under load: the others go on, and all its slots come back', async () => {
  const each = 6000;
  const words = new Words(each + 1);
  await using scheduler = Scheduler.create({ threads: 2, workerData: words.view, slots: 512 });
  await scheduler.ready;
  const survivor = clientThread({
    handle: scheduler.handle,
    first: 1,
    tasks: each,
    inFlight: 32,
    mode: 'count',
  });
  await message(survivor);
  const report = message<ClientReport>(survivor);
  for (let round = 0; round < 8; round++) {
    const victim = clientThread({
      handle: scheduler.handle,
      first: 0,
      tasks: 0,
      inFlight: 100,
      mode: 'flood',
    });
    scheduler.reclaimOnExit(victim);
    await message(victim);
    const before = Atomics.load(words.view, 8);
    await expect.poll(() => Atomics.load(words.view, 8)).toBeGreaterThan(before + 50);
    await victim.terminate();
    expect(await scheduler.run(tasks.double, round)).toBe(round * 2);
  }
  const { completed, wrong } = await report;
  expect(wrong).toEqual([]);
  expect(completed).toBe(each);
  expect(words.view.subarray(9).every((count) => count === 1)).toBe(true);
  // Cancelled slots come back when a worker takes them out of the queue.
  await expect.poll(() => scheduler.stats()).toMatchObject({ slots: { used: 0 }, clients: [{ id: 0 }] });
});

test('of a client that is gone queued tasks never run, and running ones are told', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
  const client = clientThread({ handle: scheduler.handle, first: 0, tasks: 0, inFlight: 5, mode: 'hold' });
  const { id } = await message<{ id: number }>(client);
  await words.arrived(1);
  expect(scheduler.stats().clients).toMatchObject([{ id: 0 }, { id, inFlight: 5 }]);
  await client.terminate();
  expect(scheduler.reclaimClient(id)).toEqual({ withdrawn: 4, disowned: 1, dropped: 0 });
  expect(scheduler.reclaimClient(id)).toEqual({ withdrawn: 0, disowned: 0, dropped: 0 });
  words.open();
  expect(await scheduler.run(gated.stamp)).toBe(0);
  expect(words.view[0]).toBe(1);
  expect(scheduler.stats()).toMatchObject({ slots: { used: 0 }, clients: [{ id: 0 }] });
});

test.each(['spin', 'abandon'] as const)(
  'a task that goes on when its client has ended (%s) costs its worker after the grace, which another one replaces, and close settles',
  async (mode) => {
    const words = new Words();
    const scheduler = Scheduler.create({ threads: 1, workerData: words.view, graceMs: 30 });
    const ended = new Promise((resolve) => scheduler.once('workerDestroy', resolve));
    const client = clientThread({ handle: scheduler.handle, first: 0, tasks: 0, inFlight: 0, mode });
    scheduler.reclaimOnExit(client);
    await message(client);
    await words.arrived(1);
    if (mode === 'abandon') {
      const aborted = message(client);
      client.postMessage('abort');
      await aborted;
    }
    await client.terminate();
    await ended;
    expect(await scheduler.run(tasks.double, 4)).toBe(8);
    expect(scheduler.stats()).toMatchObject({ lost: 1, slots: { used: 0 }, clients: [{ id: 0 }] });
    await scheduler.close();
  },
);

test('closing waits for a task of a client that has ended no longer than its grace', async () => {
  const words = new Words();
  const scheduler = Scheduler.create({ threads: 1, workerData: words.view, graceMs: 30 });
  const client = clientThread({
    handle: scheduler.handle,
    first: 0,
    tasks: 0,
    inFlight: 0,
    mode: 'spin',
  });
  const { id } = await message<{ id: number }>(client);
  await words.arrived(1);
  await client.terminate();
  const closed = scheduler.close();
  expect(scheduler.reclaimClient(id)).toEqual({ withdrawn: 0, disowned: 1, dropped: 0 });
  await closed;
});

test('a later task in the slot of a client that has ended is not condemned with it', async () => {
  const words = new Words();
  await using scheduler = Scheduler.create({ threads: 1, slots: 1, workerData: words.view, graceMs: 30 });
  const lost = Scheduler.attach(scheduler.handle);
  const gone = lost.run(gated.untilCancelled).catch((error: { code?: string }) => error.code);
  await words.arrived(1);
  scheduler.reclaimClient(lost.id);
  expect(await gone).toBe('ERR_CLIENT_LOST');
  expect(await scheduler.run(tasks.later, 80)).toBe('after 80');
  expect(scheduler.stats()).toMatchObject({ lost: 0 });
});

test('places of clients are given again, and run out with an error', async () => {
  await using scheduler = Scheduler.create({ threads: 1, maxClients: 3 });
  for (let round = 0; round < 5; round++) {
    const a = Scheduler.attach(scheduler.handle);
    const b = Scheduler.attach(scheduler.handle);
    expect([a.id, b.id]).toEqual([1, 2]);
    expect(() => Scheduler.attach(scheduler.handle)).toThrow(
      expect.objectContaining({ code: 'ERR_CLIENTS_EXHAUSTED' }) as Error,
    );
    expect(await Promise.all([a.run(tasks.double, 1), b.run(tasks.double, 2)])).toEqual([2, 4]);
    await a.close();
    await a.close();
    b.destroy();
    await expect(a.run(tasks.double, 1)).rejects.toMatchObject({ code: 'ERR_SCHEDULER_CLOSED' });
  }
});

test('a client that is closed finishes first; one that is destroyed rejects', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const patient = Scheduler.attach(scheduler.handle);
  const results = Promise.all([patient.run(tasks.later, 5), patient.run(tasks.double, 2)]);
  const closed = patient.close();
  await expect(patient.run(tasks.double, 2)).rejects.toMatchObject({ code: 'ERR_SCHEDULER_CLOSED' });
  await closed;
  expect(await results).toEqual(['after 5', 4]);
  const hasty = Scheduler.attach(scheduler.handle);
  const end = codeOf(hasty.run(tasks.later, 5));
  hasty.destroy();
  expect(await end).toBe('ERR_SCHEDULER_CLOSED');
  expect(await scheduler.run(tasks.double, 2)).toBe(4);
});

test('a client that is reclaimed though its thread is alive is told', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const client = Scheduler.attach(scheduler.handle);
  const end = codeOf(client.run(tasks.later, 20));
  scheduler.reclaimClient(client.id);
  expect(await end).toBe('ERR_CLIENT_LOST');
  await expect(client.run(tasks.double, 1)).rejects.toMatchObject({ code: 'ERR_CLIENT_LOST' });
  await client.close();
  expect(() => scheduler.reclaimClient(0)).toThrow(/id is 0/);
  expect(() => scheduler.reclaimClient(64)).toThrow(/id is 64/);
});

test('a task that is aborted or times out when its client has been reclaimed rejects all the same', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
  const held = scheduler.run(gated.hold, 1);
  await words.arrived(1);
  const client = Scheduler.attach(scheduler.handle);
  const controller = new AbortController();
  const aborted = codeOf(client.run(gated.count, COUNTS, { signal: controller.signal }));
  scheduler.reclaimClient(client.id);
  controller.abort(); // before the client has noticed
  expect(await aborted).toBe('ERR_CLIENT_LOST');
  words.open();
  await held;
});

test('closing under load loses nothing that was accepted, on any thread', async () => {
  const each = 100_000;
  const words = new Words(2 * each);
  const scheduler = Scheduler.create({ threads: 2, workerData: words.view });
  const clients = [0, 1].map((n) =>
    clientThread({ handle: scheduler.handle, first: n * each, tasks: each, inFlight: 256, mode: 'count' }),
  );
  const ready = clients.map((client) => message(client));
  // Listened for from then on: the first client may be done before the second one has started.
  const reports = clients.map(async (client, n) => {
    await ready[n];
    return message<ClientReport>(client);
  });
  await Promise.all(ready);
  await expect.poll(() => Atomics.load(words.view, 8 + 500)).toBe(1);
  await scheduler.close();
  const ran = words.view.subarray(8).reduce((sum, count) => sum + count, 0);
  const told = (await Promise.all(reports)).map(({ completed, wrong }) => ({ completed, wrong }));
  expect(told.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(told.reduce((sum, { completed }) => sum + completed, 0)).toBe(ran);
  expect(ran).toBeGreaterThan(500);
  expect(words.view.subarray(8).every((count) => count <= 1)).toBe(true);
});

test('a slot with nonsense in it fails, and its worker goes on', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const { SchedulerTable } = await import('../src/table.ts');
  const { slotHead } = await import('../src/layout.ts');
  const table = SchedulerTable.attach(scheduler.handle);
  const results = [
    [slotHead.word.task, 999],
    [slotHead.word.task, -1],
    [slotHead.word.lengthBytes, 1 << 30],
    [slotHead.word.lengthBytes, -5],
    [slotHead.word.kind, 77],
  ].map(([word, nonsense]) => {
    const free = scheduler.run(tasks.echo, 'text').catch((error: { code?: string }) => error.code);
    const slots = Array.from({ length: table.slots }, (_, slot) => slot).filter(
      (slot) => table.stateOf(slot) !== 0,
    );
    for (const slot of slots) table.i32[table.slotWord(slot) + (word as number)] = nonsense as number;
    return free;
  });
  for (const code of await Promise.all(results))
    expect(['ERR_CORRUPT_SLOT', 'ERR_TASK_NOT_FOUND']).toContain(code);
  expect(await scheduler.run(tasks.double, 4)).toBe(8);
  expect(scheduler.stats()).toMatchObject({ lost: 0, slots: { used: 0 } });
});

test('a handle that leads elsewhere is refused', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  const { handle } = scheduler;
  expect(() => Scheduler.attach({ ...handle, at: handle.at + 128 })).toThrow(/magic|at is/);
  expect(() => Scheduler.attach({ ...handle, kind: 'x' as never })).toThrow(/kind/);
  const { schedulerRoot } = await import('../src/layout.ts');
  const { Arena } = await import('@corelane/shared-memory');
  const { i32 } = Arena.attach(handle.arena);
  const word = (handle.at >> 2) + schedulerRoot.word.slots;
  const slots = i32[word] as number;
  for (const bad of [0, -1, slots * 2, slots - 1]) {
    i32[word] = bad;
    expect(() => Scheduler.attach(handle)).toThrow(/cannot attach/);
  }
  i32[word] = slots;
});

test('a client that is idle keeps no slots from another one', async () => {
  await using scheduler = Scheduler.create({ threads: 1, slots: 8 });
  const first = Scheduler.attach(scheduler.handle);
  // Each keeps half of them, and nobody has found none: neither gives one back of its own accord.
  for (const client of [scheduler, first])
    await Promise.all(Array.from({ length: 4 }, (_, n) => client.run(tasks.double, n)));
  const second = Scheduler.attach(scheduler.handle);
  expect(await second.run(tasks.double, 4)).toBe(8);
  await Promise.all([first.close(), second.close()]);
});
