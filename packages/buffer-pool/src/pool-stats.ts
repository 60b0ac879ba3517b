import {
  leaseWord,
  BUFFER_DETACHED,
  BUFFER_FREE,
  BUFFER_KERNEL,
  BUFFER_ORPHAN,
  BUFFER_RESERVED,
} from './layout.ts';
import type { Owners } from './owners.ts';
import type { PoolMemory } from './pool-memory.ts';

export interface BufferPoolStats {
  /** Buffers: available + inUse + detached, always. */
  readonly capacity: number;
  readonly available: number;
  /** leased + given + orphaned. */
  readonly inUse: number;
  /** Their users may read and write them. */
  readonly leased: number;
  /** The kernel's, for operations that somebody waits for. */
  readonly given: number;
  /** The kernel's, for operations that were cancelled or whose owners have ended. */
  readonly orphaned: number;
  readonly detached: number;
  /** Buffers that the pool may grow by: no part of its capacity. */
  readonly reserved: number;
  /** Leases taken, by all threads. */
  readonly acquires: number;
  /** Attempts that got none, by all threads: `tryAcquire` on an empty pool, and waits that timed out or were aborted. */
  readonly failures: number;
  /** Leases of a buffer that was in the cache of the thread that took it: hits + misses = acquires. */
  readonly hits: number;
  readonly misses: number;
  /** Batches that went from the shared list to a cache, and back. */
  readonly refills: number;
  readonly spills: number;
  /** Misses that took a buffer out of the cache of another thread, since the shared list was empty. */
  readonly steals: number;
  /** acquires / (acquires + failures); 1 before the first attempt. */
  readonly successRate: number;
  /** Share of the buffers that are not available, 0 to 1. */
  readonly utilisation: number;
  /** Utilisation above the high watermark, now; `onPressure` tells with hysteresis. */
  readonly underPressure: boolean;
  /** How often pressure has begun. */
  readonly pressureEpisodes: number;
  /** Threads on which somebody waits for a buffer. */
  readonly waiters: number;
  /** Memory of the buffers, the reserve too, with the padding between them. */
  readonly bytes: number;
}

/** Looks at every buffer and owner: exact while nobody acquires or releases, else each figure is of a moment of its own. */
export function readStats(memory: PoolMemory, owners: Owners): BufferPoolStats {
  const { shift, mask } = leaseWord.field.state;
  const counts = new Int32Array(mask + 1);
  for (let index = 0; index < memory.buffers; index++)
    counts[(memory.kernel.leaseHolder(memory.at, index) >>> shift) & mask]!++;
  const count = (state: number): number => counts[state] as number;
  const reserved = count(BUFFER_RESERVED);
  const capacity = memory.buffers - reserved;
  const available = count(BUFFER_FREE);
  const given = count(BUFFER_KERNEL);
  const orphaned = count(BUFFER_ORPHAN);
  const detached = count(BUFFER_DETACHED);
  const inUse = capacity - available - detached;
  const acquires = owners.sum('acquires');
  const failures = owners.sum('failures');
  const misses = owners.sum('misses');
  const utilisation = capacity === 0 ? 0 : (capacity - available) / capacity;
  return {
    capacity,
    available,
    inUse,
    leased: inUse - given - orphaned,
    given,
    orphaned,
    detached,
    reserved,
    acquires,
    failures,
    hits: Math.max(0, acquires - misses), // each of its own moment
    misses,
    refills: owners.sum('refills'),
    spills: owners.sum('spills'),
    steals: owners.sum('steals'),
    successRate: acquires + failures === 0 ? 1 : acquires / (acquires + failures),
    utilisation,
    underPressure: (capacity - available) * 1000 > capacity * memory.highPermille,
    pressureEpisodes: (Atomics.load(memory.arena.i32, memory.pressureWord) + 1) >>> 1,
    waiters: Atomics.load(memory.arena.i32, memory.waitersWord),
    bytes: memory.buffers * memory.strideBytes,
  };
}
