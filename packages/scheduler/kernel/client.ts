// What a client does with a slot: hands it to the workers, and takes it back before it has run. PROTOCOL.md, section 1.
import { compareExchange, get, load, notify } from '@corelane/shared-memory/kernel/atomics';
import {
  CLIENT_GONE,
  CONDEMNED,
  DISOWNED,
  ENTERED,
  LANE_FULL,
  LEVELS,
  NOT_OPEN,
  NOT_YOURS,
  PAYLOAD_KIND_MOVED_MASK,
  PAYLOAD_KIND_MOVED_SHIFT,
  PHASE_CLOSING,
  PHASE_OPEN,
  POLICY_DEADLINE,
  POLICY_FIFO,
  SCHEDULER_ROOT_PHASE,
  SCHEDULER_ROOT_POLICY,
  SLOT_CONDEMNED,
  SLOT_DOOMED,
  SLOT_HEAD_DEADLINE,
  SLOT_HEAD_KIND,
  SLOT_HEAD_STATE,
  SLOT_HELD,
  SLOT_HINT_GENERATION_SHIFT,
  SLOT_MENDING,
  SLOT_ORPHANED,
  SLOT_QUEUED,
  SLOT_RUNNING,
  SLOT_STATE_GENERATION_MASK,
  SLOT_STATE_GENERATION_SHIFT,
  SLOT_STUCK,
  TOO_LATE,
  UNTOUCHED,
  WITHDRAWN,
} from './layout.generated.ts';
import { enterDeadline, leaveDeadlines } from './deadlines.ts';
import { drawTicket } from './fifo.ts';
import { ring, ringUnlessOpen } from './free-list.ts';
import { hasRoomAt, pushHintAt } from './lanes.ts';
import { isLive } from './pinned.ts';
import {
  become,
  clientOf,
  generationOf,
  isEnded,
  laneAt,
  laneShift,
  slotAt,
  stateOf,
  workerOf,
} from './places.ts';
import { wakeOne, wakeWorker } from './sleep.ts';
import { isSlow, uncount } from './slow-lane.ts';

/**
 * Hands a slot with a task written to it to the workers: one that the client holds, or of a task of its that has ended.
 * @param lane a level of priority, or LEVELS + the index of the worker that alone may run it: as the slot's `lane`
 * @returns ENTERED; LANE_FULL; NOT_OPEN where the scheduler was closed: it will not run; CLIENT_GONE where the slot is its no more: it was reclaimed
 */
export function submitSlot(scheduler: i32, slot: i32, client: i32, lane: i32): i32 {
  const policy = get(scheduler + SCHEDULER_ROOT_POLICY);
  const deadline =
    policy == POLICY_DEADLINE && lane < LEVELS ? get(slotAt(scheduler, slot) + SLOT_HEAD_DEADLINE) : 0;
  const at = laneAt(scheduler, client, lane);
  const shift = laneShift(scheduler, lane);
  if (deadline == 0 && hasRoomAt(at, shift) == 0) return LANE_FULL;
  if (policy >= POLICY_FIFO) {
    if (policy == POLICY_FIFO) drawTicket(scheduler, slot);
    else if (deadline == 0) leaveDeadlines(scheduler, slot, client);
  }
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const kind = get(slotAt(scheduler, slot) + SLOT_HEAD_KIND); // not later: its worker writes another one
  let queued = 0;
  while (true) {
    const seen = load(word);
    const state = stateOf(seen);
    if (clientOf(seen) != client || (state != SLOT_HELD && isEnded(state) == 0)) return CLIENT_GONE;
    const generation = (generationOf(seen) + 1) & SLOT_STATE_GENERATION_MASK;
    // Hints of other lanes that stayed for 256 tasks would seem to be of this one: they lead nobody else to what is one worker's.
    const pinnedTo = lane < LEVELS ? 0 : (lane - LEVELS + 1) | 0;
    queued = become(generation << SLOT_STATE_GENERATION_SHIFT, SLOT_QUEUED, client, pinnedTo);
    // take: against the worker's step from FINISHED to DONE, and a reclaim.
    if (compareExchange(word, seen, queued) == seen) break;
  }
  const hint = slot | (generationOf(queued) << SLOT_HINT_GENERATION_SHIFT);
  if (deadline != 0) enterDeadline(scheduler, slot, queued, deadline);
  else pushHintAt(scheduler, at, shift, client, lane, hint);
  if (lane < LEVELS) wakeOne(scheduler);
  else wakePinned(scheduler, (lane - LEVELS + 1) | 0);
  // Pairs with the owner's search for busy slots: it said so before, so either it sees the slot queued or we see that it is closing.
  const phase = load(scheduler + SCHEDULER_ROOT_PHASE);
  if (phase == PHASE_OPEN) return ENTERED;
  // One that was moved, and could not be, was accepted before: the owner has seen it all the time.
  const moved = (kind >>> PAYLOAD_KIND_MOVED_SHIFT) & PAYLOAD_KIND_MOVED_MASK;
  if (phase == PHASE_CLOSING && moved != 0) return ENTERED;
  if (compareExchange(word, queued, become(queued, SLOT_HELD, client, 0)) != queued) return ENTERED;
  ringUnlessOpen(scheduler);
  return NOT_OPEN;
}

/** After a hint was pushed for one worker. */
function wakePinned(scheduler: i32, worker: i32): void {
  wakeWorker(scheduler, worker);
  // Pairs with the owner's clearing it, before it looks at the lanes: it sees the hint, or is told.
  if (isLive(scheduler, worker) == 0) ring(scheduler);
}

/** The client wants the result no more. A slot that is WITHDRAWN is the client's to use again. @returns WITHDRAWN, DISOWNED, TOO_LATE or NOT_YOURS */
export function cancelSlot(scheduler: i32, slot: i32, client: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  while (true) {
    const seen = load(word);
    if (clientOf(seen) != client) return NOT_YOURS;
    const state = stateOf(seen);
    if (isEnded(state) != 0) return TOO_LATE;
    const waits = state == SLOT_QUEUED || state == SLOT_MENDING;
    if (!waits && state != SLOT_RUNNING && state != SLOT_STUCK) return NOT_YOURS;
    const next = waits
      ? become(seen, SLOT_HELD, client, 0)
      : state == SLOT_STUCK
        ? become(seen, SLOT_DOOMED, 0, workerOf(seen))
        : become(seen, SLOT_ORPHANED, client, workerOf(seen));
    // take: against the worker's claim, its finish, and its end. The hint is stale from now on.
    if (compareExchange(word, seen, next) == seen) {
      if (isSlow(seen) != 0) uncount(scheduler, slot);
      if (waits) ringUnlessOpen(scheduler);
      else notify(word, 1); // the worker may wait for it: pairs with the wait of a task's signal
      return waits ? WITHDRAWN : DISOWNED;
    }
  }
}

/**
 * A task that the client has disowned runs still, and it wants the worker terminated.
 * @param generation of the slot when it was disowned: a later task in it is not meant
 * @returns CONDEMNED, or UNTOUCHED where the task has ended, or is being ended so
 */
export function condemnSlot(scheduler: i32, slot: i32, client: i32, generation: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const seen = load(word);
  if (stateOf(seen) != SLOT_ORPHANED || clientOf(seen) != client || generationOf(seen) != generation)
    return UNTOUCHED;
  // take: against the worker's finish.
  if (compareExchange(word, seen, become(seen, SLOT_CONDEMNED, 0, workerOf(seen))) != seen) return UNTOUCHED;
  ring(scheduler);
  return CONDEMNED;
}
