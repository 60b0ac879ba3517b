// Work-stealing deque: one owner pushes and pops, any number of thieves take the oldest values.
// After D. Chase and Y. Lev, "Dynamic Circular Work-Stealing Deque" (SPAA 2005), with a fixed capacity, as M. Michael, M. Vechev and
// V. Saraswat ("Idempotent Work Stealing", 2009) and crossbeam-deque describe it; taking many at once after Tokio's run queue. The
// protocol is in PROTOCOL.md, section "Work-stealing deque".
//
// Positions run freely and wrap at 2^32, so they are only ever compared by their difference. `deque` is the byte address of the root, a
// multiple of 128: it is `handle.at` of a WorkStealingDeque.
//
// Tried and rejected: one CAS for many values where the owner takes the newest: it takes without a CAS what the thief has read already.
import { compareExchange, get, load, set, store } from '@corelane/shared-memory/kernel/atomics';
import {
  DEQUE_EMPTY,
  DEQUE_FIFO,
  DEQUE_FULL,
  DEQUE_PUSHED,
  DEQUE_RETRY,
  DEQUE_ROOT_BOTTOM,
  DEQUE_ROOT_BYTES,
  DEQUE_ROOT_CAPACITY,
  DEQUE_ROOT_ORDER,
  DEQUE_ROOT_OWNER,
  DEQUE_ROOT_TOP,
  DEQUE_ROOT_TOP_SEEN,
  DEQUE_SLOT_BYTES,
  DEQUE_SLOT_VALUE,
} from './layout.generated.ts';

/** Makes an empty deque whose first position is `start`. Before the deque is shared. */
export function initializeDeque(deque: i32, capacity: i32, order: i32, start: i32): void {
  set(deque + DEQUE_ROOT_CAPACITY, capacity);
  set(deque + DEQUE_ROOT_ORDER, order);
  set(deque + DEQUE_ROOT_TOP_SEEN, start);
  store(deque + DEQUE_ROOT_OWNER, 0);
  store(deque + DEQUE_ROOT_TOP, start);
  store(deque + DEQUE_ROOT_BOTTOM, start);
}

/** Of who has just become the owner: puts right what the last one may have left. */
export function adoptDeque(deque: i32): void {
  const top = load(deque + DEQUE_ROOT_TOP);
  set(deque + DEQUE_ROOT_TOP_SEEN, top);
  // A pop of an empty deque that was not finished. Nobody moves `top` meanwhile: there is nothing to take.
  if (((load(deque + DEQUE_ROOT_BOTTOM) - top) | 0) < 0) store(deque + DEQUE_ROOT_BOTTOM, top);
}

/** Of the owner. @returns DEQUE_PUSHED, or DEQUE_FULL where nothing was changed */
export function pushDeque(deque: i32, value: i32): i32 {
  const bottom = load(deque + DEQUE_ROOT_BOTTOM);
  if (freeSlots(deque, bottom, 1) < 1) return DEQUE_FULL;
  store(slotOf(deque, bottom), value);
  // publish: pairs with observe in stealDeque and takeMany.
  store(deque + DEQUE_ROOT_BOTTOM, (bottom + 1) | 0);
  return DEQUE_PUSHED;
}

/** Of the owner: slots that are free, at least so far as `wanted` goes. For `stageDeque`. */
export function roomInDeque(deque: i32, wanted: i32): i32 {
  return freeSlots(deque, load(deque + DEQUE_ROOT_BOTTOM), wanted);
}

/** Of the owner: writes a value that is not in the deque before `publishDeque`, `ahead` places behind what is. There must be room. */
export function stageDeque(deque: i32, ahead: i32, value: i32): void {
  store(slotOf(deque, (load(deque + DEQUE_ROOT_BOTTOM) + ahead) | 0), value);
}

/** Of the owner: pushes what was staged, all at once. */
export function publishDeque(deque: i32, count: i32): void {
  // publish: pairs with observe in stealDeque and stealManyDeque.
  store(deque + DEQUE_ROOT_BOTTOM, (load(deque + DEQUE_ROOT_BOTTOM) + count) | 0);
}

/** Of the owner, where the order is DEQUE_LIFO. @returns the newest value, or DEQUE_EMPTY */
export function popDeque(deque: i32): i32 {
  const bottom = (load(deque + DEQUE_ROOT_BOTTOM) - 1) | 0;
  // `topSeen` is at most `top`: below it there is nothing, whatever thieves do.
  if (((bottom - get(deque + DEQUE_ROOT_TOP_SEEN)) | 0) < 0) return DEQUE_EMPTY;
  // claim: the store comes before the load of `top`, and a thief loads `bottom` after `top`; so one of the two sees the other.
  store(deque + DEQUE_ROOT_BOTTOM, bottom);
  const top = load(deque + DEQUE_ROOT_TOP);
  set(deque + DEQUE_ROOT_TOP_SEEN, top);
  const left = (bottom - top) | 0;
  if (left > 0) return load(slotOf(deque, bottom)); // no thief can come as far as this
  let value = DEQUE_EMPTY;
  // The last one: against thieves, by the way that they take.
  if (left == 0 && compareExchange(deque + DEQUE_ROOT_TOP, top, (top + 1) | 0) == top)
    value = load(slotOf(deque, bottom));
  store(deque + DEQUE_ROOT_BOTTOM, (bottom + 1) | 0);
  return value;
}

