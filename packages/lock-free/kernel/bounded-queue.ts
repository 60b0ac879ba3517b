// Bounded queue of i32 values for any number of producers and consumers.
// After Dmitry Vyukov, "Bounded MPMC queue" (1024cores.net). The protocol is in PROTOCOL.md, section 2.
//
// Positions run freely and wrap at 2^32, so they are only ever compared by their difference. `queue` is the byte address of the
// root, a multiple of 128: it is `handle.at` of a BoundedQueue.
//
// Tried and rejected: a cell a cache line. Neighbouring cells are written by different threads only when the queue is nearly
// empty or nearly full, and then both ends meet in one cell anyway; 8 bytes a cell keep 16 cells in what is moved at once.
import { compareExchange, get, load, set, store } from '@corelane/shared-memory/kernel/atomics';
import {
  BOUNDED_QUEUE_ROOT_BYTES,
  BOUNDED_QUEUE_ROOT_CAPACITY,
  BOUNDED_QUEUE_ROOT_HEAD,
  BOUNDED_QUEUE_ROOT_TAIL,
  QUEUE_CELL_BYTES,
  QUEUE_CELL_SEQUENCE,
  QUEUE_CELL_VALUE,
  QUEUE_EMPTY,
  QUEUE_FULL,
  QUEUE_PUSHED,
} from './layout.generated.ts';

/** Makes an empty queue whose first position is `start`. Before the queue is shared. */
export function initializeQueue(queue: i32, capacity: i32, start: i32): void {
  set(queue + BOUNDED_QUEUE_ROOT_CAPACITY, capacity);
  store(queue + BOUNDED_QUEUE_ROOT_TAIL, start);
  store(queue + BOUNDED_QUEUE_ROOT_HEAD, start);
  for (let i = 0; i < capacity; i++) {
    const position = (start + i) | 0;
    store(cellOf(queue, position, capacity) + QUEUE_CELL_SEQUENCE, position);
  }
}

/** @returns QUEUE_PUSHED, or QUEUE_FULL where nothing was changed. `value` must not be QUEUE_EMPTY. */
export function pushQueue(queue: i32, value: i32): i32 {
  const capacity = get(queue + BOUNDED_QUEUE_ROOT_CAPACITY);
  let position = load(queue + BOUNDED_QUEUE_ROOT_TAIL);
  while (true) {
    const cell = cellOf(queue, position, capacity);
    // observe: pairs with the release in popQueue, one lap before; the cell is ours to write once we own the position.
    const lead = (load(cell + QUEUE_CELL_SEQUENCE) - position) | 0;
    if (lead < 0) return QUEUE_FULL;
    if (lead > 0) {
      position = load(queue + BOUNDED_QUEUE_ROOT_TAIL); // somebody else had this position
      continue;
    }
    // claim: against every other pushQueue; the winner alone writes the cell.
    const seen = compareExchange(queue + BOUNDED_QUEUE_ROOT_TAIL, position, (position + 1) | 0);
    if (seen == position) {
      set(cell + QUEUE_CELL_VALUE, value);
      // publish: pairs with observe in popQueue.
      store(cell + QUEUE_CELL_SEQUENCE, (position + 1) | 0);
      return QUEUE_PUSHED;
    }
    position = seen;
  }
}

/** @returns the oldest value, or QUEUE_EMPTY where nothing was changed */
export function popQueue(queue: i32): i32 {
  const capacity = get(queue + BOUNDED_QUEUE_ROOT_CAPACITY);
  let position = load(queue + BOUNDED_QUEUE_ROOT_HEAD);
  while (true) {
    const cell = cellOf(queue, position, capacity);
    // observe: pairs with publish in pushQueue; the value is ours to read once we own the position.
    const lead = (load(cell + QUEUE_CELL_SEQUENCE) - ((position + 1) | 0)) | 0;
    if (lead < 0) return QUEUE_EMPTY;
    if (lead > 0) {
      position = load(queue + BOUNDED_QUEUE_ROOT_HEAD); // somebody else had this position
      continue;
    }
    // claim: against every other popQueue; the winner alone reads the cell.
    const seen = compareExchange(queue + BOUNDED_QUEUE_ROOT_HEAD, position, (position + 1) | 0);
    if (seen == position) {
      const value = get(cell + QUEUE_CELL_VALUE);
      // release: pairs with observe in pushQueue, one lap later.
      store(cell + QUEUE_CELL_SEQUENCE, (position + capacity) | 0);
      return value;
    }
    position = seen;
  }
}

/** Values claimed by pushes and not yet by pops: exact while nobody pushes or pops, else somewhere in between. */
export function queueSize(queue: i32): i32 {
  const head = load(queue + BOUNDED_QUEUE_ROOT_HEAD);
  const size = (load(queue + BOUNDED_QUEUE_ROOT_TAIL) - head) | 0;
  const capacity = get(queue + BOUNDED_QUEUE_ROOT_CAPACITY);
  return size < capacity ? size : capacity; // pops may pass between the two loads, so the difference may exceed it
}

function cellOf(queue: i32, position: i32, capacity: i32): i32 {
  return queue + BOUNDED_QUEUE_ROOT_BYTES + (position & (capacity - 1)) * QUEUE_CELL_BYTES;
}
