// Where the words of a buffer and of an owner lie, and the parts of a lease word.
import { get, high, load64, low } from '@corelane/shared-memory/kernel/atomics';
import {
  BUFFER_POOL_ROOT_BYTES,
  BUFFER_POOL_ROOT_RECORDS,
  BUFFER_RECORD_BYTES,
  BUFFER_RECORD_OPERATION,
  BUFFER_RECORD_WORD,
  LEASE_WORD_OWNER_MASK,
  LEASE_WORD_OWNER_SHIFT,
  LEASE_WORD_STATE_MASK,
  OWNER_SLOT_BYTES,
  OWNER_WORD_SLOT_MASK,
} from './layout.generated.ts';

/** State of the low half of a lease word. */
export function stateOf(holder: i32): i32 {
  return holder & LEASE_WORD_STATE_MASK;
}

/** The low half of a lease word. */
export function held(state: i32, owner: i32): i32 {
  return state | ((owner & LEASE_WORD_OWNER_MASK) << LEASE_WORD_OWNER_SHIFT);
}

/** Byte address of the record of a buffer. */
export function recordOf(pool: i32, index: i32): i32 {
  return get(pool + BUFFER_POOL_ROOT_RECORDS) + index * BUFFER_RECORD_BYTES;
}

/** Byte address of the slot of an owner. */
export function slotOf(pool: i32, owner: i32): i32 {
  return pool + BUFFER_POOL_ROOT_BYTES + (owner & OWNER_WORD_SLOT_MASK) * OWNER_SLOT_BYTES;
}

/** State and owner of a buffer: the low half of its word. */
export function leaseHolder(pool: i32, index: i32): i32 {
  load64(recordOf(pool, index) + BUFFER_RECORD_WORD);
  return low();
}

/** Generation of a buffer: the high half of its word. */
export function leaseGeneration(pool: i32, index: i32): i32 {
  load64(recordOf(pool, index) + BUFFER_RECORD_WORD);
  return high();
}

/** The operation that the kernel has a buffer for, or had it last. */
export function leaseOperation(pool: i32, index: i32): i32 {
  load64(recordOf(pool, index) + BUFFER_RECORD_OPERATION);
  return low();
}
