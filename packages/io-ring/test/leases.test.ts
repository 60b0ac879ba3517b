/** Buffers of a pool in the kernel's hands. */
import fs from 'node:fs';
import { KernelHeldError, PinnedBuffer, StaleLeaseError, type Lease } from '@corelane/buffer-pool';
import { expect, test } from 'vitest';
import { IoFile, type BufferSource, type LeasedBuffer, type PooledBuffer } from '../src/index.ts';
import { fileOf, folder, pattern, pipePath, ringOf, shared, turn } from './files.ts';
import { native } from './native-mode.ts';
import { poolOf } from './pools.ts';

/** An empty pipe, of which a read waits. */
async function pipeOf(ring = ringOf()): Promise<IoFile> {
  return IoFile.open(ring, pipePath(), 'r+');
}

/** Something to read: on node:fs nothing that a thread has begun ends otherwise. */
function feed(file: IoFile, bytes: number): void {
  fs.writeSync(file.fd, Buffer.alloc(bytes, 'x'));
}

test('pools, leases and pinned buffers are what the ports ask for', () => {
  const pool: BufferSource = poolOf();
  using lease: PooledBuffer = pool.tryAcquire() as Lease;
  const pinned: LeasedBuffer = PinnedBuffer.create({ capacity: 64 });
  expect([lease.bytes.byteLength, pinned.bytes.byteLength]).toEqual([pool.bufferBytes, 64]);
});

test('a read fills a lease and says how far; a write takes what it holds', async () => {
  const ring = ringOf();
  const pool = poolOf();
  await using file = await IoFile.open(ring, fileOf(pattern(5000)), 'r+');
  using lease = await pool.acquire();
  const { token } = lease;
  expect(await file.read(lease, { position: 0 })).toBe(4096);
  expect(lease.length).toBe(4096);
  expect(lease.token).not.toBe(token); // it was the kernel's meanwhile
  expect(await file.read(lease, { position: 4096 })).toBe(904);
  expect(lease.length).toBe(904);
  expect(lease.bytes.subarray(0, 904)).toEqual(pattern(5000).subarray(4096));
  expect(await file.write(lease, { position: 0 })).toBe(904);
  expect(fs.readFileSync(file.path).subarray(0, 904)).toEqual(Buffer.from(pattern(5000).subarray(4096)));
  expect(await file.read(lease, { position: 5000 })).toBe(0);
  expect(lease.length).toBe(0);
});

test('a part of a lease or of a view may be asked for', async () => {
  await using file = await IoFile.open(ringOf(), fileOf('0123456789'), 'r+');
  using lease = await poolOf().acquire();
  await file.read(lease, { position: 0, length: 4 });
  expect(lease.length).toBe(4);
  await file.read(lease, { position: 7, offset: 4 });
  expect(Buffer.from(lease.bytes.subarray(0, lease.length)).toString()).toBe('0123789');
  expect(await file.write(lease, { position: 0, offset: 4 })).toBe(3);
  expect(await file.write(lease, { position: 3, offset: 0, length: 1 })).toBe(1);
  expect(fs.readFileSync(file.path, 'utf8')).toBe('7890456789');
  const view = shared(8);
  expect(await file.read(view, { position: 0, offset: 6 })).toBe(2);
  expect([...view]).toEqual([0, 0, 0, 0, 0, 0, 55, 56]);
  for (const range of [{ offset: -1 }, { offset: 4097 }, { offset: 1, length: 4096 }, { length: 0.5 }])
    await expect(file.read(lease, range)).rejects.toMatchObject({ code: 'ERR_IO_ARGUMENT' });
});

test('a lease that holds nothing is not written by mistake', async () => {
  await using file = await IoFile.open(ringOf(), fileOf('abc'), 'r+');
  using lease = await poolOf().acquire();
  await expect(file.write(lease, { position: 0 })).rejects.toMatchObject({ code: 'ERR_IO_MEMORY' });
  lease.length = 2;
  await expect(file.write(lease, { position: 0, offset: 2 })).rejects.toThrow('from byte 2 on');
  expect(await file.write(lease, { position: 0, length: 0 })).toBe(0);
});

