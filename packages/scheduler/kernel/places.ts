// Where things lie, and how a slot's state word is packed. A party is an index + 1: 0 stands for nobody.
import { get } from '@corelane/shared-memory/kernel/atomics';
import {
  CLIENT_ENTRY_BYTES,
  LEVELS,
  SCHEDULER_ROOT_CLIENTS_AT,
  SCHEDULER_ROOT_LANE_BYTES,
  SCHEDULER_ROOT_LANE_SHIFT,
  SCHEDULER_ROOT_LANES_AT,
  SCHEDULER_ROOT_MAX_CLIENTS,
  SCHEDULER_ROOT_PINNED_AT,
  SCHEDULER_ROOT_PINNED_BYTES,
  SCHEDULER_ROOT_PINNED_SHIFT,
  SCHEDULER_ROOT_READY_AT,
  SCHEDULER_ROOT_SLOTS_AT,
  SCHEDULER_ROOT_STRIDE_BYTES,
  SCHEDULER_ROOT_THREADS,
  SCHEDULER_ROOT_WORKERS_AT,
  SLOT_DONE,
  SLOT_FINISHED,
  SLOT_MOVED,
  SLOT_STATE_CLIENT_MASK,
  SLOT_STATE_CLIENT_SHIFT,
  SLOT_STATE_GENERATION_MASK,
  SLOT_STATE_GENERATION_SHIFT,
  SLOT_STATE_STATE_MASK,
  SLOT_STATE_WORKER_MASK,
  SLOT_STATE_WORKER_SHIFT,
  WORKER_ENTRY_BYTES,
  WORKER_ENTRY_DEQUE_AT,
} from './layout.generated.ts';

export function slotAt(scheduler: i32, slot: i32): i32 {
  return get(scheduler + SCHEDULER_ROOT_SLOTS_AT) + slot * get(scheduler + SCHEDULER_ROOT_STRIDE_BYTES);
}

export function clientAt(scheduler: i32, client: i32): i32 {
  return get(scheduler + SCHEDULER_ROOT_CLIENTS_AT) + (client - 1) * CLIENT_ENTRY_BYTES;
}

export function workerAt(scheduler: i32, worker: i32): i32 {
  return get(scheduler + SCHEDULER_ROOT_WORKERS_AT) + (worker - 1) * WORKER_ENTRY_BYTES;
}

export function dequeAt(scheduler: i32, worker: i32): i32 {
  return get(workerAt(scheduler, worker) + WORKER_ENTRY_DEQUE_AT);
}

/** Of a client from 1 on, or of the owner's for hints that went with a worker: 0, which has no pinned ones. */
export function laneAt(scheduler: i32, client: i32, lane: i32): i32 {
  if (lane < LEVELS)
    return (
      get(scheduler + SCHEDULER_ROOT_LANES_AT) +
      (client * LEVELS + lane) * get(scheduler + SCHEDULER_ROOT_LANE_BYTES)
    );
  const index = (client - 1) * get(scheduler + SCHEDULER_ROOT_THREADS) + lane - LEVELS;
  return get(scheduler + SCHEDULER_ROOT_PINNED_AT) + index * get(scheduler + SCHEDULER_ROOT_PINNED_BYTES);
}

/** A lane has room for 2 to the power of this many hints. */
export function laneShift(scheduler: i32, lane: i32): i32 {
  return get(scheduler + (lane < LEVELS ? SCHEDULER_ROOT_LANE_SHIFT : SCHEDULER_ROOT_PINNED_SHIFT));
}

/** The lanes that are pinned to a worker. */
export function pinnedLane(worker: i32): i32 {
  return (LEVELS + worker - 1) | 0;
}

/** Words with the bits of all clients, one level's. */
export function readyWords(scheduler: i32): i32 {
  return (get(scheduler + SCHEDULER_ROOT_MAX_CLIENTS) >> 5) + 1;
}

/** Of a level, or of the lanes that are pinned to a worker. */
export function readyAt(scheduler: i32, lane: i32): i32 {
  return get(scheduler + SCHEDULER_ROOT_READY_AT) + lane * readyWords(scheduler) * 4;
}

/** The state word of a slot that is what `seen` is, but for its state and parties. */
export function become(seen: i32, state: i32, client: i32, worker: i32): i32 {
  return (
    (seen & (SLOT_STATE_GENERATION_MASK << SLOT_STATE_GENERATION_SHIFT)) |
    state |
    (client << SLOT_STATE_CLIENT_SHIFT) |
    (worker << SLOT_STATE_WORKER_SHIFT)
  );
}

export function stateOf(word: i32): i32 {
  return word & SLOT_STATE_STATE_MASK;
}

export function generationOf(word: i32): i32 {
  return (word >>> SLOT_STATE_GENERATION_SHIFT) & SLOT_STATE_GENERATION_MASK;
}

export function clientOf(word: i32): i32 {
  return (word >>> SLOT_STATE_CLIENT_SHIFT) & SLOT_STATE_CLIENT_MASK;
}

export function workerOf(word: i32): i32 {
  return (word >>> SLOT_STATE_WORKER_SHIFT) & SLOT_STATE_WORKER_MASK;
}

/** Whether a worker is done with a slot in this state, and its client is not: 1 or 0. */
export function isEnded(state: i32): i32 {
  return state == SLOT_DONE || state == SLOT_FINISHED || state == SLOT_MOVED ? 1 : 0;
}
