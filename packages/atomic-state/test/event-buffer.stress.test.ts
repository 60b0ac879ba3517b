// The event buffer on real workers, and with workers that are terminated at any point.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { expect, test, vi } from 'vitest';
import { Crew } from '../../../tools/testing/crew.ts';
import { EventBuffer, type EventHandler, EventRecord, Priority, StateMachine } from '../src/index.ts';
import { eventPosition } from '../src/layout.ts';
import { eventKernelFor } from '../src/event-kernel.ts';
import { implementation } from './implementation.ts';
import type { EventReport, EventStation } from './worker/event-worker.ts';

import type { StuckStation } from './worker/stuck-worker.ts';

vi.setConfig({ testTimeout: 60_000 });

/** As in the worker. */
const THOROUGH = 15;
const WORKER = new URL('./worker/event-worker.ts', import.meta.url);

interface Setup {
  readonly machine: StateMachine;
  readonly events: EventBuffer;
  readonly seen: Int32Array;
  readonly taken: Int32Array;
}

function make(capacity: number, ids: number, maxEventBytes = 64): Setup {
  const arena = Arena.create({ bytes: 1 << 22 });
  const machine = StateMachine.create(arena, { endpoints: 1, implementation: implementation() });
  machine.endpoint('a');
  const events = EventBuffer.create(arena, { machine, capacity, maxEventBytes, inspect: false });
  // Positions wrap while the workers run; ids begin at 0.
  eventKernelFor(arena, machine.handle.at).initializeEvents(
    events.handle.at,
    0,
    0xfff80 << eventPosition.field.urgent.shift,
  );
  return {
    machine,
    events,
    seen: new Int32Array(new SharedArrayBuffer(4 * ((ids >> 5) + 1))),
    taken: new Int32Array(new SharedArrayBuffer(4 * 16)),
  };
}

const bitsOf = (words: Int32Array): number =>
  words.reduce((sum, word) => {
    let count = 0;
    for (let rest = word >>> 0; rest !== 0; rest &= rest - 1) count++;
    return sum + count;
  }, 0);

test.each([
  [8, 2, 1, 20_000],
  [8, 1, 2, 20_000],
  [64, 2, 2, 30_000],
  [1024, 3, 2, 40_000],
] as const)(
  'capacity %i, %i producers, %i consumers: each id comes out once, whole, each producer’s in order within a priority',
  async (capacity, producers, consumers, count) => {
    // A producer ends up to 6 events beyond its count.
    const { events, seen, taken } = make(capacity, producers * (count + 8));
    const stations = [
      ...Array<'producer'>(producers).fill('producer'),
      ...Array<'consumer'>(consumers).fill('consumer'),
    ].map((role): EventStation => ({
      handle: events.handle,
      role,
      count: role === 'producer' ? count : producers * count,
      taken,
      seen,
    }));
    await using crew = new Crew(WORKER, stations);
    await crew.go();
    const reports = await crew.reports<EventReport>();
    expect(reports.flatMap(({ wrong }) => wrong)).toEqual([]);
    const put = reports.slice(0, producers).reduce((sum, { done }) => sum + done, 0);
    const out = reports.slice(producers).reduce((sum, { done }) => sum + done, 0);
    using consumer = events.consumer();
    const rest = consumer.drain((event) => {
      const bit = 1 << (event.id & 31);
      expect(Atomics.or(seen, event.id >> 5, bit) & bit).toBe(0);
    });
    expect(out + rest).toBe(put);
    expect(bitsOf(seen)).toBe(put);
    expect(events.metrics()).toMatchObject({
      accepted: put,
      taken: put,
      depth: { urgent: 0, normal: 0 },
      abandoned: 0,
      lostWithConsumer: 0,
      waiting: 0,
    });
  },
);

