import fs from 'node:fs';
import path from 'node:path';
import { KernelHeldError } from '@corelane/buffer-pool';
import { expect, test } from 'vitest';
import {
  ChainError,
  IoChain,
  IoFile,
  OperationError,
  OperationTimeoutError,
  RingClosedError,
  RingFullError,
  type IoRing,
  type OperationOptions,
} from '../src/index.ts';
import { fileOf, folder, pattern, pipePath, ringOf, shared, turn } from './files.ts';
import { native } from './native-mode.ts';
import { poolOf } from './pools.ts';

/** What a chain rejects with. */
async function brokenOf(chain: IoChain): Promise<ChainError> {
  const error: unknown = await chain.run().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ChainError);
  return error as ChainError;
}

async function opened(ring: IoRing, content = 'abcdef', flags: 'r' | 'r+' = 'r+'): Promise<IoFile> {
  return IoFile.open(ring, fileOf(content), flags);
}

test('steps take effect in their order, and each has its result', async () => {
  const ring = ringOf();
  const name = path.join(folder(), 'log');
  const file = await IoFile.open(ring, name, 'w+');
  const memory = shared(64);
  memory.set(Buffer.from('one two three'));
  const chain = IoChain.on(ring);
  expect(chain.write(file, memory.subarray(0, 4), { position: 0 })).toBe(0);
  chain.write(file, memory, { position: 4, offset: 4, length: 4 });
  chain.writev(file, [memory.subarray(8, 10), memory.subarray(10, 13)], { position: 8 });
  chain.sync(file, { dataOnly: true });
  chain.sync(file);
  chain.read(file, memory.subarray(20, 33), { position: 0 });
  chain.readv(file, [memory.subarray(40, 44), memory.subarray(44, 64)], { position: 0 });
  expect(chain.size).toBe(7);
  expect(await chain.run({ timeoutMs: 10_000 })).toEqual([4, 4, 5, 0, 0, 13, 13]);
  expect(chain.size).toBe(0);
  expect(fs.readFileSync(name, 'utf8')).toBe('one two three');
  expect(Buffer.from(memory.subarray(20, 33)).toString()).toBe('one two three');
  expect(Buffer.from(memory.subarray(40, 53)).toString()).toBe('one two three');
  expect(await chain.run()).toEqual([]);
  expect(ring.stats).toMatchObject({ inFlight: 0, waiting: 0, failed: 0 });
  await file.close();
});

test('a step that fails ends the chain: those before it stand, those behind it never begin', async () => {
  const ring = ringOf();
  await using file = await opened(ring);
  await using readonly = await opened(ring, 'xyz', 'r');
  const memory = shared(3);
  memory.set([65, 66, 67]);
  const chain = IoChain.on(ring);
  chain.write(file, memory, { position: 0 });
  chain.write(readonly, memory, { position: 0 });
  chain.write(file, memory, { position: 3 });
  chain.sync(file);
  const error = await brokenOf(chain);
  expect(error).toMatchObject({ code: 'ERR_CHAIN_BROKEN', step: 1, results: [3, -9, -125, -125] });
  expect(error.message).toBe('step 1 of 4, write, failed with EBADF; cancelled behind it: 2');
  expect(error.cause).toBeInstanceOf(OperationError);
  expect(error.cause).toMatchObject({ code: 'EBADF', syscall: 'write' });
  expect(fs.readFileSync(file.path, 'utf8')).toBe('ABCdef');
  expect(ring.stats.failed).toBe(1);
  chain.sync(file); // and the chain goes on to be used
  expect(await chain.run()).toEqual([0]);
});

test('a step that falls short ends the chain, but as the last one a read may', async () => {
  const ring = ringOf();
  await using file = await opened(ring);
  const memory = shared(100);
  const chain = IoChain.on(ring);
  chain.read(file, memory.subarray(0, 10), { position: 0 });
  chain.write(file, memory.subarray(0, 1), { position: 50 });
  const error = await brokenOf(chain);
  expect(error).toMatchObject({ step: 0, results: [6, -125] });
  expect(error.cause).toBeUndefined();
  expect(error.message).toBe('step 0 of 2, read, transferred 6 of 10 bytes; cancelled behind it: 1');
  expect(fs.statSync(file.path).size).toBe(6);
  chain.sync(file);
  chain.read(file, memory.subarray(0, 10), { position: 2 });
  expect(await chain.run()).toEqual([0, 4]);
});

