// Waits on several pools at once, for whichever has a buffer first.
import type { BufferPool } from './buffer-pool.ts';
import { AcquireTimeoutError } from './errors.ts';
import type { Lease } from './lease.ts';
import { checkOptions, SERVED, type AcquireOptions } from './waiting-line.ts';

/** Rejects with `signal.reason`, AcquireTimeoutError, PoolDisposedError; no lease is kept then. */
export function firstLease(pools: readonly BufferPool[], options: AcquireOptions): Promise<Lease> {
  const [only] = pools;
  if (only !== undefined && pools.length === 1) return only.acquire(options);
  const { signal, timeoutMs } = options;
  checkOptions(options);
  return new Promise((resolve, reject) => {
    const others = new AbortController();
    let settled = false;
    const settle = (reason: unknown): boolean => {
      if (settled) return false;
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      others.abort(reason);
      return true;
    };
    const fail = (reason: unknown): void => {
      if (settle(reason)) reject(reason);
    };
    const onAbort = (): void => fail((signal as AbortSignal).reason);
    const capacity = pools.reduce((sum, pool) => sum + pool.capacity, 0);
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => fail(new AcquireTimeoutError(timeoutMs, capacity)), timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    const wait = async (pool: BufferPool): Promise<void> => {
      const lease = await pool.acquire({ signal: others.signal });
      if (settle(SERVED)) resolve(lease);
      else lease.release(); // two at once: the second is not wanted
    };
    for (const pool of pools) wait(pool).catch(fail);
  });
}
