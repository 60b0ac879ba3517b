// Slots on their way out of the free list and back. PROTOCOL.md, section 8.
//
// A thread may be terminated at any loop or function entry. What keeps a slot from being lost or freed twice then is that it is
// marked HELD by its holder until it lies in the free list, and that no such point lies between the push and the mark FREE.
import { popStack, pushStack } from '@corelane/lock-free/kernel/index-stack';
import { add, compareExchange, get, load, notify, store } from '@corelane/shared-memory/kernel/atomics';
import {
  CLIENT_ENTRY_OWNER,
  CLIENT_GONE,
  NO_FREE_SLOT,
  NO_SLOT,
  NOT_OPEN,
  NOT_YOURS,
  PHASE_OPEN,
  RELEASED,
  SCHEDULER_ROOT_BELL,
  SCHEDULER_ROOT_FREE_AT,
  SCHEDULER_ROOT_HUNGRY,
  SCHEDULER_ROOT_PHASE,
  SLOT_FREE,
  SLOT_HEAD_STATE,
  SLOT_HELD,
} from './layout.generated.ts';
import { become, clientAt, clientOf, isEnded, slotAt, stateOf } from './places.ts';
import { freeBlock } from './slab.ts';

/** @returns a slot that the client holds, or NO_SLOT, NOT_OPEN, CLIENT_GONE */
export function acquireSlot(scheduler: i32, client: i32): i32 {
  if (load(scheduler + SCHEDULER_ROOT_PHASE) != PHASE_OPEN) return NOT_OPEN;
  const slot = popStack(get(scheduler + SCHEDULER_ROOT_FREE_AT));
  if (slot == NO_FREE_SLOT) {
    store(scheduler + SCHEDULER_ROOT_HUNGRY, 1); // whoever keeps some gives them back: pairs with the clients' looks
    return NO_SLOT;
  }
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const held = become(load(word), SLOT_HELD, client, 0);
  store(word, held);
  // Pairs with the reclaim of this client, which says so before it looks at the slots.
  if (load(clientAt(scheduler, client) + CLIENT_ENTRY_OWNER) > 0) return slot;
  giveBack(scheduler, slot, held);
  return CLIENT_GONE;
}

/**
 * Frees a slot that the client holds, or whose result it has read.
 * @returns RELEASED, or NOT_YOURS where the slot is in no such state: it was released before
 */
export function releaseSlot(scheduler: i32, slot: i32, client: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  while (true) {
    const seen = load(word);
    const state = stateOf(seen);
    if (clientOf(seen) != client || (state != SLOT_HELD && isEnded(state) == 0)) return NOT_YOURS;
    const held = become(seen, SLOT_HELD, client, 0);
    // take: against the worker's step from FINISHED to DONE, and a reclaim.
    if (seen == held || compareExchange(word, seen, held) == seen) {
      giveBack(scheduler, slot, held);
      return RELEASED;
    }
  }
}

/** Puts a slot whose state is `held`, by the caller or by a party that is gone, into the free list. */
export function giveBack(scheduler: i32, slot: i32, held: i32): void {
  freeBlock(scheduler, slot);
  pushStack(get(scheduler + SCHEDULER_ROOT_FREE_AT), slot);
  // Fails where another thread has acquired it meanwhile and marked it as its own.
  compareExchange(slotAt(scheduler, slot) + SLOT_HEAD_STATE, held, become(held, SLOT_FREE, 0, 0));
  ringUnlessOpen(scheduler);
}

/** Tells the owner to look. */
export function ring(scheduler: i32): void {
  add(scheduler + SCHEDULER_ROOT_BELL, 1); // publish: pairs with the owner's load of the bell before it looks
  notify(scheduler + SCHEDULER_ROOT_BELL, 1);
}

/** While it is closing, the owner wants to know of everything that ends. */
export function ringUnlessOpen(scheduler: i32): void {
  if (load(scheduler + SCHEDULER_ROOT_PHASE) != PHASE_OPEN) ring(scheduler);
}
