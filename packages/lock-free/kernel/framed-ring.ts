// Ring of records of variable length, for any number of producers and one consumer.
// After agrona's ManyToOneRingBuffer (T. Montgomery, M. Thompson): a CAS on `tail` claims, a state word written last publishes, padding
// keeps a frame in one piece at the end. The protocol is in PROTOCOL.md, section "Framed ring".
//
// Other than there, headers lie apart from payloads, one for each slot of FRAME_SLOT_BYTES. So a payload can't be taken for a header:
// the consumer clears one word a frame where agrona zeroes all of it, and a writer beyond its payload does not hit the next header.
// Three words of a header hold the length in different disguises, so that any one of them may be destroyed and the next frame is
// still found.
//
// Positions count slots, run freely and wrap at 2^32, so they are only ever compared by their difference. `ring` is the byte address
// of the root, a multiple of 128: it is `handle.at` of a FramedRing.
import { compareExchange, get, load, set, store } from '@corelane/shared-memory/kernel/atomics';
import {
  FRAME_CLAIMED,
  FRAME_CORRUPT,
  FRAME_EMPTY,
  FRAME_FULL,
  FRAME_HEADER_BYTES,
  FRAME_HEADER_LENGTH,
  FRAME_HEADER_MIRROR,
  FRAME_HEADER_OWNER,
  FRAME_HEADER_STATE,
  FRAME_LOST,
  FRAME_MAGIC,
  FRAME_PADDING,
  FRAME_READY,
  FRAME_SETTLED,
  FRAME_SLOT_BYTES,
  FRAME_UNFINISHED,
  FRAMED_RING_ROOT_BYTES,
  FRAMED_RING_ROOT_CONSUMER,
  FRAMED_RING_ROOT_HEAD,
  FRAMED_RING_ROOT_HEAD_SEEN,
  FRAMED_RING_ROOT_PEEKED,
  FRAMED_RING_ROOT_READ,
  FRAMED_RING_ROOT_SLOTS,
  FRAMED_RING_ROOT_TAIL,
} from './layout.generated.ts';

/** No length: of padding it may be any number of slots, so -1 is free. */
const NO_LENGTH: i32 = -1;

/** Makes an empty ring whose first position is `start`. Before the ring is shared; its headers are zero already. */
export function initializeFrames(ring: i32, slots: i32, start: i32): void {
  set(ring + FRAMED_RING_ROOT_SLOTS, slots);
  store(ring + FRAMED_RING_ROOT_CONSUMER, 0);
  store(ring + FRAMED_RING_ROOT_TAIL, start);
  store(ring + FRAMED_RING_ROOT_HEAD_SEEN, start);
  store(ring + FRAMED_RING_ROOT_HEAD, start);
  set(ring + FRAMED_RING_ROOT_READ, start);
}

/**
 * Claims room for a payload of `length` bytes, which is at most half of all slots.
 * @param owner the caller's thread id + 1
 * @returns the slot of the frame, or FRAME_FULL where nothing was changed
 */
export function claimFrame(ring: i32, owner: i32, length: i32): i32 {
  const slots = get(ring + FRAMED_RING_ROOT_SLOTS);
  const span = spanOf(length);
  let position = load(ring + FRAMED_RING_ROOT_TAIL);
  while (true) {
    const slot = position & (slots - 1);
    const padding = slot + span > slots ? (slots - slot) | 0 : 0;
    const needed = (padding + span) | 0;
    let used = (position - load(ring + FRAMED_RING_ROOT_HEAD_SEEN)) | 0;
    // A thread that slept after it looked may have put an old position there; below 0: one of more than 2^31 slots ago.
    if (used < 0 || used + needed > slots) {
      const head = load(ring + FRAMED_RING_ROOT_HEAD); // observe: pairs with release in releaseFrames
      used = (position - head) | 0;
      if (used + needed > slots) return FRAME_FULL; // and was when `tail` was read: `head` has only moved on since
      store(ring + FRAMED_RING_ROOT_HEAD_SEEN, head);
    }
    // claim: against every other claimFrame; the winner alone writes these slots and their headers.
    const seen = compareExchange(ring + FRAMED_RING_ROOT_TAIL, position, (position + needed) | 0);
    if (seen == position) {
      if (padding != 0) writeHeader(ring, position, slot, FRAME_PADDING, padding * FRAME_SLOT_BYTES, owner);
      const begin = (position + padding) | 0;
      const first = begin & (slots - 1);
      writeHeader(ring, begin, first, FRAME_CLAIMED, length, owner);
      return first;
    }
    position = seen;
  }
}

