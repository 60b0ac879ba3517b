// Threads that lease from one pool at once.
import type { BufferPool, BufferPoolOptions } from '@corelane/buffer-pool';
import { Contenders } from '../../contention/contenders.ts';
import { entryUrl } from '../../entry-url.ts';
import type { BatchCase, BatchGroup } from '../../suite.ts';
import { Held } from '../state/held.ts';
import { createPool } from './cases.ts';
import type { PoolWork } from './pool-contender.ts';

/** Two threads, each at most three times as slow as one alone. */
const WORST_PER_THREAD = 3;

function together(name: string, threads: number, options: Partial<BufferPoolOptions> = {}): BatchCase {
  const held = new Held<{ pool: BufferPool; contenders: Contenders }>();
  return {
    name,
    role: 'ours',
    opsPerBatch: threads,
    async setup() {
      const pool = createPool(options);
      const contenders = await Contenders.start({
        module: entryUrl('suites/buffer-pool/pool-contender'),
        contenders: threads,
        data: (): PoolWork => ({ handle: pool.handle, owner: pool.register() }),
      });
      held.set({ pool, contenders });
    },
    batch: (operations) => held.get().contenders.run(operations),
    check({ operations }) {
      const { available, capacity, acquires } = held.get().pool.stats();
      return available === capacity && acquires === operations
        ? undefined
        : `available ${available} of ${capacity}, ${acquires} leases of ${operations}`;
    },
    async teardown() {
      const made = held.take();
      await made?.contenders.stop();
      made?.pool[Symbol.dispose]();
    },
  };
}

const ONE = 'one thread';
const TWO = 'two threads, caches of 16';

export const contention: BatchGroup = {
  kind: 'batch',
  name: 'contention',
  title: 'A buffer leased and returned by threads that share one pool',
  note: `ns/op is the time until the last thread is done by the operations of all: two threads that do not disturb each other halve it, and ${WORST_PER_THREAD} times the cost for each thread is ${WORST_PER_THREAD / 2} times the figure.`,
  cases: [
    together(ONE, 1),
    together(TWO, 2),
    together('two threads, no caches', 2, { cacheBuffers: 0 }),
    together('four threads, caches of 16', 4),
    together('four threads, no caches', 4, { cacheBuffers: 0 }),
  ],
  claims: [{ of: TWO, against: ONE, atMost: WORST_PER_THREAD / 2 }],
};
