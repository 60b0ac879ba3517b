import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { IoFile, OperationError, OperationTimeoutError } from '../src/index.ts';
import { fileOf, folder, pattern, pipePath, ringOf, shared } from './files.ts';
import { native } from './native-mode.ts';

test('the ring says which engine it is on, and why', () => {
  const { kind, reason } = ringOf().backend;
  expect(kind).toBe(native ? 'io_uring' : 'fs');
  expect(reason).toMatch(native ? /256 entries/ : /CORELANE_NO_NATIVE|no addon|could not be loaded/);
  expect(ringOf({ engine: 'fs' }).backend).toEqual({ kind: 'fs', reason: 'asked for' });
});

test('what is written at positions is read back, and is what node:fs sees', async () => {
  const name = path.join(folder(), 'made');
  await using file = await IoFile.open(ringOf(), name, 'w+');
  const bytes = shared(10_000);
  bytes.set(pattern(10_000));
  expect(await file.write(bytes, { position: 5000 })).toBe(10_000);
  expect(fs.readFileSync(name).subarray(5000)).toEqual(Buffer.from(pattern(10_000)));
  expect(
    fs
      .readFileSync(name)
      .subarray(0, 5000)
      .every((byte) => byte === 0),
  ).toBe(true);
  const back = shared(4000);
  expect(await file.read(back.subarray(1000, 3000), { position: 5100 })).toBe(2000);
  expect(back.subarray(1000, 3000)).toEqual(bytes.subarray(100, 2100));
  expect(back.subarray(0, 1000).every((byte) => byte === 0)).toBe(true);
  expect(back.subarray(3000).every((byte) => byte === 0)).toBe(true);
});

test('without a position the descriptor goes on from where it is', async () => {
  await using file = await IoFile.open(ringOf(), fileOf('abcdef'));
  const view = shared(4);
  expect(await file.read(view)).toBe(4);
  expect(Buffer.from(view).toString()).toBe('abcd');
  expect(await file.read(view)).toBe(2);
  expect(await file.read(view)).toBe(0);
});

test('a read that reaches over the end of the file says how much there was', async () => {
  await using file = await IoFile.open(ringOf(), fileOf(pattern(1000)));
  const view = shared(4096);
  expect(await file.read(view, { position: 600 })).toBe(400);
  expect(view.subarray(0, 400)).toEqual(pattern(1000).subarray(600));
  expect(await file.read(view, { position: 1000 })).toBe(0);
  expect(await file.read(view, { position: 2 ** 40 })).toBe(0);
  expect(await file.read(view.subarray(0, 0), { position: 0 })).toBe(0);
});

test('positions beyond 4 GiB are kept whole', async () => {
  await using file = await IoFile.open(ringOf(), path.join(folder(), 'sparse'), 'w+');
  const view = shared(3);
  view.set([1, 2, 3]);
  await file.write(view, { position: 2 ** 33 + 7 });
  expect((await file.stat()).sizeBytes).toBe(2 ** 33 + 10);
  const back = shared(3);
  await file.read(back, { position: 2 ** 33 + 7 });
  expect([...back]).toEqual([1, 2, 3]);
});

test('a short read of a pipe goes on until the view is full', async () => {
  await using file = await IoFile.open(ringOf(), pipePath(), 'r+');
  const view = shared(6);
  const read = file.read(view);
  fs.writeSync(file.fd, 'abc');
  while (view[2] !== 'c'.charCodeAt(0)) await new Promise(setImmediate); // the first part has arrived by itself
  fs.writeSync(file.fd, 'defg');
  expect(await read).toBe(6);
  expect(Buffer.from(view).toString()).toBe('abcdef');
});

test('vectors are filled and written in their order', async () => {
  const name = path.join(folder(), 'vectors');
  await using file = await IoFile.open(ringOf(), name, 'w+');
  const [first, second, third] = [shared(3), shared(5), shared(2)];
  first.fill(1);
  second.fill(2);
  third.fill(3);
  expect(await file.writev([first, second.subarray(1, 4), third], { position: 2 })).toBe(8);
  expect([...fs.readFileSync(name)]).toEqual([0, 0, 1, 1, 1, 2, 2, 2, 3, 3]);
  const back = [shared(4), shared(100)] as const;
  expect(await file.readv(back, { position: 1 })).toBe(9);
  expect([...back[0]]).toEqual([0, 1, 1, 1]);
  expect([...back[1].subarray(0, 6)]).toEqual([2, 2, 2, 3, 3, 0]);
});

