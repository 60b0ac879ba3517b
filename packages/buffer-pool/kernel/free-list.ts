// Free buffers: a list that all share, and one for each owner, its cache. PROTOCOL.md, section 4.
//
// Every list is a linked stack of lock-free, over the same links: a free buffer is in one list, or in the hands of one thread. An owner
// takes from its cache, fills that from the shared list in batches, and returns batches where the cache is full. Where the shared list is
// empty it takes from the caches of others, so no buffer is out of reach because its keeper sleeps or has died.
//
// A thread is terminated at the entry of a function or the head of a loop, nowhere else. What a thread holds there is noted in its slot:
// a chain in `chain`, a buffer whose lease it ended in `returning`. There is neither between a pop and the note, or the lease.
//
// Tried and rejected: caches that only their owner touches. They are 10 ns faster, but a buffer in the cache of a thread that is busy
// elsewhere is lost to those who wait, or each cache needs a flag that its owner must look at in time.
import {
  compareExchange64,
  get,
  high,
  load,
  load64,
  low,
  set,
  store,
  sub,
} from '@corelane/shared-memory/kernel/atomics';
import { addTally } from '@corelane/shared-memory/kernel/tally';
import { popLinked, popLinkedChain, pushLinked } from '@corelane/lock-free/kernel/linked-stack';
import {
  BUFFER_POOL_ROOT_BUFFERS,
  BUFFER_POOL_ROOT_BYTES,
  BUFFER_POOL_ROOT_CACHE_BATCH,
  BUFFER_POOL_ROOT_CACHE_BUFFERS,
  BUFFER_POOL_ROOT_CAPACITY,
  BUFFER_POOL_ROOT_FREE,
  BUFFER_POOL_ROOT_OWNERS_SEEN,
  BUFFER_POOL_ROOT_RECORDS,
  BUFFER_POOL_ROOT_RESERVE,
  BUFFER_POOL_ROOT_WAITERS,
  BUFFER_RECORD_BYTES,
  BUFFER_RECORD_NEXT,
  BUFFER_RECORD_WORD,
  BUFFER_RESERVED,
  CHAIN_WORD_FIRST_MASK,
  CHAIN_WORD_LENGTH_SHIFT,
  NO_LEASE,
  OWNER_SLOT_BYTES,
  OWNER_SLOT_CACHE,
  OWNER_SLOT_CACHED,
  OWNER_SLOT_CHAIN,
  OWNER_SLOT_ENDS,
  OWNER_SLOT_REFILLS,
  OWNER_SLOT_RETURNING,
  OWNER_SLOT_SPILLS,
  STOLEN,
} from './layout.generated.ts';
import { noteEnd, notePressure } from './pressure.ts';
import { recordOf, slotOf } from './record.ts';
import { wakeWaiters } from './waiting.ts';

/** Byte address of the link of buffer 0. */
export function linksOf(pool: i32): i32 {
  return get(pool + BUFFER_POOL_ROOT_RECORDS) + BUFFER_RECORD_NEXT;
}

/** Before the pool is shared: the first `buffers` are free, 0 on top, and the others set aside. */
export function initializeFree(pool: i32, buffers: i32): void {
  const links = linksOf(pool);
  for (let index = (get(pool + BUFFER_POOL_ROOT_BUFFERS) - 1) | 0; index >= 0; index--) {
    const head = index < buffers ? pool + BUFFER_POOL_ROOT_FREE : pool + BUFFER_POOL_ROOT_RESERVE;
    if (index >= buffers)
      compareExchange64(recordOf(pool, index) + BUFFER_RECORD_WORD, 0, 0, BUFFER_RESERVED, 0);
    pushLinked(head, links, BUFFER_RECORD_BYTES, index, index);
  }
  store(pool + BUFFER_POOL_ROOT_CAPACITY, buffers);
}

/**
 * Takes a free buffer where the owner's cache has none.
 * @returns its index, which the caller holds, with STOLEN where it was in the cache of another; or NO_LEASE
 */
