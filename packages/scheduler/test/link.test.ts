// Values that go by message ports: what bytes can not carry, what is moved, results for which there is no memory.
// Longer than other files: all of it goes by one link between two threads, and a process for each part of it would cost more than it tells.
import { createSecretKey } from 'node:crypto';
import { once } from 'node:events';
import { BlockList } from 'node:net';
import { inspect } from 'node:util';
import { MessageChannel, Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { Arena } from '@corelane/shared-memory';
import { ClientLink } from '../src/client-link.ts';
import { takePlace } from '../src/client-places.ts';
import { hasHostObject } from '../src/host-objects.ts';
import { tableOptions } from '../src/options.ts';
import { isLinked, writeValue } from '../src/payload.ts';
import { bytesFor, SchedulerTable } from '../src/table.ts';
import { withTransfers } from '../src/transfer.ts';
import { move, Scheduler, transferableSymbol, valueSymbol } from '../src/index.ts';
import { gated } from './tasks/gated.ts';
import { codedLinks, jsonLinks, links } from './tasks/links.ts';
import { Words } from './tasks/words.ts';

function kindOf(value: object | string): string {
  return typeof value === 'string' ? 'text' : Object.getPrototypeOf(value).constructor.name;
}

const SOURCE = { execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'] };

describe('message ports', () => {
  test('travel to tasks that found no room in their lane the first time', async () => {
    const words = new Words();
    await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
    const pin = { worker: 0 };
    const held = scheduler.run(gated.hold, 0, { pin });
    await words.arrived(1);
    const channels = Array.from({ length: 100 }, () => new MessageChannel());
    const texts = channels.map(({ port2 }, i) =>
      scheduler.run(links.answer, { port: port2, text: `no. ${i}` }, { pin, transferList: [port2] }),
    );
    words.open();
    await held;
    expect(await Promise.all(texts)).toEqual(channels.map((_, i) => `no. ${i}`));
    for (const { port1 } of channels) port1.close();
  });

  test('travel to a task and are of use there', async () => {
    await using scheduler = Scheduler.create({ threads: 2 });
    for (let i = 0; i < 20; i++) {
      const { port1, port2 } = new MessageChannel();
      const message = once(port1, 'message');
      const text = await scheduler.run(
        links.answer,
        { port: port2, text: `no. ${i}` },
        { transferList: [port2] },
      );
      expect(text).toBe(`no. ${i}`);
      expect(await message).toEqual([`over the port: no. ${i}`]);
      port1.close();
    }
  });

  test('travel from a task and are of use here', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const ports = await Promise.all(Array.from({ length: 10 }, () => scheduler.run(links.channel)));
    for (const [i, port] of ports.entries()) {
      port.postMessage(i);
      expect(await once(port, 'message')).toEqual([{ echo: i }]);
      port.close();
    }
  });

  test('that nobody said are transferred are refused, with the words of structured clone', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const { port1, port2 } = new MessageChannel();
    await expect(scheduler.run(links.echo, { port: port2 })).rejects.toMatchObject({
      code: 'ERR_NOT_CLONEABLE',
      message: expect.stringMatching(/arguments .* not listed in transferList .*option transferList of run/),
      cause: { name: 'DataCloneError' },
    });
    await expect(scheduler.run(links.channelForgotten)).rejects.toMatchObject({
      code: 'ERR_NOT_CLONEABLE',
      message: expect.stringMatching(/result .* not listed in transferList .*return move\(\)/),
    });
    await expect(scheduler.run(links.echo, { port: move(port2) })).rejects.toMatchObject({
      code: 'ERR_NOT_CLONEABLE',
      message: expect.stringMatching(/option transferList of run/),
    });
    await expect(
      scheduler.run(links.echo, { port: port2, f: () => 1 }, { transferList: [port2] }),
    ).rejects.toMatchObject({
      code: 'ERR_NOT_CLONEABLE',
      message: expect.stringMatching(/could not be cloned/),
    });
    port1.close();
    expect(scheduler.inFlight).toBe(0);
  });

  test('go from and to a client on another thread', async () => {
    await using scheduler = Scheduler.create({ threads: 2 });
    const worker = new Worker(new URL('./tasks/link-client.ts', import.meta.url), {
      ...SOURCE,
      workerData: { handle: scheduler.handle, mode: 'ports' },
    });
    scheduler.reclaimOnExit(worker);
    const exit = once(worker, 'exit'); // perhaps in the same turn as the message
    expect(await once(worker, 'message')).toEqual([{ rounds: 10, wrong: [] }]);
    expect(await exit).toEqual([0]);
  });
});

