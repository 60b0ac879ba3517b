// Tasks that one worker alone may run: in lanes of their own, one for each client and worker. PROTOCOL.md, section 2.
// Only their worker takes hints out of them, and only after it has claimed the slot: whatever happens to it, its successor finds the rest.
import { and, compareExchange, get, load, or, set, store } from '@corelane/shared-memory/kernel/atomics';
import {
  LANE_HEAD_TAIL,
  NO_TASK,
  SCHEDULER_ROOT_LIVE,
  SCHEDULER_ROOT_MAX_CLIENTS,
  SCHEDULER_ROOT_SLOTS,
  SLOT_HEAD_STATE,
  SLOT_HINT_GENERATION_MASK,
  SLOT_HINT_GENERATION_SHIFT,
  SLOT_HINT_SLOT_MASK,
  SLOT_MENDING,
  SLOT_QUEUED,
  SLOT_RUNNING,
  WORKER_ENTRY_NEXT_CLIENT,
  WORKER_ENTRY_PINNED,
} from './layout.generated.ts';
import { anyReady, hintAt, isEmpty, seekLane } from './lanes.ts';
import {
  become,
  clientOf,
  generationOf,
  laneAt,
  pinnedLane,
  readyAt,
  readyWords,
  slotAt,
  stateOf,
  workerAt,
  workerOf,
} from './places.ts';

/** Whether a task may be pinned to the worker, stale hints included: 1 or 0. */
export function mayBePinned(scheduler: i32, worker: i32): i32 {
  return load(workerAt(scheduler, worker) + WORKER_ENTRY_PINNED) != 0 ? 1 : 0;
}

/** Claims the oldest task that is pinned to the worker; of clients in turn. @returns its slot, or NO_TASK */
export function claimPinned(scheduler: i32, worker: i32): i32 {
  const entry = workerAt(scheduler, worker);
  const lane = pinnedLane(worker);
  while (true) {
    const client = seekLane(scheduler, lane, get(entry + WORKER_ENTRY_NEXT_CLIENT));
    if (client < 0) {
      store(entry + WORKER_ENTRY_PINNED, 0);
      // Pairs with markReady: the client set its bit before it looked at this word.
      if (anyReady(scheduler, lane) == 0) return NO_TASK;
      store(entry + WORKER_ENTRY_PINNED, 1);
      continue;
    }
    const hint = hintAt(scheduler, client, lane);
    const slot = hint & SLOT_HINT_SLOT_MASK;
    const isSlot = slot < get(scheduler + SCHEDULER_ROOT_SLOTS); // else somebody wrote over shared memory
    const word = slotAt(scheduler, isSlot ? slot : 0) + SLOT_HEAD_STATE;
    const seen = load(word);
    const generation = (hint >>> SLOT_HINT_GENERATION_SHIFT) & SLOT_HINT_GENERATION_MASK;
    const isIts = isSlot && generationOf(seen) == generation && workerOf(seen) == worker;
    // The owner is looking at it, and nobody writes another hint: this one must stay.
    if (isIts && stateOf(seen) == SLOT_MENDING) return NO_TASK;
    const waits = isIts && stateOf(seen) == SLOT_QUEUED;
    // claim: against a cancellation, and the owner's look. Observes the task: pairs with submitSlot.
    if (waits && compareExchange(word, seen, become(seen, SLOT_RUNNING, clientOf(seen), worker)) != seen)
      continue;
    const tail = laneAt(scheduler, client, lane) + LANE_HEAD_TAIL;
    // After the claim: a worker that ends before this leaves a stale hint, not a task without one. Pairs with hasRoom.
    store(tail, (load(tail) + 1) | 0);
    set(entry + WORKER_ENTRY_NEXT_CLIENT, (client + 1) | 0);
    if (waits) return slot;
  }
}

/** Of the worker that begins: the one before it may have ended between the two looks of `claimPinned` or `seekLane`. */
export function markPinned(scheduler: i32, worker: i32): void {
  const ready = readyAt(scheduler, pinnedLane(worker));
  for (let i = 0; i < readyWords(scheduler); i++) {
    let bits = -1;
    if (i == 0) bits = bits & ~1; // client 0 has no pinned lanes
    const beyond = get(scheduler + SCHEDULER_ROOT_MAX_CLIENTS) - (i << 5) + 1;
    if (beyond < 32) bits = bits & ((1 << beyond) - 1);
    or(ready + i * 4, bits);
  }
  store(workerAt(scheduler, worker) + WORKER_ENTRY_PINNED, 1);
}

/** Of the owner, the seat of the worker being empty: whether a task waits for it, stale hints included. @returns 1 or 0 */
export function hasPinned(scheduler: i32, worker: i32): i32 {
  for (let client = 1; client <= get(scheduler + SCHEDULER_ROOT_MAX_CLIENTS); client++)
    if (isEmpty(scheduler, client, pinnedLane(worker)) == 0) return 1;
  return 0;
}

/**
 * Of the owner: whether tasks that are pinned to the worker are seen to. Before its thread is started; after it has ended for good, and
 * then it looks at `hasPinned`.
 */
export function setLive(scheduler: i32, worker: i32, live: i32): void {
  const word = scheduler + SCHEDULER_ROOT_LIVE + ((worker - 1) >> 5) * 4;
  const bit = 1 << ((worker - 1) & 31);
  // publish: pairs with isLive, after a client's push.
  if (live != 0) or(word, bit);
  else and(word, ~bit);
}

/** Of a client, after it has pushed a hint: 0 where it must ring the bell, so that the owner looks at `hasPinned`. */
export function isLive(scheduler: i32, worker: i32): i32 {
  return (load(scheduler + SCHEDULER_ROOT_LIVE + ((worker - 1) >> 5) * 4) >>> ((worker - 1) & 31)) & 1;
}