export function takeShared(pool: i32, owner: i32): i32 {
  const slot = slotOf(pool, owner);
  const links = linksOf(pool);
  if (get(pool + BUFFER_POOL_ROOT_CACHE_BUFFERS) == 0)
    return popLinked(pool + BUFFER_POOL_ROOT_FREE, links, BUFFER_RECORD_BYTES);
  set(slot + OWNER_SLOT_CACHED, 0);
  while (refill(pool, owner) != 0) {
    const index = popLinked(slot + OWNER_SLOT_CACHE, links, BUFFER_RECORD_BYTES);
    if (index != NO_LEASE) {
      set(slot + OWNER_SLOT_CACHED, (get(slot + OWNER_SLOT_CACHED) - 1) | 0);
      return index;
    } // all of it was stolen meanwhile: others got on
  }
  const first = pool + BUFFER_POOL_ROOT_BYTES;
  const end = first + load(pool + BUFFER_POOL_ROOT_OWNERS_SEEN) * OWNER_SLOT_BYTES;
  for (let other = slot + OWNER_SLOT_BYTES; other != slot; other += OWNER_SLOT_BYTES) {
    if (other >= end) other = first;
    if (other == slot) break;
    const index = popLinked(other + OWNER_SLOT_CACHE, links, BUFFER_RECORD_BYTES);
    if (index != NO_LEASE) return index | STOLEN;
  }
  return NO_LEASE;
}

/** Puts a buffer that the caller holds since the end of its lease into its cache, and wakes who waits for one. */
export function returnBuffer(pool: i32, index: i32, owner: i32): void {
  const slot = slotOf(pool, owner);
  const most = get(pool + BUFFER_POOL_ROOT_CACHE_BUFFERS);
  const head = most == 0 ? pool + BUFFER_POOL_ROOT_FREE : slot + OWNER_SLOT_CACHE;
  pushLinked(head, linksOf(pool), BUFFER_RECORD_BYTES, index, index); // publish: hands over the bytes; pairs with popLinked
  set(slot + OWNER_SLOT_RETURNING, 0);
  addTally(slot + OWNER_SLOT_ENDS, 1);
  wakeIfAwaited(pool);
  if (most != 0) {
    const cached = (get(slot + OWNER_SLOT_CACHED) + 1) | 0;
    set(slot + OWNER_SLOT_CACHED, cached);
    if (cached > most) spill(pool, owner);
    else {
      noteEnd(pool, slot);
      return;
    }
  }
  notePressure(pool, slot);
}

/** Sets a buffer aside that the caller holds since the end of its lease. */
export function reserveBuffer(pool: i32, index: i32, owner: i32): void {
  const slot = slotOf(pool, owner);
  pushLinked(pool + BUFFER_POOL_ROOT_RESERVE, linksOf(pool), BUFFER_RECORD_BYTES, index, index);
  set(slot + OWNER_SLOT_RETURNING, 0);
  addTally(slot + OWNER_SLOT_ENDS, 1);
  sub(pool + BUFFER_POOL_ROOT_CAPACITY, 1);
  notePressure(pool, slot);
}

/** A batch from the shared list to the cache. @returns how many; 0 where the shared list was empty */
function refill(pool: i32, owner: i32): i32 {
  const slot = slotOf(pool, owner);
  if (takeChain(pool, owner, pool + BUFFER_POOL_ROOT_FREE) == 0) return 0;
  const moved = placeChain(pool, owner, slot + OWNER_SLOT_CACHE);
  set(slot + OWNER_SLOT_CACHED, moved);
  addTally(slot + OWNER_SLOT_REFILLS, 1);
  return moved;
}

/** A batch from the cache to the shared list. */
function spill(pool: i32, owner: i32): void {
  const slot = slotOf(pool, owner);
  if (takeChain(pool, owner, slot + OWNER_SLOT_CACHE) == 0) {
    set(slot + OWNER_SLOT_CACHED, 0);
    return;
  }
  const moved = placeChain(pool, owner, pool + BUFFER_POOL_ROOT_FREE);
  set(slot + OWNER_SLOT_CACHED, (get(slot + OWNER_SLOT_CACHED) - moved) | 0);
  addTally(slot + OWNER_SLOT_SPILLS, 1);
}

