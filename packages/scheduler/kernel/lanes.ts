// Lanes: hints of one client at one level of priority, which any worker takes. PROTOCOL.md, section 2. Those that are pinned to one
// worker are the same rings (pinned.ts).
// A ring with one producer and many consumers, who read before they claim. A hint's lap says that it is the one of its position, so the
// hint publishes itself: one atomic store a task.
import { and, compareExchange, get, load, or, set, store } from '@corelane/shared-memory/kernel/atomics';
import { publishDeque, roomInDeque, stageDeque } from '@corelane/lock-free/kernel/deque';
import {
  LANE_CELL_BYTES,
  LANE_CELL_HINT,
  LANE_HEAD_BYTES,
  LANE_HEAD_HEAD,
  LANE_HEAD_TAIL,
  LANE_HEAD_TAIL_SEEN,
  LEVELS,
  NO_HINT,
  SCHEDULER_ROOT_BATCH,
  SCHEDULER_ROOT_LEVELS,
  SCHEDULER_ROOT_MAX_CLIENTS,
  SCHEDULER_ROOT_SHARE,
  SLOT_HINT_LAP_MASK,
  SLOT_HINT_LAP_SHIFT,
  WORKER_ENTRY_PINNED,
} from './layout.generated.ts';
import { dequeAt, laneAt, laneShift, readyAt, readyWords, workerAt } from './places.ts';

const HINT: i32 = (1 << SLOT_HINT_LAP_SHIFT) - 1;

/** Of the client. @returns 1, or 0 where the lane is full: then nothing was changed */
export function hasRoom(scheduler: i32, client: i32, lane: i32): i32 {
  return hasRoomAt(laneAt(scheduler, client, lane), laneShift(scheduler, lane));
}

/** The same with the lane's address and shift. */
export function hasRoomAt(at: i32, shift: i32): i32 {
  const room = 1 << shift;
  const head = get(at + LANE_HEAD_HEAD);
  if (((head - get(at + LANE_HEAD_TAIL_SEEN)) | 0) < room) return 1;
  set(at + LANE_HEAD_TAIL_SEEN, load(at + LANE_HEAD_TAIL)); // observe: pairs with the claims of workers
  return ((head - get(at + LANE_HEAD_TAIL_SEEN)) | 0) < room ? 1 : 0;
}

/** Of the client, there being room. */
export function pushHint(scheduler: i32, client: i32, lane: i32, hint: i32): void {
  pushHintAt(scheduler, laneAt(scheduler, client, lane), laneShift(scheduler, lane), client, lane, hint);
}

/** The same with the lane's address and shift. */
export function pushHintAt(scheduler: i32, at: i32, shift: i32, client: i32, lane: i32, hint: i32): void {
  const head = get(at + LANE_HEAD_HEAD);
  // publish: pairs with observe in takeHint and takeBatch.
  store(cellAt(at, head, shift), hint | (lapOf(head, shift) << SLOT_HINT_LAP_SHIFT));
  set(at + LANE_HEAD_HEAD, (head + 1) | 0);
  markReady(scheduler, client, lane);
}

/** After a push: workers find the lane by these bits. Mostly they are set, and this is two loads of words that nobody writes. */
export function markReady(scheduler: i32, client: i32, lane: i32): void {
  const word = readyAt(scheduler, lane) + (client >> 5) * 4;
  const bit = 1 << (client & 31);
  if ((load(word) & bit) == 0) or(word, bit); // pairs with the clearing in seekLane
  if (lane >= LEVELS) {
    const pinned = workerAt(scheduler, (lane - LEVELS + 1) | 0) + WORKER_ENTRY_PINNED;
    if (load(pinned) == 0) store(pinned, 1); // pairs with the clearing in claimPinned
  } else if ((load(scheduler + SCHEDULER_ROOT_LEVELS) & (1 << lane)) == 0)
    or(scheduler + SCHEDULER_ROOT_LEVELS, 1 << lane);
}

/**
 * A lane of the level with a hint in it; the search begins at client `first`, for fairness. Clears bits of lanes that have none.
 * @returns its client, or -1 where there is none
 */
export function seekLane(scheduler: i32, lane: i32, first: i32): i32 {
  const words = readyWords(scheduler);
  const ready = readyAt(scheduler, lane);
  const start = first >> 5 < words ? first >> 5 : 0;
  // One word more than there are: the first one's lower bits come last.
  for (let i = 0; i <= words; i++) {
    const index = (start + i < words ? start + i : start + i - words) | 0;
    const word = ready + index * 4;
    let bits = load(word);
    const lower = (1 << (first & 31)) - 1;
    if (i == 0) bits = bits & ~lower;
    else if (i == words) bits = bits & lower;
    while (bits != 0) {
      const bit = bits & -bits;
      const client = ((index << 5) + bitIndex(bit)) | 0;
      if (isEmpty(scheduler, client, lane) == 0) return client;
      and(word, ~bit);
      // Pairs with markReady: the client pushed before it looked at the bit, we clear it before we look at the lane.
      if (isEmpty(scheduler, client, lane) == 0) {
        or(word, bit);
        return client;
      }
      bits = bits & ~bit;
    }
  }
  return -1;
}

