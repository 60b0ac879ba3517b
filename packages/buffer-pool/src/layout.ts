// The only place with offsets in this package, and with the numbers that JavaScript and kernels share.
import { atomic, bits, guarded, immutable, ownerOnly, root, struct, tally } from '@corelane/shared-memory';

/** States of a buffer. Leased: the user's, who may read and write it. */
export const BUFFER_FREE = 0;
export const BUFFER_LEASED = 1;
/** Given to the kernel for an operation: nobody reads or writes it here until that is complete. */
export const BUFFER_KERNEL = 2;
/** The kernel's as well, but nobody wants it any more: it returns to the pool once its operation is complete. */
export const BUFFER_ORPHAN = 3;
export const BUFFER_DETACHED = 4;
/** Set aside: no part of the pool until it grows. */
export const BUFFER_RESERVED = 5;

/** Where `acquireLease` takes a buffer from: what is free; the same and then the reserve; the reserve alone. */
export const FROM_FREE = 0;
export const FROM_ALL = 1;
export const FROM_RESERVE = 2;

/** `acquireLease`: no buffer is free. Never a token. */
export const NO_LEASE = -1;
/** `acquireLease`: the free list holds a buffer that is not free: somebody wrote where only kernels write. Never a token. */
export const LEASE_BROKEN = -2;

/** Beside an index: the buffer was in the cache of another owner. Above every index. */
export const STOLEN = 0x40000000;

/** Outcomes of the transitions of a lease. */
export const LEASE_STALE = 0;
export const LEASE_ENDED = 1;
export const LEASE_FOREIGN = 2;
export const LEASE_ADOPTED = 3;
export const LEASE_VALID = 4;
export const LEASE_GIVEN = 5;
export const LEASE_TAKEN = 6;
export const LEASE_ORPHANED = 7;
/** The buffer is the kernel's, for another operation than the one named. */
export const LEASE_MISMATCHED = 8;

/** What a buffer is, in one word: every transition is one CAS. Free: `owner` is who returned it last. */
export const leaseWord = bits('buffer-pool/lease', 64, { state: 3, owner: 29, generation: 32 });

/** Words from a lease word to its generation, for the plain look of `lease.bytes`: the high half. PROTOCOL.md, section 1. */
export const GENERATION_HALF = 1;

/** What the kernel has a buffer for: the caller's number of the operation, and the generation of the lease word while it has it. */
export const operationWord = bits('buffer-pool/operation', 64, { operation: 32, generation: 32 });

/** Who leases: a slot of the table of owners, and how often the slot was given out. `live` only in the slot's own word. */
export const ownerWord = bits('buffer-pool/owner', 32, { slot: 10, epoch: 19, live: 1, unused: 2 });

/**
 * What an owner has in hand: whose it is, since a slot is given out again; index + 1 of the first of a chain, or 0; and how many: at most, up to
 * the end of the list, before the chain was walked. In one word, so that who claims it has all of it.
 */
export const chainWord = bits('buffer-pool/chain', 64, { owner: 32, first: 22, length: 10 });

/** An owner looks for pressure where its own count has moved by more than this part of the buffers for each owner. */
export const LOOK_SHARE = 16;

