import { expect, test } from 'vitest';
import { IoFile, IoMemoryError } from '../src/index.ts';
import { fileOf, pattern, ringOf, shared } from './files.ts';
import { native } from './native-mode.ts';

test('memory that could be transferred away is refused before anything happens', async () => {
  const ring = ringOf();
  await using file = await IoFile.open(ring, fileOf('abc'));
  for (const view of [new Uint8Array(3), Buffer.alloc(3)])
    await expect(file.read(view, { position: 0 })).rejects.toBeInstanceOf(IoMemoryError);
  for (const view of [null, 'abc', new Int32Array(new SharedArrayBuffer(8)), new SharedArrayBuffer(3)])
    await expect(file.read(view as unknown as Uint8Array)).rejects.toMatchObject({ code: 'ERR_IO_ARGUMENT' });
  expect(ring.stats).toMatchObject({ inFlight: 0, waiting: 0, started: 1 });
});

test('positions that are none are refused', async () => {
  await using file = await IoFile.open(ringOf(), fileOf('abc'));
  for (const position of [-1, 0.5, Number.NaN, 2 ** 53, '1' as unknown as number])
    await expect(file.read(shared(1), { position })).rejects.toMatchObject({ code: 'ERR_IO_ARGUMENT' });
});

test('growable shared memory may grow between operations', async () => {
  await using file = await IoFile.open(ringOf(), fileOf(pattern(8192)));
  const buffer = new SharedArrayBuffer(4096, { maxByteLength: 8192 });
  expect(await file.read(new Uint8Array(buffer), { position: 0 })).toBe(4096);
  buffer.grow(8192);
  const view = new Uint8Array(buffer);
  expect(await file.read(view, { position: 0 })).toBe(8192);
  expect(Buffer.from(view)).toEqual(Buffer.from(pattern(8192)));
});

test('beyond 64 memories the ring refuses by name, and those it has still work', async () => {
  const ring = ringOf();
  await using file = await IoFile.open(ring, fileOf('abc'));
  const views = Array.from({ length: 70 }, () => shared(3));
  const outcomes = await Promise.allSettled(views.map((view) => file.read(view, { position: 0 })));
  const refused = outcomes.filter(({ status }) => status === 'rejected');
  expect(refused.length).toBe(native ? 7 : 0); // one is the ring's own
  for (const outcome of refused)
    expect((outcome as PromiseRejectedResult).reason).toMatchObject({
      code: 'ERR_IO_MEMORY',
      message: expect.stringContaining('64 memories'),
    });
  expect(ring.stats.inFlight).toBe(0);
  expect(await file.read(views[0] as Uint8Array, { position: 0 })).toBe(3);
});

test('a ring whose memories are used up refuses what needs its own, and loses no room by it', async () => {
  const ring = ringOf({ entries: 2 });
  if (native) for (let index = 0; index < 64; index++) ring.register(shared(1));
  const opened = Array.from({ length: 20 }, () => IoFile.open(ring, fileOf('abc')));
  const outcomes = await Promise.allSettled(opened);
  expect(outcomes.every(({ status }) => status === (native ? 'rejected' : 'fulfilled'))).toBe(true);
  expect(ring.stats).toMatchObject({ inFlight: 0, waiting: 0 });
  for (const outcome of outcomes) if (outcome.status === 'fulfilled') await outcome.value.close();
});

test('registering says whether the kernel keeps the pages', async () => {
  const memory = shared(8192);
  expect(ringOf().register(memory)).toMatchObject({ fixed: false });
  const ring = ringOf({ fixedBuffers: true });
  const { fixed, reason } = ring.register(memory);
  if (!native)
    expect({ fixed, reason }).toEqual({ fixed: false, reason: 'node:fs has no registered memory' });
  else expect(reason).toMatch(fixed ? /^registered with the kernel$/ : /IORING_REGISTER_BUFFERS answered E/);
  expect(() => ring.register(new Uint8Array(10))).toThrow(IoMemoryError);
  await using file = await IoFile.open(ring, fileOf(pattern(4096)));
  expect(await file.read(memory.subarray(100, 4196), { position: 0 })).toBe(4096);
  expect(memory.subarray(100, 4196)).toEqual(pattern(4096));
});
