/** Devices and descriptors that fail, on either engine: each by its name, alone, and nothing else with it. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test, type TestContext } from 'vitest';
import { IoBatch, IoFile, OperationError } from '../src/index.ts';
import { runProgram } from './child.ts';
import { fileOf, folder, pattern, pipePath, ringOf, shared } from './files.ts';

const LINUX = process.platform === 'linux';
const [EBADF, EIO, ENOSPC, ECANCELED] = [-9, -5, -28, -125];

function batchOf(): IoBatch {
  const batch = IoBatch.open();
  onTestFinished(() => batch.close());
  return batch;
}

function descriptorOf(file: string, flags: string | number): number {
  const fd = fs.openSync(file, flags);
  onTestFinished(() => fs.closeSync(fd));
  return fd;
}

/** Runs what only root may, or skips. */
function asRoot(skip: TestContext['skip'], what: string, command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { stdio: 'pipe', encoding: 'utf8' }).trim();
  } catch (error) {
    return skip(`${what} cannot be had here: ${String(error).split('\n')[0]}`);
  }
}

test.runIf(LINUX)('a read that the device refuses is EIO, and the file works on', async () => {
  const ring = ringOf();
  // Reading memory of the process where none is mapped is an input error of that file.
  await using file = await IoFile.open(ring, '/proc/self/mem');
  const memory = shared(64);
  for (let round = 0; round < 3; round++) {
    const failed = file.read(memory, { position: 4096 });
    await expect(failed).rejects.toBeInstanceOf(OperationError);
    await expect(failed).rejects.toMatchObject({
      code: 'EIO',
      errno: EIO,
      syscall: 'read',
      transferredBytes: 0,
    });
  }
  await expect(file.readv([memory, memory], { position: 4096 })).rejects.toMatchObject({
    code: 'EIO',
    syscall: 'readv',
  });
  expect(ring.stats).toMatchObject({ failed: 4, cancelled: 0, inFlight: 0 });
  const [range = ''] = fs.readFileSync('/proc/self/maps', 'utf8').split('\n');
  expect(await file.read(memory, { position: Number.parseInt(range, 16) })).toBe(64);
});

test.runIf(LINUX)('in a batch EIO and ENOSPC are results, and break their chains alone', () => {
  const batch = batchOf();
  const [broken, full] = [descriptorOf('/proc/self/mem', 'r'), descriptorOf('/dev/full', 'r+')];
  const whole = descriptorOf(fileOf('0123456789'), 'r+');
  const memory = shared(10);
  batch.read(broken, memory, 4096);
  batch.link();
  batch.write(whole, memory, 0);
  batch.write(full, memory, 0);
  batch.link();
  batch.sync(whole);
  batch.link();
  batch.write(whole, memory, 0);
  batch.read(whole, memory, 0);
  batch.read(full, memory, 0); // zeros without end
  expect(batch.run()).toBe(2);
  expect([...batch.results.subarray(0, 7)]).toEqual([EIO, ECANCELED, ENOSPC, ECANCELED, ECANCELED, 10, 10]);
  expect(fs.readFileSync(whole, 'utf8')).toBe('0123456789');
});

test.runIf(LINUX)('a full device is ENOSPC for every write, and reads of it go on', async () => {
  const ring = ringOf({ entries: 4 });
  await using file = await IoFile.open(ring, '/dev/full', 'r+');
  const memory = shared(100);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) =>
      index % 2 === 0
        ? file.write(memory.subarray(index, index + 1))
        : file.read(memory.subarray(index, index + 1)),
    ),
  );
  for (const [index, outcome] of outcomes.entries())
    expect(outcome).toMatchObject(
      index % 2 === 0 ? { reason: { code: 'ENOSPC', errno: ENOSPC, syscall: 'write' } } : { value: 1 },
    );
  expect(ring.stats).toMatchObject({ failed: 25, inFlight: 0, waiting: 0 });
});

