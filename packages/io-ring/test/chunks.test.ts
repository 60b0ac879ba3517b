/** Files in large pieces: what comes, and that every way out leaves every buffer where it belongs. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { BufferPool, Lease } from '@corelane/buffer-pool';
import { expect, test } from 'vitest';
import { IoFile, type BufferSource, type Chunk, type ChunkOptions, type PooledBuffer } from '../src/index.ts';
import type { FileStatus } from '../src/file-status.ts';
import { chunksOf } from '../src/stream/chunk-reader.ts';
import type { FileAccess } from '../src/stream/file-transfers.ts';
import { fileOf, folder, pattern, pipePath, ringOf, turn } from './files.ts';
import { native } from './native-mode.ts';
import { expectBalanced, poolOf } from './pools.ts';

const CONTENT = pattern(100_000);

async function opened(content: Uint8Array | string = CONTENT, ring = ringOf()): Promise<IoFile> {
  return IoFile.open(ring, fileOf(content), 'r+');
}

async function gather(file: IoFile, options: ChunkOptions = {}): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const { bytes } of file.chunks(options)) parts.push(Buffer.from(bytes));
  return Buffer.concat(parts);
}

test('a file comes whole and in order, whatever the pieces, reads ahead and buffers', async () => {
  await using file = await opened();
  for (const chunkBytes of [1000, 4096, 4095])
    for (const readAhead of [1, 2, 7, 1024]) {
      const pool = poolOf({ buffers: 5 });
      expect((await gather(file, { pool, chunkBytes, readAhead })).equals(CONTENT)).toBe(true);
      expectBalanced(pool);
    }
  expect((await gather(file)).equals(CONTENT)).toBe(true); // the ring's own
});

test('one buffer will do', async () => {
  await using file = await opened();
  expect((await gather(file, { pool: poolOf({ buffers: 1 }) })).equals(CONTENT)).toBe(true);
});

test('start and end are those of createReadStream', async () => {
  await using file = await opened('0123456789');
  const pool = poolOf({ bufferBytes: 64 });
  const text = async (options: ChunkOptions): Promise<string> =>
    (await gather(file, { pool, chunkBytes: 3, ...options })).toString();
  expect(await text({ start: 3 })).toBe('3456789');
  expect(await text({ end: 3 })).toBe('0123');
  expect(await text({ start: 2, end: 7 })).toBe('234567');
  expect(await text({ start: 5, end: 5 })).toBe('5');
  expect(await text({ start: 8, end: 100 })).toBe('89');
  expect(await text({ start: 10 })).toBe('');
  for (const wrong of [
    { start: -1 },
    { start: 5, end: 4 },
    { chunkBytes: 0 },
    { chunkBytes: 65 },
    { readAhead: 0 },
    { end: 0.5 },
  ])
    expect(() => file.chunks({ pool, ...wrong })).toThrow(
      expect.objectContaining({ code: 'ERR_IO_ARGUMENT' }),
    );
});

test('pieces say where they are; files that are empty, or a multiple of the piece, end as they should', async () => {
  await using empty = await opened('');
  expect(await gather(empty, { pool: poolOf() })).toEqual(Buffer.alloc(0));
  await using file = await opened(CONTENT.subarray(0, 3 * 4096));
  const seen: [number, number][] = [];
  for await (const { position, length } of file.chunks({ pool: poolOf() })) seen.push([position, length]);
  expect(seen).toEqual([0, 4096, 8192].map((position) => [position, 4096]));
});

test('files of /proc, which say that they are empty, come whole', async ({ skip }) => {
  if (!fs.existsSync('/proc/self/maps')) skip('no /proc');
  await using file = await IoFile.open(ringOf(), '/proc/cpuinfo');
  const text = (await gather(file, { pool: poolOf() })).toString();
  expect(text.length).toBeGreaterThan(100);
  expect(text.split('\n')[0]).toBe(fs.readFileSync('/proc/cpuinfo', 'utf8').split('\n')[0]);
});

test('a chunk ends with the step to the next one, unless it is kept', async () => {
  await using file = await opened();
  const reader = file.chunks({ pool: poolOf() });
  const first = (await reader.next()).value as Chunk<Lease>;
  const kept = first.keep();
  expect(() => first.keep()).toThrow('kept already');
  const second = (await reader.next()).value as Chunk<Lease>;
  expect(second.bytes.byteLength).toBe(4096);
  await reader.next();
  expect(() => second.bytes).toThrow('the chunk at 4096 is over');
  expect(() => second.keep()).toThrow('over');
  await reader.return();
  expect(kept.bytes.subarray(0, kept.length)).toEqual(CONTENT.subarray(0, 4096));
  kept.release();
});

test('a kept chunk leaves the pool to the reader, who waits for others', async () => {
  await using file = await opened();
  const pool = poolOf({ buffers: 2 });
  const reader = file.chunks({ pool, readAhead: 2 });
  const kept = [(await reader.next()).value?.keep(), (await reader.next()).value?.keep()];
  const third = reader.next();
  await turn();
  expect(pool.waiting).toBe(1);
  kept[0]?.release();
  expect((await third).value?.position).toBe(8192);
  kept[1]?.release();
  await reader.return();
});

/** Ways out in the middle: each leaves nothing under way, and every buffer in its pool. */
const exits: Record<string, (file: IoFile, pool: BufferPool) => Promise<void>> = {
  break: async (file, pool) => {
    for await (const chunk of file.chunks({ pool })) if (chunk.position > 8000) break;
  },
  throw: async (file, pool) => {
    const run = async (): Promise<void> => {
      for await (const chunk of file.chunks({ pool })) if (chunk.position > 8000) throw new Error('mine');
    };
    await expect(run()).rejects.toThrow('mine');
  },
  'abort between two steps': async (file, pool) => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const reader = file.chunks({ pool, signal: controller.signal });
    await reader.next();
    controller.abort(reason);
    await expect(reader.next()).rejects.toBe(reason);
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  },
  'abort while a step waits': async (file, pool) => {
    const controller = new AbortController();
    const reader = file.chunks({ pool, signal: controller.signal });
    await reader.next();
    const step = reader.next();
    controller.abort(new Error('enough'));
    await expect(step).rejects.toThrow('enough');
  },
  'abort before the first step': async (file, pool) => {
    const reader = file.chunks({ pool, signal: AbortSignal.abort(new Error('early')) });
    await expect(reader.next()).rejects.toThrow('early');
  },
  'abort while it waits for a buffer': async (file, pool) => {
    const all = Array.from({ length: pool.capacity }, () => pool.tryAcquire());
    const controller = new AbortController();
    const reader = file.chunks({ pool, signal: controller.signal });
    const step = reader.next();
    while (pool.waiting === 0) await turn();
    controller.abort(new Error('enough'));
    await expect(step).rejects.toThrow('enough');
    expect(pool.waiting).toBe(0);
    for (const lease of all) lease?.release();
  },
  'return while it waits for a buffer': async (file, pool) => {
    const all = Array.from({ length: pool.capacity }, () => pool.tryAcquire());
    const reader = file.chunks({ pool });
    const step = reader.next();
    while (pool.waiting === 0) await turn();
    expect(await reader.return()).toEqual({ done: true, value: undefined });
    expect(await step).toEqual({ done: true, value: undefined });
    for (const lease of all) lease?.release();
  },
  'return before the first step': async (file, pool) => {
    const reader = file.chunks({ pool });
    await reader.return();
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  },
  dispose: async (file, pool) => {
    await using reader = file.chunks({ pool });
    await reader.next();
    await reader.next();
  },
  'the file shrinks': async (file, pool) => {
    let bytes = 0;
    for await (const chunk of file.chunks({ pool, readAhead: 2 })) {
      if (bytes === 0) fs.truncateSync(file.path, 20_000);
      bytes += chunk.length;
    }
    expect(bytes).toBe(20_000);
  },
  'the file grows': async (file, pool) => {
    let bytes = 0;
    for await (const chunk of file.chunks({ pool })) {
      if (bytes === 0) fs.appendFileSync(file.path, Buffer.alloc(50_000));
      bytes += chunk.length;
    }
    expect(bytes).toBe(150_000);
  },
  'the file is closed': async (file, pool) => {
    const run = async (): Promise<void> => {
      for await (const chunk of file.chunks({ pool })) if (chunk.position > 8000) await file.close();
    };
    await expect(run()).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
  },
  'the pool is disposed of': async (file, pool) => {
    const reader = file.chunks({ pool });
    await reader.next();
    pool[Symbol.dispose]();
    await reader.return();
  },
};
for (const [name, leave] of Object.entries(exits))
  test(`leaving by ${name} leaves every buffer in the pool`, async () => {
    const ring = ringOf();
    const pool = poolOf();
    await using file = await opened(CONTENT, ring);
    await leave(file, pool);
    expectBalanced(pool);
    expect(ring.stats).toMatchObject({ inFlight: 0, waiting: 0 });
  });

