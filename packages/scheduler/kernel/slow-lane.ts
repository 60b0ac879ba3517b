// The slow lane: four lanes of hints by priority, which any client pushes to and the workers of the slow lane take from. PROTOCOL.md, section 15.
//
// A slot in it is QUEUED and names SLOW_PARTY, so hints of other lanes do not lead to it. Its hint leaves the lane after the slot was claimed, or was found
// stale: whatever happens to a worker, its successor finds the rest. What is counted are slots in that state, not hints.
//
// Rejected: a lane for each client, as other tasks have: then weights hold for each client alone, and nobody knows how many tasks of a source wait.
import { add, compareExchange, get, load, set, sub } from '@corelane/shared-memory/kernel/atomics';
import {
  LANE_CELL_BYTES,
  LANE_CELL_HINT,
  NO_TASK,
  SCHEDULER_ROOT_SLOTS,
  SCHEDULER_ROOT_SLOW_AT,
  SLOT_HEAD_STATE,
  SLOT_HEAD_TASK,
  SLOT_HINT_GENERATION_MASK,
  SLOT_HINT_GENERATION_SHIFT,
  SLOT_HINT_LAP_MASK,
  SLOT_HINT_LAP_SHIFT,
  SLOT_HINT_SLOT_MASK,
  SLOT_QUEUED,
  SLOT_RUNNING,
  SLOW_LANE_HEAD_BYTES,
  SLOW_LANE_HEAD_TAIL,
  SLOW_LANE_ROOT_BOOST_MS,
  SLOW_LANE_ROOT_BOOSTED,
  SLOW_LANE_ROOT_ENTERED_AT,
  SLOW_LANE_ROOT_LANE_BYTES,
  SLOW_LANE_ROOT_LANE_SHIFT,
  SLOW_LANE_ROOT_LANES_AT,
  SLOW_LANE_ROOT_QUEUED,
  SLOW_LANE_ROOT_SOURCES,
  SLOW_LANE_ROOT_SOURCES_AT,
  SLOW_LANE_ROOT_WEIGHTS,
  SLOW_LANES,
  SLOW_PARTY,
  SLOW_SLOT_BYTES,
  SLOW_SLOT_ENTERED_MS,
  SLOW_SOURCE_BYTES,
  SLOW_SOURCE_QUEUED,
  SLOW_TURN_BOOSTED_MASK,
  SLOW_TURN_BOOSTED_SHIFT,
  SLOW_TURN_LANE_MASK,
  SLOW_TURN_LANE_SHIFT,
  SLOW_TURN_LEFT_MASK,
  SLOW_TURN_LEFT_SHIFT,
  SLOW_WEIGHTS_CRITICAL_MASK,
  SLOW_WEIGHTS_HIGH_SHIFT,
  WORKER_ENTRY_SLOW_TURN,
} from './layout.generated.ts';
import { become, clientOf, generationOf, slotAt, stateOf, workerAt, workerOf } from './places.ts';

const HINT: i32 = (1 << SLOT_HINT_LAP_SHIFT) - 1;

/** Who waits in no lane. */
const NOBODY_WAITS: i32 = 0;

export function slowLaneAt(slow: i32, lane: i32): i32 {
  return get(slow + SLOW_LANE_ROOT_LANES_AT) + lane * get(slow + SLOW_LANE_ROOT_LANE_BYTES);
}

/** The cell of a position, in a lane with room for 2 to the power of `shift` hints. */
export function slowCellAt(at: i32, position: i32, shift: i32): i32 {
  return at + SLOW_LANE_HEAD_BYTES + (position & ((1 << shift) - 1)) * LANE_CELL_BYTES + LANE_CELL_HINT;
}

/** As of lanes: the first one is 1, and cells begin with 0. */
export function slowLapOf(position: i32, shift: i32): i32 {
  return ((position >>> shift) + 1) & SLOT_HINT_LAP_MASK;
}

/** Where it is counted how many tasks of a name wait; where nobody has such a name, that of the first one: somebody wrote over shared memory. */
export function sourceAt(slow: i32, task: i32): i32 {
  const source = task >>> 0 < get(slow + SLOW_LANE_ROOT_SOURCES) >>> 0 ? task : 0;
  return get(slow + SLOW_LANE_ROOT_SOURCES_AT) + source * SLOW_SOURCE_BYTES + SLOW_SOURCE_QUEUED;
}

