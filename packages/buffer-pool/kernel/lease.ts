// Leases of buffers: the state word of each buffer and the free list. The protocol is in PROTOCOL.md.
//
// `pool` is the byte address of the root, `owner` a registered owner, `index` a buffer. A lease is named by its generation; `mask`
// says which bits of it the caller knows: all of them (-1), or those that a token has room for.
//
// A thread can only be terminated where V8 looks: at the entry of a function and at the head of a loop. So no buffer is lost if
// there is neither between two steps that belong together; where there is one, `returning` says which buffer is on its way.
//
// Tried and rejected: the state in a 32-bit word beside an owner word. Two words are two steps, and reclaiming would have to
// tell apart what happened between them.
import { add, compareExchange64, get, high, load64, low, set } from '@corelane/shared-memory/kernel/atomics';
import { addTally } from '@corelane/shared-memory/kernel/tally';
import { popLinked } from '@corelane/lock-free/kernel/linked-stack';
import { linksOf, reserveBuffer, returnBuffer, takeShared } from './free-list.ts';
import {
  BUFFER_DETACHED,
  BUFFER_FREE,
  BUFFER_LEASED,
  BUFFER_POOL_ROOT_CAPACITY,
  BUFFER_POOL_ROOT_INDEX_BITS,
  BUFFER_POOL_ROOT_RESERVE,
  BUFFER_POOL_ROOT_TOKEN_BASE,
  BUFFER_POOL_ROOT_TOKEN_MASK,
  BUFFER_RECORD_BYTES,
  BUFFER_RECORD_LENGTH_BYTES,
  BUFFER_RECORD_WORD,
  BUFFER_RESERVED,
  FROM_FREE,
  FROM_RESERVE,
  LEASE_ADOPTED,
  LEASE_BROKEN,
  LEASE_ENDED,
  LEASE_FOREIGN,
  LEASE_STALE,
  LEASE_VALID,
  NO_LEASE,
  OWNER_SLOT_ACQUIRES,
  OWNER_SLOT_CACHE,
  OWNER_SLOT_CACHED,
  OWNER_SLOT_MISSES,
  OWNER_SLOT_RETURNING,
  OWNER_SLOT_STEALS,
  STOLEN,
} from './layout.generated.ts';
import { noteAcquire, notePressure } from './pressure.ts';
import { held, recordOf, slotOf, stateOf } from './record.ts';

/**
 * Takes a buffer.
 * @param source FROM_FREE, FROM_ALL or FROM_RESERVE
 * @returns its token, NO_LEASE or LEASE_BROKEN
 */
export function acquireLease(pool: i32, owner: i32, source: i32): i32 {
  const slot = slotOf(pool, owner);
  const links = linksOf(pool);
  let found = NO_LEASE;
  let missed = 0;
  if (source != FROM_RESERVE) {
    found = popLinked(slot + OWNER_SLOT_CACHE, links, BUFFER_RECORD_BYTES);
    if (found != NO_LEASE) {
      set(slot + OWNER_SLOT_CACHED, (get(slot + OWNER_SLOT_CACHED) - 1) | 0);
    } else {
      missed = 1;
      found = takeShared(pool, owner);
    }
  }
  let expected = BUFFER_FREE;
  if (found == NO_LEASE && source != FROM_FREE) {
    expected = BUFFER_RESERVED;
    found = popLinked(pool + BUFFER_POOL_ROOT_RESERVE, links, BUFFER_RECORD_BYTES);
  }
  if (found == NO_LEASE) {
    notePressure(pool, slot);
    return NO_LEASE;
  }
  const index = found & ~STOLEN;
  const record = recordOf(pool, index);
  load64(record + BUFFER_RECORD_WORD);
  const holder = low();
  const generation = high();
  if (stateOf(holder) != expected) return LEASE_BROKEN;
  // Nobody else writes the word of a free buffer that is in no list, so this CAS can only succeed.
  // publish: pairs with observe in endLease, adoptLease and reclaimLease.
  const leased = held(BUFFER_LEASED, owner);
  if (compareExchange64(record + BUFFER_RECORD_WORD, holder, generation, leased, generation) == 0)
    return LEASE_BROKEN;
  if (expected == BUFFER_RESERVED) add(pool + BUFFER_POOL_ROOT_CAPACITY, 1);
  set(record + BUFFER_RECORD_LENGTH_BYTES, 0);
  addTally(slot + OWNER_SLOT_ACQUIRES, 1);
  if (missed != 0) addTally(slot + OWNER_SLOT_MISSES, 1);
  if (found != index) addTally(slot + OWNER_SLOT_STEALS, 1);
  if (missed != 0) notePressure(pool, slot);
  else noteAcquire(pool, slot);
  const varying = (generation << get(pool + BUFFER_POOL_ROOT_INDEX_BITS)) | index;
  return (varying & get(pool + BUFFER_POOL_ROOT_TOKEN_MASK)) | get(pool + BUFFER_POOL_ROOT_TOKEN_BASE);
}