describe('what is moved', () => {
  test.each([100, 100_000, 3_000_000])('is gone here and there whole: %i bytes', async (length) => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const bytes = new Uint8Array(length).fill(3);
    const { buffer } = bytes;
    const sum = scheduler.run(links.sum, bytes, { transferList: [buffer] });
    expect(buffer.byteLength).toBe(0);
    expect(await sum).toBe(3 * length);
    const marked = new Uint8Array(length).fill(5);
    const back = await scheduler.run(links.back, move(marked));
    expect(marked.byteLength).toBe(0);
    expect(Buffer.alloc(length, 5).equals(back)).toBe(true);
    const filled = await scheduler.run(links.fill, length);
    expect(Buffer.alloc(length, length & 0xff).equals(filled)).toBe(true);
  });

  test('may be larger than payloads', async () => {
    await using scheduler = Scheduler.create({ threads: 1, payloadBytes: 2 ** 20 });
    const bytes = new Uint8Array(2 ** 21).fill(1);
    await expect(scheduler.run(links.sum, bytes)).rejects.toMatchObject({ code: 'ERR_PAYLOAD_TOO_LARGE' });
    expect(await scheduler.run(links.sum, move(bytes))).toBe(2 ** 21);
  });

  test('is not touched where it can not be moved', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const { buffer } = new Uint8Array(8);
    await expect(scheduler.run(links.echo, { f: () => 1 }, { transferList: [buffer] })).rejects.toMatchObject(
      {
        code: 'ERR_NOT_CLONEABLE',
        cause: { name: 'DataCloneError' },
      },
    );
    expect(buffer.byteLength).toBe(8);
    const twice = scheduler.run(links.echo, buffer, { transferList: [buffer, buffer] });
    await expect(twice).rejects.toMatchObject({ cause: { name: 'DataCloneError' } });
    expect(buffer.byteLength).toBe(8);
    // Of the pool of Node, which others have views of.
    await expect(scheduler.run(links.sum, move(Buffer.from('pooled')))).rejects.toMatchObject({
      cause: { name: 'DataCloneError' },
    });
    const memory = new WebAssembly.Memory({ initial: 1 });
    await expect(scheduler.run(links.sum, move(new Uint8Array(memory.buffer)))).rejects.toMatchObject({
      code: 'ERR_NOT_CLONEABLE',
    });
  });

  test('is refused within other values', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const buffer = new ArrayBuffer(8);
    await expect(scheduler.run(links.echo, { deep: [move(buffer)] })).rejects.toMatchObject({
      code: 'ERR_NOT_CLONEABLE',
      message: expect.stringMatching(/moveMarksArgumentsOrAResultAsAWhole/),
    });
    expect(buffer.byteLength).toBe(8);
  });

  test('waits for a slot and for memory, and is there when they come', async () => {
    await using scheduler = Scheduler.create({
      threads: 1,
      slots: 4,
      payloadBytes: 65_536,
      payloadMemoryBytes: 131_072,
    });
    const sums = Array.from({ length: 40 }, (_, i) =>
      scheduler.run(links.sum, move(new Uint8Array(60_000).fill(i))),
    );
    expect(await Promise.all(sums)).toEqual(Array.from({ length: 40 }, (_, i) => 60_000 * i));
    const ends = Array.from({ length: 40 }, async (_, i) => {
      const { port1, port2 } = new MessageChannel();
      await scheduler.run(links.answer, { port: port2, text: String(i) }, { transferList: [port2] });
      port1.close();
      return i;
    });
    expect(await Promise.all(ends)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  test('says itself what of it is transferred, by the symbols of piscina', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const { buffer } = new Uint8Array([1, 2, 3]);
    const movable = { [transferableSymbol]: buffer, [valueSymbol]: { inside: buffer } };
    const arrived = await scheduler.run(links.echo, move(movable));
    expect(arrived).toEqual({ inside: new Uint8Array([1, 2, 3]).buffer });
    expect(buffer.byteLength).toBe(0);
    expect(Symbol.keyFor(transferableSymbol)).toBe('Piscina.transferable');
    expect(Symbol.keyFor(valueSymbol)).toBe('Piscina.valueOf');
    expect([move(5), move('x'), move(null), move(undefined)]).toEqual([5, 'x', null, undefined]);
  });
});

