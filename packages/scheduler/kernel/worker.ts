// What a worker does: finds a hint, claims the slot that it leads to, and ends its task. PROTOCOL.md, sections 1 and 2.
import { adoptDeque, dequeSize, stealDeque } from '@corelane/lock-free/kernel/deque';
import { add, compareExchange, get, load, set } from '@corelane/shared-memory/kernel/atomics';
import {
  DOOMED,
  DROPPED,
  ENDED_FINE,
  ENDED_MOVED,
  LEVELS,
  NO_HINT,
  NO_TASK,
  NOT_YOURS,
  POLICY_DEADLINE,
  POLICY_FIFO,
  POLICY_WORK_STEALING,
  SCHEDULER_ROOT_COMMON,
  SCHEDULER_ROOT_POLICY,
  SCHEDULER_ROOT_SHARE,
  SLOT_CONDEMNED,
  SLOT_DOOMED,
  SLOT_FINISHED,
  SLOT_HEAD_STATE,
  SLOT_HELD,
  SLOT_ORPHANED,
  SLOT_RUNNING,
  SLOT_STUCK,
  SLOW_LANES,
  SLOW_TURN_LANE_SHIFT,
  STEAL_AGAIN,
  WORKER_ENTRY_BATCH_LEVEL,
  WORKER_ENTRY_COMPLETED,
  WORKER_ENTRY_FAILED,
  WORKER_ENTRY_FAIR_LEVEL,
  WORKER_ENTRY_MOVED,
  WORKER_ENTRY_NEXT_CLIENT,
  WORKER_ENTRY_SLOW_TURN,
} from './layout.generated.ts';
import { claimEarliest } from './deadlines.ts';
import { takeOldest } from './fifo.ts';
import { deliverSlot } from './finished-list.ts';
import { giveBack } from './free-list.ts';
import { claimHint } from './hints.ts';
import { hasShare, seekLane, seekLevel, takeBatch, takeHint } from './lanes.ts';
import { claimPinned, markPinned, mayBePinned } from './pinned.ts';
import { become, clientOf, dequeAt, slotAt, stateOf, workerAt, workerOf } from './places.ts';
import { hasCommonWork, seesWork, wakeOne, wakeSlow } from './sleep.ts';
import { hasSlow, takeSlow } from './slow-lane.ts';
import { claimLocal } from './stealing.ts';

/** Before the first claim of a thread: takes over the deque of the one before it. */
export function beginWork(scheduler: i32, worker: i32): void {
  const deque = dequeAt(scheduler, worker);
  adoptDeque(deque);
  const entry = workerAt(scheduler, worker);
  set(entry + WORKER_ENTRY_BATCH_LEVEL, dequeSize(deque) > 0 ? 0 : -1);
  set(entry + WORKER_ENTRY_FAIR_LEVEL, 0);
  set(entry + WORKER_ENTRY_SLOW_TURN, (SLOW_LANES - 1) << SLOW_TURN_LANE_SHIFT); // the first one is next
  markPinned(scheduler, worker);
}

/**
 * Claims a task: one that is pinned to the worker, then one with a deadline, then as the policy says.
 * @param inTurn not 0: of a level below that of the last such claim, and below the most urgent one, in turn: no level starves
 * @returns its slot, or NO_TASK
 */
export function claimTask(scheduler: i32, worker: i32, inTurn: i32): i32 {
  const policy = get(scheduler + SCHEDULER_ROOT_POLICY);
  if (inTurn == 0) {
    const slot = claimFirst(scheduler, worker, policy);
    if (slot >= 0) return slot;
  }
  const slot =
    policy == POLICY_WORK_STEALING
      ? claimLocal(scheduler, worker, inTurn)
      : claimCommon(scheduler, worker, inTurn, policy);
  return slot < 0 && inTurn != 0 ? claimFirst(scheduler, worker, policy) : slot;
}

/**
 * As `claimTask` with `inTurn` 0; looks so many times until there is something. Right after a task that is shorter than to go and come back.
 */
export function claimSoon(scheduler: i32, worker: i32, looks: i32): i32 {
  if (get(workerAt(scheduler, worker) + WORKER_ENTRY_BATCH_LEVEL) >= 0) {
    const slot = claimTask(scheduler, worker, 0);
    if (slot >= 0) return slot;
  }
  for (let i = 0; i < looks; i++) {
    if (seesWork(scheduler, worker) == 0) continue;
    const slot = claimTask(scheduler, worker, 0);
    if (slot >= 0) return slot;
  }
  return NO_TASK;
}

/** Looks whether there is something to do, so many times: 1 as soon as there is, or 0. */
export function spinForWork(scheduler: i32, worker: i32, looks: i32): i32 {
  for (let i = 0; i < looks; i++) if (seesWork(scheduler, worker) != 0) return 1;
  return 0;
}

/**
 * The same of a worker of the slow lane: a task that is pinned to it, or one of that lane.
 * @param inTurn not 0: the other way round
 * @param nowMs of sharedNowMs(), as an i32 that wraps
 */
export function claimSlow(scheduler: i32, worker: i32, inTurn: i32, nowMs: i32): i32 {
  if (inTurn == 0 && mayBePinned(scheduler, worker) != 0) {
    const pinned = claimPinned(scheduler, worker);
    if (pinned >= 0) {
      // As in claimFirst.
      if (hasSlow(scheduler) != 0) wakeSlow(scheduler);
      return pinned;
    }
  }
  const slot = takeSlow(scheduler, worker, nowMs);
  return slot < 0 && inTurn != 0 && mayBePinned(scheduler, worker) != 0
    ? claimPinned(scheduler, worker)
    : slot;
}

