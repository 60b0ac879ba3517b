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
import {
  add,
  compareExchange64,
  get,
  high,
  load,
  load64,
  low,
  notify,
  set,
  sub,
} from '@corelane/shared-memory/kernel/atomics';
import { popStack, pushStack } from '@corelane/lock-free/kernel/index-stack';
import {
  BUFFER_DETACHED,
  BUFFER_FREE,
  BUFFER_LEASED,
  BUFFER_POOL_ROOT_BYTES,
  BUFFER_POOL_ROOT_INDEX_BITS,
  BUFFER_POOL_ROOT_RECORDS,
  BUFFER_POOL_ROOT_SEQUENCE,
  BUFFER_POOL_ROOT_STACK,
  BUFFER_POOL_ROOT_WAITERS,
  BUFFER_RECORD_BYTES,
  BUFFER_RECORD_LENGTH_BYTES,
  BUFFER_RECORD_WORD,
  LEASE_ADOPTED,
  LEASE_BROKEN,
  LEASE_ENDED,
  LEASE_FOREIGN,
  LEASE_STALE,
  LEASE_VALID,
  LEASE_WORD_OWNER_MASK,
  LEASE_WORD_OWNER_SHIFT,
  LEASE_WORD_STATE_MASK,
  NO_LEASE,
  OWNER_SLOT_BYTES,
  OWNER_SLOT_RETURNING,
  OWNER_SLOT_WAITING,
  OWNER_WORD_SLOT_MASK,
} from './layout.generated.ts';

/** Takes a free buffer. @returns its token, NO_LEASE or LEASE_BROKEN */
export function acquireLease(pool: i32, owner: i32): i32 {
  const index = popStack(get(pool + BUFFER_POOL_ROOT_STACK));
  if (index < 0) return NO_LEASE;
  const record = recordOf(pool, index);
  load64(record + BUFFER_RECORD_WORD);
  const holder = low();
  const generation = high();
  if (stateOf(holder) != BUFFER_FREE) return LEASE_BROKEN;
  // Nobody else writes the word of a free buffer that is not in the free list, so this CAS can only succeed.
  // publish: pairs with observe in endLease, adoptLease and reclaimLease.
  const leased = held(BUFFER_LEASED, owner);
  if (compareExchange64(record + BUFFER_RECORD_WORD, holder, generation, leased, generation) == 0)
    return LEASE_BROKEN;
  set(record + BUFFER_RECORD_LENGTH_BYTES, 0);
  const generationBits = (generation << get(pool + BUFFER_POOL_ROOT_INDEX_BITS)) & 0x7fffffff;
  return generationBits | index;
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
  const returning = slotOf(pool, owner) + OWNER_SLOT_RETURNING;
  set(returning, (index + 1) | 0); // before the CAS: from there on it is what finds the buffer if this thread ends
  const outcome = transition(
    pool,
    index,
    generation,
    mask,
    held(BUFFER_LEASED, owner),
    held(BUFFER_FREE, owner),
  );
  if (outcome != LEASE_ENDED) set(returning, 0);
  return outcome;
}

/** Takes a buffer out of the pool for ever. @returns as releaseLease */
export function detachLease(pool: i32, index: i32, generation: i32, mask: i32, owner: i32): i32 {
  return transition(pool, index, generation, mask, held(BUFFER_LEASED, owner), held(BUFFER_DETACHED, owner));
}

