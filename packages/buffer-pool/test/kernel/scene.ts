// A pool of one or two buffers on the twin, for the model suites: where its words lie, threads, and what must hold at the end.
import { peek, poke, type Scenario } from '@corelane/interleave';
import type * as kernel from './all.ts';
import {
  BUFFER_FREE,
  BUFFER_RESERVED,
  bufferPoolRoot,
  bufferRecord,
  FROM_FREE,
  LEASE_ENDED,
  leaseWord,
  NO_LEASE,
  ownerSlot,
  ownerWord,
  pinnedBufferRoot,
} from '../../src/layout.ts';
import { park, readBytes, writeBytes } from './harness.ts';

export type Kernel = typeof kernel;

export const BUFFERS = 3;
const INDICES = [0, 1, 2];
export const OWNERS = 4;
/** Numbers of owners: slots 1 to 3, first epoch. */
export const [A, B, C] = [1 | (1 << 10), 2 | (1 << 10), 3 | (1 << 10)] as const;
export const POOL = 0;
export const RECORDS = POOL + bufferPoolRoot.bytes + OWNERS * ownerSlot.bytes;
export const LINK = (index: number): number =>
  RECORDS + index * bufferRecord.bytes + bufferRecord.offset.next;
export const FREE = POOL + bufferPoolRoot.offset.free;
export const SLOT = (owner: number): number =>
  POOL + bufferPoolRoot.bytes + (owner & ownerWord.field.slot.mask) * ownerSlot.bytes;
/** A word of bytes for each buffer. */
export const BYTES_AT = RECORDS + BUFFERS * bufferRecord.bytes;
export const FLAG = BYTES_AT + 4 * BUFFERS;
/** A pinned buffer beside the pool. */
export const PINNED = (FLAG + 8 + 127) & ~127;
export const SEQUENCE = POOL + bufferPoolRoot.offset.sequence;
export const WAITERS = POOL + bufferPoolRoot.offset.waiters;
export const word = (index: number): number =>
  RECORDS + index * bufferRecord.bytes + bufferRecord.offset.word;
export const NAMES = {
  [WAITERS]: 'waiters',
  [SEQUENCE]: 'sequence',
  [FREE]: 'free',
  [FLAG]: 'ended',
  ...Object.fromEntries(INDICES.map((i) => [word(i), `lease${i}`])),
  ...Object.fromEntries(INDICES.map((i) => [LINK(i), `next${i}`])),
  ...Object.fromEntries(INDICES.map((i) => [BYTES_AT + 4 * i, `bytes${i}`])),
  ...Object.fromEntries(
    [1, 2, 3].flatMap((s) =>
      (['returning', 'cached', 'cache', 'chain', 'looked'] as const).map((name) => [
        SLOT(s) + ownerSlot.offset[name],
        `${name}${s}`,
      ]),
    ),
  ),
};

export function setUp(
  k: Kernel,
  { leased = [], buffers = 2, reserved = 0, cacheBuffers = 0, batch = 1, watermarks = [1000, 0] }: Plot,
): void {
  const { offset } = bufferPoolRoot;
  poke(POOL + offset.records, RECORDS);
  poke(POOL + offset.buffers, buffers + reserved);
  poke(POOL + offset.highPermille, watermarks[0]);
  poke(POOL + offset.lowPermille, watermarks[1]);
  poke(POOL + offset.indexBits, 2);
  poke(POOL + offset.tokenMask, 0x7fffffff);
  poke(POOL + offset.ownersSeen, OWNERS);
  k.initializePinned(PINNED);
  k.initializeFree(POOL, buffers);
  for (const owner of leased) k.acquireLease(POOL, owner, FROM_FREE);
  poke(POOL + offset.cacheBuffers, cacheBuffers);
  poke(POOL + offset.cacheBatch, batch);
}

/** Indices in a list, from the top; more than there are where it is a cycle. */
function listed(head: number): number[] {
  const inside: number[] = [];
  for (let at = peek(head); at !== 0 && inside.length <= BUFFERS; at = peek(LINK(at - 1)))
    inside.push(at - 1);
  return inside;
}

/** Every free buffer is in one list, the shared one or a cache, what is set aside in the reserve, and no other in any. */
export function balanced({ buffers = 2, reserved = 0 }: Plot): string | undefined {
  const caches = [1, 2, 3].map((slot) => SLOT(slot) + ownerSlot.offset.cache);
  const all = INDICES.slice(0, buffers + reserved);
  const account = (state: number, heads: readonly number[]): string | undefined => {
    const inside = heads.flatMap(listed).toSorted((a, b) => a - b);
    const expected = all.filter((i) => stateOf(i) === state);
    return inside.join() === expected.join()
      ? undefined
      : `in state ${state}: ${expected.join()}, in lists ${inside.join()}`;
  };
  const capacity = all.filter((i) => stateOf(i) !== BUFFER_RESERVED).length;
  const found = peek(POOL + bufferPoolRoot.offset.capacity);
  return (
    account(BUFFER_FREE, [FREE, ...caches]) ??
    account(BUFFER_RESERVED, [POOL + bufferPoolRoot.offset.reserve]) ??
    (found === capacity ? undefined : `capacity ${found}, ${capacity} are not set aside`)
  );
}