test('a disk that is full breaks the chain with ENOSPC', async ({ skip }) => {
  if (!fs.existsSync('/dev/full')) skip('no /dev/full');
  const ring = ringOf();
  await using full = await IoFile.open(ring, '/dev/full', 'r+');
  const chain = IoChain.on(ring);
  chain.write(full, shared(10), { position: 0 });
  chain.write(full, shared(10), { position: 10 });
  expect(await brokenOf(chain)).toMatchObject({ step: 0, results: [-28, -125], cause: { code: 'ENOSPC' } });
});

test('allocation is a step; where node:fs has none it breaks the chain', async () => {
  const ring = ringOf();
  await using file = await opened(ring);
  const chain = IoChain.on(ring);
  chain.allocate(file, 0, 1 << 16);
  chain.write(file, shared(10), { position: 0 });
  if (native) {
    expect(await chain.run()).toEqual([0, 10]);
    expect(fs.statSync(file.path).size).toBe(1 << 16);
  } else expect(await brokenOf(chain)).toMatchObject({ step: 0, results: [-95, -125] });
});

test('many chains and single operations at once do not touch each other', async () => {
  const ring = ringOf({ entries: 8 });
  await using file = await opened(ring, '');
  const memory = shared(8192);
  const pages = pattern(8192);
  memory.set(pages);
  const runs: Promise<unknown>[] = [];
  const broken: Promise<ChainError>[] = [];
  for (let round = 0; round < 200; round++) {
    const chain = IoChain.on(ring);
    const at = (round % 8) * 1024;
    for (let part = 0; part < 1 + (round % 8); part++)
      chain.write(file, memory.subarray(at + part * 128, at + part * 128 + 128), {
        position: round * 1024 + part * 128,
      });
    if (round % 5 === 4) {
      // breaks at its first step: what follows is another chain’s
      const bad = IoChain.on(ring);
      bad.read(file, memory.subarray(0, 8), { position: 1 << 30 });
      bad.write(file, memory.subarray(0, 8), { position: 1 << 29 });
      broken.push(brokenOf(bad));
    }
    runs.push(chain.run(), file.write(memory.subarray(at, at + 1), { position: round * 1024 }));
  }
  await Promise.all(runs);
  for (const error of await Promise.all(broken)) expect(error).toMatchObject({ step: 0, results: [0, -125] });
  const written = fs.readFileSync(file.path);
  for (let round = 0; round < 200; round++) {
    const at = (round % 8) * 1024;
    const bytes = (1 + (round % 8)) * 128;
    expect(written.compare(pages, at, at + bytes, round * 1024, round * 1024 + bytes)).toBe(0);
  }
  expect(written.length).toBeLessThanOrEqual(200 * 1024);
  expect(ring.stats).toMatchObject({ inFlight: 0, waiting: 0 });
});

test('aborting ends a chain that waits, and its later steps never begin', async ({ skip }) => {
  if (!native) skip('what a thread has begun cannot be cancelled');
  const ring = ringOf();
  await using pipe = await IoFile.open(ring, pipePath(), 'r+');
  await using file = await opened(ring);
  const memory = shared(4);
  for (let round = 0; round < 50; round++) {
    const chain = IoChain.on(ring);
    for (let index = 0; index < 4; index++) chain.read(pipe, memory.subarray(index, index + 1));
    chain.write(file, memory.subarray(0, 1), { position: 100 });
    const controller = new AbortController();
    const run = chain.run({ signal: controller.signal });
    await turn();
    fs.writeSync(pipe.fd, 'x'); // the first is done, the second is about to begin
    if (round % 2 === 0) await turn();
    controller.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
  }
  expect(fs.statSync(file.path).size).toBe(6);
  expect(ring.stats).toMatchObject({ inFlight: 0, cancelled: 50 });
}, 20_000);