/** Ends a lease and returns its buffer. @returns LEASE_ENDED; LEASE_STALE or LEASE_FOREIGN where nothing was changed */
export function releaseLease(pool: i32, index: i32, generation: i32, mask: i32, owner: i32): i32 {
  const outcome = endLease(pool, index, generation, mask, owner);
  if (outcome == LEASE_ENDED) returnBuffer(pool, index, owner);
  return outcome;
}

/**
 * Ends a lease: from now on nobody can use it. The caller holds the buffer until `returnBuffer`.
 * @returns as releaseLease
 */
export function endLease(pool: i32, index: i32, generation: i32, mask: i32, owner: i32): i32 {
  const returning = returnNote(pool, owner);
  const word = recordOf(pool, index) + BUFFER_RECORD_WORD;
  const from = held(BUFFER_LEASED, owner);
  load64(word);
  // Never of a buffer that is free: PROTOCOL.md, section 3. What is not the caller's now does not become it meanwhile.
  if (low() == from) {
    set(returning, (index + 1) | 0); // before the CAS: from there on it is what finds the buffer if this thread ends
  }
  const outcome = transition(word, generation, mask, from, held(BUFFER_FREE, owner));
  if (outcome != LEASE_ENDED) set(returning, 0);
  return outcome;
}

/** Ends a lease and sets its buffer aside. @returns as releaseLease */
export function retireLease(pool: i32, index: i32, generation: i32, mask: i32, owner: i32): i32 {
  const outcome = endRetire(pool, index, generation, mask, owner);
  if (outcome == LEASE_ENDED) reserveBuffer(pool, index, owner);
  return outcome;
}

/** As `endLease`, until `reserveBuffer`. */
export function endRetire(pool: i32, index: i32, generation: i32, mask: i32, owner: i32): i32 {
  const returning = returnNote(pool, owner);
  const word = recordOf(pool, index) + BUFFER_RECORD_WORD;
  const from = held(BUFFER_LEASED, owner);
  load64(word);
  if (low() == from) {
    set(returning, (index + 1) | 0); // before the CAS, as in endLease
  }
  const outcome = transition(word, generation, mask, from, held(BUFFER_RESERVED, owner));
  if (outcome != LEASE_ENDED) set(returning, 0);
  return outcome;
}

/** Takes a buffer out of the pool for ever. @returns as releaseLease */
export function detachLease(pool: i32, index: i32, generation: i32, mask: i32, owner: i32): i32 {
  const word = recordOf(pool, index) + BUFFER_RECORD_WORD;
  return transition(word, generation, mask, held(BUFFER_LEASED, owner), held(BUFFER_DETACHED, owner));
}

/**
 * A lease `from` its user `to` whatever comes of it, one generation on. Where it succeeds, `high()` is the generation before.
 * @returns LEASE_ENDED; LEASE_STALE or LEASE_FOREIGN where nothing was changed
 */
export function transition(word: i32, generation: i32, mask: i32, from: i32, to: i32): i32 {
  load64(word); // observe: pairs with whoever leased or adopted
  while (true) {
    const holder = low();
    const current = high();
    if (stateOf(holder) != BUFFER_LEASED || ((current ^ generation) & mask) != 0) return LEASE_STALE;
    if (holder != from) return LEASE_FOREIGN;
    // publish: of all that try to end or take over one lease, one succeeds. Pairs with the same in adoptLease and reclaimLease.
    if (compareExchange64(word, holder, current, to, (current + 1) | 0) != 0) return LEASE_ENDED;
  }
}

/** Byte address of where an owner notes the buffer that is on its way back. */
export function returnNote(pool: i32, owner: i32): i32 {
  return slotOf(pool, owner) + OWNER_SLOT_RETURNING;
}

/**
 * Takes a lease over from whoever has it.
 * @returns LEASE_ADOPTED, with the next generation; LEASE_STALE where nothing was changed
 */
export function adoptLease(pool: i32, index: i32, generation: i32, mask: i32, owner: i32): i32 {
  const word = recordOf(pool, index) + BUFFER_RECORD_WORD;
  load64(word); // observe: pairs with whoever leased or adopted
  while (true) {
    const holder = low();
    const current = high();
    if (stateOf(holder) != BUFFER_LEASED || ((current ^ generation) & mask) != 0) return LEASE_STALE;
    // publish: pairs with the same in transition and reclaimLease.
    if (compareExchange64(word, holder, current, held(BUFFER_LEASED, owner), (current + 1) | 0) != 0)
      return LEASE_ADOPTED;
  }
}

/** @returns LEASE_VALID where the lease has not ended, else LEASE_STALE */
export function checkLease(pool: i32, index: i32, generation: i32, mask: i32): i32 {
  load64(recordOf(pool, index) + BUFFER_RECORD_WORD);
  return stateOf(low()) == BUFFER_LEASED && ((high() ^ generation) & mask) == 0 ? LEASE_VALID : LEASE_STALE;
}
