// The first touch of pooled buffers, by where and in which pages they are.
import { BufferPool, type BufferPoolOptions } from '@corelane/buffer-pool';
import { releaseMemory, Topology } from '@corelane/platform';
import { Arena } from '@corelane/shared-memory';
import { nowNs } from '../../clock.ts';
import { NotMeasurableError } from '../../errors.ts';
import type { BatchCase, BatchGroup, BatchResult } from '../../suite.ts';
import { Held } from '../state/held.ts';
import { platformPinner } from './platform-pinner.ts';

const BUFFERS = 2048;
const BUFFER_BYTES = 8192;
const BYTES = BUFFERS * BUFFER_BYTES;
const HUGE_BYTES = 2 << 20;

interface Placed {
  readonly pages: Uint8Array;
  /** Buffers touched since the pages were released. */
  touched: number;
  sum: number;
}

function create(options: Partial<BufferPoolOptions>): Placed {
  const arena = Arena.create({ bytes: BYTES + 3 * HUGE_BYTES });
  const pool = BufferPool.create(arena, {
    buffers: BUFFERS,
    bufferBytes: BUFFER_BYTES,
    alignBytes: 4096,
    pinner: { ...platformPinner, pin: () => ({ pinned: false }) },
    ...options,
  });
  const { node, hugePages } = pool.placement;
  for (const result of [node, hugePages])
    if (result?.placed === false) throw new NotMeasurableError(result.reason ?? 'refused');
  const { byteOffset } = pool.bytesOf(pool.tryAcquireFast());
  const pages = arena.u8.subarray(byteOffset, byteOffset + BYTES);
  const answer = releaseMemory(pages);
  if (answer.status !== 'verified') throw new NotMeasurableError(answer.reason);
  return { pages, touched: 0, sum: 0 };
}

/** Touches buffer after buffer; each time all are touched, releases their pages: `again` does not. */
function touch(placed: Placed, operations: number, again: boolean): BatchResult {
  let elapsedNs = 0;
  for (let done = 0; done < operations;) {
    if (placed.touched === BUFFERS) {
      placed.touched = 0;
      if (!again) releaseMemory(placed.pages);
    }
    const count = Math.min(operations - done, BUFFERS - placed.touched);
    const start = nowNs();
    for (let i = 0; i < count; i++) placed.pages[(placed.touched + i) * BUFFER_BYTES] = 1;
    elapsedNs += nowNs() - start;
    placed.touched += count;
    done += count;
  }
  return { successful: operations, elapsedNs };
}

function first(name: string, options: Partial<BufferPoolOptions>, note?: string): BatchCase {
  return placedCase(name, 'ours', options, false, note);
}

function placedCase(
  name: string,
  role: 'ours' | 'limit',
  options: Partial<BufferPoolOptions>,
  again: boolean,
  note?: string,
): BatchCase {
  const held = new Held<Placed>();
  return {
    name,
    role,
    ...(note === undefined ? {} : { note }),
    bare: true,
    setup: () => void held.set(create(options)),
    batch: (operations) => touch(held.get(), operations, again),
    check() {
      const { pages, touched } = held.get();
      const last = touched === 0 ? 0 : (touched - 1) * BUFFER_BYTES;
      return touched === 0 || pages[last] === 1 ? undefined : 'a buffer does not hold what was written';
    },
    teardown: () => void held.take(),
  };
}

const node = (): number => Topology.read().nodes[0]?.os ?? 0;

export const placement: BatchGroup = {
  kind: 'batch',
  name: 'placement',
  title: `The first byte of a buffer of ${BUFFER_BYTES / 1024} KiB that was never touched, of ${BYTES / 2 ** 20} MiB`,
  note: 'The system gives pages when they are first touched: what the pool does not pay at its creation. On a machine of one node, binding has nothing to gain.',
  cases: [
    first('pages as they come', {}),
    first('huge pages', { alignBytes: 4096, hugePages: true }, 'one fault for 2 MiB, which are zeroed then'),
    first('bound to a node', { node: node() }),
    placedCase('touched before', 'limit', {}, true),
  ],
};
