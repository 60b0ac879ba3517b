// Pressure: few buffers are left. It begins above one share of buffers that are not available and ends at a lower one, so that it
// does not flicker. PROTOCOL.md, section 6.
//
// Nothing that threads share is written to count: each owner counts its own and adds up all when it goes to the shared list, or has
// moved its own count by more than its share of a small part of the pool. So the beginning or end is noticed late by that part at most.
//
// Tried and rejected: a shared count of buffers outside the shared list. It is one more contended word, and a thread that is terminated beside
// its batch leaves it wrong for ever.
import { compareExchange, exchange, get, load, notify, set } from '@corelane/shared-memory/kernel/atomics';
import { TALLY_LOW } from '@corelane/shared-memory/kernel/layout.generated';
import {
  BUFFER_POOL_ROOT_BYTES,
  BUFFER_POOL_ROOT_CAPACITY,
  BUFFER_POOL_ROOT_HIGH_PERMILLE,
  BUFFER_POOL_ROOT_LOW_PERMILLE,
  BUFFER_POOL_ROOT_OWNERS_SEEN,
  BUFFER_POOL_ROOT_PRESSURE,
  OWNER_SLOT_ACQUIRES,
  OWNER_SLOT_ACQUIRES_AT,
  LOOK_SHARE,
  OWNER_SLOT_BYTES,
  OWNER_SLOT_ENDS,
  OWNER_SLOT_ENDS_AT,
  OWNER_SLOT_LOOKED,
} from './layout.generated.ts';
import { slotOf } from './record.ts';

/** Steps until an owner asks again where pressure can not be. */
const NEVER = 0x40000000;

/** Buffers that are not available: exact at rest. */
export function usedBuffers(pool: i32): i32 {
  let used = 0;
  const end = load(pool + BUFFER_POOL_ROOT_OWNERS_SEEN);
  for (let slot = 0; slot < end; slot++) {
    const at = pool + BUFFER_POOL_ROOT_BYTES + slot * OWNER_SLOT_BYTES;
    used = (used + load(at + OWNER_SLOT_ACQUIRES + TALLY_LOW) - load(at + OWNER_SLOT_ENDS + TALLY_LOW)) | 0;
  }
  return used;
}

/** What the owner of a slot has taken and not returned; less than 0 where it returned what others took. */
function balanceOf(slot: i32): i32 {
  return (get(slot + OWNER_SLOT_ACQUIRES + TALLY_LOW) - get(slot + OWNER_SLOT_ENDS + TALLY_LOW)) | 0;
}

/** How far an owner may move its count without looking. */
function roomOf(pool: i32): i32 {
  const owners = load(pool + BUFFER_POOL_ROOT_OWNERS_SEEN);
  return (load(pool + BUFFER_POOL_ROOT_CAPACITY) / (owners * LOOK_SHARE)) | 0;
}

/** Until so many more leases or returns, the owner can not have moved its count further than it may. */
function rest(slot: i32, steps: i32): void {
  set(slot + OWNER_SLOT_ACQUIRES_AT, (get(slot + OWNER_SLOT_ACQUIRES + TALLY_LOW) + steps) | 0);
  set(slot + OWNER_SLOT_ENDS_AT, (get(slot + OWNER_SLOT_ENDS + TALLY_LOW) + steps) | 0);
}

/** After a lease out of the own cache was counted. */
export function noteAcquire(pool: i32, slot: i32): void {
  if (((get(slot + OWNER_SLOT_ACQUIRES + TALLY_LOW) - get(slot + OWNER_SLOT_ACQUIRES_AT)) | 0) >= 0)
    lookIfFar(pool, slot);
}

/** After a return to the own cache was counted. */
export function noteEnd(pool: i32, slot: i32): void {
  if (((get(slot + OWNER_SLOT_ENDS + TALLY_LOW) - get(slot + OWNER_SLOT_ENDS_AT)) | 0) >= 0)
    lookIfFar(pool, slot);
}

/** Looks where the owner has moved its count, since it looked last, further than it may. */
function lookIfFar(pool: i32, slot: i32): void {
  if (get(pool + BUFFER_POOL_ROOT_HIGH_PERMILLE) >= 1000) {
    rest(slot, NEVER);
    return;
  }
  const moved = (balanceOf(slot) - load(slot + OWNER_SLOT_LOOKED)) | 0;
  const far = moved < 0 ? (0 - moved) | 0 : moved;
  const room = (roomOf(pool) - far) | 0;
  if (room < 0) notePressure(pool, slot);
  else rest(slot, (room + 1) | 0);
}

/** Looks whether pressure begins or ends, and tells who listens; after the caller has counted what it did. */
export function notePressure(pool: i32, slot: i32): void {
  const high = get(pool + BUFFER_POOL_ROOT_HIGH_PERMILLE);
  if (high >= 1000) return; // never above all
  // A fence: what this thread has counted is visible before it looks whether pressure is on, so that of two that count at once one sees both.
  exchange(slot + OWNER_SLOT_LOOKED, balanceOf(slot));
  rest(slot, (roomOf(pool) + 1) | 0);
  while (true) {
    const episode = load(pool + BUFFER_POOL_ROOT_PRESSURE);
    const used = usedBuffers(pool) * 1000;
    const capacity = load(pool + BUFFER_POOL_ROOT_CAPACITY);
    if ((episode & 1) == 0) {
      if (used <= capacity * high) return;
    } else if (used > capacity * get(pool + BUFFER_POOL_ROOT_LOW_PERMILLE)) return;
    // publish: of all that notice, one tells; then it looks again, at what others counted meanwhile and found no reason to tell.
    if (compareExchange(pool + BUFFER_POOL_ROOT_PRESSURE, episode, (episode + 1) | 0) == episode)
      notify(pool + BUFFER_POOL_ROOT_PRESSURE, -1);
  }
}

/** The same, for who has changed the pool. */
export function lookForPressure(pool: i32, owner: i32): void {
  notePressure(pool, slotOf(pool, owner));
}
