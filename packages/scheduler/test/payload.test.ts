// How arguments and results travel to real workers and back.
import { BufferPool, type Lease } from '@corelane/buffer-pool';
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { Scheduler, type PayloadSource } from '../src/index.ts';
import { reclaimPlace, takePlace } from '../src/client-places.ts';
import { DISOWNED, DROPPED, ENTERED, slotHead } from '../src/layout.ts';
import { tableOptions } from '../src/options.ts';
import { takeValue, writeValue } from '../src/payload.ts';
import { bytesFor, SchedulerTable } from '../src/table.ts';
import { tasks } from './tasks/basic.ts';
import { coded, LimitError, payloads, plain, views } from './tasks/payloads.ts';
import taggingCodec from './tasks/tagging-codec.ts';

describe('payloads that are larger than a slot', () => {
  test('go there and back whole, and their memory is free again', async () => {
    await using scheduler = Scheduler.create({
      threads: 2,
      payloadBytes: 1 << 20,
      payloadMemoryBytes: 4 << 20,
    });
    for (let round = 0; round < 4; round++) {
      const lengths = Array.from({ length: 60 }, (_, i) => Math.floor(200 * 1.14 ** i));
      const sums = await Promise.all(
        lengths.map((length) => scheduler.run(payloads.sum, new Uint8Array(length).fill(3))),
      );
      expect(sums).toEqual(lengths.map((length) => 3 * length));
      const text = 'héllo 日本 '.repeat(9000);
      expect(await scheduler.run(tasks.echo, text)).toBe(text);
    }
    const all = Array.from({ length: 12 }, () =>
      scheduler.run(payloads.sum, new Uint8Array(1 << 20).fill(1)),
    );
    expect(new Set(await Promise.all(all))).toEqual(new Set([1 << 20]));
  });

  test('leave a block of each size to cut, however many small ones there were', async () => {
    await using scheduler = Scheduler.create({
      threads: 1,
      payloadBytes: 65_536,
      payloadMemoryBytes: 131_072,
    });
    await Promise.all(Array.from({ length: 1000 }, () => scheduler.run(payloads.sum, new Uint8Array(400))));
    expect(await scheduler.run(payloads.sum, new Uint8Array(65_536).fill(1))).toBe(65_536);
  });

  test('of tasks that were aborted while they waited are free again', async () => {
    await using scheduler = Scheduler.create({
      threads: 1,
      payloadBytes: 65_536,
      payloadMemoryBytes: 131_072,
    });
    for (let round = 0; round < 5; round++) {
      const controller = new AbortController();
      const { signal } = controller;
      const all = Array.from({ length: 20 }, () =>
        scheduler.run(tasks.echo, new Uint8Array(60_000), { signal }),
      );
      controller.abort();
      const ends = await Promise.allSettled(all);
      expect(ends.filter((end) => end.status === 'rejected').length).toBeGreaterThan(0);
    }
    expect(await scheduler.run(payloads.sum, new Uint8Array(65_000).fill(1))).toBe(65_000);
  });

  test('of workers that ended are free again', async () => {
    await using scheduler = Scheduler.create({
      threads: 1,
      payloadBytes: 65_536,
      payloadMemoryBytes: 131_072,
    });
    for (let round = 0; round < 4; round++)
      await expect(scheduler.run(payloads.exit, new Uint8Array(65_000))).rejects.toMatchObject({
        code: 'ERR_WORKER_LOST',
      });
    expect(await scheduler.run(payloads.sum, new Uint8Array(65_000).fill(1))).toBe(65_000);
  });

  test('that find no memory as a result are an error with numbers', async () => {
    await using scheduler = Scheduler.create({ threads: 1, payloadBytes: 1000, inlineBytes: 1000 });
    await expect(scheduler.run(payloads.bytes, 1001)).rejects.toMatchObject({
      code: 'ERR_PAYLOAD_TOO_LARGE',
      what: 'result',
      bytes: 1001,
      limitBytes: 1000,
    });
  });
});

