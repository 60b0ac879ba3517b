// Parking and waking workers. PROTOCOL.md, section 4.
import { dequeSize } from '@corelane/lock-free/kernel/deque';
import {
  add,
  and,
  compareExchange,
  exchange,
  get,
  load,
  notify,
  or,
  wait,
} from '@corelane/shared-memory/kernel/atomics';
import {
  GROWTH_ARMED,
  GROWTH_ASKED,
  LEVELS,
  MAY_SLEEP,
  PHASE_CLOSED,
  SCHEDULER_ROOT_COMMON,
  SCHEDULER_ROOT_GROWTH,
  SCHEDULER_ROOT_LEVELS,
  POLICY_DEADLINE,
  SCHEDULER_ROOT_PARKED,
  SCHEDULER_ROOT_PHASE,
  SCHEDULER_ROOT_POLICY,
  SCHEDULER_ROOT_SLOW_AT,
  SCHEDULER_ROOT_THREADS,
  SLOW_LANE_ROOT_GROWTH,
  SLOW_LANE_ROOT_PARKED,
  TIMED_OUT,
  WAIT_TIMED_OUT,
  WORK_WAITS,
  WORKER_ENTRY_WAKE,
} from './layout.generated.ts';
import { ring } from './free-list.ts';
import { earliest } from './deadlines.ts';
import { bitIndex, seekLane, seekLevel, seesHint } from './lanes.ts';
import { mayBePinned } from './pinned.ts';
import { dequeAt, workerAt } from './places.ts';
import { hasSlow } from './slow-lane.ts';

/** Whether there is a hint that this worker may take, stale ones included; for worker 0, any hint at all. @returns 1 or 0 */
export function hasWork(scheduler: i32, worker: i32): i32 {
  if (worker > 0) {
    if (mayBePinned(scheduler, worker) != 0) return 1;
    if (worker > get(scheduler + SCHEDULER_ROOT_COMMON)) return hasSlow(scheduler);
  } else {
    for (let each = 1; each <= get(scheduler + SCHEDULER_ROOT_THREADS); each++)
      if (mayBePinned(scheduler, each) != 0) return 1;
    if (get(scheduler + SCHEDULER_ROOT_SLOW_AT) != 0 && hasSlow(scheduler) != 0) return 1;
  }
  return hasCommonWork(scheduler);
}

/** Whether there is a hint that any worker may take that is none of the slow lane's: 1 or 0. */
export function hasCommonWork(scheduler: i32): i32 {
  if (get(scheduler + SCHEDULER_ROOT_POLICY) == POLICY_DEADLINE && earliest(scheduler) >= 0) return 1;
  let level = seekLevel(scheduler, LEVELS);
  while (level >= 0) {
    if (seekLane(scheduler, level, 0) >= 0) return 1;
    level = seekLevel(scheduler, level);
  }
  return anyBatch(scheduler);
}

/** Whether a worker has hints in its deque, which others may take: 1 or 0. */
function anyBatch(scheduler: i32): i32 {
  const common = get(scheduler + SCHEDULER_ROOT_COMMON);
  for (let each = 1; each <= common; each++) if (dequeSize(dequeAt(scheduler, each)) > 0) return 1;
  return 0;
}

/**
 * The same as `hasWork`, and clears no bits: who looks again in a moment leaves them, or the client would have to set them for each task.
 * Of a worker that is awake; before it parks it asks `hasWork`.
 */
export function seesWork(scheduler: i32, worker: i32): i32 {
  if (mayBePinned(scheduler, worker) != 0) return 1;
  if (worker > get(scheduler + SCHEDULER_ROOT_COMMON)) return hasSlow(scheduler);
  if (get(scheduler + SCHEDULER_ROOT_POLICY) == POLICY_DEADLINE && earliest(scheduler) >= 0) return 1;
  let levels = load(scheduler + SCHEDULER_ROOT_LEVELS);
  while (levels != 0) {
    const bit = levels & -levels;
    if (seesHint(scheduler, bitIndex(bit)) != 0) return 1;
    levels = levels & ~bit;
  }
  return anyBatch(scheduler);
}

/**
 * Wakes one parked worker that takes tasks of lanes, where there is one; or else asks for another one, where there may be more.
 * @returns how many it woke: 0 or 1
 */
export function wakeOne(scheduler: i32): i32 {
  const workers = get(scheduler + SCHEDULER_ROOT_COMMON);
  return wakeAmong(scheduler, scheduler + SCHEDULER_ROOT_PARKED, workers, scheduler + SCHEDULER_ROOT_GROWTH);
}

/** The same of those that take tasks of the slow lane. */
export function wakeSlow(scheduler: i32): i32 {
  const slow = get(scheduler + SCHEDULER_ROOT_SLOW_AT);
  const workers = get(scheduler + SCHEDULER_ROOT_THREADS);
  return wakeAmong(scheduler, slow + SLOW_LANE_ROOT_PARKED, workers, slow + SLOW_LANE_ROOT_GROWTH);
}

