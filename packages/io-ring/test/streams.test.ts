/** Streams of node:stream on files of a ring. */
import { once } from 'node:events';
import fs from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { IoFile } from '../src/index.ts';
import { fileOf, folder, pattern, pipePath, ringOf, turn } from './files.ts';
import { native } from './native-mode.ts';
import { expectBalanced, poolOf } from './pools.ts';

const CONTENT = pattern(100_000);

async function target(flags: 'w' | 'a' | 'wx' = 'w', path = `${folder()}/target`): Promise<IoFile> {
  return IoFile.open(ringOf(), path, flags);
}

test('a readable has the whole file, in copies that stay, and closes it', async () => {
  const pool = poolOf();
  const file = await IoFile.open(ringOf(), fileOf(CONTENT));
  const stream = file.createReadStream({ pool });
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  expect(Buffer.concat(parts).equals(CONTENT)).toBe(true);
  expect(parts[0]?.length).toBe(4096);
  expect(stream.bytesRead).toBe(100_000);
  await expect(file.stat()).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
});

test('start, end, highWaterMark, encoding and autoClose are those of node:fs', async () => {
  await using file = await IoFile.open(ringOf(), fileOf('0123456789'));
  const parts: string[] = [];
  const options = { start: 2, end: 8, highWaterMark: 3, encoding: 'utf8', autoClose: false } as const;
  for await (const part of file.createReadStream(options)) parts.push(part as string);
  expect(parts).toEqual(['234', '567', '8']);
  expect((await file.stat()).sizeBytes).toBe(10);
});

test('a readable that is left early, destroyed or aborted gives everything back', async () => {
  const pool = poolOf();
  const ring = ringOf();
  for (const how of ['break', 'destroy', 'abort'] as const) {
    const file = await IoFile.open(ring, fileOf(CONTENT));
    const controller = new AbortController();
    const stream = file.createReadStream({ pool, signal: controller.signal });
    const read = async (): Promise<void> => {
      for await (const _ of stream) {
        if (how === 'break') return;
        if (how === 'destroy') stream.destroy(new Error('mine'));
        else controller.abort();
      }
    };
    if (how === 'break') await read();
    else
      await expect(read()).rejects.toMatchObject(
        how === 'abort' ? { name: 'AbortError' } : { message: 'mine' },
      );
    await file.close();
    expectBalanced(pool);
  }
  expect(ring.stats.inFlight).toBe(0);
});

test('an error is an error of the stream', async () => {
  const file = await IoFile.open(ringOf(), folder());
  const stream = file.createReadStream({ start: 0 });
  await expect(stream.toArray()).rejects.toMatchObject({ code: 'EISDIR' });
  expect(stream.destroyed).toBe(true);
});

test('a pipeline through node:zlib and back to a file', async () => {
  const pool = poolOf();
  const source = await IoFile.open(ringOf(), fileOf(CONTENT));
  const file = await target();
  await pipeline(
    source.createReadStream({ pool }),
    createGzip(),
    file.createWriteStream({ pool, flush: true }),
  );
  expect(gunzipSync(fs.readFileSync(file.path)).equals(CONTENT)).toBe(true);
  await expect(file.stat()).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
});

test('small pieces are gathered into large writes', async () => {
  const ring = ringOf();
  const pool = poolOf();
  const file = await IoFile.open(ring, `${folder()}/target`, 'w');
  const before = ring.stats.started;
  const stream = file.createWriteStream({ pool, autoClose: false });
  for (let index = 0; index < 1000; index++) stream.write(`${index}\n`);
  await new Promise<void>((resolve) => {
    stream.end(resolve);
  });
  expect(fs.readFileSync(file.path, 'utf8')).toBe(
    Array.from({ length: 1000 }, (_, index) => `${index}\n`).join(''),
  );
  expect(stream.bytesWritten).toBe(3890);
  expect(ring.stats.started - before).toBeLessThan(5);
  await file.close();
});