describe('shared memory', () => {
  test('of the arena is passed where it lies, also within objects', async () => {
    const arena = Arena.create({ bytes: Scheduler.bytesFor({ threads: 1 }) + (1 << 20) });
    await using scheduler = Scheduler.create({ threads: 1, arena });
    const at = arena.allocate(100_000);
    const bytes = arena.u8.subarray(at, at + 100_000);
    await scheduler.run(payloads.fill, bytes);
    expect([bytes[0], bytes[99_999]]).toEqual([7, 7]);
    await scheduler.run(payloads.fillDeep, { bytes });
    expect([bytes[0], bytes[99_999]]).toEqual([9, 9]);
    const again = (await scheduler.run(tasks.echo, bytes)) as Uint8Array;
    expect(again.byteOffset).toBe(at);
    expect(again.buffer).toBe(arena.u8.buffer);
  });

  test('that option memory names is passed, also as a whole', async () => {
    const memory = new SharedArrayBuffer(64);
    await using scheduler = Scheduler.create({ threads: 1, memory: [memory] });
    await scheduler.run(payloads.fill, new Uint8Array(memory, 8, 8));
    expect([...new Uint8Array(memory, 7, 2)]).toEqual([0, 7]);
    expect(await scheduler.run(tasks.echo, memory)).toBe(memory);
    const deep = (await scheduler.run(tasks.echo, { deep: [new Int8Array(memory, 4)] })) as {
      deep: Int8Array[];
    };
    expect(deep.deep[0]?.buffer).toBe(memory);
    // As a whole and within an object it goes by a message port: the same memory, another object.
    const whole = (await scheduler.run(tasks.echo, { memory })) as { memory: SharedArrayBuffer };
    new Uint8Array(memory)[60] = 9;
    expect(new Uint8Array(whole.memory)[60]).toBe(9);
    const floats = (await scheduler.run(tasks.echo, new Float64Array(memory, 8, 2))) as Float64Array;
    expect(floats).toEqual(new Float64Array(memory, 8, 2));
    expect(floats.buffer).toBe(memory);
  });

  test('of a lease of buffer-pool is passed up to its length', async () => {
    const shape = { buffers: 4, bufferBytes: 4096 };
    const arena = Arena.create({ bytes: Scheduler.bytesFor({ threads: 1 }) + (1 << 20) });
    await using scheduler = Scheduler.create({ threads: 1, arena });
    using pool = BufferPool.create(arena, shape);
    using lease = pool.tryAcquire() as Lease;
    lease satisfies PayloadSource;
    lease.length = 3;
    await scheduler.run(payloads.fill, lease);
    // @ts-expect-error -- it stands for bytes, not for a number
    await scheduler.run(payloads.bytes, lease);
    expect([...lease.bytes.subarray(0, 4)]).toEqual([7, 7, 7, 0]);
  });
});

test('bytes are copies, unless the task wants views; what it makes of a view arrives all the same', async () => {
  await using scheduler = Scheduler.create({ threads: 1 });
  for (const length of [10, 200, 5000, 100_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i % 251);
    expect(await scheduler.run(payloads.isShared, bytes)).toBe(false);
    expect(await scheduler.run(views.isView, bytes)).toBe(true);
    expect(await scheduler.run(views.isView, new Float64Array(length))).toBe(true);
    const tail = await scheduler.run(views.tail, bytes);
    expect(tail).toEqual(bytes.subarray(1));
    expect(tail.buffer).toBeInstanceOf(ArrayBuffer);
    expect(await scheduler.run(views.tailDeep, bytes)).toEqual({ n: 1, tail: bytes.subarray(1) });
  }
});