test('a ring that is closed in the middle ends it, and leaves every buffer in the pool', async () => {
  const ring = ringOf();
  await using file = await opened(CONTENT, ring);
  const pool = poolOf();
  const run = async (): Promise<void> => {
    for await (const chunk of file.chunks({ pool })) if (chunk.position > 8000) await ring.close();
  };
  await expect(run()).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
  expectBalanced(pool);
});

test('what was read before an error comes before it', async ({ skip }) => {
  const maps = fs.existsSync('/proc/self/maps') ? fs.readFileSync('/proc/self/maps', 'utf8') : '';
  const ranges = [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) r/gm)].map(([, from, to]) => [
    Number.parseInt(from as string, 16),
    Number.parseInt(to as string, 16),
  ]);
  const index = ranges.findIndex(
    ([from = 0, to = 0], at) => to - from >= 8192 && (ranges[at + 1]?.[0] ?? 0) > to + 65_536,
  );
  if (index < 0) skip('no /proc');
  const [, end = 0] = ranges[index] as number[];
  await using file = await IoFile.open(ringOf(), '/proc/self/mem');
  const pool = poolOf();
  let bytes = 0;
  const run = async (): Promise<void> => {
    for await (const { length } of file.chunks({ pool, start: end - 8192, end: end + 30_000 }))
      bytes += length;
  };
  await expect(run()).rejects.toMatchObject({ code: 'EIO' });
  expect(bytes).toBe(8192);
  expectBalanced(pool);
});