function wakeAmong(scheduler: i32, first: i32, workers: i32, growth: i32): i32 {
  const words = (workers + 31) >> 5;
  for (let i = 0; i < words; i++) {
    const word = first + i * 4;
    let parked = load(word); // observe: pairs with the worker's `or`, which comes before its last look for work
    while (parked != 0) {
      const bit = parked & -parked;
      // claim: whoever clears the bit wakes its worker; nobody else does, until it parks again.
      parked = and(word, ~bit);
      if ((parked & bit) != 0) {
        wake(scheduler, ((i << 5) + bitIndex(bit) + 1) | 0);
        return 1;
      }
    }
  }
  askForWorker(scheduler, growth);
  return 0;
}

function askForWorker(scheduler: i32, word: i32): void {
  // Mostly it is not armed, and nobody writes it. Pairs with armGrowth, after which the owner looks for tasks that wait: ours is there already.
  if (load(word) != GROWTH_ARMED) return;
  // claim: one ring until the owner has looked.
  if (compareExchange(word, GROWTH_ARMED, GROWTH_ASKED) == GROWTH_ARMED) ring(scheduler);
}

/** Wakes one worker, where it is parked. @returns 1 or 0 */
export function wakeWorker(scheduler: i32, worker: i32): i32 {
  // Mostly it is not: a load of a word that is then not written. Pairs with the worker's `or`, as in wakeOne.
  if (((load(parkedWord(scheduler, worker)) >>> ((worker - 1) & 31)) & 1) == 0) return 0;
  // claim: as in wakeOne.
  if (endSleep(scheduler, worker) == 0) return 0;
  wake(scheduler, worker);
  return 1;
}

/** Wakes all workers that are parked now. */
export function wakeAll(scheduler: i32): void {
  wakeAllAmong(scheduler, scheduler + SCHEDULER_ROOT_PARKED, get(scheduler + SCHEDULER_ROOT_COMMON));
  const slow = get(scheduler + SCHEDULER_ROOT_SLOW_AT);
  if (slow == 0) return;
  wakeAllAmong(scheduler, slow + SLOW_LANE_ROOT_PARKED, get(scheduler + SCHEDULER_ROOT_THREADS));
}

function wakeAllAmong(scheduler: i32, first: i32, workers: i32): void {
  const words = (workers + 31) >> 5;
  for (let i = 0; i < words; i++) {
    let parked = exchange(first + i * 4, 0); // claim: of all at once
    while (parked != 0) {
      const bit = parked & -parked;
      parked = parked & ~bit;
      wake(scheduler, ((i << 5) + bitIndex(bit) + 1) | 0);
    }
  }
}

/** Of whoever cleared its bit. */
export function wake(scheduler: i32, worker: i32): void {
  const word = workerAt(scheduler, worker) + WORKER_ENTRY_WAKE;
  add(word, 1); // pairs with the worker's load before it set its bit: it does not wait if that has passed
  notify(word, 1);
}

/**
 * Sets the worker's bit, then looks for work once more. The caller has read the worker's `wake` word before.
 * @returns MAY_SLEEP: wait until the word changes, then call `endSleep`. WORK_WAITS: not parked.
 */
export function announceSleep(scheduler: i32, worker: i32): i32 {
  or(parkedWord(scheduler, worker), 1 << ((worker - 1) & 31)); // publish: pairs with the load in wakeOne
  if (hasWork(scheduler, worker) == 0 && load(scheduler + SCHEDULER_ROOT_PHASE) != PHASE_CLOSED)
    return MAY_SLEEP;
  endSleep(scheduler, worker);
  return WORK_WAITS;
}

/** Clears the worker's bit: it must look for work before it parks again. @returns 1, or 0 where somebody else has cleared it */
export function endSleep(scheduler: i32, worker: i32): i32 {
  const bit = 1 << ((worker - 1) & 31);
  return (and(parkedWord(scheduler, worker), ~bit) & bit) != 0 ? 1 : 0;
}

/**
 * Blocks the thread until a task enters or the scheduler closes.
 * @returns MAY_SLEEP where it was parked, TIMED_OUT where nobody woke it for `timeoutUs`, WORK_WAITS where it was not parked
 */
export function parkWorker(scheduler: i32, worker: i32, timeoutUs: i32): i32 {
  const word = workerAt(scheduler, worker) + WORKER_ENTRY_WAKE;
  const seen = load(word);
  if (announceSleep(scheduler, worker) == WORK_WAITS) return WORK_WAITS;
  const how = wait(word, seen, timeoutUs);
  endSleep(scheduler, worker);
  return how == WAIT_TIMED_OUT ? TIMED_OUT : MAY_SLEEP;
}

function parkedWord(scheduler: i32, worker: i32): i32 {
  const first =
    worker <= get(scheduler + SCHEDULER_ROOT_COMMON)
      ? scheduler + SCHEDULER_ROOT_PARKED
      : get(scheduler + SCHEDULER_ROOT_SLOW_AT) + SLOW_LANE_ROOT_PARKED;
  return first + ((worker - 1) >> 5) * 4;
}