test('a thread that waits without blocking is woken by another for each event that it had not seen', async () => {
  const { events, seen, taken } = make(8, 400);
  await using crew = new Crew(WORKER, [{ handle: events.handle, role: 'producer', count: 300, taken, seen }]);
  await crew.go();
  const ids = new Set<number>();
  const consumer = events.consumer();
  // Its last batch may go beyond what was asked for.
  while (ids.size < 300) ids.add(((await consumer.next()) as EventRecord).id);
  const [report] = await crew.reports<EventReport>();
  consumer.drain(({ id }) => ids.add(id));
  expect(ids.size).toBe(report?.done);
  expect(events.metrics().waiting).toBe(0);
});

test('producers and consumers terminated at any point: every id is accounted for, and the others go on', async () => {
  const left = { abandoned: 0, lostWithConsumer: 0 };
  for (let round = 0; round < 6; round++) {
    const { events, seen, taken } = make(64, 1 << 22, 8192);
    const station = (role: EventStation['role']): EventStation => ({
      handle: events.handle,
      role,
      count: 0,
      taken,
      seen,
    });
    await using crew = new Crew(WORKER, [station('copier'), station('comparer'), station('copier')]);
    const failed = new Promise<never>((_, reject) => {
      for (const worker of crew.workers) worker.once('error', reject);
    });
    failed.catch(() => {});
    const ids = crew.workers.map(({ threadId }) => threadId);
    await crew.go();
    const terminate = async (worker: number, more: number): Promise<void> => {
      const goal = Atomics.load(taken, 0) + more;
      while (Atomics.load(taken, 0) < goal || Atomics.load(taken, 1 + worker) === 0)
        await Promise.race([new Promise(setImmediate), failed]);
      await crew.workers[worker]?.terminate();
      const found = events.reclaim(ids[worker] as number);
      expect(found.roles).toBe(1);
      left.abandoned += found.abandoned;
      left.lostWithConsumer += found.lostWithConsumer;
      expect(events.reclaim(ids[worker] as number)).toEqual({ roles: 0, abandoned: 0, lostWithConsumer: 0 });
    };
    await terminate(0, 200); // while the consumer is quicker than the producers
    Atomics.store(taken, THOROUGH, 1);
    await terminate(1, 20); // while the other producer has filled the rings
    using consumer = events.consumer();
    const mark: EventHandler = ({ id }) => {
      const bit = 1 << (id & 31);
      expect(Atomics.or(seen, id >> 5, bit) & bit).toBe(0);
    };
    let drained = 0;
    while (drained < 200) {
      drained += consumer.drain(mark, 20);
      await new Promise(setImmediate);
    }
    const end = terminate(2, 0);
    // With a mutex, whoever asks for it after its owner has ended waits until that is recovered, which this thread does.
    for (let ended = implementation() === 'standard'; !ended; consumer.drain(mark))
      ended = await Promise.race([end.then(() => true), new Promise<false>((go) => setImmediate(go, false))]);
    await end;
    consumer.drain(mark);
    const { accepted, taken: out, depth, abandoned, lostWithConsumer } = events.metrics();
    expect({ out, depth }).toEqual({ out: accepted, depth: { urgent: 0, normal: 0 } });
    // Those that the consumer had handled of a batch that it had not released are marked, and lost.
    const unseen = accepted - bitsOf(seen);
    expect(unseen).toBeGreaterThanOrEqual(abandoned);
    expect(unseen).toBeLessThanOrEqual(abandoned + lostWithConsumer);
    // Both rings are whole: as many as they hold go in and come out.
    const producer = events.producer();
    for (const priority of [Priority.Normal, Priority.Urgent]) {
      expect(producer.enqueuePacked(0, new Uint8Array(64 * 8), 64, priority)).toBeGreaterThanOrEqual(0);
      expect(producer.enqueue(0, new Uint8Array(1), priority)).toBeLessThan(0);
    }
    expect(consumer.drain(() => {})).toBe(128);
  }
  // A consumer that looks at every byte is nearly always within its handler. Claims are hit now and then: see below.
  expect(left.lostWithConsumer).toBeGreaterThan(0);
});

