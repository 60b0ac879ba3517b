// Leases buffers, writes its id over all of them and finds it there at the end of the lease, or reports what it found.
import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { BufferPool, NO_LEASE, type BufferPoolHandle, type Lease } from '../../src/index.ts';
import { arrive, yieldCore, type Station } from '../../../../tools/testing/crew.ts';

export interface HolderStation {
  readonly handle: BufferPoolHandle;
  /** Leases that it takes before it is done. */
  readonly leases: number;
  /** How: polls with tokens or with leases, gives each buffer to the kernel and completes or cancels, or waits. */
  readonly way: 'tokens' | 'leases' | 'operations' | 'waits';
  /** Number to lease under; its own where not given. */
  readonly owner?: number;
}

export interface HolderReport {
  readonly leases: number;
  readonly refused: number;
  readonly wrong: readonly string[];
}

const { handle, leases, way, owner, id, control } = workerData as HolderStation & Station;
const pool = BufferPool.attach(handle, Arena.attach(handle.arena), owner === undefined ? {} : { owner });
const mine = id + 1;
const wrong: string[] = [];
const count = { taken: 0, refused: 0 };

function use(bytes: Uint8Array): void {
  bytes.fill(mine);
  const found = bytes.find((byte) => byte !== mine);
  if (found !== undefined) wrong.push(`${mine} found ${found}`);
  count.taken++;
}

function refuse(): void {
  if (++count.refused % 16 === 0) yieldCore(control);
}

function withTokens(): void {
  const first = pool.tryAcquireFast();
  const second = pool.tryAcquireFast();
  for (const token of [first, second]) {
    if (token === NO_LEASE) refuse();
    else {
      use(pool.bytesOf(token));
      pool.release(token);
    }
  }
}

function withLeases(): void {
  const held: Lease[] = [];
  for (let i = 0; i < 3; i++) {
    const lease = pool.tryAcquire();
    if (lease === undefined) refuse();
    else held.push(lease);
  }
  for (const lease of held) use(lease.bytes);
  for (const lease of held) lease.release();
}

let operations = 0;

/** Two at once: one is complete, the other cancelled and complete then. */
function withOperations(): void {
  const pair = [pool.tryAcquire(), pool.tryAcquire()];
  for (const [i, lease] of pair.entries()) {
    if (lease === undefined) {
      refuse();
      continue;
    }
    const { bytes } = lease;
    const operation = operations++;
    const token = lease.give(operation);
    if (i === 0) use(bytes); // as the kernel would
    else lease.cancel(operation);
    if (i === 0) {
      lease.take(operation);
      lease.release();
    } else {
      if (pool.takeToken(token, operation) !== NO_LEASE) wrong.push('an orphan was taken');
      count.taken++;
    }
  }
}

/** Two at once, of which one may be given up; each returns its buffer before it waits for anything else. */
async function waiting(round: number): Promise<void> {
  const controller = new AbortController();
  const uncertain = once(controller.signal);
  const certain = once();
  if (round % 2 === 0) controller.abort();
  await certain;
  if (round % 2 === 1) controller.abort();
  await uncertain;
}

async function once(signal?: AbortSignal): Promise<void> {
  try {
    const lease = await pool.acquire(signal === undefined ? {} : { signal });
    use(lease.bytes);
    lease.release();
  } catch (error) {
    if (error !== signal?.reason) throw error;
    count.refused++;
  }
}

arrive({ id, control });
for (let round = 0; count.taken < leases; round++) {
  if (wrong.length > 5) break;
  if (way === 'tokens') withTokens();
  else if (way === 'leases') withLeases();
  else if (way === 'operations') withOperations();
  else await waiting(round);
}
parentPort?.postMessage({ leases: count.taken, refused: count.refused, wrong } satisfies HolderReport);
