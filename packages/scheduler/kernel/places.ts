// Where things lie, and how a slot's state word is packed. A party is an index + 1: 0 stands for nobody.
import { get } from '@corelane/shared-memory/kernel/atomics';
import {
  CLIENT_ENTRY_BYTES,
  LEVELS,
  SCHEDULER_ROOT_CLIENTS_AT,
  SCHEDULER_ROOT_LANE_BYTES,
  SCHEDULER_ROOT_LANES_AT,
  SCHEDULER_ROOT_MAX_CLIENTS,
  SCHEDULER_ROOT_READY_AT,
  SCHEDULER_ROOT_SLOTS_AT,
  SCHEDULER_ROOT_STRIDE_BYTES,
  SCHEDULER_ROOT_WORKERS_AT,
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

/** Of a client from 1 on, or of the owner's for hints that went with a worker: 0. */
export function laneAt(scheduler: i32, client: i32, level: i32): i32 {
  return (
    get(scheduler + SCHEDULER_ROOT_LANES_AT) +
    (client * LEVELS + level) * get(scheduler + SCHEDULER_ROOT_LANE_BYTES)
  );
}

/** Words with the bits of all clients, one level's. */
export function readyWords(scheduler: i32): i32 {
  return (get(scheduler + SCHEDULER_ROOT_MAX_CLIENTS) >> 5) + 1;
}

export function readyAt(scheduler: i32, level: i32): i32 {
  return get(scheduler + SCHEDULER_ROOT_READY_AT) + level * readyWords(scheduler) * 4;
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
