// A buffer of 4 KiB for a moment: leased, allocated, or borrowed from a pool of one thread.
import { BufferPool, SizeClassPool, type BufferPoolOptions, type Lease } from '@corelane/buffer-pool';
import { Arena } from '@corelane/shared-memory';
import genericPool, { type Pool as GenericPool } from 'generic-pool';
import { Pool as TarnPool } from 'tarn';
import type { BatchCase } from '../../suite.ts';
import { Held } from '../state/held.ts';

const BUFFERS = 64;
const BUFFER_BYTES = 4096;

let arena: Arena | undefined;

/** In one arena for all cases of a process, as a service has it: V8 calls a kernel fastest while it knows one instance of it. */
export function createPool(options: Partial<BufferPoolOptions> = {}): BufferPool {
  return BufferPool.create(sharedArena(), { buffers: BUFFERS, bufferBytes: BUFFER_BYTES, ...options });
}

function sharedArena(): Arena {
  arena ??= Arena.create({ bytes: 1 << 24 });
  return arena;
}

export const checkPool = (pool: BufferPool, operations: number): string | undefined => {
  const { available, acquires, failures } = pool.stats();
  return available === BUFFERS && acquires === operations && failures === 0
    ? undefined
    : `available ${available} of ${BUFFERS}, ${acquires} leases of ${operations}, ${failures} failures`;
};

export function tokens(name: string): BatchCase {
  const held = new Held<BufferPool>();
  return {
    name,
    role: 'ours',
    allocation: true,
    setup: () => void held.set(createPool()),
    batch(operations) {
      const pool = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) {
        const token = pool.tryAcquireFast();
        pool.bytesOf(token)[0] = operation;
        pool.release(token);
        successful++;
      }
      return successful;
    },
    check: ({ operations }) => checkPool(held.get(), operations),
    teardown: () => held.take()?.[Symbol.dispose](),
  };
}

/** The same, given to the kernel and taken back in between: what an I/O operation adds. */
export function given(name: string): BatchCase {
  const held = new Held<BufferPool>();
  return {
    name,
    role: 'ours',
    allocation: true,
    setup: () => void held.set(createPool()),
    batch(count) {
      const pool = held.get();
      let successful = 0;
      for (let operation = 0; operation < count; operation++) {
        const token = pool.give(pool.tryAcquireFast(), operation);
        const back = pool.takeToken(token, operation);
        pool.bytesOf(back)[0] = operation;
        pool.release(back);
        successful++;
      }
      return successful;
    },
    check: ({ operations: count }) => checkPool(held.get(), count),
    teardown: () => held.take()?.[Symbol.dispose](),
  };
}

/** The same from a pool of seven sizes. */
export function sized(name: string): BatchCase {
  const held = new Held<SizeClassPool>();
  return {
    name,
    role: 'ours',
    allocation: true,
    note: 'seven classes of 64 B to 4 KiB',
    setup: () =>
      void held.set(
        SizeClassPool.create(sharedArena(), { minBytes: 64, maxBytes: 4096, buffersPerClass: BUFFERS }),
      ),
    batch(count) {
      const pool = held.get();
      let successful = 0;
      for (let operation = 0; operation < count; operation++) {
        const token = pool.tryAcquireFast(BUFFER_BYTES);
        pool.bytesOf(token)[0] = operation;
        pool.release(token);
        successful++;
      }
      return successful;
    },
    check({ operations: count }) {
      const largest = held.get().stats().at(-1);
      return largest?.acquires === count && largest.available === BUFFERS
        ? undefined
        : `${largest?.acquires} leases of ${count}, ${largest?.available} of ${BUFFERS} available`;
    },
    teardown: () => held.take()?.[Symbol.dispose](),
  };
}

export function leases(name: string, options: Partial<BufferPoolOptions> = {}, note?: string): BatchCase {
  const held = new Held<BufferPool>();
  return {
    name,
    role: 'ours',
    allocation: true,
    ...(note === undefined ? {} : { note }),
    setup: () => void held.set(createPool(options)),
    batch(operations) {
      const pool = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) {
        const lease = pool.tryAcquire() as Lease;
        lease.bytes[0] = operation;
        lease.release();
        successful++;
      }
      return successful;
    },
    check: ({ operations }) => checkPool(held.get(), operations),
    teardown: () => held.take()?.[Symbol.dispose](),
  };
}