/** @returns the oldest value, DEQUE_EMPTY, or DEQUE_RETRY where somebody else took it meanwhile */
export function stealDeque(deque: i32): i32 {
  const top = load(deque + DEQUE_ROOT_TOP);
  // observe: after `top`, and pairs with publish in pushDeque.
  if (((load(deque + DEQUE_ROOT_BOTTOM) - top) | 0) <= 0) return DEQUE_EMPTY;
  const value = load(slotOf(deque, top)); // before the claim: afterwards the owner may use the slot again
  // claim: against all who take the oldest value. `top` where it was: nobody has written the slot.
  return compareExchange(deque + DEQUE_ROOT_TOP, top, (top + 1) | 0) == top ? value : DEQUE_RETRY;
}

/**
 * Of the owner of `own`, another deque: moves the older half of `victim` to it, rounded up, at most `most` and what there is room for.
 * @returns how many: 0 where there was nothing to take or no room; DEQUE_RETRY where somebody else was faster
 */
export function stealManyDeque(victim: i32, own: i32, most: i32): i32 {
  const top = load(victim + DEQUE_ROOT_TOP);
  const size = (load(victim + DEQUE_ROOT_BOTTOM) - top) | 0; // observe: as in stealDeque
  if (size <= 0) return 0;
  let wanted = (size + 1) >> 1;
  if (wanted > most) wanted = most;
  const room = freeSlots(own, load(own + DEQUE_ROOT_BOTTOM), wanted);
  if (wanted > room) wanted = room;
  if (wanted <= 0) return 0;
  return get(victim + DEQUE_ROOT_ORDER) == DEQUE_FIFO
    ? takeMany(victim, own, top, wanted)
    : takeEach(victim, own, wanted);
}

/** All at once: the owner of `victim` takes by a CAS as well, so where `top` has not moved all of them are still there. */
function takeMany(victim: i32, own: i32, top: i32, wanted: i32): i32 {
  const bottom = load(own + DEQUE_ROOT_BOTTOM);
  for (let i = 0; i < wanted; i++) store(slotOf(own, (bottom + i) | 0), load(slotOf(victim, (top + i) | 0)));
  // claim: as in stealDeque, for all of them.
  if (compareExchange(victim + DEQUE_ROOT_TOP, top, (top + wanted) | 0) != top) return DEQUE_RETRY;
  store(own + DEQUE_ROOT_BOTTOM, (bottom + wanted) | 0); // publish
  return wanted;
}

/** One after the other. A thief that ends in between has lost none: each is claimed and published without a loop or call between. */
function takeEach(victim: i32, own: i32, wanted: i32): i32 {
  let bottom = load(own + DEQUE_ROOT_BOTTOM);
  for (let taken = 0; taken < wanted; taken++) {
    const top = load(victim + DEQUE_ROOT_TOP);
    if (((load(victim + DEQUE_ROOT_BOTTOM) - top) | 0) <= 0) return taken; // observe: as in stealDeque
    store(slotOf(own, bottom), load(slotOf(victim, top)));
    // claim: as in stealDeque.
    if (compareExchange(victim + DEQUE_ROOT_TOP, top, (top + 1) | 0) != top)
      return taken > 0 ? taken : DEQUE_RETRY;
    bottom = (bottom + 1) | 0;
    store(own + DEQUE_ROOT_BOTTOM, bottom); // publish
  }
  return wanted;
}

/** Values in the deque: exact while nobody pushes or takes, else a moment's estimate from 0 to the capacity. */
export function dequeSize(deque: i32): i32 {
  const top = load(deque + DEQUE_ROOT_TOP);
  const size = (load(deque + DEQUE_ROOT_BOTTOM) - top) | 0;
  const capacity = get(deque + DEQUE_ROOT_CAPACITY);
  if (size < 0) return 0; // a pop of the last one is on its way
  return size < capacity ? size : capacity; // others may take and push between the two loads
}

/** Of the owner: slots from `bottom` on that are free. Looks at `top` only where it knows of fewer than `wanted`. */
function freeSlots(deque: i32, bottom: i32, wanted: i32): i32 {
  const full = (bottom - get(deque + DEQUE_ROOT_CAPACITY)) | 0;
  const known = (get(deque + DEQUE_ROOT_TOP_SEEN) - full) | 0;
  if (known >= wanted) return known;
  const top = load(deque + DEQUE_ROOT_TOP); // observe: pairs with the claims of those who took
  set(deque + DEQUE_ROOT_TOP_SEEN, top);
  return (top - full) | 0;
}

function slotOf(deque: i32, position: i32): i32 {
  const index = position & (get(deque + DEQUE_ROOT_CAPACITY) - 1);
  return deque + DEQUE_ROOT_BYTES + index * DEQUE_SLOT_BYTES + DEQUE_SLOT_VALUE;
}
