// What each thread of the cases of contention does: leases a buffer, writes its first byte, returns it.
import { BufferPool, NO_LEASE, type BufferPoolHandle } from '@corelane/buffer-pool';
import { Arena } from '@corelane/shared-memory';

export interface PoolWork {
  readonly handle: BufferPoolHandle;
  readonly owner: number;
}

export function createContender({ handle, owner }: PoolWork): (operations: number) => number {
  const pool = BufferPool.attach(handle, Arena.attach(handle.arena), { owner });
  return (operations) => {
    let successful = 0;
    while (successful < operations) {
      const token = pool.tryAcquireFast();
      if (token === NO_LEASE) continue; // the others have them all in hand for a moment
      pool.bytesOf(token)[0] = successful;
      pool.release(token);
      successful++;
    }
    return successful;
  };
}
