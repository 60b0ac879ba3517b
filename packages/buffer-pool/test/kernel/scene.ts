// A pool of one or two buffers on the twin, for the model suites: where its words lie, threads, and what must hold at the end.
import { peek, poke, type Scenario } from '@corelane/interleave';
import * as stack from '@corelane/lock-free/kernel/index-stack';
import type * as kernel from '../../kernel/index.ts';
import {
  BUFFER_FREE,
  bufferPoolRoot,
  bufferRecord,
  LEASE_ENDED,
  leaseWord,
  NO_LEASE,
  ownerSlot,
} from '../../src/layout.ts';
import { park, readBytes, writeBytes } from './harness.ts';

export type Kernel = typeof kernel;

export const BUFFERS = 2;
export const OWNERS = 4;
/** Numbers of owners: slots 1 to 3, first epoch. */
export const [A, B, C] = [1 | (1 << 10), 2 | (1 << 10), 3 | (1 << 10)] as const;
export const POOL = 0;
export const RECORDS = POOL + bufferPoolRoot.bytes + OWNERS * ownerSlot.bytes;
export const STACK = RECORDS + BUFFERS * bufferRecord.bytes;
/** Layout of the stack's root: the head is on its second line, the links follow it. */
export const HEAD = STACK + 128;
export const LINKS = STACK + 256;
/** A word of bytes for each buffer. */
export const BYTES_AT = LINKS + 4 * BUFFERS;
export const FLAG = BYTES_AT + 4 * BUFFERS;
export const SEQUENCE = POOL + bufferPoolRoot.offset.sequence;
export const WAITERS = POOL + bufferPoolRoot.offset.waiters;
export const word = (index: number): number =>
  RECORDS + index * bufferRecord.bytes + bufferRecord.offset.word;
export const NAMES = {
  [WAITERS]: 'waiters',
  [SEQUENCE]: 'sequence',
  [HEAD]: 'head',
  [FLAG]: 'ended',
  ...Object.fromEntries([0, 1].map((i) => [word(i), `lease${i}`])),
  ...Object.fromEntries([0, 1].map((i) => [LINKS + 4 * i, `next${i}`])),
  ...Object.fromEntries([0, 1].map((i) => [BYTES_AT + 4 * i, `bytes${i}`])),
  ...Object.fromEntries(
    [1, 2, 3].map((s) => [POOL + bufferPoolRoot.bytes + s * ownerSlot.bytes + 4, `returning${s}`]),
  ),
};

export function setUp(k: Kernel, leased: readonly number[], buffers = BUFFERS): void {
  poke(POOL + bufferPoolRoot.offset.records, RECORDS);
  poke(POOL + bufferPoolRoot.offset.stack, STACK);
  poke(POOL + bufferPoolRoot.offset.indexBits, 1);
  stack.initializeStack(STACK, buffers, 1);
  for (const owner of leased) k.acquireLease(POOL, owner);
}

/** Every free buffer lies in the free list once, and no other does. */
export function balanced(buffers = BUFFERS): string | undefined {
  const inside: number[] = [];
  for (let at = peek(HEAD); at !== 0 && inside.length <= buffers; at = peek(LINKS + 4 * (at - 1)))
    inside.push(at - 1);
  const free = Array.from({ length: buffers }, (_, i) => i).filter(
    (i) => (peek(word(i)) & leaseWord.field.state.mask) === BUFFER_FREE,
  );
  return inside.toSorted((a, b) => a - b).join() === free.join()
    ? undefined
    : `free ${free.join()}, in the free list ${inside.join()}`;
}

export const stateOf = (index: number): number => peek(word(index)) & leaseWord.field.state.mask;
export const ownerOf = (index: number): number => peek(word(index)) >>> leaseWord.field.owner.shift;

export interface Plot {
  readonly name: string;
  readonly threads: (k: Kernel) => Scenario['threads'];
  /** Owners that lease buffers 0, 1 at the start. */
  readonly leased?: readonly number[];
  /** What happened after that, before the threads. */
  readonly prepare?: (k: Kernel) => void;
  readonly buffers?: number;
  readonly check?: (results: readonly any[]) => string | undefined;
}

export const scenario =
  ({ name, threads, leased = [], prepare, buffers = BUFFERS, check = () => undefined }: Plot) =>
  (k: Kernel): Scenario => ({
    name,
    bytes: (FLAG + 8) & ~7,
    names: NAMES,
    setup: () => {
      setUp(k, leased, buffers);
      prepare?.(k);
    },
    threads: threads(k),
    check: (results) => check(results) ?? balanced(buffers),
  });

/** Leases, uses the bytes as its own, releases. @returns what was wrong */
export const user = (k: Kernel, owner: number) => (): string | undefined => {
  const token = k.acquireLease(POOL, owner);
  if (token === NO_LEASE) return undefined;
  if (token < 0) return `acquire said ${token}`;
  const at = BYTES_AT + 4 * (token & 1);
  const found = readBytes(at);
  if (found !== 0) return `${owner} found the bytes of ${found}`;
  writeBytes(at, owner);
  const own = readBytes(at);
  writeBytes(at, 0);
  const outcome = k.releaseLease(POOL, token & 1, token >> 1, 0x3fffffff, owner);
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
    const token = k.acquireLease(POOL, owner);
    if (token !== NO_LEASE) {
      k.retireWaiter(POOL, owner);
      const outcome = k.releaseLease(POOL, token & 1, token >> 1, 0x3fffffff, owner);
      return outcome === LEASE_ENDED ? undefined : `release said ${outcome}`;
    }
    park(SEQUENCE, seen);
  }
};
