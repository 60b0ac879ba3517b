/** Arguments that no type checker has seen: each is refused before anything has begun, and the ring can be closed afterwards. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  copy,
  IoBatch,
  IoFile,
  IoRingError,
  TcpListener,
  TcpSocket,
  type CopyOptions,
  type LeasedBuffer,
  type PooledBuffer,
} from '../src/index.ts';
import { fileOf, folder, pipePath, ringOf, shared, turn } from './files.ts';
import { native } from './native-mode.ts';

const ARGUMENT = { code: 'ERR_IO_ARGUMENT' };

describe('arguments of any kind', () => {
  test('signals that are none are refused before the kernel has the memory', async () => {
    const ring = ringOf();
    const file = await IoFile.open(ring, pipePath(), 'r+');
    const listener = await TcpListener.listen(ring, { host: '127.0.0.1' });
    const { port } = listener.address;
    for (const found of [null, {}, 5, 'x', { aborted: false }, { throwIfAborted() {} }]) {
      const signal = found as unknown as AbortSignal;
      await expect(file.read(shared(8), { signal })).rejects.toMatchObject(ARGUMENT);
      await expect(listener.accept({ signal })).rejects.toMatchObject(ARGUMENT);
      await expect(TcpSocket.connect(ring, { host: 'localhost', port, signal })).rejects.toMatchObject(
        ARGUMENT,
      );
      expect(() => file.chunks({ signal })).toThrow(expect.objectContaining(ARGUMENT));
      using batch = IoBatch.open();
      await expect(batch.runAsync({ signal })).rejects.toMatchObject(ARGUMENT);
    }
    expect(ring.stats).toMatchObject({ inFlight: 0, waiting: 0 });
    await listener.close();
    await file.close();
  });

  test('time-outs that are no numbers are refused', async () => {
    const ring = ringOf();
    const file = await IoFile.open(ring, pipePath(), 'r+');
    for (const found of [null, '5', 5n, true, {}, Number.NaN, -1, 2 ** 31, Infinity]) {
      const timeoutMs = found as number;
      await expect(file.read(shared(8), { timeoutMs })).rejects.toMatchObject(ARGUMENT);
      await expect(TcpSocket.connect(ring, { host: 'localhost', port: 9, timeoutMs })).rejects.toMatchObject(
        ARGUMENT,
      );
    }
    expect(ring.stats.inFlight).toBe(0);
    await file.close();
  });

  test.runIf(native)(
    'a signal that cannot be listened to ends its operation, and with it the promise',
    async () => {
      const ring = ringOf();
      const file = await IoFile.open(ring, pipePath(), 'r+');
      const broken = { aborted: false, addEventListener: fail, removeEventListener: fail };
      const signal = broken as unknown as AbortSignal;
      await expect(file.read(shared(8), { signal })).rejects.toThrow('it fails');
      expect(ring.stats.inFlight).toBe(0);
      await file.close();
    },
  );

  test('a signal that cannot be left is told as any other problem', async () => {
    const ring = ringOf();
    const file = await IoFile.open(ring, fileOf('12345678'));
    const signal = {
      aborted: false,
      addEventListener() {},
      removeEventListener: fail,
    } as unknown as AbortSignal;
    const other = file.read(shared(8), { position: 0 });
    await expect(file.read(shared(8), { position: 0, signal })).rejects.toThrow('it fails');
    expect(await other).toBe(8);
    await file.close();
  });

  test.runIf(native)('a lease that aborts while it is given ends its operation', async () => {
    const ring = ringOf();
    const file = await IoFile.open(ring, pipePath(), 'r+');
    const controller = new AbortController();
    const lease: LeasedBuffer = { bytes: shared(8), give: () => controller.abort(), take() {} };
    await expect(file.read(lease, { signal: controller.signal })).rejects.toThrow('aborted');
    await file.close();
  });

  test.runIf(native)('an abort with any reason rejects with that reason', async () => {
    const ring = ringOf();
    const file = await IoFile.open(ring, pipePath(), 'r+');
    for (const reason of [null, 0, '', false]) {
      const controller = new AbortController();
      const reading = file.read(shared(8), { signal: controller.signal });
      controller.abort(reason);
      const found: unknown = await reading.then(
        () => 'it was read',
        (error: unknown) => error,
      );
      expect(found).toBe(reason);
    }
    await file.close();
  });

  test('modes and flags of files', async () => {
    const ring = ringOf();
    const name = path.join(folder(), 'new');
    for (const mode of [Symbol('mode'), 5n, 'abc', Number.NaN, -1, 2 ** 40, { valueOf: fail }])
      await expect(IoFile.open(ring, name, 'w', { mode: mode as number })).rejects.toMatchObject(ARGUMENT);
    for (const flags of [2 ** 31, -1, 1.5, 'rw', '__proto__', null, {}])
      await expect(IoFile.open(ring, name, flags as number)).rejects.toMatchObject(ARGUMENT);
    await expect(IoFile.open(ring, name, 'w', { direct: 1 as unknown as boolean })).rejects.toMatchObject(
      ARGUMENT,
    );
    expect(fs.existsSync(name)).toBe(false);
    expect(ring.stats.inFlight).toBe(0);
    const file = await IoFile.open(ring, name, 'w', { mode: 0o100_640 });
    expect((await file.stat()).mode & 0o777).toBe(0o640 & ~process.umask());
    await file.close();
  });

  test('lists of views that are none, or of another length the next time', async () => {
    const ring = ringOf();
    const file = await IoFile.open(ring, fileOf('12345678'));
    let asked = 0;
    const lying = new Proxy(
      Array.from({ length: 300 }, () => shared(1)),
      {
        get: (list, key, itself) =>
          key === 'length' && asked++ === 0 ? 4 : (Reflect.get(list, key, itself) as unknown),
      },
    );
    await expect(file.readv(lying, { position: 0 })).rejects.toMatchObject(ARGUMENT);
    const none = { length: 2, map: () => null, every: () => true };
    await expect(file.readv(none as unknown as Uint8Array[], { position: 0 })).rejects.toMatchObject(
      ARGUMENT,
    );
    expect(ring.stats.inFlight).toBe(0);
    await file.close();
  });

  test('an address whose zone is no interface: nothing stays in flight', async () => {
    const ring = ringOf();
    const host = 'fe80::1%nowhere';
    await expect(TcpSocket.connect(ring, { host, port: 9 })).rejects.toMatchObject(ARGUMENT);
    await expect(TcpListener.listen(ring, { host })).rejects.toMatchObject(ARGUMENT);
    expect(ring.stats.inFlight).toBe(0);
  });
});

test('memory of no bytes at all is read into and written from, and what it grows to as well', async () => {
  const ring = ringOf();
  const name = fileOf('12345678');
  const file = await IoFile.open(ring, name, 'r+');
  const growing = new SharedArrayBuffer(0, { maxByteLength: 8 });
  const memory = new Uint8Array(growing);
  expect(await file.read(memory, { position: 0 })).toBe(0);
  expect(await file.write(memory, { position: 0 })).toBe(0);
  expect(await file.readv([memory, shared(4)], { position: 0 })).toBe(4);
  growing.grow(1);
  expect(await file.read(memory, { position: 7 })).toBe(1);
  expect(memory[0]).toBe('8'.charCodeAt(0));
  await file.close();
  using batch = IoBatch.open({ memory: shared(0) });
  expect(batch.size).toBe(0);
});

test('a ring that is closed neither listens nor connects', async () => {
  const ring = ringOf();
  await ring.close();
  const closed = { code: 'ERR_RING_CLOSED' };
  await expect(TcpListener.listen(ring)).rejects.toMatchObject(closed);
  await expect(TcpSocket.connect(ring, { host: '127.0.0.1', port: 9 })).rejects.toMatchObject(closed);
});

describe.runIf(native)('batches', () => {
  test('aborting one that was closed in the same turn does nothing', async () => {
    const name = pipePath();
    const fd = fs.openSync(name, 'r+');
    onTestFinished(() => fs.closeSync(fd));
    const problems: unknown[] = [];
    const note = (error: unknown): void => void problems.push(error);
    process.on('uncaughtException', note);
    onTestFinished(() => void process.off('uncaughtException', note));
    const batch = IoBatch.open();
    batch.read(fd, shared(8), 0);
    const controller = new AbortController();
    const running = batch.runAsync({ signal: controller.signal });
    batch.close();
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
    await turn();
    expect(problems).toEqual([]);
  });

  test('one whose memory is too large leaves no ring behind', () => {
    const memory = new Uint8Array(new SharedArrayBuffer(2 ** 32 + 4096), 0, 8);
    const before = fs.readdirSync('/proc/self/fd').length;
    expect(() => IoBatch.open({ memory })).toThrow(expect.objectContaining({ code: 'ERR_IO_MEMORY' }));
    expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
  });
});

test('buffers that are not what their pool promised are back when the reader has failed', async () => {
  const ring = ringOf();
  const file = await IoFile.open(ring, fileOf('12345678'));
  for (const bytes of [shared(4), new Uint8Array(8)]) {
    let out = 0;
    const buffer = (): PooledBuffer => {
      out++;
      const end = (): void => void out--;
      const capacity = bytes.byteLength;
      return { bytes, length: 0, capacity, give() {}, take() {}, release: end, [Symbol.dispose]: end };
    };
    const pool = { bufferBytes: 8, tryAcquire: buffer, acquire: async () => buffer() };
    await expect(file.chunks({ pool }).next()).rejects.toThrow(IoRingError);
    expect(out).toBe(0);
  }
  await file.close();
});

test('a copy that is asked for what makes no sense touches nothing', async () => {
  const ring = ringOf();
  const [from, to] = [fileOf('new'), fileOf('old')];
  for (const options of [{ onProgress: 5 }, { exclusive: 'yes' }, { signal: null }])
    await expect(copy(ring, from, to, options as unknown as CopyOptions)).rejects.toMatchObject(ARGUMENT);
  expect(fs.readFileSync(to, 'utf8')).toBe('old');
});

function fail(): never {
  throw new Error('it fails');
}