test('a reader that is refused says so', async () => {
  await using folderFile = await IoFile.open(ringOf(), folder());
  const pool = poolOf();
  await expect(gather(folderFile, { pool, start: 0 })).rejects.toMatchObject({ code: 'EISDIR' });
});

test('of a pipe comes what there is, and leaving while it waits is possible', async () => {
  const ring = ringOf();
  await using file = await IoFile.open(ring, pipePath(), 'r+');
  const pool = poolOf();
  const reader = file.chunks({ pool });
  const step = reader.next();
  fs.writeSync(file.fd, 'hello');
  const { value } = await step;
  expect(Buffer.from(value?.bytes ?? []).toString()).toBe('hello');
  const waiting = reader.next();
  await turn();
  expect(pool.stats().given).toBe(1); // a second read would take what the first was to get
  const over = reader.return();
  if (!native) fs.writeSync(file.fd, 'x'); // a thread of libuv waits for it
  expect(await over).toEqual({ done: true, value: undefined });
  expect(await waiting).toEqual({ done: true, value: undefined });
  expectBalanced(pool);
});

test('an abort ends the wait for a pipe', async () => {
  await using file = await IoFile.open(ringOf(), pipePath(), 'r+');
  const pool = poolOf();
  const controller = new AbortController();
  const step = file.chunks({ pool, signal: controller.signal }).next();
  await turn();
  await turn();
  controller.abort(new Error('enough'));
  if (!native) fs.writeSync(file.fd, 'x');
  await expect(step).rejects.toThrow('enough');
  expectBalanced(pool);
});

test('two readers and more operations share a small pool and a small ring', async () => {
  const ring = ringOf({ entries: 2, onFull: 'refuse' });
  await using file = await opened(CONTENT, ring);
  const pool = poolOf({ buffers: 3 });
  const [first, second] = await Promise.all([gather(file, { pool }), gather(file, { pool, readAhead: 1 })]);
  expect(first.equals(CONTENT) && second.equals(CONTENT)).toBe(true);
});

test('several readers of large files with the buffers of the ring get what is theirs', async () => {
  const content = Buffer.alloc(3_000_000, pattern(65_521));
  await using file = await opened(content);
  const sums = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const hash = createHash('sha256');
      for await (const { bytes } of file.chunks({ readAhead: 3 })) hash.update(bytes);
      return hash.digest('hex');
    }),
  );
  expect(new Set(sums)).toEqual(new Set([createHash('sha256').update(content).digest('hex')]));
});

