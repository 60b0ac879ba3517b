// Streams of tasks, tasks on every worker, and the async context that they keep.
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, expect, expectTypeOf, test } from 'vitest';
import { Scheduler } from '../src/index.ts';
import { tasks } from './tasks/basic.ts';
import { gated } from './tasks/gated.ts';
import { Words } from './tasks/words.ts';

const scheduler = Scheduler.create({ threads: 2 });
afterAll(() => scheduler.close());

async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of results) found.push(each);
  return found;
}

/** Numbers from 0 on; counts how many it has given, and whether it was told to end. */
function numbers(count: number): { given: number; hasReturned: boolean } & AsyncIterable<number> {
  const source = {
    given: 0,
    hasReturned: false,
    async *[Symbol.asyncIterator]() {
      try {
        while (source.given < count) yield source.given++;
      } finally {
        source.hasReturned = true;
      }
    },
  };
  return source;
}

test('results come in order, of iterables and async iterables, typed', async () => {
  const doubled = Array.from({ length: 100 }, (_, i) => 2 * i);
  const results = scheduler.map(tasks.double, new Set(doubled));
  expectTypeOf(results).toEqualTypeOf<AsyncGenerator<number, void, undefined>>();
  expect(await all(results)).toEqual(doubled.map((each) => 2 * each));
  expect(await all(scheduler.map(tasks.double, numbers(100), { concurrency: 3 }))).toEqual(doubled);
  expect(await all(scheduler.map(tasks.double, []))).toEqual([]);
});

test('without order each comes as soon as it is there, and none is missing', async () => {
  const words = new Words(1);
  await using own = Scheduler.create({ threads: 2, workerData: words.view });
  const results = own.map(gated.element, [1, 3, 4, 5], { ordered: false, concurrency: 4 });
  const first = new Set<unknown>();
  // The first one holds its worker until the others are there.
  for (let i = 0; i < 3; i++) first.add((await results.next()).value);
  expect(first).toEqual(new Set([3, 4, 5]));
  words.open();
  expect(await all(results)).toEqual([1]);
});

test('no more arguments are taken than results, and `concurrency`', async () => {
  const source = numbers(1000);
  const results = scheduler.map(tasks.double, source, { concurrency: 5 });
  for (let taken = 1; taken <= 50; taken++) {
    expect((await results.next()).value).toBe(2 * (taken - 1));
    expect(source.given).toBeLessThanOrEqual(taken + 5 + 1);
  }
  await results.return();
  expect(source.hasReturned).toBe(true);
  await expect.poll(() => scheduler.inFlight).toBe(0); // what had ended is counted when it is collected
});

test('results come while the next argument is not there yet', async () => {
  let give: (value: number) => void = () => {};
  async function* slow(): AsyncGenerator<number> {
    yield 1;
    yield await new Promise<number>((resolve) => (give = resolve));
  }
  const results = scheduler.map(tasks.double, slow());
  expect((await results.next()).value).toBe(2);
  give(21);
  expect((await results.next()).value).toBe(42);
  expect((await results.next()).done).toBe(true);
});

test('what a task throws comes in its turn, ends the stream and what is under way', async () => {
  const source = numbers(1000);
  const seen: unknown[] = [];
  const failing = (async () => {
    for await (const each of scheduler.map(tasks.failFrom, source, { concurrency: 4 })) seen.push(each);
  })();
  await expect(failing).rejects.toThrow('10 is too much');
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(source.given).toBeLessThan(20);
  expect(source.hasReturned).toBe(true);
  await expect.poll(() => scheduler.inFlight).toBe(0); // what had ended is counted when it is collected
});

test('what the stream of arguments throws comes after the results of what it gave', async () => {
  function* broken(): Generator<number> {
    yield 1;
    yield 2;
    throw new RangeError('no third one');
  }
  const seen: unknown[] = [];
  const failing = (async () => {
    for await (const each of scheduler.map(tasks.double, broken())) seen.push(each);
  })();
  await expect(failing).rejects.toThrow('no third one');
  expect(seen).toEqual([2, 4]);
});

test('a signal ends it with its reason', async () => {
  const controller = new AbortController();
  const failing = (async () => {
    for await (const each of scheduler.map(tasks.double, numbers(1e9), { signal: controller.signal }))
      if (each === 40) controller.abort(new RangeError('enough'));
  })();
  await expect(failing).rejects.toThrow('enough');
  await expect.poll(() => scheduler.inFlight).toBe(0); // what had ended is counted when it is collected
  expect(() => scheduler.map(tasks.double, [], { concurrency: 0 })).toThrow(/concurrency is 0/);
  expect(() => scheduler.map(tasks.double, 5 as unknown as number[])).toThrow(/items is 5/);
});

test('a broadcast runs once on every worker, before what waits for any', async () => {
  const words = new Words();
  await using own = Scheduler.create({ threads: 3, workerData: words.view });
  await own.ready;
  const held = [1, 2, 3].map((value) => own.run(gated.hold, value));
  await words.arrived(3);
  const waiting = Array.from({ length: 20 }, () => own.run(gated.stampHere));
  const broadcast = own.broadcast(gated.stampHere);
  words.open();
  const seats = await broadcast;
  expect(seats.map(([worker]) => worker)).toEqual([0, 1, 2]);
  // Of those that the same worker ran: another one may have run all before this one was awake.
  for (const [worker, stamp] of await Promise.all(waiting))
    expect(stamp).toBeGreaterThan(seats[worker]?.[1] as number);
  await Promise.all(held);
});

test('a broadcast of an attached client; its error is that of the first that fails', async () => {
  const client = Scheduler.attach(scheduler.handle);
  await scheduler.ready;
  expect(await client.broadcast(tasks.double, 4)).toEqual([8, 8]);
  await expect(client.broadcast(tasks.fail, 'no')).rejects.toThrow('no');
  await client.close();
});

test('the async context of who submits is that of who goes on', async () => {
  const storage = new AsyncLocalStorage<number>();
  const found = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      storage.run(i, async () => {
        const result = await scheduler.run(tasks.double, i);
        const reason = await scheduler.run(tasks.fail, 'x').catch(() => storage.getStore());
        return [result, storage.getStore(), reason];
      }),
    ),
  );
  expect(found).toEqual(Array.from({ length: 200 }, (_, i) => [2 * i, i, i]));
});

test('the async context of who takes results is that of the loop, and of the first step that of the arguments', async () => {
  const storage = new AsyncLocalStorage<string>();
  const contexts: unknown[] = [];
  function* items(): Generator<number> {
    for (let i = 0; i < 10; i++) {
      contexts.push(storage.getStore());
      yield i;
    }
  }
  await storage.run('loop', async () => {
    for await (const each of scheduler.map(tasks.double, items(), { concurrency: 2 }))
      contexts.push(each < 0 ? 'never' : storage.getStore());
  });
  expect(contexts).toHaveLength(20);
  expect(new Set(contexts)).toEqual(new Set(['loop']));
});

test('a context that waited for a slot is kept, too', async () => {
  await using narrow = Scheduler.create({ threads: 1, slots: 1 });
  const storage = new AsyncLocalStorage<number>();
  const found = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      storage.run(i, () => narrow.run(tasks.double, i).then(() => storage.getStore())),
    ),
  );
  expect(found).toEqual(Array.from({ length: 20 }, (_, i) => i));
});