/** When a slot entered. */
export function enteredAt(slow: i32, slot: i32): i32 {
  return get(slow + SLOW_LANE_ROOT_ENTERED_AT) + slot * SLOW_SLOT_BYTES + SLOW_SLOT_ENTERED_MS;
}

/** Whether a slot in this state waits in the slow lane: 1 or 0. */
export function isSlow(state: i32): i32 {
  return workerOf(state) == SLOW_PARTY ? 1 : 0;
}

/** Of who has just taken a slot out of the slow lane: the CAS came before, at once. */
export function uncount(scheduler: i32, slot: i32): void {
  const slow = get(scheduler + SCHEDULER_ROOT_SLOW_AT);
  sub(sourceAt(slow, get(slotAt(scheduler, slot) + SLOT_HEAD_TASK)), 1);
  sub(slow + SLOW_LANE_ROOT_QUEUED, 1);
}

/** Whether there is a hint in it, stale ones included: 1 or 0. Exact: else there was a moment at which each lane had none. */
export function hasSlow(scheduler: i32): i32 {
  const slow = get(scheduler + SCHEDULER_ROOT_SLOW_AT);
  const shift = get(slow + SLOW_LANE_ROOT_LANE_SHIFT);
  for (let lane = 0; lane < SLOW_LANES; lane++) {
    const at = slowLaneAt(slow, lane);
    let tail = load(at + SLOW_LANE_HEAD_TAIL);
    while (true) {
      if (lapIn(load(slowCellAt(at, tail, shift))) == slowLapOf(tail, shift)) return 1;
      // Another lap is a later one where others have taken the hint meanwhile.
      const again = load(at + SLOW_LANE_HEAD_TAIL);
      if (again == tail) break;
      tail = again;
    }
  }
  return 0;
}

/** Throws away what is stale at the front of a lane. @returns its tail after that */
export function dropStale(scheduler: i32, lane: i32): i32 {
  frontOf(scheduler, lane);
  return load(slowLaneAt(get(scheduler + SCHEDULER_ROOT_SLOW_AT), lane) + SLOW_LANE_HEAD_TAIL);
}

/**
 * Claims a task of the slow lane: every second time one that has waited for `boostMs`, the longest; else as weights say.
 * @param nowMs of sharedNowMs(), as an i32 that wraps
 * @returns its slot, or NO_TASK
 */
export function takeSlow(scheduler: i32, worker: i32, nowMs: i32): i32 {
  const slow = get(scheduler + SCHEDULER_ROOT_SLOW_AT);
  const turnAt = workerAt(scheduler, worker) + WORKER_ENTRY_SLOW_TURN;
  while (true) {
    const turn = get(turnAt);
    const wasBoosted = (turn >>> SLOW_TURN_BOOSTED_SHIFT) & SLOW_TURN_BOOSTED_MASK;
    let waiting = NOBODY_WAITS;
    let oldest = -1;
    let oldestMs = (get(slow + SLOW_LANE_ROOT_BOOST_MS) - 1) | 0;
    for (let lane = 0; lane < SLOW_LANES; lane++) {
      const slot = frontOf(scheduler, lane);
      if (slot < 0) continue;
      waiting = waiting | (1 << lane);
      const ms = (nowMs - load(enteredAt(slow, slot))) | 0;
      if (ms <= oldestMs) continue;
      oldest = lane;
      oldestMs = ms;
    }
    if (waiting == NOBODY_WAITS) return NO_TASK;
    const isBoosted = oldest >= 0 && wasBoosted == 0;
    const next = isBoosted ? turn | (1 << SLOW_TURN_BOOSTED_SHIFT) : nextTurn(turn, waiting, slow);
    const lane = isBoosted ? oldest : (next >>> SLOW_TURN_LANE_SHIFT) & SLOW_TURN_LANE_MASK;
    const slot = claimFront(scheduler, worker, lane);
    if (slot < 0) continue;
    set(turnAt, next);
    if (isBoosted) add(slow + SLOW_LANE_ROOT_BOOSTED, 1);
    return slot;
  }
}

