import fs from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { IoBatch, type IoBatchOptions, RingClosedError } from '../src/index.ts';
import { fileOf, folder, pattern, pipe, shared, turn } from './files.ts';
import { native } from './native-mode.ts';

function batchOf(options: IoBatchOptions = {}): IoBatch {
  const batch = IoBatch.open(options);
  onTestFinished(() => batch.close());
  return batch;
}

function descriptor(name: string, flags = 'r'): number {
  const fd = fs.openSync(name, flags);
  onTestFinished(() => fs.closeSync(fd));
  return fd;
}

/** Both ways to run. */
const WAYS = [
  ['run', async (batch: IoBatch) => batch.run()],
  ['runAsync', (batch: IoBatch) => batch.runAsync()],
] as const;

for (const [way, run] of WAYS) {
  test(`${way}: each result is in its place, more than the ring takes at once`, async () => {
    const bytes = pattern(1 << 16);
    const fd = descriptor(fileOf(bytes));
    const memory = shared(1000 * 64);
    const batch = batchOf({ operations: 1000, entries: 8 });
    expect(batch.backend.kind).toBe(native ? 'io_uring' : 'fs');
    for (let round = 0; round < 3; round++) {
      memory.fill(0);
      for (let index = 0; index < 1000; index++)
        expect(batch.read(fd, memory.subarray(index * 64, index * 64 + 1 + (index % 64)), index * 60)).toBe(
          index,
        );
      expect(batch.size).toBe(1000);
      expect(await run(batch)).toBe(1000);
      expect(batch.size).toBe(0);
      for (let index = 0; index < 1000; index++) {
        const length = 1 + (index % 64);
        expect(batch.results[index]).toBe(length);
        const found = memory.subarray(index * 64, index * 64 + length);
        expect(Buffer.compare(found, bytes.subarray(index * 60, index * 60 + length))).toBe(0);
      }
    }
  });

  test(`${way}: a short read and a failure break their chain, and nothing else`, async () => {
    const fd = descriptor(fileOf('abcdef'));
    const memory = shared(10);
    const batch = batchOf();
    batch.read(fd, memory.subarray(0, 6), 0);
    batch.link();
    batch.read(fd, memory.subarray(0, 10), 0); // short
    batch.link();
    batch.sync(fd);
    batch.link();
    batch.sync(fd, { dataOnly: true });
    batch.read(fd, memory.subarray(0, 2), 0); // not linked
    batch.write(fd, memory.subarray(0, 1), 0); // not open for writing
    batch.link();
    batch.read(fd, memory.subarray(0, 1), 0);
    batch.link(); // nothing follows
    expect(await run(batch)).toBe(3);
    expect([...batch.results.subarray(0, 7)]).toEqual([6, 6, -125, -125, 2, -9, -125]);
    batch.read(fd, memory.subarray(0, 1), 0);
    expect(await run(batch)).toBe(1); // what was linked to nothing has caught nothing
  });

  test(`${way}: writes in a chain are there in order, and synced`, async () => {
    const name = path.join(folder(), 'log');
    const fd = descriptor(name, 'w');
    const memory = shared(3);
    memory.set([65, 66, 67]);
    const batch = batchOf();
    batch.write(fd, memory, 0);
    batch.link();
    batch.write(fd, memory.subarray(2), 1);
    batch.link();
    batch.sync(fd);
    expect(await run(batch)).toBe(3);
    expect(fs.readFileSync(name, 'utf8')).toBe('ACC');
  });

  test(`${way}: an empty batch is over at once, a bad descriptor fails alone`, async () => {
    const batch = batchOf();
    expect(await run(batch)).toBe(0);
    batch.read(999_999, shared(1), 0);
    expect(await run(batch)).toBe(0);
    expect(batch.results[0]).toBe(-9);
  });

  test(`${way}: a chain that is longer than the ring fails with E2BIG on io_uring`, async () => {
    const fd = descriptor(fileOf('abc'));
    const memory = shared(1);
    const batch = batchOf({ entries: 4 });
    for (let index = 0; index < 5; index++) {
      batch.read(fd, memory, 0);
      batch.link();
    }
    expect(await run(batch)).toBe(native ? 0 : 5);
    expect([...batch.results.subarray(0, 5)]).toEqual(native ? [-7, -7, -7, -7, -7] : [1, 1, 1, 1, 1]);
    batch.read(fd, memory, 0);
    expect(await run(batch)).toBe(1);
  });
}