test('1 to 256 views make a vector, and each must be shared memory', async () => {
  await using file = await IoFile.open(ringOf(), fileOf(pattern(256)));
  const memory = shared(257);
  const views = Array.from({ length: 257 }, (_, index) => memory.subarray(index, index + 1));
  expect(await file.readv(views.slice(0, 256), { position: 0 })).toBe(256);
  expect(memory.subarray(0, 256)).toEqual(pattern(256));
  await expect(file.readv(views, { position: 0 })).rejects.toThrow('views.length is 257, expected 1 to 256');
  await expect(file.readv([], { position: 0 })).rejects.toThrow('views.length is 0');
  await expect(file.readv([memory, new Uint8Array(1)])).rejects.toMatchObject({ code: 'ERR_IO_MEMORY' });
});

test('sync answers, with all or with data only', async () => {
  await using file = await IoFile.open(ringOf(), path.join(folder(), 'synced'), 'w');
  await file.write(shared(10), { position: 0 });
  expect(await file.sync()).toBeUndefined();
  expect(await file.sync({ dataOnly: true })).toBeUndefined();
});

test('allocate makes room on io_uring, and is refused by name on node:fs', async () => {
  await using file = await IoFile.open(ringOf(), path.join(folder(), 'room'), 'w+');
  if (!native) {
    await expect(file.allocate(0, 4096)).rejects.toMatchObject({ code: 'EOPNOTSUPP', syscall: 'fallocate' });
    return;
  }
  try {
    await file.allocate(0, 8192);
  } catch (error) {
    expect(error).toMatchObject({ code: 'EOPNOTSUPP' }); // the file system has none
    return;
  }
  expect((await file.stat()).sizeBytes).toBe(8192);
  await file.allocate(8192, 4096, { how: 'keepSize' });
  expect((await file.stat()).sizeBytes).toBe(8192);
  await expect(file.allocate(0, 4096, { how: 'shrink' as 'zero' })).rejects.toThrow('how is "shrink"');
  await expect(file.allocate(-1, 4096)).rejects.toThrow('position is -1');
});

test('stat says what node:fs says', async () => {
  const name = fileOf(pattern(12_345));
  await using file = await IoFile.open(ringOf(), name);
  const expected = fs.statSync(name, { bigint: true });
  expect(await file.stat()).toEqual({
    sizeBytes: 12_345,
    mode: Number(expected.mode),
    links: 1,
    userId: Number(expected.uid),
    groupId: Number(expected.gid),
    inode: expected.ino,
    allocatedBytes: Number(expected.blocks) * 512,
    blockBytes: Number(expected.blksize),
    modifiedNs: expected.mtimeNs,
    changedNs: expected.ctimeNs,
    accessedNs: expected.atimeNs,
    createdNs: expected.birthtimeNs === 0n ? null : expected.birthtimeNs,
  });
});

test('flags open as those of node:fs do', async () => {
  const ring = ringOf();
  const inside = folder();
  const name = path.join(inside, 'flags');
  await expect(IoFile.open(ring, name)).rejects.toMatchObject({
    code: 'ENOENT',
    syscall: 'open',
    path: name,
  });
  await (await IoFile.open(ring, name, 'wx', { mode: 0o600 })).close();
  expect(fs.statSync(name).mode & 0o777).toBe(0o600);
  await expect(IoFile.open(ring, name, 'wx')).rejects.toMatchObject({ code: 'EEXIST' });
  const two = shared(2);
  two.fill(0x78);
  for (let round = 0; round < 2; round++) {
    await using file = await IoFile.open(ring, name, 'a');
    await file.write(two);
    await expect(file.read(two, { position: 0 })).rejects.toMatchObject({ code: 'EBADF' });
  }
  expect(fs.readFileSync(name, 'utf8')).toBe('xxxx');
  await using reader = await IoFile.open(ring, name, 'r');
  await expect(reader.write(two, { position: 0 })).rejects.toMatchObject({ code: 'EBADF', errno: -9 });
  await (await IoFile.open(ring, name, 'w')).close();
  expect(fs.statSync(name).size).toBe(0);
  await using directory = await IoFile.open(ring, inside, fs.constants.O_RDONLY);
  await expect(directory.read(two, { position: 0 })).rejects.toMatchObject({
    code: 'EISDIR',
    syscall: 'read',
  });
  await expect(IoFile.open(ring, inside, 'w')).rejects.toMatchObject({ code: 'EISDIR' });
  await expect(IoFile.open(ring, name, 'rw' as 'r')).rejects.toThrow('flags is "rw"');
  await expect(IoFile.open(ring, 'a\0b')).rejects.toMatchObject({ code: 'ERR_IO_ARGUMENT' });
  await expect(IoFile.open(ring, 'x'.repeat(5000))).rejects.toMatchObject({ code: 'ERR_IO_ARGUMENT' });
});

test('a descriptor that somebody else closed fails by name, where the ring has no table of files', async () => {
  const file = await IoFile.open(ringOf({ files: 0 }), fileOf('abc'));
  fs.closeSync(file.fd);
  await expect(file.read(shared(3), { position: 0 })).rejects.toMatchObject({ code: 'EBADF' });
  await expect(file.close()).rejects.toBeInstanceOf(OperationError);
});