/** Followed by `owners` slots and `buffers` records. */
export const bufferPoolRoot = root('buffer-pool/pool', 3, {
  buffers: immutable('i32', { doc: 'buffers that there are, with the reserve' }),
  bufferBytes: immutable('i32', { doc: 'bytes of each' }),
  strideBytes: immutable('i32', { doc: 'bytes from one buffer to the next: a multiple of alignBytes' }),
  alignBytes: immutable('i32', { doc: 'alignment of each: a power of two' }),
  data: immutable('i32', { doc: 'byte address of buffer 0' }),
  cacheBuffers: immutable('i32', { doc: 'buffers that an owner may keep in its cache; 0 for no caches' }),
  cacheBatch: immutable('i32', {
    doc: 'buffers that move at once between a cache and the shared list, at least 1',
  }),
  owners: immutable('i32', { doc: 'slots of owners' }),
  records: immutable('i32', { doc: 'byte address of record 0' }),
  indexBits: immutable('i32', {
    doc: 'low bits of a token that are the index',
  }),
  tokenMask: immutable('i32', {
    doc: 'low bits of a token that are index and generation: all 31, or fewer in a pool that is one of several classes',
  }),
  tokenBase: immutable('i32', {
    doc: 'the bits above, the same in every token of this pool: which class it is',
  }),
  fill: immutable('i32', { doc: 'byte that a buffer is filled with when it is returned, -1 for none' }),
  growth: immutable('i32', { doc: 'FROM_ALL where the pool grows when none is free, else FROM_FREE' }),
  highPermille: immutable('i32', {
    doc: 'pressure begins above this share of buffers that are not available',
  }),
  lowPermille: immutable('i32', { doc: 'and ends where it is no more than this' }),
  pinned: immutable('i32', { doc: '1 where the pinner of the creator pinned the bytes' }),
  free: atomic('i64', {
    line: true,
    hot: 'free',
    doc: 'head of the shared list of free buffers, as of a linked stack of lock-free',
    writer: 'whoever takes or returns a batch',
    reader: 'the same',
  }),
  reserve: atomic('i64', {
    line: true,
    hot: 'reserve',
    doc: 'head of the list of buffers that are set aside',
    writer: 'whoever grows or shrinks the pool',
    reader: 'the same',
  }),
  capacity: atomic('i32', {
    doc: 'buffers that are not set aside',
    writer: 'whoever grows or shrinks the pool',
    reader: 'any thread',
  }),
  pressure: atomic('i32', {
    doc: 'how often pressure began or ended: odd while there is pressure. What listeners park on',
    writer: 'whoever went to the shared list and found that it begins or ends',
    reader: 'the same; listeners',
  }),
  waiters: atomic('i32', {
    line: true,
    hot: 'waiting',
    doc: 'threads on which somebody waits for a buffer; where it is 0, a release wakes nobody',
    writer: 'any thread that waits',
    reader: 'whoever returns a buffer',
  }),
  ownersSeen: atomic('i32', {
    doc: 'slots of owners that were ever used: where caches may be',
    writer: 'whoever registers',
    reader: 'whoever finds the shared list empty',
  }),
  sequence: atomic('i32', {
    doc: 'what waiting threads park on; runs freely. Publishes that a buffer was returned',
    writer: 'whoever returns a buffer while somebody waits',
    reader: 'any thread that waits',
  }),
});