export const stateOf = (index: number): number => peek(word(index)) & leaseWord.field.state.mask;
export const ownerOf = (index: number): number => peek(word(index)) >>> leaseWord.field.owner.shift;

export interface Plot {
  readonly name: string;
  /** So many states that mutants are not run through it. */
  readonly large?: true;
  readonly threads: (k: Kernel) => Scenario['threads'];
  /** Owners that lease buffers 0, 1 at the start. */
  readonly leased?: readonly number[];
  /** What happened after that, before the threads. */
  readonly prepare?: (k: Kernel) => void;
  /** 2 where not given. */
  readonly buffers?: number;
  /** Beside these, set aside. */
  readonly reserved?: number;
  /** Of pressure, in thousandths; none where not given. */
  readonly watermarks?: readonly [high: number, low: number];
  /** Of an owner's cache, 0 where not given, and what moves at once. */
  readonly cacheBuffers?: number;
  readonly batch?: number;
  /** Words of 32 bits that are written and read at once, plainly: whatever is read there must do no harm. */
  readonly races?: readonly number[];
  readonly check?: (results: readonly any[]) => string | undefined;
}

export const scenario =
  (plot: Plot) =>
  (k: Kernel): Scenario => ({
    name: plot.name,
    bytes: PINNED + pinnedBufferRoot.bytes,
    names: NAMES,
    maxSteps: 300,
    // What owners count plainly and others add up, as the tallies of shared-memory are.
    allowRaces: [1, 2, 3]
      .flatMap((slot) => (['acquires', 'ends'] as const).map((name) => SLOT(slot) + ownerSlot.offset[name]))
      .concat(plot.races ?? [])
      .map((at) => ({ at, bytes: 4 })),
    setup: () => {
      setUp(k, plot);
      plot.prepare?.(k);
    },
    threads: plot.threads(k),
    check: (results) => plot.check?.(results) ?? balanced(plot),
  });

/** Leases, uses the bytes as its own, releases. @returns what was wrong */
export const user = (k: Kernel, owner: number) => (): string | undefined => {
  const token = k.acquireLease(POOL, owner, FROM_FREE);
  if (token === NO_LEASE) return undefined;
  if (token < 0) return `acquire said ${token}`;
  const index = token & 3;
  const at = BYTES_AT + 4 * index;
  const found = readBytes(at);
  if (found !== 0) return `${owner} found the bytes of ${found}`;
  writeBytes(at, owner);
  const own = readBytes(at);
  writeBytes(at, 0);
  const outcome = k.releaseLease(POOL, token & 3, token >> 2, 0x1fffffff, owner);
  if (outcome !== LEASE_ENDED) return `release said ${outcome}`;
  return own === owner ? undefined : `${owner} read ${own}`;
};

/** As BufferPool.reclaim does for one buffer. */
export const reclaim = (k: Kernel, index: number, dead: number, owner: number) => (): number => {
  const outcome = k.reclaimLease(POOL, index, dead, owner);
  if (outcome === LEASE_ENDED) k.returnBuffer(POOL, index, owner);
  return outcome;
};
export const release = (k: Kernel, generation: number, owner: number) => (): number =>
  k.releaseLease(POOL, 0, generation, -1, owner);
export const adopt = (k: Kernel, generation: number, owner: number) => (): number =>
  k.adoptLease(POOL, 0, generation, -1, owner);

export const wrong = (results: readonly unknown[]): string | undefined =>
  results.find((result): result is string => typeof result === 'string');

export const oneOf =
  (...good: readonly number[]) =>
  (results: readonly number[]): string | undefined =>
    results.filter((result) => good.includes(result)).length === 1 ? undefined : `outcomes ${results.join()}`;

/** Waits for a buffer as WaitingLine does, and releases it. */
export const waiter = (k: Kernel, owner: number) => (): string | undefined => {
  k.announceWaiter(POOL, owner);
  for (;;) {
    const seen = k.waiterSequence(POOL);
    const token = k.acquireLease(POOL, owner, FROM_FREE);
    if (token !== NO_LEASE) {
      k.retireWaiter(POOL, owner);
      const outcome = k.releaseLease(POOL, token & 3, token >> 2, 0x1fffffff, owner);
      return outcome === LEASE_ENDED ? undefined : `release said ${outcome}`;
    }
    park(SEQUENCE, seen);
  }
};
