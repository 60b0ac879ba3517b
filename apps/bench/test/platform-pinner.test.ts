// The ports of buffer-pool, as platform satisfies them: neither package knows of the other.
import { BufferPool, PinnedBuffer, type Pinner } from '@corelane/buffer-pool';
import { capabilities, residency, Topology } from '@corelane/platform';
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { platformPinner } from '../src/suites/buffer-pool/platform-pinner.ts';

const node = Topology.read().nodes[0]?.os ?? 0;
const create = (options: { node?: number; hugePages?: boolean; pinner?: Pinner } = {}) =>
  BufferPool.create(Arena.create({ bytes: 1 << 20 }), {
    buffers: 8,
    bufferBytes: 4096,
    pinner: platformPinner,
    ...options,
  });

describe('platform as the pinner of a pool', () => {
  test('says of each thing whether it is done, and of what is not, why', () => {
    const pool = create({ node, hugePages: true });
    for (const { placed, reason } of [pool.placement.node, pool.placement.hugePages].map((found) => ({
      placed: found?.placed,
      reason: found?.reason,
    })))
      expect(placed === true || (reason ?? '').length > 10).toBe(true);
    expect(pool.pinning.pinned || (pool.pinning.reason ?? '').length > 10).toBe(true);
    pool[Symbol.dispose]();
  });

  test('pages of what is set aside are gone, and read as zeros when the pool grows again', () => {
    const pool = create();
    const token = pool.tryAcquireFast();
    const bytes = pool.bytesOf(token).fill(7);
    pool.release(token);
    const known = residency(bytes);
    expect(pool.resize(0)).toBe(0);
    if (known.status !== 'verified') return expect(known.reason.length).toBeGreaterThan(10); // no addon: nothing is released
    expect(residency(bytes)).toMatchObject({ value: { residentPages: 0 } });
    expect(pool.resize(8)).toBe(8);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    pool[Symbol.dispose]();
    return undefined;
  });

  test('a pinned buffer on a node that there is not is refused with the reason, and works all the same', () => {
    const buffer = PinnedBuffer.create({ capacity: 10_000, node: 1000, pinner: platformPinner });
    expect(buffer.placement.node).toMatchObject({ asked: 1000, placed: false });
    expect((buffer.placement.node?.reason ?? '').length).toBeGreaterThan(10);
    buffer.bytes.fill(1);
    buffer[Symbol.dispose]();
  });

  test('the machine is asked, not guessed', () => {
    expect(capabilities()).toBeDefined();
  });
});
