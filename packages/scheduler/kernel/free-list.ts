// Slots on their way out of the free list and back. PROTOCOL.md, section 2.
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
  QUEUE_LIMIT,
  RELEASED,
  SCHEDULER_ROOT_BELL,
  SCHEDULER_ROOT_FREE_AT,
  SCHEDULER_ROOT_MAX_QUEUE,
  SCHEDULER_ROOT_PHASE,
  SCHEDULER_ROOT_SLOTS,
  SLOT_DONE,
  SLOT_FINISHED,
  SLOT_FREE,
  SLOT_HEAD_STATE,
  SLOT_HELD,
} from './layout.generated.ts';
import { clientAt, clientOf, pack, slotAt, stateOf } from './places.ts';
import { waitingTasks } from './sleep.ts';

/** @returns a slot that the client holds, or NO_SLOT, NOT_OPEN, QUEUE_LIMIT, CLIENT_GONE */
export function acquireSlot(scheduler: i32, client: i32): i32 {
  const slot = popStack(get(scheduler + SCHEDULER_ROOT_FREE_AT));
  if (slot == NO_FREE_SLOT) return load(scheduler + SCHEDULER_ROOT_PHASE) == PHASE_OPEN ? NO_SLOT : NOT_OPEN;
  // Pairs with the owner's search for busy slots: it set the phase before, so either it sees this slot or we see the phase.
  store(slotAt(scheduler, slot) + SLOT_HEAD_STATE, pack(SLOT_HELD, client, 0));
  let refusal = 0;
  if (load(scheduler + SCHEDULER_ROOT_PHASE) != PHASE_OPEN) refusal = NOT_OPEN;
  // Pairs with the reclaim of this client in the same way.
  else if (load(clientAt(scheduler, client) + CLIENT_ENTRY_OWNER) <= 0) refusal = CLIENT_GONE;
  else {
    const most = get(scheduler + SCHEDULER_ROOT_MAX_QUEUE);
    if (most < get(scheduler + SCHEDULER_ROOT_SLOTS) && waitingTasks(scheduler) >= most)
      refusal = QUEUE_LIMIT;
  }
  if (refusal == 0) return slot;
  giveBack(scheduler, slot, pack(SLOT_HELD, client, 0));
  return refusal;
}

/**
 * Frees a slot that the client holds, or whose result it has read.
 * @returns RELEASED, or NOT_YOURS where the slot is in no such state: it was released before
 */
export function releaseSlot(scheduler: i32, slot: i32, client: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const held = pack(SLOT_HELD, client, 0);
  while (true) {
    const seen = load(word);
    if (clientOf(seen) != client) return NOT_YOURS;
    if (seen == held) break;
    const state = stateOf(seen);
    if (state != SLOT_DONE && state != SLOT_FINISHED) return NOT_YOURS;
    // take: against the worker's step from FINISHED to DONE.
    if (compareExchange(word, seen, held) == seen) break;
  }
  giveBack(scheduler, slot, held);
  return RELEASED;
}

/** Puts a slot whose state is `held`, by the caller or by a party that is gone, into the free list. */
export function giveBack(scheduler: i32, slot: i32, held: i32): void {
  pushStack(get(scheduler + SCHEDULER_ROOT_FREE_AT), slot);
  // Fails where another thread has acquired it meanwhile and marked it as its own.
  compareExchange(slotAt(scheduler, slot) + SLOT_HEAD_STATE, held, pack(SLOT_FREE, 0, 0));
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