describe('shared memory that nobody has named', () => {
  test('is shared, as a whole, as a view, and within objects', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const memory = new SharedArrayBuffer(16);
    const back = await scheduler.run(links.mark, { memory });
    expect(new Uint8Array(memory)[0]).toBe(42);
    new Uint8Array(memory)[1] = 7;
    expect(new Uint8Array(back)[1]).toBe(7);
    const view = await scheduler.run(links.markView, new Int32Array(memory, 4, 2));
    expect(new Int32Array(memory)[2]).toBe(43);
    expect([view.byteOffset, view.length, view.buffer.byteLength]).toEqual([4, 2, 16]);
    expect(((await scheduler.run(links.echo, memory)) as SharedArrayBuffer).byteLength).toBe(16);
  });

  test('is the right one of many, on all workers, whoever submits', async () => {
    await using scheduler = Scheduler.create({ threads: 2 });
    await using other = Scheduler.attach(scheduler.handle);
    const memories = Array.from({ length: 40 }, () => new SharedArrayBuffer(64));
    for (let round = 1; round <= 3; round++) {
      await Promise.all(
        memories.map(async (memory, i) => {
          const client = i % 2 === 0 ? scheduler : other;
          expect(await client.run(links.add, new Int32Array(memory, 8, 2))).toBe(round);
        }),
      );
    }
    expect(memories.map((memory) => new Int32Array(memory)[2])).toEqual(memories.map(() => 3));
  });

  test('that grows is passed as it is', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const memory = new SharedArrayBuffer(8, { maxByteLength: 16 });
    const view = new Uint8Array(memory);
    const back = (await scheduler.run(links.echo, view)) as Uint8Array<SharedArrayBuffer>;
    memory.grow(16);
    expect(back.length).toBe(16);
  });

  test('of a task that was aborted before a worker had it is lent no more', async () => {
    const words = new Words();
    await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
    const held = scheduler.run(gated.hold, 1);
    await words.arrived(1);
    const controller = new AbortController();
    const { signal } = controller;
    const view = new Int32Array(new SharedArrayBuffer(16));
    const aborted = scheduler.run(links.add, view, { signal });
    const other = scheduler.run(links.add, view);
    controller.abort(new Error('no more'));
    await expect(aborted).rejects.toThrow('no more');
    words.open();
    expect(await other).toBe(1);
    await held;
  });
});

/** All memory for payloads is with tasks that wait behind another one. */
async function withoutMemory<T>(
  use: (scheduler: Scheduler) => T,
  open: (value: T) => Promise<void>,
): Promise<void> {
  const words = new Words();
  await using scheduler = Scheduler.create({
    threads: 1,
    payloadBytes: 65_536,
    payloadMemoryBytes: 131_072,
    workerData: words.view,
  });
  const held = scheduler.run(gated.hold, 1);
  await words.arrived(1);
  const asked = use(scheduler);
  const queued = Array.from({ length: 10 }, () =>
    scheduler.run(links.sum, new Uint8Array(60_000).fill(1), { priority: 'low' }),
  );
  words.open();
  await open(asked);
  expect(new Set(await Promise.all(queued))).toEqual(new Set([60_000]));
  await held;
}

describe('results for which there is no memory', () => {
  test.each([
    ['bytes', new Uint8Array(60_000).fill(7)],
    ['a buffer', Buffer.alloc(60_000, 7)],
    ['doubles', new Float64Array(7000).fill(0.5)],
    ['text', 'ü'.repeat(60_000)],
    ['numbers', Array.from({ length: 7000 }, (_, i) => i / 3)],
    ['a map', new Map([['key', 'x'.repeat(60_000)]])],
  ])('go by a message port: %s', async (_, value) => {
    await withoutMemory(
      (scheduler) => Array.from({ length: 5 }, () => scheduler.run(links.make, kindOf(value))),
      async (all) => {
        for (const got of await Promise.all(all)) {
          expect(Object.getPrototypeOf(got)).toBe(Object.getPrototypeOf(value));
          expect(got).toEqual(value);
        }
      },
    );
  });

  test('are what codecs make of them', async () => {
    await withoutMemory(
      (scheduler) => [
        scheduler.run(codedLinks.codedMake, 60_000),
        scheduler.run(jsonLinks.jsonMake, 60_000),
        scheduler.run(codedLinks.codedMake, 60_000),
        scheduler.run(jsonLinks.jsonMake, 60_000),
      ],
      async (all) => {
        const value = { at: '1970-01-01T00:00:00.000Z', text: 'x'.repeat(60_000) };
        expect(await Promise.all(all)).toEqual([value, value, value, value]);
      },
    );
  });
});