test('a writable begins where it is told, and appends where the file does', async () => {
  const path = fileOf('0123456789');
  const file = await IoFile.open(ringOf(), path, 'r+');
  await pipeline([Buffer.from('ab'), Buffer.from('cd')], file.createWriteStream({ start: 4 }));
  expect(fs.readFileSync(path, 'utf8')).toBe('0123abcd89');
  await pipeline(['ef'], (await target('a', path)).createWriteStream());
  expect(fs.readFileSync(path, 'utf8')).toBe('0123abcd89ef');
});

test('pieces larger than a buffer, and a pool of one buffer, will do', async () => {
  const file = await target();
  await pipeline([CONTENT], file.createWriteStream({ pool: poolOf({ buffers: 1 }) }));
  expect(fs.readFileSync(file.path).equals(CONTENT)).toBe(true);
});

test('a full device is an error of the stream, and every buffer is back', async ({ skip }) => {
  if (!fs.existsSync('/dev/full')) skip('no /dev/full');
  const pool = poolOf();
  const file = await IoFile.open(ringOf(), '/dev/full', 'r+');
  await expect(
    pipeline([CONTENT], file.createWriteStream({ pool, signal: undefined })),
  ).rejects.toMatchObject({
    code: 'ENOSPC',
  });
});

test('a writable that is destroyed or aborted in a write gives everything back', async () => {
  for (const how of ['destroy', 'abort'] as const) {
    const pool = poolOf({ buffers: 2, bufferBytes: 65_536 });
    const file = await IoFile.open(ringOf(), pipePath(), 'r+');
    const controller = new AbortController();
    const stream = file.createWriteStream({ pool, signal: controller.signal });
    const over = new Promise((resolve) => {
      stream.once('close', resolve);
    });
    stream.once('error', () => undefined);
    stream.write(Buffer.alloc(1 << 20)); // more than a pipe holds
    while (pool.stats().given === 0) await turn();
    await turn();
    if (how === 'abort') controller.abort();
    else stream.destroy();
    if (!native) fs.readSync(file.fd, Buffer.alloc(1 << 17)); // a thread of libuv waits for it
    await over;
    expectBalanced(pool);
  }
});

test('a writable that waits for a buffer can be destroyed', async () => {
  const pool = poolOf({ buffers: 1 });
  const lease = pool.tryAcquire();
  const stream = (await target()).createWriteStream({ pool });
  const over = new Promise((resolve) => {
    stream.once('close', resolve);
  });
  stream.write('x');
  while (pool.waiting === 0) await turn();
  stream.destroy();
  await over;
  expect(pool.waiting).toBe(0);
  lease?.release();
});

test('a highWaterMark beyond the buffers is what is gathered, of pieces of a buffer', async () => {
  await using file = await IoFile.open(ringOf(), fileOf(pattern(100_000)));
  const stream = file.createReadStream({ pool: poolOf(), highWaterMark: 1 << 20, autoClose: false });
  expect(stream.readableHighWaterMark).toBe(1 << 20);
  const pieces: Buffer[] = await stream.toArray();
  expect(pieces[0]?.byteLength).toBe(4096);
  expect(Buffer.concat(pieces).equals(pattern(100_000))).toBe(true);
  for (const highWaterMark of [0, -1, 1.5])
    expect(() => file.createReadStream({ highWaterMark })).toThrow(/^highWaterMark is /);
});

test('a stream whose signal was aborted before it was made ends at once, and closes its file', async () => {
  const ring = ringOf();
  const name = fileOf(pattern(4096));
  const signal = AbortSignal.abort();
  for (const make of ['createReadStream', 'createWriteStream'] as const) {
    const file = await IoFile.open(ring, name, 'r+');
    const stream: Readable | Writable = file[make]({ signal });
    const [error] = (await once(stream, 'error')) as [Error];
    expect(error.name).toBe('AbortError');
    if (!stream.closed) await once(stream, 'close');
    await expect(file.stat()).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
  }
  expect(ring.stats.inFlight).toBe(0);
});
