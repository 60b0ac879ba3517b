import fs from 'node:fs';
import { expect, test } from 'vitest';
import { IoFile, OperationTimeoutError } from '../src/index.ts';
import { fileOf, pipePath, ringOf, shared, turn } from './files.ts';
import { native } from './native-mode.ts';

/** On node:fs nothing that a thread has begun can be cancelled: something to read lets it end. */
function letEnd(file: IoFile, bytes = 1): void {
  if (!native) fs.writeSync(file.fd, 'x'.repeat(bytes));
}

test('a signal that is aborted refuses before anything starts', async () => {
  const ring = ringOf();
  await using file = await IoFile.open(ring, fileOf('abc'));
  const reason = new Error('no');
  await expect(file.read(shared(3), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(ring.stats.started).toBe(1);
});

test('aborting a read that waits ends it with the reason, or with its result where it is too late', async () => {
  const ring = ringOf();
  await using file = await IoFile.open(ring, pipePath(), 'r+');
  const controller = new AbortController();
  const read = file.read(shared(1), { signal: controller.signal });
  await turn();
  const reason = new Error('enough');
  controller.abort(reason);
  letEnd(file);
  if (native) await expect(read).rejects.toBe(reason);
  else expect(await read).toBe(1);
  expect(ring.stats).toMatchObject({ inFlight: 0, cancelled: native ? 1 : 0 });
});

test('aborting in the tick of the start, and after the end, is as good', async () => {
  const ring = ringOf();
  await using file = await IoFile.open(ring, pipePath(), 'r+');
  const controller = new AbortController();
  const read = file.read(shared(1), { signal: controller.signal });
  controller.abort();
  letEnd(file);
  if (native) await expect(read).rejects.toThrow('aborted');
  else await read;
  const late = new AbortController();
  fs.writeSync(file.fd, 'x');
  expect(await file.read(shared(1), { signal: late.signal })).toBe(1);
  late.abort();
  expect(ring.stats.inFlight).toBe(0);
});

test('aborting what waits in line takes it out of the line at once', async () => {
  const ring = ringOf({ entries: 1 });
  const { capacity } = ring.stats;
  await using file = await IoFile.open(ring, pipePath(), 'r+');
  const memory = shared(4096);
  const reads = native
    ? Array.from({ length: capacity }, (_, index) => file.read(memory.subarray(index, index + 1)))
    : [];
  const controller = new AbortController();
  if (!native) return; // 1024 threads' worth of pipes: the line is the same code
  const waiting = file.read(memory.subarray(100, 101), { signal: controller.signal });
  const behind = file.read(memory.subarray(101, 102));
  expect(ring.stats.waiting).toBe(2);
  controller.abort(new Error('left'));
  await expect(waiting).rejects.toThrow('left');
  expect(ring.stats).toMatchObject({ waiting: 1, inFlight: capacity });
  fs.writeSync(file.fd, 'x'.repeat(capacity + 1));
  await Promise.all([...reads, behind]);
  expect(ring.stats).toMatchObject({ waiting: 0, inFlight: 0 });
});

test('whoever gives up in line leaves it, so that a ring which is stuck holds nobody’s memory', async ({
  skip,
}) => {
  if (!native) skip('1024 threads’ worth of pipes: the line is the same code');
  const ring = ringOf({ entries: 1 });
  await using file = await IoFile.open(ring, pipePath(), 'r+');
  const memory = shared(4);
  const reads = [0, 1].map((index) => file.read(memory.subarray(index, index + 1)));
  const views: WeakRef<Uint8Array>[] = [];
  for (let round = 0; round < 50; round++) {
    const controller = new AbortController();
    const line = Array.from({ length: 20 }, () => {
      const view = memory.subarray(2, 3);
      if (views.length < 1000) views.push(new WeakRef(view));
      return file.read(view, { signal: controller.signal });
    });
    const last = file.read(memory.subarray(3, 4), { signal: controller.signal });
    controller.abort();
    await Promise.allSettled([...line, last]);
  }
  expect(ring.stats).toMatchObject({ inFlight: 2, waiting: 0, cancelled: 1050 });
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--expose-gc');
  const collect = (await import('node:vm')).runInNewContext('gc') as () => void;
  await turn();
  collect();
  expect(views.filter((view) => view.deref() !== undefined).length).toBeLessThan(50);
  fs.writeSync(file.fd, 'xx');
  expect(await Promise.all(reads)).toEqual([1, 1]);
});

test('a time-out ends a read of an empty pipe', async () => {
  await using file = await IoFile.open(ringOf(), pipePath(), 'r+');
  const read = file.read(shared(1), { timeoutMs: 10 });
  if (!native) setTimeout(() => letEnd(file), 50);
  if (native) await expect(read).rejects.toBeInstanceOf(OperationTimeoutError);
  else expect(await read).toBe(1); // a thread has begun: the memory is its until it ends
  for (const timeoutMs of [-1, Number.NaN, 2 ** 31])
    await expect(file.read(shared(1), { timeoutMs })).rejects.toMatchObject({ code: 'ERR_IO_ARGUMENT' });
});

test('one signal for a ring that is full cancels them all', async ({ skip }) => {
  if (!native) skip('what a thread has begun cannot be cancelled');
  const ring = ringOf({ entries: 64 });
  await using file = await IoFile.open(ring, pipePath(), 'r+');
  const memory = shared(1000);
  const controller = new AbortController();
  const { signal } = controller;
  const reads = Array.from({ length: 500 }, (_, i) => file.read(memory.subarray(i, i + 1), { signal }));
  await turn();
  expect(ring.stats).toMatchObject({ inFlight: 128, waiting: 372 });
  controller.abort();
  const outcomes = await Promise.allSettled(reads);
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
  expect(ring.stats).toMatchObject({ inFlight: 0, waiting: 0, cancelled: 500 });
});

test('after 10 000 cancellations every slot is there, and no memory is touched any more', async ({
  skip,
}) => {
  if (!native) skip('what a thread has begun cannot be cancelled');
  const ring = ringOf({ entries: 64 });
  await using file = await IoFile.open(ring, pipePath(), 'r+');
  const memory = shared(128);
  for (let round = 0; round < 100; round++) {
    const controller = new AbortController();
    const { signal } = controller;
    const reads = Array.from({ length: 100 }, (_, i) => file.read(memory.subarray(i, i + 1), { signal }));
    if (round % 2 === 0) await turn();
    controller.abort();
    await Promise.allSettled(reads);
  }
  expect(ring.stats).toMatchObject({ inFlight: 0, waiting: 0, cancelled: 10_000 });
  fs.writeSync(file.fd, 'x'.repeat(100)); // whoever still reads would take it
  await turn();
  await turn();
  expect(memory.every((byte) => byte === 0)).toBe(true);
  const all = await Promise.all(Array.from({ length: 100 }, (_, i) => file.read(memory.subarray(i, i + 1))));
  expect(all.every((bytes) => bytes === 1)).toBe(true);
  expect(Buffer.from(memory.subarray(0, 100)).toString()).toBe('x'.repeat(100));
});