function writeHeader(ring: i32, position: i32, slot: i32, kind: i32, length: i32, owner: i32): void {
  const header = headerOf(ring, slot);
  set(header + FRAME_HEADER_LENGTH, length);
  set(header + FRAME_HEADER_MIRROR, length ^ position ^ FRAME_MAGIC);
  set(header + FRAME_HEADER_OWNER, owner);
  // publish: pairs with observe in peekFrame. Tells the consumer where the next frame begins, and of padding that it is done.
  store(header + FRAME_HEADER_STATE, stateOf(kind, slot, length));
}

/**
 * Ends a claim: FRAME_READY hands the payload over, FRAME_PADDING makes the consumer pass it by.
 * @returns FRAME_SETTLED, or FRAME_LOST where the claim was taken from the caller
 */
export function settleFrame(ring: i32, slot: i32, length: i32, kind: i32): i32 {
  const state = headerOf(ring, slot) + FRAME_HEADER_STATE;
  const claimed = stateOf(FRAME_CLAIMED, slot, length);
  // publish: pairs with observe in peekFrame. A CAS, because the consumer may have reclaimed it.
  return compareExchange(state, claimed, stateOf(kind, slot, length)) == claimed ? FRAME_SETTLED : FRAME_LOST;
}

/**
 * Of the consumer: looks at the next frame, passing padding by. `peeked` holds the length of its payload then.
 * @returns its slot, or FRAME_EMPTY, FRAME_UNFINISHED or FRAME_CORRUPT
 */
export function peekFrame(ring: i32): i32 {
  const slots = get(ring + FRAMED_RING_ROOT_SLOTS);
  while (true) {
    const position = get(ring + FRAMED_RING_ROOT_READ);
    const slot = position & (slots - 1);
    const header = headerOf(ring, slot);
    const state = load(header + FRAME_HEADER_STATE); // observe: pairs with publish in writeHeader and settleFrame
    if (state == 0) return load(ring + FRAMED_RING_ROOT_TAIL) == position ? FRAME_EMPTY : FRAME_UNFINISHED;
    const length = get(header + FRAME_HEADER_LENGTH);
    const kind = state & 3;
    if (
      kind == 0 ||
      state != stateOf(kind, slot, length) ||
      (length ^ position ^ FRAME_MAGIC) != get(header + FRAME_HEADER_MIRROR) ||
      !fits(length, slot, slots)
    )
      return FRAME_CORRUPT;
    if (kind == FRAME_CLAIMED) return FRAME_UNFINISHED;
    if (kind == FRAME_READY) {
      set(ring + FRAMED_RING_ROOT_PEEKED, length);
      return slot;
    }
    passFrame(ring, spanOf(length));
    // In here, because a producer may wait for nothing but the room of this padding.
    releaseFrames(ring);
  }
}

/** Of the consumer: is done with the frame that `peekFrame` found. Its slots stay its own until `releaseFrames`. */
export function advanceFrame(ring: i32): void {
  passFrame(ring, spanOf(get(ring + FRAMED_RING_ROOT_PEEKED)));
}

function passFrame(ring: i32, span: i32): void {
  const position = get(ring + FRAMED_RING_ROOT_READ);
  const slot = position & (get(ring + FRAMED_RING_ROOT_SLOTS) - 1);
  // Plain, as nobody else looks at this word before `head` hands the slot on; measured: a third of the time of a small frame.
  set(headerOf(ring, slot) + FRAME_HEADER_STATE, 0);
  set(ring + FRAMED_RING_ROOT_READ, (position + span) | 0);
}

/** Of the consumer: hands on the slots of all that it is done with; also what a consumer that ended left in the middle of a batch. */
export function releaseFrames(ring: i32): void {
  // release: pairs with observe in claimFrame.
  store(ring + FRAMED_RING_ROOT_HEAD, get(ring + FRAMED_RING_ROOT_READ));
}

/**
 * Of the consumer: passes a corrupt frame by, where two of the three words that hold its length agree.
 * @returns its length, or -1 where nothing was changed
 */
