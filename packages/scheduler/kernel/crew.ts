// How many workers there are: a client asks for another one, the owner ends one that is idle. PROTOCOL.md, section 7.
import { get, load, store } from '@corelane/shared-memory/kernel/atomics';
import {
  GROWTH_ARMED,
  GROWTH_NONE,
  KEPT,
  RETIRED,
  SCHEDULER_ROOT_GROWTH,
  SCHEDULER_ROOT_SLOTS,
  SCHEDULER_ROOT_SLOW_AT,
  SLOT_HEAD_STATE,
  SLOW_LANE_ROOT_GROWTH,
  SLOW_LANE_ROOT_QUEUED,
  WORKER_ENTRY_LEAVES,
  WORKER_LEAVES,
} from './layout.generated.ts';
import { isQueued, queuedSlots } from './owner.ts';
import { slotAt, stateOf, workerAt, workerOf } from './places.ts';
import { endSleep, hasWork, wake } from './sleep.ts';

/**
 * Of the owner: from here on whoever finds no worker parked rings its bell, once.
 * @param isArmed 0 where there may be no more workers
 * @returns tasks that wait
 */
export function armGrowth(scheduler: i32, isArmed: i32): i32 {
  // publish: pairs with askForWorker. Whoever was too early for it made its slot queued before, and is counted.
  store(scheduler + SCHEDULER_ROOT_GROWTH, isArmed != 0 ? GROWTH_ARMED : GROWTH_NONE);
  return queuedSlots(scheduler);
}

/** The same of the slow lane's. @returns tasks that wait there, and those that are about to */
export function armSlowGrowth(scheduler: i32, isArmed: i32): i32 {
  const slow = get(scheduler + SCHEDULER_ROOT_SLOW_AT);
  store(slow + SLOW_LANE_ROOT_GROWTH, isArmed != 0 ? GROWTH_ARMED : GROWTH_NONE);
  return load(slow + SLOW_LANE_ROOT_QUEUED);
}

/** Whether the worker has a task in its hands, as far as the slots say: 1 or 0. */
export function holdsSlot(scheduler: i32, worker: i32): i32 {
  const slots = get(scheduler + SCHEDULER_ROOT_SLOTS);
  for (let slot = 0; slot < slots; slot++) {
    const seen = load(slotAt(scheduler, slot) + SLOT_HEAD_STATE);
    if (workerOf(seen) == worker && isQueued(stateOf(seen)) == 0) return 1;
  }
  return 0;
}

/**
 * Of the owner: tells a worker that is parked to leave. Growth is armed before: whoever pushes from here on and finds nobody parked asks for another one.
 * @returns RETIRED: it leaves when it finds no task; KEPT: it is not parked, or there is something to do
 */
export function retireWorker(scheduler: i32, worker: i32): i32 {
  // claim: as in wakeOne. Whoever pushes from here on does not count on this worker.
  if (endSleep(scheduler, worker) == 0) return KEPT;
  const word = workerAt(scheduler, worker) + WORKER_ENTRY_LEAVES;
  // Whoever pushed before may have found it parked, and looked no further.
  const keep = hasWork(scheduler, worker);
  // publish: pairs with the worker's look after it was woken.
  if (keep == 0) store(word, WORKER_LEAVES);
  wake(scheduler, worker);
  return keep == 0 ? RETIRED : KEPT;
}
