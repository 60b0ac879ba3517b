/** Cancellations that meet the completions they are for: every byte goes to exactly one operation, or stays where it was. */
import fs from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { IoFile } from '../src/index.ts';
import { pipePath, ringOf, shared, turn } from './files.ts';
import { native } from './native-mode.ts';
import { poolOf } from './pools.ts';

/** Numbers from 0 to 1, the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 2 ** 31;
  };
}

/** What is left in a pipe. */
function drain(fd: number): number {
  const buffer = Buffer.alloc(1 << 16);
  try {
    return fs.readSync(fd, buffer);
  } catch (error) {
    expect(error).toMatchObject({ code: 'EAGAIN' });
    return 0;
  }
}

test('of 10 000 reads that are cancelled as bytes arrive, as many succeed as bytes are gone', async ({
  skip,
}) => {
  if (!native) skip('what a thread has begun cannot be cancelled');
  const ring = ringOf({ entries: 16 });
  const name = pipePath();
  const writer = fs.openSync(name, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  onTestFinished(() => fs.closeSync(writer));
  await using file = await IoFile.open(ring, name, 'r+');
  const next = random(5);
  const memory = shared(100);
  let [written, read, cancelled] = [0, 0, 0];
  for (let round = 0; round < 100; round++) {
    memory.fill(0);
    const controllers = Array.from({ length: 100 }, () => new AbortController());
    const reads = controllers.map(({ signal }, index) =>
      file.read(memory.subarray(index, index + 1), next() < 0.8 ? { signal } : { signal, timeoutMs: 1 }),
    );
    const settled = Promise.allSettled(reads);
    for (const controller of controllers) {
      if (next() < 0.3) written += fs.writeSync(writer, 'x');
      // eslint-disable-next-line no-await-in-loop -- that is the race
      if (next() < 0.1) await turn();
      controller.abort();
    }
    // eslint-disable-next-line no-await-in-loop -- rounds
    const outcomes = await settled;
    for (const [index, outcome] of outcomes.entries()) {
      const succeeded = outcome.status === 'fulfilled';
      expect(memory[index]).toBe(succeeded ? 0x78 : 0); // nobody else's byte, and none that nobody has
      if (succeeded) read++;
      else cancelled++;
    }
    expect(ring.stats.inFlight).toBe(0);
  }
  expect(read + drain(writer)).toBe(written);
  expect(read + cancelled).toBe(10_000);
  expect(read).toBeGreaterThan(100);
  expect(cancelled).toBeGreaterThan(1000);
  expect(ring.stats).toMatchObject({ waiting: 0, cancelled, failed: 0 });
});

/** Whether it succeeded, else it was aborted. */
async function outcomeOf(read: Promise<number>): Promise<boolean> {
  try {
    expect(await read).toBe(1);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ name: 'AbortError' });
    return false;
  }
}

test('buffers that the kernel has are in nobody else’s hands, however short the pool is', async ({
  skip,
}) => {
  if (!native) skip('what a thread has begun cannot be cancelled');
  const pool = poolOf({ buffers: 4, bufferBytes: 64, alignBytes: 64 });
  const ring = ringOf({ entries: 8 });
  const name = pipePath();
  const writer = fs.openSync(name, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  onTestFinished(() => fs.closeSync(writer));
  await using file = await IoFile.open(ring, name, 'r+');
  const next = random(9);
  /** Where the bytes of a buffer are, of those that the kernel has. */
  const given = new Set<number>();
  for (let round = 0; round < 1000; round++) {
    // eslint-disable-next-line no-await-in-loop -- rounds
    const lease = await pool.acquire();
    const at = lease.bytes.byteOffset;
    expect(given.has(at)).toBe(false);
    lease.bytes.fill(0);
    given.add(at);
    const controller = new AbortController();
    const orphan = next() < 0.3;
    const read = file.read(lease, { length: 1, signal: controller.signal });
    const end = async (): Promise<void> => {
      const succeeded = await outcomeOf(read);
      given.delete(at);
      if (orphan) return;
      expect(lease.bytes[0]).toBe(succeeded ? 0x78 : 0);
      lease.release();
    };
    const over = end();
    // Dropped while the kernel has it: it must come back by itself, and not before.
    if (orphan) lease[Symbol.dispose]();
    if (given.size === 4) {
      expect(pool.tryAcquire()).toBeUndefined();
      fs.writeSync(writer, 'xx');
    }
    if (next() < 0.4) controller.abort();
    // eslint-disable-next-line no-await-in-loop -- rounds
    if (next() < 0.3) await Promise.race([over, turn()]);
  }
  for (let left = 0; left < 1000 && given.size > 0; left++) {
    fs.writeSync(writer, 'x');
    // eslint-disable-next-line no-await-in-loop -- until all are back
    await turn();
  }
  expect(given.size).toBe(0);
});
