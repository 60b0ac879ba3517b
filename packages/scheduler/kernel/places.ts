// Where things lie, and how a slot's state word is packed. A party is an index + 1: 0 stands for nobody.
import { get } from '@corelane/shared-memory/kernel/atomics';
import {
  CLIENT_ENTRY_BYTES,
  SCHEDULER_ROOT_CLIENTS_AT,
  SCHEDULER_ROOT_QUEUES,
  SCHEDULER_ROOT_SLOTS_AT,
  SCHEDULER_ROOT_STRIDE_BYTES,
  SCHEDULER_ROOT_WORKERS_AT,
  SLOT_STATE_CLIENT_MASK,
  SLOT_STATE_CLIENT_SHIFT,
  SLOT_STATE_STATE_MASK,
  SLOT_STATE_WORKER_MASK,
  SLOT_STATE_WORKER_SHIFT,
  WORKER_ENTRY_BYTES,
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

export function queueAt(scheduler: i32, band: i32): i32 {
  return get(scheduler + SCHEDULER_ROOT_QUEUES + band * 4);
}

export function pack(state: i32, client: i32, worker: i32): i32 {
  return state | (client << SLOT_STATE_CLIENT_SHIFT) | (worker << SLOT_STATE_WORKER_SHIFT);
}

export function stateOf(word: i32): i32 {
  return word & SLOT_STATE_STATE_MASK;
}

export function clientOf(word: i32): i32 {
  return (word >>> SLOT_STATE_CLIENT_SHIFT) & SLOT_STATE_CLIENT_MASK;
}

export function workerOf(word: i32): i32 {
  return (word >>> SLOT_STATE_WORKER_SHIFT) & SLOT_STATE_WORKER_MASK;
}
