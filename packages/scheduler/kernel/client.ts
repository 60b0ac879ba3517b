// What a client does with a slot: into a queue, and out again before it has run. PROTOCOL.md, section 1.
import { pushQueue } from '@corelane/lock-free/kernel/bounded-queue';
import { compareExchange, load, wait } from '@corelane/shared-memory/kernel/atomics';
import {
  DISOWNED,
  ENTERED,
  NOT_OPEN,
  NOT_YOURS,
  PHASE_CLOSED,
  QUEUE_FULL_NAP_US,
  SCHEDULER_ROOT_PHASE,
  SLOT_CANCELLED,
  SLOT_CONDEMNED,
  SLOT_DONE,
  SLOT_ENTERING,
  SLOT_FINISHED,
  SLOT_HEAD_STATE,
  SLOT_HELD,
  SLOT_ORPHANED,
  SLOT_QUEUED,
  SLOT_RUNNING,
  TOO_LATE,
  WITHDRAWN,
} from './layout.generated.ts';
import { ring } from './free-list.ts';
import { clientOf, pack, queueAt, slotAt, stateOf, workerOf } from './places.ts';
import { wakeOne } from './sleep.ts';

/**
 * Enters a slot that the client holds, with its task written, into the queue of a band and wakes a worker.
 * @returns ENTERED; NOT_OPEN where the scheduler was closed: it will not run; NOT_YOURS where the client does not hold it
 */
export function enterSlot(scheduler: i32, slot: i32, client: i32, band: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const held = pack(SLOT_HELD, client, 0);
  const entering = pack(SLOT_ENTERING, client, 0);
  const queued = pack(SLOT_QUEUED, client, 0);
  if (compareExchange(word, held, entering) != held) return NOT_YOURS;
  // A queue has room for all slots. It says full only while a worker is held up in the middle of taking a slot out.
  while (pushQueue(queueAt(scheduler, band), slot) == 0)
    wait(scheduler + SCHEDULER_ROOT_PHASE, load(scheduler + SCHEDULER_ROOT_PHASE), QUEUE_FULL_NAP_US);
  // No loop or call since the push: a client that is gone has pushed the slot only if it is not ENTERING. Fails where a worker
  // has claimed it already.
  compareExchange(word, entering, queued);
  wakeOne(scheduler);
  // Pairs with the owner's look at all slots after it closed: either it sees the slot queued, or we see the phase.
  if (load(scheduler + SCHEDULER_ROOT_PHASE) == PHASE_CLOSED)
    return compareExchange(word, queued, pack(SLOT_CANCELLED, 0, 0)) == queued ? NOT_OPEN : ENTERED;
  return ENTERED;
}

/** The client wants the result no more. @returns WITHDRAWN, DISOWNED, TOO_LATE or NOT_YOURS */
export function cancelSlot(scheduler: i32, slot: i32, client: i32): i32 {
  return withdraw(scheduler, slot, client, SLOT_ORPHANED);
}

/** The client wants the result no more and its worker terminated. @returns WITHDRAWN, DISOWNED, TOO_LATE or NOT_YOURS */
export function condemnSlot(scheduler: i32, slot: i32, client: i32): i32 {
  const outcome = withdraw(scheduler, slot, client, SLOT_CONDEMNED);
  if (outcome == DISOWNED) ring(scheduler);
  return outcome;
}

function withdraw(scheduler: i32, slot: i32, client: i32, running: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  while (true) {
    const seen = load(word);
    if (clientOf(seen) != client) return NOT_YOURS;
    const state = stateOf(seen);
    if (state == SLOT_FINISHED || state == SLOT_DONE) return TOO_LATE;
    if (state != SLOT_QUEUED && state != SLOT_RUNNING) return NOT_YOURS;
    const next = state == SLOT_QUEUED ? pack(SLOT_CANCELLED, 0, 0) : pack(running, 0, workerOf(seen));
    // take: against the worker's claim, and against its finish.
    if (compareExchange(word, seen, next) == seen) return state == SLOT_QUEUED ? WITHDRAWN : DISOWNED;
  }
}
