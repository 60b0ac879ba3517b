// What the owner of the scheduler does: terminate a condemned worker, clean up after a worker or a client that is gone.
// PROTOCOL.md, section 5. "Gone" means that its thread has ended: nothing of it runs any more.
import { add, compareExchange, exchange, get, load, notify } from '@corelane/shared-memory/kernel/atomics';
import {
  CLIENT_ENTRY_FINISHED,
  DISOWNED,
  DROPPED,
  LIST_CLOSED,
  SCHEDULER_ROOT_SLOTS,
  SLOT_CANCELLED,
  SLOT_CONDEMNED,
  SLOT_DONE,
  SLOT_DOOMED,
  SLOT_ENTERING,
  SLOT_FINISHED,
  SLOT_FREE,
  SLOT_HEAD_STATE,
  SLOT_HELD,
  SLOT_ORPHANED,
  SLOT_QUEUED,
  SLOT_RUNNING,
  TASK_LOST,
  UNTOUCHED,
  WITHDRAWN,
  WORKER_ENTRY_CURRENT,
  WORKER_ENTRY_LOST,
} from './layout.generated.ts';
import { deliverSlot } from './finished-list.ts';
import { giveBack } from './free-list.ts';
import { clientAt, clientOf, pack, slotAt, stateOf, workerAt, workerOf } from './places.ts';

/** @returns 1 where the worker runs a condemned task and takes no more after it: the caller terminates it. Else 0. */
export function doomWorker(scheduler: i32, worker: i32): i32 {
  const current = load(workerAt(scheduler, worker) + WORKER_ENTRY_CURRENT);
  if (current == 0) return 0;
  const condemned = pack(SLOT_CONDEMNED, 0, worker);
  // take: against the worker's finish.
  const word = slotAt(scheduler, (current - 1) | 0) + SLOT_HEAD_STATE;
  return compareExchange(word, condemned, pack(SLOT_DOOMED, 0, worker)) == condemned ? 1 : 0;
}

/**
 * Cleans up one slot after a worker that is gone.
 * @returns UNTOUCHED; DELIVERED: it had finished; DROPPED: nobody waits, it is free; TASK_LOST: the caller writes what became of it,
 *   then calls `deliverSlot`
 */
export function recoverSlot(scheduler: i32, slot: i32, worker: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const held = pack(SLOT_HELD, 0, worker);
  while (true) {
    const seen = load(word);
    if (workerOf(seen) != worker) return UNTOUCHED;
    const state = stateOf(seen);
    const client = clientOf(seen);
    if (state == SLOT_FINISHED) return deliverSlot(scheduler, slot, client, worker);
    const isLost = state == SLOT_RUNNING;
    // take: against the client's cancelling it, and a reclaim of the client.
    if (compareExchange(word, seen, isLost ? pack(SLOT_FINISHED, client, worker) : held) != seen) continue;
    if (state != SLOT_HELD) add(workerAt(scheduler, worker) + WORKER_ENTRY_LOST, 1);
    if (isLost) return TASK_LOST;
    giveBack(scheduler, slot, held);
    return DROPPED;
  }
}

/**
 * Takes a queued slot for good, all workers being gone. @returns TASK_LOST: the caller writes what became of it, then calls
 * `deliverSlot` with this worker; UNTOUCHED
 */
export function abandonSlot(scheduler: i32, slot: i32, worker: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const seen = load(word);
  if (stateOf(seen) != SLOT_QUEUED) return UNTOUCHED;
  // take: against the client's cancelling it.
  return compareExchange(word, seen, pack(SLOT_FINISHED, clientOf(seen), worker)) == seen
    ? TASK_LOST
    : UNTOUCHED;
}

/** From here on whoever finishes a slot of this client frees it. Before `reclaimSlot`. */
export function closeList(scheduler: i32, client: i32): void {
  // publish: pairs with the loads of the list in deliverSlot.
  const list = clientAt(scheduler, client) + CLIENT_ENTRY_FINISHED;
  exchange(list, LIST_CLOSED);
  notify(list, 1); // nobody, unless its thread is alive after all: then it must not wait for ever
}

/** Cleans up one slot after a client that is gone. @returns UNTOUCHED, WITHDRAWN, DISOWNED, or DROPPED: it is free */
export function reclaimSlot(scheduler: i32, slot: i32, client: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const held = pack(SLOT_HELD, client, 0);
  while (true) {
    const seen = load(word);
    if (clientOf(seen) != client) return UNTOUCHED;
    const state = stateOf(seen);
    // Its worker finds the list closed and frees it; if that is gone too, recoverSlot does.
    if (state == SLOT_FINISHED) return UNTOUCHED;
    let next = held;
    let outcome = DROPPED;
    if (state == SLOT_QUEUED) {
      next = pack(SLOT_CANCELLED, 0, 0);
      outcome = WITHDRAWN;
    } else if (state == SLOT_RUNNING) {
      next = pack(SLOT_ORPHANED, 0, workerOf(seen));
      outcome = DISOWNED;
    } else if (state == SLOT_ENTERING) {
      outcome = WITHDRAWN; // it died before the push
    } else if (state != SLOT_DONE && state != SLOT_HELD) return UNTOUCHED;
    // take: against the worker's claim or finish, and its drop of a slot that it delivered to a closed list.
    if (seen != next && compareExchange(word, seen, next) != seen) continue;
    if (next == held) giveBack(scheduler, slot, held);
    return outcome;
  }
}

/** Slots that hold a task which is not finished, or may do so soon. Cancelled ones do not count. */
export function busySlots(scheduler: i32): i32 {
  const slots = get(scheduler + SCHEDULER_ROOT_SLOTS);
  let busy = 0;
  for (let slot = 0; slot < slots; slot++) {
    const state = stateOf(load(slotAt(scheduler, slot) + SLOT_HEAD_STATE));
    if (state != SLOT_FREE && state != SLOT_CANCELLED && state != SLOT_DONE) busy = (busy + 1) | 0;
  }
  return busy;
}

/** Slots whose state names the client. */
export function slotsOf(scheduler: i32, client: i32): i32 {
  const slots = get(scheduler + SCHEDULER_ROOT_SLOTS);
  let count = 0;
  for (let slot = 0; slot < slots; slot++)
    if (clientOf(load(slotAt(scheduler, slot) + SLOT_HEAD_STATE)) == client) count = (count + 1) | 0;
  return count;
}
