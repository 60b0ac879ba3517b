// Releasing taken slots to the next lap. The journal moves on with each, as in event-publish.ts.
import { compareExchange, get, set } from '@corelane/shared-memory/kernel/atomics';
import { POSITION_MASK } from './event-position.ts';
import { stateAt, stateOf } from './event-slot.ts';
import {
  EVENT_ABANDONED,
  EVENT_BUFFER_ROOT_CAPACITY,
  EVENT_FREE,
  EVENT_LOST,
  EVENT_READY,
  EVENT_SEAT_TAKE_LEFT,
  EVENT_SEAT_TAKE_POSITION,
  EVENT_SEAT_TAKE_URGENT,
} from './layout.generated.ts';

/**
 * Is done with the next `count` slots that the seat took.
 * @returns how many of them were events (the others are abandoned slots), or EVENT_LOST where they were taken from the seat
 */
export function releaseEvents(buffer: i32, seat: i32, count: i32): i32 {
  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);
  const urgent = get(seat + EVENT_SEAT_TAKE_URGENT);
  let position = get(seat + EVENT_SEAT_TAKE_POSITION);
  let left = get(seat + EVENT_SEAT_TAKE_LEFT);
  let events: i32 = 0;
  for (let i = 0; i < count; i++) {
    const at = stateAt(buffer, position, urgent, capacity);
    const next = stateOf((position + capacity) & POSITION_MASK, EVENT_FREE);
    const ready = stateOf(position, EVENT_READY);
    // release: pairs with observe in roomFrom, one lap later. A CAS, because the slot may have been reclaimed.
    if (compareExchange(at, ready, next) == ready) events = (events + 1) | 0;
    else {
      const abandoned = stateOf(position, EVENT_ABANDONED);
      if (compareExchange(at, abandoned, next) != abandoned) return EVENT_LOST;
    }
    position = (position + 1) & POSITION_MASK;
    left = (left - 1) | 0;
    set(seat + EVENT_SEAT_TAKE_POSITION, position);
    set(seat + EVENT_SEAT_TAKE_LEFT, left);
  }
  return events;
}
