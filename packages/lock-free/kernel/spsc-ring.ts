// Ring of elements for one producer and one consumer, each moving many at once.
// After L. Lamport, "Proving the Correctness of Multiprocess Programs" (1977), with free-running positions and, after J. Giacomoni,
// T. Moseley, M. Vachharajani, "FastForward" (2008) and its successors, a copy of the other end's position on one's own line. The
// protocol is in PROTOCOL.md, section "SPSC ring".
//
// Positions run freely and wrap at 2^32, so they are only ever compared by their difference. `ring` is the byte address of the
// root, a multiple of 128: it is `handle.at` of an SpscRing. Elements are words or bytes; the positions do not care.
//
// Tried and rejected: positions modulo the capacity with one element left free. They cost a division and a place, and save nothing.
import { get, load, set, store } from '@corelane/shared-memory/kernel/atomics';
import {
  RING_FULL,
  RING_PUSHED,
  RING_WORD_BYTES,
  RING_WORD_VALUE,
  SPSC_RING_ROOT_BYTES,
  SPSC_RING_ROOT_CAPACITY,
  SPSC_RING_ROOT_CONSUMER,
  SPSC_RING_ROOT_ELEMENT_BYTES,
  SPSC_RING_ROOT_HEAD,
  SPSC_RING_ROOT_HEAD_SEEN,
  SPSC_RING_ROOT_POPPED,
  SPSC_RING_ROOT_PRODUCER,
  SPSC_RING_ROOT_TAIL,
  SPSC_RING_ROOT_TAIL_SEEN,
} from './layout.generated.ts';

/** Makes an empty ring whose first position is `start`. Before the ring is shared. */
export function initializeRing(ring: i32, capacity: i32, elementBytes: i32, start: i32): void {
  set(ring + SPSC_RING_ROOT_CAPACITY, capacity);
  set(ring + SPSC_RING_ROOT_ELEMENT_BYTES, elementBytes);
  store(ring + SPSC_RING_ROOT_PRODUCER, 0);
  store(ring + SPSC_RING_ROOT_CONSUMER, 0);
  store(ring + SPSC_RING_ROOT_TAIL, start);
  store(ring + SPSC_RING_ROOT_HEAD, start);
  set(ring + SPSC_RING_ROOT_HEAD_SEEN, start);
  set(ring + SPSC_RING_ROOT_TAIL_SEEN, start);
}

/**
 * Of the producer: elements from `tail` on that are its to write. Looks at the other end only where it knows of fewer than `wanted`.
 */
export function freeElements(ring: i32, wanted: i32): i32 {
  const full = (load(ring + SPSC_RING_ROOT_TAIL) - get(ring + SPSC_RING_ROOT_CAPACITY)) | 0;
  const known = (get(ring + SPSC_RING_ROOT_HEAD_SEEN) - full) | 0;
  if (known >= wanted) return known;
  const head = load(ring + SPSC_RING_ROOT_HEAD); // observe: pairs with release in releaseElements
  set(ring + SPSC_RING_ROOT_HEAD_SEEN, head);
  return (head - full) | 0;
}

/** Of the producer: hands over the next `count` elements, which it has written and of which `freeElements` told. */
export function publishElements(ring: i32, count: i32): void {
  // publish: pairs with observe in readyElements.
  store(ring + SPSC_RING_ROOT_TAIL, (load(ring + SPSC_RING_ROOT_TAIL) + count) | 0);
}

/** Of the consumer: elements from `head` on that are its to read. Looks at the other end only where it knows of fewer than `wanted`. */
export function readyElements(ring: i32, wanted: i32): i32 {
  const head = load(ring + SPSC_RING_ROOT_HEAD);
  const known = (get(ring + SPSC_RING_ROOT_TAIL_SEEN) - head) | 0;
  if (known >= wanted) return known;
  const tail = load(ring + SPSC_RING_ROOT_TAIL); // observe: pairs with publish in publishElements
  set(ring + SPSC_RING_ROOT_TAIL_SEEN, tail);
  return (tail - head) | 0;
}

/** Of the consumer: gives back the next `count` elements, which it has read and of which `readyElements` told. */
export function releaseElements(ring: i32, count: i32): void {
  // release: pairs with observe in freeElements.
  store(ring + SPSC_RING_ROOT_HEAD, (load(ring + SPSC_RING_ROOT_HEAD) + count) | 0);
}

/** Of the producer of a ring of words. @returns RING_PUSHED, or RING_FULL where nothing was changed */
export function pushRing(ring: i32, value: i32): i32 {
  if (freeElements(ring, 1) < 1) return RING_FULL;
  set(wordOf(ring, load(ring + SPSC_RING_ROOT_TAIL)), value);
  publishElements(ring, 1);
  return RING_PUSHED;
}

/** Of the consumer of a ring of words. @returns 1 where `popped` holds the oldest value now, or 0 where nothing was changed */
export function popRing(ring: i32): i32 {
  if (readyElements(ring, 1) < 1) return 0;
  set(ring + SPSC_RING_ROOT_POPPED, get(wordOf(ring, load(ring + SPSC_RING_ROOT_HEAD))));
  releaseElements(ring, 1);
  return 1;
}

/** Elements written and not yet read: exact while nobody writes or reads, else a moment's estimate from 0 to the capacity. */
export function ringSize(ring: i32): i32 {
  const head = load(ring + SPSC_RING_ROOT_HEAD);
  const size = (load(ring + SPSC_RING_ROOT_TAIL) - head) | 0;
  const capacity = get(ring + SPSC_RING_ROOT_CAPACITY);
  return size < capacity ? size : capacity; // reads may pass between the two loads, so the difference may exceed it
}

function wordOf(ring: i32, position: i32): i32 {
  const index = position & (get(ring + SPSC_RING_ROOT_CAPACITY) - 1);
  return ring + SPSC_RING_ROOT_BYTES + index * RING_WORD_BYTES + RING_WORD_VALUE;
}
