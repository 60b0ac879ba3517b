// Slots of threads that read: what makes it possible to clear up after one that died.
//
// `slots` is the byte address of the first of `count` reader slots. A thread has one slot of each object, however many instances
// it has attached. The words of a slot but `thread` and `epoch` are plain: its thread's, and after its end those of whoever takes
// the slot with `takeDeadSlot`.
import { compareExchange, get, load, set, store } from '@corelane/shared-memory/kernel/atomics';
import {
  READER_SLOT_BYTES,
  READER_SLOT_DEPTH,
  READER_SLOT_EPOCH,
  READER_SLOT_IS_WAITING,
  READER_SLOT_THREAD,
  READER_SLOT_USERS,
  SLOT_IN_USE,
  SLOT_LEFT,
  SLOT_RECOVERING,
} from './layout.generated.ts';

/** @returns the address of the caller's slot, 0 where it has none */
export function findSlot(slots: i32, count: i32, me: i32): i32 {
  for (let i = 0; i < count; i++) {
    const slot = slots + i * READER_SLOT_BYTES;
    if (load(slot + READER_SLOT_THREAD) == me) return slot;
  }
  return 0;
}

/** @returns the address of the caller's slot, from now on or since before; 0 where all are others' */
export function enterSlot(slots: i32, count: i32, me: i32): i32 {
  const own = findSlot(slots, count, me);
  if (own != 0) {
    set(own + READER_SLOT_USERS, (get(own + READER_SLOT_USERS) + 1) | 0);
    return own;
  }
  for (let i = 0; i < count; i++) {
    const slot = slots + i * READER_SLOT_BYTES;
    // claim: pairs with the stores of 0 in leaveSlot and freeSlot, which hand over the words of the slot.
    if (compareExchange(slot + READER_SLOT_THREAD, 0, me) == 0) {
      set(slot + READER_SLOT_USERS, 1);
      return slot;
    }
  }
  return 0;
}

/** One instance of the caller's uses its slot no more. @returns SLOT_LEFT, or SLOT_IN_USE where the thread is inside */
export function leaveSlot(slot: i32): i32 {
  if (get(slot + READER_SLOT_DEPTH) != 0) return SLOT_IN_USE;
  const users = (get(slot + READER_SLOT_USERS) - 1) | 0;
  set(slot + READER_SLOT_USERS, users);
  if (users == 0) store(slot + READER_SLOT_THREAD, 0); // hands the slot over: pairs with claim
  return SLOT_LEFT;
}

/** Takes the slot of a thread that has ended. @returns its address, 0 where it has none, or another one has taken it */
export function takeDeadSlot(slots: i32, count: i32, dead: i32): i32 {
  for (let i = 0; i < count; i++) {
    const slot = slots + i * READER_SLOT_BYTES;
    // claim: against others that recover the same thread. Its words are handed over by the thread's end.
    if (compareExchange(slot + READER_SLOT_THREAD, dead, SLOT_RECOVERING) == dead) return slot;
  }
  return 0;
}

/** Frees a slot that the caller took. */
export function freeSlot(slot: i32): void {
  set(slot + READER_SLOT_USERS, 0);
  set(slot + READER_SLOT_DEPTH, 0);
  set(slot + READER_SLOT_IS_WAITING, 0);
  store(slot + READER_SLOT_EPOCH, 0);
  store(slot + READER_SLOT_THREAD, 0); // hands the slot over: pairs with claim
}
