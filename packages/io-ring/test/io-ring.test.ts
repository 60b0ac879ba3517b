import fs from 'node:fs';
import { expect, test } from 'vitest';
import { copy, IoBatch, IoFile, IoRing, TcpListener } from '../src/index.ts';
import { fileOf, folder, pattern, pipePath, ringOf, shared } from './files.ts';
import { native } from './native-mode.ts';

test('options that make no sense are refused', () => {
  for (const options of [
    { entries: 0 },
    { entries: 4097 },
    { entries: 1.5 },
    { maxWaiting: -1 },
    { files: 32_769 },
    { onFull: 'drop' },
    { engine: 'iocp' },
    { fixedBuffers: 1 },
  ])
    expect(() => IoRing.open(options as object)).toThrow(
      expect.objectContaining({ code: 'ERR_IO_ARGUMENT' }),
    );
});

test('many more operations than room come back with the right content each', async () => {
  const bytes = pattern(1 << 20);
  const ring = ringOf({ entries: 16 });
  await using file = await IoFile.open(ring, fileOf(bytes));
  const memory = shared(2000 * 512);
  await Promise.all(
    Array.from({ length: 2000 }, async (_, index) => {
      const view = memory.subarray(index * 512, (index + 1) * 512);
      const position = (index * 7919) % (bytes.length - 512);
      expect(await file.read(view, { position })).toBe(512);
      expect(Buffer.compare(view, bytes.subarray(position, position + 512))).toBe(0);
    }),
  );
  expect(ring.stats).toMatchObject({ inFlight: 0, waiting: 0, completed: 2001, failed: 0, refused: 0 });
});

test('a full ring refuses, if told to, and works on afterwards', async () => {
  const ring = ringOf({ entries: 4, onFull: 'refuse' });
  const { capacity } = ring.stats;
  await using file = await IoFile.open(ring, fileOf('abc'));
  const memory = shared(3);
  const outcomes = await Promise.allSettled(
    Array.from({ length: capacity + 5 }, () => file.read(memory, { position: 0 })),
  );
  const refused = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
  expect(refused.length).toBe(5);
  expect(refused[0]?.reason).toMatchObject({
    code: 'ERR_RING_FULL',
    message: `${capacity} operations are in flight, which is the limit`,
  });
  expect(ring.stats.refused).toBe(5);
  expect(await file.read(memory, { position: 0 })).toBe(3);
});

test('the line has a limit, too', async () => {
  const ring = ringOf({ entries: 4, maxWaiting: 2 });
  await using file = await IoFile.open(ring, fileOf('abc'));
  const memory = shared(3);
  const outcomes = await Promise.allSettled(
    Array.from({ length: ring.stats.capacity + 3 }, () => file.read(memory, { position: 0 })),
  );
  expect(outcomes.map(({ status }) => status).filter((status) => status === 'rejected').length).toBe(1);
});

test('a file of a full ring that refuses is closed nevertheless', async () => {
  const ring = ringOf({ entries: 4, onFull: 'refuse' });
  const file = await IoFile.open(ring, fileOf('abc'));
  const memory = shared(3);
  const reads = Array.from({ length: ring.stats.capacity }, () => file.read(memory, { position: 0 }));
  await file.close();
  await Promise.all(reads);
  expect(() => fs.fstatSync(file.fd)).toThrow(/EBADF/);
});

test('closing cancels what is in flight and what waits, and everything is refused afterwards', async () => {
  const ring = IoRing.open({ entries: 1 });
  const file = await IoFile.open(ring, native ? pipePath() : fileOf('abcdef'), native ? 'r+' : 'r');
  const memory = shared(10);
  const reads = Array.from({ length: 5 }, (_, index) => file.read(memory.subarray(index, index + 1)));
  const settled = Promise.allSettled(reads);
  await Promise.all([ring.close(), ring.close()]);
  const outcomes = await settled;
  for (const outcome of outcomes)
    if (native) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_RING_CLOSED' } });
    else expect(outcome).toEqual({ status: 'fulfilled', value: 1 });
  await expect(file.read(memory)).rejects.toMatchObject({
    code: 'ERR_RING_CLOSED',
    message: 'the ring is closed',
  });
  await expect(IoFile.open(ring, '/')).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
  expect(() => ring.register(memory)).toThrow('the ring is closed');
  await file.close(); // by node:fs
  expect(() => fs.fstatSync(file.fd)).toThrow(/EBADF/);
  expect(ring.stats).toMatchObject({ inFlight: 0, waiting: 0 });
});

test('a file that opens while the ring closes is not left open', async () => {
  const name = fileOf('abc');
  const open = (): number =>
    fs.existsSync('/proc/self/fd')
      ? fs.readdirSync('/proc/self/fd').filter((fd) => {
          try {
            return fs.readlinkSync(`/proc/self/fd/${fd}`) === name;
          } catch {
            return false;
          }
        }).length
      : 0;
  for (let round = 0; round < 50; round++) {
    const ring = IoRing.open();
    const opening = IoFile.open(ring, name).then(
      (file) => file.close(),
      () => {},
    );
    await ring.close();
    await opening;
  }
  expect(open()).toBe(0);
});

test('a timer fires while a loop of awaited cached reads runs', async () => {
  await using file = await IoFile.open(ringOf(), fileOf(pattern(4096)));
  const memory = shared(4096);
  const fired = new AbortController();
  setTimeout(() => fired.abort(), 5);
  const until = Date.now() + 5000;
  let reads = 0;
  while (!fired.signal.aborted && Date.now() < until) {
    await file.read(memory, { position: 0 });
    reads++;
  }
  expect(fired.signal.aborted).toBe(true);
  expect(reads).toBeGreaterThan(1);
});

test('rings of one thread do not get into each other’s way, and all their numbers add up', async () => {
  const name = fileOf(pattern(1000));
  const rings = Array.from({ length: 10 }, () => ringOf({ entries: 8 }));
  await Promise.all(
    rings.map(async (ring) => {
      await using file = await IoFile.open(ring, name);
      const memory = shared(1000);
      for (let round = 0; round < 20; round++)
        expect(await file.read(memory.subarray(0, round), { position: 0 })).toBe(round);
    }),
  );
  for (const ring of rings) expect(ring.stats).toMatchObject({ started: 22, completed: 22, inFlight: 0 });
});

test('what is no object in the place of options is refused where it would be ignored', async () => {
  const ring = ringOf();
  const from = fileOf('abc');
  const wrong = 8080 as unknown as object;
  const expected = { code: 'ERR_IO_ARGUMENT', message: expect.stringContaining('options is 8080') as string };
  for (const open of [() => IoRing.open(wrong), () => IoBatch.open(wrong)])
    expect(open).toThrow(expect.objectContaining(expected) as Error);
  for (const refused of [
    TcpListener.listen(ring, wrong),
    IoFile.open(ring, from, 'r', wrong),
    copy(ring, from, `${folder()}/target`, wrong),
  ])
    await expect(refused).rejects.toMatchObject(expected);
});
