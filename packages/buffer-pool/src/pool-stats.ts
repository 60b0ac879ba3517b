import { leaseWord, BUFFER_DETACHED, BUFFER_LEASED } from './layout.ts';
import type { Owners } from './owners.ts';
import type { PoolMemory } from './pool-memory.ts';

/** Above this share of buffers in use the pool is under pressure. */
const PRESSURE = 0.8;

export interface BufferPoolStats {
  /** Buffers: available + leased + detached, always. */
  readonly capacity: number;
  readonly available: number;
  readonly leased: number;
  readonly detached: number;
  /** Leases taken, by all threads. */
  readonly acquires: number;
  /** Attempts that got none, by all threads: `tryAcquire` on an empty pool, and waits that timed out or were aborted. */
  readonly failures: number;
  /** acquires / (acquires + failures); 1 before the first attempt. */
  readonly successRate: number;
  /** Share of the buffers that are not available, 0 to 1. */
  readonly utilisation: number;
  /** Utilisation above 0.8. */
  readonly underPressure: boolean;
  /** Threads on which somebody waits for a buffer. */
  readonly waiters: number;
  /** Memory of the buffers with the padding between them. */
  readonly bytes: number;
}

/** Looks at every buffer and owner: exact while nobody acquires or releases, else each figure is of a moment of its own. */
export function readStats(memory: PoolMemory, owners: Owners): BufferPoolStats {
  const { shift, mask } = leaseWord.field.state;
  let leased = 0;
  let detached = 0;
  for (let index = 0; index < memory.buffers; index++) {
    const state = (memory.kernel.leaseHolder(memory.at, index) >>> shift) & mask;
    if (state === BUFFER_LEASED) leased++;
    if (state === BUFFER_DETACHED) detached++;
  }
  const capacity = memory.buffers;
  const available = capacity - leased - detached;
  const acquires = owners.sum('acquires');
  const failures = owners.sum('failures');
  const utilisation = (capacity - available) / capacity;
  return {
    capacity,
    available,
    leased,
    detached,
    acquires,
    failures,
    successRate: acquires + failures === 0 ? 1 : acquires / (acquires + failures),
    utilisation,
    underPressure: utilisation > PRESSURE,
    waiters: Atomics.load(memory.arena.i32, memory.waitersWord),
    bytes: capacity * memory.strideBytes,
  };
}