/** What comes before levels. @returns its slot, or NO_TASK */
function claimFirst(scheduler: i32, worker: i32, policy: i32): i32 {
  if (mayBePinned(scheduler, worker) != 0) {
    const slot = claimPinned(scheduler, worker);
    if (slot >= 0) {
      // It may have been woken for something else, which it leaves to another one now.
      if (hasCommonWork(scheduler) != 0) wakeOne(scheduler);
      return slot;
    }
  }
  return policy == POLICY_DEADLINE ? claimEarliest(scheduler, worker) : NO_TASK;
}

/** The most urgent task: of its own batch, of a lane, or of another worker's batch. */
function claimCommon(scheduler: i32, worker: i32, inTurn: i32, policy: i32): i32 {
  const entry = workerAt(scheduler, worker);
  let below = inTurn != 0 ? get(entry + WORKER_ENTRY_FAIR_LEVEL) : LEVELS;
  let begun = inTurn;
  while (true) {
    const level = seekLevel(scheduler, below);
    const batchLevel = get(entry + WORKER_ENTRY_BATCH_LEVEL);
    let hint = NO_HINT;
    let from = level;
    if (batchLevel >= 0 && batchLevel >= level && batchLevel < below) {
      hint = stealDeque(dequeAt(scheduler, worker));
      if (hint == STEAL_AGAIN) continue;
      if (hint < 0) {
        set(entry + WORKER_ENTRY_BATCH_LEVEL, -1);
        continue;
      }
      from = batchLevel;
    } else if (level >= 0) {
      hint = policy == POLICY_FIFO ? takeOldest(scheduler, level) : hintOf(scheduler, worker, level);
      if (hint < 0) continue; // what there was is gone, or it is a batch now: look again
    } else if (below < LEVELS) {
      // The turn begins anew: below the most urgent level that has something, where there is one.
      const top = begun != 0 ? seekLevel(scheduler, LEVELS) : -1;
      below = top > 0 ? top : LEVELS;
      begun = 0;
      continue;
    } else {
      hint = rob(scheduler, worker);
      if (hint < 0) return NO_TASK;
    }
    const slot = claimHint(scheduler, hint, worker);
    if (slot < 0) continue;
    if (inTurn != 0) set(entry + WORKER_ENTRY_FAIR_LEVEL, from);
    return slot;
  }
}

/** @returns a hint of the level, or NO_HINT: where there is none any more, or where some are in the worker's deque now */
function hintOf(scheduler: i32, worker: i32, level: i32): i32 {
  const entry = workerAt(scheduler, worker);
  const client = seekLane(scheduler, level, get(entry + WORKER_ENTRY_NEXT_CLIENT));
  if (client < 0) return NO_HINT;
  set(entry + WORKER_ENTRY_NEXT_CLIENT, (client + 1) | 0);
  // A batch is of one level: while there is one, what is more urgent is taken by itself. Without a share there are none.
  if (get(scheduler + SCHEDULER_ROOT_SHARE) == 0 || get(entry + WORKER_ENTRY_BATCH_LEVEL) >= 0)
    return takeHint(scheduler, client, level);
  if (hasShare(scheduler, client, level) == 0) return takeHint(scheduler, client, level); // not by way of the deque
  const count = takeBatch(scheduler, client, level, worker);
  if (count > 0) set(entry + WORKER_ENTRY_BATCH_LEVEL, level);
  // Whoever announced its sleep before it could see the batch is woken: pairs with its look at the deques.
  if (count > 1) wakeOne(scheduler);
  return NO_HINT;
}

/** @returns a hint out of another worker's deque, or NO_HINT */
function rob(scheduler: i32, worker: i32): i32 {
  const common = get(scheduler + SCHEDULER_ROOT_COMMON);
  for (let i = 1; i < common; i++) {
    const deque = dequeAt(scheduler, ((worker - 1 + i) % common) + 1);
    let hint = stealDeque(deque);
    while (hint == STEAL_AGAIN) hint = stealDeque(deque);
    if (hint >= 0) return hint;
  }
  return NO_HINT;
}

/**
 * Ends the task in a slot, its result being written.
 * @param how ENDED_FINE, ENDED_FAILED, or ENDED_MOVED: what is written is marked as MOVED_STATE or MOVED_UNBEGUN
 * @returns DELIVERED; DROPPED: nobody wanted it, the slot is free; DOOMED; NOT_YOURS
 */
export function finishSlot(scheduler: i32, slot: i32, worker: i32, how: i32): i32 {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  // Before the result: whoever has it sees it counted.
  add(workerAt(scheduler, worker) + countOf(how), 1);
  while (true) {
    const seen = load(word);
    if (workerOf(seen) != worker) return NOT_YOURS;
    const state = stateOf(seen);
    if (state == SLOT_DOOMED || state == SLOT_STUCK) return DOOMED;
    if (state == SLOT_RUNNING) {
      const client = clientOf(seen);
      // take: against the client's cancelling it.
      if (compareExchange(word, seen, become(seen, SLOT_FINISHED, client, worker)) == seen)
        return deliverSlot(scheduler, slot, client, worker);
    } else if (state == SLOT_ORPHANED || state == SLOT_CONDEMNED) {
      const held = become(seen, SLOT_HELD, 0, worker);
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

function countOf(how: i32): i32 {
  if (how == ENDED_FINE) return WORKER_ENTRY_COMPLETED;
  return how == ENDED_MOVED ? WORKER_ENTRY_MOVED : WORKER_ENTRY_FAILED;
}
