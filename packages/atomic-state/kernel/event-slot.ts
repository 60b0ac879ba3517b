// Slots: where they lie, what their state word says, and looking along a run of them.
import { load } from '@corelane/shared-memory/kernel/atomics';
import { POSITION_MASK, positionsBetween } from './event-position.ts';
import {
  EVENT_ABANDONED,
  EVENT_BUFFER_ROOT_BYTES,
  EVENT_FREE,
  EVENT_HEADER_BYTES,
  EVENT_HEADER_STATE,
  EVENT_READY,
  EVENT_STATE_POSITION_SHIFT,
} from './layout.generated.ts';

/** `roomFrom`: all slots are free. */
export const ROOM: i32 = 0;
/** `roomFrom`: one of them has not been released since the lap before. */
export const NO_ROOM: i32 = 1;
/** What was read of `tail` or `head` is old: look again. */
export const MOVED: i32 = 2;

/** `readyFrom`: the first one was abandoned. */
export const FIRST_ABANDONED: i32 = -1;

export function slotOf(position: i32, urgent: i32, capacity: i32): i32 {
  const slot = position & (capacity - 1);
  return urgent != 0 ? slot : slot + capacity;
}

export function headerOf(buffer: i32, slot: i32): i32 {
  return buffer + EVENT_BUFFER_ROOT_BYTES + slot * EVENT_HEADER_BYTES;
}

/** The address of the state of a position. */
export function stateAt(buffer: i32, position: i32, urgent: i32, capacity: i32): i32 {
  return headerOf(buffer, slotOf(position, urgent, capacity)) + EVENT_HEADER_STATE;
}

export function stateOf(position: i32, kind: i32): i32 {
  return (position << EVENT_STATE_POSITION_SHIFT) | kind;
}

/** Are `count` slots free for the positions from `first`? ROOM holds for as long as nobody claims them. */
export function roomFrom(buffer: i32, first: i32, count: i32, urgent: i32, capacity: i32): i32 {
  for (let i = 0; i < count; i++) {
    const position = (first + i) & POSITION_MASK;
    // observe: pairs with the release in event-release.ts, one lap before; the slot is ours to write once we own the position.
    const state = load(stateAt(buffer, position, urgent, capacity));
    if (state != stateOf(position, EVENT_FREE))
      return positionsBetween(state >>> EVENT_STATE_POSITION_SHIFT, position) < 0 ? NO_ROOM : MOVED;
  }
  return ROOM;
}

/** How many events are ready from `first` without a gap, `most` at most, or FIRST_ABANDONED. */
export function readyFrom(buffer: i32, first: i32, most: i32, urgent: i32, capacity: i32): i32 {
  let count: i32 = 0;
  while (count < most) {
    const position = (first + count) & POSITION_MASK;
    // observe: pairs with the publication in event-publish.ts; the event is ours to read once we own the position.
    const state = load(stateAt(buffer, position, urgent, capacity));
    if (state != stateOf(position, EVENT_READY))
      return count == 0 && state == stateOf(position, EVENT_ABANDONED) ? FIRST_ABANDONED : count;
    count = (count + 1) | 0;
  }
  return count;
}