test('a short piece is the last one, even where later ones found something', async () => {
  const pool = poolOf();
  const file: FileAccess = {
    ownBuffers: pool,
    hasRoom: () => true,
    run: async (operation) => (operation.position === 4096 ? 10 : 4096), // it shrank, and grew again
    cancel: () => undefined,
    stat: async () => ({ mode: 0o100644, sizeBytes: 40_960 }) as FileStatus,
    sync: async () => undefined,
    close: async () => undefined,
  };
  const lengths: number[] = [];
  for await (const { length } of chunksOf(file, {})) lengths.push(length);
  expect(lengths).toEqual([4096, 10]);
});

test('readers one after the other use the same few buffers of the ring, which knows of 64 memories at most', async () => {
  await using file = await opened();
  for (let round = 0; round < 100; round++) expect((await gather(file)).length).toBe(CONTENT.length);
  const held = [];
  for (let round = 0; round < 100; round++) {
    const reader = file.chunks();
    held.push((await reader.next()).value?.keep());
    await reader.return();
  }
  expect(held.every((buffer) => buffer?.bytes[1] === 31)).toBe(true);
  expect(new Set(held.map((buffer) => buffer?.bytes.buffer)).size).toBeLessThan(8);
  for (const buffer of held) buffer?.release();
  expect((await gather(file)).equals(CONTENT)).toBe(true);
});

test('buffers of the ring are the kernel’s while it has them, and nobody’s once released', async () => {
  await using file = await IoFile.open(ringOf(), pipePath(), 'r+');
  await using other = await opened();
  const reader = other.chunks();
  const buffer = (await reader.next()).value?.keep() as PooledBuffer;
  await reader.return();
  const { byteOffset } = buffer.bytes;
  const read = file.read(buffer, { length: 1 });
  for (const use of [() => buffer.bytes, () => buffer.release()])
    expect(use).toThrow('the kernel has the buffer');
  buffer[Symbol.dispose](); // an orphan
  const free = other.chunks();
  const next = (await free.next()).value?.keep() as PooledBuffer;
  expect(next.bytes.byteOffset).not.toBe(byteOffset);
  fs.writeSync(file.fd, 'x');
  expect(await read).toBe(1);
  expect(() => buffer.bytes).toThrow('was released');
  expect(() => buffer.release()).toThrow('was released');
  next.release();
  await free.return();
});

test('files that are read past the cache come whole, through buffers of either kind', async ({ skip }) => {
  const ring = ringOf();
  const path = fileOf(CONTENT);
  const file = await IoFile.open(ring, path, 'r', { direct: true }).catch(() => undefined);
  if (file === undefined) return skip('the file system has no O_DIRECT');
  expect((await gather(file)).equals(CONTENT)).toBe(true);
  expect((await gather(file, { pool: poolOf({ alignBytes: 4096 }) })).equals(CONTENT)).toBe(true);
  await file.close();
});

test('reads that threads of the kernel do are over as well when a reader is left, anywhere', async () => {
  const ring = ringOf();
  const pool = poolOf({ buffers: 6, bufferBytes: 65_536 });
  await using file = await opened(Buffer.alloc(2_000_000, pattern(65_521)), ring);
  for (let round = 0; round < 60; round++) {
    const controller = new AbortController();
    const reader = file.chunks({ pool, readAhead: 5, signal: controller.signal });
    for (let step = 0; step < round % 7; step++) await reader.next();
    const waiting = round % 2 === 0 ? reader.next() : undefined;
    if (round % 3 === 0) controller.abort();
    await Promise.allSettled([waiting, reader.return()]);
    expectBalanced(pool);
    expect(ring.stats.inFlight).toBe(0);
  }
});

test('what is no pool is refused by that name', async () => {
  await using file = await IoFile.open(ringOf(), fileOf('abc'));
  for (const wrong of [{}, null, 5, { tryAcquire: () => undefined, acquire: () => undefined }]) {
    const pool = wrong as unknown as BufferSource;
    for (const use of [
      () => file.chunks({ pool }),
      () => file.createReadStream({ pool }),
      () => file.createWriteStream({ pool }),
    ])
      expect(use).toThrow(/^pool is .*, expected a BufferPool/);
  }
});