describe('where a side ends', () => {
  test('a worker that dies with a moved value fails its task alone', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    for (let i = 0; i < 3; i++) {
      const { port1, port2 } = new MessageChannel();
      const closed = once(port1, 'close');
      await expect(scheduler.run(links.exit, port2, { transferList: [port2] })).rejects.toMatchObject({
        code: 'ERR_WORKER_LOST',
      });
      await closed;
      const port = await scheduler.run(links.channel);
      port.close();
    }
  });

  test('a task that is aborted while it waits gives up its port', async () => {
    const words = new Words();
    await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
    const held = scheduler.run(gated.hold, 1);
    await words.arrived(1);
    const { port1, port2 } = new MessageChannel();
    const closed = once(port1, 'close');
    const controller = new AbortController();
    const aborted = scheduler.run(links.echo, port2, { transferList: [port2], signal: controller.signal });
    controller.abort(new Error('no more'));
    await expect(aborted).rejects.toThrow('no more');
    await closed;
    words.open();
    expect(await held).toBe(1);
  });

  test('a task that is aborted while its result is on the way leaves nothing behind', async () => {
    const words = new Words();
    await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
    (await scheduler.run(links.channel)).close(); // there is a line now
    const controller = new AbortController();
    const running = scheduler.run(links.holdThenPort, undefined, { signal: controller.signal });
    await words.arrived(1);
    controller.abort(new Error('no more'));
    await expect(running).rejects.toThrow('no more');
    words.open();
    expect(await scheduler.run(links.echo, 1)).toBe(1);
    expect(scheduler.stats().running).toBe(0);
  });

  test('a client thread that is terminated in the middle of it holds no worker up', async () => {
    await using scheduler = Scheduler.create({ threads: 2 });
    for (let i = 0; i < 5; i++) {
      const worker = new Worker(new URL('./tasks/link-client.ts', import.meta.url), {
        ...SOURCE,
        workerData: { handle: scheduler.handle, mode: 'flood' },
      });
      scheduler.reclaimOnExit(worker);
      await once(worker, 'message');
      await worker.terminate();
      const all = await Promise.all(Array.from({ length: 8 }, () => scheduler.run(links.channel)));
      for (const port of all) port.close();
      await expect.poll(() => scheduler.stats().running).toBe(0);
    }
  });

  test('a client thread that has ended unnoticed holds no worker up', async () => {
    const words = new Words();
    await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
    const held = scheduler.run(gated.hold, 1);
    await words.arrived(1);
    const worker = new Worker(new URL('./tasks/link-client.ts', import.meta.url), {
      ...SOURCE,
      workerData: { handle: scheduler.handle, mode: 'block' },
    });
    await once(worker, 'message');
    await worker.terminate();
    words.open();
    expect(await held).toBe(1);
    expect(await scheduler.run(links.echo, 'after')).toBe('after');
  });

  test('a client thread that never answers holds its task up, and no longer than it lives', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const worker = new Worker(new URL('./tasks/link-client.ts', import.meta.url), {
      ...SOURCE,
      workerData: { handle: scheduler.handle, mode: 'block' },
    });
    scheduler.reclaimOnExit(worker);
    await once(worker, 'message'); // it has submitted, and blocks
    const after = scheduler.run(links.echo, 'after');
    await worker.terminate();
    expect(await after).toBe('after');
  });
});

test('what waits in a port is sent once, however often it is written', () => {
  const options = tableOptions({ threads: 1, slots: 2 });
  const table = SchedulerTable.create(Arena.create({ bytes: bytesFor(options) }), options);
  const link = new ClientLink(table, takePlace(table));
  table.payloads.link = link;
  const { port1, port2 } = new MessageChannel();
  const moved = withTransfers({ port: port2 }, [port2]);
  writeValue(table, 1, moved, 'arguments', 'test');
  writeValue(table, 0, moved, 'arguments', 'test'); // there was no room for it in its lane
  expect(isLinked(table, 0)).toBe(true);
  link.close();
  port1.close();
});