/** `from` to `to`, one generation on. */
function transition(pool: i32, index: i32, generation: i32, mask: i32, from: i32, to: i32): i32 {
  const word = recordOf(pool, index) + BUFFER_RECORD_WORD;
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

/** Gives back a buffer that the caller holds since `endLease`, `reclaimLease` or `recoverBuffer`, and wakes who waits for one. */
export function returnBuffer(pool: i32, index: i32, owner: i32): void {
  pushStack(get(pool + BUFFER_POOL_ROOT_STACK), index); // publish: hands over the bytes; pairs with popStack in acquireLease
  set(slotOf(pool, owner) + OWNER_SLOT_RETURNING, 0);
  // After the push: whoever announced itself before has either found the buffer or is woken. Pairs with announceWaiter.
  if (load(pool + BUFFER_POOL_ROOT_WAITERS) != 0) wakeWaiters(pool);
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

/**
 * Ends whatever lease `dead` has of this buffer. The caller, `owner`, holds the buffer until `returnBuffer`.
 * @returns LEASE_ENDED; LEASE_FOREIGN where `dead` has none
 */
export function reclaimLease(pool: i32, index: i32, dead: i32, owner: i32): i32 {
  const word = recordOf(pool, index) + BUFFER_RECORD_WORD;
  const returning = slotOf(pool, owner) + OWNER_SLOT_RETURNING;
  load64(word);
  set(returning, (index + 1) | 0);
  while (true) {
    const holder = low();
    const current = high();
    if (holder != held(BUFFER_LEASED, dead)) {
      set(returning, 0);
      return LEASE_FOREIGN;
    }
    // publish: against the release of a thread that is still alive, an adoption, and another reclaim. Pairs with the same in
    // transition and adoptLease.
    if (compareExchange64(word, holder, current, held(BUFFER_FREE, owner), (current + 1) | 0) != 0)
      return LEASE_ENDED;
  }
}

/**
 * Takes the buffer that `dead` had ended its lease of and not yet pushed. Only once that thread has ended: then its `returning` says
 * so for certain, since it can't have been terminated between the push and the word's reset.
 * @returns the index, which the caller, `owner`, holds until `returnBuffer`; NO_LEASE where there is none
 */
export function recoverBuffer(pool: i32, dead: i32, owner: i32): i32 {
  const index = (get(slotOf(pool, dead) + OWNER_SLOT_RETURNING) - 1) | 0;
  if (index < 0) return NO_LEASE;
  const word = recordOf(pool, index) + BUFFER_RECORD_WORD;
  load64(word);
  // Of several that reclaim, one succeeds: the word then no longer names `dead`.
  if (low() != held(BUFFER_FREE, dead)) return NO_LEASE;
  set(slotOf(pool, owner) + OWNER_SLOT_RETURNING, (index + 1) | 0);
  if (compareExchange64(word, low(), high(), held(BUFFER_FREE, owner), high()) != 0) return index;
  set(slotOf(pool, owner) + OWNER_SLOT_RETURNING, 0);
  return NO_LEASE;
}

/** State and owner of a buffer: the low half of its word. */
export function leaseHolder(pool: i32, index: i32): i32 {
  load64(recordOf(pool, index) + BUFFER_RECORD_WORD);
  return low();
}

/** Generation of a buffer: the high half of its word. */
export function leaseGeneration(pool: i32, index: i32): i32 {
  load64(recordOf(pool, index) + BUFFER_RECORD_WORD);
  return high();
}

/** From now on whoever returns a buffer bumps `sequence` and wakes. Then look at `waiterSequence`, then try, then park on it. */
export function announceWaiter(pool: i32, owner: i32): void {
  set(slotOf(pool, owner) + OWNER_SLOT_WAITING, 1);
  add(pool + BUFFER_POOL_ROOT_WAITERS, 1); // pairs with the load of waiters in returnBuffer
}

/** Takes back what `announceWaiter` did, for oneself or for an owner that has ended. */
export function retireWaiter(pool: i32, owner: i32): void {
  set(slotOf(pool, owner) + OWNER_SLOT_WAITING, 0);
  sub(pool + BUFFER_POOL_ROOT_WAITERS, 1);
}

export function waiterSequence(pool: i32): i32 {
  return load(pool + BUFFER_POOL_ROOT_SEQUENCE); // observe: pairs with wakeWaiters
}

/** Wakes every thread that waits: one of them may have given up, and a parked promise can't be taken back. */
export function wakeWaiters(pool: i32): void {
  add(pool + BUFFER_POOL_ROOT_SEQUENCE, 1); // publish: who parks from now on with what it saw before does not park
  notify(pool + BUFFER_POOL_ROOT_SEQUENCE, -1);
}

function stateOf(holder: i32): i32 {
  return holder & LEASE_WORD_STATE_MASK;
}

function held(state: i32, owner: i32): i32 {
  return state | ((owner & LEASE_WORD_OWNER_MASK) << LEASE_WORD_OWNER_SHIFT);
}

function recordOf(pool: i32, index: i32): i32 {
  return get(pool + BUFFER_POOL_ROOT_RECORDS) + index * BUFFER_RECORD_BYTES;
}

function slotOf(pool: i32, owner: i32): i32 {
  return pool + BUFFER_POOL_ROOT_BYTES + (owner & OWNER_WORD_SLOT_MASK) * OWNER_SLOT_BYTES;
}
