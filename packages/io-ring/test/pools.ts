/** Pools for tests. */
import { BufferPool, type BufferPoolOptions } from '@corelane/buffer-pool';
import { Arena } from '@corelane/shared-memory';
import { expect, onTestFinished } from 'vitest';

/** 8 buffers of 4096 bytes, which must all be back when the test is over. */
export function poolOf(options: Partial<BufferPoolOptions> = {}): BufferPool {
  const { buffers = 8, bufferBytes = 4096 } = options;
  const arena = Arena.create({ bytes: (options.maxBuffers ?? buffers) * (bufferBytes + 4096) + (1 << 18) });
  const pool = BufferPool.create(arena, { buffers, bufferBytes, ...options });
  onTestFinished(() => expectBalanced(pool));
  return pool;
}

/** Nobody has a buffer. */
export function expectBalanced(pool: BufferPool): void {
  const { available, capacity, inUse } = pool.stats();
  expect({ available, inUse }).toEqual({ available: capacity, inUse: 0 });
}
