// Hints to slots: what a worker that has one does with it. PROTOCOL.md, section 1.
import { compareExchange, get, load } from '@corelane/shared-memory/kernel/atomics';
import {
  NO_TASK,
  SCHEDULER_ROOT_SLOTS,
  SLOT_HEAD_STATE,
  SLOT_HINT_GENERATION_MASK,
  SLOT_HINT_GENERATION_SHIFT,
  SLOT_HINT_SLOT_MASK,
  SLOT_QUEUED,
  SLOT_RUNNING,
} from './layout.generated.ts';
import { become, clientOf, generationOf, slotAt, stateOf, workerOf } from './places.ts';

/** @returns the slot, which runs now, or NO_TASK where the hint is stale */
export function claimHint(scheduler: i32, hint: i32, worker: i32): i32 {
  const slot = hint & SLOT_HINT_SLOT_MASK;
  if (slot >= get(scheduler + SCHEDULER_ROOT_SLOTS)) return NO_TASK; // somebody wrote over shared memory
  const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
  const seen = load(word);
  const generation = (hint >>> SLOT_HINT_GENERATION_SHIFT) & SLOT_HINT_GENERATION_MASK;
  if (stateOf(seen) != SLOT_QUEUED || generationOf(seen) != generation) return NO_TASK;
  if (workerOf(seen) != 0) return NO_TASK; // pinned: the hint is 256 tasks old
  // claim: against a cancellation, and a worker with another hint. Observes the task: pairs with submitSlot.
  return compareExchange(word, seen, become(seen, SLOT_RUNNING, clientOf(seen), worker)) == seen
    ? slot
    : NO_TASK;
}

/** Whether there is nothing to claim by the hint: 1 or 0. */
export function isStale(scheduler: i32, hint: i32): i32 {
  const slot = hint & SLOT_HINT_SLOT_MASK;
  if (slot >= get(scheduler + SCHEDULER_ROOT_SLOTS)) return 1;
  const seen = load(slotAt(scheduler, slot) + SLOT_HEAD_STATE);
  const generation = (hint >>> SLOT_HINT_GENERATION_SHIFT) & SLOT_HINT_GENERATION_MASK;
  return stateOf(seen) != SLOT_QUEUED || generationOf(seen) != generation || workerOf(seen) != 0 ? 1 : 0;
}
