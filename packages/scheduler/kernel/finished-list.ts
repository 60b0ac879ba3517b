// Finished slots of one client: a list that workers push to and the client takes as a whole. PROTOCOL.md, section 3.
//
// Tried and rejected: a ring of slot numbers. It needs room for all slots for each client, and a worker that is terminated between
// its claim of a cell and its write blocks the client; here one CAS does both, and the same word says that the client sleeps.
import { compareExchange, get, load, notify, set } from '@corelane/shared-memory/kernel/atomics';
import {
  CLIENT_ENTRY_FINISHED,
  DELIVERED,
  DROPPED,
  LIST_ASLEEP,
  LIST_CLOSED,
  LIST_CORRUPT,
  LIST_EMPTY,
  PAYLOAD_KIND_MOVED_MASK,
  PAYLOAD_KIND_MOVED_SHIFT,
  SCHEDULER_ROOT_SLOTS,
  SLOT_DONE,
  SLOT_HEAD_KIND,
  SLOT_HEAD_NEXT,
  SLOT_HEAD_STATE,
  SLOT_HELD,
  SLOT_MOVED,
} from './layout.generated.ts';
import { giveBack, ringUnlessOpen } from './free-list.ts';
import { become, clientAt, slotAt } from './places.ts';

/**
 * Puts a slot in state FINISHED(client, worker) into the client's list and wakes the client where it sleeps. Called by the worker, or
 * by the owner for a worker that is gone.
 * @returns DELIVERED, or DROPPED where the client is gone: the slot is free
 */
export function deliverSlot(scheduler: i32, slot: i32, client: i32, worker: i32): i32 {
  const at = slotAt(scheduler, slot);
  const list = clientAt(scheduler, client) + CLIENT_ENTRY_FINISHED;
  // Nobody else moves it before it is in the list: the reclaim of a client leaves it to the worker, and that of a worker to its owner.
  const finished = load(at + SLOT_HEAD_STATE);
  const moved = (get(at + SLOT_HEAD_KIND) >>> PAYLOAD_KIND_MOVED_SHIFT) & PAYLOAD_KIND_MOVED_MASK;
  const done = become(finished, moved == 0 ? SLOT_DONE : SLOT_MOVED, client, 0);
  let head = load(list);
  while (true) {
    if (head == LIST_CLOSED) return drop(scheduler, slot, finished, worker);
    set(at + SLOT_HEAD_NEXT, head < 0 ? 0 : head);
    // publish: hands over the slot with its result; pairs with the CAS in takeFinished.
    const seen = compareExchange(list, head, (slot + 1) | 0);
    if (seen == head) break;
    head = seen;
  }
  // No loop or call from the CAS to here: a worker that is gone has pushed its slot only if it is DONE, or taken.
  compareExchange(at + SLOT_HEAD_STATE, finished, done);
  if (head == LIST_ASLEEP) notify(list, 1); // at most one for each time the client falls asleep
  // The client may have been reclaimed since: pairs with the look at the slots that follows the closing of the list.
  if (load(list) == LIST_CLOSED) return drop(scheduler, slot, done, worker);
  ringUnlessOpen(scheduler);
  return DELIVERED;
}

function drop(scheduler: i32, slot: i32, seen: i32, worker: i32): i32 {
  const held = become(seen, SLOT_HELD, 0, worker);
  if (compareExchange(slotAt(scheduler, slot) + SLOT_HEAD_STATE, seen, held) == seen)
    giveBack(scheduler, slot, held);
  return DROPPED;
}

/**
 * Takes all finished slots of the client.
 * @returns the one that finished first, + 1 (`nextFinished` leads on); 0 where there is none; LIST_CLOSED where it was reclaimed; LIST_CORRUPT where somebody
 *   wrote over a link: which slots have finished is not known any more
 */
export function takeFinished(scheduler: i32, client: i32): i32 {
  const list = clientAt(scheduler, client) + CLIENT_ENTRY_FINISHED;
  let head = load(list);
  while (true) {
    if (head <= 0) return head == LIST_CLOSED ? LIST_CLOSED : 0;
    const seen = compareExchange(list, head, LIST_EMPTY); // observe: pairs with publish in deliverSlot
    if (seen == head) break;
    head = seen;
  }
  const slots = get(scheduler + SCHEDULER_ROOT_SLOTS);
  let first = 0;
  let left = slots;
  while (head != 0) {
    if (head < 0 || head > slots || left == 0) return LIST_CORRUPT;
    left = (left - 1) | 0;
    const at = slotAt(scheduler, (head - 1) | 0) + SLOT_HEAD_NEXT;
    const before = get(at);
    set(at, first);
    first = head;
    head = before;
  }
  return first;
}

/** Slots in a list from `link` on: what `closeList` found. */
export function countFinished(scheduler: i32, link: i32): i32 {
  const slots = get(scheduler + SCHEDULER_ROOT_SLOTS);
  let count = 0;
  // No further than there are slots: somebody may have written over a link.
  for (
    let at = link;
    at > 0 && at <= slots && count < slots;
    at = get(slotAt(scheduler, (at - 1) | 0) + SLOT_HEAD_NEXT)
  )
    count = (count + 1) | 0;
  return count;
}

/** What follows in what `takeFinished` took: slot + 1, or 0. Before the slot is released. */
export function nextFinished(scheduler: i32, slot: i32): i32 {
  return get(slotAt(scheduler, slot) + SLOT_HEAD_NEXT);
}

/** @returns 1 where the list is empty: the client may wait until its word is not LIST_ASLEEP. 0 where there is something in it. */
export function fallAsleep(scheduler: i32, client: i32): i32 {
  // claim: from here on the first push notifies.
  const seen = compareExchange(clientAt(scheduler, client) + CLIENT_ENTRY_FINISHED, LIST_EMPTY, LIST_ASLEEP);
  return seen == LIST_EMPTY || seen == LIST_ASLEEP ? 1 : 0;
}