/** One for each owner, on a line of its own. */
export const ownerSlot = struct(
  'buffer-pool/owner-slot',
  2,
  {
    word: atomic('i32', {
      doc: 'ownerWord: who has the slot, or had it last',
      writer: 'whoever registers or reclaims',
      reader: 'any thread',
    }),
    returning: ownerOnly('i32', {
      doc: 'index + 1 of the buffer that the owner has ended its lease of and not yet pushed, or 0',
      reader: 'whoever reclaims, once the owner has ended',
    }),
    waiting: ownerOnly('i32', {
      doc: '1 while the owner is counted in `waiters`',
      reader: 'whoever reclaims, once the owner has ended',
    }),
    cached: ownerOnly('i32', {
      doc: 'buffers in the cache, or more: those that were stolen count until the owner finds it empty',
      reader: 'the owner',
    }),
    cache: atomic('i64', {
      doc: 'head of the list of free buffers that the owner keeps',
      writer: 'the owner; whoever steals from it or reclaims',
      reader: 'the same',
    }),
    chain: atomic('i64', {
      doc: 'chainWord: a chain of free buffers that is on its way between two lists',
      writer: 'the owner; whoever reclaims, once the owner has ended',
      reader: 'whoever reclaims',
    }),
    looked: atomic('i32', {
      doc: 'acquires less ends, low words, when the owner looked for pressure last',
      writer: 'the owner',
      reader: 'the owner: writing it is the fence before it looks at the counts of others',
    }),
    acquiresAt: ownerOnly('i32', {
      doc: 'low word of acquires from which the owner asks whether it must look: before, it can not have moved far enough',
      reader: 'the owner',
    }),
    endsAt: ownerOnly('i32', { doc: 'the same of ends', reader: 'the owner' }),
    acquires: ownerOnly(tally.bytes, { doc: 'a tally: leases taken, over all owners of the slot' }),
    ends: ownerOnly(tally.bytes, {
      doc: 'a tally: buffers made available again, over all owners of the slot; its low word less that of acquires, over all slots, is how many are not available',
      reader: 'whoever looks for pressure; early or late by what is being written',
    }),
    failures: ownerOnly(tally.bytes, { doc: 'a tally: attempts that got none, over all owners of the slot' }),
    misses: ownerOnly(tally.bytes, {
      doc: 'a tally: leases of a buffer that was not in the cache of the owner',
    }),
    refills: ownerOnly(tally.bytes, { doc: 'a tally: batches taken from the shared list' }),
    spills: ownerOnly(tally.bytes, { doc: 'a tally: batches returned to the shared list' }),
    steals: ownerOnly(tally.bytes, {
      doc: 'a tally: leases of a buffer that was in the cache of another owner',
    }),
  },
  { alignBytes: 128 },
);

/** One for each buffer, on a line of its own. */
export const bufferRecord = struct(
  'buffer-pool/buffer-record',
  2,
  {
    word: atomic('i64', {
      hot: 'lease',
      doc: 'leaseWord. Publishes the bytes of the buffer with every transition',
      writer: 'the owner of the lease; whoever adopts or reclaims it',
      reader: 'any thread',
    }),
    operation: atomic('i64', {
      hot: 'lease',
      doc: 'operationWord. Says something while its generation is that of `word`, whose state is then kernel or orphan',
      writer: 'whoever has just given the buffer',
      reader: 'whoever completes or cancels the operation',
    }),
    next: atomic('i32', {
      doc: 'link of the list of free buffers that the buffer is in',
      writer: 'whoever holds the buffer: between pop and push',
      reader: 'whoever pops, maybe late',
    }),
    lengthBytes: guarded('the lease', 'i32', { doc: 'bytes that hold something, as the owner says' }),
  },
  { alignBytes: 128 },
);

/** A single buffer outside any pool. */
export const pinnedBufferRoot = root('buffer-pool/pinned-buffer', 2, {
  capacity: immutable('i32', { doc: 'bytes' }),
  alignBytes: immutable('i32', { doc: 'alignment: a power of two' }),
  data: immutable('i32', { doc: 'byte address of the first byte' }),
  word: atomic('i64', {
    line: true,
    hot: 'lease',
    doc: 'leaseWord, of no owner. Publishes the bytes with every hand-over',
    writer: 'whoever has its generation',
    reader: 'any thread',
  }),
  operation: atomic('i64', {
    hot: 'lease',
    doc: 'operationWord, as of a buffer of a pool',
    writer: 'whoever has just given the buffer',
    reader: 'whoever completes or cancels the operation',
  }),
});

/** Pools of several sizes, followed by `classes` elements, the smallest buffers first. */
export const sizeClassRoot = root('buffer-pool/size-classes', 1, {
  classes: immutable('i32', { doc: 'how many' }),
  overflowClasses: immutable('i32', { doc: 'larger classes that a request may be served from, at most' }),
});

/** One for each class. */
export const sizeClass = struct(
  'buffer-pool/size-class',
  1,
  {
    pool: immutable('i32', { doc: 'byte address of the root of its pool' }),
    overflows: atomic('i32', {
      hot: 'overflows',
      doc: 'requests for this class that a larger one served, modulo 2^32',
      writer: 'whoever got one there',
      reader: 'any thread',
    }),
  },
  { alignBytes: 128 },
);