test('a time-out, an end of the ring and a signal that is aborted before say which they are', async () => {
  const ring = ringOf();
  const file = await IoFile.open(ring, pipePath(), 'r+');
  const memory = shared(2);
  const chain = IoChain.on(ring);
  const stage = (): void => {
    chain.read(file, memory.subarray(0, 1));
    chain.read(file, memory.subarray(1, 2));
  };
  stage();
  await expect(chain.run({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
  if (!native) {
    await ring.close();
    return;
  }
  stage();
  await expect(chain.run({ timeoutMs: 20 })).rejects.toBeInstanceOf(OperationTimeoutError);
  stage();
  const running = chain.run();
  await turn();
  await Promise.all([expect(running).rejects.toBeInstanceOf(RingClosedError), ring.close()]);
  fs.writeSync(file.fd, 'xx');
  await turn();
  expect([...memory]).toEqual([0, 0]);
  await expect(chain.run()).resolves.toEqual([]);
  stage();
  await expect(chain.run()).rejects.toBeInstanceOf(RingClosedError);
  await file.close();
});

test('a chain waits until all of it has room, nobody overtakes it, and a ring that refuses refuses it whole', async () => {
  const ring = ringOf({ entries: 4 });
  await using file = await opened(ring, '');
  const { capacity } = ring.stats;
  const memory = shared(1);
  memory[0] = 65;
  const order: string[] = [];
  const one = (name: string): Promise<unknown> =>
    file.write(memory, { position: 0 }).then(() => order.push(name));
  const singles = Array.from({ length: capacity - 1 }, () => one('before'));
  const chain = IoChain.on(ring);
  for (let index = 0; index < 4; index++) chain.write(file, memory, { position: index });
  const run = chain.run().then(() => order.push('chain'));
  if (native) expect(ring.stats.waiting).toBe(1);
  const after = Array.from({ length: 3 }, () => one('after'));
  await Promise.all([...singles, run, ...after]);
  expect(order).toHaveLength(capacity + 3);

  const refusing = ringOf({ entries: 4, onFull: 'refuse' });
  await using other = await opened(refusing, '');
  const busy = Array.from({ length: refusing.stats.capacity - 1 }, () =>
    other.write(memory, { position: 0 }),
  );
  const refused = IoChain.on(refusing);
  refused.write(other, memory, { position: 5 });
  refused.write(other, memory, { position: 6 });
  await expect(refused.run()).rejects.toBeInstanceOf(RingFullError);
  await Promise.all(busy);
  expect(fs.statSync(other.path).size).toBe(1);
});

test('misuse is refused by name', async () => {
  const ring = ringOf({ entries: 2 });
  await using file = await opened(ring);
  const chain = IoChain.on(ring);
  await using foreign = await opened(ringOf());
  expect(() => chain.sync(foreign)).toThrow('expected a file of the ring of this chain');
  expect(() => chain.read(file, new Uint8Array(1))).toThrow(
    expect.objectContaining({ code: 'ERR_IO_MEMORY' }),
  );
  expect(() => chain.read(file, shared(1), { position: -1 })).toThrow('position is -1');
  expect(() => chain.readv(file, [])).toThrow('views.length is 0');
  expect(() => chain.allocate(file, 0, 1, { how: 'x' as 'zero' })).toThrow('how is "x"');
  expect(chain.size).toBe(0);
  const many = Array.from({ length: 256 }, () => shared(0));
  const wide = IoChain.on(ringOf());
  await using widest = await opened(ringOf());
  expect(() => wide.writev(widest, many)).toThrow('a file of the ring');
  if (native) {
    expect(chain.capacity).toBe(2);
    chain.sync(file);
    chain.sync(file);
    expect(() => chain.sync(file)).toThrow('size is 2, expected less than 2, the longest chain of this ring');
    expect(await chain.run()).toEqual([0, 0]);
  }
  const closed = await opened(ring);
  chain.sync(closed);
  await closed.close();
  await expect(chain.run()).rejects.toBeInstanceOf(RingClosedError);
  expect(() => chain.sync(closed)).toThrow(RingClosedError);
});

test('vectors of a whole chain are bounded', async () => {
  const ring = ringOf();
  await using file = await opened(ring);
  const memory = shared(256);
  const chain = IoChain.on(ring);
  const views = Array.from({ length: 256 }, (_, index) => memory.subarray(index, index + 1));
  for (let step = 0; step < 4; step++) chain.writev(file, views, { position: step * 256 });
  expect(() => chain.writev(file, views)).toThrow(
    'views is 1280, expected at most 1024 in all steps of a chain',
  );
  expect(await chain.run()).toEqual([256, 256, 256, 256]);
  expect(fs.statSync(file.path).size).toBe(1024);
});

test('closing a file waits for the chain that has it', async () => {
  const ring = ringOf();
  const file = await opened(ring, '');
  const memory = shared(1);
  const chain = IoChain.on(ring);
  for (let index = 0; index < 32; index++) chain.write(file, memory, { position: index });
  const run = chain.run();
  const closing = file.close();
  expect(await run).toEqual(Array.from({ length: 32 }, () => 1));
  await closing;
  expect(fs.statSync(file.path).size).toBe(32);
});

test.runIf(!native)('on node:fs a chain ends with the step that a thread has begun', async () => {
  const memory = shared(1);
  const ring = ringOf();
  await using file = await opened(ring, '');
  const run = (options: OperationOptions = {}): Promise<unknown> => {
    const chain = IoChain.on(ring);
    for (let index = 0; index < 100; index++) chain.write(file, memory, { position: index });
    return chain.run(options).catch((error: unknown) => error);
  };
  const controller = new AbortController();
  const aborted = run({ signal: controller.signal });
  controller.abort(new Error('enough'));
  expect(await aborted).toEqual(new Error('enough'));
  expect(fs.statSync(file.path).size).toBe(1);
  const closed = run();
  await ring.close();
  expect(await closed).toBeInstanceOf(RingClosedError);
  expect(fs.statSync(file.path).size).toBe(1);
});

test('closing what is no file ends a chain that reads from it, in flight or in line', async ({ skip }) => {
  if (!native) skip('what a thread has begun cannot be cancelled');
  const ring = ringOf({ entries: 4 });
  const pipe = await IoFile.open(ring, pipePath(), 'r+');
  await using file = await opened(ring);
  const memory = shared(1);
  const runs = Array.from({ length: 6 }, () => {
    const chain = IoChain.on(ring);
    chain.sync(file);
    chain.read(pipe, memory);
    chain.write(file, memory, { position: 100 });
    return chain.run().catch((error: unknown) => error);
  });
  for (let turns = 0; turns < 3; turns++) await turn();
  expect(ring.stats.waiting).toBeGreaterThan(0);
  await pipe.close();
  for (const error of await Promise.all(runs)) expect(error).toBeInstanceOf(RingClosedError);
  expect(fs.statSync(file.path).size).toBe(6);
});

test('leases are the kernel’s while the chain runs, also those of steps that have not begun, and are back when it is over', async () => {
  const ring = ringOf();
  await using file = await opened(ring, '');
  const pool = poolOf();
  const [first, second] = [await pool.acquire(), await pool.acquire()];
  first.length = 3;
  first.bytes.set([65, 66, 67]);
  const chain = IoChain.on(ring);
  chain.write(file, first, { position: 0 });
  chain.read(file, second, { position: 0 });
  const run = chain.run();
  expect(() => first.bytes).toThrow(KernelHeldError);
  expect(() => second.bytes).toThrow(KernelHeldError);
  expect(await run).toEqual([3, 3]);
  expect(second.length).toBe(3);
  expect(Buffer.from(second.bytes.subarray(0, 3)).toString()).toBe('ABC');
  // What is lent already is refused, and the others are given back.
  const twice = IoChain.on(ring);
  twice.write(file, first, { position: 0 });
  twice.write(file, first, { position: 3 });
  await expect(twice.run()).rejects.toThrow(KernelHeldError);
  expect(first.bytes[0]).toBe(65);
  first.release();
  second.release();
});