/** Deficit round robin, a task costing one: the lane goes on for as many tasks as its weight, then the next one that has some; who has none loses what is left. */
function nextTurn(turn: i32, waiting: i32, slow: i32): i32 {
  let lane = (turn >>> SLOW_TURN_LANE_SHIFT) & SLOW_TURN_LANE_MASK;
  let left = (turn >>> SLOW_TURN_LEFT_SHIFT) & SLOW_TURN_LEFT_MASK;
  if (left == 0 || ((waiting >>> lane) & 1) == 0) {
    lane = (lane + 1) & SLOW_TURN_LANE_MASK;
    while (((waiting >>> lane) & 1) == 0) lane = (lane + 1) & SLOW_TURN_LANE_MASK;
    left =
      (get(slow + SLOW_LANE_ROOT_WEIGHTS) >>> (lane * SLOW_WEIGHTS_HIGH_SHIFT)) & SLOW_WEIGHTS_CRITICAL_MASK;
  }
  return (lane << SLOW_TURN_LANE_SHIFT) | ((left - 1) << SLOW_TURN_LEFT_SHIFT);
}

/** The slot that the oldest hint of a lane leads to, or NO_TASK. Throws stale hints away. */
function frontOf(scheduler: i32, lane: i32): i32 {
  const slow = get(scheduler + SCHEDULER_ROOT_SLOW_AT);
  const at = slowLaneAt(slow, lane);
  const shift = get(slow + SLOW_LANE_ROOT_LANE_SHIFT);
  while (true) {
    const tail = load(at + SLOW_LANE_HEAD_TAIL);
    const cell = load(slowCellAt(at, tail, shift)); // observe: pairs with publish in submitSlow
    if (lapIn(cell) != slowLapOf(tail, shift)) {
      if (load(at + SLOW_LANE_HEAD_TAIL) == tail) return NO_TASK;
      continue; // a later lap: others have taken it meanwhile
    }
    const slot = cell & SLOT_HINT_SLOT_MASK;
    if (waitsBy(scheduler, cell & HINT) != 0) return slot;
    // take: against other workers, and clients that look for room. Stale for good, since a slot is queued before its hint is there.
    compareExchange(at + SLOW_LANE_HEAD_TAIL, tail, (tail + 1) | 0);
  }
}

/** Claims what the oldest hint of a lane leads to. @returns its slot, or NO_TASK: others may have been faster */
function claimFront(scheduler: i32, worker: i32, lane: i32): i32 {
  const slow = get(scheduler + SCHEDULER_ROOT_SLOW_AT);
  const at = slowLaneAt(slow, lane);
  const shift = get(slow + SLOW_LANE_ROOT_LANE_SHIFT);
  const tail = load(at + SLOW_LANE_HEAD_TAIL);
  const cell = load(slowCellAt(at, tail, shift)); // observe: as in frontOf
  if (lapIn(cell) != slowLapOf(tail, shift)) return NO_TASK;
  const hint = cell & HINT;
  const slot = hint & SLOT_HINT_SLOT_MASK;
  if (slot >= get(scheduler + SCHEDULER_ROOT_SLOTS)) return NO_TASK;
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const seen = load(word);
  if (isOf(hint, seen) == 0) return NO_TASK;
  // claim: against a cancellation, and other workers. Observes the task: pairs with submitSlow.
  if (compareExchange(word, seen, become(seen, SLOT_RUNNING, clientOf(seen), worker)) != seen) return NO_TASK;
  uncount(scheduler, slot);
  // After the claim: a worker that ends before this leaves a stale hint. Fails where somebody has found it stale.
  compareExchange(at + SLOW_LANE_HEAD_TAIL, tail, (tail + 1) | 0);
  return slot;
}

/** Whether the slot of a hint waits in the slow lane: 1, or 0 where the hint is stale. */
function waitsBy(scheduler: i32, hint: i32): i32 {
  const slot = hint & SLOT_HINT_SLOT_MASK;
  if (slot >= get(scheduler + SCHEDULER_ROOT_SLOTS)) return 0; // nobody's, or somebody wrote over shared memory
  return isOf(hint, load(slotAt(scheduler, slot) + SLOT_HEAD_STATE));
}

/** Whether a hint is one to a slot in this state: 1 or 0. */
function isOf(hint: i32, seen: i32): i32 {
  const generation = (hint >>> SLOT_HINT_GENERATION_SHIFT) & SLOT_HINT_GENERATION_MASK;
  return stateOf(seen) == SLOT_QUEUED && generationOf(seen) == generation ? isSlow(seen) : 0;
}

function lapIn(cell: i32): i32 {
  return (cell >>> SLOT_HINT_LAP_SHIFT) & SLOT_HINT_LAP_MASK;
}
