// What the owner of the scheduler does: terminate a condemned worker, clean up after a worker or a client that is gone.
// PROTOCOL.md, section 5. "Gone" means that its thread has ended: nothing of it runs any more.
import { add, compareExchange, exchange, get, load, notify } from '@corelane/shared-memory/kernel/atomics';
import {
  CLIENT_ENTRY_FINISHED,
  DISOWNED,
  DROPPED,
  GIVEN_UP,
  LEVELS,
  LIST_CLOSED,
  MEND_LATER,
  MENDED,
  POLICY_DEADLINE,
  SCHEDULER_ROOT_POLICY,
  SCHEDULER_ROOT_SLOTS,
  SLOT_CONDEMNED,
  SLOT_DONE,
  SLOT_DOOMED,
  SLOT_FINISHED,
  SLOT_FREE,
  SLOT_HEAD_DEADLINE,
  SLOT_HEAD_LANE,
  SLOT_HEAD_STATE,
  SLOT_HELD,
  SLOT_HINT_GENERATION_SHIFT,
  SLOT_MENDING,
  SLOT_ORPHANED,
  SLOT_QUEUED,
  SLOT_RUNNING,
  SLOT_STUCK,
  TASK_LOST,
  TASK_STUCK,
  UNTOUCHED,
  WITHDRAWN,
  WORKER_ENTRY_LOST,
} from './layout.generated.ts';
import { deliverSlot } from './finished-list.ts';
import { giveBack } from './free-list.ts';
import { hasRoom, pushHint } from './lanes.ts';
import { become, clientAt, clientOf, generationOf, slotAt, stateOf, workerAt, workerOf } from './places.ts';
import { isSlow, uncount } from './slow-lane.ts';

/** @returns the worker that runs a condemned task in the slot, and takes no more after it: the caller terminates it. Else 0. */
export function doomSlot(scheduler: i32, slot: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const seen = load(word);
  if (stateOf(seen) != SLOT_CONDEMNED) return 0;
  const worker = workerOf(seen);
  // take: against the worker's finish.
  return compareExchange(word, seen, become(seen, SLOT_DOOMED, 0, worker)) == seen ? worker : 0;
}

/**
 * A worker is to be terminated because a poll of the task in the slot does not end. From here on it takes no more tasks, should that end after all, and its result is dropped.
 * @param generation of the slot when the poll was seen: a later task in it is not meant
 * @returns GIVEN_UP: the caller terminates the worker; UNTOUCHED where the task has ended
 */
export function giveUpSlot(scheduler: i32, slot: i32, worker: i32, generation: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  while (true) {
    const seen = load(word);
    if (workerOf(seen) != worker || generationOf(seen) != generation) return UNTOUCHED;
    const state = stateOf(seen);
    if (state != SLOT_RUNNING && state != SLOT_ORPHANED && state != SLOT_CONDEMNED) return UNTOUCHED;
    const next =
      state == SLOT_RUNNING
        ? become(seen, SLOT_STUCK, clientOf(seen), worker)
        : become(seen, SLOT_DOOMED, 0, worker);
    // take: against the worker's finish, the client's cancelling it, and a reclaim.
    if (compareExchange(word, seen, next) != seen) continue;
    notify(word, 1); // as in cancelSlot: the task is told
    return GIVEN_UP;
  }
}

/**
 * Writes another hint to a slot that is queued, after a worker has ended: it may have had the first one in its hands. Two hints to one slot do no harm.
 * @returns MENDED; UNTOUCHED; MEND_LATER where the owner's lane is full
 */
export function mendSlot(scheduler: i32, slot: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const seen = load(word);
  // A hint of the slow lane stays in it until its slot is claimed.
  if (stateOf(seen) != SLOT_QUEUED || isSlow(seen) != 0) return UNTOUCHED;
  const client = clientOf(seen);
  const mending = become(seen, SLOT_MENDING, client, workerOf(seen));
  // take: against a claim and the client's cancelling it. From here on the lane is ours to read.
  if (compareExchange(word, seen, mending) != seen) return UNTOUCHED;
  const lane = get(slotAt(scheduler, slot) + SLOT_HEAD_LANE);
  // Then its hint is in its lane still, or its leaf in the tree.
  const isKept =
    lane >= LEVELS ||
    (get(scheduler + SCHEDULER_ROOT_POLICY) == POLICY_DEADLINE &&
      get(slotAt(scheduler, slot) + SLOT_HEAD_DEADLINE) != 0);
  const room = isKept ? 0 : hasRoom(scheduler, 0, lane);
  // give back: against the client's cancelling it.
  if (compareExchange(word, mending, seen) != mending) return UNTOUCHED;
  if (isKept) return UNTOUCHED;
  if (room == 0) return MEND_LATER;
  pushHint(scheduler, 0, lane, slot | (generationOf(seen) << SLOT_HINT_GENERATION_SHIFT));
  return MENDED;
}

/**
 * Cleans up one slot after a worker that is gone.
 * @returns UNTOUCHED; DELIVERED: it had finished; DROPPED: nobody waits, it is free; TASK_LOST, TASK_STUCK: the caller writes what
 *   became of it, then calls `deliverSlot`
 */
