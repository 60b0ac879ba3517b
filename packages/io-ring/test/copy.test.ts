/** Copies of whole files: both ways, and every way out. */
import fs from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { copy, OperationError, type CopyProgress, type CopyWay } from '../src/index.ts';
import { fileOf, folder, pattern, pipePath, ringOf, turn } from './files.ts';
import { native } from './native-mode.ts';
import { expectBalanced, poolOf } from './pools.ts';

const CONTENT = pattern(100_000);
const target = (): string => `${folder()}/target`;

for (const way of ['kernel', 'buffers'] as const)
  test(`by ${way}, content and permissions are the same, and what was there is gone`, async () => {
    const from = fileOf(CONTENT);
    fs.chmodSync(from, 0o640);
    const to = fileOf(Buffer.alloc(200_000, 'x'));
    expect(await copy(ringOf(), from, to, { way, ...(way === 'buffers' && { pool: poolOf() }) })).toEqual({
      bytes: 100_000,
      way,
      reason: 'asked for',
      holeBytes: 0,
    });
    expect(fs.readFileSync(to).equals(CONTENT)).toBe(true);
    expect(fs.statSync(to).mode & 0o777).toBe(0o640);
  });

test('the way is the kernel’s unless something is asked that it cannot', async () => {
  const ring = ringOf();
  const from = fileOf(CONTENT);
  const wayOf = async (options: object): Promise<[CopyWay, string]> => {
    const { way, reason } = await copy(ring, from, target(), options);
    return [way, reason];
  };
  expect(await wayOf({})).toEqual(['kernel', 'the fastest']);
  expect(await wayOf({ signal: new AbortController().signal })).toEqual(['buffers', 'can be stopped']);
  expect(await wayOf({ onProgress: () => undefined })).toEqual(['buffers', 'tells its progress']);
  for (const wrong of [{ way: 'fast' }, { way: 'kernel', onProgress: () => undefined }])
    await expect(wayOf(wrong)).rejects.toMatchObject({ code: 'ERR_IO_ARGUMENT' });
});

test('progress goes up to the size', async () => {
  const seen: CopyProgress[] = [];
  await copy(ringOf(), fileOf(CONTENT), target(), { pool: poolOf(), onProgress: (now) => seen.push(now) });
  expect(seen.length).toBe(25);
  expect(seen.at(-1)).toEqual({ copiedBytes: 100_000, totalBytes: 100_000 });
  expect(seen.every(({ copiedBytes }, index) => copiedBytes > (seen[index - 1]?.copiedBytes ?? 0))).toBe(
    true,
  );
});

test('holes stay holes, also at the end', async ({ skip }) => {
  const from = `${folder()}/sparse`;
  const fd = fs.openSync(from, 'w');
  fs.writeSync(fd, CONTENT, 0, 8192, 0);
  fs.writeSync(fd, CONTENT, 0, 100, 5_000_000);
  fs.ftruncateSync(fd, 8_000_000);
  fs.closeSync(fd);
  if (fs.statSync(from).blocks * 512 >= 8_000_000) skip('the file system has no holes');
  const to = fileOf(Buffer.alloc(9_000_000, 'x'));
  const { bytes, holeBytes, reason } = await copy(ringOf(), from, to);
  expect({ bytes, reason }).toEqual({ bytes: 8_000_000, reason: 'the source has holes' });
  expect(holeBytes).toBeGreaterThan(7_700_000);
  expect(fs.readFileSync(to).equals(fs.readFileSync(from))).toBe(true);
  expect(fs.statSync(to).blocks * 512).toBeLessThan(1_000_000);
});

test('exclusive leaves what is there', async () => {
  const to = fileOf('mine');
  for (const way of ['kernel', 'buffers'] as const)
    await expect(copy(ringOf(), fileOf(CONTENT), to, { way, exclusive: true })).rejects.toMatchObject({
      code: 'EEXIST',
    });
  expect(fs.readFileSync(to, 'utf8')).toBe('mine');
});

test('a file that is copied onto itself, by whatever name, stays as it is', async () => {
  const from = fileOf(CONTENT);
  const link = target();
  fs.symlinkSync(from, link);
  for (const way of ['kernel', 'buffers'] as const)
    for (const to of [from, link]) expect((await copy(ringOf(), from, to, { way })).bytes).toBe(100_000);
  expect(fs.readFileSync(from).equals(CONTENT)).toBe(true);
});

test('what says that it is empty is copied as far as it goes', async ({ skip }) => {
  if (!fs.existsSync('/proc/cpuinfo')) skip('no /proc');
  const to = target();
  const { bytes, way } = await copy(ringOf(), '/proc/cpuinfo', to);
  expect(way).toBe('buffers');
  expect(fs.statSync(to).size).toBe(bytes);
  expect(bytes).toBeGreaterThan(100);
  const empty = target();
  expect((await copy(ringOf(), fileOf(''), empty)).bytes).toBe(0);
  expect(fs.readFileSync(empty).length).toBe(0);
});