/**
 * Returns to the shared list what is in the cache of an owner, and the chain that it had in hand when it ended.
 * @param dead an owner that has ended, whose slot may be another's by now, or the caller itself
 */
export function drainCache(pool: i32, dead: i32, owner: i32): void {
  const from = slotOf(pool, dead);
  load64(from + OWNER_SLOT_CHAIN);
  const chain = high();
  // claim: of several that reclaim one owner, one has the chain; and nobody that of who has the slot by now. The caller's own slot has
  // none in hand now. Pairs with noteChain.
  if (chain != 0 && low() == dead && compareExchange64(from + OWNER_SLOT_CHAIN, dead, chain, dead, 0) != 0) {
    noteChain(pool, owner, chain);
    placeChain(pool, owner, pool + BUFFER_POOL_ROOT_FREE);
  }
  // No more than a cache can hold: it may be in use by who has the slot by now, and that one goes on filling it.
  let left = (get(pool + BUFFER_POOL_ROOT_CACHE_BUFFERS) + 1) | 0;
  while (left > 0 && takeChain(pool, owner, from + OWNER_SLOT_CACHE) != 0)
    left = (left - placeChain(pool, owner, pool + BUFFER_POOL_ROOT_FREE)) | 0;
}

/** Pops a batch and notes it. @returns 0 where the list was empty */
export function takeChain(pool: i32, owner: i32, head: i32): i32 {
  const most = get(pool + BUFFER_POOL_ROOT_CACHE_BATCH);
  const capacity = get(pool + BUFFER_POOL_ROOT_BUFFERS);
  const top = popLinkedChain(head, linksOf(pool), BUFFER_RECORD_BYTES, capacity, most);
  if (top == NO_LEASE) return 0;
  noteChain(pool, owner, (top + 1) | (most << CHAIN_WORD_LENGTH_SHIFT));
  return 1;
}

/** Notes what the owner has in hand: `first` and `length` of a chain word, or 0, nothing any more. */
function noteChain(pool: i32, owner: i32, chain: i32): void {
  const at = slotOf(pool, owner) + OWNER_SLOT_CHAIN;
  load64(at);
  // Whoever reclaims an owner before writes what that one has noted, which is nothing by now: this CAS can only succeed. publish: pairs with the
  // claim in drainCache.
  compareExchange64(at, low(), high(), owner, chain);
}

/** `first` and `length` of what the owner has in hand. */
function chainOf(pool: i32, owner: i32): i32 {
  load64(slotOf(pool, owner) + OWNER_SLOT_CHAIN);
  return high();
}

/** Walks the chain in hand and notes how long it is. @returns its last index */
export function measureChain(pool: i32, owner: i32): i32 {
  const links = linksOf(pool);
  const chain = chainOf(pool, owner);
  const most = chain >>> CHAIN_WORD_LENGTH_SHIFT;
  const first = chain & CHAIN_WORD_FIRST_MASK;
  let last = (first - 1) | 0;
  let length = 1;
  while (length < most) {
    const below = load(links + last * BUFFER_RECORD_BYTES);
    if (below == 0) break;
    last = (below - 1) | 0;
    length = (length + 1) | 0;
  }
  noteChain(pool, owner, first | (length << CHAIN_WORD_LENGTH_SHIFT));
  return last;
}

/** Pushes the chain in hand. @returns how many */
export function placeChain(pool: i32, owner: i32, head: i32): i32 {
  // First its length: an attempt to push writes the last link, and the chain has no end of its own from there on.
  const last = measureChain(pool, owner);
  const chain = chainOf(pool, owner);
  const first = ((chain & CHAIN_WORD_FIRST_MASK) - 1) | 0;
  pushLinked(head, linksOf(pool), BUFFER_RECORD_BYTES, first, last);
  noteChain(pool, owner, 0);
  wakeIfAwaited(pool);
  return chain >>> CHAIN_WORD_LENGTH_SHIFT;
}

/** After a push: whoever announced itself before has either found the buffer or is woken. Pairs with announceWaiter. */
function wakeIfAwaited(pool: i32): void {
  if (load(pool + BUFFER_POOL_ROOT_WAITERS) != 0) wakeWaiters(pool);
}