async function stuck(
  events: EventBuffer,
  how: StuckStation['how'],
  urgent: number = Priority.Normal,
): Promise<{ id: number; end: () => Promise<unknown> }> {
  const word = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL('./worker/stuck-worker.ts', import.meta.url), {
    workerData: { handle: events.handle, how, urgent, word } satisfies StuckStation,
    execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
  });
  const id = worker.threadId;
  const failed = once(worker, 'error').then(([error]) => Promise.reject(error as Error));
  failed.catch(() => {});
  while (Atomics.load(word, 0) === 0) {
    const { async, value } = Atomics.waitAsync(word, 0, 0, 10_000);
    if (async) await Promise.race([value, failed]);
  }
  return { id, end: () => worker.terminate() };
}

test.each([
  ['claims', Priority.Urgent, 1, 0],
  ['claims', Priority.Normal, 1, 0],
  ['claims a batch, publishes some', Priority.Normal, 3, 2],
  ['claims a batch, publishes some', Priority.Urgent, 3, 2],
] as const)(
  'a producer that %s in priority %i and ends: %i abandoned, %i come out; events of the other priority never waited',
  async (how, priority, abandoned, published) => {
    const { events } = make(8, 64);
    const { id, end } = await stuck(events, how, priority);
    const producer = events.producer();
    const consumer = events.consumer();
    const other = priority === Priority.Urgent ? Priority.Normal : Priority.Urgent;
    const spent = abandoned + published;
    expect(producer.enqueue(0, new Uint8Array(1), priority)).toBe(spent);
    expect(producer.enqueue(0, new Uint8Array(2), other)).toBe(spent + 1);
    const ids: number[] = [];
    const drain = (): number => consumer.drain((event) => ids.push(event.id));
    drain();
    expect(ids.toSorted((a, b) => a - b)).toEqual([
      ...Array.from({ length: published }, (_, i) => i),
      spent + 1,
    ]);
    await end();
    expect(events.reclaim(id)).toEqual({ roles: 1, abandoned, lostWithConsumer: 0 });
    drain();
    expect(ids.at(-1)).toBe(spent);
    expect(events.metrics()).toMatchObject({ accepted: spent + 2, taken: spent + 2, abandoned });
    for (let lap = 0; lap < 3; lap++) {
      expect(producer.enqueuePacked(0, new Uint8Array(8), 8, priority)).toBeGreaterThan(0);
      expect(drain()).toBe(8);
    }
  },
);

test('a consumer that ends within its handler: the event that it had and those it had taken are lost, and counted', async () => {
  const { events } = make(8, 64);
  const producer = events.producer();
  producer.enqueuePacked(0, new Uint8Array(8), 8);
  const { id, end } = await stuck(events, 'handles');
  expect(producer.enqueue(0, new Uint8Array(1))).toBeLessThan(0);
  await end();
  expect(events.reclaim(id)).toEqual({ roles: 1, abandoned: 0, lostWithConsumer: 2 });
  const consumer = events.consumer();
  expect(consumer.drain(() => {})).toBe(6);
  expect(producer.enqueuePacked(0, new Uint8Array(8), 8)).toBeGreaterThan(0);
});

test.each(['waits', 'waits asynchronously'] as const)(
  'a consumer that %s and ends is waited for by nobody',
  async (how) => {
    const { events } = make(8, 64);
    const { id, end } = await stuck(events, how);
    await expect.poll(() => events.metrics().waiting).toBe(1);
    await end();
    expect(events.reclaim(id).roles).toBe(1);
    expect(events.metrics().waiting).toBe(0);
    const consumer = events.consumer();
    const waiting = consumer.next();
    events.producer().enqueue(0, new Uint8Array(3));
    expect((await waiting)?.length).toBe(3);
    expect(consumer.dequeue(new EventRecord())).toBe(false);
  },
);

test('the thread that calls cannot be reclaimed, nor can what is no thread', () => {
  const { events } = make(8, 64);
  for (const id of [0, -1, 0.5]) expect(() => events.reclaim(id)).toThrow(/threadId is/);
});