/** Whether a lane of the level has a hint: 1 or 0. Leaves all bits as they are. */
export function seesHint(scheduler: i32, level: i32): i32 {
  const words = readyWords(scheduler);
  for (let i = 0; i < words; i++) {
    let bits = load(readyAt(scheduler, level) + i * 4);
    while (bits != 0) {
      const bit = bits & -bits;
      if (isEmpty(scheduler, ((i << 5) + bitIndex(bit)) | 0, level) == 0) return 1;
      bits = bits & ~bit;
    }
  }
  return 0;
}

/** The most urgent level from `below` - 1 down at which there may be something, or -1. Clears bits of levels that have nothing. */
export function seekLevel(scheduler: i32, below: i32): i32 {
  const levels = scheduler + SCHEDULER_ROOT_LEVELS;
  let bits = load(levels) & ((1 << below) - 1);
  while (bits != 0) {
    const level = highestBit(bits);
    if (anyReady(scheduler, level) != 0) return level;
    and(levels, ~(1 << level));
    // Pairs with markReady in the same way.
    if (anyReady(scheduler, level) != 0) {
      or(levels, 1 << level);
      return level;
    }
    bits = bits & ~(1 << level);
  }
  return -1;
}

/** Every level may have something: after a worker has ended, which may have been between the two looks above. */
export function markAllLevels(scheduler: i32): void {
  or(scheduler + SCHEDULER_ROOT_LEVELS, (1 << LEVELS) - 1);
  for (let level = 0; level < LEVELS; level++)
    // Of clients that there are: beyond their lanes lies something else. Client 0 is the owner's.
    for (let client = 0; client <= get(scheduler + SCHEDULER_ROOT_MAX_CLIENTS); client++)
      or(readyAt(scheduler, level) + (client >> 5) * 4, 1 << (client & 31));
}

/** @returns the oldest hint of a lane, or NO_HINT where there is none or somebody else was faster */
export function takeHint(scheduler: i32, client: i32, lane: i32): i32 {
  const at = laneAt(scheduler, client, lane);
  const shift = laneShift(scheduler, lane);
  const tail = load(at + LANE_HEAD_TAIL);
  const cell = load(cellAt(at, tail, shift)); // observe: pairs with publish in pushHint
  if (lapIn(cell) != lapOf(tail, shift)) return NO_HINT;
  // claim: against other workers. `tail` where it was: the client has not written over the cell.
  return compareExchange(at + LANE_HEAD_TAIL, tail, (tail + 1) | 0) == tail ? cell & HINT : NO_HINT;
}

/** @returns the oldest hint of a lane, which others may take meanwhile, or NO_HINT */
export function peekHint(scheduler: i32, client: i32, lane: i32): i32 {
  const at = laneAt(scheduler, client, lane);
  const shift = laneShift(scheduler, lane);
  const tail = load(at + LANE_HEAD_TAIL);
  const cell = load(cellAt(at, tail, shift)); // observe: as in takeHint
  return lapIn(cell) == lapOf(tail, shift) ? cell & HINT : NO_HINT;
}

/** Takes a hint where it is the oldest of a lane. @returns it, or NO_HINT */
export function takeThis(scheduler: i32, client: i32, lane: i32, hint: i32): i32 {
  const at = laneAt(scheduler, client, lane);
  const shift = laneShift(scheduler, lane);
  const tail = load(at + LANE_HEAD_TAIL);
  const cell = load(cellAt(at, tail, shift)); // observe: as in takeHint
  if (lapIn(cell) != lapOf(tail, shift) || (cell & HINT) != hint) return NO_HINT;
  return compareExchange(at + LANE_HEAD_TAIL, tail, (tail + 1) | 0) == tail ? hint : NO_HINT; // claim: as in takeHint
}

/**
 * Moves hints of a lane to the worker's deque: its share of what is there.
 * @returns how many: 0 where there was none, or somebody else was faster
 */
