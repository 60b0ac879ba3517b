// What a worker does with a slot: out of a queue, and into its client's list. PROTOCOL.md, section 1.
import { popQueue } from '@corelane/lock-free/kernel/bounded-queue';
import { add, compareExchange, get, load, store } from '@corelane/shared-memory/kernel/atomics';
import {
  DOOMED,
  DROPPED,
  NO_TASK,
  NOT_YOURS,
  NOTHING_QUEUED,
  SCHEDULER_ROOT_BANDS,
  SLOT_CANCELLED,
  SLOT_CONDEMNED,
  SLOT_DOOMED,
  SLOT_ENTERING,
  SLOT_FINISHED,
  SLOT_HEAD_STATE,
  SLOT_HELD,
  SLOT_ORPHANED,
  SLOT_QUEUED,
  SLOT_RUNNING,
  WORKER_ENTRY_COMPLETED,
  WORKER_ENTRY_CURRENT,
  WORKER_ENTRY_FAILED,
} from './layout.generated.ts';
import { deliverSlot } from './finished-list.ts';
import { giveBack } from './free-list.ts';
import { clientOf, pack, queueAt, slotAt, stateOf, workerAt, workerOf } from './places.ts';

/**
 * Claims the oldest task of band `first`, else of the most urgent band that has one. Frees cancelled slots on its way.
 * @returns its slot, or NO_TASK
 */
export function claimTask(scheduler: i32, worker: i32, first: i32): i32 {
  const bands = get(scheduler + SCHEDULER_ROOT_BANDS);
  const current = workerAt(scheduler, worker) + WORKER_ENTRY_CURRENT;
  const held = pack(SLOT_HELD, 0, worker);
  let band = first;
  let next = first == 0 ? 1 : 0;
  while (true) {
    const slot = popQueue(queueAt(scheduler, band));
    if (slot == NOTHING_QUEUED) {
      if (next >= bands) return NO_TASK;
      band = next;
      next = (next + 1) | 0;
      continue;
    }
    // From the pop to the end of the claim there must be no loop and no call that is not inlined: V8 terminates a thread only at
    // these, and a slot that no queue holds and no worker is named in would be lost. So this is not a function of its own.
    const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
    // Before the claim, so that the owner finds a condemned slot by it: pairs with the load in doomWorker.
    store(current, (slot + 1) | 0);
    const client = clientOf(load(word));
    const entering = pack(SLOT_ENTERING, client, 0);
    const queued = pack(SLOT_QUEUED, client, 0);
    const running = pack(SLOT_RUNNING, client, worker);
    // claim: against a cancellation. Observes the task: pairs with the client's push.
    let seen = compareExchange(word, queued, running);
    if (seen == queued) return slot;
    if (seen == entering) {
      seen = compareExchange(word, entering, running);
      if (seen == entering) return slot;
      if (seen == queued) seen = compareExchange(word, queued, running); // the client got there in between
      if (seen == queued) return slot;
    }
    if (stateOf(seen) == SLOT_CANCELLED) {
      store(word, held); // out of the queue, so nobody else touches it
      giveBack(scheduler, slot, held);
    }
  }
}

/**
 * Ends the task in a slot, its result being written.
 * @returns DELIVERED; DROPPED: nobody wanted it, the slot is free; DOOMED; NOT_YOURS
 */
export function finishSlot(scheduler: i32, slot: i32, worker: i32, failed: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const held = pack(SLOT_HELD, 0, worker);
  add(workerAt(scheduler, worker) + (failed != 0 ? WORKER_ENTRY_FAILED : WORKER_ENTRY_COMPLETED), 1);
  while (true) {
    const seen = load(word);
    if (workerOf(seen) != worker) return NOT_YOURS;
    const state = stateOf(seen);
    if (state == SLOT_DOOMED) return DOOMED;
    if (state == SLOT_RUNNING) {
      const client = clientOf(seen);
      // take: against the client's cancelling it.
      if (compareExchange(word, seen, pack(SLOT_FINISHED, client, worker)) == seen)
        return deliverSlot(scheduler, slot, client, worker);
    } else if (state == SLOT_ORPHANED || state == SLOT_CONDEMNED) {
      // take: against the owner's dooming it.
      if (compareExchange(word, seen, held) == seen) {
        giveBack(scheduler, slot, held);
        return DROPPED;
      }
    } else {
      return NOT_YOURS;
    }
  }
}

/** Whether nobody wants the result any more: 1 or 0. */
export function isDisowned(scheduler: i32, slot: i32): i32 {
  return stateOf(load(slotAt(scheduler, slot) + SLOT_HEAD_STATE)) == SLOT_RUNNING ? 0 : 1;
}
