// What a worker may run in the middle of a task: at a checkpoint of it, on top of its stack. PROTOCOL.md, section 2. Takes hints one by one, by the same steps as between tasks.
import { stealDeque } from '@corelane/lock-free/kernel/deque';
import { get, load64, low, set } from '@corelane/shared-memory/kernel/atomics';
import {
  LEVELS,
  NO_HINT,
  NO_TASK,
  POLICY_DEADLINE,
  POLICY_FIFO,
  SCHEDULER_ROOT_POLICY,
  SCHEDULER_ROOT_SLOTS,
  STEAL_AGAIN,
  WORKER_ENTRY_BATCH_LEVEL,
  WORKER_ENTRY_NEXT_CLIENT,
} from './layout.generated.ts';
import { claimEarliest, earliest, leafAt } from './deadlines.ts';
import { claimHint } from './hints.ts';
import { seekLane, seekLevel, takeHint } from './lanes.ts';
import { claimPinned, mayBePinned } from './pinned.ts';
import { dequeAt, workerAt } from './places.ts';

/**
 * Claims a task that comes before the one that the worker runs: one that is pinned to the worker, under policy `deadline` one with an earlier deadline, or one of a level above.
 * Under `fifo` none does: what waits is later.
 * @param level of the task that runs; -1: every task comes before it
 * @param deadline its word, 0 for none
 * @returns its slot, or NO_TASK
 */
export function claimAbove(scheduler: i32, worker: i32, level: i32, deadline: i32): i32 {
  const policy = get(scheduler + SCHEDULER_ROOT_POLICY);
  if (policy == POLICY_FIFO || level >= LEVELS) return NO_TASK; // nothing overtakes what is pinned
  if (mayBePinned(scheduler, worker) != 0) {
    const slot = claimPinned(scheduler, worker);
    if (slot >= 0) return slot;
  }
  if (policy == POLICY_DEADLINE) {
    if (mayBeEarlier(scheduler, deadline) != 0) {
      const slot = claimEarliest(scheduler, worker);
      if (slot >= 0) return slot;
    }
  }
  // What has a deadline is of the most urgent level then: none comes before it here.
  return claimOfLevels(scheduler, worker, level);
}

/** The most urgent one of the worker's batch and the lanes, if it is above the level. */
function claimOfLevels(scheduler: i32, worker: i32, level: i32): i32 {
  const entry = workerAt(scheduler, worker);
  while (true) {
    const top = seekLevel(scheduler, LEVELS);
    const batchLevel = get(entry + WORKER_ENTRY_BATCH_LEVEL);
    let hint = NO_HINT;
    if (batchLevel > level && batchLevel >= top) {
      hint = stealDeque(dequeAt(scheduler, worker));
      if (hint == STEAL_AGAIN) continue;
      if (hint < 0) set(entry + WORKER_ENTRY_BATCH_LEVEL, -1);
    } else if (top > level) {
      const client = seekLane(scheduler, top, get(entry + WORKER_ENTRY_NEXT_CLIENT));
      if (client < 0) continue; // what there was is gone
      set(entry + WORKER_ENTRY_NEXT_CLIENT, (client + 1) | 0);
      hint = takeHint(scheduler, client, top);
    } else {
      return NO_TASK;
    }
    if (hint < 0) continue;
    const slot = claimHint(scheduler, hint, worker);
    if (slot >= 0) return slot;
  }
}

/** Whether there may be a task with a deadline before this one: 1 or 0. */
function mayBeEarlier(scheduler: i32, deadline: i32): i32 {
  const slot = earliest(scheduler);
  if (slot < 0 || slot >= get(scheduler + SCHEDULER_ROOT_SLOTS)) return 0;
  if (deadline == 0) return 1;
  load64(leafAt(scheduler, slot));
  const other = low();
  // One that has been taken away hides others: whoever claims sees to it.
  return other == 0 || ((other - deadline) | 0) < 0 ? 1 : 0;
}
