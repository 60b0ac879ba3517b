// How a task enters the slow lane. PROTOCOL.md, section 15.
import { add, compareExchange, get, load, store, sub } from '@corelane/shared-memory/kernel/atomics';
import {
  CLIENT_GONE,
  ENTERED,
  NOT_OPEN,
  PHASE_CLOSING,
  PHASE_OPEN,
  POLICY_DEADLINE,
  SCHEDULER_ROOT_PHASE,
  SCHEDULER_ROOT_POLICY,
  SCHEDULER_ROOT_SLOW_AT,
  SLOT_HEAD_STATE,
  SLOT_HEAD_TASK,
  SLOT_HELD,
  SLOT_HINT_GENERATION_SHIFT,
  SLOT_HINT_LAP_SHIFT,
  SLOT_HINT_SLOT_MASK,
  SLOT_QUEUED,
  SLOT_STATE_GENERATION_MASK,
  SLOT_STATE_GENERATION_SHIFT,
  SLOW_FULL,
  SLOW_LANE_HEAD_HEAD,
  SLOW_LANE_HEAD_TAIL,
  SLOW_LANE_ROOT_CAPACITY,
  SLOW_LANE_ROOT_ENTERED,
  SLOW_LANE_ROOT_FULL,
  SLOW_LANE_ROOT_LANE_SHIFT,
  SLOW_LANE_ROOT_PER_SOURCE,
  SLOW_LANE_ROOT_QUEUED,
  SLOW_LANE_ROOT_THROTTLED,
  SLOW_PARTY,
  SOURCE_THROTTLED,
} from './layout.generated.ts';
import { leaveDeadlines } from './deadlines.ts';
import { ringUnlessOpen } from './free-list.ts';
import { become, clientOf, generationOf, isEnded, slotAt, stateOf } from './places.ts';
import { wakeSlow } from './sleep.ts';
import { dropStale, enteredAt, slowCellAt, slowLaneAt, slowLapOf, sourceAt, uncount } from './slow-lane.ts';

/** A hint that leads nowhere, whatever the scheduler has for slots: no slot of that number has generation 0 and lap 0 for long enough. */
const NOBODY: i32 = SLOT_HINT_SLOT_MASK;

/**
 * As submitSlot, into the slow lane: a task that the client has written, or one of its that a worker has moved.
 * @param lane of priority, the first one the most urgent
 * @param nowMs of sharedNowMs(), as an i32 that wraps
 * @param isAccepted not 0: it was moved, and goes on while the scheduler is closing
 * @returns ENTERED; SLOW_FULL; SOURCE_THROTTLED; NOT_OPEN; CLIENT_GONE
 */
export function submitSlow(
  scheduler: i32,
  slot: i32,
  client: i32,
  lane: i32,
  nowMs: i32,
  isAccepted: i32,
): i32 {
  const slow = get(scheduler + SCHEDULER_ROOT_SLOW_AT);
  if (get(scheduler + SCHEDULER_ROOT_POLICY) == POLICY_DEADLINE) leaveDeadlines(scheduler, slot, client);
  const at = slowLaneAt(slow, lane);
  const shift = get(slow + SLOW_LANE_ROOT_LANE_SHIFT);
  const capacity = get(slow + SLOW_LANE_ROOT_CAPACITY);
  const perSource = get(slow + SLOW_LANE_ROOT_PER_SOURCE);
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const source = sourceAt(slow, get(slotAt(scheduler, slot) + SLOT_HEAD_TASK));
  const entered = enteredAt(slow, slot);
  let queued = 0;
  while (true) {
    const seen = load(word);
    const state = stateOf(seen);
    if (clientOf(seen) != client || (state != SLOT_HELD && isEnded(state) == 0)) return CLIENT_GONE;
    const generation = (generationOf(seen) + 1) & SLOT_STATE_GENERATION_MASK;
    queued = become(generation << SLOT_STATE_GENERATION_SHIFT, SLOT_QUEUED, client, SLOW_PARTY);
    const hint = slot | (generation << SLOT_HINT_GENERATION_SHIFT);
    // From the first count to the hint, or to both counts taken back, there is no loop and no call: no client ends between.
    if (add(slow + SLOW_LANE_ROOT_QUEUED, 1) >= capacity) {
      sub(slow + SLOW_LANE_ROOT_QUEUED, 1);
      add(slow + SLOW_LANE_ROOT_FULL, 1);
      return SLOW_FULL;
    }
    if (add(source, 1) >= perSource) {
      sub(source, 1);
      sub(slow + SLOW_LANE_ROOT_QUEUED, 1);
      add(slow + SLOW_LANE_ROOT_THROTTLED, 1);
      return SOURCE_THROTTLED;
    }
    const head = load(at + SLOW_LANE_HEAD_HEAD);
    const hasRoom = ((head - load(at + SLOW_LANE_HEAD_TAIL)) | 0) < 1 << shift;
    // claim: against other clients. The cell is ours to write: who had it before is behind `tail`.
    if (!hasRoom || compareExchange(at + SLOW_LANE_HEAD_HEAD, head, (head + 1) | 0) != head) {
      sub(source, 1);
      sub(slow + SLOW_LANE_ROOT_QUEUED, 1);
      if (hasRoom) continue;
      // There is room where somebody else has thrown some away, too.
      if (((head - dropStale(scheduler, lane)) | 0) < 1 << shift) continue;
      // As many hints of tasks that were cancelled are behind one that waits.
      add(slow + SLOW_LANE_ROOT_FULL, 1);
      return SLOW_FULL;
    }
    store(entered, nowMs);
    // take: against the worker's step from FINISHED to DONE, and a reclaim.
    const isQueued = compareExchange(word, seen, queued) == seen;
    // publish: pairs with observe in frontOf.
    store(
      slowCellAt(at, head, shift),
      (isQueued ? hint : NOBODY) | (slowLapOf(head, shift) << SLOT_HINT_LAP_SHIFT),
    );
    if (isQueued) break;
    sub(source, 1);
    sub(slow + SLOW_LANE_ROOT_QUEUED, 1);
  }
  add(slow + SLOW_LANE_ROOT_ENTERED, 1);
  wakeSlow(scheduler);
  // As in submitSlot. What was moved is the owner's business until it is QUEUED again: it waits for that before it closes.
  const phase = load(scheduler + SCHEDULER_ROOT_PHASE);
  if (phase == PHASE_OPEN || (phase == PHASE_CLOSING && isAccepted != 0)) return ENTERED;
  if (compareExchange(word, queued, become(queued, SLOT_HELD, client, 0)) != queued) return ENTERED;
  uncount(scheduler, slot);
  ringUnlessOpen(scheduler);
  return NOT_OPEN;
}

/** What a task of this name would be told now, were it to enter: ENTERED, SLOW_FULL or SOURCE_THROTTLED. */
export function slowRefusal(scheduler: i32, task: i32): i32 {
  const slow = get(scheduler + SCHEDULER_ROOT_SLOW_AT);
  if (load(slow + SLOW_LANE_ROOT_QUEUED) >= get(slow + SLOW_LANE_ROOT_CAPACITY)) return SLOW_FULL;
  return load(sourceAt(slow, task)) >= get(slow + SLOW_LANE_ROOT_PER_SOURCE) ? SOURCE_THROTTLED : ENTERED;
}