export function awaited(name: string): BatchCase {
  const held = new Held<BufferPool>();
  return {
    name,
    role: 'ours',
    allocation: true,
    note: 'a promise each, as the pools of promises have it',
    setup: () => void held.set(createPool()),
    async batch(operations) {
      const pool = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) {
        const lease = await pool.acquire();
        lease.bytes[0] = operation;
        lease.release();
        successful++;
      }
      return successful;
    },
    check: ({ operations }) => checkPool(held.get(), operations),
    teardown: () => held.take()?.[Symbol.dispose](),
  };
}

export function allocation(name: string, allocate: (bytes: number) => Buffer, note: string): BatchCase {
  let last = 0;
  return {
    name,
    role: 'peer',
    allocation: true,
    note,
    batch(operations) {
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) {
        const buffer = allocate(BUFFER_BYTES);
        buffer[0] = operation;
        last = buffer.length;
        successful++;
      }
      return successful;
    },
    check: () => (last === BUFFER_BYTES ? undefined : `${last} bytes, expected ${BUFFER_BYTES}`),
  };
}

export function generic(name: string): BatchCase {
  const held = new Held<GenericPool<Buffer>>();
  return {
    name,
    role: 'peer',
    allocation: true,
    note: `${BUFFERS} buffers made beforehand, no validation, no eviction`,
    async setup() {
      const factory = { create: async () => Buffer.alloc(BUFFER_BYTES), destroy: async () => {} };
      const pool = held.set(genericPool.createPool(factory, { min: BUFFERS, max: BUFFERS }));
      await pool.ready();
    },
    async batch(operations) {
      const pool = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) {
        const buffer = await pool.acquire();
        buffer[0] = operation;
        await pool.release(buffer);
        successful++;
      }
      return successful;
    },
    check() {
      const { available, size } = held.get();
      return available === BUFFERS && size === BUFFERS ? undefined : `${available} of ${size} available`;
    },
    async teardown() {
      const pool = held.take();
      await pool?.drain();
      await pool?.clear();
    },
  };
}

export function tarn(name: string): BatchCase {
  const held = new Held<TarnPool<Buffer>>();
  return {
    name,
    role: 'peer',
    allocation: true,
    note: `${BUFFERS} buffers at most, no validation`,
    setup() {
      const pool = new TarnPool<Buffer>({
        create: () => Buffer.alloc(BUFFER_BYTES),
        validate: () => true,
        destroy: () => {},
        min: BUFFERS,
        max: BUFFERS,
      });
      held.set(pool);
    },
    async batch(operations) {
      const pool = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) {
        const buffer = await pool.acquire().promise;
        buffer[0] = operation;
        if (pool.release(buffer)) successful++;
      }
      return successful;
    },
    check() {
      const used = held.get().numUsed();
      return used === 0 ? undefined : `${used} still used`;
    },
    async teardown() {
      await held.take()?.destroy();
    },
  };
}

export function freeList(name: string): BatchCase {
  const held = new Held<Buffer[]>();
  return {
    name,
    role: 'peer',
    allocation: true,
    note: 'an array of buffers: one thread, no check of any kind',
    setup: () => void held.set(Array.from({ length: BUFFERS }, () => Buffer.alloc(BUFFER_BYTES))),
    batch(operations) {
      const free = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) {
        const buffer = free.pop() as Buffer;
        buffer[0] = operation;
        free.push(buffer);
        successful++;
      }
      return successful;
    },
    check: () => (held.get().length === BUFFERS ? undefined : `${held.get().length} buffers`),
    teardown: () => void held.take(),
  };
}

export const empty: BatchCase = {
  name: 'empty loop',
  role: 'empty',
  batch(operations) {
    let successful = 0;
    for (let operation = 0; operation < operations; operation++) successful++;
    return successful;
  },
  check: () => undefined,
};