test('what is not there, or is a folder, is refused before anything is touched', async () => {
  const ring = ringOf();
  const to = fileOf('mine');
  await expect(copy(ring, `${folder()}/nothing`, to)).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(copy(ring, folder(), to)).rejects.toMatchObject({ code: 'EISDIR' });
  await expect(copy(ring, to, folder(), { way: 'buffers' })).rejects.toMatchObject({ code: 'EISDIR' });
  await expect(copy(ring, to, target(), { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow(
    'no',
  );
  expect(fs.readFileSync(to, 'utf8')).toBe('mine');
});

test('a copy that is aborted leaves no target, and every buffer in the pool', async () => {
  const ring = ringOf();
  const pool = poolOf();
  const to = target();
  const controller = new AbortController();
  const reason = new Error('enough');
  const onProgress = ({ copiedBytes }: CopyProgress): void => {
    if (copiedBytes > 20_000) controller.abort(reason);
  };
  const { signal } = controller;
  await expect(copy(ring, fileOf(CONTENT), to, { pool, signal, onProgress })).rejects.toBe(reason);
  expect(fs.existsSync(to)).toBe(false);
  expectBalanced(pool);
  expect(ring.stats).toMatchObject({ inFlight: 0, waiting: 0 });
});

test('what onProgress throws, and a ring that is closed, end the copy and leave no target', async () => {
  for (const how of ['throws', 'closes'] as const) {
    const ring = ringOf();
    const pool = poolOf({ buffers: 2 });
    const to = target();
    const onProgress = (): void => {
      if (how === 'throws') throw new Error('mine');
      void ring.close();
    };
    const copied = copy(ring, fileOf(CONTENT), to, { pool, onProgress });
    await expect(copied).rejects.toMatchObject(
      how === 'throws' ? { message: 'mine' } : { code: 'ERR_RING_CLOSED' },
    );
    expect(fs.existsSync(to)).toBe(false);
    expectBalanced(pool);
  }
});

test('a full device ends it, and is not removed', async ({ skip }) => {
  if (!fs.existsSync('/dev/full')) skip('no /dev/full');
  const pool = poolOf();
  const { mode } = fs.statSync('/dev/full');
  for (const content of [CONTENT, 'the last write is the only one']) {
    const copied = copy(ringOf(), fileOf(content), '/dev/full', { pool, way: 'buffers' });
    await expect(copied).rejects.toMatchObject({ code: 'ENOSPC' });
  }
  expect(fs.statSync('/dev/full').mode).toBe(mode);
  expectBalanced(pool);
});

test('a pipe is copied until its writers have gone', async () => {
  const pipe = pipePath();
  const writer = fs.openSync(pipe, 'r+');
  const to = target();
  const copied = copy(ringOf(), pipe, to, { pool: poolOf() });
  fs.writeSync(writer, 'hello');
  while (!fs.existsSync(to) || fs.statSync(to).size < 5) await turn();
  fs.closeSync(writer);
  expect((await copied).bytes).toBe(5);
  expect(fs.readFileSync(to, 'utf8')).toBe('hello');
});

test('an abort ends the wait for a pipe that says nothing', async () => {
  const pipe = pipePath();
  const writer = fs.openSync(pipe, 'r+');
  onTestFinished(() => fs.closeSync(writer));
  const to = target();
  const controller = new AbortController();
  const copied = copy(ringOf(), pipe, to, { signal: controller.signal });
  while (!fs.existsSync(to)) await turn();
  await turn();
  controller.abort(new Error('enough'));
  if (!native) fs.writeSync(writer, 'x'); // a thread of libuv waits for it
  await expect(copied).rejects.toThrow('enough');
  expect(fs.existsSync(to)).toBe(false);
});

test('what is no regular file is written to, and never removed, whatever becomes of the copy', async () => {
  const ring = ringOf();
  const to = pipePath();
  const fd = fs.openSync(to, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  onTestFinished(() => fs.closeSync(fd));
  const content = Buffer.concat([pattern(3000), Buffer.alloc(30_000), pattern(100)]);
  const from = fileOf(content);
  expect(await copy(ring, from, to, { pool: poolOf() })).toMatchObject({
    bytes: 33_100,
    way: 'buffers',
    reason: 'the target is no regular file',
  });
  const found = Buffer.alloc(40_000);
  expect(fs.readSync(fd, found)).toBe(33_100);
  expect(found.subarray(0, 33_100).equals(content)).toBe(true);
  await expect(copy(ring, from, to, { way: 'kernel' })).rejects.toMatchObject({ code: 'ERR_IO_ARGUMENT' });
  await expect(copy(ring, from, folder())).rejects.toMatchObject({ code: 'EISDIR' });
  expect(fs.statSync(to).isFIFO()).toBe(true);
});

test('zeros of a sparse file get into a pipe', async ({ skip }) => {
  const from = `${folder()}/sparse`;
  fs.writeFileSync(from, 'a');
  fs.truncateSync(from, 60_000);
  if (fs.statSync(from).blocks * 512 >= 60_000) skip('the file system has no holes');
  const to = pipePath();
  const fd = fs.openSync(to, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  onTestFinished(() => fs.closeSync(fd));
  expect(await copy(ringOf(), from, to, { pool: poolOf() })).toMatchObject({ bytes: 60_000, holeBytes: 0 });
  expect(fs.readSync(fd, Buffer.alloc(70_000))).toBe(60_000);
});

for (const way of ['kernel', 'buffers'] as const)
  test(`what the system refuses by ${way} is an OperationError with the target`, async () => {
    const to = fileOf('mine');
    const refused = copy(ringOf(), fileOf(CONTENT), to, { way, exclusive: true });
    await expect(refused).rejects.toBeInstanceOf(OperationError);
    await expect(refused).rejects.toMatchObject({ code: 'EEXIST', path: to });
  });
