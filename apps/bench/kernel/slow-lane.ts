// The slow lane of the scheduler without a client and without a worker around it: what the bench calls in their place, on a scheduler of which nobody else uses the lane.
import { load, set, store } from '@corelane/shared-memory/kernel/atomics';
import { acquireSlot } from '@corelane/scheduler/kernel/free-list';
import {
  ENTERED,
  SLOT_HEAD_STATE,
  SLOT_HEAD_TASK,
  SLOT_HELD,
} from '@corelane/scheduler/kernel/layout.generated';
import { become, slotAt } from '@corelane/scheduler/kernel/places';
import { submitSlow } from '@corelane/scheduler/kernel/slow-entry';
import { takeSlow } from '@corelane/scheduler/kernel/slow-lane';

/** Takes a slot for tasks of the name `task`. @returns it, or a number below 0 */
export function takeSlotFor(scheduler: i32, client: i32, task: i32): i32 {
  const slot = acquireSlot(scheduler, client);
  if (slot >= 0) set(slotAt(scheduler, slot) + SLOT_HEAD_TASK, task);
  return slot;
}

/** As a client enters a task. @returns 1, or 0 where it was refused */
export function enterSlowLane(scheduler: i32, slot: i32, client: i32, lane: i32, nowMs: i32): i32 {
  return submitSlow(scheduler, slot, client, lane, nowMs, 0) == ENTERED ? 1 : 0;
}

/** As a worker takes one. @returns its slot, or a number below 0 */
export function leaveSlowLane(scheduler: i32, worker: i32, nowMs: i32): i32 {
  return takeSlow(scheduler, worker, nowMs);
}

/** A slot that was taken out is as it was before it entered. */
export function holdSlotAgain(scheduler: i32, slot: i32, client: i32): void {
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  store(word, become(load(word), SLOT_HELD, client, 0));
}