describe('codecs', () => {
  test('of a task carry its objects both ways', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const value = { a: [1, 'x', { b: null }], long: 'y'.repeat(3000) };
    expect(await scheduler.run(coded.echo, value)).toEqual(value);
    expect(await scheduler.run(coded.echo, 5)).toBe(5);
    expect(await scheduler.run(plain.echoJson, { at: new Date(0) })).toEqual({
      at: '1970-01-01T00:00:00.000Z',
    });
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    await expect(scheduler.run(coded.echo, cyclic)).rejects.toMatchObject({ code: 'ERR_NOT_CLONEABLE' });
  });

  test('of a scheduler are found by their module', async () => {
    await using scheduler = Scheduler.create({ threads: 1, codec: taggingCodec });
    expect(await scheduler.run(tasks.echo, { a: 'x' })).toEqual({
      tagged: { tagged: { a: 'x' }, decoded: true },
      decoded: true,
    });
    expect(() => Scheduler.create({ codec: { encode: () => new Uint8Array(), decode: () => 1 } })).toThrow(
      /defineCodec/,
    );
  });
});

describe('errors', () => {
  test('are of the classes that their tasks name, with accessors and own properties', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const error = (await scheduler.run(payloads.exceed, 11).catch((reason: unknown) => reason)) as LimitError;
    expect(error).toBeInstanceOf(LimitError);
    expect(error).toMatchObject({ message: 'beyond 11', limit: 11, isSerious: true });
    expect(error.stack).toMatch(/tasks.payloads\.ts/);
    const both = (await scheduler
      .run(payloads.failTwice)
      .catch((reason: unknown) => reason)) as AggregateError;
    expect(both).toBeInstanceOf(AggregateError);
    expect(both.errors).toEqual([expect.any(LimitError), 'no error']);
    const aborted = await scheduler.run(payloads.abort).catch((reason: unknown) => reason);
    expect(aborted).toBeInstanceOf(DOMException);
    expect(aborted).toMatchObject({ name: 'AbortError', code: 20 });
  });
});

test('a slot never keeps a block that its payload is not in', () => {
  const options = tableOptions({ threads: 1, slots: 2 });
  const table = SchedulerTable.create(Arena.create({ bytes: bytesFor(options) }), options);
  const block = (): number => table.i32[table.slotWord(1) + slotHead.word.block] as number;
  for (const small of [1, true, undefined, null, 'x', [1], { a: 1 }, { a: 'x' }, new Uint8Array(3), 5n]) {
    writeValue(table, 1, new Uint8Array(9000), 'arguments', 'test');
    expect(block()).not.toBe(0);
    writeValue(table, 1, small, 'result', 'test');
    expect(block()).toBe(0);
  }
  writeValue(table, 1, new Uint8Array(9000), 'result', 'test');
  expect(takeValue(table, 1)).toHaveLength(9000);
  expect(block()).toBe(0);
  // One block of its size was enough for all of that.
  expect(table.slab?.usedBytes(table.arena)).toBe(16_384);
});

test('a block goes back with its slot, whoever drops it', () => {
  const options = tableOptions({ threads: 1, slots: 2 });
  const table = SchedulerTable.create(Arena.create({ bytes: bytesFor(options) }), options);
  const { kernel, at } = table;
  kernel.beginWork(at, 1);
  for (let round = 0; round < 20; round++) {
    const client = takePlace(table);
    const enter = (): number => {
      const slot = kernel.acquireSlot(at, client);
      writeValue(table, slot, new Uint8Array(9000), 'arguments', 'test');
      expect(kernel.submitSlot(at, slot, client, 10)).toBe(ENTERED);
      return slot;
    };
    // Its client wants the result no more.
    const dropped = enter();
    expect(kernel.claimTask(at, 1, 0)).toBe(dropped);
    expect(kernel.cancelSlot(at, dropped, client)).toBe(DISOWNED);
    writeValue(table, dropped, new Uint8Array(9000), 'result', 'test');
    expect(kernel.finishSlot(at, dropped, 1, 0)).toBe(DROPPED);
    // Its client is gone.
    enter();
    expect(reclaimPlace(table, client)).toEqual({ withdrawn: 1, disowned: 0, dropped: 0 });
    for (const slot of [0, 1]) expect(table.i32[table.slotWord(slot) + slotHead.word.block]).toBe(0);
  }
  expect(table.slab?.usedBytes(table.arena)).toBe(16_384);
});