test('while the kernel has it nobody can use, release, give or adopt a lease', async () => {
  const pool = poolOf({ buffers: 1 });
  await using file = await pipeOf();
  const lease = await pool.acquire();
  const { token } = lease;
  const read = file.read(lease, { length: 3 });
  expect(pool.stats()).toMatchObject({ given: 1, leased: 0, available: 0 });
  for (const use of [() => lease.bytes, () => lease.release(), () => lease.give(1), () => pool.adopt(token)])
    expect(use).toThrow(KernelHeldError);
  await expect(file.read(lease)).rejects.toBeInstanceOf(KernelHeldError);
  expect(pool.tryAcquire()).toBeUndefined();
  feed(file, 3);
  expect(await read).toBe(3);
  expect(Buffer.from(lease.bytes.subarray(0, lease.length)).toString()).toBe('xxx');
  lease.release();
});

test('a pinned buffer is lent as a lease is', async () => {
  await using file = await pipeOf();
  const pinned = PinnedBuffer.create({ capacity: 64 });
  const read = file.read(pinned, { length: 2 });
  expect(() => pinned.bytes).toThrow(KernelHeldError);
  feed(file, 2);
  expect(await read).toBe(2);
  expect(pinned.bytes[1]).toBe(120);
  expect(await file.write(pinned)).toBe(64);
});

test('an aborted read, and one out of time, leave the lease with its user', async () => {
  const pool = poolOf();
  await using file = await pipeOf();
  const [first, second] = [await pool.acquire(), await pool.acquire()];
  first.length = 7;
  const controller = new AbortController();
  const reads = Promise.allSettled([
    file.read(first, { length: 4, signal: controller.signal }),
    file.read(second, { length: 4, timeoutMs: 5 }),
  ]);
  controller.abort(new Error('enough'));
  if (!native) feed(file, 8);
  const outcomes = await reads;
  expect(outcomes.map(({ status }) => status)).toEqual(Array(2).fill(native ? 'rejected' : 'fulfilled'));
  expect(first.length).toBe(native ? 7 : 4); // untouched where nothing came
  first.bytes.fill(1);
  first.release();
  second.release();
});

test('a lease that ends while the kernel has it is nobody’s until the operation is complete', async () => {
  const pool = poolOf({ buffers: 1 });
  await using file = await pipeOf();
  const lease = await pool.acquire();
  const read = file.read(lease, { length: 1 });
  lease[Symbol.dispose]();
  expect(pool.stats()).toMatchObject({ orphaned: 1, available: 0 });
  await turn();
  expect(pool.tryAcquire()).toBeUndefined();
  feed(file, 1);
  expect(await read).toBe(1);
  expect(pool.stats()).toMatchObject({ orphaned: 0, available: 1 });
});

test('what waits in line is lent already, and comes back when it is taken out of the line', async ({
  skip,
}) => {
  if (!native) skip('1024 threads’ worth of pipes: the line is the same code');
  const ring = ringOf({ entries: 1 });
  const pool = poolOf();
  await using file = await pipeOf(ring);
  const memory = shared(8);
  const { capacity } = ring.stats;
  const reads = Array.from({ length: capacity }, (_, index) => file.read(memory.subarray(index, index + 1)));
  const lease = await pool.acquire();
  const controller = new AbortController();
  const waiting = file.read(lease, { signal: controller.signal });
  expect(ring.stats.waiting).toBe(1);
  expect(pool.stats().given).toBe(1);
  controller.abort();
  await expect(waiting).rejects.toThrow('aborted');
  lease.release();
  feed(file, capacity);
  await Promise.all(reads);
});