test('registered memory gives the same bytes, and the batch says whether it is registered', () => {
  const memory = shared(8192);
  const batch = batchOf({ memory });
  if (native) expect(batch.backend.reason).toMatch(/memory (registered|not registered \(E)/);
  const fd = descriptor(fileOf(pattern(5000)));
  batch.read(fd, memory.subarray(10, 5010), 0);
  expect(batch.run()).toBe(1);
  expect(memory.subarray(10, 5010)).toEqual(pattern(5000));
});

test('misuse is refused by name, and what was staged stays', () => {
  const batch = batchOf({ operations: 2 });
  const fd = descriptor(fileOf('abc'));
  const memory = shared(3);
  expect(() => batch.link()).toThrow('size is 0');
  expect(() => batch.read(-1, memory, 0)).toThrow('fd is -1');
  expect(() => batch.read(fd, memory, 0.5)).toThrow('position is 0.5');
  expect(() => batch.read(fd, new Uint8Array(3), 0)).toThrow(
    expect.objectContaining({ code: 'ERR_IO_MEMORY' }),
  );
  batch.read(fd, memory, 0);
  batch.read(fd, memory, 0);
  expect(() => batch.read(fd, memory, 0)).toThrow(
    'size is 2, expected less than 2, its `operations`: run the batch first',
  );
  expect(batch.run()).toBe(2);
  for (const options of [
    { operations: 0 },
    { operations: 65_537 },
    { entries: 0 },
    { entries: 5000 },
    { engine: 'x' },
  ])
    expect(() => IoBatch.open(options as object)).toThrow(
      expect.objectContaining({ code: 'ERR_IO_ARGUMENT' }),
    );
});

test('a batch under way is not touched, and its signal ends it early', async () => {
  const batch = batchOf({ entries: 4, operations: 100 });
  const fd = native ? pipe() : descriptor(fileOf('x'));
  const memory = shared(100);
  for (let index = 0; index < 100; index++) batch.read(fd, memory.subarray(index, index + 1), 0);
  const controller = new AbortController();
  const running = batch.runAsync({ signal: controller.signal });
  expect(() => batch.read(fd, memory, 0)).toThrow('batch is "running"');
  expect(() => batch.run()).toThrow('batch is "running"');
  if (native) await turn();
  controller.abort();
  const succeeded = await running;
  expect(succeeded).toBe([...batch.results].filter((result) => result >= 0).length);
  expect(succeeded).toBeLessThan(native ? 1 : 100);
  expect(batch.results[99]).toBe(-125);
  await expect(batch.runAsync({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
  expect(await batch.runAsync()).toBe(0);
});

test('a chain that is cancelled does not go on with its next link', async ({ skip }) => {
  if (!native) skip('what a thread has begun cannot be cancelled');
  const batch = batchOf();
  const fd = pipe();
  const memory = shared(4);
  for (let round = 0; round < 50; round++) {
    const controller = new AbortController();
    for (let index = 0; index < 4; index++) {
      batch.read(fd, memory.subarray(index, index + 1), 0);
      batch.link();
    }
    const running = batch.runAsync({ signal: controller.signal });
    fs.writeSync(fd, 'x'); // the first is done, the second is about to begin
    if (round % 2 === 0) await turn();
    controller.abort();
    await running;
    const left = 1 - (batch.results[0] === 1 ? 1 : 0);
    if (left === 1) fs.readSync(fd, Buffer.alloc(1));
    expect([...batch.results.subarray(1, 4)]).toEqual([-125, -125, -125]);
  }
});

test('closing while it runs rejects, and nothing is written to its memory afterwards', async () => {
  const batch = batchOf();
  const fd = native ? pipe() : descriptor(fileOf('xx'));
  const memory = shared(2);
  batch.read(fd, memory.subarray(0, 1), 0);
  batch.link();
  batch.read(fd, memory.subarray(1), 0);
  const running = batch.runAsync();
  batch.close();
  await expect(running).rejects.toBeInstanceOf(RingClosedError);
  if (native) fs.writeSync(fd, 'xx');
  await turn();
  if (native) expect([...memory]).toEqual([0, 0]);
  expect(() => batch.read(fd, memory, 0)).toThrow('the batch is closed');
  expect(() => batch.run()).toThrow(RingClosedError);
  await expect(batch.runAsync()).rejects.toBeInstanceOf(RingClosedError);
});

test.runIf(native)('no more than `entries` are in the kernel’s hands at once', async () => {
  const empty = pipe();
  const fd = descriptor(fileOf('abc'));
  const memory = shared(4);
  const batch = batchOf({ entries: 2 });
  for (const [lane, from] of [fd, empty, empty, fd].entries())
    batch.read(from, memory.subarray(lane, lane + 1), 0);
  const control = new AbortController();
  const running = batch.runAsync({ signal: control.signal });
  while (Atomics.load(batch.results, 0) === 0) await turn();
  for (let turns = 0; turns < 10; turns++) await turn(); // the last one never has its turn: two wait for the pipe
  control.abort();
  expect(await running).toBe(1);
  expect([...batch.results.subarray(0, 4)]).toEqual([1, -125, -125, -125]);
});