test.runIf(LINUX)(
  'a block device whose pages are gone is EIO for what is on them, read or written',
  async ({ skip }) => {
    const backing = fileOf(new Uint8Array(1 << 20));
    fs.writeFileSync(backing, pattern(1 << 20));
    const device = asRoot(skip, 'a loop device', 'losetup', '-f', '--show', backing);
    onTestFinished(() => void execFileSync('losetup', ['-d', device]));
    fs.truncateSync(backing, 1 << 16);
    await using file = await IoFile.open(ringOf(), device, 'r+', { direct: true });
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const aligned = new Uint8Array(memory.buffer, 0, 4096);
    expect(await file.read(aligned, { position: 0 })).toBe(4096);
    expect(Buffer.from(aligned).equals(pattern(4096))).toBe(true);
    await expect(file.read(aligned, { position: 1 << 19 })).rejects.toMatchObject({ code: 'EIO' });
  },
);

test('a descriptor that is closed beneath is EBADF, in line and in a batch', () => {
  // In a process where nobody else opens files, which would get the number.
  const found = runProgram(`
    const ring = IoRing.open({ files: 0, entries: 1 });
    const batch = IoBatch.open(); // ahead, or its own descriptor would have the number
    const file = await IoFile.open(ring, ${JSON.stringify(fileOf('abc'))});
    const memory = shared(3);
    fs.closeSync(file.fd);
    const all = [...Array.from({ length: 20 }, () => file.read(memory, { position: 0 })), file.stat(), file.sync(), file.close()];
    const codes = (await Promise.allSettled(all)).map(({ reason }) => reason?.code + ' ' + reason?.syscall);
    batch.read(file.fd, memory, 0);
    batch.sync(file.fd);
    batch.write(file.fd, memory, 0);
    const succeeded = batch.run();
    console.log(JSON.stringify({ codes, succeeded, results: [...batch.results.subarray(0, 3)], stats: ring.stats }));
    batch.close();
    await ring.close();`);
  expect(found).toMatchObject({
    codes: [...Array.from({ length: 20 }, () => 'EBADF read'), 'EBADF statx', 'EBADF fsync', 'EBADF close'],
    succeeded: 0,
    results: [EBADF, EBADF, EBADF],
    stats: { inFlight: 0, waiting: 0, failed: 23 },
  });
});

test('what the descriptor was not opened for is refused by name', async () => {
  const ring = ringOf();
  const name = fileOf('abc');
  await using readable = await IoFile.open(ring, name, 'r');
  await using writable = await IoFile.open(ring, name, 'a');
  await expect(readable.write(shared(1), { position: 0 })).rejects.toMatchObject({ code: 'EBADF' });
  await expect(writable.read(shared(1), { position: 0 })).rejects.toMatchObject({ code: 'EBADF' });
  await expect(IoFile.open(ring, path.join(name, 'x'))).rejects.toMatchObject({
    code: 'ENOTDIR',
    syscall: 'open',
  });
  await expect(IoFile.open(ring, folder(), 'r+')).rejects.toMatchObject({ code: 'EISDIR' });
  expect(fs.readFileSync(name, 'utf8')).toBe('abc');
});

test.runIf(LINUX)('a reader that is gone is EPIPE, and no signal ends the process', async () => {
  const ring = ringOf();
  const name = pipePath();
  const reader = fs.openSync(name, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  await using writer = await IoFile.open(ring, name, fs.constants.O_WRONLY);
  fs.closeSync(reader);
  await expect(writer.write(shared(1))).rejects.toMatchObject({ code: 'EPIPE', syscall: 'write' });
});

test.runIf(LINUX)(
  'a limit of descriptors is EMFILE, and the next open works when there is room',
  async () => {
    const body = `
    const ring = IoRing.open({ files: 4 });
    const opened = await Promise.allSettled(Array.from({ length: 200 }, () => IoFile.open(ring, '/dev/null')));
    const codes = new Set(opened.filter((o) => o.status === 'rejected').map((o) => o.reason.code));
    const files = opened.filter((o) => o.status === 'fulfilled').map((o) => o.value);
    await Promise.all(files.map((file) => file.close()));
    await (await IoFile.open(ring, '/dev/null')).close();
    await ring.close();
    console.log(JSON.stringify({ codes: [...codes], some: files.length > 10 }));`;
    // bash takes a standard input that is a socket, as Node's pipes are, for a login from afar: it would read what its user has set up.
    const limited = ['bash', '--norc', '-c', 'ulimit -n 80; exec "$@"', 'bash'];
    expect(runProgram(body, limited)).toEqual({ codes: ['EMFILE'], some: true });
  },
);