export function recoverSlot(scheduler: i32, slot: i32, worker: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  while (true) {
    const seen = load(word);
    if (workerOf(seen) != worker) return UNTOUCHED;
    const held = become(seen, SLOT_HELD, 0, worker);
    const state = stateOf(seen);
    const client = clientOf(seen);
    if (isQueued(state) != 0) return UNTOUCHED; // pinned to it: its successor's
    if (state == SLOT_FINISHED) return deliverSlot(scheduler, slot, client, worker);
    const isLost = state == SLOT_RUNNING || state == SLOT_STUCK;
    // take: against the client's cancelling it, and a reclaim of the client.
    if (compareExchange(word, seen, isLost ? become(seen, SLOT_FINISHED, client, worker) : held) != seen)
      continue;
    if (state != SLOT_HELD) add(workerAt(scheduler, worker) + WORKER_ENTRY_LOST, 1);
    if (isLost) return state == SLOT_STUCK ? TASK_STUCK : TASK_LOST;
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
  if (compareExchange(word, seen, become(seen, SLOT_FINISHED, clientOf(seen), worker)) != seen)
    return UNTOUCHED;
  if (isSlow(seen) != 0) uncount(scheduler, slot);
  return TASK_LOST;
}

/** From here on whoever finishes a slot of this client frees it. Before `reclaimSlot`. @returns what was in the list, for `countFinished` */
export function closeList(scheduler: i32, client: i32): i32 {
  // publish: pairs with the loads of the list in deliverSlot.
  const list = clientAt(scheduler, client) + CLIENT_ENTRY_FINISHED;
  const link = exchange(list, LIST_CLOSED);
  notify(list, 1); // nobody, unless its thread is alive after all: then it must not wait for ever
  return link > 0 ? link : 0;
}

/** Cleans up one slot after a client that is gone. @returns UNTOUCHED, WITHDRAWN, DISOWNED, or DROPPED: it is free */
export function reclaimSlot(scheduler: i32, slot: i32, client: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  while (true) {
    const seen = load(word);
    if (clientOf(seen) != client) return UNTOUCHED;
    const state = stateOf(seen);
    // Its worker finds the list closed and frees it; if that is gone too, recoverSlot does.
    if (state == SLOT_FINISHED) return UNTOUCHED;
    // So does the worker with what its client had disowned.
    if (state == SLOT_ORPHANED) return UNTOUCHED;
    const runs = state == SLOT_RUNNING || state == SLOT_STUCK;
    // Nobody's from here on: a client that is alive after all finds that it does not hold the slot.
    const next = runs
      ? become(seen, state == SLOT_STUCK ? SLOT_DOOMED : SLOT_ORPHANED, 0, workerOf(seen))
      : become(seen, SLOT_HELD, 0, 0);
    // take: against the worker's claim or finish, and its drop of a slot that it delivered to a closed list.
    if (compareExchange(word, seen, next) != seen) continue;
    if (runs) {
      notify(word, 1); // as in cancelSlot
      return DISOWNED;
    }
    if (isSlow(seen) != 0) uncount(scheduler, slot);
    giveBack(scheduler, slot, next);
    return isQueued(state) != 0 ? WITHDRAWN : DROPPED;
  }
}

/** Slots that hold a task which is not finished, or whose result is on its way. */
export function busySlots(scheduler: i32): i32 {
  const slots = get(scheduler + SCHEDULER_ROOT_SLOTS);
  let busy = 0;
  for (let slot = 0; slot < slots; slot++) {
    const state = stateOf(load(slotAt(scheduler, slot) + SLOT_HEAD_STATE));
    if (state != SLOT_FREE && state != SLOT_HELD && state != SLOT_DONE) busy = (busy + 1) | 0;
  }
  return busy;
}

/** Slots that wait for a worker, those of the slow lane aside: exact while nobody submits or claims. */
export function queuedSlots(scheduler: i32): i32 {
  const slots = get(scheduler + SCHEDULER_ROOT_SLOTS);
  let queued = 0;
  for (let slot = 0; slot < slots; slot++) {
    const seen = load(slotAt(scheduler, slot) + SLOT_HEAD_STATE);
    const state = stateOf(seen);
    if (isQueued(state) != 0 && isSlow(seen) == 0) queued = (queued + 1) | 0;
  }
  return queued;
}

/** Whether a worker is yet to claim a slot in this state. */
export function isQueued(state: i32): i32 {
  return state == SLOT_QUEUED || state == SLOT_MENDING ? 1 : 0;
}

/** Slots whose state names the client. */
export function slotsOf(scheduler: i32, client: i32): i32 {
  const slots = get(scheduler + SCHEDULER_ROOT_SLOTS);
  let count = 0;
  for (let slot = 0; slot < slots; slot++)
    if (clientOf(load(slotAt(scheduler, slot) + SLOT_HEAD_STATE)) == client) count = (count + 1) | 0;
  return count;
}
