import type { Lease, BufferPool } from '@corelane/buffer-pool';
import { contention } from './buffer-pool/contention.ts';
import { placement } from './buffer-pool/placement.ts';
import { type BatchCase, type BatchGroup, BYTES_PER_OP, type Suite } from '../suite.ts';
import {
  allocation,
  awaited,
  checkPool,
  createPool,
  empty,
  freeList,
  generic,
  leases,
  given,
  sized,
  tarn,
  tokens,
} from './buffer-pool/cases.ts';
import { Held } from './state/held.ts';

const TOKENS = 'tryAcquireFast + release';
const LEASES = 'tryAcquire + release';
const AWAITED = 'await acquire + release';
const ALLOC = 'Buffer.alloc';
const UNSAFE = 'Buffer.allocUnsafeSlow';
const GENERIC = 'generic-pool';
const TARN = 'tarn';

const leasing: BatchGroup = {
  kind: 'batch',
  name: 'lease',
  title: 'A buffer of 4 KiB, its first byte written, and back',
  note: 'What is allocated is freed by the garbage collector, in the same batches.',
  cases: [
    tokens(TOKENS),
    leases(LEASES),
    allocation(ALLOC, (bytes) => Buffer.alloc(bytes), 'zeroed'),
    allocation(UNSAFE, (bytes) => Buffer.allocUnsafeSlow(bytes), 'not zeroed, not from the shared slab'),
    freeList('array of buffers'),
    empty,
  ],
  claims: [
    { of: ALLOC, against: TOKENS, atLeast: 10 },
    { of: UNSAFE, against: TOKENS, atLeast: 1 },
    { of: TOKENS, metric: BYTES_PER_OP, atMost: 0 },
  ],
};

const waiting: BatchGroup = {
  kind: 'batch',
  name: 'acquire',
  title: 'The same, awaited',
  cases: [awaited(AWAITED), leases(LEASES), tokens(TOKENS), generic(GENERIC), tarn(TARN), empty],
  claims: [
    { of: GENERIC, against: TOKENS, atLeast: 10 },
    { of: TARN, against: TOKENS, atLeast: 10 },
  ],
};

function access(name: string, role: 'ours' | 'limit', checked: boolean): BatchCase {
  const held = new Held<{ pool: BufferPool; lease: Lease; bytes: Uint8Array }>();
  return {
    name,
    role,
    setup() {
      const pool = createPool();
      const lease = pool.tryAcquire() as Lease;
      held.set({ pool, lease, bytes: lease.bytes });
    },
    batch(operations) {
      const { lease, bytes } = held.get();
      let successful = 0;
      if (checked)
        for (let operation = 0; operation < operations; operation++)
          successful += touch(lease.bytes, operation);
      else for (let operation = 0; operation < operations; operation++) successful += touch(bytes, operation);
      return successful;
    },
    check() {
      const { pool, lease } = held.get();
      lease.release();
      return checkPool(pool, 1);
    },
    teardown: () => held.take()?.pool[Symbol.dispose](),
  };
}

function touch(bytes: Uint8Array, value: number): number {
  bytes[value & 0xff] = value;
  return 1;
}

/** The check may cost 2 ns over the plain view, which takes 0.3 ns on the machine of the README. */
const ACCESS_NS = 2.3;

const accessing: BatchGroup = {
  kind: 'batch',
  name: 'access',
  title: 'One byte written through a lease, its generation checked, against a plain view',
  cases: [access('lease.bytes', 'ours', true), access('plain view', 'limit', false), empty],
  claims: [{ of: 'lease.bytes', atMost: ACCESS_NS }],
};

const kinds: BatchGroup = {
  kind: 'batch',
  name: 'kinds',
  title: 'The same buffer in other ways: given to the kernel, of a size, traced',
  cases: [
    tokens(TOKENS),
    given('with give + takeToken'),
    sized('SizeClassPool'),
    leases(LEASES),
    leases('leak detection: simple', { leakDetection: { level: 'simple' } }, 'one lease in 128 traced'),
    leases('leak detection: paranoid', { leakDetection: { level: 'paranoid', onLeak: () => {} } }),
    empty,
  ],
  claims: [
    { of: 'with give + takeToken', metric: BYTES_PER_OP, atMost: 0 },
    { of: 'SizeClassPool', metric: BYTES_PER_OP, atMost: 0 },
  ],
};

export const suite: Suite = {
  name: 'buffer-pool',
  title: 'Leases of buffer-pool against allocation and pools of one thread',
  groups: [leasing, waiting, accessing, kinds, contention, placement],
};