test('a closed file is refused, and closing it twice is one closing', async () => {
  const file = await IoFile.open(ringOf(), fileOf('abc'));
  await Promise.all([file.close(), file.close()]);
  await expect(file.read(shared(3))).rejects.toMatchObject({
    code: 'ERR_RING_CLOSED',
    message: 'the file is closed',
  });
  expect(() => fs.fstatSync(file.fd)).toThrow(/EBADF/);
});

test('files beyond the table of files work as well', async () => {
  const ring = ringOf({ files: 2 });
  const name = fileOf('abc');
  const files = await Promise.all(Array.from({ length: 5 }, () => IoFile.open(ring, name)));
  for (const file of files) {
    const view = shared(3);
    await file.read(view, { position: 0 });
    expect(Buffer.from(view).toString()).toBe('abc');
  }
  await Promise.all(files.map((file) => file.close()));
  await using again = await IoFile.open(ring, name);
  expect(await again.read(shared(3))).toBe(3);
});

test('O_DIRECT reads what was written past the page cache, and refuses what is not aligned', async () => {
  const name = path.join(process.cwd(), 'node_modules', `.direct-${process.pid}-${native}`); // tmpfs has none before 6.6
  onTestFinished(() => fs.rmSync(name, { force: true }));
  fs.writeFileSync(name, pattern(16_384));
  const ring = ringOf();
  let file: IoFile;
  try {
    file = await IoFile.open(ring, name, 'r+', { direct: true });
  } catch (error) {
    expect(error).toMatchObject({ code: 'EINVAL' }); // this file system has no O_DIRECT
    return;
  }
  const memory = new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
  expect(await file.read(memory.subarray(4096, 8192), { position: 8192 })).toBe(4096);
  expect(memory.subarray(4096, 8192)).toEqual(pattern(16_384).subarray(8192, 12_288));
  memory.fill(7);
  expect(await file.write(memory.subarray(0, 4096), { position: 0 })).toBe(4096);
  await file.close();
  expect(
    fs
      .readFileSync(name)
      .subarray(0, 4096)
      .every((byte) => byte === 7),
  ).toBe(true);
});

test('a full device fails with ENOSPC, and says how much had been written', async ({ skip }) => {
  const mount = folder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', mount], { stdio: 'pipe' });
  } catch (error) {
    skip(`a small tmpfs cannot be mounted here: ${String(error).split('\n')[0]}`);
  }
  onTestFinished(() => void execFileSync('umount', ['-l', mount]));
  const file = await IoFile.open(ringOf(), path.join(mount, 'big'), 'w');
  const memory = shared(256 * 1024);
  await expect(file.write(memory, { position: 0 })).rejects.toMatchObject({
    code: 'ENOSPC',
    syscall: 'write',
    transferredBytes: 64 * 1024,
  });
  await file.close();
});

test('a position in the place of the options is refused, not ignored', async () => {
  await using file = await IoFile.open(ringOf(), fileOf('abcdef'));
  for (const wrong of [3, null, 3n, '3'])
    for (const refused of [
      file.read(shared(1), wrong as unknown as object),
      file.readv([shared(1)], wrong as unknown as object),
    ])
      await expect(refused).rejects.toMatchObject({
        code: 'ERR_IO_ARGUMENT',
        message: expect.stringMatching(/^options is .*expected an object/) as string,
      });
  await expect(file.read(shared(1), { position: 3n as unknown as number })).rejects.toThrow(
    'position is 3n, expected a whole number',
  );
});

test('errors of an open file name it, those of its time-outs what took too long', async () => {
  const name = fileOf('abcdef');
  await using file = await IoFile.open(ringOf(), name);
  await expect(file.write(shared(1), { position: 0 })).rejects.toMatchObject({
    path: name,
    message: `write failed with EBADF: ${JSON.stringify(name)}`,
  });
  const limited = new OperationTimeoutError(5, 'recv');
  expect([limited.message, limited.syscall]).toEqual(['recv not completed in 5 ms', 'recv']);
});

test('a transfer past the cache that is not aligned is told what has to be', async ({ skip }) => {
  const name = fileOf(pattern(8192));
  const ring = ringOf();
  const opened = IoFile.open(ring, name, 'r', { direct: true });
  const file = await opened.catch((error: OperationError) => skip(`no O_DIRECT here: ${error.code}`));
  onTestFinished(() => file.close());
  expect(file.direct).toBe(true);
  const unaligned = file.read(shared(4096), { position: 1 });
  const reason = await unaligned.catch((error: Error) => error.message);
  if (reason === 4095) skip('this file system takes any position');
  expect(reason).toMatch(/^read failed with EINVAL: ".*": with `direct`, position, length and address/);
});