test('no line keeps its thread alive, and none is left when a client closes', async () => {
  const before = process.listenerCount('workerMessage');
  const scheduler = Scheduler.create({ threads: 1 });
  (await scheduler.run(links.channel)).close();
  await scheduler.close();
  expect(process.listenerCount('workerMessage')).toBe(before);
});

describe('what a message clones, and node:v8 makes {} of', () => {
  const key = createSecretKey(Buffer.from('a key of 16 byte'));
  const list = new BlockList();
  list.addAddress('10.0.0.1');
  class Point {
    readonly x = 1;
    readonly list: readonly unknown[];
    constructor(...within: readonly unknown[]) {
      this.list = within;
    }
  }

  test('arrives as what it is, and comes back so, as such and within other values', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    const blob = new Blob(['abc'], { type: 'text/plain' });
    const back = await scheduler.run(links.echo, blob);
    expect(back).toBeInstanceOf(Blob);
    expect(await (back as Blob).text()).toBe('abc');
    expect(await scheduler.run(links.kind, blob)).toBe('Blob');
    expect(await scheduler.run(links.kind, new File(['abc'], 'a.txt'))).toBe(
      structuredClone(new File(['abc'], 'a.txt')).constructor.name,
    );
    expect(await scheduler.run(links.kind, list)).toBe('BlockList');
    expect(await scheduler.run(links.kind, key)).toBe('SecretKeyObject');
    expect(await scheduler.run(links.kind, new DOMException('no', 'AbortError'))).toBe('DOMException');
    const error = (await scheduler.run(links.echo, new DOMException('no', 'AbortError'))) as DOMException;
    expect(error).toMatchObject({ name: 'AbortError', message: 'no', code: 20 });

    const lists = (value: unknown): [name: string, value: unknown][] => [
      ['record', { b: value }],
      ['array', [{}, [undefined, value]]],
      ['sparse', Object.assign([], { length: 1e9, 7: value })],
      ['map', new Map([[value, 1]])],
      ['set', new Set([{ value }])],
      ['cause', new Error('with', { cause: value })],
      ['instance', new Point(value)],
      ['bare', Object.assign(Object.create(null) as object, { value })],
    ];
    for (const [name, value] of lists(list)) {
      const clone = await scheduler.run(links.echo, value);
      const text = `${name}: ${inspect(clone, { depth: 5 })}`;
      expect(text).toBe(`${name}: ${inspect(structuredClone(value), { depth: 5 })}`);
      expect(text).toContain('10.0.0.1');
    }
    const many = await scheduler.runMany(links.echo, [1, key, { key }, 'text']);
    expect(many.map((each) => kindOf(each as object))).toEqual([
      'Number',
      'SecretKeyObject',
      'Object',
      'text',
    ]);
    expect(scheduler.inFlight).toBe(0);
  });

  test('or refuses, is refused with its words', async () => {
    await using scheduler = Scheduler.create({ threads: 1 });
    for (const url of [new URL('http://a.example'), new URLSearchParams('a=1')])
      for (const value of [url, { url }, new Point(url), [new Map([[1, url]])]])
        await expect(scheduler.run(links.echo, value)).rejects.toMatchObject({
          code: 'ERR_NOT_CLONEABLE',
          cause: { name: 'DataCloneError' },
        });
    await expect(scheduler.run(links.url)).rejects.toMatchObject({ code: 'ERR_NOT_CLONEABLE' });
    expect(scheduler.inFlight).toBe(0);
  });

  test('is not looked for in vain: other classes, values that lead to themselves, and what is large, travel as bytes', () => {
    class Words2 extends Map<string, unknown> {}
    const circle: { self?: unknown; list: unknown[] } = { list: [] };
    circle.self = circle;
    circle.list.push(circle.list, circle);
    let deep: object = {};
    for (let i = 0; i < 100_000; i++) deep = { deep };
    const others = [
      circle,
      deep,
      new Point(circle),
      new Words2([['a', circle]]),
      new RangeError('x'),
      new Date(),
      /x/,
      1n,
    ];
    for (const value of others) expect(hasHostObject(value)).toBe(false);
    expect(hasHostObject([deep, key])).toBe(true);
    expect(
      hasHostObject({
        get bad() {
          throw new Error('bad');
        },
      }),
    ).toBe(false);
  });
});