test('whoever is refused keeps the lease', async () => {
  const pool = poolOf();
  const lease = await pool.acquire();
  const refusing = ringOf({ entries: 1, onFull: 'refuse' });
  await using pipe = await pipeOf(refusing);
  if (native) {
    const memory = shared(8);
    const { capacity } = refusing.stats;
    const reads = Array.from({ length: capacity }, (_, index) =>
      pipe.read(memory.subarray(index, index + 1)),
    );
    await expect(pipe.read(lease)).rejects.toMatchObject({ code: 'ERR_RING_FULL' });
    feed(pipe, capacity);
    await Promise.all(reads);
  }
  await using file = await IoFile.open(refusing, fileOf('abc'));
  await expect(file.read(lease, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  await expect(file.read(lease, { position: -1 })).rejects.toMatchObject({ code: 'ERR_IO_ARGUMENT' });
  await expect(file.write(lease, { length: 3 })).rejects.toMatchObject({ code: 'EBADF' });
  for (const none of [{}, null, 'abc', { give() {} }])
    await expect(file.read(none as unknown as Lease)).rejects.toMatchObject({ code: 'ERR_IO_ARGUMENT' });
  if (native) {
    const full = ringOf();
    await using other = await IoFile.open(full, fileOf('abc'));
    for (let index = 0; index < 63; index++) full.register(shared(1));
    await expect(other.read(lease)).rejects.toThrow('64 memories');
  }
  await refusing.close();
  await expect(file.read(lease)).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
  expect(pool.stats()).toMatchObject({ leased: 1, given: 0 });
  lease.release();
});

test('a ring that is closed gives every lease back', async () => {
  const ring = ringOf();
  const pool = poolOf();
  const file = await pipeOf(ring);
  const leases = await Promise.all(Array.from({ length: 4 }, () => pool.acquire()));
  const reads = Promise.allSettled(leases.map((lease) => file.read(lease, { length: 1 })));
  await turn();
  const closed = ring.close();
  if (!native) feed(file, 4);
  await closed;
  for (const { status } of await reads) expect(status).toBe(native ? 'rejected' : 'fulfilled');
  for (const lease of leases) lease.release();
  await file.close();
});

test('leases and views make vectors together, and each lease says what it holds', async () => {
  const pool = poolOf({ bufferBytes: 64 });
  await using file = await IoFile.open(ringOf(), fileOf(pattern(200)), 'r+');
  const [first, second, third] = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
  const view = shared(10);
  expect(await file.readv([first, view, second, third], { position: 100 })).toBe(100);
  expect([first.length, second.length, third.length]).toEqual([64, 26, 0]);
  expect(second.bytes.subarray(0, 26)).toEqual(pattern(200).subarray(174));
  first.length = 2;
  expect(await file.writev([first, view, second], { position: 0 })).toBe(38);
  expect(fs.readFileSync(file.path).subarray(2, 12)).toEqual(Buffer.from(view));
  for (const lease of [first, second, third]) lease.release();
});

test('a vector with a lease twice is refused, and lends nothing', async () => {
  const pool = poolOf();
  await using file = await IoFile.open(ringOf(), fileOf('abc'));
  using first = await pool.acquire();
  using second = await pool.acquire();
  await expect(file.readv([first, second, first])).rejects.toBeInstanceOf(KernelHeldError);
  expect(pool.stats()).toMatchObject({ leased: 2, given: 0 });
  expect(await file.readv([first, second], { position: 0 })).toBe(3);
});

test('a lease that has ended is refused', async () => {
  const pool = poolOf();
  await using file = await IoFile.open(ringOf(), fileOf('abc'));
  const lease = await pool.acquire();
  lease.release();
  await expect(file.read(lease)).rejects.toBeInstanceOf(StaleLeaseError);
});

test('who settles an owner whose ring goes on is told so by the operation', async () => {
  const pool = poolOf();
  await using file = await pipeOf();
  const lease = await pool.acquire();
  const read = file.read(lease, { length: 1 });
  pool.settle(pool.owner);
  feed(file, 1);
  await expect(read).rejects.toBeInstanceOf(StaleLeaseError);
});

test('a failure in the middle says what the lease holds', async ({ skip }) => {
  if (!fs.existsSync('/proc/self/mem')) skip('no /proc');
  // The last page of a mapping, and what is not mapped behind it.
  const maps = fs.readFileSync('/proc/self/maps', 'utf8').split('\n');
  const ranges = maps
    .map((line) => /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line))
    .filter((range) => range !== null);
  const end = ranges
    .map((range) => Number.parseInt(range[2] as string, 16))
    .find((at, index) => Number.parseInt(ranges[index + 1]?.[1] ?? '0', 16) > at + 8192 && at < 2 ** 47);
  await using file = await IoFile.open(ringOf(), '/proc/self/mem');
  const pool = poolOf({ bufferBytes: 8192 });
  using lease = await pool.acquire();
  await expect(file.read(lease, { position: (end ?? 0) - 4096 })).rejects.toMatchObject({
    code: 'EIO',
    transferredBytes: 4096,
  });
  expect(lease.length).toBe(4096);
});

test('a hundred reads at once, with a pool of eight, lose nothing', async () => {
  const pool = poolOf();
  const data = pattern(100 * 4096);
  const ring = ringOf();
  await using file = await IoFile.open(ring, fileOf(data));
  const target = `${folder()}/copy`;
  await using copy = await IoFile.open(ring, target, 'w');
  await Promise.all(
    Array.from({ length: 100 }, async (_, block) => {
      using lease = await pool.acquire();
      await file.read(lease, { position: block * 4096 });
      await copy.write(lease, { position: block * 4096 });
    }),
  );
  expect(fs.readFileSync(target).equals(data)).toBe(true);
});