export function skipFrame(ring: i32): i32 {
  const slots = get(ring + FRAMED_RING_ROOT_SLOTS);
  const position = get(ring + FRAMED_RING_ROOT_READ);
  const slot = position & (slots - 1);
  const length = agreedLength(ring, position, slot);
  if (!fits(length, slot, slots)) return NO_LENGTH;
  const used = (load(ring + FRAMED_RING_ROOT_TAIL) - position) | 0;
  if (spanOf(length) > used) return NO_LENGTH;
  passFrame(ring, spanOf(length));
  releaseFrames(ring);
  return length;
}

function agreedLength(ring: i32, position: i32, slot: i32): i32 {
  const header = headerOf(ring, slot);
  const length = get(header + FRAME_HEADER_LENGTH);
  const mirrored = get(header + FRAME_HEADER_MIRROR) ^ position ^ FRAME_MAGIC;
  const state = load(header + FRAME_HEADER_STATE);
  const hidden = (state >>> 2) ^ sealOf(state & 3, slot, 0);
  if (length == mirrored || length == hidden) return length;
  return mirrored == hidden ? mirrored : NO_LENGTH;
}

/**
 * Of the consumer: turns the claims of a thread that has ended into padding.
 * @param owner the thread's id + 1
 * @returns how many
 */
export function reclaimFrames(ring: i32, owner: i32): i32 {
  const slots = get(ring + FRAMED_RING_ROOT_SLOTS);
  const tail = load(ring + FRAMED_RING_ROOT_TAIL);
  let position = get(ring + FRAMED_RING_ROOT_READ);
  let reclaimed = 0;
  while (((tail - position) | 0) > 0) {
    const slot = position & (slots - 1);
    const header = headerOf(ring, slot);
    const state = load(header + FRAME_HEADER_STATE); // observe: pairs with publish in writeHeader and settleFrame
    if (state == 0) return reclaimed; // a claim that is just being written: what is behind it can't be read yet, either
    const length = agreedLength(ring, position, slot);
    if (!fits(length, slot, slots)) return reclaimed;
    if (state == stateOf(FRAME_CLAIMED, slot, length) && get(header + FRAME_HEADER_OWNER) == owner) {
      if (settleFrame(ring, slot, length, FRAME_PADDING) == FRAME_SETTLED) reclaimed = (reclaimed + 1) | 0;
    }
    position = (position + spanOf(length)) | 0;
  }
  return reclaimed;
}

/** Of the consumer: the owner of the claim that it waits for, or 0 where there is none, or none that is known. */
export function blockingOwner(ring: i32): i32 {
  const slot = get(ring + FRAMED_RING_ROOT_READ) & (get(ring + FRAMED_RING_ROOT_SLOTS) - 1);
  const header = headerOf(ring, slot);
  return (load(header + FRAME_HEADER_STATE) & 3) == FRAME_CLAIMED ? get(header + FRAME_HEADER_OWNER) : 0;
}

/** Slots claimed and not yet handed on: exact while nobody writes or reads, else a moment's estimate from 0 to all. */
export function usedSlots(ring: i32): i32 {
  const head = load(ring + FRAMED_RING_ROOT_HEAD);
  const used = (load(ring + FRAMED_RING_ROOT_TAIL) - head) | 0;
  const slots = get(ring + FRAMED_RING_ROOT_SLOTS);
  return used < slots ? used : slots; // the consumer may pass between the two loads, so the difference may exceed it
}

/** Slots of a payload: at least one, so that each frame has a header of its own. */
function spanOf(length: i32): i32 {
  return length == 0 ? 1 : ((length - 1) / FRAME_SLOT_BYTES + 1) | 0;
}

function fits(length: i32, slot: i32, slots: i32): boolean {
  return length >= 0 && spanOf(length) <= ((slots - slot) | 0);
}

function stateOf(kind: i32, slot: i32, length: i32): i32 {
  // With the kind in the sealed part, too: one changed bit must not turn a frame into padding.
  return (sealOf(kind, slot, length) << 2) | kind;
}

function sealOf(kind: i32, slot: i32, length: i32): i32 {
  return (length ^ slot ^ (kind << 24) ^ FRAME_MAGIC) & 0x3fffffff;
}

function headerOf(ring: i32, slot: i32): i32 {
  return ring + FRAMED_RING_ROOT_BYTES + slot * FRAME_HEADER_BYTES;
}