export function takeBatch(scheduler: i32, client: i32, level: i32, worker: i32): i32 {
  const at = laneAt(scheduler, client, level);
  const shift = laneShift(scheduler, level);
  const deque = dequeAt(scheduler, worker);
  const most = roomInDeque(deque, get(scheduler + SCHEDULER_ROOT_BATCH));
  const tail = load(at + LANE_HEAD_TAIL);
  const share = get(scheduler + SCHEDULER_ROOT_SHARE);
  let count = 0;
  while (count < most) {
    // Another one only where as many more are there as it would leave to the others.
    const ahead = (tail + (count + 1) * share - 1) | 0;
    if (count > 0 && (share > 1 << shift || isThere(at, ahead, tail, shift) == 0)) break;
    const cell = load(cellAt(at, (tail + count) | 0, shift)); // observe
    if (lapIn(cell) != lapOf((tail + count) | 0, shift)) break;
    stageDeque(deque, count, cell & HINT);
    count = (count + 1) | 0;
  }
  if (count == 0) return 0;
  // claim: as in takeHint, for all of them.
  if (compareExchange(at + LANE_HEAD_TAIL, tail, (tail + count) | 0) != tail) return 0;
  publishDeque(deque, count);
  return count;
}

/** Whether a worker that takes its share of a lane takes more than one hint: 1 or 0. */
export function hasShare(scheduler: i32, client: i32, level: i32): i32 {
  const at = laneAt(scheduler, client, level);
  const shift = laneShift(scheduler, level);
  const share = get(scheduler + SCHEDULER_ROOT_SHARE);
  const tail = load(at + LANE_HEAD_TAIL);
  return share <= 1 << shift ? isThere(at, (tail + 2 * share - 1) | 0, tail, shift) : 0;
}

/** Of who alone takes hints of the lane, there being one: the oldest. */
export function hintAt(scheduler: i32, client: i32, lane: i32): i32 {
  const at = laneAt(scheduler, client, lane);
  return load(cellAt(at, load(at + LANE_HEAD_TAIL), laneShift(scheduler, lane))) & HINT;
}

function isThere(at: i32, position: i32, tail: i32, shift: i32): i32 {
  if (((position - tail) | 0) >= 1 << shift) return 0;
  return lapIn(load(cellAt(at, position, shift))) == lapOf(position, shift) ? 1 : 0;
}

/** Exact: there was a moment at which the lane had no hint. @returns 1 or 0 */
export function isEmpty(scheduler: i32, client: i32, lane: i32): i32 {
  const at = laneAt(scheduler, client, lane);
  const shift = laneShift(scheduler, lane);
  let tail = load(at + LANE_HEAD_TAIL);
  while (true) {
    if (lapIn(load(cellAt(at, tail, shift))) == lapOf(tail, shift)) return 0;
    // Another lap is a later one where others have taken the hint meanwhile: only a tail that stayed says that the lane was empty.
    const again = load(at + LANE_HEAD_TAIL);
    if (again == tail) return 1;
    tail = again;
  }
}

/** @returns not 0 where a client may have a hint in such a lane */
export function anyReady(scheduler: i32, lane: i32): i32 {
  let any = 0;
  for (let i = 0; i < readyWords(scheduler); i++) any = any | load(readyAt(scheduler, lane) + i * 4);
  return any;
}

function lapIn(cell: i32): i32 {
  return (cell >>> SLOT_HINT_LAP_SHIFT) & SLOT_HINT_LAP_MASK;
}

/** The first one is 1, and cells begin with 0: a lane is memory that nobody has written to, and takes no page before it is used. */
function lapOf(position: i32, shift: i32): i32 {
  return ((position >>> shift) + 1) & SLOT_HINT_LAP_MASK;
}

function cellAt(lane: i32, position: i32, shift: i32): i32 {
  return lane + LANE_HEAD_BYTES + (position & ((1 << shift) - 1)) * LANE_CELL_BYTES + LANE_CELL_HINT;
}

/** Index of the one bit of a word. */
export function bitIndex(bit: i32): i32 {
  let index = 0;
  if ((bit & 0xffff) == 0) index = 16;
  if (((bit >>> index) & 0xff) == 0) index = (index + 8) | 0;
  if (((bit >>> index) & 0xf) == 0) index = (index + 4) | 0;
  if (((bit >>> index) & 0x3) == 0) index = (index + 2) | 0;
  if (((bit >>> index) & 0x1) == 0) index = (index + 1) | 0;
  return index;
}

/** Index of the highest bit of a word that is not 0. */
function highestBit(word: i32): i32 {
  let index = 0;
  if (word >>> 16 != 0) index = 16;
  if (word >>> (index + 8) != 0) index = (index + 8) | 0;
  if (word >>> (index + 4) != 0) index = (index + 4) | 0;
  if (word >>> (index + 2) != 0) index = (index + 2) | 0;
  if (word >>> (index + 1) != 0) index = (index + 1) | 0;
  return index;
}
